"""The program as shells and cargo start it: by its name on the PATH."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.rule import LEVELS
from tests.cli.program import environment, run
from tests.tools import need


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the program is found by its name."""
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "cargo-static-index"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m cargo_static_index "$@"\n')
    program.chmod(0o755)
    there = environment()
    return {**there, "PATH": f"{folder}{os.pathsep}{there['PATH']}", "PYTHONPATH": str(Path(__file__).parents[2])}


def output(command: list[str], cwd: Path, env: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


COMPLETED = [
    ("cargo-static-index un", ["unyank"]),
    ("cargo-static-index build --al", ["--all-or-nothing", "--aliases"]),
    ("cargo-static-index build --output-format g", ["github", "gitlab"]),
    ("cargo-static-index build --mode m", ["mirror"]),
    ("cargo-static-index build --rule vcs", [f"vcs-dirty={level}" for level in LEVELS]),
    ("cargo-static-index -C / ver", ["verify"]),
    ("cargo-static-index explain file-e", ["file-empty"]),
    ("cargo-static-index help re", ["remove", "reindex", "rebuild"]),
    ("cargo-static-index check nothing-here", []),
]

BASH = """
source completion
words=($1)
COMP_WORDS=("${words[@]}")
COMP_CWORD=$(( ${#words[@]} - 1 ))
$(complete -p cargo-static-index | sed 's/.*-F \\([^ ]*\\).*/\\1/') cargo-static-index
printf '%s\\n' "${COMPREPLY[@]}"
"""
"""What bash does when TAB is pressed: it calls the function that `complete` was told of."""


@pytest.mark.parametrize(("typed", "words"), COMPLETED)
def test_bash_completes(tmp_path: Path, path: dict[str, str], typed: str, words: list[str]) -> None:
    (tmp_path / "completion").write_text(run("generate-shell-completion", "bash", cwd=tmp_path).ok())
    assert output([need("bash"), "-c", BASH, "bash", typed], tmp_path, path).split() == words


@pytest.mark.parametrize(("typed", "words"), COMPLETED)
def test_fish_completes(tmp_path: Path, path: dict[str, str], typed: str, words: list[str]) -> None:
    fish = need("fish")
    (tmp_path / "completion").write_text(run("generate-shell-completion", "fish", cwd=tmp_path).ok())
    shown = output([fish, "--no-config", "-c", f"source completion; complete -C '{typed}'"], tmp_path, path)
    assert {line.split("\t")[0] for line in shown.splitlines()} == set(words)


ZSH = """
autoload -U compinit; compinit -u -D
source ./completion
_describe() { print -rl -- "${(@P)3}" }
words=(${=1}); CURRENT=${#words}
$_comps[cargo-static-index]
"""
"""What zsh does, but for the menu: `_describe` is where the words arrive."""


@pytest.mark.parametrize(("typed", "words"), [each for each in COMPLETED if each[1]])
def test_zsh_completes(tmp_path: Path, path: dict[str, str], typed: str, words: list[str]) -> None:
    zsh = need("zsh")
    (tmp_path / "completion").write_text(run("generate-shell-completion", "zsh", cwd=tmp_path).ok())
    shown = output([zsh, "-f", "-c", ZSH, "zsh", typed], tmp_path, path)
    assert all(word in shown for word in words)


@pytest.mark.cargo
def test_cargo_finds_it_as_its_subcommand(built: Path, path: dict[str, str]) -> None:
    cargo = need("cargo")
    home = {**path, "CARGO_HOME": str(built / "cargo-home")}
    assert output([cargo, "static-index", "list"], built, home) == "bar@0.1.0\nfoo@1.0.0\n"
    assert output([cargo, "static-index", "--version"], built, home) == run("--version", cwd=built).ok()
    listed = output([cargo, "--list"], built, home)
    assert "static-index" in listed
    wrong = [cargo, "static-index", "info", "nothing"]
    done = subprocess.run(wrong, cwd=built, env=home, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no crate 'nothing' in this registry" in done.stderr
