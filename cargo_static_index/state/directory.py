"""The state directory: what marks it as one, and where it must not be."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cargo_static_index.diagnostics.errors import SettingsError, StoreError
from cargo_static_index.store.local.flock import locked

# SQLite's write-ahead log is memory that processes share, and its locks are those of the file system:
# neither works between hosts (https://sqlite.org/wal.html, "All processes using a database must be on the same host").
_BETWEEN_HOSTS = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "fuse.ceph-fuse",
        "fuse.gcsfuse",
        "fuse.glusterfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "smb2",
        "smb3",
        "smbfs",
    }
)
_MOUNTS = Path("/proc/self/mountinfo")

# https://bford.info/cachedir/: backup programs leave a directory with this file out.
_CACHEDIR_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# What cargo-static-index derives from its tree.\n"


_BUSY = (
    "another process uses this state directory. "
    "Wait until it ends, then run this again; two trees are better off with a state directory each (`--state`)."
)


@contextmanager
def locked_state(folder: Path) -> Iterator[None]:
    """Keep others' changes out of the state directory, made if missing, or raise TreeBusy, SettingsError or StoreError.

    The tree's own lock does not do: passes over two trees may have been given the same state directory.
    """
    make_state_folder(folder)
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _unusable(folder, error) from error
    with locked(folder, opened, _BUSY):
        yield


def make_state_folder(folder: Path) -> None:
    """Make the state directory, out of sight of git and of backups, or raise SettingsError or StoreError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        refuse_network_folder(folder)
        for name, content in ((".gitignore", "*\n"), ("CACHEDIR.TAG", _CACHEDIR_TAG)):
            if not (folder / name).exists():
                (folder / name).write_text(content, encoding="ascii")
    except OSError as error:
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: OSError) -> StoreError:
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
