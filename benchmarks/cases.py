"""The rows: what each measures, and on which corpus.

Where there is a floor, it and the product run in turn, each in a fresh process that says how long it took once it had
started: interpreter and imports are in neither. `ratio` is then the product's median by the floor's.
"""

import os
import random
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.bench import (
    DISK,
    MEMORY,
    Bench,
    NotRun,
    bench,
    crates_of_today,
    elsewhere,
    published,
    real_crates,
    small,
)
from benchmarks.buckets import far, one_more_in_bucket, one_more_with_pages, uploading
from benchmarks.generate import Release, Shape, archive, generate
from benchmarks.hands import after_others, beside_a_pass, eight_writers, looked_at, looked_at_whole
from benchmarks.measure import Run, in_turn, seconds, spread, to_json, walls
from benchmarks.publish import publishes
from benchmarks.reading import parts_of_reading
from benchmarks.search import finding
from benchmarks.start import start, start_with_pages

ARRIVALS = 40
"""Real crates that arrive one by one among the others."""
TRIES = 40
"""Small changes that one row makes, each in a transaction of its own."""
LEFT_OUT = 2
"""The first of them, which warm caches."""
MIB = 1 << 20

Figures = dict[str, Any]


class Row(Struct, frozen=True, kw_only=True):
    """One row of the table: its name on the command line, what it says, and how it is measured in so many turns.

    `rare` rows take long or much memory and run only when they are named.
    """

    name: str
    says: str
    measure: Callable[[int], Figures]
    rare: bool = False


# Passes ----------------------------------------------------------------------------------------------------


def cold(place: Callable[[], AbstractContextManager[Bench]], *options: str) -> Callable[[int], Figures]:
    """Compare cold builds."""

    def measure(turns: int) -> Figures:
        with place() as here:
            runs = in_turn({"floor": here.cold_floor, "product": lambda: here.cold_product(*options)}, turns)
        figures = _compared(runs["floor"], runs["product"])
        return {
            **figures,
            "crates": int(runs["floor"][0].printed["done"]),
            "processor_ratio": _median_cpu(runs["product"]) / _median_cpu(runs["floor"]),
        }

    return measure


def of_today(turns: int) -> Figures:
    """Compare cold builds of real crates of today, and say what reading them takes beside the other real ones."""
    figures = cold(crates_of_today, "--mirror")(turns)
    sets = {"of today": crates_of_today, "of `real`": real_crates}
    for name, place in sets.items():
        with place() as here:
            figures |= {name: parts_of_reading(here.drop, turns)}
    return figures


def cold_before(place: Callable[[], AbstractContextManager[Bench]], *options: str) -> Callable[[int], Figures]:
    """Give what cold builds take of the processors, here and in the checkout that BEFORE names, in turn."""

    def measure(turns: int) -> Figures:
        with place() as here:
            builds = {name: partial(each.cold_product, *options) for name, each in _now_and_before(here).items()}
            runs = in_turn(builds, turns)
        crates = int(runs["now"][0].printed["published"])
        return {"crates": crates, "processor": {"count": turns, "build": _processor(runs)}}

    return measure


def _processor(runs: Mapping[str, list[Run]]) -> dict[str, Any]:
    return {name: to_json(spread([each.cpu for each in found])) for name, found in runs.items()}


def of(shape: Shape, folder: Path = MEMORY) -> Callable[[], AbstractContextManager[Bench]]:
    """Give what makes a place with the crates of a shape."""
    return lambda: bench(shape, folder)


def _compared(floor: list[Run], product: list[Run]) -> Figures:
    of_floor, of_product = seconds(floor), seconds(product)
    return {
        "ratio": of_product.median / of_floor.median,
        "floor": to_json(of_floor),
        "product": to_json(of_product),
        "peak": spread([each.peak for each in product]).median,
    }


def _median_cpu(runs: list[Run]) -> float:
    return spread([each.cpu for each in runs]).median


def pages_of_real(turns: int) -> Figures:
    """Compare cold builds of real crates with pages to those without; `each` is what they take a release."""
    with real_crates() as here:
        runs = in_turn(
            {
                "without": lambda: here.cold_product("--mirror"),
                "with": lambda: here.cold_product("--mirror", "--pages"),
            },
            turns,
        )
    crates = int(runs["with"][0].printed["published"])
    return {
        **_compared(runs["without"], runs["with"]),
        "crates": crates,
        "each": (_median_cpu(runs["with"]) - _median_cpu(runs["without"])) / crates,
    }


