"""Where rows are measured: folders of crates in memory or on a disk, and floor and product run on them."""

import atexit
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from msgspec import Struct

from benchmarks.generate import Shape, generate
from benchmarks.measure import Run, run
from tests.corpus import fetch

MEMORY = Path("/dev/shm/cargo-static-index-benchmarks")
"""Judged rows run here: a disk's own doings would drown what is compared."""
DISK = Path.cwd() / "target"
PYTHON = sys.executable


class NotRun(Exception):
    """A row cannot be measured here, and why."""


class Bench(Struct, frozen=True):
    """A folder with a drop directory in it, and the places for trees beside it.

    The product is that of this checkout, or of another one that was set up.
    """

    base: Path
    checkout: Path | None = None

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
        python = str(self.checkout / ".venv/bin/python") if self.checkout else PYTHON
        return run([python, "-m", "benchmarks.product", verb, *places, *what], folder=self.checkout)

    def fresh(self) -> None:
        """Throw tree and state away."""
        for name in ("tree", "state", "floor"):
            shutil.rmtree(self.base / name, ignore_errors=True)

    def cold_floor(self) -> Run:
        """Run the floor from nothing."""
        self.fresh()
        return self.floor("cold", self.drop, self.base / "floor")

    def cold_product(self, *options: str) -> Run:
        """Run the product from nothing; RuntimeError unless it publishes all that is dropped."""
        self.fresh()
        done = self.product("build", *options)
        dropped = len(os.listdir(self.drop))
        if done.printed.get("published") != dropped:
            raise RuntimeError(f"of {dropped} files, the product made {done.printed}")
        return done


@contextmanager
def bench(shape: Shape | None, folder: Path = MEMORY) -> Iterator[Bench]:
    """Give a folder with what a shape holds dropped in it, old enough to be believed; it is removed at the end."""
    _clear_published()  # which needs the room
    base = folder / f"bench-{os.getpid()}"
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    try:
        if shape is not None:
            elsewhere(generate, base / "drop", shape)
            time.sleep(0.1)  # a file is not read in the tick of the clock in which it was changed
        yield Bench(base)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def elsewhere(make: Callable[..., object], *what: object) -> None:
    # In another process: a child's peak counts what its parent had when it was started.
    with ProcessPoolExecutor(1) as pool:
        pool.submit(make, *what).result()


def small(crates: int, first: int = 0) -> Shape:
    """Give the shape of the issue's small crates: 10 versions a name, 3 dependencies, 4 KiB of source."""
    return Shape(names=crates // 10, versions=10, first=first)


def real_crates(folder: Path = MEMORY) -> AbstractContextManager[Bench]:
    """Give a folder with the real crates dropped in it that the tests fetch with cargo."""
    found = _fetched("corpus")
    if len(found) < 500:
        raise NotRun(f"{len(found)} real crates are in target/corpus; `python -m tests.corpus` fetches them")
    return _dropped(found, folder)


def crates_of_today() -> AbstractContextManager[Bench]:
    """Give the same with those of benchmarks/today/Cargo.lock, which cargo fetches where they are not there yet."""
    fetch(DISK / "today", Path.cwd() / "benchmarks" / "today" / "Cargo.toml")
    return _dropped(_fetched("today"), MEMORY)


def _fetched(name: str) -> list[Path]:
    return sorted((Path.cwd() / "target" / name).glob("registry/cache/*/*.crate"))


@contextmanager
def _dropped(files: Sequence[Path], folder: Path) -> Iterator[Bench]:
    with bench(None, folder) as here:
        here.drop.mkdir()
        for path in files:
            shutil.copyfile(path, here.drop / path.name)
        time.sleep(2.1)
        yield here


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
