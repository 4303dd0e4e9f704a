"""What a drop directory stands on: whether it is still the same folder, and whether the kernel tells of its changes."""

import os
import resource
from errno import EMFILE, ENFILE, ENOSPC
from pathlib import Path

from msgspec import Struct

from cargo_static_index.state.directory import file_system_of
from cargo_static_index.store.bucket import Bucket, Whereabouts

PROC = Path("/proc/self")
"""Where the kernel tells of this process; other systems than Linux have no such folder."""

# inotify(7): "Inotify reports only events that a user-space program triggers through the filesystem API. As a result,
# it does not catch remote events that occur on network filesystems." A file of our own would show nothing of that.
_REMOTE = frozenset(
    (
        "9p acfs afs beegfs ceph cifs coda drvfs fuse gfs2 glusterfs gpfs "
        "lustre ncpfs nfs nfs4 ocfs2 orangefs prl_fs pvfs2 smb2 smb3 smbfs "
        "vboxsf virtiofs vmhgfs"
    ).split()
)


class Ground(Struct, frozen=True):
    """Which folder a path leads to now: another one with the same path is not equal."""

    device: int
    inode: int
    mount: str
    """The number of the mount in /proc/self/mountinfo; empty where there is no /proc."""


def ground_of(folder: Whereabouts, proc: Path = PROC) -> Ground:
    """Say which folder a path leads to; OSError where it leads to none that can be listed. A bucket is itself."""
    if isinstance(folder, Bucket):
        return Ground(0, 0, str(folder))
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        status = os.fstat(opened)
        return Ground(status.st_dev, status.st_ino, _mount_of(opened, proc))
    finally:
        os.close(opened)


def _mount_of(opened: int, proc: Path) -> str:
    try:
        info = (proc / f"fdinfo/{opened}").read_text(encoding="ascii")
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("mnt_id:")), "")


def file_system_under(folder: Path, proc: Path = PROC) -> str:
    """Give the type of the file system that a folder is on; empty where it cannot be known."""
    try:
        mounts = os.fsdecode((proc / "mountinfo").read_bytes())
    except OSError:
        return ""
    return file_system_of(str(folder.resolve()), mounts)


def is_remote(file_system: str) -> bool:
    """Whether others may change a file system of this type without this kernel's knowledge.

    Types of FUSE say little of what is behind them; `fuseblk` is a disk of this machine.
    """
    return file_system in _REMOTE or file_system.startswith("fuse.")


def limit_reached(error: OSError, proc: Path = PROC) -> str:
    """Say what to raise where inotify refused, or what it said."""
    if error.errno == ENOSPC:
        return "the limit of watched folders is reached; raise it with `sysctl fs.inotify.max_user_watches=524288`"
    if error.errno in {EMFILE, ENFILE}:
        if _files_are_used_up(proc):
            return "the limit of open files is reached; raise it with `ulimit -n`, or `LimitNOFILE=` in the unit"
        return "the limit of watchers is reached; raise it with `sysctl fs.inotify.max_user_instances=1024`"
    return f"the kernel refused: {error.strerror or error}"


def _files_are_used_up(proc: Path) -> bool:
    try:
        used = sum(1 for _ in (proc / "fd").iterdir())
    except OSError:
        return True
    return used + 3 >= resource.getrlimit(resource.RLIMIT_NOFILE)[0]
