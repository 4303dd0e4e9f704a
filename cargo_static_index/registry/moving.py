"""Moving files out of the drop directory: whole or not at all, and over nothing that is there already."""

import errno
import os
import shutil
from pathlib import Path

LONGEST = 240
"""Bytes of a file's name that leave room for a number and an ending in the 255 that file systems allow."""

CUT = 50
"""Characters that are left of a longer one: whatever they are, they have no more bytes than `LONGEST`."""


def free_path(path: Path) -> Path:
    """Give the path, or the first like it that does not exist: `foo-1.0.0.crate`, then `foo-1.0.0.2.crate`.

    A name so long that the document beside it could have none is cut.
    """
    number = 2
    free = path = path.with_name(path.name if len(os.fsencode(path.name)) <= LONGEST else path.name[:CUT] + ".crate")
    while os.path.lexists(free):
        free = path.with_name(f"{path.stem}.{number}{path.suffix}")
        number += 1
    return free


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that nobody ever sees half of."""
    half = _half(path)
    half.write_bytes(content)
    half.replace(path)


def move_whole(source: Path, target: Path) -> None:
    """Move a file, to another disk too, so that it has its new name only when all of it is there."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _move_across(source, target)


def _move_across(source: Path, target: Path) -> None:
    if source.is_symlink() or not source.is_file():  # nothing that was published, or could be
        shutil.move(source, target)
        return
    half = _half(target)
    shutil.copy2(source, half)
    with half.open("rb") as copy:
        os.fsync(copy.fileno())  # it is the only one once the first is gone
    half.replace(target)
    source.unlink()


def _half(path: Path) -> Path:
    """Give the name of what is still being written, which no scan looks at; the next try replaces what a crash left."""
    return path.with_name(f".{path.name}.part")
