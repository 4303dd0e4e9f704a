"""Commands that a signal or a bug ends at a moment of their work: at the n-th call that our code makes or takes.

`python -m tests.cli.moments` does that with every command at many moments. Starting Python takes longer than most
commands, so a `Runner` is a process that has loaded everything, and begins another one for each command.
"""

import argparse
import importlib
import json
import os
import pkgutil
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Final

import msgspec
from msgspec import Struct

import cargo_static_index
from cargo_static_index.__main__ import main
from tests.advisories import advise
from tests.cli.program import SPOKEN, environment, run
from tests.crates import crate
from tests.documents import hold_output

OURS: Final = str(Path(cargo_static_index.__file__).parent)

COMMANDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "init": ("init", "-C", "begun"),
        "build": ("build",),
        "watch": ("watch", "--exit-when-idle", "0"),
        "add": ("add", "drop/new-1.0.0.crate"),
        "check": ("check", "drop/new-1.0.0.crate"),
        "entry": ("entry", "drop/new-1.0.0.crate"),
        "yank": ("yank", "foo@1.0.0"),
        "unyank": ("unyank", "foo@1.1.0"),
        "remove": ("remove", "foo@1.0.0", "--yes"),
        "list": ("list",),
        "info": ("info", "foo"),
        "missing": ("missing", "--toml"),
        "advisories": ("advisories", "--advisories", "advisory-db"),
        "search": ("search", "foo"),
        "serve": ("serve", "--ephemeral", "true"),
        "owner": ("owner", "foo", "--add", "alice"),
        "audit": ("audit",),
        "token create": ("token", "create", "--user", "alice"),
        "token list": ("token", "list"),
        "token revoke": ("token", "revoke", "1a2b3c4d"),
        "token rotate": ("token", "rotate", "1a2b3c4d"),
        "token hash": ("token", "hash", "--user", "ci"),
        "status": ("status",),
        "verify": ("verify", "--fix"),
        "reindex": ("reindex", "--mode", "mirror", "--yes"),
        "rebuild": ("rebuild", "--pages"),
        "sync": ("sync", "public", "elsewhere"),
        "promote": ("promote", "public", "foo@1.1.0", "target"),
        "push": ("push", "drop/new-1.0.0.crate", "--index", "sparse+http://127.0.0.1:9/index/", "--wait", "0"),
        "doctor": ("doctor", "public"),
        "hosting": ("hosting", "nginx"),
        "explain": ("explain", "file-empty"),
        "check-settings": ("check-settings",),
        "help": ("help", "build"),
        "generate-shell-completion": ("generate-shell-completion", "bash"),
    }
)
"""Every command with something to do in the folder that `prepare` makes; nobody listens where `push` sends to."""

GO_ON: Final = frozenset({"watch", "serve"})
"""Those that a signal may end with 0: what they have accepted they finish."""


PRINT_JSON: Final = frozenset(
    (
        *("build", "add", "check", "list", "info", "missing", "advisories", "search", "audit", "token list"),
        *("status", "verify", "reindex", "promote", "push", "doctor"),
    )
)
"""Those that print documents: here they are asked for them."""

A_BUG: Final = -1
"""Where a signal may stand: the call raises what no code of ours expects."""

SECRETS: Final = {"CARGO_REGISTRY_TOKEN": "a-token-of-cargos", "AWS_SECRET_ACCESS_KEY": "a-key-of-a-bucket"}
"""What the environment of every command holds, and nothing that it writes."""


class BugError(Exception):
    """What no code of ours expects."""


def arguments_of(name: str) -> tuple[str, ...]:
    """Give a command as it is run here."""
    return (*COMMANDS[name], *(["--json"] if name in PRINT_JSON else []))


class Asked(Struct, frozen=True):
    """A command to run in a folder, and the signal that it gets at its `at`-th call; at 0 calls are only counted."""

    folder: str
    arguments: tuple[str, ...]
    number: int
    at: int | None


