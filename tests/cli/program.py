"""The program as users run it: a process of its own, of which only streams and exit code are seen."""

import fcntl
import json
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.cli.warm import run_warm
from tests.documents import hold_output

PROGRAM = [sys.executable, "-m", "cargo_static_index"]

STARTING = ("PYTHON", "LANG", "LC_")
"""How the names of variables begin that an interpreter reads only where it starts."""

SPOKEN = "Traceback (most recent call last)"


class Ended(Struct, frozen=True, kw_only=True):
    """How one run ended."""

    code: int
    out: str
    err: str

    def ok(self) -> str:
        """Claim that it succeeded, and give what it printed."""
        assert self.code == 0, self
        return self.out

    def failed(self, code: int, *sentences: str) -> str:
        """Claim an exit code and that each of these texts was said, and give what was said."""
        assert self.code == code, self
        for sentence in sentences:
            assert sentence in self.err, f"not said: {sentence!r}\n{self.err}"
        return self.err

    def document(self) -> Any:
        """Read what it printed as one JSON document."""
        return json.loads(self.out)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give an environment without colours or a clock of the machine's; no test here is about power cuts."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "PYTHONPATH", "LANG") if name in os.environ}
    return {**kept, "CARGO_STATIC_INDEX_TREE_FLUSH": "false", **(extra or {})}


def run(
    *arguments: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    patience: float = 120,
) -> Ended:
    """Run the program in a folder; no run may ever show a traceback, nor a document that is not as its schema says.

    It is a process of its own, forked from one that has loaded the program: see `tests.cli.warm`.
    """
    variables, words = environment(env), [os.fspath(word) for word in arguments]
    if any(name.startswith(STARTING) for name in env or {}):
        done = subprocess.run(
            [*PROGRAM, *words], cwd=cwd, env=variables, input=stdin, capture_output=True, text=True, check=False,
            timeout=patience,
        )  # fmt: skip
        ended = Ended(code=done.returncode, out=done.stdout, err=done.stderr)
    else:
        code, out, err = run_warm(words, cwd=cwd, env=variables, stdin=stdin or "", patience=patience)
        ended = Ended(code=code, out=out, err=err)
    assert SPOKEN not in ended.out + ended.err, ended.err
    hold_output(arguments, ended.out)
    return ended


@contextmanager
def being_changed(tree: Path) -> Iterator[None]:
    """Hold the lock of a tree, as a process does that changes it."""
    opened = os.open(tree, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def run_on_terminal(
    *arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None, answer: str = ""
) -> tuple[int, str]:
    """Run the program on a terminal of its own, type an answer once it asks, and give exit code and screen."""
    leader, follower = pty.openpty()
    variables = environment({"TERM": "xterm", "COLUMNS": "100", **(env or {})})
    process = subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=cwd,
        env=variables,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no thread; it makes Ctrl-C a signal
    )
    os.close(follower)
    seen, end = b"", time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([leader], [], [], 0.1)[0]:
            try:
                seen += os.read(leader, 65536)
            except OSError:  # Linux says EIO where the other end is closed
                break
        if answer and b"[y/N]" in seen:
            time.sleep(0.3)  # nobody answers before the program reads; what comes a moment too early is seen late
            # Ctrl-C and the end of input are keys by themselves: nobody presses Enter behind them.
            os.write(leader, answer.encode() + (b"" if answer in "\x03\x04" else b"\n"))
            answer = ""
    os.close(leader)
    screen = seen.decode(errors="replace")
    assert SPOKEN not in screen, screen
    return process.wait(timeout=60), screen
