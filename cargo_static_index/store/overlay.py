"""A store seen as it would be after changes that are not carried out: what a dry run writes to."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from heapq import merge
from pathlib import Path

from cargo_static_index.store import Change, Put, Staged, Store, Stored
from cargo_static_index.store.paths import check_path, holds, tag_of


class OverlayStore(Store):
    """Keeps changes in memory and reads through them; the store below is never written.

    No lock is needed for that, and no other process could open it.
    """

    locks = False
    shared = False

    def __init__(self, below: Store) -> None:
        self._below = below
        self.locks, self.shared = below.locks, below.shared
        self._over: dict[str, bytes | Staged | None] = {}
        self._changes: dict[str, tuple[str, ...]] = {}

    def read(self, path: str) -> Stored | None:
        """Read a file as it would be."""
        if path not in self._over:
            return self._below.read(path)
        content = self._over[path]
        found = Path(content).read_bytes() if isinstance(content, str) else content
        return None if found is None else Stored(content=found, tag=tag_of(found), changes=self._changes.get(path, ()))

    def read_all(self, paths: Sequence[str]) -> Sequence[Stored | None]:
        """Read several files as they would be."""
        below = [path for path in paths if path not in self._over]
        found = dict(zip(below, self._below.read_all(below), strict=True))
        return [found[path] if path in found else self.read(path) for path in paths]

    def size(self, path: str) -> int | None:
        """Give a file's size as it would be."""
        if path not in self._over:
            return self._below.size(path)
        content = self._over[path]
        if isinstance(content, str):
            return Path(content).stat().st_size
        return None if content is None else len(content)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[str]:
        """List the paths as they would be."""
        start = f"{prefix}/" if prefix else ""
        over = sorted(path for path, content in self._over.items() if content is not None and path.startswith(start))
        over = [path for path in over if path > after]
        below = (path for path in self._below.list(prefix, after=after) if path not in self._over)
        return merge(over, below)

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Keep the changes that could be carried out, and give back the others."""
        changes = tuple(changes)
        for change in changes:
            check_path(change.path)
        return tuple(change for change in changes if not self._keep(change))

    def link(self, path: str) -> Staged | None:
        """Give the staged file that would be there: here it stays."""
        content = self._over.get(path)
        return content if isinstance(content, str) else None

    @contextmanager
    def session(self) -> Iterator[Path]:
        """Give a folder to stage files in, away from the tree."""
        from tempfile import TemporaryDirectory

        with TemporaryDirectory(prefix="cargo-static-index-") as stage:
            yield Path(stage)

    def _keep(self, change: Change) -> bool:
        held = self.read(change.path)
        if change.expect != "any" and not holds(change, held.tag if held else None):
            return False
        self._over[change.path] = change.content if isinstance(change, Put) else None
        self._changes[change.path] = change.changes if isinstance(change, Put) else ()
        return True
