"""The rows of issue and document: what each measures, on which corpus, and what it is to reach.

A row gives figures; `ratio` is what its target is about. Floor and product run in turn, each in a fresh process that
says how long it took once it had started: interpreter and imports are in neither.
"""

import atexit
import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from benchmarks.generate import Release, Shape, archive, generate
from benchmarks.measure import Run, in_turn, run, seconds, spread, to_json, walls

MEMORY = Path("/dev/shm/cargo-static-index-benchmarks")
"""Judged rows run here: a disk's own doings would drown what is compared."""
PYTHON = sys.executable
TRIES = 40
"""Small changes that one row makes, each in a session of its own."""
MIB = 1 << 20

Figures = dict[str, Any]


class NotRun(Exception):
    """A row cannot be measured here, and why."""


class Row(Struct, frozen=True, kw_only=True):
    """One row of the table: its name on the command line, what it says, the ratio to reach, and how it is measured.

    `rare` rows take long or much memory and run only when they are named.
    """

    name: str
    says: str
    reach: float | None
    measure: Callable[[int], Figures]
    rare: bool = False


class Bench(Struct, frozen=True):
    """A folder with a drop directory in it, and the places for trees beside it."""

    base: Path

    @property
    def drop(self) -> Path:
        """The drop directory."""
        return self.base / "drop"

    def floor(self, verb: str, *folders: Path) -> Run:
        """Run the floor."""
        return run([PYTHON, "-m", "benchmarks.floor", verb, *map(str, folders)])

    def product(self, verb: str, *what: str) -> Run:
        """Run the product on the tree and state that are there; `what` are its options, and what to change."""
        places = [str(self.base / each) for each in ("drop", "tree", "state")]
        return run([PYTHON, "-m", "benchmarks.product", verb, *places, *what])

    def fresh(self) -> None:
        """Throw tree and state away."""
        for name in ("tree", "state", "floor"):
            shutil.rmtree(self.base / name, ignore_errors=True)

    def cold_floor(self) -> Run:
        """Run the floor from nothing."""
        self.fresh()
        return self.floor("cold", self.drop, self.base / "floor")

    def cold_product(self, *options: str) -> Run:
        """Run the product from nothing."""
        self.fresh()
        return self.product("build", *options)


@contextmanager
def bench(shape: Shape | None, folder: Path = MEMORY) -> Iterator[Bench]:
    """Give a folder with what a shape holds dropped in it, old enough to be believed; it is removed at the end."""
    _clear_published()  # which needs the room
    base = folder / f"bench-{os.getpid()}"
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    try:
        if shape is not None:
            _elsewhere(generate, base / "drop", shape)
            time.sleep(2.1)  # a younger file may change without its time stamps showing it, so it is read again
        yield Bench(base)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _elsewhere(make: Callable[..., object], *what: object) -> None:
    # In another process: a child's peak counts what its parent had when it was started.
    with ProcessPoolExecutor(1) as pool:
        pool.submit(make, *what).result()


