"""A tree in memory: the contract of `Store` without a disk, for tests and for trying things out."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from cargo_static_index.diagnostics.errors import InvalidInput, StoreError, TreeBusy
from cargo_static_index.store import Change, Delete, Lock, Put, Staged, Store, Stored
from cargo_static_index.store.paths import check_path, holds, parents_of, tag_of


class MemoryStore(Store):
    """Keep a tree in a dictionary: as a folder does, or where it is `shared` as a bucket does.

    Another writer is played by calling `apply` between a read and a write, another host by `seen_elsewhere`.
    """

    locks = True
    shared = False

    def __init__(self, files: Mapping[str, bytes] | None = None, *, shared: bool = False) -> None:
        self.shared = shared
        self.locks = not shared
        self._files: dict[str, bytes] = {}
        self._changes: dict[str, tuple[str, ...]] = {}
        self._folders: Counter[str] = Counter()
        self._stage: Path | None = None
        self.apply(Put(path=path, content=content) for path, content in (files or {}).items())

    @property
    def files(self) -> Mapping[str, bytes]:
        """All files by path, as they are now."""
        return MappingProxyType(self._files)

    def seen_elsewhere(self) -> "MemoryStore":
        """Give the same files as another host sees them, with a session of its own."""
        other = MemoryStore(shared=self.shared)
        other._files, other._changes, other._folders = self._files, self._changes, self._folders
        return other

    def read(self, path: str) -> Stored | None:
        """Read one file, or give None where there is none."""
        check_path(path)
        content = self._files.get(path)
        if content is None:
            return None
        return Stored(content=content, tag=tag_of(content), changes=self._changes.get(path, ()))

    def size(self, path: str) -> int | None:
        """Give the bytes of one file, or None where there is none."""
        check_path(path)
        content = self._files.get(path)
        return None if content is None else len(content)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[str]:
        """List the paths of all files below a folder, sorted, that sort after one."""
        if prefix:
            check_path(prefix)
        start = f"{prefix}/" if prefix else ""
        return iter(sorted(path for path in self._files if path.startswith(start) and path > after))

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Carry out changes in the order given, and give back those whose `expect` did not hold."""
        changes = tuple(changes)
        for change in changes:
            check_path(change.path)
            if isinstance(change, Put) and isinstance(change.content, str):
                self._check_staged(change.content)
        return tuple(change for change in changes if not self._carry_out(change))

    @contextmanager
    def session(self) -> Iterator[Path]:
        """Keep a second session of this store out (TreeBusy), and give a temporary folder to stage files in."""
        if self._stage is not None:
            raise TreeBusy("this store's session is open already: end it before another begins")
        with tempfile.TemporaryDirectory() as folder:
            self._stage = Path(folder)
            try:
                yield self._stage
            finally:
                self._stage = None

    @property
    def lock(self) -> Lock | None:
        """A lock that nobody else takes, as long as one session is all that there can be."""
        return _Unshared() if self.locks else None

    def _check_staged(self, staged: Staged) -> None:
        file = Path(staged)
        if self._stage is None or file.parent != self._stage or file.is_symlink() or not file.is_file():
            raise InvalidInput(f"{staged!r} is not a file staged in the open session's folder: write it there")

    def _carry_out(self, change: Change) -> bool:
        content = self._files.get(change.path)
        if change.expect != "any" and not holds(change, None if content is None else tag_of(content)):
            return False
        if isinstance(change, Delete):
            self._delete(change.path)
        elif isinstance(change.content, str):
            staged = Path(change.content)
            self._put(change.path, staged.read_bytes())
            staged.unlink()
        else:
            self._put(change.path, change.content)
        if self.shared and isinstance(change, Put):
            self._changes[change.path] = change.changes
        return True

    def _put(self, path: str, content: bytes) -> None:
        if path in self._folders:
            raise StoreError(f"{path}: cannot write: a folder stands there. Remove it, then run this again.")
        parents = parents_of(path)
        for parent in parents:
            if parent in self._files:
                raise StoreError(f"{path}: cannot write: {parent} is a file. Remove it, then run this again.")
        if path not in self._files:
            self._folders.update(parents)
        self._files[path] = content

    def _delete(self, path: str) -> None:
        if self._files.pop(path, None) is None:
            return
        for parent in parents_of(path):
            self._folders[parent] -= 1
            if not self._folders[parent]:
                del self._folders[parent]


class _Unshared:
    """A lock of which there is one only."""

    name = ""
    others: frozenset[str] = frozenset()
    is_wanted = False

    def take(self, tell: Callable[[str], None]) -> None:
        """Wait for nobody."""

    def leave(self) -> None:
        """Wait for nobody."""
