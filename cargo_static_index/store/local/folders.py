"""The folders of a local tree, opened one name at a time and never through a link.

It knows nothing of changes or tags; whoever calls turns OSError into StoreError.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from cargo_static_index.diagnostics.errors import InvalidInput, StoreError
from cargo_static_index.store import Tag
from cargo_static_index.store.local import system
from cargo_static_index.store.paths import STAGE

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a FIFO that somebody left in the tree would wait for its writer for ever.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_KEPT = 64
"""Folders kept open at once: far below the usual limit of 1024 descriptors, and deeper than any tree of ours."""

_STAYS = {errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY, errno.ENOENT, errno.EACCES, errno.EPERM}
"""Why a folder cannot be removed though nothing is wrong: something is in it, it is another disk's mount point
(EBUSY), it is gone already, or it lies in a folder of somebody else. An empty folder does no harm."""

_WAYS_OUT = {
    errno.ENOSPC: "The disk is full: make room, then run this again.",
    errno.EDQUOT: "The quota is used up: make room, then run this again.",
    errno.EACCES: "Give the user that runs this the right to read and write there.",
    errno.EPERM: "Give the user that runs this the right to read and write there.",
    errno.EROFS: "The file system is mounted read-only: mount it writable, or name another tree.",
    errno.EFBIG: "A limit on the size of files is set (`ulimit -f`): raise it, then run this again.",
    errno.EMFILE: "Too many files are open: raise `ulimit -n`, then run this again.",
    errno.EISDIR: "A folder stands there: remove it, then run this again.",
    errno.ENOTDIR: "A file stands where a folder is needed: remove it, then run this again.",
    errno.ENAMETOOLONG: "The file system does not take names this long: use another one.",
    errno.ENOLCK: "The file system cannot lock folders: use another one, or mount it with locking.",
    errno.EOPNOTSUPP: "The file system cannot do this: use another one.",
}


def failure(verb: str, place: object, error: OSError) -> StoreError:
    """Give the error that says what could not be done, where, why, and the way out."""
    way_out = _WAYS_OUT.get(error.errno or 0, "Check the disk, then run this again.")
    return StoreError(f"{place}: cannot {verb}: {error.strerror or error}. {way_out}")


def _not_ours(path: str, mode: int) -> InvalidInput | StoreError:
    # Attack: a link planted in the tree (by a restored backup, another user of the machine) makes us read or
    # overwrite a file elsewhere. So no link is followed, not even one that stays inside.
    if stat.S_ISLNK(mode):
        return InvalidInput(f"{path!r} is a symbolic link, which could lead out of the tree: remove it")
    return StoreError(f"{path!r} is neither a file nor a folder: remove it")


@contextmanager
def open_folders(root: Path) -> Iterator["Folders"]:
    """Open the folders below one that is there, or raise OSError; it may be a link itself."""
    with closing(Folders(open_root(root))) as folders:
        yield folders


def open_root(root: Path) -> int:
    """Open the folder that others are below, which may be a link itself, or raise OSError."""
    return system.open_file(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


class Folders:
    """Open folders by their path below `root`, a descriptor; `close` them all at the end, or `forget` all but `root`.

    Nothing is followed out of the tree: InvalidInput where a link stands. A descriptor given is good
    until the next call. `made` holds the folders in which a folder was made or removed.
    What is open, and what was missing, is remembered until `forget`: others' new folders are seen only then.
    """

    def __init__(self, root: int, *, mode: int | None = None) -> None:
        self._root = root
        self._mode = mode
        self._open: dict[str, int] = {}
        self._missing: set[str] = set()
        self.made: set[str] = set()

    def close(self) -> None:
        """Close all folders, the tree's own too."""
        self.forget()
        os.close(self._root)

    def forget(self) -> None:
        """Close all folders and look anew from here on."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()
        self._missing.clear()
        self.made.clear()

    def forget_missing(self) -> None:
        """Look anew for the folders that were missing."""
        self._missing.clear()

    def find(self, folder: str) -> int | None:
        """Open a folder ("" is the tree), or give None where there is none."""
        if not folder:
            return self._root
        descriptor = self._open.get(folder)
        if descriptor is not None or folder in self._missing:
            return descriptor
        above, _, name = folder.rpartition("/")
        parent = self.find(above)
        descriptor = None if parent is None else _open_folder(parent, name, folder)
        if descriptor is None:
            self._missing.add(folder)
            return None
        return self._keep(folder, descriptor)

    @contextmanager
    def opened(self, folder: str) -> Iterator[int | None]:
        """Open a folder as `find` does, with a descriptor that is good to the end, whatever else is opened."""
        found = self.find(folder)
        descriptor = None if found is None else os.dup(found)
        try:
            yield descriptor
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def make(self, folder: str) -> int:
        """Open a folder, and make it and those above it where they are missing."""
        descriptor = self.find(folder)
        if descriptor is not None:
            return descriptor
        above, _, name = folder.rpartition("/")
        parent = self.make(above)
        descriptor = make_folder(name, parent, self._mode)
        self.made.add(above)
        self._missing.discard(folder)
        return self._keep(folder, descriptor)

    def remove_empty(self, folder: str) -> None:
        """Remove a folder if nothing is in it, and then those above it, up to the tree itself."""
        while folder:
            above, _, name = folder.rpartition("/")
            parent = self.find(above)
            if parent is None:
                return
            try:
                system.rmdir(name, dir_fd=parent)
            except OSError as error:
                if error.errno in _STAYS:
                    return
                raise
            if (descriptor := self._open.pop(folder, None)) is not None:
                os.close(descriptor)
            self.made.discard(folder)
            self.made.add(above)
            folder = above

    def find_file(self, path: str) -> os.stat_result | None:
        """Give what the system knows of a file, or None where there is none (a folder is none)."""
        folder, _, name = path.rpartition("/")
        parent = self.find(folder)
        if parent is None:
            return None
        try:
            found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if stat.S_ISREG(found.st_mode):
            return found
        if stat.S_ISDIR(found.st_mode):
            return None
        raise _not_ours(path, found.st_mode)

    def open_file(self, path: str) -> int | None:
        """Open a file for reading, or give None where there is none (a folder is none); the caller closes it."""
        folder, _, name = path.rpartition("/")
        parent = self.find(folder)
        if parent is None:
            return None
        try:
            descriptor = system.open_file(name, _FILE, dir_fd=parent)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.ENXIO}:
                raise _not_ours(path, os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode) from error
            raise
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISREG(mode):
            return descriptor
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            return None
        raise _not_ours(path, mode)

    def read(self, path: str) -> bytes | None:
        """Read a file whole, or give None where there is none."""
        opened = self.open_file(path)
        if opened is None:
            return None
        try:
            size = os.fstat(opened).st_size
            content = os.read(opened, size + 1)  # one call tells that this is all
            return content if len(content) == size else content + b"".join(system.chunks(opened))
        finally:
            os.close(opened)

    def tag(self, path: str) -> Tag | None:
        """Give the tag of a file's content, or None where there is none."""
        opened = self.open_file(path)
        if opened is None:
            return None
        try:
            return tag_of_file(opened)
        finally:
            os.close(opened)

    def _keep(self, folder: str, descriptor: int) -> int:
        self._open[folder] = descriptor
        if len(self._open) > _KEPT:
            os.close(self._open.pop(next(iter(self._open))))
        return descriptor


