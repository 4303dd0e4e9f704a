"""Beginning where an earlier process left off: what it began is finished, and what is not known is read.

Everything is found in the tree itself. Intents only tell that there is something to find: a state may have
been of another tree, which must not suffer for what was begun in the first.
"""

from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.registry.transaction import ATTEMPTS, KNOWN_TREE, PAGES_UNKNOWN, Transaction, load_published
from cargo_static_index.registry.withdraw import archive_and_metadata, remove_versions, update_tombstones
from cargo_static_index.store import Store
from cargo_static_index.tree import layout
from cargo_static_index.tree.documents import Delta, Tombstone, TreeRecord, format_document
from cargo_static_index.tree.read import read_index, read_record, read_tombstones

LOST = "The index lost the lines of releases that nobody removed: {number} of them."


def recover(transaction: Transaction) -> None:
    """Finish what was begun, and make the state anew where the tree is not the one that it knows."""
    unfinished = any(True for _ in transaction.state.intents.unfinished())
    known = transaction.state.get(KNOWN_TREE) == format_document(transaction.record)
    if not known:
        if not unfinished:
            transaction.state.pages.clear()  # what was left to do may be another tree's; pages.json tells of this one
        transaction.state.set(PAGES_UNKNOWN, b"1")
    if unfinished or not known:
        reconcile(transaction)
    if transaction.record.lost:
        transaction.listener.warn(
            f"{LOST.format(number=transaction.record.lost)} Bring index files back from a backup, or `add` the "
            "archives again, which `verify` names. Then, or if that was meant, `rebuild` takes the index as it is."
        )


def reconcile(transaction: Transaction, *, agreed: bool = False) -> None:
    """Read the whole index, bring the state and tree.json in step with it, and finish what broke off.

    Dropped files are read again where the tree lacks what the state says they became. Where `agreed`, lines that
    were lost are held to have gone on purpose.
    """
    transaction.state.intents.begin([layout.RECORD])
    _recount(transaction, agreed=agreed)
    _make_pages_stale(transaction)
    for name in crates_with_tombstones(transaction):
        for vers in finish_removal(transaction, name):
            transaction.listener.note(f"The removal of {name} {vers}, which had broken off, is finished.")
    transaction.state.drop_files.reopen_unpublished()
    transaction.state.drop_files.reopen_refused("")
    transaction.state.intents.finish(list(transaction.state.intents.unfinished()))


def _make_pages_stale(transaction: Transaction) -> None:
    """Note the crates whose index files were being changed: their pages may not have been made."""
    keys = [collision_key(path.rpartition("/")[2]) for path in transaction.state.intents.unfinished()]
    transaction.state.pages.make_stale(transaction.state.published.names_of(keys).values())


def _recount(transaction: Transaction, *, agreed: bool) -> None:
    """Count the index, and again where somebody changed it meanwhile: a count of the past would undo his."""
    for _ in range(ATTEMPTS):
        before = read_record(transaction.store)
        total = load_published(transaction.state, transaction.store)
        lost = _lost(transaction, before.record, total)
        if read_record(transaction.store) == before and transaction.know(before, total, 0 if agreed else lost):
            if agreed and lost:
                transaction.listener.note(f"{LOST.format(number=lost)} The index is taken as it is now.")
            return
    raise StoreError("the tree is changed by somebody else all the time; try again later")


def _lost(transaction: Transaction, before: TreeRecord, total: Delta) -> int:
    """Give how many releases were counted that are not there, but for those whose removal broke off."""
    missing = before.releases + (before.lost or 0) - total.releases
    if missing <= 0:
        return 0
    return max(0, missing - sum(_removals_left(transaction, name) for name in crates_with_tombstones(transaction)))


def _removals_left(transaction: Transaction, name: str) -> int:
    """Give how many of a crate's removals took the line and left files, and so perhaps did not come to tree.json."""
    lines = {line.cksum for line in read_index(transaction.store, name).file.releases}
    stones = read_tombstones(transaction.store, name).tombstones.removed
    return sum(stone.cksum not in lines and is_left(transaction.store, name, stone) for stone in stones)


def crates_with_tombstones(transaction: Transaction) -> list[str]:
    """Give the names of the crates of which something was removed."""
    paths = transaction.store.list(layout.CRATES)
    return [path.split("/")[1] for path in paths if layout.tombstones_file(path.split("/")[1]) == path]


def finish_removal(transaction: Transaction, name: str) -> list[str]:
    """Finish what was begun with a crate's tombstones, and give the versions of which something was left to remove."""
    stones = read_tombstones(transaction.store, name).tombstones
    lines = {line.vers: line.cksum for line in read_index(transaction.store, name).file.releases}
    back = {stone.vers for stone in stones.removed if stone.lifted and lines.get(stone.vers) == stone.cksum}
    buried = [stone for stone in stones.removed if not stone.lifted]
    going = [
        stone.vers
        for stone in buried
        if lines.get(stone.vers) == stone.cksum or is_left(transaction.store, name, stone)
    ]
    if back:
        update_tombstones(transaction, name, lambda stones: stones.without(back))
    if going:
        remove_versions(transaction, name, going)
    return going


def is_left(store: Store, name: str, stone: Tombstone) -> bool:
    """Whether anything of a removed release's files is still there."""
    return any(store.size(path) is not None for path in archive_and_metadata(name, stone.cksum))
