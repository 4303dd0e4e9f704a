"""What the figures are to reach, each target a number made of one row or of several."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

MIB = 1 << 20
SIZES = (1000, 10_000, 100_000, 1_000_000)
BUCKET_SIZES = (1000, 10_000, 50_000)
VERBS = ("add", "yank", "remove")

Found = Mapping[str, Mapping[str, Any]]
"""Figures by the name of their row."""


class Target(Struct, frozen=True, kw_only=True):
    """One number, and what it is to reach at most.

    `number` raises KeyError where a row that it needs is not there. `stands` is set for a target that is known to be
    missed: then a check holds the number to a third more than it stood at.
    """

    says: str
    reach: float
    number: Callable[[Found], float]
    unit: str = ""
    stands: float | None = None

    def limit(self, times: float) -> float:
        """Give what a check allows: so many times the reach, or what is known to be missed and a third more."""
        return max(times * self.reach, (self.stands or 0) * 4 / 3)


def _ratio(row: str) -> Callable[[Found], float]:
    return lambda found: float(found[row]["ratio"])


def _processor_ratio(row: str) -> Callable[[Found], float]:
    return lambda found: float(found[row]["processor_ratio"])


def _spread(numbers: Iterable[float]) -> float:
    """Give the largest by the smallest of at least two numbers."""
    known = list(numbers)
    if len(known) < 2:
        raise KeyError("other sizes")
    return max(known) / min(known)


def _of_sizes(start: str, found: Found, figure: Callable[[Mapping[str, Any]], float]) -> list[float]:
    return [figure(found[f"{start}-{size}"]) for size in SIZES if f"{start}-{size}" in found]


def _changes(start: str, verb: str) -> Callable[[Found], float]:
    return lambda found: _spread(_of_sizes(start, found, lambda each: float(each[verb]["median"])))


def _slowest(start: str) -> Callable[[Found], float]:
    def number(found: Found) -> float:
        medians = _of_sizes(start, found, lambda each: 1e3 * float(each["add"]["median"]))
        if not medians:
            raise KeyError(start)
        return max(medians)

    return number


def _versions_to_crates(found: Found) -> float:
    return float(found["versions-2000"]["ratio"]) / float(found["small-10000"]["ratio"])


def _more_at_a_million(figure: Callable[[Mapping[str, Any]], float]) -> Callable[[Found], float]:
    return lambda found: (figure(found["idle-1000000"]) - figure(found["idle-10000"])) / MIB


def _publish_at_most(found: Found) -> float:
    """Give a publish at the largest size measured by one at the smallest."""
    medians = _of_sizes("publish", found, lambda each: float(each["publish"]["median"]))
    if len(medians) < 2:
        raise KeyError("other sizes")
    return medians[-1] / medians[0]


def _publish_to_add(found: Found) -> float:
    each = found["publish-1000"]
    return float(each["publish"]["median"]) / (float(each["add"]["median"]) + float(each["nothing"]["median"]))


def _one_to_clients(found: Found) -> float:
    each = found["publish-1000"]
    if float(each["flush"]) < 0.0003:
        raise KeyError("a disk on which a flush takes 0.3 ms")
    return float(each["one client"]) / float(each["clients"])


def _to_version(row: str, command: str) -> Callable[[Found], float]:
    return lambda found: float(found[row][command]["median"]) / float(found[row]["version"]["median"])


EARLIER_VERSION = 0.41
"""What `--version` took when these reaches were set (commit c73c06c), by a bare typer program: 107 ms of processor
time and 262 ms, medians of 25 runs in turn, where that of today took 81 ms. By the clock it was 0.44."""


def _to_earlier_version(row: str, command: str) -> Callable[[Found], float]:
    def number(found: Found) -> float:
        typer = float(found["start"]["version"]["median"]) / float(found["start"]["bare typer"]["median"])
        return _to_version(row, command)(found) * typer / EARLIER_VERSION

    return number


_STARTING = (
    ("start", "", "entry", 1.8, 2.0),
    ("start", "", "check", 1.8, 2.4),
    ("start", "", "add", 2.0, 2.4),
    ("start", "", "build", 2.0, 2.8),
    ("start-pages", ", pages on", "add", 3.0, 3.8),
    ("start-pages", ", pages on", "build", 3.0, 3.2),
)
"""Rows and commands, so many times `--version` that each is to reach, and that it stands at."""


def _requests(found: Found) -> float:
    rows = (f"bucket-{size}" for size in BUCKET_SIZES)
    counts = [float(found[row]["requests"]) for row in rows if row in found]
    if len(counts) < 2:
        raise KeyError("bucket")
    return counts[-1] / counts[0]


def _paged_requests(found: Found) -> float:
    """Give the most requests for each file that changes."""
    rows = [found[f"bucket-pages-{size}"] for size in SIZES if f"bucket-pages-{size}" in found]
    if not rows:
        raise KeyError("bucket-pages")
    return max(float(each["paged requests"]) / float(each["changed"]) for each in rows)


def _search_rewrites(figure: str) -> Callable[[Found], float]:
    return lambda found: float(found["search"][figure]["median"]) / float(found["search-before"][figure]["median"])


def _arrival(found: Found) -> float:
    return float(found["arrival"]["now"]["files"]["median"]) / float(found["arrival"]["before"]["files"]["median"])


def _missing_rank(group: str) -> Callable[[Found], float]:
    return lambda found: 1 - float(found["search"]["ranks"][group])


def _largest(found: Found) -> float:
    return max(float(each["more"]) for each in found["largest"].values()) / MIB


TARGETS = (
    Target(says="cold, real crates ÷ floor", reach=1.5, number=_ratio("real")),
    Target(says="cold, real crates of today ÷ floor", reach=1.5, number=_ratio("real-today")),
    Target(says="cold, 10,000 small crates ÷ floor", reach=1.7, number=_ratio("small-10000"), stands=6.2),
    Target(
        says="cold, small crates ÷ floor, largest ÷ smallest of all sizes",
        reach=1.3,
        number=lambda found: _spread(_of_sizes("small", found, lambda each: float(each["ratio"]))),
    ),
    Target(says="2,000 versions of one ÷ floor, by the ratio of 10,000", reach=1.2, number=_versions_to_crates),
    *(
        Target(says=f"nothing new, {size:,} files ÷ walk", reach=2.0, number=_ratio(f"idle-{size}"))
        for size in SIZES[1:]
    ),
    Target(says="nothing new, 20,000 refused files, pages on ÷ walk", reach=3.0, number=_ratio("refused-20000")),
    *(
        Target(
            says=f"a lost state, {size:,} files ÷ cold, processor time",
            reach=1.0,
            number=_processor_ratio(f"lost-{size}"),
        )
        for size in SIZES[1:3]
    ),
    *(
        Target(
            says=f"{verb} one, pages {pages}, largest ÷ smallest of all sizes", reach=1.5, number=_changes(start, verb)
        )
        for pages, start in (("off", "one"), ("on", "one-pages"))
        for verb in VERBS
    ),
    *(
        Target(says=f"add one, pages {pages}, slowest of all sizes", reach=50, unit=" ms", number=_slowest(start))
        for pages, start in (("off", "one"), ("on", "one-pages"))
    ),
    Target(says="`verify` of 100,000 releases ÷ that with one processor", reach=0.5, number=_ratio("verify-before")),
    Target(says="from closing a watched file to its line ÷ a pass", reach=3.0, number=_ratio("watch")),
    Target(says="publishing over HTTP, largest size ÷ smallest", reach=1.3, number=_publish_at_most),
    Target(says="publishing over HTTP ÷ `add` and an empty request", reach=2.0, number=_publish_to_add),
    Target(says="one client's publishes a second ÷ those of eight together", reach=0.5, number=_one_to_clients),
    Target(
        says="a first upload into a bucket ÷ bare puts of its objects",
        reach=1.2,
        number=_ratio("bucket-real"),
        stands=2.0,  # where the store and others work on the same two processors: docs/decisions/006-object-stores.md
    ),
    Target(says="one more crate in a bucket, requests, largest ÷ smallest", reach=1.0, number=_requests),
    Target(says="with pages, requests for each file that changes, most of all sizes", reach=2, number=_paged_requests),
    Target(says="cold with pages ÷ without", reach=4.0, number=_ratio("pages")),
    Target(
        says="pages, processor time a real release",
        reach=3,
        unit=" ms",
        number=lambda found: 1e3 * float(found["pages"]["each"]),
        stands=7.3,  # where the floor takes 0.80 s for the real crates: docs/decisions/002-what-a-cold-build-costs.md
    ),
    Target(
        says="peak memory, cold, 1,000,000 less 10,000",
        reach=200,
        unit=" MiB",
        number=_more_at_a_million(lambda each: float(each["cold"]["peak"])),
    ),
    Target(
        says="peak memory, nothing new, 1,000,000 less 10,000",
        reach=200,
        unit=" MiB",
        number=_more_at_a_million(lambda each: float(each["peak"])),
    ),
    Target(says="peak memory of a largest crate less a small one", reach=256, unit=" MiB", number=_largest),
    Target(says="search, 1 less the mean reciprocal rank of all queries", reach=0.15, number=_missing_rank("all")),
    Target(says="search, 1 less that of queries by purpose", reach=0.3, number=_missing_rank("purpose")),
    Target(says="all files that one more real crate writes ÷ before", reach=1.5, number=_arrival),
    Target(says="search, files that one more crate rewrites ÷ before", reach=1.5, number=_search_rewrites("files")),
    Target(says="search, bytes that one more crate rewrites ÷ before", reach=1.5, number=_search_rewrites("bytes")),
    Target(says="`--version`, `--help` and misuse ÷ bare typer", reach=0.45, number=_ratio("start")),
    *(
        Target(
            says=f"{command}, whole{pages} ÷ `--version`",
            reach=reach,
            number=_to_version(row, command),
            stands=stands,  # docs/decisions/002-what-a-cold-build-costs.md: what all commands share became faster
        )
        for row, pages, command, reach, stands in _STARTING
    ),
    *(
        Target(
            says=f"{command}, whole{pages} ÷ `--version` when this reach was set, which loaded typer",
            reach=reach,
            number=_to_earlier_version(row, command),
        )
        for row, pages, command, reach, _ in _STARTING
    ),
)


def missed(found: Found, times: float) -> dict[str, set[str]]:
    """Give the targets that these figures miss by so many times, each as a sentence, with the rows that it is made of.

    Those of other rows are none.
    """
    said = {}
    for target in TARGETS:
        number = number_of(target, found)
        if number is not None and number > target.limit(times):
            sentence = f"{target.says}: {number:.2f}{target.unit}, where {target.limit(times):.2f} is allowed"
            said[sentence] = _rows_of(target, found)
    return said


def _rows_of(target: Target, found: Found) -> set[str]:
    """Give the rows without which a target's number is another, or none."""
    number = number_of(target, found)
    return {row for row in found if number_of(target, {each: found[each] for each in found if each != row}) != number}


def number_of(target: Target, found: Found) -> float | None:
    """Give a target's number, or None where one of its rows is not there."""
    try:
        return target.number(found)
    except KeyError:
        return None
