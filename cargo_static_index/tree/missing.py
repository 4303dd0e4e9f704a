"""Dependencies that nothing held here satisfies, so that no client can resolve what has them."""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

from cargo_static_index.protocol.semver import Requirement, Version, parse_requirement, parse_version


def grouped(releases: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Give the versions of each name."""
    found: dict[str, list[str]] = {}
    for name, vers in releases:
        found.setdefault(name, []).append(vers)
    return found


def satisfied(req: str, versions: Iterable[str]) -> bool:
    """Whether one of these versions satisfies a requirement (cargo's book: "Specifying Dependencies")."""
    requirement = _requirement(req)
    return any(requirement.matches(_version(vers)) for vers in versions)


def missing_of(needed: Iterable[tuple[str, str]], held: Mapping[str, Collection[str]]) -> set[tuple[str, str]]:
    """Give the names and requirements, of those that are needed, that no version of that name satisfies."""
    return {(name, req) for name, req in set(needed) if not satisfied(req, held.get(name, ()))}


@lru_cache(maxsize=4096)
def _requirement(req: str) -> Requirement:
    return parse_requirement(req)


@lru_cache(maxsize=4096)
def _version(vers: str) -> Version:
    return parse_version(vers)
