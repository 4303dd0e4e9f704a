"""What no client could resolve from here: dependencies that no release held here satisfies."""

from collections.abc import Iterable, Iterator
from functools import lru_cache, partial

from msgspec import Struct

from cargo_static_index.diagnostics.errors import InvalidIndexLine
from cargo_static_index.protocol.index_entry import Dependency, parse_entry
from cargo_static_index.protocol.index_file import IndexFile, Line
from cargo_static_index.protocol.semver import order_key
from cargo_static_index.store import Store
from cargo_static_index.tree.missing import satisfied
from cargo_static_index.tree.read import index_paths, read_index, read_index_at

CRATES_KEPT = 10_000
"""Crates whose versions are kept in memory while all others are looked at: those that most depend on."""


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

    def __init__(self, store: Store) -> None:
        self._store = store
        self._versions = lru_cache(CRATES_KEPT)(partial(versions_held, store))

    def all(self) -> list[Missing]:
        """Give all that is missing, by name and requirement; the whole index is read."""
        needed: dict[tuple[str, str], list[str]] = {}
        for path in index_paths(self._store):
            for release, name, req in self.of(read_index_at(self._store, path).value):
                needed.setdefault((name, req), []).append(release)
        return [self._missing(name, req, needed[name, req]) for name, req in sorted(needed)]

    def of(self, index: IndexFile) -> Iterator[tuple[str, str, str]]:
        """Give release, name and requirement of each dependency of a crate that nothing here satisfies."""
        for line in index.releases:
            for name, req in () if line.yanked else _needed(line):
                if not satisfied(req, self._versions(name)):
                    yield f"{line.name}@{line.vers}", name, req

    def _missing(self, name: str, req: str, needed_by: list[str]) -> Missing:
        held = tuple(sorted(self._versions(name), key=order_key))
        return Missing(name=name, req=req, held=held, needed_by=tuple(needed_by))


def versions_held(store: Store, name: str) -> tuple[str, ...]:
    """Give the versions that are held of a crate of exactly this name, less those that are yanked."""
    releases = read_index(store, name).value.releases
    return tuple(line.vers for line in releases if line.name == name and not line.yanked)


def needed_here(deps: Iterable[Dependency]) -> set[tuple[str, str]]:
    """Give name and requirement of what nobody can do without who resolves a release, and that is looked for here."""
    return {(dep.crate, dep.req) for dep in deps if dep.registry is None and dep.is_required}


def _needed(line: Line) -> set[tuple[str, str]]:
    try:
        return needed_here(parse_entry(line.raw).deps)
    except InvalidIndexLine:
        return set()
