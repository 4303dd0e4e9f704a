"""Keeping the archives of removed releases for a while, and deleting them when their time has come.

What says that an archive is kept is written before the tombstone, which names it, and goes after the archive: whoever
finds an archive of a removed release whose tombstone names nothing that keeps it knows that its removal broke off.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from math import ceil

from msgspec import UNSET
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.diagnostics.problems import Finding, found
from cargo_static_index.registry.restore import is_left
from cargo_static_index.registry.shared import moment, stamp
from cargo_static_index.registry.tombstones import update_tombstones
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.settings import Settings
from cargo_static_index.state.directory import is_attended
from cargo_static_index.store import Delete, Put, Store
from cargo_static_index.tree import layout
from cargo_static_index.tree.documents import KeptId, Tombstone, Tombstones, TreeRecord
from cargo_static_index.tree.kept import (
    KeptArchives,
    damaged_kept,
    first_to_go,
    format_kept,
    kept_by,
    kept_file,
    read_kept,
)
from cargo_static_index.tree.read import (
    crates_with_tombstones,
    read_index,
    read_record,
    read_tombstones,
    readable_tombstones,
    replaced,
)

AN_HOUR = 3600.0
"""Seconds for which archives are kept by default where a process runs that deletes them: longer than any resolution."""

KEPT_LOOK = 60.0
"""Seconds between two looks of a process that deletes them, at least: in a bucket each look is a request."""


def seconds_to_keep(settings: Settings) -> float:
    """Give for how many seconds archives of removed releases are kept, as the settings say.

    Where they do not say it, none are kept unless a watcher or server runs: no later build may come to delete them.
    """
    if settings.tree.keep_removed is not None:
        return settings.tree.keep_removed
    folders = {settings.state.path, settings.shared_state or settings.state.path}
    return AN_HOUR if any(map(is_attended, folders)) else 0.0


def keep_archives(transaction: Transaction, name: str, stones: Sequence[Tombstone], seconds: float) -> KeptId | None:
    """Have the archives of releases that are about to be removed stay for so many seconds; give what keeps them."""
    if not (stones and seconds):
        return None
    until = moment(transaction.options.clock) + timedelta(seconds=ceil(seconds))
    kept = KeptArchives(name=name, until=stamp(until), removed=tuple(stones))
    transaction.apply([_put(kept)])
    note_first_kept(transaction)
    return kept.id


def _put(kept: KeptArchives) -> Put:
    return Put(path=kept_file(kept.id), content=format_kept(kept))


def finish_kept(transaction: Transaction, named: Collection[tuple[str, str]] = ()) -> None:
    """Delete the kept archives whose time has come, and those that are `named`: (name, version), where "" is any.

    An archive goes only where its release is removed still, and no later removal keeps it.
    """
    now = stamp(moment(transaction.options.clock))
    if not named and (transaction.record.keeps_until is UNSET or transaction.record.keeps_until > now):
        return
    found = [(kept, _staying(kept.value, now, named)) for kept in read_kept(transaction.store)]
    later = {stone.cksum: left.id for _, left in found for stone in left.removed}
    for kept, left in found:
        if left != kept.value and _can_be_read(transaction.store, left.name):
            _delete(transaction, left.name, [stone for stone in kept.value.removed if stone.cksum not in later])
            if left.removed:
                transaction.apply([_put(left)])
            update_tombstones(transaction, left.name, partial(_kept_otherwise, kept.value.id, later))
            transaction.apply(replaced(kept.path, None, kept.stored))
    note_first_kept(transaction)


def _kept_otherwise(identity: KeptId, later: Mapping[str, KeptId], stones: Tombstones) -> Tombstones:
    """Give tombstones of which those that name one document name what keeps their archives from now on."""
    return stones.with_kept({stone.cksum: later.get(stone.cksum) for stone in stones.removed if stone.kept == identity})


def _staying(kept: KeptArchives, now: str, named: Collection[tuple[str, str]]) -> KeptArchives:
    going = (
        stone.cksum
        for stone in kept.removed
        if kept.until <= now or not {(kept.name, ""), (kept.name, stone.vers)}.isdisjoint(named)
    )
    return kept.without(frozenset(going))


def has_archives_to_delete(store: Store, now: float) -> bool:
    """Whether the time of archives that are kept has come, so that a change of the tree deletes them."""
    try:
        keeps_until = read_record(store).value.keeps_until
    except InvalidDocument:
        return False
    return keeps_until is not UNSET and keeps_until <= stamp(moment(lambda: now))


def _delete(transaction: Transaction, name: str, stones: Sequence[Tombstone]) -> None:
    for stone in stones:
        if not _is_gone(transaction.store, name, stone):
            continue
        transaction.apply(Delete(path=path) for path in layout.files_of(name, stone.vers, stone.cksum))
        transaction.listener.note(f"The archive of {name} {stone.vers}, which was removed before, is deleted now.")


def _is_gone(store: Store, name: str, stone: Tombstone) -> bool:
    """Whether a release is removed: tombstones that cannot be read say that of none."""
    lines = {line.cksum for line in read_index(store, name).value.releases}
    buried = readable_tombstones(store, name).removed
    return stone.cksum not in lines and any(other.cksum == stone.cksum and not other.lifted for other in buried)


def _can_be_read(store: Store, name: str) -> bool:
    """Whether a crate's tombstones can be read: else nothing tells what they would be without these archives."""
    try:
        read_tombstones(store, name)
    except InvalidDocument:
        return False
    return True


