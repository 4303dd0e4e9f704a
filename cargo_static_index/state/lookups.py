"""What is brought in step when somebody asks: the rows that a search reads, and what crates need of each other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from cargo_static_index.protocol.names import index_path
from cargo_static_index.state import schema
from cargo_static_index.state.database import Row, StateRows


class SearchedRows(StateRows):
    """The rows of the lists that a search reads, for trees without pages, with the documents that they were made of."""

    def stale(self, limit: int) -> list[str]:
        """Give some index files that changed since their rows were made."""
        return [path for (path,) in self._database.all(schema.SEARCH_STALE, (limit,))]

    def settle(self, path: str) -> None:
        """Strike out an index file whose rows are made."""
        self._database.run(schema.SEARCH_SETTLE, (path,))

    def document(self, path: str) -> bytes | None:
        """Give the document that the rows of an index file's crate were made of."""
        document: bytes | None = self._database.value(schema.SEARCH_DOCUMENT, (path,))
        return document

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
        total = self._database.value(schema.SEARCH_COUNT, (name, start, end)) or 0
        return self._database.all(schema.SEARCH_ROWS, (name, start, end, most)), total


NeededCrate = tuple[str, str]
"""The name of a crate, and a requirement."""

FEW = 25
"""Index files looked up at once that have a need: whoever asks mostly wants to know some of them."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[str, ...]).decode


class NeedRows(StateRows):
    """Which releases need what, by the index files in which they stand, and what of that is missing."""

    def read_again(self, paths: Iterable[str]) -> None:
        """Note that the needs of index files are to be read."""
        self._database.run_many(schema.NEED_READ_AGAIN, ((path,) for path in paths))

    def stale(self, limit: int) -> list[str]:
        """Give some index files that changed since their needs were read."""
        return [path for (path,) in self._database.all(schema.NEED_STALE, (limit,))]

    def change(self, path: str, needs: Mapping[NeededCrate, Sequence[str]]) -> list[NeededCrate]:
        """Let releases of an index file have these needs and no others, and give those that nobody had before.

        With that the needs of the file are read.
        """
        new = {need: _encode(releases).decode() for need, releases in needs.items()}
        before = {(name, req): releases for name, req, releases in self._database.all(schema.NEED_OF, (path,))}
        gone, come = (sorted(one.items() - other.items()) for one, other in ((before, new), (new, before)))
        self._database.run_many(schema.NEED_DELETE, ((path, *_place(need)) for need, _ in gone))
        first = [need for need, _ in come if self._database.run(schema.NEEDED_ADD, _place(need))]
        rows = ((path, len(needs[need]), releases, *_place(need)) for need, releases in come)
        self._database.run_many(schema.NEED_ADD, rows)
        self._database.run(schema.NEED_SETTLE, (path,))
        return first

    def of_file(self, path: str) -> list[NeededCrate]:
        """Give all that is needed of the crate of an index file, however its name is written."""
        return self._database.all(schema.NEEDED_AT, (path,))

    def judge(self, needs: Mapping[NeededCrate, Sequence[str] | None]) -> None:
        """Note which needs nothing satisfies, with the versions held all the same; None where one satisfies it."""
        rows = ((None if held is None else _encode(held).decode(), *_place(need)) for need, held in needs.items())
        self._database.run_many(schema.NEEDED_JUDGE, rows)

    def missing(self) -> Iterator[tuple[NeededCrate, int, tuple[str, ...]]]:
        """Give the needs that nothing satisfies, in order: how many releases have each, and the versions held."""
        for name, req, releases, held in self._database.pages(schema.NEEDED_MISSING, ("", ""), lambda row: row[:2]):
            yield (name, req), releases, _decode(held)

    def by(self, need: NeededCrate) -> Iterator[str]:
        """Give the releases that have a need, `NAME@VERSION`, by the paths of their index files."""
        place = _place(need)
        for _, releases in self._database.pages(schema.NEED_BY, (*place, ""), lambda row: (*place, row[0]), size=FEW):
            yield from _decode(releases)


def _place(need: NeededCrate) -> tuple[str, str, str]:
    """Give the index file of a crate that is needed, its name, which may be written otherwise, and the requirement."""
    return f"index/{index_path(need[0])}", *need
