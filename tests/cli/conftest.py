"""Folders in which the program is run."""

from pathlib import Path

import pytest

from tests.cli.program import run
from tests.crates import crate


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A folder in which `init` was run, with foo 1.0.0 and bar 0.1.0 dropped."""
    run("init", "--name", "acme", "--base-url", "https://crates.example.com/", cwd=tmp_path).ok()
    crate("foo", "1.0.0").package(description="Does foo.", keywords=["thing"]).write(tmp_path / "drop")
    crate("bar", "0.1.0").write(tmp_path / "drop")
    return tmp_path


@pytest.fixture
def built(fresh: Path) -> Path:
    """The same, published."""
    run("build", cwd=fresh).ok()
    return fresh
