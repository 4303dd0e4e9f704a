"""Each command with each exit code that it can end with, in the real process.

101 is the same for all of them (`test_endings`): it takes a bug, and none is known.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from cargo_static_index.cli.app import TABLE
from tests.advisories import advise
from tests.cli.program import PROGRAM, SPOKEN, being_changed, environment, run
from tests.crates import crate

GOOD = {
    "init": ["init"],
    "build": ["build"],
    "watch": ["watch", "--exit-when-idle", "0"],
    "add": ["add", "drop/foo-1.0.0.crate"],
    "check": ["check", "drop/foo-1.0.0.crate"],
    "entry": ["entry", "drop/foo-1.0.0.crate"],
    "yank": ["yank", "foo@1.0.0"],
    "unyank": ["unyank", "foo@1.0.0"],
    "remove": ["remove", "foo@1.0.0", "--yes"],
    "list": ["list"],
    "info": ["info", "foo"],
    "missing": ["missing", "--toml"],
    "advisories": ["advisories", "--advisories", "advisory-db"],
    "search": ["search", "foo"],
    "serve": ["serve", "--ephemeral", "true"],
    "owner": ["owner", "foo", "--add", "alice"],
    "audit": ["audit"],
    "token create": ["token", "create", "--user", "alice"],
    "token list": ["token", "list"],
    "token revoke": ["token", "revoke", "1a2b3c4d"],
    "token rotate": ["token", "rotate", "1a2b3c4d"],
    "token hash": ["token", "hash", "--user", "ci"],
    "status": ["status"],
    "verify": ["verify"],
    "reindex": ["reindex", "--yes"],
    "rebuild": ["rebuild"],
    "sync": ["sync", "public", "elsewhere"],
    "promote": ["promote", "public", "foo@1.0.0", "target"],
    "hosting": ["hosting", "nginx"],
    "explain": ["explain", "file-empty"],
    "check-settings": ["check-settings"],
    "help": ["help", "build"],
    "generate-shell-completion": ["generate-shell-completion", "bash"],
}
"""Every command as it succeeds, in the folder of `built`."""
OF_OTHER_REGISTRIES = {"push", "doctor"}
"""tests/client has registries for these."""

WITHOUT_SETTINGS = {"explain", "help", "generate-shell-completion", "token hash"}

FOUND_WRONG = [
    ["build"],
    ["add", "bad.crate"],
    ["check", "bad.crate"],
    ["entry", "bad.crate"],
    ["search", "nothing"],
    ["status", "--max-age", "1s"],
    ["verify"],
    ["verify", "--quick"],
]
"""All commands that can find something wrong, where something is."""

CHANGING = [
    ["build"],
    ["add", "drop/foo-1.0.0.crate"],
    *([*GOOD[each]] for each in ("yank", "unyank", "remove", "owner")),
]
CHANGING += [["reindex", "--yes"], ["rebuild"], ["verify", "--fix"]]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `built` gives it, made once."""
    folder = tmp_path_factory.mktemp("template")
    run("init", "--name", "acme", "--base-url", "https://crates.example.com/", cwd=folder).ok()
    crate("foo", "1.0.0").write(folder / "drop")
    run("build", cwd=folder).ok()
    return folder


@pytest.fixture
def built(template: Path, tmp_path: Path) -> Path:
    """A copy of the template: what the state remembers of the drop directory is of other files."""
    return shutil.copytree(template, tmp_path / "here")


def prepared(folder: Path, command: str) -> Path:
    """Make the folder one in which the command can succeed."""
    if command == "promote":
        shutil.copytree(folder / "public", folder / "target")
    if command == "init":
        (folder / "registry.toml").unlink()
    if command == "advisories":
        advise(folder / "advisory-db", "foo")
    if command.startswith("token ") or command == "audit":
        (folder / "private/audit").mkdir(parents=True)
        line = '{"time":"2026-01-01T00:00:00Z","user":"alice","action":"yank","client":"::1"}\n'
        (folder / "private/audit/2026-01.jsonl").write_text(line)
        (folder / "private/tokens.toml").write_text('[[token]]\nid = "1a2b3c4d"\nuser = "alice"\nhash = ""\n')
    return folder


