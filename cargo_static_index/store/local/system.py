"""The calls by which trees and state directories are opened and changed, in one place, where each can be disturbed.

Nobody disturbs them but tests of what a failing disk, or a death at any moment, leaves behind: see `disturbed`.
Each does what the function of `os` does that it is named after; behind them stands what is made of several: to write,
read and move a file. Whoever calls turns OSError into an error of ours.
"""

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Literal, Protocol

Call = Literal["open", "make", "write", "flush", "mode", "rename", "unlink", "commit"]
"""A kind of call. "open" is of what is there, "make" of what is not; "mode" sets rights or times; "make", "open" and
"unlink" are of folders, too; "commit" is all that SQLite is told outside of a transaction, and the end of one."""

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
"""How a file is opened that must not be there yet."""

ANEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
"""How a file of our own is opened to be written from its beginning, be it there or not."""

PRIVATE = 0o600
"""The mode of a file that is not published yet: whoever copies the tree meanwhile must not pass it on."""

_CHUNK = 1 << 18
"""Bytes read at once where a file is digested or copied: few calls, little memory."""


class Disturber(Protocol):
    """Hears of each call before it is made."""

    def before(self, call: Call, name: str, size: int) -> int:
        """Let a call be made, or raise the OSError that comes of it; of a write, give the bytes it writes of `size`."""


_disturbers: list[Disturber] = []


@contextmanager
def disturbed(by: Disturber) -> Iterator[None]:
    """Have all calls of this process, and of those that it forks, disturbed meanwhile."""
    _disturbers.append(by)
    try:
        yield
    finally:
        _disturbers.remove(by)


def about_to(call: Call, name: str | bytes | Path, size: int = 0) -> int:
    """Say that a call is to be made; OSError where it is to fail. Gives the bytes that a write is to write."""
    return _disturbers[-1].before(call, os.fsdecode(name), size) if _disturbers else size


def open_file(name: str | bytes | Path, flags: int, mode: int = 0o666, *, dir_fd: int | None = None) -> int:
    """Open a file or folder."""
    about_to("make" if flags & os.O_CREAT else "open", name)
    return os.open(name, flags, mode, dir_fd=dir_fd)


def write(descriptor: int, content: bytes | memoryview) -> int:
    """Write some of a content, and say how much."""
    size = about_to("write", "", len(content))
    return os.write(descriptor, content if size == len(content) else memoryview(content)[:size])


def fsync(descriptor: int, name: str = "") -> None:
    """Wait until a file or folder is on the disk."""
    about_to("flush", name)
    os.fsync(descriptor)


def flush_file_system(descriptor: int) -> None:
    """Wait until all is on the disk that was written to the file system of this open folder.

    The same promise as an fsync of each file and folder, in one call instead of thousands, where `can_flush_all`:
    the kernel writes all changed data and metadata of the file system and waits for both.
    """
    about_to("flush", "")
    syncfs = _syncfs()
    if syncfs is not None and syncfs(descriptor) != 0:
        import ctypes

        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def fchmod(descriptor: int, mode: int) -> None:
    """Set the rights of what is open."""
    about_to("mode", "")
    os.fchmod(descriptor, mode)


def chmod(name: str, mode: int, *, dir_fd: int) -> None:
    """Set the rights of a file."""
    about_to("mode", name)
    os.chmod(name, mode, dir_fd=dir_fd)


def utime(name: str | int, times: tuple[int, int], *, dir_fd: int | None = None) -> None:
    """Set the times of a file, in nanoseconds."""
    about_to("mode", str(name))
    os.utime(name, ns=times, dir_fd=dir_fd)


