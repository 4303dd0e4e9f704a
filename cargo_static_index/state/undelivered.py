"""Paths of the tree that were changed and that the command of `on-change` was not told of yet."""

from collections.abc import Iterable

from cargo_static_index.state import schema
from cargo_static_index.state.database import Database

ChangedPath = tuple[int, str, bool]
"""Its number, the path, and whether it was deleted."""


class Undelivered:
    """Each path once, numbered anew with every change, so that what changes during a delivery is delivered again."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
        row = self._database.one(schema.UNDELIVERED_COUNT, (limit,))
        return int(row[0]) if row else 0
