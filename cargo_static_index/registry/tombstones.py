"""Tombstones: how they are changed, and how those that a crate's `removed.json` lost are brought back.

Tree.json sums up all that are in force, so that a lost or changed one is noticed. Each is known to the state, and, as
long as anything of the crate is held, to the crate's own `index.json`. What those know is believed where it makes just
the sum that tree.json has, or where the file itself cannot be read.
"""

from collections.abc import Callable, Iterable, Iterator

from msgspec import UNSET

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.store import Store
from cargo_static_index.store.pauses import attempts
from cargo_static_index.tree import layout
from cargo_static_index.tree.documents import (
    Delta,
    KeptId,
    Tombstone,
    Tombstones,
    TreeRecord,
    difference,
    format_document,
)
from cargo_static_index.tree.kept import read_kept
from cargo_static_index.tree.read import (
    StoredValue,
    crates_with_tombstones,
    read_index,
    read_record,
    read_tombstones,
    readable_tombstones,
)


def update_tombstones(transaction: Transaction, name: str, change: Callable[[Tombstones], Tombstones]) -> Tombstones:
    """Change a crate's tombstones by compare and swap, and give them; the last one that goes takes the file along."""
    for _ in attempts(f"the tombstones of {name} are"):
        held = read_tombstones(transaction.store, name)
        stones = change(held.value)
        content = format_document(stones) if stones.removed else None
        if stones == held.value or transaction.write(held.path, content, held.stored):
            break
    return stones


def sound_tombstones(transaction: Transaction, name: str) -> StoredValue[Tombstones]:
    """Read a crate's tombstones; where they are not what the state knows, they are set right first, which is said.

    Only a state that knows the tree can tell; the tree's lock keeps out whoever could have changed the file since.
    Raises InvalidDocument where they cannot be read, and nothing tells what they were.
    """
    if transaction.store.locks and not transaction.in_doubt and _has_some(transaction, name):
        known = _in_state(transaction, name)
        if _in_force(transaction.store, name) != known.removed and _is_summed_in_state(transaction):
            _restore(transaction, known)
    return read_tombstones(transaction.store, name)


def _has_some(transaction: Transaction, name: str) -> bool:
    return bool(_rows(transaction, name)) or transaction.store.size(layout.tombstones_file(name)) is not None


def restore_tombstones(transaction: Transaction) -> None:
    """Put back all tombstones that are lost or changed, as far as they are known."""
    store, record = transaction.store, read_record(transaction.store).value
    if transaction.in_doubt or not _is_summed_in_state(transaction):
        for known in documented_tombstones(store, record):
            _restore(transaction, known)
        return
    for name in {*transaction.state.published.crates_with_removed(), *crates_with_tombstones(store)}:
        known = _in_state(transaction, name)
        if _in_force(store, name) != known.removed:
            _restore(transaction, known)


def documented_tombstones(store: Store, record: TreeRecord) -> list[Tombstones]:
    """Give those tombstones that are not what the crates' own documents say, where these are to be believed."""
    missing = difference(_sum(record), summed_tombstones(store))
    said = [known for name in _crates(store) if (known := _documented(store, name))]
    differing = [known for known in said if _in_force(store, known.name) != known.removed]
    for some in (differing, *([one] for one in differing)):
        if sum((difference(known.weight(()), _weight(store, known.name)) for known in some), Delta()) == missing:
            return some
    return [known for known in differing if _in_force(store, known.name) is None]


def summed_tombstones(store: Store, names: Iterable[str] | None = None) -> Delta:
    """Give what all tombstones count for, or those of some crates; those that cannot be read count for nothing."""
    names = crates_with_tombstones(store) if names is None else names
    return sum((_weight(store, name) for name in names), Delta())


def are_lost(store: Store, record: TreeRecord, total: Delta) -> bool:
    """Whether tombstones were lost or changed, `total` being what index and tombstones sum up to.

    What a removal or a return that broke off explains is not taken for that: one that was not counted yet, or one
    that is counted and to go, beside its line.
    """
    if record.counts_removed(total):
        return False
    lifted = sum(_lifted(store, name) for name in crates_with_tombstones(store))
    missing = _sum(record).removed - total.removed - lifted
    return missing > 0 or (missing == 0 and not lifted)


