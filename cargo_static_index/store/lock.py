"""Locking a local tree, and its private folder.

The lock is on the tree's own folder: whoever writes there, from whatever settings and state, meets the same lock.
"""

import fcntl
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import TreeBusy
from .batch import LockedTree
from .folders import failure
from .paths import STAGE

_POLL = 0.05
"""Seconds between two tries for a lock that another process holds."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

_locks: set[int] = set()


def _let_go_in_child() -> None:
    # A forked child shares its parent's lock: a worker that outlives a killed parent would keep the tree locked.
    # Closing the child's copy leaves the parent's lock as it is.
    for descriptor in _locks:
        os.close(descriptor)
    _locks.clear()


os.register_at_fork(after_in_child=_let_go_in_child)


@contextmanager
def lock_tree(
    root: Path, *, file_mode: int | None, dir_mode: int | None, flush: bool, timeout: float
) -> Iterator[LockedTree]:
    """Lock the tree, made if missing, and open an empty private folder in it, removed at the end.

    Raise TreeBusy where another process keeps the lock for longer than `timeout` seconds, StoreError where the
    file system refuses. The lock ends with the process, however it dies.
    """
    with _locked(root, dir_mode, flush=flush, timeout=timeout) as opened:
        staging = _open_stage(root, opened)
        owner = os.getpid()
        tree = LockedTree(root, opened=opened, staging=staging, file_mode=file_mode, dir_mode=dir_mode, flush=flush)
        try:
            yield tree
        finally:
            tree.folders.forget()
            os.close(staging)
            if os.getpid() == owner:  # not a forked child that leaves by the same door
                with suppress(OSError):  # else the next session empties it
                    _clear_stage(opened)


@contextmanager
def _locked(root: Path, mode: int | None, *, flush: bool, timeout: float) -> Iterator[int]:
    try:
        opened = _open_root(root, mode, flush=flush)
    except OSError as error:
        raise failure("open", root, error) from error
    _locks.add(opened)
    try:
        _lock(root, opened, timeout)
        yield opened
    finally:
        if opened in _locks:  # a forked child has let go of it already
            _locks.discard(opened)
            os.close(opened)


def _lock(root: Path, opened: int, timeout: float) -> None:
    end = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= end:
                raise TreeBusy(
                    f"{root}: another process is changing this tree. Wait until it ends, then run this again."
                ) from error
            time.sleep(_POLL)
        except OSError as error:
            raise failure("lock", root, error) from error
        else:
            return


def _open_root(root: Path, mode: int | None, *, flush: bool) -> int:
    missing = [root] if not root.exists() else []
    while missing and not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        if mode is not None and folder == root:
            folder.chmod(mode | (folder.stat().st_mode & stat.S_ISGID))
        if flush:
            _flush_folder(folder.parent)
    return os.open(root, _FOLDER)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, _FOLDER)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_stage(root: Path, opened: int) -> int:
    try:
        _clear_stage(opened)
        # 0700: what is not published yet must not be served, so no other user (the web server's) may look inside.
        # By mkdir, not chmod, which would take away the setgid bit that keeps the group of a shared tree.
        os.mkdir(STAGE, 0o700, dir_fd=opened)
        return os.open(STAGE, _FOLDER | os.O_NOFOLLOW, dir_fd=opened)
    except OSError as error:
        raise failure("make the private folder", root / STAGE, error) from error


def _clear_stage(opened: int) -> None:
    try:
        mode = os.stat(STAGE, dir_fd=opened, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        shutil.rmtree(STAGE, dir_fd=opened)
    else:
        # Attack: a link in the place of the folder, so that we empty what it points to.
        os.unlink(STAGE, dir_fd=opened)
