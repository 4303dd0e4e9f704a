"""Several hands on one tree: writers with states of their own, and a small change beside a large pass."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.bench import PYTHON, Bench
from benchmarks.generate import Shape, generate
from benchmarks.measure import Run, run, spread, to_json
from cargo_static_index.registry.publish import CRATES_AT_ONCE

TRIES = 24
LEFT_OUT = 2
"""The first tries, which warm caches."""


def _files(here: Bench, first: int) -> list[str]:
    folder = here.base / f"more-{first}"
    generate(folder, Shape(names=TRIES, versions=1, first=first))
    return sorted(map(str, folder.iterdir()))


def after_others(here: Bench) -> dict[str, Any]:
    """Measure `add` of a writer with a state of its own: the first time, after another's `add`, and after its own."""
    printed = here.product("others", *_files(here, 6_000_000)).printed
    after, alone = (spread(printed[which][LEFT_OUT:]) for which in ("after", "alone"))
    return {
        "reads all": printed["first"],
        "after another": to_json(after),
        "after its own": to_json(alone),
        "more": after.median - alone.median,
    }


def looked_at(here: Bench, jobs: int) -> float:
    """Give the seconds that `verify` takes, in so many processes."""
    return float(here.product("verify", "--pages", "--jobs", str(jobs)).printed["seconds"])


def looked_at_whole(here: Bench) -> Run:
    """Run the command `verify`, without pages, in as many processes as there are processors."""
    program = (here.checkout or Path.cwd()) / ".venv/bin/cargo-static-index"
    return run(
        [str(program), "verify", "-q", "--no-pages", "--tree", f"{here.base}/tree", "--state", f"{here.base}/state"]
    )


def beside_a_pass(here: Bench) -> dict[str, Any]:
    """Measure `add` of one crate alone, and beside a pass over all that is dropped, whose batches it waits for."""
    files = _files(here, 7_000_000)
    alone = here.product("add", *files[: TRIES // 2]).printed[LEFT_OUT:]
    dropped = len(os.listdir(here.drop))
    places = [str(here.base / each) for each in ("drop", "tree", "state")]
    command = [PYTHON, "-m", "benchmarks.product", "build", *places]
    beside: list[float] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for file in files[TRIES // 2 :]:
            took = here.product("add", file).printed
            if process.poll() is None:
                beside += took
        said = json.loads(process.stdout.read())
    batch = said["seconds"] * CRATES_AT_ONCE / dropped
    usual = spread(alone)
    return {
        "alone": to_json(usual),
        "beside": to_json(spread(beside)),
        "slowest": max(beside),
        "batch": batch,
        "allowed": 2 * usual.median + batch,
    }


def eight_writers(here: Bench) -> dict[str, Any]:
    """Have eight writers publish 50 crates each at the same time, one by one, and count the lines that arrive."""
    writers, each = 8, 50
    places = [str(here.base / place) for place in ("drop", "tree", "state")]
    commands = []
    for number in range(writers):
        folder = here.base / f"of-{number}"
        generate(folder, Shape(names=each, versions=1, first=8_000_000 + number * each))
        states = [*places[:2], f"{places[2]}-{number}"]
        commands.append([PYTHON, "-m", "benchmarks.product", "add", *states, *map(str, sorted(folder.iterdir()))])
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for command in commands]
    took = [sum(json.loads(process.communicate()[0])) for process in processes]
    lines = sum(path.read_bytes().count(b"\n") for path in _index_files(here.base / "tree"))
    return {"lines": lines, "of": writers * each, "quickest": min(took), "longest": max(took)}


def _index_files(tree: Path) -> list[Path]:
    return [path for path in (tree / "index").rglob("bench-*") if path.is_file()]
