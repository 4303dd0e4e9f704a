"""`python -m fuzz [TARGET…] --seconds N` fuzzes each target for so long, and prints the figures as JSON.

What was found interesting stays in target/fuzz/TARGET, and the executions are added up, so that each run goes on where
the last one ended. An input that fails stays there too, as `crash-…`. Needs the extra "fuzz": atheris.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

FOLDER = Path("target/fuzz")
NAMES = ("archive", "manifest", "index", "requirement", "cfg", "readme")
LONGEST = 64 * 1024


def fuzz(name: str, seconds: int) -> None:
    """Fuzz one target in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["cargo_static_index"]):
        from fuzz.targets import TARGETS, seeds

    corpus = FOLDER / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(name)):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-print_final_stats=1", "-timeout=30"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={corpus}/", str(corpus)], TARGETS[name])
    atheris.Fuzz()


def run(name: str, seconds: int) -> tuple[int, bool]:
    """Fuzz one target in a process of its own: how often it was executed, and whether it failed."""
    command = [sys.executable, "-m", "fuzz", name, "--seconds", str(seconds), "--here"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    count = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    if done.returncode:
        print(done.stderr[-4000:], file=sys.stderr)
    return int(count[1]) if count else 0, done.returncode != 0


def figures(found: Mapping[str, int], total: Mapping[str, int], failed: Sequence[str]) -> dict[str, object]:
    """Give the figures of a run: executions of each target now and in all, and the inputs that failed."""
    told: dict[str, object] = {name: f"{count:,} executions, {total[name]:,} in all" for name, count in found.items()}
    return told | {"failed": list(failed)}


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(NAMES)}; all of them without")
    parser.add_argument("--seconds", type=int, default=1200)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        fuzz(given.targets[0], given.seconds)
    ledger = FOLDER / "executions.json"
    total = json.loads(ledger.read_text()) if ledger.exists() else {}
    found, failed = {}, []
    for name in given.targets or NAMES:
        found[name], wrong = run(name, given.seconds)
        total[name] = total.get(name, 0) + found[name]
        failed += [str(path) for path in sorted((FOLDER / name).glob("crash-*"))] if wrong else []
        ledger.write_text(json.dumps(total))
    print(json.dumps(figures(found, total, failed)))
    sys.exit(bool(failed))


if __name__ == "__main__":
    _main()
