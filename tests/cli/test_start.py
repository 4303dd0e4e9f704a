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
RARE = {"secrets", "difflib", "tomllib", "importlib.metadata", "rich", "logging", "ctypes"}
OPENING = {"sqlite3", "cargo_static_index.registry.registry", "cargo_static_index.state"}
SETTINGS = {"msgspec", "cargo_static_index.settings.table", "cargo_static_index.registry.registry"}

COMMANDS = (
    (["--version"], PAGES | PROCESSES | SERVERS | RARE | SETTINGS),
    (["--help"], PAGES | PROCESSES | SERVERS | RARE | SETTINGS),
    (["build", "--help"], PAGES | PROCESSES | SERVERS | RARE | {"cargo_static_index.registry.registry"}),
    (["entry", "foo-1.0.0.crate"], PAGES | PROCESSES | SERVERS | RARE | OPENING),
    (["check", "foo-1.0.0.crate"], PAGES | PROCESSES | SERVERS | RARE),
    (["add", "foo-1.0.0.crate"], PAGES | PROCESSES | SERVERS | RARE),
    (["build", "--drop", ".", "--tree", "../public"], PAGES | PROCESSES | SERVERS | RARE),
    (["add", "foo-1.0.0.crate", "--pages"], PROCESSES | SERVERS | (RARE)),
)


@pytest.mark.parametrize(("arguments", "unused"), COMMANDS, ids=[" ".join(each) for each, _ in COMMANDS])
def test_a_command_loads_nothing_that_it_does_not_use(tmp_path: Path, arguments: list[str], unused: set[str]) -> None:
    crate("foo", "1.0.0").write(tmp_path)
    variables = {"CARGO_STATIC_INDEX_REGISTRY_PAGES": "false", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments],
        cwd=tmp_path,
        env=environment(variables),
        capture_output=True,
        text=True,
        check=True,
    )
    code, *loaded = done.stdout.rpartition("loaded ")[2].split()
    assert code == "0", done.stderr
    assert sorted(unused & set(loaded)) == []
