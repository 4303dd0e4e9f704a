"""The drop directory: which files are new or changed since they were last judged, and what is no file to read.

It opens no file. A folder in which nothing changed costs one `stat` a file and no row of the state.
"""

import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import blake2b
from itertools import chain, islice
from operator import attrgetter, itemgetter
from pathlib import Path
from struct import Struct as Layout

import msgspec
from msgspec import Struct

from cargo_static_index.crate.candidate import Candidate, DropFile
from cargo_static_index.diagnostics.errors import InvalidInput, SettingsError
from cargo_static_index.diagnostics.escape import escape, quote
from cargo_static_index.diagnostics.problems import Problem, problem
from cargo_static_index.state import State
from cargo_static_index.state.files import NOTHING, DropFiles, SeenRow, add_fingerprints
from cargo_static_index.store.bucket import Whereabouts
from cargo_static_index.store.local.folders import Folders, open_folders

SETTLE = 1.0
"""Seconds for which a file must be as it is, unless the settings say otherwise, to be refused as a part of one."""


class Seen(Struct, frozen=True):
    """A file as a scan saw it: its path in the drop directory, its fingerprint, when it was changed, its names.

    `changed` are nanoseconds since 1970, by the clock of whoever keeps the file system.
    """

    path: bytes
    fingerprint: bytes
    changed: int
    links: int


Due = Callable[[Seen], float | None]
"""Until when, by the monotonic clock, a file may be only a part of what it is to be; None: it is not to be read yet."""

ROWS_HELD = 20_000
"""Files of one folder that are held in memory; those of a larger one are put down in the state and read back."""

_LEFT_ALONE = (b".part", b".tmp")
_ENCODING, _ERRORS = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
_numbers = Layout("<QQQQ").pack
_U64 = (1 << 64) - 1
_LAST = (1 << 63) - 1
"""SQLite's largest integer."""


def scan_drop(
    root: Path, state: State, due: Due, skip: Iterable[Path] = (), *, forget: bool = True
) -> Iterator[DropFile | Candidate]:
    """Give what is new, changed or still to be judged below `root`: a folder's files by name, then its folders by name.

    `due` says of each file whether somebody may still be writing it; `skip` are folders below `root` that are ours.
    What is no longer there is forgotten as the scan comes by; without `forget` nothing is, and then the scan writes
    nothing that others see.
    The caller writes down what becomes of each in `state.drops`; what is not written down is given again.
    Raises SettingsError if `root` cannot be listed.
    """
    try:
        real = os.fsencode(root.resolve(strict=True))
        os.scandir(real).close()
    except OSError as error:
        raise _unreadable(str(root), error) from error
    ours = frozenset(os.path.relpath(os.fsencode((root.resolve() / folder).resolve()), real) for folder in skip)
    return _Walk(real, source_start(root), state, due, ours, forget=forget).run()


def _unreadable(root: str, error: OSError) -> SettingsError:
    way_out = "Give this user the right to read it" if isinstance(error, PermissionError) else "Make it"
    return SettingsError(f"The drop directory {root!r} cannot be read: {error.strerror}. {way_out}, or name another.")


def settled_by_stamps(settle: float) -> Due:
    """Judge by time stamps alone: a file that nobody has changed for so many seconds has settled.

    The clock is the system's, never SOURCE_DATE_EPOCH: it is held against time stamps.
    """
    latest = time.monotonic() + settle

    def due(file: Seen) -> float:
        age = (time.time_ns() - file.changed) / 1e9
        return time.monotonic() + settle - age if age >= 0 else latest  # a time in the future means nothing

    return due


def is_as_seen(file: DropFile, status: os.stat_result) -> bool:
    """Whether what has this status is the file that was seen; asked after reading, it tells of torn reads."""
    return stat.S_ISREG(status.st_mode) and _fingerprint(file.file, status) == file.seen


def source_start(root: Whereabouts) -> bytes:
    """Give what stands before paths in the drop directory, as the user would write them."""
    start = os.fsencode(str(root))
    return b"" if start == b"." else start.removesuffix(b"/") + b"/"


