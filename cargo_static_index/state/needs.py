"""What crates need of each other, and what of that nothing held satisfies, brought in step when somebody asks."""

from collections.abc import Iterable

from cargo_static_index.protocol.names import index_path
from cargo_static_index.state import schema
from cargo_static_index.state.database import Database

NeededCrate = tuple[str, str]
"""The name of a crate, and a requirement."""


class NeedRows:
    """The needs of each index file's crate, and those that are missing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def stale(self, limit: int) -> list[str]:
        """Give some index files that changed since their needs were read."""
        return [path for (path,) in self._database.all(schema.NEED_STALE, (limit,))]

    def settle(self, path: str) -> None:
        """Strike out an index file whose needs are read."""
        self._database.run(schema.NEED_SETTLE, (path,))

    def change(self, path: str, needs: set[NeededCrate]) -> set[NeededCrate]:
        """Let an index file have these needs, and give those that it has no more, or has since now."""
        before = {(name, req) for name, req in self._database.all(schema.NEED_OF, (path,))}
        gone, new = sorted(before - needs), sorted(needs - before)
        self._database.run_many(schema.NEED_DELETE, ((path, *need) for need in gone))
        self._database.run_many(schema.NEED_SET, ((path, _file_of(need), *need) for need in new))
        return before ^ needs

    def of_file(self, path: str) -> set[NeededCrate]:
        """Give all that is needed of the crate of an index file, however its name is written."""
        return {(name, req) for name, req in self._database.all(schema.NEED_OF_FILE, (path,))}

    def by(self, need: NeededCrate) -> list[str]:
        """Give the index files whose crates have a need."""
        return [path for (path,) in self._database.all(schema.NEED_BY, (_file_of(need), *need))]

    def missing(self) -> list[NeededCrate]:
        """Give the needs that nothing held satisfies, in order."""
        return [(name, req) for name, req in self._database.all(schema.NEED_MISSING)]

    def judge(self, missing: Iterable[NeededCrate], satisfied: Iterable[NeededCrate]) -> None:
        """Note which needs nothing satisfies, and which are satisfied by now, or nobody has any more."""
        self._database.run_many(schema.NEED_MISSING_SET, sorted(missing))
        self._database.run_many(schema.NEED_MISSING_DELETE, sorted(satisfied))


def _file_of(need: NeededCrate) -> str:
    return f"index/{index_path(need[0])}"
