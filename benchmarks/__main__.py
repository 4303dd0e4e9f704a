"""`python -m benchmarks [ROW…]` measures rows and writes docs/benchmarks.md with its plots; `--list` names them.

Without a name, all rows that are not rare run. What earlier runs measured stays in docs/benchmarks.json until its row
runs again. `--check N` keeps nothing, and fails where a target that these rows tell of is missed by N times, three
times in a row: other work on the machine can make it so once. What is missed is all that is measured again.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence

from benchmarks.bench import NotRun
from benchmarks.cases import ROWS, Figures, Row
from benchmarks.results import keep_result
from benchmarks.targets import missed


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check", type=float, metavar="N")
    given = parser.parse_args()
    unknown = set(given.rows) - {row.name for row in ROWS}
    if unknown:
        parser.error(f"there is no row {', '.join(sorted(unknown))}; --list names them")
    if given.list:
        print("\n".join(f"{row.name:18} {row.says}{'  (rare)' if row.rare else ''}" for row in ROWS))
        return
    chosen = [row for row in ROWS if row.name in given.rows or (not given.rows and not row.rare)]
    if given.check is not None:
        _check(chosen, given.turns, given.check)
        return
    for row in chosen:
        figures = _measured(row, given.turns)
        if figures is not None:
            keep_result(row.name, figures)
    # In a process of its own: what plots need would be counted as the memory of programs started from here.
    subprocess.run([sys.executable, "-m", "benchmarks.report"], check=True)


def _check(rows: Sequence[Row], turns: int, times: float) -> None:
    found: dict[str, Figures] = {}
    again = rows
    for _ in range(3):
        for row in again:
            figures = _measured(row, turns)
            if figures is None:
                sys.exit(f"not run: {row.name}")
            found[row.name] = figures
        slow = missed(found, times)
        if not slow:
            return
        print("\n".join(slow))
        again = [row for row in rows if any(row.name in needed for needed in slow.values())]
    sys.exit("too slow, three times in a row")


def _measured(row: Row, turns: int) -> Figures | None:
    try:
        figures = row.measure(turns)
    except NotRun as reason:
        print(f"{row.name}: not run: {reason}")
        return None
    print(row.name, json.dumps(figures), flush=True)
    return figures


if __name__ == "__main__":
    _main()
