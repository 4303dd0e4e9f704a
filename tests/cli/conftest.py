"""Folders in which the program is run."""

import shutil
import time
from pathlib import Path

import pytest

from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import open_registry
from cargo_static_index.settings import load_settings
from tests.cli.program import run
from tests.crates import crate


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `init` was run, to be copied: a started program takes longer than most tests need."""
    folder = tmp_path_factory.mktemp("begun")
    run("init", "--name", "acme", "--base-url", "https://crates.example.com/", cwd=folder).ok()
    return folder


@pytest.fixture
def fresh(begun: Path, tmp_path: Path) -> Path:
    """The same, with foo 1.0.0 and bar 0.1.0 dropped."""
    shutil.copytree(begun, tmp_path, dirs_exist_ok=True)
    crate("foo", "1.0.0").package(description="Does foo.", keywords=["thing"]).write(tmp_path / "drop")
    crate("bar", "0.1.0").write(tmp_path / "drop")
    return tmp_path


@pytest.fixture
def built(fresh: Path) -> Path:
    """The same, published, as `build` does it."""
    settings = load_settings({"tree.flush": False}, {}, fresh).settings
    with open_registry(settings, Report(), Options(now=int(time.time()))) as registry:
        registry.build()
    return fresh
