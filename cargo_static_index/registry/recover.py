"""Beginning where an earlier process left off: what it began is finished, and what is not known is read.

Everything is found in the tree itself. Intents only tell that there is something to find: a state may have
been of another tree, which must not suffer for what was begun in the first.
"""

from typing import TYPE_CHECKING

from msgspec import UNSET
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.registry.known import load_published
from cargo_static_index.registry.shared import is_due, name_all, prune
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.store import Delete
from cargo_static_index.tree import layout
from cargo_static_index.tree.documents import format_document
from cargo_static_index.tree.read import crates_with_tombstones, read_index, read_record, read_tombstones

if TYPE_CHECKING:  # what mends is loaded where something is to be mended
    from cargo_static_index.registry.withdraw import Withdrawn

_DAY = 86_400


def recover(transaction: Transaction, *, first: bool = True) -> "list[Withdrawn]":
    """Finish what was begun, and make the state anew where the tree is not the one that it knows.

    Gives what removals that broke off left to delete. `first`: it may be another tree, which cannot be where others
    were let in for a moment.
    """
    if transaction.log:
        if first:
            _warn_of_lost(transaction)
        return []  # what others know lies in the tree; what was begun is for `finish_changes`, which lists
    if transaction.last_record is not None:
        from cargo_static_index.registry.restore import trust_last_record

        trust_last_record(transaction)
    unfinished = transaction.is_unfinished
    known = transaction.state.site.known_tree == format_document(transaction.record)
    if not (known or unfinished):
        known = follow_others(transaction)
    if not known and first:
        if not unfinished:
            transaction.state.pages.clear()  # what was left to do may be another tree's; pages.json tells of this one
        transaction.state.site = replace(transaction.state.site, unknown=True, owed="")
    left = reconcile(transaction) if unfinished or not known else []
    if first:
        _warn_of_lost(transaction)
    return left


def _warn_of_lost(transaction: Transaction) -> None:
    if transaction.record.lost:
        from cargo_static_index.registry.restore import LOST

        transaction.listener.warn(
            f"{LOST.format(number=transaction.record.lost)} Bring index files back from a backup, or `add` the "
            "archives again, which `verify` names. Then, or if that was meant, `rebuild` accepts the loss."
        )


def know_others(transaction: Transaction) -> None:
    """Learn what is published in a shared tree that others changed: its front page tells of all that is new."""
    if transaction.log and transaction.in_doubt and not follow_others(transaction):
        held = read_record(transaction.store)
        total = load_published(transaction.state, transaction.store)
        if held.value.counting(total) == held.value:
            transaction.know(held, total, held.value.lost or 0)


def follow_others(transaction: Transaction) -> bool:
    """Learn what others changed at the cost of what they changed; False where the whole index is to be read for that.

    Dropped files of which they may judge otherwise are read again. Where the pages do not show the tree, it is not
    known what of that is whose to make.
    """
    from cargo_static_index.registry.follow import follow
    from cargo_static_index.registry.site.documents import shown_digest
    from cargo_static_index.registry.withdraw import judge_again

    held = read_record(transaction.store)
    learnt = follow(transaction.state, transaction.store, held.value)
    if learnt is None:
        return False
    transaction.know_as_read(held)
    for change in learnt:
        whole = transaction.state.published.name_of(change.key) is None
        judge_again(
            transaction, change.name, [*change.gone, *(release.vers for release in change.releases)], whole=whole
        )
    if not transaction.log and shown_digest(transaction.store) != held.value.digest:
        transaction.state.site = replace(transaction.state.site, unknown=True)
    return True


def finish_changes(transaction: Transaction) -> "list[Withdrawn]":
    """Finish the changes of a shared tree that their writers did not come to finish in time.

    Gives what removals that broke off left to delete.
    """
    if transaction.log is None:
        return []
    _finish_owners(transaction)
    left: list[Withdrawn] = []
    takes_over = False
    for identity, record in transaction.changes_of_others():
        transaction.others_at_work = transaction.others_at_work or not is_due(identity, transaction.options.clock)
        if is_due(identity, transaction.options.clock):
            takes_over = True
            transaction.take_over(identity, record)
            if transaction.record.version_addresses is True:
                from cargo_static_index.registry.addresses import changes_of_crate

                for name in (file.name for file in record.files if file.name):
                    for changes in changes_of_crate(transaction.store, name):
                        transaction.apply(changes)
            found = (finish_withdrawal(transaction, file.name) for file in record.files if file.name)
            left += [withdrawn for withdrawn in found if withdrawn]
    if takes_over:
        from cargo_static_index.registry.kept import note_first_kept

        note_first_kept(transaction)
    prune(transaction.store, transaction.options.clock)
    return left


def prune_now_and_then(transaction: Transaction) -> None:
    """Delete records of old changes, once a day: to look for them costs what was changed in a week."""
    site, now = transaction.state.site, transaction.options.now
    if not transaction.log and not site.pruned <= now < site.pruned + _DAY:
        prune(transaction.store, transaction.options.clock)
        transaction.state.site = replace(site, pruned=now)


