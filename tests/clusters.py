"""A real cluster of Dask's on the loopback interface."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.cli.program import environment
from tests.server.serving import until
from tests.servers import free_port


class Dask:
    """A scheduler and workers, each a process of one thread that is not begun again when it dies."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._port = free_port()
        self._folder, self._log, self._stack = folder, folder / "dask.log", stack
        self._start("scheduler", {}, "--port", str(self._port), "--no-dashboard")
        until(lambda: "Scheduler at" in self._log.read_text())

    @property
    def url(self) -> str:
        return f"dask://127.0.0.1:{self._port}"

    def worker(self, env: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        options = ("--nthreads=1", "--no-nanny", "--no-dashboard", "--local-directory", str(self._folder / "local"))
        return self._start("worker", env, f"tcp://127.0.0.1:{self._port}", *options)

    def _start(self, kind: str, env: Mapping[str, str], *more: str) -> "subprocess.Popen[bytes]":
        command = (sys.executable, "-m", f"distributed.cli.dask_{kind}", "--host", "127.0.0.1", *more)
        return self._stack.enter_context(_running(command, environment(env), self._log))


@contextmanager
def _running(command: tuple[str, ...], env: Mapping[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("ab") as to, subprocess.Popen(command, stdout=to, stderr=to, env=env) as process:
        try:
            yield process
        finally:
            process.kill()
