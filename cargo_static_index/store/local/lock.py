"""A local tree opened for changes: its private folder, and the lock that is held for one batch at a time.

The lock is on the tree's own folder: whoever writes there, from whatever settings and state, meets the same lock.
Each process stages in a folder of its own, which it keeps locked: that of a dead one nobody has locked, and it goes.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.store.local import system
from cargo_static_index.store.local.batch import OpenTree
from cargo_static_index.store.local.flock import FairLock, kept, try_lock
from cargo_static_index.store.local.folders import failure, make_folder
from cargo_static_index.store.paths import STAGE

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

_BUSY = "another process is changing this tree"
_WAY_OUT = "Wait until it ends, then run this again."


@contextmanager
def open_local(
    root: Path, *, file_mode: int | None, dir_mode: int | None, flush: bool, timeout: float | None
) -> "Iterator[LocalSession]":
    """Open the tree, made if missing, with an empty private folder in it, removed at the end; StoreError if refused."""
    with (
        kept(_open_root(root, dir_mode, flush=flush)) as opened,
        _private_folder(root, opened) as (gate, staging, name),
    ):
        stage = root / STAGE / name
        tree = OpenTree(
            root, stage, opened=opened, staging=staging, file_mode=file_mode, dir_mode=dir_mode, flush=flush
        )
        try:
            yield LocalSession(tree, FairLock(root, opened, gate, _BUSY, _WAY_OUT), gate, name, timeout)
        finally:
            tree.folders.forget()


class LocalSession:
    """An open tree, and the lock that keeps others out of it; `name` is what others know this session by."""

    def __init__(self, tree: OpenTree, lock: FairLock, gate: int, name: str, timeout: float | None) -> None:
        self.tree = tree
        self.name = name
        self.held = False
        self._lock = lock
        self._gate = gate
        self._timeout = timeout

    def take(self, tell: Callable[[str], None]) -> None:
        """Wait for the lock; TreeBusy where that takes too long."""
        self._lock.take(self._timeout, tell)
        self.tree.folders.forget()  # what others did meanwhile must not be missed
        self.held = True

    def leave(self) -> None:
        """Let others have the lock."""
        self.held = False
        self.tree.folders.forget()
        self._lock.leave()

    @property
    def is_wanted(self) -> bool:
        """Whether another process waits for the lock."""
        return self._lock.is_wanted

    @property
    def others(self) -> frozenset[str]:
        """The names of the other sessions that are open."""
        with os.scandir(self._gate) as found:
            names = [entry.name for entry in found if entry.name != self.name]
        return frozenset(name for name in names if not _is_dead(self._gate, name))


def _open_root(root: Path, mode: int | None, *, flush: bool) -> int:
    if root.is_symlink() and not root.exists():
        raise StoreError(f"{root}: is a link that leads nowhere: make the folder that it names, or remove the link")
    try:
        _make_root(root, mode, flush=flush)
        return system.open_file(root, _FOLDER)
    except OSError as error:
        raise failure("open", root, error) from error


def _make_root(root: Path, mode: int | None, *, flush: bool) -> None:
    missing = [root] if not root.exists() else []
    while missing and not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for folder in reversed(missing):
        above = system.open_file(folder.parent, _FOLDER)
        try:
            os.close(make_folder(folder.name, above, mode if folder == root else None))
            if flush:
                system.fsync(above, folder.name)
        finally:
            os.close(above)


@contextmanager
def _private_folder(root: Path, opened: int) -> Iterator[tuple[int, int, str]]:
    """Open the folder of all private folders, and a new one in it, locked: both descriptors, and its name."""
    try:
        gate, staging, name = _new_folder(opened)
    except OSError as error:
        raise failure("make the private folder", root / STAGE, error) from error
    owner = os.getpid()
    with kept(gate), kept(staging):
        try:
            _clear_dead(gate)
            yield gate, staging, name
        finally:
            if os.getpid() == owner:  # not a forked child that leaves by the same door
                with suppress(OSError):  # else the next session removes it
                    system.rmtree(name, dir_fd=gate)
                    system.rmdir(STAGE, dir_fd=opened)  # if it is empty: nobody else has one


def _new_folder(opened: int) -> tuple[int, int, str]:
    """Make a private folder and lock it, and again where another process took it for a dead one's before that."""
    while True:
        with suppress(FileNotFoundError):  # the last of others has just left, and removed the folder of them all
            gate = _open_stage(opened)
            try:
                name = os.urandom(6).hex()
                system.mkdir(name, 0o700, dir_fd=gate)
                staging = system.open_file(name, _FOLDER | os.O_NOFOLLOW, dir_fd=gate)
            except BaseException:
                os.close(gate)
                raise
            if try_lock(staging) and os.fstat(staging).st_nlink:
                return gate, staging, name
            os.close(staging)
            os.close(gate)


def _open_stage(opened: int) -> int:
    # 0700: what is not published yet must not be served, so no other user (the web server's) may look inside.
    # By mkdir, not chmod, which would take away the setgid bit that keeps the group of a shared tree.
    with suppress(FileExistsError):
        system.mkdir(STAGE, 0o700, dir_fd=opened)
    if not stat.S_ISDIR(os.stat(STAGE, dir_fd=opened, follow_symlinks=False).st_mode):
        # Attack: a link in the place of the folder, so that we empty what it points to.
        system.unlink(STAGE, dir_fd=opened)
        system.mkdir(STAGE, 0o700, dir_fd=opened)
    return system.open_file(STAGE, _FOLDER | os.O_NOFOLLOW, dir_fd=opened)


def _clear_dead(gate: int) -> None:
    """Remove the private folders that nobody has locked; another process may be at the same."""
    with os.scandir(gate) as found:
        entries = list(found)
    for entry in entries:
        with suppress(OSError):
            if not entry.is_dir(follow_symlinks=False):
                system.unlink(entry.name, dir_fd=gate)
            else:
                _remove_dead(gate, entry.name)


def _remove_dead(gate: int, name: str) -> None:
    """Remove a private folder, unless somebody has it; locked until it is gone, since its maker may be about to."""
    with kept(system.open_file(name, _FOLDER | os.O_NOFOLLOW, dir_fd=gate)) as opened:
        if try_lock(opened):
            system.rmtree(name, dir_fd=gate)


def has_sessions(root: Path) -> bool:
    """Whether anybody has a session of a tree open; so it counts where that may not be looked at."""
    try:
        with kept(system.open_file(root / STAGE, _FOLDER | os.O_NOFOLLOW)) as gate, os.scandir(gate) as found:
            return any(not _is_dead(gate, entry.name) for entry in list(found))
    except PermissionError:
        return True
    except OSError:
        return False


def _is_dead(gate: int, name: str) -> bool:
    """Whether a private folder is nobody's any more."""
    try:
        opened = system.open_file(name, _FOLDER | os.O_NOFOLLOW, dir_fd=gate)
    except OSError:
        return True
    try:
        return try_lock(opened)
    finally:
        os.close(opened)