def reconcile(transaction: Transaction, *, agreed: bool = False) -> "list[Withdrawn]":
    """Read the whole index, bring the state and tree.json in step with it, and finish what broke off.

    Gives what removals that broke off left to delete.
    Dropped files are read again where the tree lacks what the state says they became. Where `agreed`, lines that
    were lost are held to have gone on purpose.
    """
    from cargo_static_index.registry.kept import note_first_kept
    from cargo_static_index.registry.restore import recount, restore_index
    from cargo_static_index.registry.tombstones import restore_tombstones

    transaction.state.intents.begin([layout.RECORD])
    if transaction.log:
        name_all(transaction.store, transaction.options.clock)
    if not agreed:
        restore_index(transaction)
        restore_tombstones(transaction)
    recount(transaction, agreed=agreed)
    _make_pages_stale(transaction)
    _delete_unnamed(transaction)
    note_first_kept(transaction)
    _finish_owners(transaction)
    if transaction.record.version_addresses is True:
        _make_addresses(transaction, wanted=True)
    crates = list(crates_with_tombstones(transaction.store))
    left = [rest for name in crates if (rest := finish_withdrawal(transaction, name))]
    transaction.state.drop_files.reopen_unpublished()
    transaction.state.drop_files.reopen_refused("")
    going = {layout.tombstones_file(withdrawn.name) for withdrawn in left}
    transaction.state.intents.finish([path for path in transaction.state.intents.unfinished() if path not in going])
    if not transaction.log:
        transaction.records.forget_dead()
    return left


def switch_addresses(transaction: Transaction) -> None:
    """Make the addresses by version that are asked for, or take them away; tree.json says it once that is done."""
    wanted = transaction.wants_addresses
    if wanted == (transaction.record.version_addresses is True):
        return
    if transaction.options.dry:
        # Nothing is kept in memory for that: a dry run would hold all archives.
        what = "come to the addresses of their versions, too" if wanted else "go from the addresses of their versions"
        transaction.listener.note(f"The archives of {transaction.record.releases} releases would {what}.")
        return
    _make_addresses(transaction, wanted=wanted)
    transaction.update_record(lambda record: replace(record, version_addresses=True if wanted else UNSET))


def _make_addresses(transaction: Transaction, *, wanted: bool) -> None:
    from cargo_static_index.registry.addresses import changes_of_addresses

    for changes in changes_of_addresses(transaction.store, wanted=wanted):
        transaction.apply(changes)


def _make_pages_stale(transaction: Transaction) -> None:
    """Note the crates whose index files were being changed: their pages may not have been made."""
    begun = transaction.state.intents.unfinished()
    keys = [collision_key(path.rpartition("/")[2]) for path in begun if path.startswith(f"{layout.INDEX}/")]
    transaction.state.pages.make_stale(transaction.state.published.names_of(keys).values(), whole=True)


def _finish_owners(transaction: Transaction) -> None:
    """Finish changes of owners that broke off."""
    for path in list(transaction.state.intents.unfinished()):
        name = path.split("/")[1] if path.startswith(f"{layout.CRATES}/") else ""
        if path == layout.owners_copy(name):
            from cargo_static_index.registry.owners import finish_owners

            finish_owners(transaction, name)


def _delete_unnamed(transaction: Transaction) -> None:
    """Delete the archives and metadata that came to their places, and whose lines were not written any more.

    Of those that were removed before, tombstones tell; and where lines are lost, one of them may have named it.
    """
    if transaction.record.lost:
        return
    for path in list(transaction.state.intents.unfinished()):
        release = layout.release_of(path)
        if release is not None and not _is_named(transaction, *release):
            transaction.apply(Delete(path=path) for path in layout.archive_and_metadata(*release))


def _is_named(transaction: Transaction, name: str, cksum: str) -> bool:
    """Whether a crate's index file, or its tombstones, say anything of an archive; also where they cannot be read."""
    stored = (transaction.store.read(path) for path in (layout.index_file(name), layout.tombstones_file(name)))
    return any(cksum.encode() in file.content for file in stored if file)


def finish_withdrawal(transaction: Transaction, name: str) -> "Withdrawn | None":
    """Finish what was begun with a crate's tombstones, and give what is left to delete; None where nothing is.

    Archives that are kept stay. Tombstones that cannot be read are told at the end, and stop no other crate.
    """
    from cargo_static_index.registry.restore import is_left
    from cargo_static_index.registry.tombstones import update_tombstones
    from cargo_static_index.registry.withdraw import withdraw_versions

    try:
        stones = read_tombstones(transaction.store, name).value
    except InvalidDocument as error:
        transaction.failures.append(str(error))
        return None
    lines = {line.vers: line.cksum for line in read_index(transaction.store, name).value.releases}
    back = {stone.vers for stone in stones.removed if stone.lifted and lines.get(stone.vers) == stone.cksum}
    buried = [stone for stone in stones.removed if not stone.lifted]
    going = [
        stone.vers
        for stone in buried
        if lines.get(stone.vers) == stone.cksum or (not stone.kept and is_left(transaction.store, name, stone))
    ]
    if back:
        update_tombstones(transaction, name, lambda stones: stones.without(back))
    held = {stone for stone in stones.removed if stone.lifted and stone.vers not in lines}
    if held and not transaction.record.lost:
        update_tombstones(transaction, name, lambda stones: stones.with_removed(*held))
        going += [stone.vers for stone in held if is_left(transaction.store, name, stone)]
    return withdraw_versions(transaction, name, going) if going else None
