"""Getting written files onto the disk: one by one, or a whole file system at once.

It knows nothing of trees; whoever calls turns OSError into StoreError.
"""

import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path


@cache
def _syncfs() -> Callable[[int], int] | None:
    # Linux: man 2 syncfs: since 5.8 it reports write errors that happened after the descriptor was opened.
    # Before that, a failed write would pass for a flushed one.
    if sys.platform != "linux":
        return None
    release = os.uname().release.split(".")
    if tuple(int("".join(filter(str.isdigit, part)) or "0") for part in release[:2]) < (5, 8):
        return None
    import ctypes  # noqa: PLC0415 - a build that flushes nothing does without

    found: Callable[[int], int] | None = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    return found


# File systems whose syncfs waits until all is on the disk. FUSE, for one, does not pass it on to its server.
_TRUSTED = frozenset({"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"})


def can_flush_all(descriptor: int) -> bool:
    """Whether `flush_all` promises what flushing each file does, on the file system of this open folder."""
    return _syncfs() is not None and _kind_of(descriptor) in _TRUSTED


def _kind_of(descriptor: int) -> str:
    device = os.fstat(descriptor).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8", "replace")
    except OSError:
        return ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if fields[2] == wanted:
            return fields[fields.index("-") + 1]
    return ""


def flush_all(descriptor: int) -> None:
    """Wait until all that was written to the file system of this open folder is on its disk; OSError where it fails.

    The same promise as an fsync of each file and folder, in one call instead of thousands:
    the kernel writes all changed data and metadata of the file system and waits for both.
    """
    syncfs = _syncfs()
    if syncfs is not None and syncfs(descriptor) != 0:
        import ctypes  # noqa: PLC0415 - as above

        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