SOURCES = ("none", "docs", "all")

BEFORE = "BENCHMARKS_BEFORE"
"""The environment's name for the folder of an earlier checkout."""


def pages_by_source(turns: int) -> Figures:
    """Give for each value of `[pages] source` what the pages of a real release take: processor time, files, bytes."""
    with real_crates() as here:
        without = [here.cold_product("--mirror") for _ in range(turns)]
        bare = _size(here.base / "tree")
        found: dict[str, object] = {}
        for source in SOURCES:
            runs = [here.cold_product("--mirror", "--pages", "--source", source) for _ in range(turns)]
            crates = int(runs[0].printed["published"])
            files, content = (now - then for now, then in zip(_size(here.base / "tree"), bare, strict=True))
            found[source] = {
                "each": (_median_cpu(runs) - _median_cpu(without)) / crates,
                "files": files / crates,
                "bytes": content / crates,
                "count": turns,
            }
    return {**found, "crates": crates}


def pages_before(turns: int) -> Figures:
    """Give what the pages of a real release take here and in the checkout that BEFORE names, in turn."""
    with real_crates() as here:
        benches = _now_and_before(here)
        runs = in_turn(
            {
                f"{name} {'with' if pages else 'without'}": partial(bench.cold_product, "--mirror", *pages)
                for name, bench in benches.items()
                for pages in ((), ("--pages",))
            },
            turns,
        )
        found: dict[str, object] = {"count": turns, "crates": int(runs["now with"][0].printed["published"])}
        for name, bench in benches.items():
            found[name] = _of_pages(bench, runs[f"{name} with"], runs[f"{name} without"])
    return found