def rename(name: str, new_name: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
    """Give a file or folder another name."""
    about_to("rename", new_name)
    os.rename(name, new_name, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)


def link(name: str, new_name: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
    """Give a file a second name."""
    about_to("make", new_name)
    os.link(name, new_name, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd, follow_symlinks=False)


def mkdir(name: str, mode: int, *, dir_fd: int) -> None:
    """Make a folder."""
    about_to("make", name)
    os.mkdir(name, mode, dir_fd=dir_fd)


def unlink(name: str | bytes, *, dir_fd: int) -> None:
    """Take a file's name away."""
    about_to("unlink", name)
    os.unlink(name, dir_fd=dir_fd)


def rmdir(name: str, *, dir_fd: int) -> None:
    """Remove an empty folder."""
    about_to("unlink", name)
    os.rmdir(name, dir_fd=dir_fd)


def rmtree(name: str, *, dir_fd: int) -> None:
    """Remove a folder with all that is in it."""
    about_to("unlink", name)
    with suppress(OSError):  # most are empty by then, and shutil loads four modules
        os.rmdir(name, dir_fd=dir_fd)
        return
    import shutil

    shutil.rmtree(name, dir_fd=dir_fd)


def new_file(name: str, content: bytes, mode: int, *, dir_fd: int, flush: bool) -> None:
    """Write a file whole that must not be there yet; nobody else may read it before it is written."""
    opened = open_file(name, NEW, PRIVATE, dir_fd=dir_fd)
    try:
        write_all(opened, content)
        # The private mode may not stay: web servers would answer 403, and cargo calls that an error.
        fchmod(opened, mode)
        if flush:
            fsync(opened, name)
    finally:
        os.close(opened)


def put_file(folder: int, name: str, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file whole into an open folder, in the place of what is there, and follow no link."""
    half = half_of(name)
    with suppress(FileNotFoundError):
        unlink(half, dir_fd=folder)
    opened = open_file(half, NEW, mode, dir_fd=folder)
    try:
        write_all(opened, content)
    finally:
        os.close(opened)
    rename(half, name, src_dir_fd=folder, dst_dir_fd=folder)


def put_file_at(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file whole at a path, in the place of what is there, and follow no link that stands for it."""
    folder = open_file(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        put_file(folder, path.name, content, mode=mode)
    finally:
        os.close(folder)


def read_at(path: Path, largest: int) -> bytes | None:
    """Read a file that somebody brought; None for anything that is none, OSError where it has more bytes (EFBIG)."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        about = os.fstat(opened)
        if about.st_size > largest:
            raise OSError(errno.EFBIG, f"it has more than {largest:,} bytes", str(path))
        return os.pread(opened, about.st_size, 0) if stat.S_ISREG(about.st_mode) else None
    finally:
        os.close(opened)


def half_of(name: str) -> str:
    """Give the name of a file that is still being written: no scan of a drop directory looks at it."""
    return f".{name}.part"


def move_across(name: str, folder: int, new_name: str, new_folder: int, half: str, *, flush: bool) -> None:
    """Move a file between two open folders of different file systems, so that no reader sees half of it.

    Until all of it is there its name is `half`; the next move replaces what a crash left.
    """
    with suppress(FileNotFoundError):
        unlink(half, dir_fd=new_folder)
    source = open_file(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        target = open_file(half, NEW, 0o600, dir_fd=new_folder)
        try:
            for chunk in chunks(source):
                write_all(target, chunk)
            was = os.fstat(source)
            fchmod(target, stat.S_IMODE(was.st_mode))
            utime(target, (was.st_atime_ns, was.st_mtime_ns))
            if flush:
                fsync(target, new_name)
        finally:
            os.close(target)
    finally:
        os.close(source)
    rename(half, new_name, src_dir_fd=new_folder, dst_dir_fd=new_folder)
    unlink(name, dir_fd=folder)


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of a content at the place where the file is."""
    written = write(descriptor, content)
    while written < len(content):  # Linux writes 2 GiB at most at once, and less when a disk fills up
        written += write(descriptor, memoryview(content)[written:])


def chunks(descriptor: int) -> Iterator[bytes]:
    """Give what reads an open file from where it is to its end."""
    return iter(partial(os.read, descriptor, _CHUNK), b"")


@cache
def _syncfs() -> Callable[[int], int] | None:
    # Linux: man 2 syncfs: since 5.8 it reports write errors that happened after the descriptor was opened.
    # Before that, a failed write would pass for a flushed one.
    if sys.platform != "linux":
        return None
    release = os.uname().release.split(".")
    if tuple(int("".join(filter(str.isdigit, part)) or "0") for part in release[:2]) < (5, 8):
        return None
    import ctypes  # which a build that flushes nothing does without

    found: Callable[[int], int] | None = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    return found


# File systems whose syncfs waits until all is on the disk. FUSE, for one, does not pass it on to its server.
_TRUSTED = frozenset({"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"})


def can_flush_all(descriptor: int) -> bool:
    """Whether `flush_file_system` promises what flushing each file does, on the file system of this open folder."""
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
