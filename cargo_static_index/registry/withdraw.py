"""Changes to releases that are published: yank, unyank, remove. Each changes one crate's index file.

Cargo's book: "Publishing on crates.io", section "cargo yank". Removal is ours: crates.io has none for everybody.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from cargo_static_index.diagnostics.errors import NotHeld, StoreError
from cargo_static_index.protocol.index_file import IndexFile, Line
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.registry.restore import sound_index
from cargo_static_index.registry.transaction import ATTEMPTS, Transaction
from cargo_static_index.store import Delete, Store
from cargo_static_index.tree import layout
from cargo_static_index.tree.documents import Tombstones, format_document
from cargo_static_index.tree.plan import plan_removal
from cargo_static_index.tree.read import HeldIndex, put, read_index, read_tombstones, removed_versions, say_removed


class Spec(Struct, frozen=True):
    """A release, or a crate where `vers` is empty, as a user names it: `NAME@VERSION`."""

    name: str
    vers: str = ""

    def __str__(self) -> str:
        """As the user writes it."""
        return f"{self.name}@{self.vers}" if self.vers else self.name


def set_yanked(transaction: Transaction, specs: Sequence[Spec], *, yanked: bool) -> tuple[Spec, ...]:
    """Yank or unyank releases, and give those that were not so before; NotHeld before anything is changed."""
    crates = _by_crate(transaction, specs)
    changed: list[Spec] = []
    for name, versions in crates.items():
        changed += _set_yanked(transaction, name, versions, yanked=yanked)
    return tuple(changed)


def _set_yanked(transaction: Transaction, name: str, versions: Sequence[str], *, yanked: bool) -> list[Spec]:
    for _ in range(ATTEMPTS):
        index = read_index(transaction.store, name)
        changing = [vers for vers in versions if _line(transaction, index.file, name, vers).yanked is not yanked]
        file = index.file
        for vers in changing:
            file = file.with_yanked(vers, yanked=yanked)
        if not changing or replace_index(transaction, index, file):
            return [Spec(name, vers) for vers in changing]
    raise StoreError(f"the index file of {name} is changed by somebody else all the time; try again later")


def remove(transaction: Transaction, specs: Sequence[Spec]) -> tuple[Spec, ...]:
    """Remove releases, or whole crates, for good, and give what was removed; NotHeld before anything is changed.

    What was removed before is passed over: whoever repeats a removal that broke off need not know how far it came.
    """
    removed: list[Spec] = []
    left = [spec for spec in specs if not was_removed(transaction.store, spec)]
    for name, versions in _by_crate(transaction, left).items():
        removed += remove_versions(transaction, name, versions)
    return tuple(removed)


def was_removed(store: Store, spec: Spec) -> bool:
    """Whether nothing of what is meant is held because all of it was removed."""
    lines = read_index(store, spec.name).file.releases
    held = any(spec.vers in {"", line.vers} for line in lines)
    return not held and bool(removed_versions(store, spec.name, spec.vers))


def remove_versions(transaction: Transaction, name: str, versions: Sequence[str]) -> list[Spec]:
    """Remove versions of one crate: tombstones, index file, what is derived, the archives last.

    Doing it again is harmless: that is how the next transaction finishes a removal that broke off. It finds it in the
    tree; the intent only tells it to look.
    """
    begun = [layout.tombstones_file(name)]
    transaction.state.intents.begin(begun)
    transaction.state.pages.make_stale([name])
    buried = _bury(transaction, name, versions)
    for _ in range(ATTEMPTS):
        index = read_index(transaction.store, name)
        plan = plan_removal(index.file, buried, versions)
        if not plan.removed or replace_index(transaction, index, plan.file):
            break
    else:
        raise StoreError(f"the index file of {name} is changed by somebody else all the time; try again later")
    transaction.derive()
    kept = {line.cksum for line in plan.file.lines}
    gone = [stone.cksum for stone in buried.removed if stone.vers in versions and stone.cksum not in kept]
    transaction.apply(Delete(path=path) for cksum in gone for path in layout.archive_and_metadata(name, cksum))
    _judge_again(transaction, name, versions, whole=not plan.file.releases)
    transaction.state.intents.finish(begun)
    return [Spec(name, line.vers) for line in plan.removed]


def _judge_again(transaction: Transaction, name: str, versions: Sequence[str], *, whole: bool) -> None:
    """Have the next pass read the files again that it may judge otherwise now.

    Of those that held what was removed it says so; where a whole crate went, another may take its name.
    """
    for vers in versions:
        transaction.state.drop_files.reopen_release(name, vers)
    if whole:
        transaction.state.drop_files.reopen_refused_by("name-collision")


def _bury(transaction: Transaction, name: str, versions: Sequence[str]) -> Tombstones:
    """Write the tombstones of versions that the index file holds, and give all of the crate's."""

    def with_removed(stones: Tombstones) -> Tombstones:
        return plan_removal(read_index(transaction.store, name).file, stones, versions).tombstones

    return update_tombstones(transaction, name, with_removed)


def update_tombstones(transaction: Transaction, name: str, change: Callable[[Tombstones], Tombstones]) -> Tombstones:
    """Change a crate's tombstones by compare and swap, and give them; the last one that goes takes the file along."""
    for _ in range(ATTEMPTS):
        held = read_tombstones(transaction.store, name)
        stones = change(held.tombstones)
        if stones == held.tombstones:
            return stones
        new = put(held.path, format_document(stones), held.tag)
        gone = Delete(path=held.path, expect=held.tag or "any")
        if not transaction.apply([new if stones.removed else gone]):
            return stones
    raise StoreError(f"the tombstones of {name} are changed by somebody else all the time; try again later")


def replace_index(transaction: Transaction, index: HeldIndex, file: IndexFile) -> bool:
    """Replace one index file and bring what is derived in step; False if somebody else was quicker."""
    transaction.begin([index])
    if file.lines:
        lost = transaction.apply([put(index.path, file.format(), index.tag)])
    else:
        lost = transaction.apply([Delete(path=index.path, expect=index.tag or "any")])
    if not lost:
        transaction.changed([(index, file)])
    return not lost


def _by_crate(transaction: Transaction, specs: Sequence[Spec]) -> dict[str, list[str]]:
    """Look up every spec before anything is changed: the crate's own spelling, and the versions meant."""
    found: dict[str, list[str]] = {}
    for spec in specs:
        name = transaction.state.published.name_of(collision_key(spec.name))
        if name is None:
            hint = say_removed(transaction.store, spec.name) or "`list` shows what is held"
            raise NotHeld(f"there is no crate {spec.name!r} in this registry; {hint}")
        if name != spec.name:
            raise NotHeld(f"there is no crate {spec.name!r} in this registry; did you mean {name!r}?")
        file = sound_index(transaction, name).file
        versions = (
            [_line(transaction, file, name, spec.vers).vers] if spec.vers else [line.vers for line in file.releases]
        )
        found.setdefault(name, []).extend(vers for vers in versions if vers not in found[name])
    return found


def _line(transaction: Transaction, file: IndexFile, name: str, vers: str) -> Line:
    line = file.find(vers)
    if line is None or not line.cksum:
        held = ", ".join(line.vers for line in file.releases[-5:]) or "none"
        hint = say_removed(transaction.store, name, vers) or f"the newest held: {held}"
        raise NotHeld(f"there is no release {name} {vers} in this registry; {hint}")
    return line
