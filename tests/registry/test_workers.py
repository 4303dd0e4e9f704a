import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Generic, ParamSpec, TypeVar, cast

import pytest

from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import open_registry
from cargo_static_index.registry.workers import (
    AHEAD,
    FEW,
    WORKER_BYTES,
    ReadingPool,
    Result,
    Share,
    few_collections,
    jobs_for,
    reading_executor,
    share_of,
    spread,
    unbroken,
    usable_jobs,
)
from cargo_static_index.settings import load_settings
from tests.crates import crate

P = ParamSpec("P")
T = TypeVar("T")

SHARES = [
    ("0::/\n", {}, Share()),
    ("0::/\n", {"cpu.max": "max 100000\n", "memory.max": "max\n"}, Share()),
    ("0::/\n", {"cpu.max": "150000 100000\n"}, Share(processors=2)),
    ("0::/a/b\n", {"a/cpu.max": "100000 100000", "a/b/cpu.max": "400000 100000"}, Share(processors=1)),
    ("0::/a/b\n", {"a/b/memory.max": "1000", "memory.high": "700"}, Share(memory=700)),
    ("0::/not/here\n", {"memory.max": "1000"}, Share(memory=1000)),
    (
        "4:cpu,cpuacct:/x\n",
        {"cpu,cpuacct/cpu.cfs_quota_us": "50000", "cpu,cpuacct/cpu.cfs_period_us": "100000"},
        Share(processors=1),
    ),
    ("4:cpu:/x\n", {"cpu/x/cpu.cfs_quota_us": "-1", "cpu/x/cpu.cfs_period_us": "100000"}, Share()),
    ("9:memory:/x\n", {"memory/x/memory.limit_in_bytes": "123"}, Share(memory=123)),
]


@pytest.mark.parametrize(("own", "files", "share"), SHARES)
def test_a_cgroup_says_what_may_be_used(tmp_path: Path, own: str, files: dict[str, str], share: Share) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert share_of(own, tmp_path) == share


@pytest.mark.parametrize(
    ("processors", "share", "jobs"),
    [
        (8, Share(), 8),
        (8, Share(processors=3), 3),
        (2, Share(processors=3), 2),
        (8, Share(memory=5 * WORKER_BYTES - 1), 4),
        (8, Share(processors=2, memory=5 * WORKER_BYTES), 2),
        (8, Share(memory=1), 1),
    ],
)
def test_jobs_are_what_the_tightest_limit_allows_and_at_least_one(processors: int, share: Share, jobs: int) -> None:
    assert jobs_for(processors, share) == jobs


def test_jobs_are_what_is_wanted_or_what_this_process_may_use() -> None:
    assert usable_jobs(7) == 7
    one = f"import os; os.sched_setaffinity(0, {{{min(os.sched_getaffinity(0))}}})\n"
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{one}from cargo_static_index.registry.workers import usable_jobs\nprint(usable_jobs())",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "1\n"


def test_few_calls_run_here_and_many_elsewhere() -> None:
    with reading_executor(2) as pool:
        assert isinstance(pool, ReadingPool)
        few = [pool.submit(os.getpid) for _ in range(FEW)]
        assert {each.result() for each in few} == {os.getpid()}
    with reading_executor(2) as pool:
        assert pool is not None
        many = [pool.submit(os.getpid) for _ in range(FEW + 2)]
        assert os.getpid() not in {each.result() for each in many}


def test_one_job_needs_no_executor() -> None:
    with reading_executor(1) as pool:
        assert pool is None


def kill_yourself(spared: int, *_: object) -> None:
    assert os.getpid() != spared, "this is to be done elsewhere"
    os.kill(os.getpid(), signal.SIGKILL)


class Killed:
    """A pool whose third call kills the process that runs it."""

    def __init__(self) -> None:
        self.pool = ReadingPool(2)
        self.calls = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Result[T]:
        self.calls += 1
        if self.calls == 3:
            return self.pool.submit(cast("Callable[P, T]", partial(kill_yourself, os.getpid())), *args, **kwargs)
        return self.pool.submit(fn, *args, **kwargs)


def test_a_reader_that_is_killed_ends_the_pass_and_nothing_is_published(tmp_path: Path) -> None:
    for each in range(300):
        crate(f"c{each}", "1.0.0").write(tmp_path / "drop")
    settings = load_settings({"registry.base-url": "https://x.example/"}, {}, tmp_path).settings
    killed = Killed()
    with (
        pytest.raises(StoreError, match="a process that read crates was killed"),
        open_registry(settings, Report(), Options(now=1)) as registry,
    ):
        registry.build(executor=killed)
    killed.pool.end()
    assert not list((tmp_path / "public").rglob("*.crate"))


class Waiting(Generic[T]):
    """A call that is made when its result is asked for."""

    def __init__(self, call: Callable[[], T], executor: "Patient") -> None:
        self._call, self._executor = call, executor

    def result(self) -> T:
        self._executor.under_way -= 1
        return self._call()


class Patient:
    """An executor that counts the calls under way."""

    def __init__(self) -> None:
        self.under_way = self.most = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Result[T]:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        return Waiting(partial(fn, *args, **kwargs), self)


@pytest.mark.parametrize("executor", [None, Patient()], ids=["here", "elsewhere"])
def test_results_come_in_the_order_of_the_items_however_they_are_spread(executor: Patient | None) -> None:
    found = list(spread(sum, range(100), executor, at_once=3, what="summed up"))
    assert found == [sum(range(start, min(start + 3, 100))) for start in range(0, 100, 3)]
    assert executor is None or (executor.most, executor.under_way) == (AHEAD, 0)


def test_a_process_that_is_killed_is_told_with_what_it_did_and_all_else_is_raised_as_it_is() -> None:
    with pytest.raises(StoreError) as caught, unbroken("read crates was killed; run this again"):
        raise BrokenProcessPool
    assert (
        str(caught.value) == "a process that read crates was killed; run this again, with `--jobs 1` if it comes back"
    )
    with pytest.raises(ValueError, match="a bug"), unbroken(""):
        raise ValueError("a bug")


def test_cycles_are_looked_for_less_often_only_while_work_is_done() -> None:
    before = gc.get_threshold()
    with few_collections():
        assert gc.get_threshold() == (20_000, *before[1:])
    assert gc.get_threshold() == before
