"""What must change in a crate's index file when releases arrive: decided here, carried out elsewhere.

A plan is made from the index file and the tombstones as they were just read, and from nothing that somebody
remembers of them; whoever carries it out and finds that they have changed reads them and plans again.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index.crate.candidate import Candidate, Outcome
from cargo_static_index.diagnostics.problems import Problem, problem
from cargo_static_index.diagnostics.rules import CUT_SHORT
from cargo_static_index.protocol.index_entry import parse_entry
from cargo_static_index.protocol.index_file import IndexFile, Line, new_line
from cargo_static_index.protocol.semver import order_key, without_build
from cargo_static_index.tree.documents import KeptId, Tombstone, Tombstones


class CratePlan(Struct, frozen=True, kw_only=True):
    """What becomes of the releases of one crate that arrive together.

    `file` and `tombstones` are what is to stand in the tree afterwards; each is the very value handed in
    where nothing changes.
    """

    name: str
    file: IndexFile
    tombstones: Tombstones
    published: tuple[Candidate, ...] = ()
    unchanged: tuple[Candidate, ...] = ()
    refused: tuple[Outcome, ...] = ()

    def outcomes(self) -> Iterator[Outcome]:
        """Give what becomes of each, those that are published first."""
        for candidate in self.published:
            yield Outcome(candidate=candidate, status="published", problems=candidate.problems)
        for candidate in self.unchanged:
            # What is published was judged when it came: rules that came later, and their warnings, are not for it.
            yield Outcome(candidate=candidate, status="unchanged")
        yield from self.refused


def plan_crate(
    name: str, file: IndexFile, tombstones: Tombstones, arriving: Iterable[Candidate], *, restore: bool = False
) -> CratePlan:
    """Decide about releases of the crate `name` that arrive together, whatever the order they are given in.

    Bytes that are published already are unchanged, even if rules that came later would refuse them.
    Of two that cannot both be held the one that is held stays, then the one that sorts first by content.
    `restore` lifts the tombstone of a release that arrives with the bytes that were removed.
    """
    taken = {without_build(line.vers): (line.vers, line.cksum) for line in file.lines if line.vers}
    published: list[Candidate] = []
    unchanged: list[Candidate] = []
    refused: list[Outcome] = []
    for candidate in sorted(arriving, key=order_of_content):
        precedence = without_build(candidate.vers)
        held = taken.get(precedence)
        if held == (candidate.vers, candidate.cksum) and candidate.name == name:
            unchanged.append(candidate)
            continue
        problems = _problems(name, held, tombstones, candidate, restore=restore)
        if candidate.refused or problems:
            refused.append(Outcome(candidate=candidate, status="refused", problems=candidate.problems + problems))
            continue
        taken[precedence] = (candidate.vers, candidate.cksum)
        published.append(candidate)
    return CratePlan(
        name=name,
        file=_with(file, published, tombstones) if published else file,
        tombstones=_lifted(tombstones, published) if tombstones.removed else tombstones,
        published=tuple(published),
        unchanged=tuple(unchanged),
        refused=tuple(refused),
    )


def order_of_content(candidate: Candidate) -> tuple[object, ...]:
    """Sort key that settles who wins: what is said inside the archives, and never where they were found.

    The source only tells copies of the same bytes apart.
    """
    return (candidate.name, order_key(candidate.vers), candidate.cksum, candidate.source)


def spelling(arriving: Sequence[Candidate]) -> str:
    """Give the name that a crate not held yet gets, of those that arrive and collide with each other."""
    acceptable = [candidate for candidate in arriving if not candidate.refused] or arriving
    return min(candidate.name for candidate in acceptable)


def _problems(
    name: str, held: tuple[str, str] | None, tombstones: Tombstones, candidate: Candidate, *, restore: bool
) -> tuple[Problem, ...]:
    """Say what speaks against a release beside what is held or was removed."""
    if any(one.rule in CUT_SHORT for one in candidate.problems):
        return ()  # part of a release has other bytes than the whole, but that is not what is wrong with it
    if candidate.name != name:
        message = (
            f"The registry holds `{name}`, and `{candidate.name}` differs from it only in case, or in `-` and `_`: "
            "cargo could not tell them apart."
        )
        return (problem("name-collision", message, place=candidate.name),)
    if held is not None:
        return (_conflict(candidate, *held),)
    stone = tombstones.find_same_precedence(candidate.vers)
    if stone is None or (restore and stone.cksum == candidate.cksum):
        return ()
    if stone.cksum != candidate.cksum:
        return (_conflict(candidate, stone.vers, stone.cksum, "was published and removed"),)
    message = f"{candidate.name} {candidate.vers} was removed from this registry on purpose."
    file = candidate.source.rpartition("/")[2]  # it may be moved, and pages show this
    way_out = f"Raise the version, or bring it back with `cargo-static-index add --restore` and the file, {file}."
    return (problem("removed-release", message, place=f"{candidate.name} {candidate.vers}", way_out=way_out),)


def _conflict(candidate: Candidate, vers: str, cksum: str, was: str = "is published") -> Problem:
    place = f"{candidate.name} {candidate.vers}"
    if not cksum:
        message = f"{place} has a line in the index already, which cargo cannot read."
        way_out = "Raise the version, or take the line out of the index file by hand."
        return problem("release-conflict", message, place=place, way_out=way_out)
    if vers == candidate.vers:
        message = (
            f"{place} {was} already with other bytes (SHA-256 {cksum}); these have {candidate.cksum}. "
            "A release never changes."
        )
        return problem("release-conflict", message, place=place)
    message = f"{place} differs only in build metadata from {vers}, which {was} already; cargo cannot tell them apart."
    return problem("build-metadata-conflict", message, place=place)


def _with(file: IndexFile, published: Sequence[Candidate], tombstones: Tombstones) -> IndexFile:
    """Add the lines; a release brought back keeps the time of its first publication, and stays yanked if it was."""
    return file.with_lines(_line(candidate, tombstones.find(candidate.vers)) for candidate in published)


def _line(candidate: Candidate, stone: Tombstone | None) -> Line:
    if stone is None:
        # Whoever read the archive has made sure that cargo reads the line.
        return Line(
            raw=candidate.line,
            name=candidate.name,
            vers=candidate.vers,
            cksum=candidate.cksum,
            pubtime=candidate.pubtime,
        )
    entry = replace(parse_entry(candidate.line), yanked=stone.yanked, pubtime=stone.pubtime or candidate.pubtime)
    return new_line(entry)


def _lifted(tombstones: Tombstones, published: Iterable[Candidate]) -> Tombstones:
    """Mark the tombstones of releases that come back; they go once the line stands."""
    back = {candidate.vers for candidate in published if tombstones.find(candidate.vers)}
    return tombstones.with_lifted(back) if back else tombstones


class RemovalPlan(Struct, frozen=True, kw_only=True):
    """What the index file and the tombstones of a crate are to be once some of its releases are removed."""

    file: IndexFile
    tombstones: Tombstones
    removed: tuple[Line, ...]
    stones: tuple[Tombstone, ...]
    """The tombstones of what is removed."""


def plan_removal(
    file: IndexFile,
    tombstones: Tombstones,
    versions: Iterable[str],
    *,
    when: str | None = None,
    kept: KeptId | None = None,
) -> RemovalPlan:
    """Decide how to remove versions at a time; those that the file does not hold are left out of `removed`.

    `kept` names what keeps their archives.
    """
    wanted = frozenset(versions)
    removed = tuple(line for line in file.releases if line.vers in wanted)
    for line in removed:
        file = file.without(line.vers)
    stones = tuple(
        Tombstone(vers=line.vers, cksum=line.cksum, pubtime=line.pubtime, yanked=line.yanked, when=when, kept=kept)
        for line in removed
    )
    return RemovalPlan(file=file, tombstones=tombstones.with_removed(*stones), removed=removed, stones=stones)