def arrivals(_: int) -> Figures:
    """Give the files of a tree that a real crate writes that arrives among all others, here and in an earlier checkout.

    Its own pages are among them.
    """
    with real_crates() as here:
        benches = _now_and_before(here)
        dropped = sorted(here.drop.iterdir())
        arriving = [path.rename(here.base / path.name) for path in dropped[:: len(dropped) // ARRIVALS][:ARRIVALS]]
        found: Figures = {"crates": len(dropped) - len(arriving)}
        for name, bench in benches.items():
            bench.cold_product("--mirror", "--pages")
            written = [_written_by(bench, path) for path in arriving]
            found[name] = {
                "files": to_json(spread([files for files, _ in written])),
                "bytes": to_json(spread([size for _, size in written])),
            }
    return found


def _now_and_before(here: Bench) -> dict[str, Bench]:
    if BEFORE not in os.environ:
        raise NotRun(f"{BEFORE} names no earlier checkout, set up with its own scripts/setup")
    return {"now": here, "before": replace(here, checkout=Path(os.environ[BEFORE]))}


def _written_by(here: Bench, path: Path) -> tuple[int, int]:
    """Publish a file, and give how many files of the tree that wrote or deleted, and the bytes of those written."""
    before = _stamps(here.base / "tree")
    here.product("add", "--mirror", "--pages", str(path))
    after = _stamps(here.base / "tree")
    changed = {each for each in before.keys() | after.keys() if before.get(each) != after.get(each)}
    return len(changed), sum(after[each][1] for each in changed & after.keys())


def _stamps(folder: Path) -> dict[Path, tuple[int, int]]:
    """Give the inode and the size of each file: one that is written anew has another inode."""
    found = ((path, path.stat()) for path in folder.rglob("*") if path.is_file())
    return {path: (stat.st_ino, stat.st_size) for path, stat in found}


def _of_pages(here: Bench, having: list[Run], without: list[Run]) -> Figures:
    """Give what pages take a release: processor time, files, bytes."""
    here.cold_product("--mirror")
    bare = _size(here.base / "tree")
    crates = int(here.cold_product("--mirror", "--pages").printed["published"])
    files, content = (now - then for now, then in zip(_size(here.base / "tree"), bare, strict=True))
    each = (_median_cpu(having) - _median_cpu(without)) / crates
    return {"each": each, "files": files / crates, "bytes": content / crates}


def _size(folder: Path) -> tuple[int, int]:
    """Give how many files a folder holds, and their bytes."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


def idle(crates: int, folder: Path = MEMORY) -> Callable[[int], Figures]:
    """Measure a pass that finds nothing new against a bare walk of the same folder."""

    def measure(turns: int) -> Figures:
        with _held(crates, folder) as (here, first):
            runs = in_turn(
                {"walk": lambda: here.floor("walk", here.drop), "product": lambda: here.product("build")}, turns
            )
        cold = {"wall": first.wall, "peak": first.peak}
        return {**_compared(runs["walk"], runs["product"]), "crates": crates, "cold": cold}

    return measure


def lost_state(crates: int) -> Callable[[int], Figures]:
    """Compare a pass that has lost its state, and finds all published, with the cold build of the same files."""

    def measure(turns: int) -> Figures:
        def lost() -> Run:
            shutil.rmtree(here.base / "state")
            return here.product("build")

        with bench(small(crates)) as here:
            runs = in_turn({"cold": here.cold_product, "lost": lost}, turns)
        return {
            **_compared(runs["cold"], runs["lost"]),
            "crates": crates,
            "processor_ratio": _median_cpu(runs["lost"]) / _median_cpu(runs["cold"]),
        }

    return measure


def refused(files: int) -> Callable[[int], Figures]:
    """Measure a pass that finds only files that were refused before, with pages, against a walk of the same folder."""

    def measure(turns: int) -> Figures:
        with bench(None) as here:
            elsewhere(_write_broken, here.drop, files)
            time.sleep(2.1)
            here.product("build", "--pages")
            runs = in_turn(
                {"walk": lambda: here.floor("walk", here.drop), "product": lambda: here.product("build", "--pages")},
                turns,
            )
        return {**_compared(runs["walk"], runs["product"]), "crates": files}

    return measure


def _write_broken(folder: Path, files: int) -> None:
    folder.mkdir()
    for number in range(files):
        (folder / f"{number:05}.crate").write_bytes(b"no crate")


@contextmanager
def _held(crates: int, folder: Path, *options: str) -> Iterator[tuple[Bench, Run]]:
    """Give so many small crates, dropped and published; without pages and in memory the next row gets the same."""
    if folder == MEMORY and "--pages" not in options:
        with published(crates) as found:
            yield found
    else:
        with bench(small(crates), folder) as here:
            yield here, here.cold_product(*options)


# One change ------------------------------------------------------------------------------------------------


def one_more(crates: int, *options: str, folder: Path = MEMORY) -> Callable[[int], Figures]:
    """Measure one small change after the other in a tree of so many releases, in seconds inside the process."""

    def measure(_: int) -> Figures:
        with _held(crates, folder, *options) as (here, _first):
            return {"crates": crates, **small_changes(here, *options)}

    return measure


def small_changes(here: Bench, *options: str) -> Figures:
    """Add, yank and remove, one release after the other, each in a transaction of its own."""
    added = here.base / "more"
    generate(added, Shape(names=TRIES, versions=1, first=5_000_000))
    files = sorted(map(str, added.iterdir()))
    releases = [f"bench-{number:07}@1.0.1" for number in range(TRIES)]
    changes = (("add", files), ("yank", releases), ("remove", releases))
    return {verb: to_json(spread(here.product(verb, *options, *what).printed[LEFT_OUT:])) for verb, what in changes}


def one_more_before(*options: str) -> Callable[[int], Figures]:
    """Give what one small change takes of a processor, here and in the checkout that BEFORE names, in turn.

    Each changes a tree of 1,000 releases that it made itself. Of a process that makes many changes the first few are
    taken off, which a process of their own makes: so starting is in no figure.
    """

    def measure(turns: int) -> Figures:
        turns = min(turns, 8)
        with bench(small(1000)) as here:
            benches = {name: _apart(each, name) for name, each in _now_and_before(here).items()}
            for each in benches.values():
                each.product("build", *options)
            generate(here.base / "more", Shape(names=TRIES * (turns + 1), versions=1, first=5_000_000))
            files = sorted(map(str, (here.base / "more").iterdir()))
            changed = {
                "add": files,
                "yank": [f"bench-{at % TRIES:07}@1.0.{at // TRIES}" for at in range(len(files))],
                "remove": [f"bench-{at % TRIES:07}@1.0.{at // TRIES}" for at in range(len(files))],
            }
            found = {
                verb: _processor(in_turn(_changes(benches, verb, what, options), turns))
                for verb, what in changed.items()
            }
        return {"crates": 1000, "processor": {"count": turns, **found}}

    return measure


def _changes(
    benches: Mapping[str, Bench], verb: str, what: list[str], options: tuple[str, ...]
) -> dict[str, Callable[[], Run]]:
    """Give for each checkout what makes the next TRIES changes, as a run whose processor time is that of one."""

    def change(here: Bench, parts: Iterator[list[str]]) -> Run:
        some = next(parts)
        first = here.product(verb, *options, *some[:LEFT_OUT])
        rest = here.product(verb, *options, *some[LEFT_OUT:])
        return replace(rest, cpu=(rest.cpu - first.cpu) / (len(some) - 2 * LEFT_OUT))

    parts = [what[at : at + TRIES] for at in range(0, len(what), TRIES)]
    return {name: partial(change, each, iter(parts)) for name, each in benches.items()}


def from_closing_to_line(_: int) -> Figures:
    """Measure what a client waits for after a crate was closed in a watched folder, beside a pass's own work."""
    with bench(small(1000)) as here:
        here.cold_product()
        dropped = here.base / "more"
        generate(dropped, Shape(names=2 * TRIES, versions=1, first=5_000_000))
        run = here.product("watch", *sorted(map(str, dropped.iterdir())))
    passes, watched = (spread(run.printed[each][LEFT_OUT:]) for each in ("passes", "watched"))
    ratio = watched.median / passes.median
    return {"ratio": ratio, "floor": to_json(passes), "product": to_json(watched), "peak": run.peak}


def others(crates: int) -> Callable[[int], Figures]:
    """Measure what a writer with a state of its own pays for another's pass, in a tree of so many releases."""

    def measure(_: int) -> Figures:
        with _held(crates, MEMORY) as (here, _first):
            return {"crates": crates, **after_others(here)}

    return measure


def asking_what_is_missing(crates: int) -> Callable[[int], Figures]:
    """Measure `missing` in a tree of so many releases: asked for the first time, and after one more arrived."""

    def measure(_: int) -> Figures:
        with _held(crates, MEMORY) as (here, _first):
            added = here.base / "asked"
            generate(added, Shape(names=TRIES, versions=1, first=6_000_000))
            asked = here.product("missing", *sorted(map(str, added.iterdir())))
        again = to_json(spread(asked.printed["again"][LEFT_OUT:]))
        return {"crates": crates, **asked.printed, "again": again, "peak": asked.peak}

    return measure


def verifying(crates: int) -> Callable[[int], Figures]:
    """Measure `verify` of so many releases with their pages, in one process and in two."""

    def measure(turns: int) -> Figures:
        with _held(crates, MEMORY, "--pages") as (here, _first):
            took = {jobs: spread([looked_at(here, jobs) for _ in range(min(turns, 3))]) for jobs in (1, 2)}
        figures = {f"{jobs} processes": to_json(each) for jobs, each in took.items()}
        return {"crates": crates, **figures, "verify": took[2].median / took[1].median}

    return measure


def verifying_before(crates: int) -> Callable[[int], Figures]:
    """Measure the command `verify` here and in an earlier checkout, in turn, each on a tree that it made itself."""

    def measure(turns: int) -> Figures:
        with bench(small(crates)) as here:
            benches = {name: _apart(each, name) for name, each in _now_and_before(here).items()}
            for each in benches.values():
                each.product("build")
            runs = in_turn({name: partial(looked_at_whole, each) for name, each in benches.items()}, min(turns, 3))
        now, before = walls(runs["now"]), walls(runs["before"])
        return {"crates": crates, "now": to_json(now), "before": to_json(before), "ratio": now.median / before.median}

    return measure


def _apart(here: Bench, name: str) -> Bench:
    """Give a folder of its own for tree and state, with the same drop directory."""
    base = here.base / name
    base.mkdir()
    (base / "drop").symlink_to(here.drop)
    return replace(here, base=base)


def beside(crates: int) -> Callable[[int], Figures]:
    """Measure one `add` beside a pass of so many crates, and eight writers at the same time."""

    def measure(_: int) -> Figures:
        with bench(small(crates)) as here:
            found = beside_a_pass(here)
        with bench(small(1)) as here:
            return {"crates": crates, **found, "writers": eight_writers(here)}

    return measure


def publishing(crates: int) -> Callable[[int], Figures]:
    """Measure publishing over HTTP into a tree of so many releases on a disk, flushed and with pages."""

    def measure(_: int) -> Figures:
        with _held(crates, DISK, "--pages") as (here, _first):
            return {"crates": crates, **publishes(here)}

    return measure


def onto_many(*options: str) -> Callable[[int], Figures]:
    """Measure one more version onto 2,000 of one crate, and onto one."""

    def measure(_: int) -> Figures:
        found: Figures = {}
        for versions in (1, 2000):
            with bench(Shape(names=1, versions=versions)) as here:
                here.cold_product(*options)
                more = here.base / "more"
                generate(more, Shape(names=1, versions=versions + TRIES))
                files = sorted(path for path in map(str, more.iterdir()) if not (here.drop / Path(path).name).exists())
                found[str(versions)] = to_json(spread(here.product("add", *options, *files).printed[LEFT_OUT:]))
                (index,) = (path for path in (here.base / "tree" / "index").rglob("bench-0000000"))
                found[f"{versions} bytes"] = index.stat().st_size
        return found

    return measure


# Memory, and starting --------------------------------------------------------------------------------------


def largest(turns: int) -> Figures:
    """Measure the memory that the largest crates take beyond a small one: of one file, and of very many."""
    peaks = {name: _peaks(make, turns) for name, make in _LARGE.items()}
    usual = peaks.pop("small").median
    return {name: to_json(each) | {"more": each.median - usual} for name, each in peaks.items()}


def _peaks(make: Callable[[], bytes], turns: int) -> Any:
    with bench(None) as here:
        here.drop.mkdir()
        elsewhere(_write, here.drop / "bench-1.0.0.crate", make)
        time.sleep(2.1)
        return spread([here.cold_product().peak for _ in range(turns)])


def _write(path: Path, make: Callable[[], bytes]) -> None:
    path.write_bytes(make())


def _small() -> bytes:
    return archive(Release("bench", "1.0.0", 0, 4096, 1))


def _one_file() -> bytes:
    return archive(Release("bench", "1.0.0", 0, 0, 1), random.Random(1).randbytes(99 * MIB))


def _many_files() -> bytes:
    chance = random.Random(1)
    more = {f"data/{number:05}.bin": chance.randbytes(880) for number in range(99_000)}
    return archive(Release("bench", "1.0.0", 0, 0, 1), b"", more)


_LARGE = {"small": _small, "one file of 99 MiB": _one_file, "99,000 files in 88 MiB": _many_files}


LIKE_CRATES_IO = Shape(names=1000, versions=10, dependencies=5, source_bytes=25_000, spread="crates.io")
MANY_VERSIONS = Shape(names=1, versions=2000)


def _row(name: str, says: str, measure: Callable[[int], Figures]) -> Row:
    return Row(name=name, says=says, measure=measure)


def _rare(name: str, says: str, measure: Callable[[int], Figures]) -> Row:
    return Row(name=name, says=says, measure=measure, rare=True)


ROWS = (
    _row("real", "cold, real crates", cold(real_crates, "--mirror")),
    _rare("real-before", "cold, real crates, beside an earlier checkout", cold_before(real_crates, "--mirror")),
    _rare("real-today", "cold, real crates of today", of_today),
    _row("pages", "cold, real crates, with pages ÷ without", pages_of_real),
    _row("source", "pages of real crates, for each value of `[pages] source`", pages_by_source),
    _rare("source-before", "pages of real crates, beside those of an earlier checkout", pages_before),
    _row("small-1000", "cold, 1,000 small crates", cold(of(small(1000)))),
    _row("small-10000", "cold, 10,000 small crates", cold(of(small(10_000)))),
    _rare("small-before", "cold, 10,000 small crates, beside an earlier checkout", cold_before(of(small(10_000)))),
    _rare("small-100000", "cold, 100,000 small crates", cold(of(small(100_000)))),
    _row("spread", "cold, crates spread as crates.io's", cold(of(LIKE_CRATES_IO))),
    _row("versions-2000", "cold, 2,000 versions of one", cold(of(MANY_VERSIONS))),
    _row("idle-10000", "nothing new, 10,000 files", idle(10_000)),
    _rare("idle-100000", "nothing new, 100,000 files", idle(100_000)),
    _rare("idle-1000000", "nothing new, 1,000,000 files", idle(1_000_000)),
    _row("lost-10000", "a lost state, 10,000 files, beside their cold build", lost_state(10_000)),
    _rare("lost-100000", "a lost state, 100,000 files, beside their cold build", lost_state(100_000)),
    _row("refused-20000", "nothing new, 20,000 refused files", refused(20_000)),
    _row("disk-real", "cold, real crates, on disk", cold(lambda: real_crates(DISK), "--mirror")),
    _row("disk-real-flush", "the same, flushed", cold(lambda: real_crates(DISK), "--mirror", "--flush")),
    _row("disk-small", "cold, 10,000 small crates, on disk", cold(of(small(10_000), DISK))),
    _row("disk-small-flush", "the same, flushed", cold(of(small(10_000), DISK), "--flush")),
    _row("disk-idle", "nothing new, 10,000 files, on disk", idle(10_000, DISK)),
    _row("one-1000", "one change at 1,000 releases", one_more(1000)),
    _rare("one-before", "one change at 1,000 releases, beside an earlier checkout", one_more_before()),
    _row("one-10000", "one change at 10,000 releases", one_more(10_000)),
    _row("start", "whole commands beside what starting costs, pages off", start),
    _rare("one-100000", "one change at 100,000 releases", one_more(100_000)),
    _rare("one-1000000", "one change at 1,000,000 releases", one_more(1_000_000)),
    _row("one-pages-1000", "one change at 1,000 releases, with pages", one_more(1000, "--pages")),
    _rare(
        "one-pages-before",
        "one change at 1,000 releases, with pages, beside an earlier checkout",
        one_more_before("--pages"),
    ),
    _row("start-pages", "whole commands, with pages", start_with_pages),
    _rare("one-pages-10000", "one change at 10,000 releases, with pages", one_more(10_000, "--pages")),
    _rare("one-pages-100000", "one change at 100,000 releases, with pages", one_more(100_000, "--pages")),
    _row("one-disk-10000", "one change at 10,000 releases, on disk", one_more(10_000, folder=DISK)),
    _row("one-flush-10000", "the same, flushed", one_more(10_000, "--flush", folder=DISK)),
    _row("watch", "from closing a file in a watched folder to its line ÷ a pass's own work", from_closing_to_line),
    _row("publish-1000", "publishing at 1,000 releases", publishing(1000)),
    _row("publish-10000", "publishing at 10,000 releases", publishing(10_000)),
    _rare("publish-100000", "publishing at 100,000 releases", publishing(100_000)),
    _row("beside-10000", "one `add` beside a pass of 10,000 crates", beside(10_000)),
    _row("others-10000", "`add` after another writer's, at 10,000 releases", others(10_000)),
    _rare("others-100000", "`add` after another writer's, at 100,000 releases", others(100_000)),
    _row("missing-10000", "`missing` at 10,000 releases", asking_what_is_missing(10_000)),
    _rare("missing-100000", "`missing` at 100,000 releases", asking_what_is_missing(100_000)),
    _rare("missing-1000000", "`missing` at 1,000,000 releases", asking_what_is_missing(1_000_000)),
    _row("verify-10000", "`verify` of 10,000 releases with pages", verifying(10_000)),
    _rare(
        "verify-before",
        "the command `verify` of 100,000 releases, without pages, beside an earlier checkout's",
        verifying_before(100_000),
    ),
    _rare("verify-100000", "`verify` of 100,000 releases with pages", verifying(100_000)),
    _row("onto-2000", "one more version onto 2,000, and onto 1", onto_many()),
    _row("onto-pages-2000", "the same with pages", onto_many("--pages")),
    _row("bucket-real", "a first upload into a bucket, real crates", uploading),
    _row("bucket-1000", "one more crate in a bucket, at 1,000 releases", one_more_in_bucket(1000)),
    _row("bucket-10000", "one more crate in a bucket, at 10,000 releases", one_more_in_bucket(10_000)),
    _rare("bucket-50000", "one more crate in a bucket, at 50,000 releases", one_more_in_bucket(50_000)),
    _row("bucket-pages-1000", "one more crate with pages, at 1,000 releases", one_more_with_pages(1000)),
    _row("bucket-pages-10000", "one more crate with pages, at 10,000 releases", one_more_with_pages(10_000)),
    _rare("bucket-pages-100000", "one more crate with pages, at 100,000 releases", one_more_with_pages(100_000)),
    _row("cluster-real", "a build with two machines' workers, real crates", far()),
    _row("cluster-real-pages", "the same with pages", far("--pages")),
    _row("search", "finding what is wanted among the real crates", finding),
    _rare("arrival", "one more real crate among the others, with pages: files that it writes", arrivals),
    _row("largest", "the largest crates: peak memory", largest),
)
