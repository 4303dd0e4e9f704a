"""Changes of who owns a crate: one small file, by compare and swap, then its copy; and who brings back a lost one.

Nothing deletes the file of a crate that is held, so where its copy or its pages name owners and it is not there, it was
lost.
"""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidDocument, InvalidInput
from cargo_static_index.diagnostics.problems import Finding, found
from cargo_static_index.registry.site.documents import read_crate_document
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.site.crate_document import CrateDocument
from cargo_static_index.site.paths import crate_document
from cargo_static_index.store import Delete, Store
from cargo_static_index.store.pauses import attempts
from cargo_static_index.tree import layout
from cargo_static_index.tree.owners import (
    Owners,
    format_owners,
    parse_owner,
    read_owners,
    read_owners_copy,
    readable_owners,
)
from cargo_static_index.tree.read import read_index, removed_versions


def change_owners(
    transaction: Transaction,
    name: str,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    trusted_only: bool | None = None,
) -> Owners:
    """Add and remove owners of a crate, held or not, and give those that it has then.

    `trusted_only` says whether cargo may publish it by trusted publishing alone; None leaves that as it is.
    Raises InvalidInput for one that is no name of an owner, or no owner yet is to be removed, or the last one.
    """
    added = [parse_owner(owner) for owner in add]
    for _ in attempts(f"the owners of {name} are"):
        held = read_owners(transaction.store, name)
        before = held.value or _none_of(name)
        _check_removal(name, before.owners, [*before.owners, *added], remove)
        names = tuple(owner for owner in dict.fromkeys((*before.owners, *added)) if owner not in remove)
        only = before.trusted_only if trusted_only is None else trusted_only
        after = replace(before, owners=names, trusted_only=only)
        if after == before:
            break
        after = replace(after, changes=before.changes + 1).summed_up()
        transaction.state.pages.make_stale([name])
        transaction.state.intents.begin([layout.owners_copy(name)])
        if transaction.write(held.path, format_owners(after), held.stored):
            write_copy(transaction, after)
            break
    return after


def write_copy(transaction: Transaction, owners: Owners) -> None:
    """Have the copy say who owns a crate, unless somebody changed that once more meanwhile."""
    for _ in attempts(f"the owners of {owners.name} are"):
        copy = readable_owners(transaction.store, owners.name, layout.owners_copy(owners.name))
        if copy.value and copy.value.changes > owners.changes:
            break
        if transaction.write(copy.path, format_owners(owners), copy.stored):
            break
    transaction.state.intents.finish([layout.owners_copy(owners.name)])


def finish_owners(transaction: Transaction, name: str) -> None:
    """Write the copy that a change of owners did not come to write, or delete it where there is no such crate."""
    owners = readable_owners(transaction.store, name, layout.owners_file(name)).value
    if owners:
        write_copy(transaction, owners)
        return
    if not (read_index(transaction.store, name).value.lines or removed_versions(transaction.store, name)):
        transaction.apply([Delete(path=layout.owners_copy(name))])
    transaction.state.intents.finish([layout.owners_copy(name)])


def _none_of(name: str) -> Owners:
    return Owners(schema=2, name=name, owners=())


def _check_removal(name: str, before: Sequence[str], after: Sequence[str], remove: Sequence[str]) -> None:
    for owner in remove:
        if owner not in before:
            raise InvalidInput(f"{owner} is no owner of {name}; it has {', '.join(before) or 'none'}")
    if before and set(after) <= set(remove):
        raise InvalidInput(f"{before[-1]} is the last owner of {name}; add another one first")


def _first_of(name: str, owners: tuple[str, ...]) -> Owners:
    return replace(_none_of(name), owners=owners).summed_up()


def found_owners(transaction: Transaction, name: str, owners: tuple[str, ...]) -> bool:
    """Give a crate its first owners, before its first line; False where somebody else was quicker."""
    held, first = read_owners(transaction.store, name), _first_of(name, owners)
    if held.stored is not None:
        return False
    copy = layout.owners_copy(name)
    if transaction.store.size(copy) is not None and restore_owners(transaction, name):
        return False  # it was lost
    transaction.state.intents.begin([copy])
    if not transaction.write(held.path, format_owners(first), None):
        transaction.state.intents.finish([copy])
        return False
    write_copy(transaction, first)
    return True


def forget_owners(transaction: Transaction, name: str, owners: tuple[str, ...]) -> None:
    """Take the first owners of a crate back where nothing of it came to be published, and they are still these."""
    held = read_owners(transaction.store, name)
    if held.value == _first_of(name, owners):
        transaction.state.intents.begin([layout.owners_copy(name)])
        transaction.write(held.path, None, held.stored)
        finish_owners(transaction, name)


def check_owners_files(store: Store, name: str) -> Iterator[Finding]:
    """Say where one of the two files is not there or cannot be read, or where they are not the same."""
    found_here: list[Owners | None] = []
    for read, path in ((read_owners, layout.owners_file(name)), (read_owners_copy, layout.owners_copy(name))):
        try:
            found_here.append(read(store, name).value)
        except InvalidDocument as error:
            yield found("owners-wrong", path, f"{error}.", "restore-owners")
            return
    owners, copy = found_here
    if owners != copy and not (copy is None and owners and owners.schema == 1):
        lost = owners is None or (copy is not None and copy.changes > owners.changes)
        path = layout.owners_file(name) if lost else layout.owners_copy(name)
        yield found(
            "owners-wrong", path, f"This is lost, or not what was last said of who owns {name}.", "restore-owners"
        )


def check_owners(store: Store, shown: CrateDocument) -> Iterator[Finding]:
    """Hold the owners that a crate's pages name against the file; what that says itself `check_owners_files` tells."""
    try:
        held = read_owners(store, shown.name).value if shown.owners else None
        copy = read_owners_copy(store, shown.name).value if shown.owners and held is None else None
    except InvalidDocument:
        return
    said = held.owners if held else ()
    if said == shown.owners or copy:
        return
    names, pages = ", ".join(said) or "nobody", ", ".join(shown.owners)
    message = f"{shown.name} is owned by {names}, and by {pages} as its pages say."
    if held and held.schema > 1:
        yield found("page-wrong", crate_document(shown.name), message, "make-pages")
    else:
        yield found("owners-wrong", layout.owners_file(shown.name), message, "restore-owners")


def restore_owners(transaction: Transaction, name: str) -> bool:
    """Have a crate be owned again as its file, or the copy, said last, or else by those whom its `index.json` names.

    Says so, and gives False where nothing names owners. The pages have a digest, and a change of owners is done once
    they name them.
    """
    store = transaction.store
    copy, held = (readable_owners(store, name, path(name)) for path in (layout.owners_copy, layout.owners_file))
    both = (owners for owners in (copy.value, held.value) if owners and owners.schema > 1)
    said = sorted(both, key=lambda owners: owners.changes)
    shown = read_crate_document(store, name)
    if not said and not (shown and shown.owners):
        return False
    owners = said[-1].summed_up() if said else _first_of(name, shown.owners if shown else ())
    if not transaction.write(held.path, format_owners(owners), held.stored):
        return False
    write_copy(transaction, owners)
    known = ""
    if not said:
        known = (
            " Whether new versions come by trusted publishing alone is not known; `cargo-static-index owner` sets that."
        )
    transaction.state.pages.make_stale([name])
    transaction.listener.warn(
        f"{held.path} was lost or damaged: who owns {name} was put back, {', '.join(owners.owners)}.{known}"
    )
    return True
