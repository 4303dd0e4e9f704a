"""A watcher as users run it: a process of its own, whose lines are read as it prints them."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.cli.program import PROGRAM, SPOKEN, environment

PATIENCE = 30.0
"""Seconds after which what was to be printed counts as never printed; a busy machine is slow."""


class Watching:
    """A running `watch`. What it printed on both streams so far is in `said`."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.said = ""

    def until(self, sentence: str, *, times: int = 1) -> str:
        """Wait until something was printed so often, and give all that was printed so far."""
        self._read(lambda: self.said.count(sentence) >= times)
        assert self.said.count(sentence) >= times, f"not said: {sentence!r}\n{self.said}"
        return self.said

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and give the exit code."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Wait until it has ended by itself, and give the exit code."""
        self._read(lambda: False)
        return self.process.wait(timeout=PATIENCE)

    def _read(self, is_enough: Callable[[], bool]) -> None:
        assert self.process.stdout is not None
        end = time.monotonic() + PATIENCE
        while not is_enough() and (left := end - time.monotonic()) > 0:
            if not select.select([self.process.stdout], [], [], left)[0]:
                return
            some = os.read(self.process.stdout.fileno(), 65536)
            if not some:
                return
            self.said += some.decode(errors="replace")
            assert SPOKEN not in self.said, self.said


@contextmanager
def watching(*arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> Iterator[Watching]:
    """Run `watch` in a folder, and end it at the end."""
    process = subprocess.Popen(
        [*PROGRAM, "watch", *arguments],
        cwd=cwd,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    with process:
        try:
            yield Watching(process)
        finally:
            process.kill()
