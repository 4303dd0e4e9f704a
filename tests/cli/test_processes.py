"""The program as people and scripts run it: the real process, its output and its exit codes."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from cargo_static_index.store.local.store import LocalStore
from tests.cli.warm import run_warm
from tests.crates import crate
from tests.tools import as_nobody
from tests.world import contents

NOW = {"SOURCE_DATE_EPOCH": "1767225600"}
ROOT = Path(__file__).parents[2]


def clean(more: Mapping[str, str] = {}) -> dict[str, str]:
    """Give an environment without settings of ours, in which the checkout is what is run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CARGO_STATIC_INDEX_")}
    return {**kept, **NOW, "CARGO_STATIC_INDEX_TREE_FLUSH": "false", "PYTHONPATH": str(ROOT), **more}


class Shell:
    """A folder in which commands are given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        ended = run_warm(words, cwd=self.folder, env=clean(environment), stdin="", patience=60)
        return subprocess.CompletedProcess(words, *ended)

    def good(self, *words: str, **environment: str) -> str:
        done = self.run(*words, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def bad(self, code: int, *words: str, **environment: str) -> str:
        """Run what is to fail, and give what was said of it: never a traceback."""
        done = self.run(*words, **environment)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr


@pytest.fixture(name="shell")
def make_shell(tmp_path: Path) -> Shell:
    """Give a folder in which `init` was said."""
    shell = Shell(tmp_path)
    shell.good("init", "--name", "acme", "--base-url", "https://crates.example.com/")
    return shell


def tree(shell: Shell) -> dict[str, bytes]:
    return contents(LocalStore(shell.folder / "public"))


def test_init_build_and_list_make_a_registry(shell: Shell) -> None:
    assert "https://crates.example.com/" in (shell.folder / "registry.toml").read_text()
    crate("foo").write(shell.folder / "drop")
    assert "Published foo 1.0.0" in shell.good("build")
    assert shell.good("list") == "foo@1.0.0\n"
    assert "nothing is wrong" in shell.good("verify")


def test_init_overwrites_nothing(shell: Shell) -> None:
    assert "registry.toml" in shell.bad(2, "init", "--name", "other")
    assert 'name = "acme"' in (shell.folder / "registry.toml").read_text()


def test_build_works_without_a_settings_file_and_says_which_url_an_empty_tree_takes(tmp_path: Path) -> None:
    crate("foo").write(tmp_path / "in")
    done = Shell(tmp_path).run("build", "--drop", "in", "--tree", "out")
    assert done.returncode == 0
    assert "http://127.0.0.1:8000/" in done.stderr
    assert (tmp_path / "out/index/3/f/foo").exists()


def test_a_refused_crate_fails_the_build_and_the_others_are_published(shell: Shell) -> None:
    crate("foo").write(shell.folder / "drop")
    (shell.folder / "drop/page.crate").write_text("<!doctype html>")
    said = shell.bad(1, "build")
    assert "error[file-not-gzip]" in said
    assert "= help:" in said
    assert shell.good("list") == "foo@1.0.0\n"


def test_all_or_nothing_publishes_nothing(shell: Shell) -> None:
    crate("foo").write(shell.folder / "drop")
    (shell.folder / "drop/page.crate").write_text("<!doctype html>")
    shell.bad(1, "build", "--all-or-nothing")
    assert shell.good("list") == ""


def test_remembered_refusals_only_warn_unless_strict(shell: Shell) -> None:
    path = shell.folder / "drop/page.crate"
    path.write_text("<!doctype html>")
    os.utime(path, (1, 1))
    shell.bad(1, "build")
    shell.run("build")
    shell.good("build")
    shell.bad(1, "build", "--strict")


def test_entry_prints_the_line_and_nothing_else(shell: Shell) -> None:
    path = crate("foo").dependency("bar", "1").write(shell.folder)
    line = shell.good("entry", str(path))
    assert line.count("\n") == 1
    assert json.loads(line)["deps"][0]["registry"] == "https://github.com/rust-lang/crates.io-index"
    assert "pubtime" not in line
    assert shell.good("entry", str(path)) == line


def test_entry_of_a_broken_crate_prints_nothing(shell: Shell) -> None:
    path = crate("1foo").write(shell.folder)
    done = shell.run("entry", str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "error[name-invalid]" in done.stderr


def test_check_publishes_nothing(shell: Shell) -> None:
    good, bad = crate("foo").write(shell.folder), crate("1foo").write(shell.folder)
    shell.good("check", str(good))
    assert "error[name-invalid]" in shell.bad(1, "check", str(good), str(bad))
    assert not (shell.folder / "public").exists()


def test_yank_unyank_and_remove(shell: Shell) -> None:
    shell.good("add", str(crate("foo").write(shell.folder)), str(crate("foo", "1.1.0").write(shell.folder)))
    shell.good("yank", "foo@1.0.0")
    assert "yanked" in shell.good("list")
    shell.good("yank", "foo", "--version", "1.0.0", "--undo")
    shell.good("yank", "foo@1.0.0")
    shell.good("unyank", "foo@1.0.0")
    assert shell.good("list") == "foo@1.0.0\nfoo@1.1.0\n"
    assert "--yes" in shell.bad(2, "remove", "foo@1.0.0")
    shell.good("remove", "foo@1.0.0", "--yes")
    assert shell.good("list") == "foo@1.1.0\n"
    assert "no release foo 9.0.0" in shell.bad(2, "yank", "foo@9.0.0")


def test_a_dry_run_says_what_would_change_and_changes_nothing(shell: Shell) -> None:
    crate("foo").write(shell.folder / "drop")
    assert "index/3/f/foo" in shell.good("build", "--dry-run")
    assert not (shell.folder / "public").exists()
    shell.good("build")
    before = tree(shell)
    for words in (["yank", "foo@1.0.0"], ["remove", "foo", "--all", "--yes"]):
        shell.good(*words, "--dry-run")
        assert tree(shell) == before


def test_another_base_url_is_refused_naming_both_until_it_is_a_move(shell: Shell) -> None:
    shell.good("build")
    said = shell.bad(2, "build", "--base-url", "https://new.example.com/")
    assert "https://crates.example.com/" in said
    assert "https://new.example.com/" in said
    shell.good("build", "--base-url", "https://new.example.com/", "--move")
    assert b"new.example.com" in (shell.folder / "public/index/config.json").read_bytes()


@pytest.mark.parametrize("kind", ["json", "github", "gitlab", "sarif"])
def test_what_is_found_can_be_read_by_programs(shell: Shell, kind: str) -> None:
    (shell.folder / "drop/page.crate").write_text("<!doctype html>")
    done = shell.run("build", "--output-format", kind)
    assert done.returncode == 1
    if kind == "github":
        assert done.stdout.startswith("::error file=drop/page.crate,title=file-not-gzip::")
    else:
        assert "file-not-gzip" in json.dumps(json.loads(done.stdout))


def test_unusable_words_and_settings_end_with_2_and_name_the_nearest(shell: Shell) -> None:
    assert "--drop" in shell.bad(2, "build", "--dorp", "x")
    with (shell.folder / "registry.toml").open("a") as file:
        file.write('\n[rulez]\nvcs-dirty = "allow"\n')
    said = shell.bad(2, "build")
    assert "rulez" in said
    assert "rules" in said


def test_a_missing_drop_directory_says_so(shell: Shell) -> None:
    (shell.folder / "drop").rmdir()
    assert "drop" in shell.bad(2, "build")


def test_a_tree_that_cannot_be_written_ends_with_3(tmp_path: Path) -> None:
    crate("foo").write(tmp_path / "drop")
    (tmp_path / "public").mkdir(mode=0o555)
    command = [sys.executable, "-m", "cargo_static_index", "build", "--state", "state"]
    done = as_nobody(command, env=clean(), cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "permission" in done.stderr.lower()


def test_a_pipe_that_is_closed_ends_quietly(shell: Shell) -> None:
    shell.good("add", str(crate("foo").write(shell.folder)))
    line = f"{sys.executable} -m cargo_static_index list | true"
    done = subprocess.run(
        ["sh", "-c", line], cwd=shell.folder, env=clean(), capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


def test_every_rule_can_be_explained_and_every_command_has_help_with_an_example(shell: Shell) -> None:
    assert "path-outside-package" in shell.good("explain", "path-outside-package")
    assert "nearest" not in shell.bad(2, "explain", "path-outside")
    for name in ("build", "add", "yank", "verify", "status"):
        assert f"cargo-static-index {name}" in shell.good("help", name)


def test_cargo_finds_the_program_as_its_subcommand(shell: Shell) -> None:
    assert shell.good("static-index", "--version") == shell.good("--version")