def test_every_command_is_here() -> None:
    assert set(GOOD) | OF_OTHER_REGISTRIES == set(TABLE)


@pytest.mark.parametrize("command", GOOD)
def test_0_what_is_good(built: Path, command: str) -> None:
    ended = run(*GOOD[command], cwd=prepared(built, command))
    assert ended.code == 0, ended
    assert ended.out


@pytest.mark.parametrize("arguments", FOUND_WRONG, ids=" ".join)
def test_1_something_is_refused_or_wrong(built: Path, arguments: list[str]) -> None:
    (built / "bad.crate").write_bytes(b"")
    (built / "drop/bad.crate").write_bytes(b"")
    os.utime(built / "drop/bad.crate", (0, 0))
    next((built / "public/crates/foo").glob(f"{'?' * 64}.json")).unlink()
    assert run(*arguments, cwd=built, env={"SOURCE_DATE_EPOCH": "4000000000"}).code == 1


@pytest.mark.parametrize("command", TABLE)
def test_2_a_word_that_no_command_knows(tmp_path: Path, command: str) -> None:
    run(*command.split(), "--nope", cwd=tmp_path).failed(2, "error: no such option: --nope", "try '--help'")


@pytest.mark.parametrize("command", sorted(set(GOOD) - {"init", *WITHOUT_SETTINGS}))
def test_2_settings_that_cannot_be_used(built: Path, command: str) -> None:
    (built / "registry.toml").write_text('[registry]\nnaem = "x"\n')
    run(*GOOD[command], cwd=built).failed(2, "registry.toml:2: [registry] has no key `naem`: did you mean `name`?")


@pytest.mark.parametrize("command", GOOD)
def test_3_results_that_cannot_be_written(built: Path, command: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, *GOOD[command]],
            cwd=prepared(built, command),
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 3, done.stderr
    full_disk = "No space left on device. Mend that, then run this again.\n"
    assert f"error: what is printed cannot be written: {full_disk}" in done.stderr
    assert SPOKEN not in done.stderr


IN_THE_END = [arguments for arguments in CHANGING if arguments[0] != "reindex"] + [
    ["reindex", "--mode", "mirror", "--yes"]
]
"""Those that change something in the folder of `built`: what there is to change is found before others are kept out."""


@pytest.mark.parametrize("arguments", IN_THE_END, ids=" ".join)
def test_3_a_tree_that_another_process_changes(built: Path, arguments: list[str]) -> None:
    with being_changed(built / "public"):
        at_once = {"CARGO_STATIC_INDEX_TREE_LOCK_TIMEOUT": "0"}
        run(*arguments, cwd=built, env=at_once).failed(3, "another process is changing this tree. Wait until it ends")


@pytest.mark.parametrize("command", GOOD)
def test_130_interrupted(built: Path, command: str) -> None:
    """Settings from a pipe that nobody writes keep every command waiting."""
    os.mkfifo(built / "pipe.toml")
    shows = ["--show-settings"] if command in {"init", *WITHOUT_SETTINGS} else []
    process = subprocess.Popen(
        [*PROGRAM, *GOOD[command], *shows, "--config", "pipe.toml"],
        cwd=prepared(built, command),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until_it_opens_the_pipe(process.pid)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert (out, err) == ("", "error: interrupted; nothing is left half done, and the next build goes on from here\n")


def wait_until_it_opens_the_pipe(pid: int) -> None:
    """Wait until the kernel says that a process waits for the other end of a pipe; where it does not say, a while."""
    for _ in range(200):
        time.sleep(0.05)
        try:
            if Path(f"/proc/{pid}/wchan").read_text() in {"wait_for_partner", "fifo_open"}:
                return
        except OSError:
            break
    time.sleep(1)
