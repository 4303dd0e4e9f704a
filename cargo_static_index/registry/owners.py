"""Changes of who owns a crate: one small file, by compare and swap; and what its pages prove of a lost one.

Nothing deletes the file of a crate that is held, so where its pages name owners and it is not there, it was lost.
"""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidDocument, InvalidInput
from cargo_static_index.diagnostics.problems import Finding, found
from cargo_static_index.registry.site.documents import read_crate_document
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.site.crate_document import CrateDocument
from cargo_static_index.store import Store
from cargo_static_index.store.pauses import attempts
from cargo_static_index.tree import layout
from cargo_static_index.tree.owners import Owners, format_owners, parse_owner, read_owners


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
        transaction.state.pages.make_stale([name])
        if transaction.write(held.path, format_owners(after), held.stored):
            break
    return after


def _none_of(name: str) -> Owners:
    return Owners(schema=1, name=name, owners=())


def _check_removal(name: str, before: Sequence[str], after: Sequence[str], remove: Sequence[str]) -> None:
    for owner in remove:
        if owner not in before:
            raise InvalidInput(f"{owner} is no owner of {name}; it has {', '.join(before) or 'none'}")
    if before and set(after) <= set(remove):
        raise InvalidInput(f"{before[-1]} is the last owner of {name}; add another one first")


def _first_of(name: str, owners: tuple[str, ...]) -> Owners:
    return replace(_none_of(name), owners=owners)


def found_owners(transaction: Transaction, name: str, owners: tuple[str, ...]) -> bool:
    """Give a crate its first owners, before its first line; False where somebody else was quicker."""
    held = read_owners(transaction.store, name)
    return held.stored is None and transaction.write(held.path, format_owners(_first_of(name, owners)), None)


def forget_owners(transaction: Transaction, name: str, owners: tuple[str, ...]) -> None:
    """Take the first owners of a crate back where nothing of it came to be published, and they are still these."""
    held = read_owners(transaction.store, name)
    if held.value == _first_of(name, owners):
        transaction.write(held.path, None, held.stored)


def check_owners_file(store: Store, name: str) -> Iterator[Finding]:
    """Say where the file that is there cannot be read, or is of another crate."""
    try:
        read_owners(store, name)
    except InvalidDocument as error:
        yield found("owners-wrong", layout.owners_file(name), f"{error}.", "restore-owners")


def check_owners(store: Store, shown: CrateDocument) -> Iterator[Finding]:
    """Hold the owners that a crate's pages name against the file; what it cannot say is told by `check_owners_file`."""
    path = layout.owners_file(shown.name)
    try:
        held = read_owners(store, shown.name).value if shown.owners else None
    except InvalidDocument:
        return
    said = held.owners if held else ()
    if said != shown.owners:
        names = ", ".join(said) or "nobody"
        message = f"{shown.name} is owned by {names}, and by {', '.join(shown.owners)} as its pages say."
        yield found("owners-wrong", path, message, "restore-owners")


def restore_owners(transaction: Transaction, name: str) -> bool:
    """Have a crate be owned again by those whom its `index.json` names, and say so; False where that names none.

    That has a digest, and a change of owners is done once it names them.
    """
    shown = read_crate_document(transaction.store, name)
    path = layout.owners_file(name)
    if not (shown and shown.owners):
        return False
    if not transaction.write(path, format_owners(_first_of(name, shown.owners)), transaction.store.read(path)):
        return False
    owners = ", ".join(shown.owners)
    transaction.listener.warn(
        f"{path} was lost or damaged: who owns {name} was put back, {owners}. Whether new versions come by trusted "
        "publishing alone is not known; `cargo-static-index owner` sets that."
    )
    return True
