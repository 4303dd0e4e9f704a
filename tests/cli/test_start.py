"""What a command loads: starting is most of what a small command takes, so none loads what it does not use."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import environment
from tests.crates import crate

LOADED = """
import sys
from cargo_static_index.cli.app import run_program
code = run_program(sys.argv[1:])
print("loaded", code, *sys.modules)
"""

PAGES = {"jinja2", "markupsafe", "pygments", "comrak", "nh3", "cargo_static_index.site.templates"}
PROCESSES = {"concurrent.futures", "multiprocessing", "asyncio", "subprocess"}
SERVERS = {"watchdog", "starlette", "uvicorn", "obstore", "http", "email", "ssl"}
RARE = {"secrets", "difflib", "tomllib", "importlib.metadata", "rich", "logging", "ctypes", "click.shell_completion"}
OPENING = {"sqlite3", "cargo_static_index.registry.registry", "cargo_static_index.state"}
SETTINGS = {"msgspec", "cargo_static_index.settings.table", "cargo_static_index.registry.registry"}

READMES = {
    *("html", "dataclasses", "calendar"),
    *(f"cargo_static_index.site.readme.{name}" for name in ("markdown", "postprocess", "sanitize")),
}

PRINTING = {"cargo_static_index.cli.documents"}
CHANGING = {f"cargo_static_index.registry.{name}" for name in ("publish", "on_change", "registry")}
MENDING = {
    *(f"cargo_static_index.registry.{name}" for name in ("restore", "tombstones", "withdraw", "kept", "follow")),
    *(f"cargo_static_index.registry.{name}" for name in ("addresses", "dispose", "held", "similar")),
}
READING = {
    *("zlib_ng", "gzip", "shutil", "shlex"),
    *(f"cargo_static_index.{name}" for name in ("crate.check", "crate.incoming", "crate.archive", "crate.metadata")),
    *("cargo_static_index.protocol.manifest", "cargo_static_index.registry.read"),
}

COMMANDS = (
    (["--version"], PAGES | PROCESSES | SERVERS | RARE | SETTINGS),
    (["--help"], PAGES | PROCESSES | SERVERS | RARE | SETTINGS),
    (["build", "--help"], PAGES | PROCESSES | SERVERS | RARE | {"cargo_static_index.registry.registry"}),
    (["entry", "foo-1.0.0.crate"], PAGES | PROCESSES | SERVERS | RARE | OPENING | PRINTING | CHANGING),
    (["check", "foo-1.0.0.crate"], PAGES | PROCESSES | SERVERS | RARE | {"cargo_static_index.registry.on_change"}),
    (["add", "foo-1.0.0.crate"], PAGES | PROCESSES | SERVERS | RARE),
    (["build", "--drop", ".", "--tree", "../public"], PAGES | PROCESSES | SERVERS | RARE),
    (["add", "foo-1.0.0.crate", "--pages"], PROCESSES | SERVERS | RARE | READMES),
)


@pytest.mark.parametrize(("arguments", "unused"), COMMANDS, ids=[" ".join(each) for each, _ in COMMANDS])
def test_a_command_loads_nothing_that_it_does_not_use(tmp_path: Path, arguments: list[str], unused: set[str]) -> None:
    assert sorted(unused & loaded_by(dropped(tmp_path), arguments)) == []


def test_a_build_that_finds_nothing_new_loads_nothing_that_reads_or_publishes_crates(tmp_path: Path) -> None:
    drop, build = dropped(tmp_path), ["build", "--drop", ".", "--tree", "../public"]
    loaded_by(drop, build)
    unused = {
        *(PAGES | PROCESSES | SERVERS | RARE | PRINTING | READING | MENDING),
        *(CHANGING - {"cargo_static_index.registry.registry"}),
    }
    assert sorted(unused & loaded_by(drop, build)) == []


def dropped(folder: Path) -> Path:
    """Give a drop directory with one crate."""
    crate("foo", "1.0.0").write(drop := folder / "drop")
    return drop


def loaded_by(folder: Path, arguments: list[str]) -> set[str]:
    """Give the modules that a command that succeeds, without pages, has loaded at its end."""
    variables = {"CARGO_STATIC_INDEX_REGISTRY_PAGES": "false", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments],
        cwd=folder,
        env=environment(variables),
        capture_output=True,
        text=True,
        check=True,
    )
    code, *loaded = done.stdout.rpartition("loaded ")[2].split()
    assert code == "0", done.stderr
    return set(loaded)
