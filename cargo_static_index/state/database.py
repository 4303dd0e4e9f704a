"""SQLite with our errors: statements in, rows out, transactions that nest."""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from cargo_static_index.diagnostics.errors import StateDamaged, StoreError
from cargo_static_index.state import schema
from cargo_static_index.store.local.system import about_to

Row = tuple[Any, ...]
T = TypeVar("T")

PAGE = 1000
"""Rows read or written at once: enough to make a statement's overhead small, few enough to forget."""

WAIT = 30.0
"""Seconds for which whoever writes waits for others who do."""

_OF_THE_DISK = {
    sqlite3.SQLITE_BUSY: "another process keeps it locked",
    sqlite3.SQLITE_LOCKED: "another process keeps it locked",
    sqlite3.SQLITE_PERM: "permission was denied",
    sqlite3.SQLITE_READONLY: "the folder or the file is read-only",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk failed",
    sqlite3.SQLITE_NOMEM: "memory ran out",
}

_STEPS = 100_000
"""Steps of SQLite's machine, a millisecond or two, after which a signal is heard in the midst of a statement."""


def _hear_signals() -> None:
    """Do nothing: calling this lets Python call the handlers of signals, and what they raise ends the statement."""


def batches(rows: Iterable[T], size: int = PAGE) -> Iterator[list[T]]:
    """Cut rows into lists of at most `size`, so that no more than that is held at once."""
    source = iter(rows)
    while batch := list(islice(source, size)):
        yield batch


def json_list(values: Iterable[object]) -> str:
    """Give values as the text that SQLite's `json_each` takes apart: one statement then asks for all of them."""
    return msgspec.json.encode(list(values)).decode()


def copy_database(path: Path, target: Path) -> bool:
    """Copy a database as it is at one moment, whoever writes to it; False where this user may not read it.

    Reading the log needs its index, which a reader may have no right to make: without it the file alone must do.
    """
    for manner in ("mode=ro", "mode=ro&immutable=1"):
        source, copy = sqlite3.connect(f"{path.absolute().as_uri()}?{manner}", uri=True), sqlite3.connect(target)
        try:
            source.backup(copy)
        except sqlite3.DatabaseError:
            continue
        finally:
            copy.close()
            source.close()
        return True
    return False


class _TakenBack(Exception):
    """No error: it ends a transaction that is to leave nothing."""


