"""Looking again at what is suspected of a tree that somebody changes meanwhile.

Who looks keeps nobody out, so a line may be read before a change and what it names after it. What is suspected counts
where it is seen while tree.json and pages.json stay as they are, and nobody has the tree open for a change. Where that
never comes, what a look at one crate sees counts if it is seen at every look; whether the tree as a whole agrees with
itself cannot be told of one whose sums change meanwhile.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Protocol

from msgspec import Struct

from cargo_static_index.diagnostics.problems import Finding
from cargo_static_index.site.paths import STATE
from cargo_static_index.store import Store, Tag
from cargo_static_index.tree import layout
from cargo_static_index.tree.changes import BEGUN
from cargo_static_index.tree.read import read_index_at

PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 2.0)
"""Seconds before each further look; together some batches of a build."""

NEVER_QUIET = (
    "The tree changed all the time, so whether its record, its lists and its pages agree with it cannot be told; "
    "verify it once more when less is published. What follows of single crates was seen at every look."
)

OF_ONE_CRATE = frozenset(
    (
        "address-missing address-unnamed address-wrong metadata-missing metadata-wrong "
        "archive-damaged archive-missing archive-unread "
        "line-differs line-misplaced line-unreadable line-wrong lines-unordered version-duplicate "
        "crates-collide file-unnamed owners-wrong removal-unfinished tombstones-unreadable"
    ).split()
)
"""What a look at a single crate sees; all else takes the whole tree."""


class LookAgain(Protocol):
    """Looks at the crates of some names, and at the `whole` tree where that is asked for."""

    def __call__(self, names: Collection[str], /, *, whole: bool) -> Iterable[Finding]:
        """Give what is wrong."""


class _Moment(Struct, frozen=True, kw_only=True):
    """By what a change of the tree is seen."""

    record: Tag | None
    pages: Tag | None
    changing: bool

    def sums_up_what(self, other: "_Moment") -> bool:
        """Whether tree.json and pages.json sum up the same at both moments."""
        return (self.record, self.pages) == (other.record, other.pages)


def confirmed(
    store: Store,
    look: Callable[[], Iterable[Finding]],
    look_again: LookAgain,
    rest: Callable[[float], None],
    warn: Callable[[str], None],
) -> Iterator[Finding]:
    """Give what a look finds, less what is a mere matter of when each file was read.

    Nothing is given before the look has come to its end. `rest` waits for so many seconds.
    """
    first = before = _moment(store)
    suspected = list(look())
    for pause in PAUSES:
        if not suspected or _was_quiet(before, _moment(store)):
            break
        rest(pause)
        before = _moment(store)
        names = {_crate_of(store, finding) for finding in suspected if finding.id in OF_ONE_CRATE}
        found = look_again(names, whole=any(finding.id not in OF_ONE_CRATE for finding in suspected))
        seen = {(finding.id, finding.path) for finding in found}
        suspected = [finding for finding in suspected if (finding.id, finding.path) in seen]
    else:
        last = _moment(store)
        if suspected and not _was_quiet(before, last) and not first.sums_up_what(last):
            warn(NEVER_QUIET)
            suspected = [finding for finding in suspected if finding.id in OF_ONE_CRATE]
    yield from suspected


def _moment(store: Store) -> _Moment:
    record, pages = store.read(layout.RECORD), store.read(STATE)
    return _Moment(
        record=record.tag if record else None,
        pages=pages.tag if pages else None,
        changing=store.is_being_changed or any(True for _ in store.list(BEGUN)),
    )


def _was_quiet(before: _Moment, after: _Moment) -> bool:
    return before == after and not after.changing


def _crate_of(store: Store, finding: Finding) -> str:
    """Give the name of the crate that a finding is about."""
    if finding.path.startswith(f"{layout.CRATES}/"):
        return finding.path.split("/")[1]
    lines = read_index_at(store, finding.path).value.releases
    return next((line.name for line in lines), finding.path.rpartition("/")[2])
