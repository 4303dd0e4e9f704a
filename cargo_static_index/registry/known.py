"""What the state knows of the index: learnt one change at a time, or from all index files anew."""

from collections.abc import Iterator, Mapping
from itertools import islice

from msgspec.structs import replace

from cargo_static_index.protocol.index_file import IndexFile, Line
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.registry.shared import last_change
from cargo_static_index.state import CrateChange, Release, State
from cargo_static_index.store import Store
from cargo_static_index.tree.documents import Delta
from cargo_static_index.tree.read import index_paths, read_indexes, weight_of

FILES_AT_ONCE = 1000
"""Index files that are read into the state together."""


def change_between(before: IndexFile, after: IndexFile) -> CrateChange | None:
    """Give what an index file that takes another's place says anew; None where nothing can be read in either."""
    known = {line.raw for line in before.lines}
    new = [line for line in after.releases if line.raw not in known]
    held = {line.vers for line in after.releases}
    gone = [line.vers for line in before.releases if line.vers not in held]
    name = crate_name(after) or crate_name(before)
    if name is None:
        return None
    return CrateChange(
        key=collision_key(name),
        name=name,
        releases=tuple(_release(line) for line in new),
        gone=tuple(gone),
    )


def crate_name(file: IndexFile) -> str | None:
    """Give the name of the crate that an index file is about: that of its first readable line."""
    return next((line.name for line in file.releases), None)


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
            changes = (change_between(IndexFile(), each.value) for each in batch)
            state.published.update(change for change in changes if change)
            state.indexed.note((each.path, weight_of(each).digest) for each in batch)
    return total


def learn_files(state: State, store: Store, names: Mapping[str, str]) -> list[CrateChange]:
    """Read some index files into the state, by path, each with the name of its crate; what is new is given."""
    learnt: list[CrateChange] = []
    paths = iter(names)
    with state.writing():
        while batch := read_indexes(store, list(islice(paths, FILES_AT_ONCE))):
            for each in batch:
                for change in _learnt(state, names[each.path], each.value):
                    state.published.update([change])
                    learnt.append(change)
            state.indexed.note((each.path, weight_of(each).digest) for each in batch)
    return learnt


def _learnt(state: State, name: str, file: IndexFile) -> Iterator[CrateChange]:
    """Give what an index file says that the state does not know."""
    name = crate_name(file) or name
    key = collision_key(name)
    after = {line.vers: _release(line) for line in file.releases}
    known = state.published.name_of(key) or name
    before = {each.vers: each for each in state.published.releases(known)}
    new = tuple(release for vers, release in after.items() if known != name or before.get(vers) != release)
    gone = tuple(vers for vers in before if known != name or vers not in after)
    if gone:
        yield CrateChange(key=key, name=known, releases=(), gone=gone)
    if new:
        yield CrateChange(key=key, name=name, releases=new, gone=())
