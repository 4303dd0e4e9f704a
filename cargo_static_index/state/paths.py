"""What is known of single paths of the tree: what index files count for, what was begun, and who was not told yet."""

from collections.abc import Iterable, Iterator

from cargo_static_index.state import schema
from cargo_static_index.state.database import StateRows, batches

_MODULUS = 1 << 256
_SUM = ""
"""The row of this path, which no file has, holds the sum of all others."""


class Indexed(StateRows):
    """The digests of index files by path, as tree.json adds them up; what counts for nothing is not kept.

    So a state that others' changes have left behind learns them one by one, and knows by their sum when it has all.
    """

    @property
    def sum(self) -> int:
        """The sum of all, modulo 2^256."""
        return self.digest(_SUM)

    def digest(self, path: str) -> int:
        """Give what one file counts for, 0 where it is not known."""
        return int.from_bytes(self._database.value(schema.INDEXED_GET, (path,)) or b"", "big")

    def note(self, files: Iterable[tuple[str, int]]) -> None:
        """Note what files count for by now."""
        with self._database.writing():
            total = self.sum
            for batch in batches(files):
                total += sum(digest - self.digest(path) for path, digest in batch)
                self._set(batch)
            self._set([(_SUM, total % _MODULUS)])

    def clear(self) -> None:
        """Forget all."""
        self._database.run(schema.INDEXED_CLEAR)

    def _set(self, files: list[tuple[str, int]]) -> None:
        self._database.run_many(schema.INDEXED_SET, ((path, digest.to_bytes(32, "big")) for path, digest in files))
        self._database.run_many(schema.INDEXED_DELETE, ((path,) for path, digest in files if not digest))


class Intents(StateRows):
    """The files of the tree that a build was about to change; what is left when a build begins was not finished."""

    def begin(self, paths: Iterable[str]) -> None:
        """Write down what is about to be changed."""
        self._database.run_many(schema.INTENT_BEGIN, ((path,) for path in paths))

    def finish(self, paths: Iterable[str]) -> None:
        """Strike out what was done."""
        self._database.run_many(schema.INTENT_FINISH, ((path,) for path in paths))

    def unfinished(self) -> Iterator[str]:
        """Give the paths of what was begun and not finished, sorted."""
        rows = self._database.pages(schema.INTENT_PAGE, ("",), lambda row: (row[0],))
        return (path for (path,) in rows)


ChangedPath = tuple[int, str, bool]
"""Its number, the path, and whether it was deleted."""


class Undelivered(StateRows):
    """What changed and the command of `on-change` was not told of yet, each path once.

    It is numbered anew with every change, so that what changes during a delivery is delivered again.
    """

    def add(self, paths: Iterable[tuple[str, bool]]) -> None:
        """Note paths that are about to be changed, and whether they are deleted."""
        with self._database.writing():
            self._database.run_many(schema.UNDELIVERED_ADD, paths)

    def some(self, limit: int) -> list[ChangedPath]:
        """Give those that were changed first."""
        rows = self._database.all(schema.UNDELIVERED_PAGE, (limit,))
        return [(number, path, bool(deleted)) for number, path, deleted in rows]

    def delivered(self, last: int) -> None:
        """Strike out all that were numbered up to `last`."""
        with self._database.writing():
            self._database.run(schema.UNDELIVERED_DELETE, (last,))

    def count(self, limit: int) -> int:
        """Count them, up to a limit."""
        return self._database.value(schema.UNDELIVERED_COUNT, (limit,)) or 0