def _fingerprint(name: bytes, status: os.stat_result, why: bytes = b"") -> bytes:
    """Sum up name, size, times and inode in 16 bytes; `why` tells apart what is unfit (a name has no `/`).

    Times are cut to 64 bits: a file may claim to be from the year 2446.
    """
    numbers = _numbers(status.st_size, status.st_mtime_ns & _U64, status.st_ctime_ns & _U64, status.st_ino & _U64)
    return blake2b(name + why + numbers, digest_size=16).digest()


def _plainly_seen(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Give the status of a crate against whose name and kind nothing can be said, None of anything else."""
    name = entry.name
    if name[0] == "." or not (name.isascii() and name.endswith(".crate")):
        return None
    try:
        if entry.is_file(follow_symlinks=False):
            return entry.stat(follow_symlinks=False)
    except OSError:
        pass  # `_crate` says what it is
    return None


class _Walk:
    """One scan. Paths are bytes, as the kernel has them: a name need not be UTF-8."""

    def __init__(
        self, root: bytes, start: bytes, state: State, due: Due, skip: frozenset[bytes], *, forget: bool
    ) -> None:
        self._root = root
        self._start = start
        self._drops = state.drop_files
        self._due = due
        self._now = time.time_ns()
        self._skip = skip
        self._forget = forget

    def run(self) -> Iterator[DropFile | Candidate]:
        with self._opened() as self._folders:
            waiting = [b""]
            while waiting:
                folder = waiting.pop()
                subfolders: list[bytes] = []
                try:
                    yield from self._files_of(folder, subfolders)
                except (FileNotFoundError, InvalidInput):
                    # Gone since its parent was listed, or a link is in its place; the next scan forgets its files.
                    continue
                except OSError as error:
                    yield self._unreadable_folder(folder, error)
                    continue
                below = {_join(folder, name) for name in subfolders}
                if self._forget:
                    for gone in self._drops.subfolders(folder):
                        if gone not in below:
                            self._drops.forget_folder(gone)
                waiting += sorted(below, reverse=True)

    @contextmanager
    def _opened(self) -> Iterator[Folders]:
        with ExitStack() as stack:
            try:
                folders = stack.enter_context(open_folders(Path(_text(self._root))))
            except OSError as error:
                raise _unreadable(_text(self._root), error) from error
            yield folders

    def _files_of(self, folder: bytes, subfolders: list[bytes]) -> Iterator[DropFile | Candidate]:
        # Attack: a folder that others may write to is exchanged for a link to one that only we may read, so that its
        # crates are published, and deleted. So each folder is opened in the one above it, and no link is followed.
        with self._folders.opened(_text(folder)) as opened:
            if opened is None:
                raise FileNotFoundError
            yield from self._given(folder, self._look(folder, opened, subfolders))

    def _given(self, folder: bytes, rows: Iterable[SeenRow]) -> Iterator[DropFile | Candidate]:
        start = folder + b"/" if folder else b""
        source = self._start + start
        for name, seen, changed, links, size, target, found in rows:
            shown = escape(_text(source + name))
            if found is not None:
                yield unfit(DropFile(source=shown, folder=folder, file=name, seen=seen), found)
            elif (due := self._due(Seen(_join(folder, name), seen, changed, links))) is not None:
                yield DropFile(
                    source=shown,
                    target=start + name if target is None else target,
                    folder=folder,
                    file=name,
                    seen=seen,
                    due=due,
                    size=size,
                )

    def _unreadable_folder(self, folder: bytes, error: OSError) -> Candidate:
        message = f"The folder {_quoted(folder)} cannot be listed, so nothing in it is read: {error.strerror}."
        found = problem("file-unreadable", message, way_out="Give the tool's user permission to list and enter it.")
        source = escape(_text(self._start + folder))
        return Candidate(file=DropFile(source=source, folder=folder), problems=(found,), refused=True)

    def _look(self, folder: bytes, opened: int, subfolders: list[bytes]) -> Iterable[SeenRow]:
        """Look at a folder: give its files that are not just those that were judged, and add the folders in it."""
        known = self._drops.digest(folder)
        if known == NOTHING:
            with os.scandir(opened) as entries:
                first = list(islice(entries, ROWS_HELD + 1))
            if len(first) <= ROWS_HELD:
                # Nothing is known of it: each file is looked at as it is asked for, so that reading begins soon.
                return self._rows(folder, sorted(first, key=attrgetter("name")), subfolders)
            first.clear()
            return self._changed(folder, opened, subfolders)
        with os.scandir(opened) as entries:
            total = self._total(folder, entries, subfolders)
        if add_fingerprints(NOTHING, total) == known:
            return ()
        # It is listed a second time: most folders never change, and what is kept of 10,000 files takes 7 ms more.
        return self._changed(folder, opened, [])

    def _changed(self, folder: bytes, opened: int, subfolders: list[bytes]) -> Iterable[SeenRow]:
        with os.scandir(opened) as entries:
            return changed_rows(self._drops, folder, self._rows(folder, entries, subfolders), forget=self._forget)

    def _total(self, folder: bytes, entries: Iterable[os.DirEntry[str]], subfolders: list[bytes]) -> int:
        """Sum up the fingerprints of the rows that `_rows` gives, and add the names of the folders to go into.

        Of most files, against which nothing can be said, no row is made for that.
        """
        total, number, plain = 0, int.from_bytes, folder.isascii()
        for entry in entries:
            seen = _plainly_seen(entry) if plain else None
            if seen is not None:
                total += number(_fingerprint(entry.name.encode(), seen), "big")
            else:
                total += sum(number(row[1], "big") for row in self._rows(folder, (entry,), subfolders))
        return total

    def _rows(self, folder: bytes, entries: Iterable[os.DirEntry[str]], subfolders: list[bytes]) -> Iterator[SeenRow]:
        """Give a row for each entry that concerns us, and add the names of the folders to go into."""
        plain = folder.isascii()
        for entry in entries:
            if plain and (seen := _plainly_seen(entry)) is not None:
                yield self._row(entry.name.encode(), seen, None)
                continue
            if entry.name.startswith("."):
                continue
            name = entry.name.encode(_ENCODING, _ERRORS)
            if name.endswith(b".crate"):
                if row := self._crate(folder, name, entry):
                    yield row
            elif name.endswith(_LEFT_ALONE) or _join(folder, name) in self._skip:
                continue
            elif entry.is_dir(follow_symlinks=False):
                subfolders.append(name)
            elif entry.is_symlink() and (row := self._link_to_folder(folder, name, entry)):
                yield row

    def _crate(self, folder: bytes, name: bytes, entry: os.DirEntry[str]) -> SeenRow | None:
        try:
            if not (name.isascii() and folder.isascii()) and not _is_utf8(_join(folder, name)):
                says = "is not UTF-8, so no index file or page can name it"
                return _unfit(folder, name, entry, "file-name-not-utf8", says)
            if entry.is_file(follow_symlinks=False):
                return self._row(name, entry.stat(follow_symlinks=False), None)
            if entry.is_symlink():
                return self._link(folder, name, entry)
            what = _what_is(entry.stat(follow_symlinks=False).st_mode)
            return _unfit(folder, name, entry, "file-irregular", f"is {what}, not a file")
        except (FileNotFoundError, InvalidInput):
            return None  # gone since the folder was listed, or behind a link that was put there since
        except OSError as error:
            found = problem("file-unreadable", f"{_quoted(_join(folder, name))} cannot be read: {error.strerror}.")
            seen = blake2b(name + b"/file-unreadable", digest_size=16).digest()
            return name, seen, 0, 0, 0, None, msgspec.json.encode(found)

    def _link(self, folder: bytes, name: bytes, entry: os.DirEntry[str]) -> SeenRow:
        """Follow a link as far as the drop directory's edge: beyond it may lie files that its maker cannot read."""
        target = os.path.realpath(_join(_join(self._root, folder), name))
        if not self._is_inside(target):
            says = f"is a link out of the drop directory, to {_quoted(target)}"
            return _unfit(folder, name, entry, "file-link-outside", says)
        below = os.path.relpath(target, self._root)
        try:
            entry.stat()
            status = self._status(below)
        except OSError as error:
            says = f"is a link that leads nowhere ({error.strerror})"
            return _unfit(folder, name, entry, "file-unreadable", says, way_out="Mend the link, or remove it.")
        if not stat.S_ISREG(status.st_mode):
            says = f"is a link to {_what_is(status.st_mode)}, not to a file"
            return _unfit(folder, name, entry, "file-irregular", says)
        return self._row(name, status, below)

    def _status(self, path: bytes) -> os.stat_result:
        """Give what the system knows of what lies below the drop directory, with no link on the way."""
        folder, _, name = path.rpartition(b"/")
        opened = self._folders.find(_text(folder))
        if opened is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return os.stat(name, dir_fd=opened, follow_symlinks=False)

    def _link_to_folder(self, folder: bytes, name: bytes, entry: os.DirEntry[str]) -> SeenRow | None:
        """Report a link to a folder outside; one to a folder inside is no news, since the scan comes there anyway."""
        try:
            if not _may_be_folder(entry):
                return None
            target = os.path.realpath(_join(_join(self._root, folder), name))
            if self._is_inside(target):
                return None
            says = f"is a link out of the drop directory, to {_quoted(target)}"
            return _unfit(folder, name, entry, "file-link-outside", says)
        except OSError:
            return None  # it leads nowhere, or is gone since the folder was listed

    def _is_inside(self, target: bytes) -> bool:
        return (target + b"/").startswith(self._root.rstrip(b"/") + b"/")

    def _row(self, name: bytes, status: os.stat_result, target: bytes | None) -> SeenRow:
        # A writer can set mtime to any time but not ctime, so an mtime in the future means nothing.
        changed, written = status.st_ctime_ns, status.st_mtime_ns
        changed = min(written if changed < written <= self._now else changed, _LAST)
        return name, _fingerprint(name, status), changed, status.st_nlink, status.st_size, target, None


def unfit(file: DropFile, found: bytes) -> Candidate:
    """Give what is refused before it is read, by the problem in its row."""
    return Candidate(file=file, problems=(msgspec.json.decode(found, type=Problem),), refused=True)


def changed_rows(drops: DropFiles, folder: bytes, rows: Iterable[SeenRow], *, forget: bool) -> Iterable[SeenRow]:
    """Give, by name, what in a folder is not just as it was judged; with `forget`, what is gone is forgotten.

    Few rows are held against what is known in memory, more of them in the state.
    """
    rows = iter(rows)
    few, more = list(islice(rows, ROWS_HELD)), list(islice(rows, 1))
    known = None if more else drops.fingerprints(folder, at_most=ROWS_HELD)
    if known is None:
        drops.see(chain(few, more, rows))
        if forget:
            drops.forget_vanished(folder)
        return drops.changed(folder)
    changed = [row for row in few if known.pop(row[0], None) != row[1]]
    if forget and known:
        drops.forget(folder, known)
    return sorted(changed, key=itemgetter(0))


def _text(path: bytes) -> str:
    return path.decode(_ENCODING, _ERRORS)  # os.fsdecode takes five times as long


def _quoted(path: bytes) -> str:
    return quote(_text(path))


def _unfit(folder: bytes, name: bytes, entry: os.DirEntry[str], rule: str, says: str, *, way_out: str = "") -> SeenRow:
    found = problem(rule, f"{_quoted(_join(folder, name))} {says}.", way_out=way_out)
    seen = _fingerprint(name, entry.stat(follow_symlinks=False), b"/" + rule.encode())
    return name, seen, 0, 0, 0, None, msgspec.json.encode(found)


def _may_be_folder(entry: os.DirEntry[str]) -> bool:
    """Whether a link leads to a folder, or to what this user may not look at; OSError where it leads nowhere."""
    try:
        return entry.is_dir()
    except PermissionError:
        return True


def _what_is(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    return next((what for is_kind, what in kinds if is_kind(mode)), "something else")


def _join(folder: bytes, name: bytes) -> bytes:
    return folder + b"/" + name if folder and name else folder or name


def _is_utf8(path: bytes) -> bool:
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True
