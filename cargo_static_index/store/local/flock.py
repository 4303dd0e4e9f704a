"""Locks on folders, by which processes of one machine keep out of each other's way."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cargo_static_index.diagnostics.errors import TreeBusy
from cargo_static_index.store.local.folders import failure

_POLL = 0.05
"""Seconds between two tries for a lock that another process holds."""

_locks: set[int] = set()


def _let_go_in_child() -> None:
    # A forked child shares its parent's lock: a worker that outlives a killed parent would keep the folder locked.
    # Closing the child's copy leaves the parent's lock as it is.
    for descriptor in _locks:
        os.close(descriptor)
    _locks.clear()


os.register_at_fork(after_in_child=_let_go_in_child)


@contextmanager
def locked(folder: Path, opened: int, busy: str, timeout: float = 0.0) -> Iterator[None]:
    """Lock a folder by a descriptor of it, which is closed at the end; the lock ends with the process, however it dies.

    Raise TreeBusy, which says `busy`, where another process keeps the lock for longer than `timeout` seconds,
    StoreError where the file system refuses.
    """
    _locks.add(opened)
    try:
        _lock(folder, opened, busy, timeout)
        yield
    finally:
        if opened in _locks:  # a forked child has let go of it already
            _locks.discard(opened)
            os.close(opened)


def _lock(folder: Path, opened: int, busy: str, timeout: float) -> None:
    end = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= end:
                raise TreeBusy(f"{folder}: {busy}") from error
            time.sleep(_POLL)
        except OSError as error:
            raise failure("lock", folder, error) from error
        else:
            return
