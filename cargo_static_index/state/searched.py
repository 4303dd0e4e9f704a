"""What a search finds crates by, for trees without pages: rows of its lists, brought in step when somebody searches."""

from cargo_static_index.state import schema
from cargo_static_index.state.database import Database, Row


class SearchedRows:
    """The rows of the lists that a search reads, with the crates' documents that they were made of."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def stale(self, limit: int) -> list[str]:
        """Give some index files that changed since their rows were made."""
        return [path for (path,) in self._database.all(schema.SEARCH_STALE, (limit,))]

    def settle(self, path: str) -> None:
        """Strike out an index file whose rows are made."""
        self._database.run(schema.SEARCH_SETTLE, (path,))

    def document(self, path: str) -> bytes | None:
        """Give the document that the rows of an index file's crate were made of."""
        row = self._database.one(schema.SEARCH_DOCUMENT, (path,))
        return row[0] if row else None

    def keep(self, path: str, document: bytes | None) -> None:
        """Keep that document, None where there is no crate any more."""
        if document is None:
            self._database.run(schema.SEARCH_FORGET, (path,))
        else:
            self._database.run(schema.SEARCH_KEEP, (path, document))

    def change(self, gone: list[tuple[str, str]], new: list[tuple[str, str, bytes]]) -> None:
        """Take rows away by list and key, and write others."""
        self._database.run_many(schema.SEARCH_ROW_DELETE, gone)
        self._database.run_many(schema.SEARCH_ROW_SET, new)

    def needs(self, name: str, gone: set[str], new: set[str]) -> None:
        """Note which crates one does not depend on any more, and on which it does now."""
        self._database.run_many(schema.SEARCH_NEED_DELETE, ((needed, name) for needed in sorted(gone)))
        self._database.run_many(schema.SEARCH_NEED_SET, ((needed, name) for needed in sorted(new)))

    def dependents(self, name: str) -> list[str]:
        """Give the crates that depend on one, or did."""
        return [row[0] for row in self._database.all(schema.SEARCH_NEEDED_BY, (name,))]

    def beginning(self, name: str, start: str, most: int) -> tuple[list[Row], int]:
        """Give the first rows of a list whose keys begin so, and how many there are."""
        end = f"{start}\U0010ffff"
        (total,) = self._database.one(schema.SEARCH_COUNT, (name, start, end)) or (0,)
        return self._database.all(schema.SEARCH_ROWS, (name, start, end, most)), total
