"""A process that has loaded the program, and forks for each run of it.

Loading takes most of a command's time, and thousands of commands are run: `python -m tests.cli.warm FD` waits at a
socket for what to run, and each run is a process of its own with its own streams, folder, environment and exit code.
"""

import atexit
import gc
import json
import os
import pkgutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from select import select
from tempfile import TemporaryFile
from typing import Final

import cargo_static_index
from cargo_static_index import __main__ as program
from cargo_static_index.diagnostics.errors import CargoStaticIndexError

ROOT: Final = Path(__file__).parents[2]
MESSAGE: Final = 1 << 20
"""Bytes of the longest request."""
LATE: Final = ("server", "object", "cluster")
"""Modules with these names are loaded by the runs that need them: what they import may not be here, or has threads."""


def _load() -> None:
    for module in pkgutil.walk_packages(cargo_static_index.__path__, "cargo_static_index."):
        if not any(late in module.name for late in LATE):
            with suppress(ImportError, CargoStaticIndexError):  # an extra is not installed, which a run says itself
                import_module(module.name)


def _wait_for_requests(requests: socket.socket) -> bool:
    """Fork for each request; give True in the process that is to run the program, False where no more will come."""
    while True:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        message, fds, _, _ = socket.recv_fds(requests, MESSAGE, 4)
        if not message:
            return False
        if os.fork() == 0:
            requests.close()
            return _prepare(json.loads(message), *fds)
        for fd in fds:
            os.close(fd)


def _prepare(request: Mapping[str, object], stdin: int, stdout: int, stderr: int, ending: int) -> bool:
    """Become the process that was asked for, its parent tells of its end; give True there."""
    child = os.fork()
    if child:
        os.write(ending, b"%d\n" % child)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(ending, b"%d\n" % code)
        os._exit(0)
    for fd, stream in enumerate((stdin, stdout, stderr)):
        os.dup2(stream, fd)
    for fd in (stdin, stdout, stderr, ending):
        os.close(fd)
    arguments, environment = request["arguments"], request["environment"]
    assert isinstance(arguments, list)
    assert isinstance(environment, dict)
    os.chdir(str(request["folder"]))
    os.umask(int(str(request["mask"])))
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv[1:] = arguments
    return True


def _end(code: int) -> None:
    """End as an interpreter does, but do not take every module apart: that takes longer than most commands."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@cache
def _warm(pid: int) -> socket.socket:
    """Start the process, one for each process of the tests, which it does not outlive."""
    del pid
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.warm", str(its.fileno())],
            cwd=ROOT,
            env={name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            pass_fds=[its.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def run_warm(
    arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdin: str, patience: float
) -> tuple[int, str, str]:
    """Run the program, and give its exit code and what it wrote to its two streams."""
    mask = os.umask(0o022)
    os.umask(mask)
    request = {"arguments": arguments, "folder": os.fspath(cwd), "environment": env, "mask": mask}
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", 0) as told, TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
        with os.fdopen(writer, "wb") as ending:
            given.write(stdin.encode())
            given.seek(0)
            fds = [stream.fileno() for stream in (given, out, err, ending)]
            socket.send_fds(_warm(os.getpid()), [json.dumps(request).encode()], fds)
        pid = int(told.readline())
        if not select([told], [], [], patience)[0]:
            os.kill(pid, 9)
            raise subprocess.TimeoutExpired(list(arguments), patience)
        code = int(told.readline())
        out.seek(0)
        err.seek(0)
        return code, out.read().decode(), err.read().decode()


def _main() -> None:
    _load()
    gc.freeze()  # what is loaded stays, and is not looked through by each run
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        if not _wait_for_requests(requests):
            return
    module = sys.modules["__main__"]
    # What the program starts itself is to begin as if this file were the program's.
    module.__spec__ = program.__spec__
    sys.argv[0] = module.__file__ = program.__file__
    try:
        program.main()
    except SystemExit as ended:
        _end(int(ended.code or 0))


if __name__ == "__main__":
    _main()