def _restore(transaction: Transaction, known: Tombstones) -> None:
    """Have a crate's tombstones be those that are known, beside what is under way, and say so."""
    store, name = transaction.store, known.name
    path = layout.tombstones_file(name)
    stored = store.read(path)  # before what is under way: whoever changes that meanwhile is not overwritten
    held = read_index(store, name).value.versions
    under_way = (stone for stone in readable_tombstones(store, name).removed if stone.vers in held)
    stones = known.with_removed(*under_way).with_kept(_kept(store, name))
    content = format_document(stones) if stones.removed else None
    if transaction.write(path, content, stored):
        transaction.state.pages.make_stale([name])
        was = ", ".join(stone.vers for stone in known.removed)
        transaction.listener.warn(
            f"{path} was lost or changed: that {was or 'nothing'} was removed of {name} was put back."
        )


def _in_force(store: Store, name: str) -> tuple[Tombstone, ...] | None:
    """Give the tombstones in force as they were written; None where they cannot be read."""
    try:
        stones = read_tombstones(store, name).value
    except InvalidDocument:
        return None
    if not stones.removed:
        return ()
    held = read_index(store, name).value.versions
    return tuple(stone.plain for stone in stones.in_force(held))


def _kept(store: Store, name: str) -> dict[str, KeptId | None]:
    """Give what keeps archives of a crate, by their checksums: what its tombstones name, and what names these."""
    named = {stone.cksum: stone.kept for stone in readable_tombstones(store, name).removed}
    keeping = (kept.value for kept in read_kept(store) if kept.value.name == name)
    return named | {stone.cksum: kept.id for kept in keeping for stone in kept.removed}


def _weight(store: Store, name: str) -> Delta:
    return readable_tombstones(store, name).weight(read_index(store, name).value.versions)


def _lifted(store: Store, name: str) -> int:
    held = read_index(store, name).value.versions
    return sum(stone.lifted and stone.vers in held for stone in readable_tombstones(store, name).removed)


def _sum(record: TreeRecord) -> Delta:
    if record.removed is UNSET or record.tombstones is UNSET:
        return Delta()
    return Delta(removed=record.removed, tombstones=int(record.tombstones, 16))


# What is known of them --------------------------------------------------------------------------------------


def _known(store: Store, name: str, removed: Iterable[Tombstone], published: Iterable[str]) -> Tombstones:
    """Give the tombstones of a crate, given what was removed and what was published when somebody last looked.

    What is held now was brought back since, and what was published then has been removed since.
    """
    index = read_index(store, name).value.versions
    before = frozenset(published)
    since = (stone.plain for stone in readable_tombstones(store, name).in_force(index) if stone.vers in before)
    return Tombstones(name=name).with_removed(*(stone for stone in removed if stone.vers not in index), *since)


def _in_state(transaction: Transaction, name: str) -> Tombstones:
    state = transaction.state.published
    published = (release.vers for release in state.releases(name))
    return _known(transaction.store, name, _rows(transaction, name), published)


def _rows(transaction: Transaction, name: str) -> tuple[Tombstone, ...]:
    rows = transaction.state.published.removed(name)
    return tuple(
        Tombstone(vers=row.vers, cksum=row.cksum, pubtime=row.pubtime, yanked=row.yanked, when=row.when) for row in rows
    )


def _is_summed_in_state(transaction: Transaction) -> bool:
    """Whether the state knows just those that tree.json sums up."""
    crates = (
        Tombstones(name=name, removed=_rows(transaction, name))
        for name in transaction.state.published.crates_with_removed()
    )
    known = sum((crate.weight(()) for crate in crates), Delta())
    record = read_record(transaction.store).value
    return record.removed is not UNSET and known == _sum(record)


def _crates(store: Store) -> Iterator[str]:
    from cargo_static_index.site.paths import crate_document

    for path in store.list(layout.CRATES):
        name = path.split("/")[1]
        if path == crate_document(name):
            yield name


def _documented(store: Store, name: str) -> Tombstones | None:
    """Give what a crate's own document says was removed."""
    from cargo_static_index.registry.site.documents import read_crate_document

    document = read_crate_document(store, name)
    if document is None:
        return None
    return _known(store, name, document.removed, (summary.vers for summary in document.versions))
