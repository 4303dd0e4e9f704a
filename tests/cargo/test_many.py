"""Many crates at once: a pass of thousands, one more crate after it, and a client that uses the result."""

import os
import sys
from pathlib import Path

import pytest
from msgspec import Struct

from tests.cargo.client import Cargo
from tests.cargo.ours import Ours
from tests.crates import crate

pytestmark = [pytest.mark.cargo, pytest.mark.slow]

MANY = 2_000
MIB_PER_MORE = 8
"""What the memory of a pass may grow by from 200 crates to 2,000: 4.5 KiB a crate, little more than their size."""


class Run(Struct, frozen=True, kw_only=True):
    """What a build cost: seconds of processor, which a busy machine or a slow disk does not stretch; MiB at most."""

    seconds: float
    mib: float


def build(acme: Ours) -> Run:
    """Run `cargo-static-index build` in a process of its own, as a user does."""
    command = [sys.executable, "-m", "cargo_static_index", "build", "--drop", str(acme.drop), "--tree", str(acme.tree)]
    options = ["--base-url", acme.url, "--name", acme.name, "--state", str(acme.drop.parent / "state")]
    child = os.posix_spawn(sys.executable, [*command, *options, "-q"], os.environ)
    _, status, usage = os.wait4(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(seconds=usage.ru_utime + usage.ru_stime, mib=usage.ru_maxrss * unit / 2**20)


def drop(acme: Ours, first: int, last: int) -> None:
    """Drop small crates, each of which needs one of an earlier number."""
    for number in range(first, last):
        builder = crate(f"many-{number:05}").file("src/lib.rs", f"pub const N: u32 = {number};\n")
        if number:
            builder.dependency(f"many-{number // 10:05}", registry_index=acme.index)
        builder.write(acme.drop / f"{number % 100:02}")


def test_thousands_of_crates_are_published_in_flat_memory_and_one_more_costs_little(acme: Ours, cargo: Cargo) -> None:
    drop(acme, 0, MANY // 10)
    few = build(acme)
    drop(acme, MANY // 10, MANY)
    many = build(acme)
    drop(acme, MANY, MANY + 1)
    one_more = build(acme)
    nothing = build(acme)
    shown = f"few {few}, many {many}, one more {one_more}, nothing new {nothing}"
    assert many.mib - few.mib < MIB_PER_MORE, shown
    # Nine times as many, and some leave for noise.
    assert many.seconds < 14 * few.seconds, shown
    # What is new is one of thousands; what is left is starting up and looking at every name in the drop directory.
    assert one_more.seconds < many.seconds / 4, shown
    assert nothing.seconds < many.seconds / 4, shown
    project = cargo.project(acme.needs(f"many-{MANY:05}"))
    project.run("fetch").ok()
    assert sorted(project.locked()) == [
        "many-00000",
        "many-00002",
        "many-00020",
        "many-00200",
        "many-02000",
    ]
    assert sum(1 for _ in Path(acme.tree / "index").rglob("many-*")) == MANY + 1
