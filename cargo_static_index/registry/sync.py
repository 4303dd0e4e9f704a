"""Bringing one tree in step with another: what is there travels by content, in the order of the laws, never by time.

Lines are merged: a release never changes, and one that is only at the target stays. What is derived is not copied but
made, as the target's settings say.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import islice

from msgspec import Struct

from cargo_static_index.crate.limits import Limits
from cargo_static_index.crate.metadata import format_metadata
from cargo_static_index.diagnostics.errors import InvalidDocument, StoreError
from cargo_static_index.protocol.index_file import IndexFile, Line
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.registry.owners import write_copy
from cargo_static_index.registry.shared import IndexChange
from cargo_static_index.registry.tombstones import summed_tombstones, update_tombstones
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.registry.verify.crates import metadata_in
from cargo_static_index.registry.withdraw import Spec, Withdrawn, withdraw_versions
from cargo_static_index.store import Change, Put, Store
from cargo_static_index.store.pauses import attempts
from cargo_static_index.tree import layout
from cargo_static_index.tree.documents import Delta, Tombstone, difference
from cargo_static_index.tree.owners import read_owners
from cargo_static_index.tree.read import (
    StoredValue,
    index_paths,
    read_index,
    read_indexes,
    read_record,
    read_tombstones,
    replaced,
    weight_of,
)

CRATES_AT_ONCE = 256
"""Index files that are read together."""


class Synced(Struct, frozen=True, kw_only=True):
    """What came of it: releases that were copied, or changed; crates that were stopped, each with the reason."""

    copied: list[Spec] = []
    yanked: list[Spec] = []
    unyanked: list[Spec] = []
    removed: list[Spec] = []
    stopped: dict[str, str] = {}


class Sync:
    """Brings the tree of a transaction, which others are kept out of, in step with a source.

    Archives of what is removed are kept for so many seconds.
    """

    def __init__(self, transaction: Transaction, source: Store, limits: Limits, *, keep: float) -> None:
        self._transaction = transaction
        self._source = source
        self._limits = limits
        self._keep = keep
        self.synced = Synced()

    def run(self, *, delete: bool) -> Iterator[Withdrawn]:
        """Bring all crates in step, and give what was taken out, whose archives go once no page leads to them.

        With `delete` what is only at the target goes too; StoreError where the source's index is not all there.
        """
        total = Delta()
        paths = index_paths(self._source)
        while some := list(islice(paths, CRATES_AT_ONCE)):
            indexes = read_indexes(self._source, some)
            total = sum(map(weight_of, indexes), total)
            for index in indexes:
                name = next((line.name for line in index.value.releases), index.path.rpartition("/")[2])
                try:
                    stones = read_tombstones(self._source, name).value.removed
                    self._copy(name, index.value)
                    yield from self._bury(name, [stone.plain for stone in stones if not stone.lifted])
                except (_Stopped, InvalidDocument) as error:
                    self.synced.stopped[name] = str(error)
        if delete:
            self._need_whole(total + summed_tombstones(self._source))
            yield from self._only_here()

    def _need_whole(self, total: Delta) -> None:
        """Make sure that the source's index is what its tree.json says: else what it lost would be deleted here."""
        try:
            held = read_record(self._source)
            whole = held.stored is not None and held.value.counting(total) == held.value and not held.value.lost
        except InvalidDocument:
            whole = False
        if not whole:
            raise StoreError(
                "the source's index is not what its tree.json says, so nothing that is only at the target was "
                "deleted; `verify` the source, or run this again where somebody was publishing to it"
            )

    def _only_here(self) -> Iterator[Withdrawn]:
        """Remove what is only at the target."""
        store = self._transaction.store
        paths = index_paths(store)
        while some := list(islice(paths, CRATES_AT_ONCE)):
            there = read_indexes(self._source, some)
            for here, index in zip(read_indexes(store, some), there, strict=True):
                held = {line.vers for line in index.value.releases}
                gone = [line for line in here.value.releases if line.vers not in held]
                if gone and gone[0].name not in self.synced.stopped:
                    yield self._withdrawn(gone[0].name, [line.vers for line in gone])

    # Lines -------------------------------------------------------------------------------------------------

    def _copy(self, name: str, there: IndexFile) -> None:
        """Copy what the target lacks of a crate: archives, owners, then lines; raise _Stopped where it cannot be."""
        for _ in attempts(f"the index file of {name} is"):
            here = read_index(self._transaction.store, name)
            self._need_same_name(name)
            new = self._new_lines(name, there, here.value)
            merged = here.value.with_lines(new)
            yanked = [line for line in there.releases if _is_yanked_otherwise(line, merged)]
            for line in yanked:
                merged = merged.with_yanked(line.vers, yanked=line.yanked)
            for line in new:
                self._transaction.apply(self._archive(name, line))
            self._copy_owners(name)
            if merged == here.value:
                return
            if self._is_claimed(name, here.value) and self._written(here, merged):
                self.synced.copied.extend(Spec(name, line.vers) for line in new)
                for line in yanked:
                    (self.synced.yanked if line.yanked else self.synced.unyanked).append(Spec(name, line.vers))
                return

    def _new_lines(self, name: str, there: IndexFile, here: IndexFile) -> list[Line]:
        stones = read_tombstones(self._transaction.store, name).value
        new: list[Line] = []
        for line in there.releases:
            held = here.find_same_precedence(line.vers)
            if held is not None and (held.vers, held.cksum) != (line.vers, line.cksum):
                message = (
                    f"{name} {line.vers} has the checksum {line.cksum} there, and here {held.vers} has {held.cksum}"
                )
                raise _Stopped(f"{message}: a release never changes, so nothing of this crate was copied")
            stone = stones.find_same_precedence(line.vers)
            if held is None and (stone is None or stone.lifted):
                new.append(line)
        return new

    def _need_same_name(self, name: str) -> None:
        key = collision_key(name)
        held = self._transaction.names_of([key], {key: name}).get(key, name)
        if held != name:
            raise _Stopped(f"the target holds {held}, which cargo cannot tell from {name}")

    def _is_claimed(self, name: str, here: IndexFile) -> bool:
        return bool(here.releases) or not self._transaction.claim({collision_key(name): name})

    def _written(self, here: StoredValue[IndexFile], merged: IndexFile) -> bool:
        change = IndexChange(here, merged)
        self._transaction.begin([change])
        if self._transaction.apply(self._transaction.replaced(here.path, merged.format(), here.stored)):
            return False
        self._transaction.changed([change])
        return True

    # What lines name ---------------------------------------------------------------------------------------

    def _archive(self, name: str, line: Line) -> Iterator[Change]:
        """Give the changes that bring an archive and its metadata here, once the archive is found whole."""
        archive, path = layout.archive_and_metadata(name, line.cksum)
        stored, metadata = self._source.read_all([archive, path])
        if stored is None or sha256(stored.content).hexdigest() != line.cksum:
            raise _Stopped(f"the archive of {name} {line.vers} is {'damaged' if stored else 'missing'} at the source")
        made = None if metadata else metadata_in(stored.content, self._limits)
        content = metadata.content if metadata else made and format_metadata(made)
        yield Put(path=archive, content=stored.content)
        if content:
            yield Put(path=path, content=content)

    def _copy_owners(self, name: str) -> None:
        there = self._source.read(layout.owners_file(name))
        if there is None:
            return
        owners = read_owners(self._source, name).value  # what says nothing of owners is not copied
        for _ in attempts(f"the owners of {name} are"):
            here = self._transaction.store.read(layout.owners_file(name))
            changes = list(replaced(layout.owners_file(name), there.content, here))
            if not changes:
                return
            self._transaction.state.pages.make_stale([name])
            if not self._transaction.apply(changes):
                break
        if owners and owners.schema > 1:
            write_copy(self._transaction, owners)

    # Removals ----------------------------------------------------------------------------------------------

    def _bury(self, name: str, stones: Sequence[Tombstone]) -> Iterator[Withdrawn]:
        """Remove here what was removed there, and let the tombstones of all else come along."""
        if not stones:
            return
        here = read_index(self._transaction.store, name).value
        cksums = {stone.vers: stone.cksum for stone in stones}
        held = [line.vers for line in here.releases if cksums.get(line.vers) == line.cksum]
        if held:
            yield self._withdrawn(name, held)
        self._copy_tombstones(name, stones)

    def _copy_tombstones(self, name: str, stones: Sequence[Tombstone]) -> None:
        """Have the tombstones of what was never here come along; tree.json sums them up."""
        lines = read_index(self._transaction.store, name).value.versions
        new = [stone for stone in stones if stone.vers not in lines]
        before = read_tombstones(self._transaction.store, name).value
        after = update_tombstones(self._transaction, name, lambda known: known.with_removed(*new))
        if after != before:
            self._transaction.count(difference(after.weight(lines), before.weight(lines)))
            self._transaction.state.pages.make_stale([name])

    def _withdrawn(self, name: str, versions: Sequence[str]) -> Withdrawn:
        withdrawn = withdraw_versions(self._transaction, name, versions, keep=self._keep)
        self.synced.removed.extend(withdrawn.gone)
        return withdrawn


class _Stopped(Exception):
    """A crate cannot be brought in step."""


def _is_yanked_otherwise(line: Line, merged: IndexFile) -> bool:
    held = merged.find(line.vers)
    return held is not None and held.cksum == line.cksum and held.yanked != line.yanked
