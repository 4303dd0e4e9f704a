"""Who needs whom: read from index files, each crate as its newest release says."""

from collections.abc import Collection, Iterator

from msgspec import Struct

from cargo_static_index.protocol.index_entry import Dependency, parse_entry
from cargo_static_index.protocol.index_file import Line, newest
from cargo_static_index.protocol.semver import parse_requirement, parse_version
from cargo_static_index.store import Store
from cargo_static_index.tree.read import index_paths_by_name, read_index_at


class Dependent(Struct, frozen=True, kw_only=True):
    """A crate whose newest release needs another one of this registry."""

    name: str
    version: str
    needs: str
    requirement: str
    kind: str

    def takes(self, version: str) -> bool:
        """Whether a version is one that it could get."""
        return parse_requirement(self.requirement).matches(parse_version(version))


def dependencies_on(line: Line, names: Collection[str]) -> list[Dependency]:
    """Give how a release depends on crates of its own registry."""
    if not any(f'"{name}"'.encode() in line.raw for name in names):
        return []
    entry = parse_entry(line.raw)
    return [dep for dep in entry.deps if dep.crate in names and dep.registry is None]


def dependents_of(store: Store, names: Collection[str]) -> Iterator[Dependent]:
    """Give all crates that need one of these, by name; every index file is read."""
    for path in index_paths_by_name(store):
        line = newest(read_index_at(store, path).value.releases)
        if line is None:
            continue
        for dep in dependencies_on(line, names):
            yield Dependent(
                name=line.name, version=line.vers, needs=dep.crate, requirement=dep.req, kind=dep.kind or "normal"
            )
