"""Telling others what changed: `on-change` and `--changed-urls`, in every command that changes the tree."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import run
from tests.cli.watching import watching
from tests.crates import crate

HOOK = """
import pathlib, sys
here = pathlib.Path({folder!r})
if (here / "broken").exists():
    sys.exit(3)
with (here / "told").open("a") as told:
    told.write(sys.stdin.read() + "\\n")
print("told")
"""


@pytest.fixture
def hooked(fresh: Path) -> Path:
    """The folder of `fresh`, with a command that keeps what it is told, and fails as long as `broken` is there."""
    (fresh / "hook.py").write_text(HOOK.format(folder=str(fresh)))
    with (fresh / "registry.toml").open("a") as file:
        file.write("")
    text = (fresh / "registry.toml").read_text()
    command = json.dumps([sys.executable, str(fresh / "hook.py")])
    (fresh / "registry.toml").write_text(text.replace("[registry]\n", f"[registry]\non-change = {command}\n", 1))
    return fresh


def told(folder: Path) -> list[Any]:
    file = folder / "told"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def paths(folder: Path) -> set[str]:
    return {each["path"] for document in told(folder) for each in document["changed"]}


def test_the_command_is_told_what_changed_and_where_it_is_found(hooked: Path) -> None:
    run("build", cwd=hooked).ok()
    [document] = told(hooked)
    assert (document["schema"], document["base_url"]) == (1, "https://crates.example.com/")
    changed = {each["path"]: each for each in document["changed"]}
    assert changed["index/3/f/foo"]["urls"] == ["https://crates.example.com/index/3/f/foo"]
    page = changed["crates/foo/index.html"]
    assert page["urls"] == [f"https://crates.example.com/crates/foo/{end}" for end in ("index.html", "")]
    order = [each["path"] for each in document["changed"]]
    archive = next(path for path in order if path.startswith("crates/foo/") and path.endswith(".crate"))
    assert order.index(archive) < order.index("index/3/f/foo")
    run("build", cwd=hooked).ok()
    assert len(told(hooked)) == 1


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [
        (["yank", "foo@1.0.0"], "index/3/f/foo"),
        (["remove", "foo@1.0.0", "--yes"], "crates/foo/removed.json"),
        (["add", "other.crate"], "index/ot/he/other"),
        (["reindex", "--yes"], "index/3/f/foo"),
        (["verify", "--fix"], "tree.json"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_every_command_that_changes_the_tree_tells_of_it(hooked: Path, arguments: list[str], changes: str) -> None:
    run("build", cwd=hooked).ok()
    (hooked / "told").unlink()
    crate("other", "1.0.0").write(hooked).rename(hooked / "other.crate")
    if arguments[0] == "reindex":
        line = hooked / "public/index/3/f/foo"
        line.write_text(line.read_text().replace('"features":{}', '"features":{"x":[]}'))
    if arguments[0] == "verify":
        (hooked / "public/tree.json").unlink()
    done = run(*arguments, "--changed-urls", "urls.txt", cwd=hooked)
    assert done.code == 0 or arguments[0] == "verify", done
    assert changes in paths(hooked)
    assert f"https://crates.example.com/{changes}" in (hooked / "urls.txt").read_text().splitlines()


def test_what_a_failing_command_was_not_told_is_kept_shown_and_told_later(hooked: Path) -> None:
    (hooked / "broken").touch()
    run("build", cwd=hooked).failed(3, "ended with 3; what changed is noted, and told again later")
    said = run("status", cwd=hooked).ok()
    assert "left to tell of, last told never" in said
    assert "ended with 3" in said
    run("yank", "foo@1.0.0", cwd=hooked).failed(3, "ended with 3")
    (hooked / "broken").unlink()
    run("build", cwd=hooked).ok()
    assert {"index/3/f/foo", "index/3/b/bar", "tree.json"} <= paths(hooked)
    assert "on-change: nothing left to tell of, last told" in run("status", cwd=hooked).ok()


def test_a_dry_run_tells_nobody(hooked: Path) -> None:
    run("build", "--dry-run", "--changed-urls", "urls.txt", cwd=hooked).ok()
    assert told(hooked) == []
    assert not (hooked / "urls.txt").exists()


def test_who_deletes_the_state_is_told_that_something_may_be_lost(hooked: Path) -> None:
    run("build", cwd=hooked).ok()
    assert "not known" not in run("status", cwd=hooked).ok()
    shutil.rmtree(hooked / ".cargo-static-index")
    run("build", cwd=hooked).ok()
    assert "what was not told of before then is not known" in run("status", cwd=hooked).ok()


def test_the_watcher_tells_again_until_it_is_heard_across_restarts(hooked: Path) -> None:
    (hooked / "broken").touch()
    with watching("--changed-urls", "urls.txt", cwd=hooked) as watcher:
        watcher.until("ended with 3; what changed is noted")
        watcher.until("Published foo")
        watcher.stop()
    (hooked / "broken").unlink()
    with watching(cwd=hooked) as watcher:
        watcher.until("told")
        assert watcher.stop() == 0
    assert "index/3/f/foo" in paths(hooked)
    assert "https://crates.example.com/index/3/f/foo" in (hooked / "urls.txt").read_text().splitlines()
