import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import pytest

from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import open_registry
from cargo_static_index.registry.workers import (
    FEW,
    WORKER_BYTES,
    ReadingPool,
    Result,
    Share,
    jobs_for,
    reading_executor,
    share_of,
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
