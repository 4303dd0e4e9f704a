"""Whether a watcher, or a server that publishes, runs on a tree: it does by itself what is to be done later."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cargo_static_index.state.directory import state_folder, unusable
from cargo_static_index.store.local.flock import kept

_LOCK = "attended.lock"


@contextmanager
def attending(folder: Path) -> Iterator[None]:
    """Be one of the processes that attend to the tree of this state directory; StoreError where it is not writable."""
    with state_folder(folder) as state:
        try:
            opened = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=state)
        except OSError as error:
            raise unusable(folder, error) from error
    with kept(opened):
        fcntl.flock(opened, fcntl.LOCK_SH)
        yield


def is_attended(folder: Path) -> bool:
    """Whether such a process runs with this state directory; False where that cannot be known."""
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        opened = os.open(folder / _LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(opened)
    return False
