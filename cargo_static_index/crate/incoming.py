"""A crate that was checked, as it arrives at a registry: the line it would get, and what it needs."""

from collections.abc import Iterable

from cargo_static_index.crate.candidate import Candidate, DropFile, Need
from cargo_static_index.crate.check import CheckedCrate, place_of
from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.protocol.index_entry import Dependency
from cargo_static_index.protocol.index_file import new_line
from cargo_static_index.protocol.manifest.manifest import entry_of
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.protocol.registries import CRATES_IO, Home


def candidate_of(reading: CheckedCrate, *, home: Home, source: str = "", pubtime: str | None = None) -> Candidate:
    """Give a release as it arrives at `home`, with the index line it would get; InvalidInput where there is none.

    `source` is where it comes from, as its sender would write it. `pubtime` is UTC, `YYYY-MM-DDTHH:MM:SSZ`.
    What was refused comes with its problems, and `plan_crate` keeps it out.
    """
    if reading.metadata is None:
        raise InvalidInput(f"{source or 'the archive'} has no index line: {reading.problems[0].message}")
    entry = entry_of(reading.metadata.manifest, cksum=reading.metadata.cksum, home=home, pubtime=pubtime)
    line = new_line(entry)
    return Candidate(
        file=DropFile(source=source),
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


def needs_of(dependencies: Iterable[Dependency]) -> tuple[Need, ...]:
    """Give the crates that dependencies mean, here or on crates.io; other registries are not ours to know.

    Each stands once, by key: what is said of them is said in this order, in every process (law 5).
    """
    needs: dict[tuple[str, bool, str], Need] = {}
    for dep in dependencies:
        if dep.registry is None or dep.registry == CRATES_IO:
            need = _need(dep, here=dep.registry is None)
            found = (need.key, need.here, need.req)
            known = needs.get(found)
            if known is None or (need.dev, need.place) < (known.dev, known.place):
                needs[found] = need
    return tuple(needs[key] for key in sorted(needs))


def _need(dep: Dependency, *, here: bool) -> Need:
    required = here and dep.is_required
    return Need(
        key=collision_key(dep.crate),
        here=here,
        dev=dep.kind == "dev",
        place=place_of(dep),
        name=dep.crate if required else "",
        req=dep.req if required else "",
    )
