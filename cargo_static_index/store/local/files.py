"""Reading, writing and moving open files; whoever calls turns OSError into StoreError."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from cargo_static_index.store import Tag
from cargo_static_index.store.local import system
from cargo_static_index.store.local.system import NEW

_CHUNK = 1 << 18
"""Bytes read at once where a file is digested or copied: few calls, little memory."""


def put_file(folder: int, name: str, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file whole into an open folder, in the place of what is there, and follow no link."""
    half = half_of(name)
    with suppress(FileNotFoundError):
        system.unlink(half, dir_fd=folder)
    opened = system.open_file(half, NEW, mode, dir_fd=folder)
    try:
        write_all(opened, content)
    finally:
        os.close(opened)
    system.rename(half, name, src_dir_fd=folder, dst_dir_fd=folder)


def put_file_at(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file whole at a path, in the place of what is there, and follow no link that stands for it."""
    folder = system.open_file(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
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
        system.unlink(half, dir_fd=new_folder)
    source = system.open_file(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        target = system.open_file(half, NEW, 0o600, dir_fd=new_folder)
        try:
            for chunk in chunks(source):
                write_all(target, chunk)
            was = os.fstat(source)
            system.fchmod(target, stat.S_IMODE(was.st_mode))
            system.utime(target, (was.st_atime_ns, was.st_mtime_ns))
            if flush:
                system.fsync(target, new_name)
        finally:
            os.close(target)
    finally:
        os.close(source)
    system.rename(half, new_name, src_dir_fd=new_folder, dst_dir_fd=new_folder)
    system.unlink(name, dir_fd=folder)


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of a content at the place where the file is."""
    written = system.write(descriptor, content)
    while written < len(content):  # Linux writes 2 GiB at most at once, and less when a disk fills up
        written += system.write(descriptor, memoryview(content)[written:])


def chunks(descriptor: int) -> Iterator[bytes]:
    """Read an open file from where it is to its end."""
    while chunk := os.read(descriptor, _CHUNK):
        yield chunk


def read_rest(descriptor: int) -> bytes:
    """Read an open file whole from where it is to its end."""
    size = os.fstat(descriptor).st_size
    content = os.read(descriptor, size + 1)  # one call tells that this is all
    return content if len(content) == size else content + b"".join(chunks(descriptor))


def tag_of_file(descriptor: int) -> Tag:
    """Give the tag of an open file's content from where it is to its end, as `tag_of` does for bytes."""
    digest = blake2b(digest_size=16)
    for chunk in chunks(descriptor):
        digest.update(chunk)
    return digest.hexdigest()