def small(crates: int, first: int = 0) -> Shape:
    """Give the shape of the issue's small crates: 10 versions a name, 3 dependencies, 4 KiB of source."""
    return Shape(names=crates // 10, versions=10, first=first)


def cold(here: Bench, turns: int, *options: str) -> Figures:
    """Compare cold builds."""
    runs = in_turn({"floor": here.cold_floor, "product": lambda: here.cold_product(*options)}, turns)
    floor, product = seconds(runs["floor"]), seconds(runs["product"])
    crates = int(runs["floor"][0].printed["done"])
    return {
        "ratio": product.median / floor.median,
        "crates": crates,
        "floor": to_json(floor),
        "product": to_json(product),
        "processor_ratio": _median_cpu(runs["product"]) / _median_cpu(runs["floor"]),
        "peak": spread([each.peak for each in runs["product"]]).median,
    }


def _median_cpu(runs: list[Run]) -> float:
    return spread([each.cpu for each in runs]).median


def cold_small(crates: int) -> Callable[[int], Figures]:
    """Measure cold builds of so many small crates."""

    def measure(turns: int) -> Figures:
        with bench(small(crates)) as here:
            return cold(here, turns)

    return measure


def cold_on_disk(*options: str) -> Callable[[int], Figures]:
    """Measure the same on the disk that holds the working directory; nobody judges it."""

    def measure(turns: int) -> Figures:
        with bench(small(10_000), Path.cwd() / "target") as here:
            return cold(here, turns, *options)

    return measure


@contextmanager
def real_crates() -> Iterator[Bench]:
    """Give a folder with the real crates dropped in it that the tests fetch with cargo."""
    found = sorted((Path.cwd() / "target" / "corpus").glob("registry/cache/*/*.crate"))
    if len(found) < 500:
        raise NotRun(f"{len(found)} real crates are in target/corpus; `python -m tests.corpus` fetches them")
    with bench(None) as here:
        here.drop.mkdir()
        for path in found:
            shutil.copyfile(path, here.drop / path.name)
        time.sleep(2.1)
        yield here


def cold_real(turns: int) -> Figures:
    """Measure cold builds of real crates."""
    with real_crates() as here:
        return cold(here, turns, "--mirror")


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
    without, with_pages = seconds(runs["without"]), seconds(runs["with"])
    return {
        "ratio": with_pages.median / without.median,
        "crates": crates,
        "floor": to_json(without),
        "product": to_json(with_pages),
        "each": (_median_cpu(runs["with"]) - _median_cpu(runs["without"])) / crates,
        "peak": spread([each.peak for each in runs["with"]]).median,
    }


def many_versions(turns: int) -> Figures:
    """Measure 2,000 versions of one crate in one pass."""
    with bench(Shape(names=1, versions=2000)) as here:
        return cold(here, turns)


@contextmanager
def published(crates: int) -> Iterator[tuple[Bench, Run]]:
    """Give so many small crates, dropped and published, and how they were published.

    The next row that asks for as many gets the same: a million take minutes.
    """
    if crates not in _published:
        _clear_published()
        _ask_for_room(crates)
        stack = ExitStack()
        here = stack.enter_context(bench(small(crates)))
        _published[crates] = (stack, here, here.cold_product())
    _, here, first = _published[crates]
    yield here, first


def _ask_for_room(crates: int) -> None:
    """Raise NotRun where memory cannot hold so many crates: each is three files, of a page or two each."""
    MEMORY.mkdir(parents=True, exist_ok=True)
    found = os.statvfs(MEMORY)
    files, size = crates * 33 // 10, crates * 16_000
    if found.f_favail < files or found.f_bavail * found.f_frsize < size:
        raise NotRun(
            f"{MEMORY.parent} has no room for {files:,} files and {size >> 30} GiB; "
            "`mount -o remount,size=90%,nr_inodes=8m` makes more"
        )


_published: dict[int, tuple[ExitStack, Bench, Run]] = {}


@atexit.register
def _clear_published() -> None:
    for stack, _, _ in _published.values():
        stack.close()
    _published.clear()


def idle(crates: int) -> Callable[[int], Figures]:
    """Measure a pass that finds nothing new against a bare walk of the same folder."""

    def measure(turns: int) -> Figures:
        with published(crates) as (here, first):
            walk, build = (lambda: here.floor("walk", here.drop)), (lambda: here.product("build"))
            runs = in_turn({"walk": walk, "product": build}, turns)
        floor, product = seconds(runs["walk"]), seconds(runs["product"])
        return {
            "ratio": product.median / floor.median,
            "crates": crates,
            "floor": to_json(floor),
            "product": to_json(product),
            "peak": spread([each.peak for each in runs["product"]]).median,
            "cold": {"wall": first.wall, "peak": first.peak},
        }

    return measure


def one_more(crates: int, *, pages: bool = False) -> Callable[[int], Figures]:
    """Measure one small change after the other in a tree of so many releases, in seconds inside the process."""

    def measure(_: int) -> Figures:
        if not pages:
            with published(crates) as (here, _first):
                return {"crates": crates, **small_changes(here)}
        with bench(small(crates)) as here:
            first = here.cold_product("--pages")
            return {
                "crates": crates,
                "cold": {"wall": first.wall, "peak": first.peak},
                **small_changes(here, "--pages"),
            }

    return measure


def small_changes(here: Bench, *options: str) -> Figures:
    """Add, yank and remove, one release after the other, each in a session of its own."""
    added = here.base / "more"
    generate(added, Shape(names=TRIES, versions=1, first=5_000_000))
    files = sorted(map(str, added.iterdir()))
    releases = [f"bench-{number:07}@1.0.1" for number in range(TRIES)]
    changes = (("add", files), ("yank", releases), ("remove", releases))
    return {verb: to_json(spread(here.product(verb, *options, *what).printed[2:])) for verb, what in changes}


def onto_many(_: int) -> Figures:
    """Measure one more version onto 2,000 of one crate, and onto one."""
    found: Figures = {}
    for versions in (1, 2000):
        with bench(Shape(names=1, versions=versions)) as here:
            here.cold_product()
            more = here.base / "more"
            generate(more, Shape(names=1, versions=versions + TRIES))
            files = sorted(path for path in map(str, more.iterdir()) if not (here.drop / Path(path).name).exists())
            found[str(versions)] = to_json(spread(here.product("add", *files).printed[2:]))
            (index,) = (path for path in (here.base / "tree" / "index").rglob("bench-0000000"))
            found[f"{versions} bytes"] = index.stat().st_size
    return found


def largest(_: int) -> Figures:
    """Measure the memory that one crate of 99 MiB, which does not compress, takes beyond that of a small one."""
    found: Figures = {}
    for name, size in (("small", 4096), ("large", 99 * MIB)):
        with bench(None) as here:
            here.drop.mkdir()
            _elsewhere(_write_incompressible, here.drop / "bench-1.0.0.crate", size)
            time.sleep(2.1)
            done = here.cold_product()
            found[name] = done.peak
            found[f"{name} published"] = done.printed.get("published", 0)
    return {"bytes": found["large"] - found["small"], **found}


def _write_incompressible(path: Path, size: int) -> None:
    release = Release("bench", "1.0.0", 0, size, 1)
    path.write_bytes(archive(release, random.Random(1).randbytes(size)))


def start(turns: int) -> Figures:
    """Measure starting the command line against a typer program of one command."""
    program = [PYTHON, "-m", "cargo_static_index"]
    bare = [PYTHON, "-m", "benchmarks.bare"]
    runs = in_turn(
        {
            "bare": lambda: run([*bare, "--help"]),
            "version": lambda: run([*program, "--version"]),
            "help": lambda: run([*program, "--help"]),
            "refused": lambda: run([*program, "build", "--no-such-option"], expect=2),
        },
        turns,
    )
    medians: Mapping[str, float] = {name: walls(each).median for name, each in runs.items()}
    return {
        "ratio": max(medians[name] for name in ("version", "help", "refused")) / medians["bare"],
        **{name: to_json(walls(each)) for name, each in runs.items()},
    }


ROWS = (
    Row(name="real", says="cold, real crates, pages off: wall ÷ floor", reach=1.5, measure=cold_real),
    Row(name="pages", says="cold, real crates: wall with pages ÷ without", reach=4.0, measure=pages_of_real),
    Row(name="small-1000", says="cold, 1,000 small crates: wall ÷ floor", reach=None, measure=cold_small(1000)),
    Row(name="small-10000", says="cold, 10,000 small crates: wall ÷ floor", reach=1.7, measure=cold_small(10_000)),
    Row(
        name="small-100000",
        says="cold, 100,000 small crates: wall ÷ floor",
        reach=None,
        measure=cold_small(100_000),
        rare=True,
    ),
    Row(name="disk", says="cold, 10,000 on disk, no flush: wall ÷ floor", reach=None, measure=cold_on_disk()),
    Row(
        name="disk-flush",
        says="cold, 10,000 on disk, flushed: wall ÷ floor",
        reach=None,
        measure=cold_on_disk("--flush"),
    ),
    Row(name="idle-10000", says="nothing new, 10,000 files: wall ÷ walk", reach=2.0, measure=idle(10_000)),
    Row(
        name="idle-100000", says="nothing new, 100,000 files: wall ÷ walk", reach=2.0, measure=idle(100_000), rare=True
    ),
    Row(
        name="idle-1000000",
        says="nothing new, 1,000,000 files: wall ÷ walk",
        reach=2.0,
        measure=idle(1_000_000),
        rare=True,
    ),
    Row(name="one-1000", says="one more, yank, remove, at 1,000 releases", reach=None, measure=one_more(1000)),
    Row(name="one-10000", says="one more, yank, remove, at 10,000 releases", reach=None, measure=one_more(10_000)),
    Row(
        name="one-100000",
        says="one more, yank, remove, at 100,000 releases",
        reach=None,
        measure=one_more(100_000),
        rare=True,
    ),
    Row(
        name="one-1000000",
        says="one more, yank, remove, at 1,000,000 releases",
        reach=None,
        measure=one_more(1_000_000),
        rare=True,
    ),
    Row(
        name="one-pages-1000",
        says="the same with pages, at 1,000 releases",
        reach=None,
        measure=one_more(1000, pages=True),
    ),
    Row(
        name="one-pages-10000",
        says="the same with pages, at 10,000 releases",
        reach=None,
        measure=one_more(10_000, pages=True),
        rare=True,
    ),
    Row(
        name="one-pages-100000",
        says="the same with pages, at 100,000 releases",
        reach=None,
        measure=one_more(100_000, pages=True),
        rare=True,
    ),
    Row(name="versions-2000", says="cold, 2,000 versions of one: wall ÷ floor", reach=None, measure=many_versions),
    Row(name="onto-2000", says="one more version onto 2,000, and onto 1", reach=None, measure=onto_many),
    Row(name="largest", says="one crate of 99 MiB: peak memory added", reach=None, measure=largest),
    Row(
        name="start",
        says="start-up (`--version`, `--help`, refused option) ÷ a bare typer program",
        reach=1.5,
        measure=start,
    ),
)
