"""Watch mode as a team has it: a crate is copied into a folder, and cargo builds with it."""

from pathlib import Path

import pytest

from tests.cargo.client import Cargo
from tests.cargo.ours import Ours
from tests.cli.watching import watching
from tests.crates import crate

pytestmark = pytest.mark.cargo


def test_a_crate_dropped_into_a_watched_folder_is_built_with_by_cargo(acme: Ours, cargo: Cargo, tmp_path: Path) -> None:
    places: list[str | Path] = ["--drop", acme.drop, "--tree", acme.tree, "--state", tmp_path / "state"]
    with watching(*places, "--name", "acme", "--base-url", acme.url, cwd=tmp_path) as watcher:
        watcher.until("Watching")
        crate("greeter", "1.2.0").file("src/lib.rs", "pub fn hello() -> u32 { 42 }").write(acme.drop)
        watcher.until("Published greeter 1.2.0\n")
        project = cargo.project(code="pub fn f() -> u32 { greeter::hello() }")
        project.run("add", "--registry", "acme", "greeter").ok()
        project.run("build").ok()
        assert project.locked() == {"greeter": "1.2.0"}
        assert watcher.stop() == 0
