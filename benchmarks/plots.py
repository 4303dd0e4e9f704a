"""The plots of docs/benchmarks.md.

By matplotlib: of the libraries that write SVG it is the best kept, and with a fixed salt and no date the same figures
give the same bytes.
"""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.targets import SIZES, VERBS, Found


def write_plots(found: Found, docs: Path) -> None:
    """Write the plots into a folder."""
    _plot(
        docs / "benchmarks-cold.svg",
        {
            who: {size: found[row][who]["median"] / size * 1e6 for size, row in _rows(found, "small")}
            for who in ("floor", "product")
        },
        "µs for each crate, cold",
    )
    _plot(
        docs / "benchmarks-one-more.svg",
        {
            f"{verb}{pages}": {size: found[row][verb]["median"] * 1e3 for size, row in _rows(found, start)}
            for pages, start in (("", "one"), (" with pages", "one-pages"))
            for verb in VERBS
        },
        "ms for one change",
    )


def _rows(found: Found, start: str) -> list[tuple[int, str]]:
    return [(size, f"{start}-{size}") for size in SIZES if f"{start}-{size}" in found]


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
