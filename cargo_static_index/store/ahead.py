"""A store of which files are read before they are asked for, many at a time.

What lies under its own checksum and was just written need not be read.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from cargo_static_index._pattern import pattern
from cargo_static_index.store import Change, Lock, Put, Store, Stored
from cargo_static_index.store.paths import is_upload

KEPT = 32
"""Files that are kept after they were written, at the most."""

_LASTING = pattern(r"crates/[^/]+/[0-9a-f]{64}\.json")


def is_lasting(path: str) -> bool:
    """Whether a path is that of the metadata of an archive, which never changes."""
    return _LASTING.fullmatch(path) is not None


class ReadAhead:
    """A store that gives what was read ahead, each file once; what is written meanwhile is read anew."""

    def __init__(self, below: Store) -> None:
        self._below = below
        self._ahead: dict[str, Stored | None] = {}
        self._lasting: dict[str, Stored] = {}
        self._presumed: set[str] | None = None
        self.is_being_changed = False
        self.locks, self.shared, self.folder, self.read_all = below.locks, below.shared, below.folder, below.read_all
        self.size, self.list, self.digest = below.size, below.list, below.digest
        self.session, self.opener, self.link = below.session, below.opener, below.link

    @property
    def lock(self) -> Lock | None:
        """What keeps others out."""
        return self._below.lock

    def expect(self, paths: Sequence[str]) -> Sequence[Stored | None]:
        """Read files that will be asked for next, and show them."""
        wanted = [path for path in dict.fromkeys(paths) if path not in self._ahead]
        self._ahead.update(zip(wanted, self._below.read_all(wanted), strict=True))
        return [self._ahead[path] for path in paths]

    def begin_new(self) -> None:
        """Take note that the tree held nothing when it was opened, so that files of new crates need not be read."""
        self._presumed = set()

    def presume_absent(self, paths: Sequence[str]) -> bool:
        """Presume files of a tree that begins absent, each once: who writes one that is there is refused, and asks."""
        if self._presumed is None or not self._presumed.isdisjoint(paths):
            return False
        self._presumed.update(paths)
        self._ahead.update(dict.fromkeys(paths))
        return True

    def forget(self) -> None:
        """Forget what was read and nobody asked for."""
        self._ahead.clear()

    def read(self, path: str) -> Stored | None:
        """Read one file, or give None where there is none."""
        if path in self._ahead:
            return self._ahead.pop(path)
        return self._lasting.pop(path, None) or self._below.read(path)

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Carry out changes."""
        changes = tuple(changes)
        for change in changes:
            self._ahead.pop(change.path, None)
        puts = (change for change in changes if isinstance(change, Put) and is_lasting(change.path))
        lasting = {put.path: found for put in puts if (found := _as_read(put))}
        lost = self._below.apply(changes)
        if lasting:
            self._lasting = lasting if len(lasting) <= KEPT else {}
        return lost


def _as_read(put: Put) -> Stored | None:
    """Give a file as it will be read, but for its tag: nobody ever replaces it; None where it is not here."""
    if isinstance(put.content, str) and is_upload(put.content):
        return None
    content = Path(put.content).read_bytes() if isinstance(put.content, str) else put.content
    return Stored(content=content, tag="")
