"""Keeping the archives of removed releases for a while, and deleting them when their time has come.

What says that an archive is kept is written before the tombstone, and goes after the archive: whoever finds an archive
of a removed release that nothing keeps knows that its removal broke off.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from math import ceil
from uuid import uuid4

from msgspec import UNSET
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.registry.shared import moment, stamp
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.settings import Settings
from cargo_static_index.state.attended import is_attended
from cargo_static_index.store import Delete, Put, Store
from cargo_static_index.tree import layout
from cargo_static_index.tree.documents import Tombstone, TreeRecord
from cargo_static_index.tree.kept import KeptArchives, first_to_go, format_kept, kept_file, read_kept
from cargo_static_index.tree.read import read_index, read_record, read_tombstones, replaced

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


def keep_archives(transaction: Transaction, name: str, stones: Sequence[Tombstone], seconds: float) -> None:
    """Have the archives of releases that are about to be removed stay for so many seconds."""
    if not (stones and seconds):
        return
    until = moment(transaction.options.clock) + timedelta(seconds=ceil(seconds))
    kept = KeptArchives(name=name, until=stamp(until), removed=tuple(stones))
    transaction.apply([Put(path=kept_file(until, uuid4().hex[:12]), content=format_kept(kept))])
    note_first_kept(transaction)


def finish_kept(transaction: Transaction, named: Collection[tuple[str, str]] = ()) -> None:
    """Delete the kept archives whose time has come, and those that are `named`: (name, version), where "" is any.

    An archive goes only where its release is removed still, and no later removal keeps it.
    """
    now = stamp(moment(transaction.options.clock))
    if not named and (transaction.record.keeps_until is UNSET or transaction.record.keeps_until > now):
        return
    found = [(kept, _staying(kept.value, now, named)) for kept in read_kept(transaction.store)]
    later = {stone.cksum for _, left in found for stone in left.removed}
    for kept, left in found:
        if left != kept.value:
            _delete(transaction, kept.value.name, [stone for stone in kept.value.removed if stone.cksum not in later])
            transaction.apply(replaced(kept.path, format_kept(left) if left.removed else None, kept.stored))
    note_first_kept(transaction)


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
    try:
        buried = read_tombstones(store, name).value.removed
    except InvalidDocument:
        return False
    lines = {line.cksum for line in read_index(store, name).value.releases}
    return stone.cksum not in lines and any(other.cksum == stone.cksum and not other.lifted for other in buried)


def note_first_kept(transaction: Transaction) -> None:
    """Have tree.json say when the first archives go, listed anew whenever somebody else changed it meanwhile."""

    def with_first(record: TreeRecord) -> TreeRecord:
        first = first_to_go(transaction.store)
        return replace(record, keeps_until=stamp(first) if first else UNSET)

    transaction.update_record(with_first)
