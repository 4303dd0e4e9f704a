"""The calls by which trees and state directories are opened and changed, in one place, where each can be disturbed.

Nobody disturbs them but tests of what a failing disk, or a death at any moment, leaves behind: see `disturbed`.
Each does what the function of `os` does that it is named after; whoever calls turns OSError into an error of ours.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Protocol

from cargo_static_index.store.local.sync import flush_all

Call = Literal["open", "make", "write", "flush", "mode", "rename", "unlink", "commit"]
"""A kind of call. "open" is of what is there, "make" of what is not; "mode" sets rights or times; "make", "open" and
"unlink" are of folders, too; "commit" is all that SQLite is told outside of a transaction, and the end of one."""

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
"""How a file is opened that must not be there yet."""

ANEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
"""How a file of our own is opened to be written from its beginning, be it there or not."""

PRIVATE = 0o600
"""The mode of a file that is not published yet: whoever copies the tree meanwhile must not pass it on."""


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
    """Wait until all is on the disk that was written to the file system of this open folder."""
    about_to("flush", "")
    flush_all(descriptor)


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
    shutil.rmtree(name, dir_fd=dir_fd)
