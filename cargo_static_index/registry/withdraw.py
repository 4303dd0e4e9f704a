"""Changes to releases that are published: yank, unyank, remove. Each changes one crate's index file.

Cargo's book: "Publishing on crates.io", section "cargo yank". Removal is ours: crates.io has none for everybody.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from cargo_static_index.diagnostics.errors import NotHeld
from cargo_static_index.protocol.index_file import IndexFile, Line
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.registry.kept import keep_archives
from cargo_static_index.registry.restore import sound_index
from cargo_static_index.registry.shared import IndexChange
from cargo_static_index.registry.similar import hint_for
from cargo_static_index.registry.tombstones import sound_tombstones, update_tombstones
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.store import Delete, Store
from cargo_static_index.store.pauses import attempts
from cargo_static_index.tree import layout
from cargo_static_index.tree.documents import KeptId, Tombstones
from cargo_static_index.tree.plan import plan_removal
from cargo_static_index.tree.read import read_index, read_tombstones, removed_versions, say_removed


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
        for _ in attempts(f"the index file of {name} is"):
            index = read_index(transaction.store, name)
            changing = [vers for vers in versions if _line(transaction, index.value, name, vers).yanked is not yanked]
            file = index.value
            for vers in changing:
                file = file.with_yanked(vers, yanked=yanked)
            if not changing or replace_index(transaction, IndexChange(index, file)):
                break
        changed += [Spec(name, vers) for vers in changing]
    return tuple(changed)


class Withdrawn(Struct, frozen=True, kw_only=True):
    """What was taken out of a crate's index file: `gone` are the releases, `files` what is to go with them.

    That goes once no page leads to it any more; archives that are kept are not among it. `versions` are those that
    were to go, also before; `whole`: nothing is left of the crate.
    """

    name: str
    versions: tuple[str, ...]
    gone: tuple[Spec, ...]
    files: tuple[str, ...]
    whole: bool


def withdraw(transaction: Transaction, specs: Sequence[Spec], *, keep: float = 0.0) -> list[Withdrawn]:
    """Take releases, or whole crates, out of the index for good; NotHeld before anything is changed.

    Their archives are kept for so many seconds. What was removed before is passed over: whoever repeats a removal that
    broke off need not know how far it came.
    """
    left = [spec for spec in specs if not was_removed(transaction.store, spec)]
    crates = _by_crate(transaction, left)
    return [withdraw_versions(transaction, name, versions, keep=keep) for name, versions in crates.items()]


def was_removed(store: Store, spec: Spec) -> bool:
    """Whether nothing of what is meant is held because all of it was removed."""
    lines = read_index(store, spec.name).value.releases
    held = any(spec.vers in {"", line.vers} for line in lines)
    return not held and bool(removed_versions(store, spec.name, spec.vers))


def withdraw_versions(transaction: Transaction, name: str, versions: Sequence[str], *, keep: float = 0.0) -> Withdrawn:
    """Take versions of one crate out of its index file, behind their tombstones, and keep the archives for a while.

    Doing it again is harmless: that is how the next transaction finishes a removal that broke off. It finds it in the
    tree; the intent only tells it to look, and is done with once the archives are gone.
    """
    index = read_index(transaction.store, name)
    stones = read_tombstones(transaction.store, name).value
    plan = plan_removal(index.value, stones, versions, when=transaction.pubtime)
    if transaction.log:
        transaction.begin([IndexChange(index, plan.file, plan.tombstones)])
    transaction.state.intents.begin([layout.tombstones_file(name)])
    kept = keep_archives(transaction, name, plan.stones, keep)
    transaction.state.pages.make_stale([name])
    buried = _bury(transaction, name, versions, kept)
    for _ in attempts(f"the index file of {name} is"):
        index = read_index(transaction.store, name)
        plan = plan_removal(index.value, buried, versions)
        if not plan.removed or replace_index(transaction, IndexChange(index, plan.file, buried)):
            break
    lines = {line.cksum for line in plan.file.lines}
    going = (stone for stone in buried.removed if stone.vers in versions and not (stone.kept or stone.cksum in lines))
    return Withdrawn(
        name=name,
        versions=tuple(versions),
        gone=tuple(Spec(name, line.vers) for line in plan.removed),
        files=tuple(path for stone in going for path in layout.files_of(name, stone.vers, stone.cksum)),
        whole=not plan.file.releases,
    )


def delete_archives(transaction: Transaction, withdrawn: Iterable[Withdrawn]) -> None:
    """Delete the archives of what was withdrawn, and the metadata beside them: the last step of a removal."""
    for crate in withdrawn:
        transaction.apply(Delete(path=path) for path in crate.files)
        judge_again(transaction, crate.name, crate.versions, whole=crate.whole)
        transaction.state.intents.finish([layout.tombstones_file(crate.name)])


def judge_again(transaction: Transaction, name: str, versions: Sequence[str], *, whole: bool) -> None:
    """Have the next build read the files again that it may judge otherwise now.

    Of those that held what was removed it says so; where a whole crate went, another may take its name.
    """
    for vers in versions:
        transaction.state.drop_files.reopen_release(name, vers)
    if whole:
        transaction.state.drop_files.reopen_refused_by("name-collision")


def _bury(transaction: Transaction, name: str, versions: Sequence[str], kept: KeptId | None) -> Tombstones:
    """Write the tombstones of versions that the index file holds, and give all of the crate's.

    `kept` is what keeps their archives.
    """

    def with_removed(stones: Tombstones) -> Tombstones:
        index = read_index(transaction.store, name).value
        return plan_removal(index, stones, versions, when=transaction.pubtime, kept=kept).tombstones

    return update_tombstones(transaction, name, with_removed)


def replace_index(transaction: Transaction, change: IndexChange, *, whole: bool = False) -> bool:
    """Replace one index file and bring what is derived in step; False if somebody else was quicker.

    `whole` is what `Transaction.changed` says of it. One whose last line goes stays, empty: cargo reads it as a crate
    without versions, and where the crate comes back at once, servers and clients see that it was changed.
    """
    transaction.begin([change])
    written = transaction.write(change.before.path, change.after.format(), change.before.stored)
    if written:
        transaction.changed([change], whole=whole)
    return written


def _by_crate(transaction: Transaction, specs: Sequence[Spec]) -> dict[str, list[str]]:
    """Look up every spec before anything is changed: the crate's own spelling, and the versions meant."""
    found: dict[str, list[str]] = {}
    for spec in specs:
        key = collision_key(spec.name)
        name = transaction.names_of([key]).get(key)
        if name is None:
            hint = hint_for(transaction.store, spec.name)
            raise NotHeld(f"there is no crate {spec.name!r} in this registry; {hint}")
        if name != spec.name:
            raise NotHeld(f"there is no crate {spec.name!r} in this registry; did you mean {name!r}?")
        file = sound_index(transaction, name).value
        sound_tombstones(transaction, name)
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
