"""Carrying out one batch of changes in a local tree that is locked.

New content is written in the private folder and flushed before any name changes, so that after a crash or power loss
each path holds its old or its new bytes whole. It knows nothing of sessions and locks.
"""

import errno
import os
import stat
import time
from contextlib import suppress
from functools import cached_property
from itertools import count
from pathlib import Path

from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.store import Change, Delete, Put, Staged, Tag
from cargo_static_index.store.local import system
from cargo_static_index.store.local.folders import Folders, failure, tag_of_file
from cargo_static_index.store.local.system import can_flush_all
from cargo_static_index.store.paths import STAGE, holds, parents_of, tag_of

_MANY = 32
"""Changes from which on two flushes of the whole file system are cheaper than one for each file and folder."""

_SECOND = 1_000_000_000


class OpenTree:
    """A tree opened for changes: its root and its private folder, both open, and how to write in it."""

    def __init__(
        self,
        root: Path,
        stage: Path,
        *,
        opened: int,
        staging: int,
        file_mode: int | None,
        dir_mode: int | None,
        flush: bool,
    ) -> None:
        self.root = root
        self.stage = stage
        self._stage = str(self.stage)
        self.opened = opened
        self.staging = staging
        self.file_mode = file_mode
        self.dir_mode = dir_mode
        self.flush = flush
        self.device = os.fstat(opened).st_dev
        self.numbers = count()
        self.folders = Folders(opened, mode=dir_mode)

    @cached_property
    def published_mode(self) -> int:
        """The mode of a published file: as the system itself gives a new one, by umask and default ACLs."""
        if self.file_mode is not None:
            return self.file_mode
        name = f".mode-{next(self.numbers)}"
        descriptor = system.open_file(name, system.NEW, dir_fd=self.staging)
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        os.close(descriptor)
        system.unlink(name, dir_fd=self.staging)
        return mode

    def stage_link(self, path: str) -> Staged | None:
        """Make a second name for a file of the tree in the private folder; None where there is no such file."""
        folder, _, base = path.rpartition("/")
        if self.folders.find_file(path) is None:
            return None
        parent = self.folders.find(folder)
        assert parent is not None, "the file was found in it"
        name = f".link-{next(self.numbers)}"
        system.link(base, name, src_dir_fd=parent, dst_dir_fd=self.staging)
        return Staged(f"{self._stage}/{name}")

    def find_staged(self, staged: Staged) -> os.stat_result:
        """Give what the system knows of a file in the private folder, or raise InvalidInput where it is none."""
        folder, _, name = staged.rpartition("/")
        if folder != self._stage:
            raise not_staged(staged)
        try:
            found = os.stat(name, dir_fd=self.staging, follow_symlinks=False)
        except FileNotFoundError as error:
            raise not_staged(staged) from error
        if not stat.S_ISREG(found.st_mode):
            raise not_staged(staged)
        return found


def not_staged(staged: Staged) -> InvalidInput:
    """Give the error for content that is a path, but not to a file of the session's folder."""
    return InvalidInput(f"{staged!r} is not a file staged in the open session's folder: write it there")


