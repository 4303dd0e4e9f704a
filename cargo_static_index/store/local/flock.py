"""Locks on folders, by which processes of one machine keep out of each other's way."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from cargo_static_index.diagnostics.errors import TreeBusy
from cargo_static_index.store.local.folders import failure

_PATIENCE = 1.0
"""Seconds after which it is told that a lock is waited for."""

_POLL = (0.001, 0.002, 0.004, 0.008, 0.016)
"""Seconds between the first tries for a lock that another process holds; the last again and again."""

_locks: set[int] = set()


def _let_go_in_child() -> None:
    # A forked child shares its parent's lock: a worker that outlives a killed parent would keep the folder locked.
    # Closing the child's copy leaves the parent's lock as it is.
    for descriptor in _locks:
        os.close(descriptor)
    _locks.clear()


os.register_at_fork(after_in_child=_let_go_in_child)


@contextmanager
def kept(opened: int) -> Iterator[int]:
    """Close a descriptor at the end, with the locks on it, and in a forked child at once."""
    _locks.add(opened)
    try:
        yield opened
    finally:
        if opened in _locks:  # a forked child has let go of it already
            _locks.discard(opened)
            os.close(opened)


@contextmanager
def locked(folder: Path, opened: int, busy: str) -> Iterator[None]:
    """Lock what is open, which is closed at the end; TreeBusy, which says `busy`, where another process has."""
    with kept(opened):
        if not try_lock(opened):
            raise TreeBusy(f"{folder}: {busy}")
        yield


def try_lock(opened: int) -> bool:
    """Lock what is open, and say whether nobody else had."""
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class FairLock:
    """A lock that processes get in the order in which they ask, or nearly; it ends with the process, however it dies.

    `main` and `gate` are descriptors that stay the caller's. Who waits for `main` holds `gate`; so whoever lets go of
    `main` and wants it again comes after those who waited. What is waited for longer than a second is told, once.
    `busy` says who has it, and `way_out` what to do then.
    """

    def __init__(self, folder: Path, main: int, gate: int, busy: str, way_out: str) -> None:
        self._folder = folder
        self._main = main
        self._gate = gate
        self._busy = busy
        self._way_out = way_out

    def take(self, timeout: float | None, tell: Callable[[str], None]) -> None:
        """Wait for the lock: TreeBusy after `timeout` seconds (None: as long as it takes), StoreError where refused."""
        busy = f"{self._folder}: {self._busy}"
        wait = _Wait(self._folder, timeout, f"{busy}. {self._way_out}", partial(tell, f"{busy}; waiting for it"))
        wait.for_lock(self._gate)
        try:
            wait.for_lock(self._main)
        finally:
            fcntl.flock(self._gate, fcntl.LOCK_UN)

    def leave(self) -> None:
        """Let others have it."""
        fcntl.flock(self._main, fcntl.LOCK_UN)

    @property
    def is_wanted(self) -> bool:
        """Whether another process waits for it."""
        if not try_lock(self._gate):
            return True
        fcntl.flock(self._gate, fcntl.LOCK_UN)
        return False


class _Wait:
    """One wait, for one lock after the other."""

    def __init__(self, folder: Path, timeout: float | None, busy: str, tell: Callable[[], None]) -> None:
        self._folder = folder
        self._started = time.monotonic()
        self._timeout = timeout
        self._busy = busy
        self._tell: Callable[[], None] | None = tell

    def for_lock(self, opened: int) -> None:
        tries = 0
        while not self._try(opened):
            waited = time.monotonic() - self._started
            if self._timeout is not None and waited >= self._timeout:
                raise TreeBusy(self._busy)
            if self._tell and waited >= _PATIENCE:
                self._tell()
                self._tell = None
            time.sleep(_POLL[min(tries, len(_POLL) - 1)])
            tries += 1

    def _try(self, opened: int) -> bool:
        try:
            return try_lock(opened)
        except OSError as error:
            raise failure("lock", self._folder, error) from error
