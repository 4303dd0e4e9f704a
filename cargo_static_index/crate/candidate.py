"""A file that arrived, as one pass knows it: small enough to keep a million of them in a table."""

from collections.abc import Iterable

from msgspec import Struct

from cargo_static_index.crate.check import CheckedCrate
from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.diagnostics.rules import Problem
from cargo_static_index.protocol.index_entry import Dependency, format_entry
from cargo_static_index.protocol.index_file import new_line
from cargo_static_index.protocol.manifest.manifest import entry_of
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.protocol.registries import CRATES_IO, Home


class Need(Struct, frozen=True, kw_only=True, gc=False):
    """What a crate depends on: the collision key, and whether it is looked for in this registry or on crates.io."""

    key: str
    here: bool


class Candidate(Struct, frozen=True, kw_only=True):
    """What reading one file gave. Without a name it could not be read so far as to know its release.

    `folder` and `file` are its place in the drop directory, `seen` is what the scan saw there, and `fingerprint` the
    part that later passes may trust. A file given by name has none of the four; what is no regular file has no `seen`.
    """

    source: str
    """The path as the user would write it."""
    folder: str = ""
    file: str = ""
    fingerprint: bytes = b""
    seen: bytes = b""
    problems: tuple[Problem, ...] = ()
    refused: bool = False
    """Whether one of the problems keeps it out, whatever the registry holds."""
    key: str = ""
    """The collision key of the name."""
    name: str = ""
    vers: str = ""
    cksum: str = ""
    line: bytes = b""
    """The index line, without newline."""
    pubtime: str | None = None
    """The `pubtime` in that line."""
    needs: frozenset[Need] = frozenset()
    staged: str = ""
    """The name of the staged archive in the transaction's folder; the staged metadata have `.json` behind it."""


def candidate_of(reading: CheckedCrate, *, home: Home, source: str = "", pubtime: str | None = None) -> Candidate:
    """Give a release as it arrives at `home`, with the index line it would get; InvalidInput where there is none.

    `source` is where it comes from, as its sender would write it. `pubtime` is UTC, `YYYY-MM-DDTHH:MM:SSZ`.
    What was refused comes with its problems, and `plan_crate` keeps it out.
    """
    if reading.metadata is None:
        raise InvalidInput(f"{source or 'the archive'} has no index line: {reading.problems[0].message}")
    entry = entry_of(reading.metadata.manifest, cksum=reading.metadata.cksum, home=home, pubtime=pubtime)
    line = new_line(format_entry(entry))
    return Candidate(
        source=source,
        problems=reading.problems,
        refused=reading.refused,
        key=collision_key(entry.name),
        name=entry.name,
        vers=entry.vers,
        cksum=entry.cksum,
        line=line.raw,
        pubtime=line.pubtime,
        needs=needs_of(entry.deps),
    )


def needs_of(dependencies: Iterable[Dependency]) -> frozenset[Need]:
    """Give the crates that dependencies mean, here or on crates.io; other registries are not ours to know."""
    wanted = {
        (dep.package or dep.name, dep.registry is None)
        for dep in dependencies
        if dep.registry is None or dep.registry == CRATES_IO
    }
    return frozenset([Need(key=collision_key(name), here=here) for name, here in wanted])
