"""Measures programs against each other: fresh processes in turn, medians, spreads, peak memory of the child."""

import json
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct


class Run(Struct, frozen=True, kw_only=True):
    """One run of a program: seconds of wall clock and of processors, bytes of its largest process, what it printed.

    The memory is that of the child and of the children that it waited for, whichever had most.
    """

    wall: float
    cpu: float
    peak: int
    printed: Any = None


class Spread(Struct, frozen=True, kw_only=True):
    """The median of some numbers, and the range of the middle half of them."""

    median: float
    low: float
    high: float
    count: int


def run(command: Sequence[str], *, expect: int = 0, folder: Path | None = None) -> Run:
    """Run a program to its end, or raise RuntimeError with what it said where it ends otherwise than expected."""
    errors = subprocess.DEVNULL if expect else None
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, cwd=folder, env=_as_installed()) as child:
        assert child.stdout is not None
        printed = child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != expect:
        raise RuntimeError(f"{' '.join(command[:4])} … ended with {child.returncode}: {printed[-500:].decode()}")
    return Run(wall=wall, cpu=used.ru_utime + used.ru_stime, peak=peak_bytes(used), printed=_decode(printed))


def _as_installed() -> dict[str, str]:
    """Give an environment in which Python keeps bytecode, as installing does: compiling is no part of any figure."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _decode(printed: bytes) -> Any:
    return json.loads(printed) if printed.startswith((b"{", b"[")) else None


def peak_bytes(used: resource.struct_rusage) -> int:
    """Give the largest resident size in bytes; Linux counts it in KiB."""
    return used.ru_maxrss * 1024


def in_turn(contenders: Mapping[str, Callable[[], Run]], turns: int) -> dict[str, list[Run]]:
    """Run each in turn, so that what else the machine does meets all alike; the first is left out, to warm caches."""
    runs: dict[str, list[Run]] = {name: [] for name in contenders}
    for turn in range(turns + 1):
        for name, contender in contenders.items():
            done = contender()
            if turn:
                runs[name].append(done)
    return runs


def spread(numbers: Sequence[float]) -> Spread:
    """Give median and middle half."""
    ordered = sorted(numbers)
    if len(ordered) < 4:
        low, high = ordered[0], ordered[-1]
    else:
        low, _, high = statistics.quantiles(ordered, n=4, method="inclusive")
    return Spread(median=statistics.median(ordered), low=low, high=high, count=len(ordered))


def walls(runs: Sequence[Run]) -> Spread:
    """Give the spread of the wall clock, from starting the program to its end."""
    return spread([each.wall for each in runs])


def seconds(runs: Sequence[Run]) -> Spread:
    """Give the spread of what programs say they took once they had started."""
    return spread([each.printed["seconds"] for each in runs])


def to_json(spread_: Spread) -> Any:
    """Give a spread as plain values."""
    return msgspec.to_builtins(spread_)
