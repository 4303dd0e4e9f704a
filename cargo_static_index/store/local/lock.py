"""Locking a local tree, and its private folder.

The lock is on the tree's own folder: whoever writes there, from whatever settings and state, meets the same lock.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.store.local.batch import LockedTree
from cargo_static_index.store.local.flock import locked
from cargo_static_index.store.local.folders import failure, make_folder
from cargo_static_index.store.paths import STAGE

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

_BUSY = "another process is changing this tree. Wait until it ends, then run this again."


@contextmanager
def lock_tree(
    root: Path, *, file_mode: int | None, dir_mode: int | None, flush: bool, timeout: float
) -> Iterator[LockedTree]:
    """Lock the tree, made if missing, and open an empty private folder in it, removed at the end.

    Raise TreeBusy where another process keeps the lock for longer than `timeout` seconds, StoreError where the
    file system refuses. The lock ends with the process, however it dies.
    """
    opened = _open_root(root, dir_mode, flush=flush)
    with locked(root, opened, _BUSY, timeout):
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


def _open_root(root: Path, mode: int | None, *, flush: bool) -> int:
    if root.is_symlink() and not root.exists():
        raise StoreError(f"{root}: is a link that leads nowhere: make the folder that it names, or remove the link")
    try:
        _make_root(root, mode, flush=flush)
        return os.open(root, _FOLDER)
    except OSError as error:
        raise failure("open", root, error) from error


def _make_root(root: Path, mode: int | None, *, flush: bool) -> None:
    missing = [root] if not root.exists() else []
    while missing and not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for folder in reversed(missing):
        above = os.open(folder.parent, _FOLDER)
        try:
            os.close(make_folder(folder.name, above, mode if folder == root else None))
            if flush:
                os.fsync(above)
        finally:
            os.close(above)


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
