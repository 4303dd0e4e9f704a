"""What each index file that is known counts for in tree.json, and what all of them sum up to.

So a state that others' changes have left behind learns them one by one, and knows when it has learnt all.
"""

from collections.abc import Iterable

from cargo_static_index.state import schema
from cargo_static_index.state.database import Database, batches

_MODULUS = 1 << 256
_SUM = ""
"""The row of this path, which no file has, holds the sum of all others."""


class Indexed:
    """The digests of index files by path, as tree.json adds them up; what counts for nothing is not kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def sum(self) -> int:
        """The sum of all, modulo 2^256."""
        return self.digest(_SUM)

    def digest(self, path: str) -> int:
        """Give what one file counts for, 0 where it is not known."""
        row = self._database.one(schema.INDEXED_GET, (path,))
        return int.from_bytes(row[0], "big") if row else 0

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