class Told(Struct, frozen=True):
    """How a command ended: its exit code, what it printed and said, its calls from when it hears signals on.

    `seconds` are those from the signal to its end, none where it got none.
    """

    code: int
    printed: str
    said: str
    calls: int
    seconds: float | None


class Runner:
    """Runs commands, each in a process of its own that has all modules."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def run(self, folder: Path, *arguments: str, number: int = 0, at: int | None = None) -> Told:
        """Run a command in a folder, and send it a signal at a moment, or count its calls (0)."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(Asked(str(folder), arguments, number, at)) + b"\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._process.stdout.readline(), type=Told)


@contextmanager
def runner() -> Iterator[Runner]:
    """Give a runner, until the `with` block ends."""
    command = [sys.executable, "-m", "tests.cli.moments", "--here"]
    with (
        tempfile.TemporaryDirectory() as home,
        subprocess.Popen(
            command,
            env=environment({**SECRETS, "CARGO_HOME": home, "TMPDIR": home}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process,
    ):
        yield Runner(process)


def prepare(folder: Path) -> Path:
    """Make a folder with a registry of two releases, a third that was dropped, and tokens."""
    run("init", "--name", "acme", "--base-url", "https://crates.example.com/", cwd=folder).ok()
    for version in ("1.0.0", "1.1.0"):
        crate("foo", version).write(folder / "drop")
        run("build", cwd=folder).ok()
        if not (folder / "target").exists():
            shutil.copytree(folder / "public", folder / "target")
    run("yank", "foo@1.1.0", cwd=folder).ok()
    crate("new", "1.0.0").write(folder / "drop")
    next((folder / "public/crates/foo").glob(f"{'?' * 64}.json")).unlink()
    for dropped in (folder / "drop").glob("foo-*"):
        dropped.unlink()
    (folder / "begun").mkdir()
    advise(folder / "advisory-db", "foo")
    (folder / "private/audit").mkdir(parents=True)
    line = '{"time":"2026-01-01T00:00:00Z","user":"alice","action":"yank","client":"::1"}\n'
    (folder / "private/audit/2026-01.jsonl").write_text(line)
    (folder / "private/tokens.toml").write_text('[[token]]\nid = "1a2b3c4d"\nuser = "alice"\nhash = ""\n')
    return folder


def files_of(folder: Path) -> dict[Path, bytes]:
    """Give what a folder holds, by paths below it."""
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def ended_by(number: int, name: str, told: Told) -> bool:
    """Whether a command ended as it should after a signal or a bug, and what it printed is whole."""
    hold_output(arguments_of(name), told.printed)
    if number == A_BUG and '"reader-failed"' in told.printed:  # it is said of the file, and stops no other
        return told.code == 1
    if number == A_BUG:
        return told.code == 101 and tells_where_its_log_is(told.said)
    return SPOKEN not in told.said and (told.code == 128 + number or (name in GO_ON and told.code == 0))


def tells_where_its_log_is(said: str) -> bool:
    """Whether a bug was told in one line, and its details are for the user alone and hold no secret; they are deleted.

    Whatever mode the process gives its files otherwise: here it is one that everybody may read and write.
    """
    says = "error: this is a bug of cargo-static-index (BugError); the details are in "
    last = said.splitlines()[-1] if said else ""
    if SPOKEN in said or not last.startswith(says):
        return False
    log = Path(last.removeprefix(says).partition(". Please report it")[0])
    text, mode = log.read_text(), stat.S_IMODE(log.stat().st_mode)
    log.unlink()
    return mode == 0o600 and "nobody expects this" in text and not any(each in text for each in SECRETS.values())


def is_well_after(programs: Runner, folder: Path) -> bool:
    """Whether the next pass ends well, and `verify` finds nothing after it, but for the metadata that is missing."""
    mended = programs.run(folder, "build", "-q").code == 0 and programs.run(folder, "verify", "--fix", "-q").code in {
        0,
        1,
    }
    return mended and programs.run(folder, "verify", "-q").code == 0


# In the process that runs commands ---------------------------------------------------------------------------


class _Calls:
    """Counts the calls of our code, and sends a signal at one of them."""

    def __init__(self, number: int, at: int, report: int) -> None:
        self._number = number
        self._at = at
        self._report = report
        self._count = 0

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if event not in {"call", "c_call"} or not frame.f_code.co_filename.startswith(OURS):
            return
        if self._count or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
            self._count += 1
            if self._count == self._at:
                sys.setprofile(None)
                os.pwrite(self._report, f"{self._count} {time.monotonic()}".encode(), 0)
                if self._number == A_BUG:
                    raise BugError("nobody expects this")
                os.kill(os.getpid(), self._number)

    def end(self) -> None:
        """Report how many there were, where no signal was sent."""
        sys.setprofile(None)
        if self._count < self._at or not self._at:
            os.pwrite(self._report, str(self._count).encode(), 0)


def _run(asked: Asked, report: int, printed: int, said: int) -> None:
    """Be the command; this process ends with it."""
    os.chdir(asked.folder)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.umask(0)
    os.dup2(printed, 1)
    os.dup2(said, 2)
    sys.argv = ["cargo-static-index", *asked.arguments]
    calls = _Calls(asked.number, asked.at or 0, report)
    if asked.at is not None:
        sys.setprofile(calls)
    try:
        main()
    except SystemExit as ended:
        calls.end()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    finally:
        os._exit(99)


def _answer(asked: Asked) -> Told:
    report, printed, said = (os.memfd_create(name) for name in ("report", "printed", "said"))
    child = os.fork()
    if not child:
        _run(asked, report, printed, said)
    _, status = os.waitpid(child, 0)
    ended = time.monotonic()
    calls, *sent = os.pread(report, 100, 0).split() or [b"0"]
    out, err = (os.pread(file, 1 << 20, 0).decode(errors="replace") for file in (printed, said))
    for file in (report, printed, said):
        os.close(file)
    seconds = ended - float(sent[0]) if sent else None
    return Told(code=os.waitstatus_to_exitcode(status), printed=out, said=err, calls=int(calls), seconds=seconds)


def _be_the_runner() -> None:
    for module in pkgutil.walk_packages(cargo_static_index.__path__, "cargo_static_index."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for line in sys.stdin.buffer:
        told = _answer(msgspec.json.decode(line, type=Asked))
        sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
        sys.stdout.buffer.flush()


# The long run --------------------------------------------------------------------------------------------------


def figures(programs: Runner, template: Path, moments: int) -> dict[str, object]:
    """Tell each command to end at so many moments, evenly spread, and give what came of it."""
    tried, wrong, slowest, before = 0, [], 0.0, files_of(template)
    for name in COMMANDS:
        arguments = arguments_of(name)
        for at, number in _moments(programs, template, arguments, moments):
            with _copy(template) as folder:
                told = programs.run(folder, *arguments, number=number, at=at)
                well = files_of(folder) == before or is_well_after(programs, folder)
                if not ended_by(number, name, told) or not well:
                    wrong.append(f"{name} at {at}, signal {number}: {told.code} {told.said[-300:]}")
                tried += told.seconds is not None
                slowest = max(slowest, told.seconds or 0)
    return {
        "commands": len(COMMANDS),
        "moments tried": tried,
        "seconds at most to the end": round(slowest, 2),
        "ended otherwise, or left what the next pass does not mend": wrong,
    }


def _moments(programs: Runner, template: Path, arguments: tuple[str, ...], count: int) -> Iterator[tuple[int, int]]:
    with _copy(template) as folder:
        calls = programs.run(folder, *arguments, at=0).calls
    for each in range(count):
        yield max(1, calls * each // count), (signal.SIGTERM, signal.SIGINT)[each % 2]


@contextmanager
def _copy(template: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield shutil.copytree(template, Path(folder) / "here")


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=16, help="of each command")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        _be_the_runner()
        return
    with runner() as programs, tempfile.TemporaryDirectory() as folder:
        found = figures(programs, prepare(Path(folder)), given.moments)
    print(json.dumps(found))
    sys.exit(bool(found["ended otherwise, or left what the next pass does not mend"]))


if __name__ == "__main__":
    _main()
