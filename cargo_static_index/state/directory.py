"""The state directory: what marks it as one, where it must not be, and which locks lie in it."""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cargo_static_index.diagnostics.errors import SettingsError, StoreError
from cargo_static_index.store.local import system
from cargo_static_index.store.local.flock import FairLock, kept
from cargo_static_index.store.local.ownership import objection
from cargo_static_index.store.local.system import put_file

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

# SQLite's write-ahead log is memory that processes share, and its locks are those of the file system:
# neither works between hosts (https://sqlite.org/wal.html, "All processes using a database must be on the same host").
_BETWEEN_HOSTS = frozenset(
    (
        "9p afs beegfs ceph cifs fuse.ceph-fuse fuse.gcsfuse fuse.glusterfs fuse.rclone "
        "fuse.s3fs fuse.sshfs glusterfs lustre ncpfs nfs nfs4 smb2 smb3 smbfs"
    ).split()
)
_ATTEMPTS, _PAUSE = 20, 0.01
"""How often, and after how many seconds, a file is tried again that several begin with at once."""

_MOUNTS = Path("/proc/self/mountinfo")

# https://bford.info/cachedir/: backup programs leave a directory with this file out.
_CACHEDIR_TAG = b"Signature: 8a477f597d28d172789f06886806bc55\n# What cargo-static-index derives from its tree.\n"


_ATTENDED = "attended.lock"

_BUSY = "another process uses this state directory"
_WAY_OUT = "Wait until it ends, then run this again; two trees are better off with a state directory each (`--state`)."


@contextmanager
def state_lock(folder: Path) -> Iterator[FairLock]:
    """Give the lock of a state directory, made if missing, or raise SettingsError or StoreError.

    The tree's own lock does not do: builds of two trees may have been given the same state directory.
    """
    with kept(_open_folder(folder)) as main:
        try:
            gate = system.open_file("CACHEDIR.TAG", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=main)
        except OSError as error:
            raise unusable(folder, error) from error
        with kept(gate):
            yield FairLock(folder, main, gate, _BUSY, _WAY_OUT)


@contextmanager
def state_folder(folder: Path) -> Iterator[int]:
    """Open the state directory, made if missing and out of sight of git and of backups; the descriptor is given.

    Raises SettingsError where it is another user's, or others may write to it, or it is on a network file system;
    StoreError where it cannot be used.
    """
    opened = _open_folder(folder)
    try:
        yield opened
    finally:
        os.close(opened)


def is_ours(folder: Path) -> bool:
    """Whether there is a state directory at this path that is the caller's, to which nobody else may write."""
    try:
        os.close(_open_there(folder))
    except (SettingsError, OSError):
        return False
    return True


def refuse_others(folder: Path) -> None:
    """Raise SettingsError for a state directory that is there and is another user's, or that others may write to."""
    try:
        os.close(_open_there(folder))
    except FileNotFoundError:
        return
    except OSError as error:
        raise unusable(folder, error) from error


def _open_folder(folder: Path) -> int:
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        with ExitStack() as failed:
            opened = _open_there(folder)
            failed.callback(os.close, opened)
            refuse_network_folder(folder)
            for name, content in ((".gitignore", b"*\n"), ("CACHEDIR.TAG", _CACHEDIR_TAG)):
                _put_once(opened, folder / name, content)
            failed.pop_all()
            return opened
    except OSError as error:
        raise unusable(folder, error) from error


def _put_once(opened: int, path: Path, content: bytes) -> None:
    """Write a file of the folder where it is missing; others may be at the same, and take each other's half away."""
    for attempts_left in reversed(range(_ATTEMPTS)):
        if os.path.lexists(path):
            return
        try:
            put_file(opened, path.name, content)
        except (FileExistsError, FileNotFoundError):
            if not attempts_left:
                raise
            time.sleep(_PAUSE)


def _open_there(folder: Path) -> int:
    # Attack: another user of the machine makes the folder first, and has what is remembered there (what this program
    # has begun to remove, say) be what suits them.
    if folder.is_symlink():
        from shlex import quote

        raise SettingsError(
            f"The state directory {str(folder)!r} is a link, which may come to lead elsewhere. "
            f"Name the folder itself with `--state {quote(os.path.realpath(folder))}`."
        )
    user = os.geteuid()
    with ExitStack() as failed:
        opened = system.open_file(folder, _FOLDER)
        failed.callback(os.close, opened)
        if why := objection(opened, frozenset({user})):
            from shlex import quote

            keep = f"take that right away with `chmod go-w {quote(str(folder))}`, or "
            raise SettingsError(
                f"The state directory {str(folder)!r} {why}, but what is remembered there is relied upon: "
                f"{keep if os.fstat(opened).st_uid == user else ''}name another with `--state`, which loses nothing."
            )
        failed.pop_all()
        return opened


def unusable(folder: Path, error: OSError) -> StoreError:
    """Give the error that says why the state directory cannot be used, and the way out."""
    return StoreError(
        f"The state directory {str(folder)!r} cannot be used: {error.strerror}."
        " Mend that, or name another folder with `--state`."
    )


def refuse_network_folder(folder: Path) -> None:
    """Raise SettingsError if a folder lies on a file system that hosts share; unknown where there is no /proc."""
    if not _MOUNTS.exists():
        return
    mounts = os.fsdecode(_MOUNTS.read_bytes())
    kind = file_system_of(str(folder.resolve()), mounts)
    if kind in _BETWEEN_HOSTS:
        raise SettingsError(
            f"The state directory {str(folder)!r} is on a network file system ({kind}), on which SQLite's locks"
            " do not hold. Put the state on a local disk with `--state`; the tree may stay where it is."
        )


def file_system_of(folder: str, mounts: str) -> str:
    """Give the type of the file system that an absolute path is on; `mounts` is /proc/self/mountinfo (man 5 proc)."""
    longest, kind = -1, ""
    for line in mounts.splitlines():
        mount, _, file_system = line.partition(" - ")
        point = re.sub(r"\\([0-7]{3})", lambda escape: chr(int(escape[1], 8)), mount.split(" ")[4])
        # Of two on the same point the later one counts: it was mounted over the other.
        if f"{folder}/".startswith(point.rstrip("/") + "/") and len(point) >= longest:
            longest, kind = len(point), file_system.split(" ")[0]
    return kind


@contextmanager
def attending(folder: Path) -> Iterator[None]:
    """Be one of the processes that attend to the tree of this state directory; StoreError where it is not writable.

    They are watchers, and servers that publish: these do by themselves what is to be done later.
    """
    with kept(open_lock(folder, _ATTENDED)) as opened:
        fcntl.flock(opened, fcntl.LOCK_SH)
        yield


def is_attended(folder: Path) -> bool:
    """Whether such a process runs with this state directory; False where that cannot be known."""
    return is_locked(folder / _ATTENDED, fcntl.LOCK_EX)


def open_lock(folder: Path, name: str) -> int:
    """Open a file of the state directory that is there to be locked, which the caller closes; StoreError if refused."""
    with state_folder(folder) as state:
        try:
            return os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=state)
        except OSError as error:
            raise unusable(folder, error) from error


def is_locked(path: Path, kind: int) -> bool:
    """Whether a process has a file locked, so that `kind` of lock is not to be had; False where it cannot be opened."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(opened, kind | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(opened)
    return False
