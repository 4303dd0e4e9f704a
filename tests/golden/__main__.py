"""Writes the tree of this version: two crates, a release yanked, one removed, a move, and lines that others wrote."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from cargo_static_index import __version__
from tests.cli.program import run
from tests.crates import crate

TREE = Path(__file__).parent / __version__ / "tree"
OLD = "https://old.example.com/"


def write_tree(tree: Path) -> None:
    """Run the commands that make the tree, a day apart."""
    with TemporaryDirectory() as folder:
        here, day = Path(folder), 1_767_225_600
        run("init", "--name", "acme", cwd=here).ok()
        for number, command in enumerate(commands(here)):
            clock = {"SOURCE_DATE_EPOCH": str(day + 86_400 * number), "CARGO_STATIC_INDEX_REGISTRY_PAGES": "false"}
            run(*command, "--tree", tree, cwd=here, env=clock).ok()
        by_others(tree / "index/3/f/foo")
        run("verify", "--fix", "--tree", tree, cwd=here).ok()


def commands(here: Path) -> list[list[str]]:
    """Drop the crates, and give the commands."""
    drop = here / "drop"
    (here / "empty").mkdir()
    crate("foo", "1.0.0").readme("# Foo").write(drop)
    crate("foo", "1.1.0-rc.1+build.7").package(rust_version="1.70", keywords=["golden"]).write(drop)
    crate("foo", "1.2.0").write(drop)
    bar = crate("Bar_bar", "0.1.0").feature("default", ["dep:foo"]).feature("weak", ["foo?/x"])
    bar.dependency("foo", "1", optional=True, registry_index=f"sparse+{OLD}index/").dependency("serde", "1").write(drop)
    return [
        ["build", "--base-url", OLD],
        ["yank", "foo@1.0.0"],
        ["remove", "foo@1.2.0", "--yes"],
        ["build", "--base-url", "https://crates.example.com/", "--move", "--drop", "empty"],
    ]


def by_others(index: Path) -> None:
    """Add a key that is not ours to a line, and a line that cargo skips."""
    first, *rest = index.read_bytes().splitlines(keepends=True)
    index.write_bytes(b'{"of":"another tool"}\n' + first.replace(b"}\n", b',"note":{"a":[1, 2]}}\n') + b"".join(rest))


if __name__ == "__main__":
    if TREE.exists():
        sys.exit(f"{TREE} is there already, and is not to be made anew")
    write_tree(TREE)
