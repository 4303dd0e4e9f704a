"""`python -m fuzz [TARGET…]` fuzzes each target until it has had its time or its executions, and prints the figures.

What was found interesting stays in target/fuzz/TARGET; time and executions are added up over runs in
target/fuzz/ledger.json, so that each run goes on where the last one ended. An input that fails stays in
target/fuzz/TARGET too, as `crash-…`. Needs the extra "fuzz": atheris.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

FOLDER: Final = Path("target/fuzz")
NAMES: Final = ("archive", "manifest", "index", "upstream", "requirement", "cfg", "readme")
LONGEST: Final = 64 * 1024
"""Bytes of an input."""
SLICE: Final = 300
"""Seconds after which what was done is put down."""
FAILURES: Final = ("crash-*", "timeout-*", "oom-*")


class Done(Struct, frozen=True):
    """What a target has had over all runs."""

    seconds: int = 0
    executions: int = 0


class Ledger:
    """What each target has had, in a file below `folder`; one process at a time may write it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ledger.json"
        self._done = msgspec.json.decode(self._path.read_bytes(), type=dict[str, Done]) if self._path.exists() else {}

    def of(self, name: str) -> Done:
        """Give what a target has had so far."""
        return self._done.get(name, Done())

    def add(self, name: str, more: Done) -> None:
        """Put down what a target has had besides."""
        had = self.of(name)
        self._done[name] = Done(had.seconds + more.seconds, had.executions + more.executions)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_bytes(msgspec.json.encode(self._done))


def fuzz(name: str, folder: Path, *, seconds: int, executions: int) -> None:
    """Fuzz one target in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["cargo_static_index"]):
        from fuzz.targets import TARGETS, seeds

    corpus = folder / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(name)):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = [f"-max_total_time={seconds}", f"-runs={executions}", f"-max_len={LONGEST}", "-timeout=30"]
    atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={corpus}/", str(corpus)], TARGETS[name])
    atheris.Fuzz()


def run(name: str, folder: Path, *, seconds: int, executions: int) -> tuple[Done, bool]:
    """Fuzz one target in a process of its own: what it had, and whether it failed."""
    command = [sys.executable, "-m", "fuzz", name, "--here", "--folder", str(folder)]
    command += ["--seconds", str(seconds), "--executions", str(executions)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    said = re.search(r"Done (\d+) runs in (\d+) second", ended.stderr)
    if ended.returncode or said is None:
        print(ended.stderr[-4000:], file=sys.stderr)
        return Done(), True
    return Done(seconds=int(said[2]), executions=int(said[1])), False


def run_until(name: str, ledger: Ledger, folder: Path, *, seconds: int, executions: int) -> bool:
    """Fuzz one target until it has had so much in all, and say whether it failed, which ends it."""
    while (had := ledger.of(name)).seconds < seconds and had.executions < executions:
        some = min(SLICE, seconds - had.seconds)
        more, failed = run(name, folder, seconds=some, executions=executions - had.executions)
        ledger.add(name, more)
        if failed:
            return True
    return False


def figures(ledger: Ledger, names: Iterable[str], failed: Iterable[Path]) -> dict[str, object]:
    """Give what each target has had in all, and the inputs that failed."""
    told: dict[str, object] = {}
    for name in names:
        had = ledger.of(name)
        told[name] = f"{had.executions:,} executions in {had.seconds / 60:.0f} minutes"
    return told | {"inputs that failed": list(map(str, failed))}


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(NAMES)}; all of them without")
    parser.add_argument("--seconds", type=int, default=1200, help="that a target is to have over all runs")
    parser.add_argument("--executions", type=int, default=10_000_000, help="that are enough before this time")
    parser.add_argument("--jobs", type=int, default=2, help="targets that are fuzzed at the same time")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    limits = {"seconds": given.seconds, "executions": given.executions}
    if given.here:
        fuzz(given.targets[0], given.folder, **limits)
    names, ledger = given.targets or NAMES, Ledger(given.folder)
    with ThreadPoolExecutor(given.jobs) as pool:
        wrong = list(pool.map(lambda name: run_until(name, ledger, given.folder, **limits), names))
    failed = [path for name in names for pattern in FAILURES for path in sorted((given.folder / name).glob(pattern))]
    print(json.dumps(figures(ledger, names, failed)))
    sys.exit(any(wrong) or bool(failed))


if __name__ == "__main__":
    _main()