def tag_of_file(descriptor: int) -> Tag:
    """Give the tag of an open file's content from where it is to its end, as `tag_of` does for bytes."""
    digest = blake2b(digest_size=16)
    for chunk in system.chunks(descriptor):
        digest.update(chunk)
    return digest.hexdigest()


def make_folder(name: str, parent: int, mode: int | None) -> int:
    """Make a folder in an open one and open it, which the caller closes; None is the mode that the umask leaves.

    It gets its name after its mode, which nobody would mend after a crash between the two. What a crash leaves is
    named like the private folder: no list shows it, and the next try takes it up.
    """
    half = name if mode is None else f"{STAGE}-{name}"
    with suppress(FileExistsError):  # what is no folder, opening it says
        system.mkdir(half, 0o777, dir_fd=parent)
    descriptor = system.open_file(half, _FOLDER, dir_fd=parent)
    if mode is not None:
        # The setgid bit that a folder inherits keeps the group of a shared tree.
        system.fchmod(descriptor, mode | (os.fstat(descriptor).st_mode & stat.S_ISGID))
        system.rename(half, name, src_dir_fd=parent, dst_dir_fd=parent)
    return descriptor


def _open_folder(parent: int, name: str, path: str) -> int | None:
    try:
        return system.open_file(name, _FOLDER, dir_fd=parent)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno not in {errno.ENOTDIR, errno.ELOOP}:
            raise
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            raise _not_ours(path, mode) from error
        return None