# What keeps archives, and was lost or damaged ----------------------------------------------------------------


def check_kept(store: Store, names: Iterable[str]) -> Iterator[Finding]:
    """Hold what keeps archives against the tombstones of crates, of which each names the other."""
    keeping = {kept.value.id: kept.value for kept in read_kept(store)}
    for path in damaged_kept(store, keeping):
        yield found("kept-wrong", path, "This does not say which archives stay.", "restore-kept")
    for name in names:
        for stone in _kept_otherwise_than_said(store, name, keeping):
            path = kept_file(stone.kept) if stone.kept else layout.tombstones_file(name)
            message = f"How long the archive of {name} {stone.vers} stays, which was removed, is not said any more."
            yield found("kept-wrong", path, message, "restore-kept")


def _kept_otherwise_than_said(store: Store, name: str, keeping: Mapping[KeptId, KeptArchives]) -> list[Tombstone]:
    """Give the tombstones that name what is not there, or name nothing though something keeps the archive."""
    named = _named(keeping, name)
    return [
        stone
        for stone in readable_tombstones(store, name).removed
        if (stone.kept not in keeping if stone.kept else stone.cksum in named) and is_left(store, name, stone)
    ]


def _named(keeping: Mapping[KeptId, KeptArchives], name: str) -> dict[str, KeptId]:
    """Give what keeps the archives of a crate, by their checksums."""
    return {stone.cksum: kept.id for kept in keeping.values() if kept.name == name for stone in kept.removed}


def restore_kept(transaction: Transaction) -> None:
    """Have archives stay for as long as they were to, as tombstones and what these name tell of each other."""
    store = transaction.store
    keeping = {kept.value.id: kept.value for kept in read_kept(store)}
    transaction.apply(Delete(path=path) for path in damaged_kept(store, keeping))
    for name in list(crates_with_tombstones(store)):
        named = _named(keeping, name)
        lost = _kept_otherwise_than_said(store, name, keeping)
        for identity in {stone.kept for stone in lost if stone.kept and stone.cksum not in named}:
            _put_back(transaction, name, identity)
        if renamed := {stone.cksum: named[stone.cksum] for stone in lost if stone.cksum in named}:
            update_tombstones(transaction, name, partial(Tombstones.with_kept, kept=renamed))
    note_first_kept(transaction)


def _put_back(transaction: Transaction, name: str, identity: KeptId) -> None:
    """Put back what keeps the archives whose tombstones name it; it is said where that is not proven to be the same."""
    stones = readable_tombstones(transaction.store, name).removed
    kept = kept_by(identity, name, [stone for stone in stones if stone.kept == identity])
    transaction.apply([_put(kept)])
    if kept.id != identity:
        later = {stone.cksum: kept.id for stone in kept.removed}
        update_tombstones(transaction, name, partial(_kept_otherwise, identity, later))
        transaction.listener.warn(
            f"{kept_file(identity)} was lost, and the tombstones of {name} do not prove what it said: "
            f"the archives of {', '.join(stone.vers for stone in kept.removed)} stay until {kept.until}."
        )


def note_first_kept(transaction: Transaction) -> None:
    """Have tree.json say when the first archives go, listed anew whenever somebody else changed it meanwhile."""

    def with_first(record: TreeRecord) -> TreeRecord:
        first = first_to_go(transaction.store)
        return replace(record, keeps_until=stamp(first) if first else UNSET)

    transaction.update_record(with_first)
