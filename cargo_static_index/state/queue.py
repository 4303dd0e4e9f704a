"""What is still to be done for the pages: crates whose pages are stale, and rows that lists are to have.

Kept on disk, so that a build that broke off is finished by the next, and a million rows need no more memory than one.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from operator import itemgetter

from cargo_static_index.state import schema
from cargo_static_index.state.database import StateRows, T


class Pages(StateRows):
    """The queue of the pages. Each row has an owner, the session that noted it, which is the one to see to it."""

    owner = ""
    """This session; rows of others are not given."""

    def make_stale(self, names: Iterable[str], *, whole: bool = False) -> None:
        """Note crates whose pages must be made anew: `whole`, or those that the crate's own document does not know."""
        self._database.run_many(schema.STALE_INSERT, ((name, self.owner, whole) for name in names))

    def stale(self, limit: int) -> Iterator[dict[str, bool]]:
        """Give the crates whose pages must be made anew, and whether whole, some at a time.

        They are to be settled before the next.
        """
        rows = self._database.drained(partial(self._database.all, schema.STALE_PAGE, (self.owner, limit)))
        return ({name: bool(whole) for name, whole in some} for some in rows)

    def list_rows(self, rows: Iterable[tuple[str, str, bytes | None]]) -> None:
        """Note rows (list, key, row) that lists are to have, or with None are not to have; of two, the later counts."""
        # In the order of the table, which halves the time for the rows of many crates.
        ordered = sorted(rows, key=itemgetter(0, 1))
        self._database.run_many(schema.LISTING_SET, [(*row, self.owner) for row in ordered])

    def list_if_new(self, rows: Iterable[tuple[str, str, bytes | None]]) -> None:
        """Note rows, but not over those that are noted already."""
        self._database.run_many(schema.LISTING_INSERT, ((*row, self.owner) for row in rows))

    def next_list(self, after: str = "") -> str | None:
        """Give the first list above `after` that has rows noted."""
        name: str | None = self._database.value(schema.LISTING_NEXT, (self.owner, after))
        return name

    def drained(self, give: Callable[[], list[T]]) -> Iterator[list[T]]:
        """Give rows that `give` finds here until there are none; each lot is to be settled before the next.

        StateDamaged where one comes again.
        """
        return self._database.drained(give)

    def rows_of(self, name: str, limit: int) -> list[tuple[str, bytes | None]]:
        """Give some of the rows noted for a list, by key."""
        return self._database.all(schema.LISTING_PAGE, (self.owner, name, limit))

    def settle(self, names: Iterable[str]) -> None:
        """Strike out crates whose pages were made."""
        self._database.run_many(schema.STALE_DELETE, [(self.owner, name) for name in names])

    def settle_rows(self, last: Iterable[tuple[str, str]]) -> None:
        """Strike out the rows of lists, of each up to a key."""
        self._database.run_many(schema.LISTING_DELETE, [(self.owner, *up_to) for up_to in last])

    def clear(self) -> None:
        """Forget everything, others' rows too."""
        with self._database.writing():
            self._database.run(schema.STALE_CLEAR)
            self._database.run(schema.LISTING_CLEAR)

    def adopt(self, others: Collection[str]) -> None:
        """Make ours what sessions left that are none of `others`: they are not there any more."""
        with self._database.writing():
            for owner in list(self._owners()):
                if owner != self.owner and owner not in others:
                    self._database.run(schema.STALE_ADOPT, (self.owner, owner))
                    self._database.run(schema.LISTING_ADOPT, (self.owner, owner))

    def _owners(self) -> Iterator[str]:
        for statement in (schema.STALE_OWNER, schema.LISTING_OWNER):
            row = self._database.one(statement, ("",)) if self.owner else None
            while row:
                yield row[0]
                row = self._database.one(statement, row)

    @property
    def idle(self) -> bool:
        """Whether nothing is left for this session to do."""
        return self.next_list() is None and not any(self.stale(1))

    @property
    def empty(self) -> bool:
        """Whether nothing is left for anybody to do."""
        return not any(self._database.one(statement) for statement in (schema.STALE_ANY, schema.LISTING_ANY))
