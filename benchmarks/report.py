"""Writes docs/benchmarks.md and its plots from docs/benchmarks.json (`python -m benchmarks.report`); measures nothing.

Plots by matplotlib: of the libraries that write SVG it is the best kept, and with a fixed salt and no date the same
figures give the same bytes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.cases import ROWS, Row
from benchmarks.results import Known, read_results

SIZES = (1000, 10_000, 100_000, 1_000_000)

HEAD = """# Benchmarks

This page is written by `python -m benchmarks` from what it measured; `python -m benchmarks --list` names the rows.
The floor is `benchmarks/floor.py`: two processes that read, hash, inflate, walk, parse and write, and check no more.
Floor and product run in turn, in fresh processes; the first turn is left out.
Each says how long it took once it had started: interpreter and imports are in neither.
Judged rows run in memory (`/dev/shm`), without flush; rows on disk are there to be seen, not judged.
A figure is a median, with the middle half of all turns in brackets.

"""


BUSY = """The load is the system's average over the minute before the end of the row; the row itself adds up to 2.
Where it is more, other work ran on the same processors: ratios then are a rough guide and seconds none at all.
"""


def write_report(docs: Path) -> None:
    """Write the page and its plots into a folder."""
    known = read_results()
    sections = [section(known) for section in (_builds, _changes, _rest, _not_run)]
    parts = [HEAD, *sections, _plots(known, docs), _machines(known)]
    (docs / "benchmarks.md").write_text("".join(parts))


def _builds(known: Known) -> str:
    lines = [
        "## Passes\n\n| case | floor, walk or without | product | ratio | reach | peak memory |\n" + 6 * "|---" + "|\n"
    ]
    for row in ROWS:
        found = known.get(row.name, {}).get("figures", {})
        if "floor" in found:
            cells = (_seconds(found["floor"]), _seconds(found["product"]), f"**{found['ratio']:.2f}**", _reach(row))
            lines.append(f"| {row.says} | {' | '.join(cells)} | {found['peak'] / 2**20:.0f} MiB |\n")
    ratios = {size: _ratio(known, f"small-{size}") for size in SIZES}
    present = [ratio for ratio in ratios.values() if ratio]
    if len(present) > 1:
        spread = max(present) / min(present)
        lines.append(f"\nLargest ÷ smallest of the ratios at different sizes: {spread:.2f} (reach 1.3).\n")
    if found := known.get("pages", {}).get("figures"):
        lines.append(f"Pages take {_time(found['each'])} of processor time a real release (reach 3 ms).\n")
    many, ten = _ratio(known, "versions-2000"), _ratio(known, "small-10000")
    if many and ten:
        lines.append(f"Ratio of 2,000 versions of one crate ÷ that of 10,000 crates: {many / ten:.2f} (reach 1.2).\n")
    return "".join(lines) + "\n"


def _ratio(known: Known, name: str) -> float | None:
    ratio = known.get(name, {}).get("figures", {}).get("ratio")
    return None if ratio is None else float(ratio)


def _reach(row: Row) -> str:
    return "—" if row.reach is None else f"≤ {row.reach}"


def _seconds(spread: Mapping[str, float]) -> str:
    return f"{_time(spread['median'])} ({_time(spread['low'])}–{_time(spread['high'])})"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"


def _changes(known: Known) -> str:
    lines = ["## One change\n\nTime inside the process, from opening the registry to closing it.\n\n"]
    lines.append("| releases | pages | one more, by `add` | yank one | remove one |\n|---|---|---|---|---|\n")
    for pages, start in _CHANGES.items():
        for size, found in _sizes(known, start).items():
            cells = (_seconds(found[verb]) for verb in _VERBS)
            lines.append(f"| {size:,} | {pages} | {' | '.join(cells)} |\n")
    for pages, start in _CHANGES.items():
        found = _sizes(known, start)
        if len(found) > 1:
            spreads = ", ".join(f"{verb} {_largest_by_smallest(found, verb):.2f}" for verb in _VERBS)
            lines.append(f"\nLargest ÷ smallest, pages {pages}: {spreads} (reach 1.5).\n")
    if found := known.get("onto-2000", {}).get("figures"):
        lines.append(
            f"\nOne more version onto 2,000 of the same crate takes {_seconds(found['2000'])}, onto one "
            f"{_seconds(found['1'])}; "
            f"the index files then have {found['2000 bytes']:,} and {found['1 bytes']:,} bytes.\n"
        )
    return "".join(lines) + "\n"


_CHANGES = {"off": "one", "on": "one-pages"}
_VERBS = ("add", "yank", "remove")


def _sizes(known: Known, start: str) -> dict[int, Any]:
    return {size: known[f"{start}-{size}"]["figures"] for size in SIZES if f"{start}-{size}" in known}


def _largest_by_smallest(found: Mapping[int, Any], verb: str) -> float:
    medians = [float(each[verb]["median"]) for each in found.values()]
    return max(medians) / min(medians)


def _rest(known: Known) -> str:
    lines = ["## Memory and start-up\n\n"]
    few, many = (known.get(f"idle-{size}", {}).get("figures") for size in (10_000, 1_000_000))
    if few and many:
        cold, idle = many["cold"]["peak"] - few["cold"]["peak"], many["peak"] - few["peak"]
        lines.append(
            f"A million releases take {cold / 2**20:.0f} MiB more than ten thousand to publish from nothing, and "
            f"{idle / 2**20:.0f} MiB more where nothing is new (reach 200 MiB); they were published in "
            f"{many['cold']['wall']:.0f} s.\n"
        )
    if found := known.get("largest", {}).get("figures"):
        lines.append(f"One crate of 99 MiB packed adds {found['bytes'] / 2**20:.0f} MiB to the peak (reach 256 MiB).\n")
    if found := known.get("start", {}).get("figures"):
        each = ", ".join(f"{name} {_seconds(found[name])}" for name in ("bare", "version", "help", "refused"))
        lines.append(f"Start-up: {each}; the slowest ÷ bare is {found['ratio']:.2f} (reach 1.5).\n")
    return "".join(lines) + "\n"


def _not_run(known: Known) -> str:
    missing = [f"- `{row.name}`: {row.says}\n" for row in ROWS if row.name not in known]
    return f"## Not run\n\n{''.join(missing)}\n" if missing else ""


def _machines(known: Known) -> str:
    groups: dict[str, list[str]] = {}
    for row in ROWS:
        if row.name in known:
            on = known[row.name]["on"]
            where = ", ".join((on["processor"], on["system"], f"Python {on['python']}", on["with"]))
            groups.setdefault(where, []).append(
                f"`{row.name}` ({known[row.name]['turns']} turns, load {on.get('load', 'not noted')})"
            )
    lines = [f"- {where}: {', '.join(rows)}.\n" for where, rows in groups.items()]
    return f"## Measured on\n\n{''.join(lines)}\n{BUSY}" if lines else ""


def _plots(known: Known, docs: Path) -> str:
    builds = {size: known[f"small-{size}"]["figures"] for size in SIZES if f"small-{size}" in known}
    changes = {name: _sizes(known, start) for name, start in (("", "one"), (" with pages", "one-pages"))}
    text = ""
    if len(builds) > 1:
        lines = {
            who: {size: found[who]["median"] / size * 1e6 for size, found in builds.items()}
            for who in ("floor", "product")
        }
        _plot(docs / "benchmarks-cold.svg", lines, "µs for each crate, cold")
        text += "![Time for each crate against the number of crates](benchmarks-cold.svg)\n\n"
    lines_of = {
        f"{verb}{name}": {size: each[verb]["median"] * 1e3 for size, each in found.items()}
        for name, found in changes.items()
        for verb in _VERBS
    }
    if len(changes[""]) > 1:
        _plot(docs / "benchmarks-one-more.svg", lines_of, "ms for one change")
        text += "![Time for one change against the number of releases](benchmarks-one-more.svg)\n\n"
    return text


def _plot(path: Path, lines: Mapping[str, Mapping[int, float]], label: str) -> None:
    mpl.rcParams["svg.hashsalt"] = "cargo-static-index"
    figure = Figure(figsize=(6, 3.5))
    axes = figure.add_subplot()
    for name, values in lines.items():
        axes.plot(list(values), list(values.values()), marker="o", label=name)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("releases")
    axes.set_ylabel(label)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    write_report(Path("docs"))
