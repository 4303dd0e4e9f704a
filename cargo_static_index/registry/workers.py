"""How many files to read at once, and the processes that do it.

A container sees the processors of its host and the memory of its host; what it may use of them stands in its cgroup.
"""

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, ParamSpec, Protocol, TypeVar

from msgspec import Struct

from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.store import Uploads

if TYPE_CHECKING:  # loaded when processes are started, which most commands never do
    from concurrent.futures import ProcessPoolExecutor

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

WORKER_BYTES: Final = 256 * 1024 * 1024
"""What one worker may need at worst: the largest archive, with a manifest, paths and documents at their limits."""

KEPT_BYTES: Final = 16 * 1024 * 1024

AHEAD: Final = 8
"""How many portions may be under way at once: enough to keep workers busy, few enough to keep in memory."""

FEW: Final = 2
"""Batches that are read in this process: starting others takes as long as reading some dozens of crates."""


class Result(Protocol[T_co]):
    """What an executor gives for a call."""

    def result(self) -> T_co:
        """Wait for the call to end, and give what it gives or raise what it raises."""


class Executor(Protocol):
    """What runs calls in other processes: one of `concurrent.futures`, or anything like it."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Result[T]:
        """Take a call whose function, arguments and result can travel between processes."""


class Far(Struct, frozen=True):
    """An executor whose calls run on other machines, and where these stage what they read.

    At most `ahead` calls are worth having under way.
    """

    executor: Executor
    uploads: Uploads
    ahead: int


class Share(Struct, frozen=True, kw_only=True):
    """What a cgroup lets a process use: processors (a part of one counts as one) and bytes; None is no limit."""

    processors: int | None = None
    memory: int | None = None


def usable_jobs(wanted: int | None = None) -> int:
    """Give how many files to read at once: what is wanted, or else what this process may use."""
    if wanted is not None:
        return wanted
    return jobs_for(_processors(), share_of(_text(Path("/proc/self/cgroup")), Path("/sys/fs/cgroup")))


def jobs_for(processors: int, share: Share) -> int:
    """Give how many processors, a quota of them and a limit of memory are enough for, and at least 1."""
    return max(1, min(processors, share.processors or sys.maxsize, (share.memory or sys.maxsize) // WORKER_BYTES))


def _processors() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# cgroups (man 7 cgroups; Linux: Documentation/admin-guide/cgroup-v2.rst, and cgroup-v1/ for older systems) ---------


def share_of(own: str, root: Path) -> Share:
    """Read what the cgroups named in `own` (/proc/self/cgroup), and those around them, allow; `root` is /sys/fs/cgroup.

    Every group up to the root counts. A container often sees its own group as the root, whatever its path says.
    """
    processors: list[int] = []
    memory: list[int] = []
    for line in own.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for folder in _upwards(root / controllers, path):
            processors += _quota(folder)
            texts = (_text(folder / name).strip() for name in ("memory.max", "memory.high", "memory.limit_in_bytes"))
            memory += [int(text) for text in texts if text.isdigit()]
    return Share(processors=min(processors, default=None), memory=min(memory, default=None))


def _upwards(base: Path, path: str) -> Iterator[Path]:
    inside = base / path.lstrip("/")
    yield inside
    for parent in inside.parents:
        if not parent.is_relative_to(base):
            return
        yield parent


def _quota(folder: Path) -> list[int]:
    quota, _, period = _text(folder / "cpu.max").strip().partition(" ")
    if not quota:
        quota, period = _text(folder / "cpu.cfs_quota_us").strip(), _text(folder / "cpu.cfs_period_us").strip()
    if quota.isdigit() and period.isdigit() and int(period):
        return [-(-int(quota) // int(period))]  # rounded up: one and a half processors keep two workers busy
    return []


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("ascii")
    except (OSError, UnicodeDecodeError):
        return ""


# Processes -------------------------------------------------------------------------------------------------


@contextmanager
def reading_executor(jobs: int, modules: Sequence[str] = ()) -> Iterator[Executor | None]:
    """Give what a build reads with: None for one job, else an executor that starts processes once it pays.

    These `modules` are loaded before, once for all of the processes.
    """
    if jobs < 2:
        yield None
        return
    pool = ReadingPool(jobs, modules)
    try:
        yield pool
    finally:
        pool.end()


class ReadingPool:
    """Runs the first calls in this process, when their results are asked for; processes start with the one after."""

    def __init__(self, jobs: int, modules: Sequence[str] = ()) -> None:
        self._jobs = jobs
        self._modules = modules
        self._waiting: list[Callable[[Executor], None]] = []
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Result[T]:
        """Take a call whose function, arguments and result can travel between processes."""
        call = partial(fn, *args, **kwargs)
        if self._pool is not None:
            return self._pool.submit(call)
        later = _Later(call)
        if len(self._waiting) < FEW:
            self._waiting.append(later.send)
            return later
        for module in self._modules:
            import_module(module)
        self._pool = _start_pool(self._jobs)
        for send in self._waiting:
            send(self._pool)
        self._waiting.clear()
        later.send(self._pool)
        return later

    def end(self) -> None:
        """End the processes, if there are any, with what they are doing now."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