class Database:
    """One connection. What SQLite raises becomes StoreError where the disk is at fault, else StateDamaged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._depth = 0
        try:
            self._connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
            self._connection.set_progress_handler(_hear_signals, _STEPS)
        except sqlite3.DatabaseError as error:
            raise self._translated(error) from error

    def close(self) -> None:
        """Close the connection; what was not committed is lost."""
        self._connection.close()

    def script(self, statements: str) -> None:
        """Run statements that take nothing and give nothing, each ended by `;`; those of a trigger are part of it."""
        statement = ""
        for part in statements.split(";"):
            statement += f"{part};"
            if sqlite3.complete_statement(statement):
                self.run(statement)
                statement = ""

    def run(self, statement: str, values: Row = ()) -> int:
        """Run one statement that gives no rows, and say how many it changed."""
        self._about_to_commit(statement)
        try:
            return self._connection.execute(statement, values).rowcount
        except sqlite3.DatabaseError as error:
            raise self._translated(error) from error

    def run_patiently(self, statement: str) -> None:
        """Run a statement for which SQLite waits for nobody, as one that changes the journal's mode: this does."""
        until = time.monotonic() + WAIT
        while True:
            self._about_to_commit(statement)
            try:
                self._connection.execute(statement)
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                    raise self._translated(error) from error
                time.sleep(0.005)
            else:
                return

    def run_many(self, statement: str, rows: Iterable[Row]) -> int:
        """Run one statement for each row, in one transaction, and say how many were changed."""
        rows = iter(rows)
        first = next(rows, None)
        if first is None:
            return 0
        with self.together():
            try:
                return max(0, self._connection.executemany(statement, chain((first,), rows)).rowcount)
            except sqlite3.DatabaseError as error:
                raise self._translated(error) from error

    def give_back_pages(self) -> None:
        """Give all free pages of the file back to the disk; not inside a transaction."""
        try:
            self._connection.executescript("PRAGMA incremental_vacuum")  # a step a page, which `execute` does not take
        except sqlite3.DatabaseError as error:
            raise self._translated(error) from error

    def one(self, statement: str, values: Row = ()) -> Row | None:
        """Give the first row, or None."""
        try:
            row: Row | None = self._connection.execute(statement, values).fetchone()
        except sqlite3.DatabaseError as error:
            raise self._translated(error) from error
        return row

    def value(self, statement: str, values: Row = ()) -> Any:
        """Give the first value of the first row, or None."""
        row = self.one(statement, values)
        return row[0] if row else None

    def all(self, statement: str, values: Row = ()) -> list[Row]:
        """Give all rows at once; for statements that end in LIMIT, or give the rows of one crate."""
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._translated(error) from error

    def tally(self, what: str) -> int:
        """Give a number that is counted as rows come and go."""
        return self.value(schema.TALLY_GET, (what,)) or 0

    def pages(self, statement: str, first: Row, following: Callable[[Row], Row], *, size: int = PAGE) -> Iterator[Row]:
        """Give all rows, a page at a time; `following` makes of a page's last row the values that the next follows.

        No cursor stays open, so the caller may write to the same tables meanwhile. The last `?` is the LIMIT.
        """
        values = first
        while rows := self.all(statement, (*values, size)):
            yield from rows
            values = following(rows[-1])

    def drained(self, give: Callable[[], list[T]]) -> Iterator[list[T]]:
        """Give what `give` gives until that is nothing; the caller takes each list away before it asks for the next.

        What comes twice running would come for ever: StateDamaged, since a sound file does as it is told.
        """
        before: list[T] = []
        while found := give():
            if found == before:
                raise self.damaged("rows cannot be taken away")
            yield found
            before = found

    def writing(self) -> AbstractContextManager[None]:
        """Make all that is written inside one transaction; inside another one, become part of it."""
        return self._transaction("BEGIN IMMEDIATE")

    @contextmanager
    def taken_back(self) -> Iterator[None]:
        """Like `writing`, but what was written inside is taken back at the end."""
        with suppress(_TakenBack), self.writing():
            yield
            raise _TakenBack

    def together(self) -> AbstractContextManager[None]:
        """Like `writing`, but takes the lock only when the tables that others see are written."""
        return self._transaction("BEGIN")

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        if self._depth == 0:
            self.run(begin)
        self._depth += 1
        try:
            yield
            if self._depth == 1:
                self.run("COMMIT")
        except BaseException:
            if self._depth == 1 and self._connection.in_transaction:
                with suppress(sqlite3.Error):  # the error that led here says more
                    self._connection.execute("ROLLBACK")
            raise
        finally:
            self._depth -= 1

    def _about_to_commit(self, statement: str) -> None:
        if self._depth == 0 or statement == "COMMIT":
            try:
                about_to("commit", self._path)
            except OSError as error:
                raise self._failed("the disk failed", error) from error

    def _failed(self, reason: str, error: Exception) -> StoreError:
        return StoreError(
            f"The catalogue {str(self._path)!r} cannot be used: {reason} ({error})."
            " Mend that, or name another folder with `--state`."
        )

    def _translated(self, error: sqlite3.DatabaseError) -> BaseException:
        if isinstance(error, sqlite3.ProgrammingError):
            return error  # a bug of ours, not of the file
        # Errors that Python's own module raises carry no code: text that is not UTF-8 is one, and means damage.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if code == sqlite3.SQLITE_INTERRUPT:
            return KeyboardInterrupt()
        if reason := _OF_THE_DISK.get(code):
            return self._failed(reason, error)
        return self.damaged(error)

    def damaged(self, how: object) -> StateDamaged:
        """Give what is raised where the file is not sound."""
        return StateDamaged(
            f"The catalogue {str(self._path)!r} is damaged ({how}); the next build makes it anew from the tree."
        )


class StateRows:
    """Rows of the state that belong together, in a database that is open."""

    def __init__(self, database: Database) -> None:
        self._database = database
