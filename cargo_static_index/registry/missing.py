"""What no client could resolve from here: dependencies that no release held here satisfies."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path

from msgspec import Struct

from cargo_static_index.diagnostics.errors import InvalidRequirement
from cargo_static_index.protocol.index_entry import Dependency, Needed, parse_needed
from cargo_static_index.protocol.index_file import IndexFile, Line
from cargo_static_index.protocol.semver import order_key
from cargo_static_index.registry.follow import is_known
from cargo_static_index.state import State, may_write, open_state
from cargo_static_index.state.needs import NeededCrate
from cargo_static_index.store import Store
from cargo_static_index.tree.missing import satisfied
from cargo_static_index.tree.read import index_paths, read_index, read_index_at, read_record

CRATES_KEPT = 10_000
"""Crates whose versions are kept in memory while all others are looked at: those that most depend on."""

STALE_AT_ONCE = 500
"""Crates whose needs are read in one transaction of the state."""


class Missing(Struct, frozen=True, kw_only=True):
    """A dependency that nothing held here satisfies, and the releases that need it, `NAME@VERSION`, in order.

    `held` are the versions of it that there are, less those that are yanked, the lowest first.
    """

    name: str
    req: str
    held: tuple[str, ...]
    needed_by: tuple[str, ...]


class MissingDependencies:
    """Asks a tree what its crates need and it does not hold."""

    def __init__(self, store: Store, state: State | None = None) -> None:
        self._store = store
        self._state = state
        self._versions = lru_cache(CRATES_KEPT)(partial(versions_held, store))

    def all(self) -> list[Missing]:
        """Give all that is missing, by name and requirement: from the state, or else the whole index is read."""
        if self._state is not None:
            self._bring_in_step(self._state)
            return self._listed(self._state)
        return self._gathered(read_index_at(self._store, path).value for path in index_paths(self._store))

    def of_crates(self, names: Iterable[str]) -> list[Missing]:
        """Give what is missing for some crates, by name and requirement; only their index files are read."""
        return self._gathered(read_index(self._store, name).value for name in sorted(names))

    def _gathered(self, files: Iterable[IndexFile]) -> list[Missing]:
        needed: dict[NeededCrate, list[str]] = {}
        for file in files:
            for release, need in self.of(file):
                needed.setdefault(need, []).append(release)
        return [self._missing(need, releases) for need, releases in sorted(needed.items())]

    def of(self, index: IndexFile) -> Iterator[tuple[str, NeededCrate]]:
        """Give release and need of each dependency of a crate that nothing here satisfies."""
        for line in index.releases:
            for need in sorted(_needed(line)):
                if not self._is_satisfied(need):
                    yield f"{line.name}@{line.vers}", need

    def _is_satisfied(self, need: NeededCrate) -> bool:
        try:
            return satisfied(need[1], self._versions(need[0]))
        except InvalidRequirement:  # cargo skips the line, so nobody needs it
            return True

    def _missing(self, need: NeededCrate, needed_by: Iterable[str]) -> Missing:
        held = tuple(sorted(self._versions(need[0]), key=order_key))
        return Missing(name=need[0], req=need[1], held=held, needed_by=tuple(needed_by))

    def _listed(self, state: State) -> list[Missing]:
        """Give what the state says is missing; each index file that needs some of it is read once."""
        needed: dict[NeededCrate, list[str]] = {need: [] for need in state.needs.missing()}
        for path in sorted({path for need in needed for path in state.needs.by(need)}):
            for line in read_index_at(self._store, path).value.releases:
                for need in _needed(line) & needed.keys():
                    needed[need].append(f"{line.name}@{line.vers}")
        return [self._missing(need, releases) for need, releases in needed.items()]

    def _bring_in_step(self, state: State) -> None:
        """Read the needs of what changed, and judge them and the needs of what changed; what breaks off is left."""
        while paths := state.needs.stale(STALE_AT_ONCE):
            with state.writing():
                changed: set[NeededCrate] = set()
                for path in paths:
                    lines = read_index_at(self._store, path).value.releases
                    changed |= state.needs.change(path, {need for line in lines for need in _needed(line)})
                    changed |= state.needs.of_file(path)
                    state.needs.settle(path)
                missing = {need for need in changed if state.needs.by(need) and not self._is_satisfied(need)}
                state.needs.judge(missing, changed - missing)


@contextmanager
def missing_in(store: Store, state_folder: Path | None = None) -> Iterator[MissingDependencies]:
    """Ask at the cost of what changed since somebody asked before, where the state is the caller's and knows the tree.

    Else the whole index is read.
    """
    if state_folder is not None and may_write(state_folder):
        with open_state(state_folder) as state:
            if is_known(state, read_record(store).value):
                yield MissingDependencies(store, state)
                return
    yield MissingDependencies(store)


def versions_held(store: Store, name: str) -> tuple[str, ...]:
    """Give the versions that are held of a crate of exactly this name, less those that are yanked."""
    releases = read_index(store, name).value.releases
    return tuple(line.vers for line in releases if line.name == name and not line.yanked)


def needed_here(deps: Iterable[Dependency | Needed]) -> set[NeededCrate]:
    """Give name and requirement of what nobody can do without who resolves a release, and that is looked for here."""
    return {(dep.crate, dep.req) for dep in deps if dep.registry is None and dep.is_required}


def _needed(line: Line) -> set[NeededCrate]:
    """Give what a release needs; nothing where it is yanked, since nobody chooses it."""
    return set() if line.yanked else needed_here(parse_needed(line.raw))