def apply_batch(tree: OpenTree, changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Carry out changes whose paths are checked; give back those whose `expect` did not hold."""
    tree.folders.forget()  # what others did since must not be missed, be it a person with `rm`
    batch = _Batch(tree, len(changes))
    try:
        return batch.apply(changes)
    finally:
        batch.clear()
        tree.folders.forget_missing()


class _Batch:
    def __init__(self, tree: OpenTree, size: int) -> None:
        self._tree = tree
        self._folders = tree.folders
        self._at_once = tree.flush and size >= _MANY and can_flush_all(tree.opened)
        self._each = tree.flush and not self._at_once
        self._written: set[str] = set()  # our own new files that are still in the private folder
        self._seen: set[str] = set()
        self._found: dict[str, os.stat_result | None] = {}  # what is there, of paths that the batch changes once
        self._touched: set[str] = set()  # folders in which a name changed
        self._elsewhere: set[str] = set()  # those of them that a flush of the tree's file system may miss

    def apply(self, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        ready = [(change, self._prepare(change)) for change in changes]
        if self._at_once and any(name is not None for _, name in ready):
            self._flush_all()
        self._folders.forget_missing()
        refused = tuple(change for change, name in ready if not self._carry_out(change, name))
        self._flush_folders()
        return refused

    def clear(self) -> None:
        for name in self._written:
            with suppress(OSError):  # the end of the session, or the start of the next, empties the folder anyway
                system.unlink(name, dir_fd=self._tree.staging)

    def _prepare(self, change: Change) -> str | None:
        """Have the new content ready, and give its name in the private folder; None where there is none to write."""
        first = change.path not in self._seen
        self._seen.add(change.path)
        if not first:
            self._found.pop(change.path, None)
        if isinstance(change, Delete):
            return None
        content = change.content
        try:
            if isinstance(content, str):
                staged = self._tree.find_staged(content)
                return None if self._is_known(change, first=first) else self._take(_name_of(content), staged)
            return None if self._is_known(change, first=first) else self._write(content)
        except OSError as error:
            raise failure("write", self._tree.root / change.path, error) from error

    def _write(self, content: bytes) -> str:
        name = f".new-{next(self._tree.numbers)}"
        self._written.add(name)
        system.new_file(name, content, self._tree.published_mode, dir_fd=self._tree.staging, flush=self._each)
        return name

    def _take(self, name: str, staged: os.stat_result) -> str:
        staging = self._tree.staging
        mode = self._tree.published_mode
        if stat.S_IMODE(staged.st_mode) != mode:
            system.chmod(name, mode, dir_fd=staging)
        if self._each:
            descriptor = system.open_file(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=staging)
            try:
                system.fsync(descriptor, name)
            finally:
                os.close(descriptor)
        return name

    def _carry_out(self, change: Change, name: str | None) -> bool:
        try:
            known = change.path in self._found
            there = self._found[change.path] if known else self._folders.find_file(change.path)
            if change.expect != "any" and not holds(change, self._folders.tag(change.path) if there else None):
                return False
            if isinstance(change, Delete):
                if there is not None:
                    self._delete(change.path, there)
            elif name is None or (change.expect == "any" and not known and there and self._is_same(change, there)):
                if isinstance(change.content, str):
                    system.unlink(_name_of(change.content), dir_fd=self._tree.staging)
            else:
                self._put(change.path, name, there)
        except OSError as error:
            verb = "delete" if isinstance(change, Delete) else "write"
            raise failure(verb, self._tree.root / change.path, error) from error
        return True

    def _put(self, path: str, name: str, there: os.stat_result | None) -> None:
        folder, _, base = path.rpartition("/")
        staging = self._tree.staging
        if there is not None:
            _date_after(name, staging, there)
        target = self._folders.make(folder)
        try:
            system.rename(name, base, src_dir_fd=staging, dst_dir_fd=target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # Part of the tree is another file system (`crates/` on a larger disk).
            system.move_across(name, staging, base, target, f"{STAGE}-{base}", flush=self._tree.flush)
            self._elsewhere.update((folder, *parents_of(path), ""))
        self._written.discard(name)
        self._touched.add(folder)

    def _delete(self, path: str, there: os.stat_result) -> None:
        folder, _, base = path.rpartition("/")
        parent = self._folders.find(folder)
        assert parent is not None, "the file was found in it a moment ago, and the tree is locked"
        system.unlink(base, dir_fd=parent)
        self._touched.add(folder)
        if there.st_dev != self._tree.device:
            self._elsewhere.update((folder, *parents_of(path), ""))
        self._folders.remove_empty(folder)

    def _is_known(self, change: Put, *, first: bool) -> bool:
        """Whether a change brings what is there, or what it asks for; what was found is kept for its turn."""
        if change.expect != "any":
            return change.expect != "absent" and change.expect == self._tag_of(change.content)
        if not first:  # only the first change of a path finds it as it will be when its turn comes
            return False
        there = self._found[change.path] = self._folders.find_file(change.path)
        return there is not None and self._is_same(change, there)

    def _is_same(self, change: Put, found: os.stat_result) -> bool:
        """Whether a file that is there has the content already that a change brings."""
        content = change.content
        size = len(content) if isinstance(content, bytes) else self._tree.find_staged(content).st_size
        return found.st_size == size and self._folders.tag(change.path) == self._tag_of(content)

    def _tag_of(self, content: bytes | Staged) -> Tag:
        if isinstance(content, bytes):
            return tag_of(content)
        staged = system.open_file(_name_of(content), os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._tree.staging)
        try:
            return tag_of_file(staged)
        finally:
            os.close(staged)

    def _flush_all(self) -> None:
        try:
            system.flush_file_system(self._tree.opened)
        except OSError as error:
            raise failure("flush", self._tree.root, error) from error

    def _flush_folders(self) -> None:
        changed = self._touched | self._folders.made
        if not self._tree.flush or not changed:
            return
        if self._at_once:
            self._flush_all()
            changed = self._elsewhere
        for folder in sorted(changed):
            try:
                opened = self._folders.find(folder)
                if opened is not None:  # removed since: then the folder above it is among them
                    system.fsync(opened, folder)
            except OSError as error:
                raise failure("flush", self._tree.root / folder, error) from error


def _name_of(staged: Staged) -> str:
    return staged.rpartition("/")[2]


def _date_after(name: str, staging: int, there: os.stat_result) -> None:
    # nginx makes the ETag of a file of its size and its time in whole seconds. An index file rewritten at the same
    # size within a second (a yank taken back) would keep its ETag, and clients their stale copy: 304 for ever.
    earliest = (there.st_mtime_ns // _SECOND + 1) * _SECOND
    if os.stat(name, dir_fd=staging).st_mtime_ns < earliest:
        system.utime(name, (time.time_ns(), earliest), dir_fd=staging)
