"""`python -m benchmarks [ROW…]` measures rows and writes docs/benchmarks.md with its plots; `--list` names them.

Without a name, all rows that are not rare run. `--check N` fails where a ratio is more than N times what it is to
reach, each of three times: other work on the machine can make it so once. What earlier runs measured stays in
docs/benchmarks.json until its row runs again.
"""

import argparse
import json
import subprocess
import sys

from benchmarks.cases import ROWS, NotRun, Row
from benchmarks.results import keep_result


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
        print("\n".join(f"{row.name:14} {row.says}{'  (rare)' if row.rare else ''}" for row in ROWS))
        return
    chosen = [row for row in ROWS if row.name in given.rows or (not given.rows and not row.rare)]
    tries = 1 if given.check is None else 3
    missed = [row for row in chosen if not any(_measure(row, given.turns, given.check) for _ in range(tries))]
    if given.check is None:
        # In a process of its own: what plots need would be counted as the memory of programs started from here.
        subprocess.run([sys.executable, "-m", "benchmarks.report"], check=True)
    if missed:
        sys.exit(f"too slow: {', '.join(row.name for row in missed)}")


def _measure(row: Row, turns: int, check: float | None) -> bool:
    """Measure a row and keep what was found; say whether it is within the limit that is checked."""
    try:
        figures = row.measure(turns)
    except NotRun as reason:
        print(f"{row.name}: not run: {reason}")
        return check is None
    print(row.name, json.dumps(figures))
    if check is not None:
        return row.reach is None or figures["ratio"] <= check * row.reach
    keep_result(row.name, figures, turns)
    return True


if __name__ == "__main__":
    _main()