class _Later(Generic[T]):
    """A call that runs when its result is asked for, unless it was sent to a pool before."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._sent: Result[T] | None = None

    def send(self, pool: Executor) -> None:
        """Have another process run the call."""
        self._sent = pool.submit(self._call)

    def result(self) -> T:
        """Give what the call gives, or raise what it raises."""
        return self._sent.result() if self._sent is not None else self._call()


def spread(
    work: Callable[[list[S]], T], items: Iterable[S], executor: Executor | None, *, at_once: int, what: str
) -> Iterator[T]:
    """Have items worked through, so many at once, here or in an executor's processes; results come in their order.

    `what` says what a process did, should one be killed.
    """
    source = iter(items)
    portions = iter(lambda: list(islice(source, at_once)), [])
    if executor is None:
        yield from map(work, portions)
        return
    under_way: list[Result[T]] = []
    with unbroken(what):
        for portion in portions:
            under_way.append(executor.submit(work, portion))
            if len(under_way) >= AHEAD:
                yield under_way.pop(0).result()
        for result in under_way:
            yield result.result()


@contextmanager
def unbroken(what: str) -> Iterator[None]:
    """Raise StoreError where a process of an executor is killed: `what` says what it did, and what came of it."""
    try:
        yield
    except Exception as error:
        from concurrent.futures import BrokenExecutor

        if not isinstance(error, BrokenExecutor):
            raise
        raise StoreError(f"a process that {what}, with `--jobs 1` if it comes back") from error


def _start_pool(jobs: int) -> "ProcessPoolExecutor":
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # A fork costs a tenth of a fresh interpreter, but copies locks that other threads hold, and breaks on macOS.
    # Threads that Python does not know of count too: a library's client has some.
    safe = sys.platform == "linux" and sum(1 for _ in Path("/proc/self/task").iterdir()) == 1
    context = multiprocessing.get_context("fork" if safe else "forkserver")
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin_worker)


def _begin_worker() -> None:
    tune_memory()
    # Ctrl-C reaches every process of the terminal: the parent ends the build, workers must not speak as well.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


@contextmanager
def few_collections() -> Iterator[None]:
    """Look for cycles less often: a build makes hardly any, and looking for them took a twentieth of its time."""
    usual = gc.get_threshold()
    gc.set_threshold(max(20_000, usual[0]), *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def tune_memory() -> None:
    """Set this process up to read many archives, one after the other."""
    # What was there before the fork never becomes garbage, and reading makes hardly any cycles: looking for them
    # after every 700 objects took a tenth of a worker's time.
    gc.freeze()
    gc.set_threshold(20_000)
    # Once a block of this size was given back, glibc keeps what is given back, up to twice as much, instead of asking
    # the system for fresh pages for every archive, which took a twentieth of a worker's time.
    bytes(KEPT_BYTES)


def _end_with_parent() -> None:
    """End this worker once its parent is gone, were it killed: nobody else would ever tell it to."""
    from multiprocessing import parent_process
    from multiprocessing.connection import wait

    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
