"""Starting: whole commands as processes of their own, from the shell's call to the end, beside what starting costs."""

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.bench import PYTHON, Bench, bench, small
from benchmarks.generate import Shape, generate
from benchmarks.measure import Run, in_turn, run, to_json, walls

PROGRAM = [PYTHON, "-m", "cargo_static_index"]
FILES = 10_000
Figures = dict[str, Any]
SETTINGS = """\
[registry]
base-url = "http://127.0.0.1:8000/"
pages = {pages}
[tree]
path = "tree"
flush = false
[state]
path = "state"
"""


def start(turns: int) -> Figures:
    """Measure whole commands, pages off, beside a Python that does nothing and a typer program of one command.

    `ratio` is the slowest of those that only say something by the typer program.
    """
    with bench(small(FILES)) as here:  # not one that other rows have removed releases of
        here.cold_product()
        figures = _measured({**_bare(), **_saying(), **_working(here, turns, pages=False)}, turns)
    slowest = max(figures[name]["median"] for name in ("version", "help", "refused"))
    return {"ratio": slowest / figures["bare typer"]["median"], **figures}


def start_with_pages(turns: int) -> Figures:
    """Measure the commands that make pages, beside `--version`."""
    with bench(small(FILES)) as here:
        here.cold_product("--pages")
        working = _working(here, turns, pages=True)
        return _measured({"version": _saying()["version"], "add": working["add"], "build": working["build"]}, turns)


def _measured(contenders: Mapping[str, Callable[[], Run]], turns: int) -> Figures:
    return {name: to_json(walls(runs)) for name, runs in in_turn(contenders, turns).items()}


def _bare() -> Mapping[str, Callable[[], Run]]:
    return {
        "bare python": lambda: run([PYTHON, "-c", "pass"]),
        "bare typer": lambda: run([PYTHON, "-m", "benchmarks.bare", "--help"]),
    }


def _saying() -> Mapping[str, Callable[[], Run]]:
    return {
        "version": lambda: run([*PROGRAM, "--version"]),
        "help": lambda: run([*PROGRAM, "--help"]),
        "refused": lambda: run([*PROGRAM, "build", "--no-such-option"], expect=2),
    }


def _working(here: Bench, turns: int, *, pages: bool) -> Mapping[str, Callable[[], Run]]:
    """Give the commands that work on a tree that holds all of what is dropped beside it."""
    (here.base / "registry.toml").write_text(SETTINGS.format(pages=str(pages).lower()))
    more = here.base / "one-by-one"
    generate(more, Shape(names=turns + 1, versions=1, first=7_000_000))
    files = iter(sorted(map(str, more.iterdir())))
    one = str(min(here.drop.iterdir()))
    program = [*PROGRAM, "-C", str(here.base)]
    return {
        "entry": lambda: run([*program, "entry", one]),
        "check": lambda: run([*program, "check", one]),
        "add": lambda: run([*program, "add", next(files)]),
        "build": lambda: run([*program, "build"]),
    }
