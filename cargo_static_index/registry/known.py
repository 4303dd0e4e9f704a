"""What the state knows of the index: learnt one change at a time, or from all index files anew."""

from collections.abc import Iterator, Mapping
from itertools import islice

from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.protocol.index_file import IndexFile, Line
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.registry.shared import IndexChange, crate_name, last_change
from cargo_static_index.state import CrateChange, Release, Removed, State
from cargo_static_index.store import Store
from cargo_static_index.tree.documents import Delta, Tombstone
from cargo_static_index.tree.read import (
    StoredValue,
    crates_with_tombstones,
    index_paths,
    read_index,
    read_indexes,
    read_tombstones,
    weight_of,
)

FILES_AT_ONCE = 1000
"""Index files that are read into the state together."""


def crate_change(change: IndexChange) -> CrateChange | None:
    """Give what an index file that takes another's place says anew; None where nothing can be read in either."""
    before, after, name = change.before.value, change.after, change.name
    if not name:
        return None
    known = {line.raw for line in before.lines}
    new = [line for line in after.releases if line.raw not in known]
    held = {line.vers for line in after.releases}
    gone = [line.vers for line in before.releases if line.vers not in held]
    return CrateChange(
        key=collision_key(name),
        name=name,
        releases=tuple(_release(line) for line in new),
        gone=tuple(gone),
        removed=tuple(map(removed_row, change.removed)),
        brought_back=change.brought_back,
    )


def removed_row(stone: Tombstone) -> Removed:
    """Give what the state knows of a release that was removed."""
    return Removed(vers=stone.vers, cksum=stone.cksum, yanked=stone.yanked, pubtime=stone.pubtime, when=stone.when)


def _release(line: Line) -> Release:
    return Release(vers=line.vers, cksum=line.cksum, yanked=line.yanked, pubtime=line.pubtime)


def load_published(state: State, store: Store) -> Delta:
    """Read every index file into the state, in place of what it knew, and give what the index counts for."""
    total = Delta()
    followed = last_change(store)  # listed before: what is changed meanwhile is followed later
    paths = index_paths(store)
    with state.writing():
        state.published.clear()
        state.indexed.clear()
        state.site = replace(state.site, followed=followed)
        while batch := read_indexes(store, list(islice(paths, FILES_AT_ONCE))):
            total = sum(map(weight_of, batch), total)
            changes = (crate_change(IndexChange(_nothing_at(index.path), index.value)) for index in batch)
            state.published.update(change for change in changes if change)
            state.indexed.note((index.path, weight_of(index).digest) for index in batch)
        for name in crates_with_tombstones(store):
            total += learn_tombstones(state, store, name)
    return total


def _nothing_at(path: str) -> StoredValue[IndexFile]:
    return StoredValue(path=path, value=IndexFile(), stored=None)


def learn_tombstones(state: State, store: Store, name: str) -> Delta:
    """Read a crate's tombstones into the state, and give what they count for; nothing where they cannot be read."""
    try:
        stones = read_tombstones(store, name).value
    except InvalidDocument:
        return Delta()
    held = read_index(store, name).value.versions
    rows = tuple(map(removed_row, stones.in_force(held)))
    back = {row.vers for row in state.published.removed(name)} - {row.vers for row in rows}
    key = collision_key(name)
    state.published.update([CrateChange(key=key, name=name, removed=rows, brought_back=tuple(back))])
    return stones.weight(held)


def learn_files(state: State, store: Store, names: Mapping[str, str]) -> list[CrateChange]:
    """Read some index files into the state, by path, each with the name of its crate; what is new is given."""
    learnt: list[CrateChange] = []
    paths = iter(names)
    with state.writing():
        while batch := read_indexes(store, list(islice(paths, FILES_AT_ONCE))):
            for index in batch:
                for change in _learnt(state, names[index.path], index.value):
                    state.published.update([change])
                    learnt.append(change)
            state.indexed.note((index.path, weight_of(index).digest) for index in batch)
    return learnt


def _learnt(state: State, name: str, file: IndexFile) -> Iterator[CrateChange]:
    """Give what an index file says that the state does not know."""
    name = crate_name(file) or name
    key = collision_key(name)
    after = {line.vers: _release(line) for line in file.releases}
    known = state.published.name_of(key) or name
    before = {earlier.vers: earlier for earlier in state.published.releases(known)}
    new = tuple(release for vers, release in after.items() if known != name or before.get(vers) != release)
    gone = tuple(vers for vers in before if known != name or vers not in after)
    if gone:
        yield CrateChange(key=key, name=known, releases=(), gone=gone)
    if new:
        yield CrateChange(key=key, name=name, releases=new, gone=())
