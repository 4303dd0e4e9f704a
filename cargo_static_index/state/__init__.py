"""The state: what is known of the tree and of the drop directory, in SQLite in the state directory.

It is a cache and never the record: whatever is wrong with its file, it is made anew from the tree.
Nothing in it is ever loaded whole, so a million releases need no more memory than ten.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from cargo_static_index.diagnostics.errors import StateDamaged, StoreError
from cargo_static_index.state import schema
from cargo_static_index.state.candidates import Candidates, Intents
from cargo_static_index.state.database import Database, copy_database
from cargo_static_index.state.directory import locked_state, make_state_folder
from cargo_static_index.state.files import DropFiles
from cargo_static_index.state.flags import Flags, Remaking, SiteState
from cargo_static_index.state.published import Published
from cargo_static_index.state.queue import Pages
from cargo_static_index.state.rows import CrateChange, Release

__all__ = [
    "CrateChange",
    "Release",
    "Remaking",
    "SiteState",
    "State",
    "copy_state",
    "discard_state",
    "locked_state",
    "may_read",
    "may_write",
    "open_state",
]

FILE = "catalogue.sqlite"

# The log lets readers read while a pass writes. A power cut may lose the last transactions, never tear one:
# what is lost is found again, because tree.json is then not the one that the state remembers.
_SETTINGS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -16384;
PRAGMA temp.cache_size = -16384;
PRAGMA trusted_schema = OFF;
"""


class State:
    """An open state. Methods raise StateDamaged when the file is not sound, StoreError when the disk fails.

    `fresh` says that it was made just now, so that nothing is known yet.
    """

    def __init__(self, database: Database, *, fresh: bool) -> None:
        self.fresh = fresh
        self.published = Published(database)
        self.drop_files = DropFiles(database)
        self.candidates = Candidates(database)
        self.intents = Intents(database)
        self.pages = Pages(database)
        self._flags = Flags(database)
        self._database = database

    def writing(self) -> AbstractContextManager[None]:
        """Make all that is written inside one transaction; inside another one, become part of it."""
        return self._database.writing()

    def reading(self) -> AbstractContextManager[None]:
        """See all of it as it is at one moment, and wait for nobody who writes meanwhile; nothing may be written."""
        return self._database.together()

    def taken_back(self) -> AbstractContextManager[None]:
        """Take back all that is written inside."""
        return self._database.taken_back()

    @property
    def site(self) -> SiteState:
        """What is known of the tree, and what is left to do for its site."""
        return self._flags.get()

    @site.setter
    def site(self, site: SiteState) -> None:
        self._flags.set(site)


def may_write(folder: Path) -> bool:
    """Whether there is a state that this user may write to."""
    file = folder / FILE
    return os.access(folder, os.W_OK | os.X_OK) and file.exists() and os.access(file, os.W_OK)


def may_read(folder: Path) -> bool:
    """Whether this user may read the state in a folder, or there is none."""
    file = folder / FILE
    try:
        return not file.exists() or os.access(file, os.R_OK)
    except PermissionError:
        return False


def copy_state(folder: Path, target: Path) -> None:
    """Copy a state into another folder; where there is none, or none that can be read, there is none then."""
    if os.access(folder / FILE, os.R_OK) and not copy_database(folder / FILE, target / FILE):
        (target / FILE).unlink(missing_ok=True)


@contextmanager
def open_state(folder: Path) -> Iterator[State]:
    """Open the state in a state directory, making both where needed; a file that is not this version's is replaced.

    SettingsError where the folder is on a network file system, StoreError where it cannot be written.
    """
    make_state_folder(folder)
    database, fresh = _open(folder)
    try:
        yield State(database, fresh=fresh)
    finally:
        database.close()


def discard_state(folder: Path) -> None:
    """Delete the state's file; nothing is lost that the tree does not hold. It must not be open for writing."""
    try:
        for ending in ("-wal", "-shm", "-journal", ""):
            (folder / (FILE + ending)).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"The catalogue in {str(folder)!r} cannot be deleted: {error.strerror}.") from error


def _open(folder: Path) -> tuple[Database, bool]:
    with _closed_on_error(Database(folder / FILE)) as database:
        if _is_current(database):
            _set_up(database)
            return database, False
    database.close()
    discard_state(folder)
    with _closed_on_error(Database(folder / FILE)) as database:
        _set_up(database)
        _make_tables(database)
        return database, True


def _is_current(database: Database) -> bool:
    try:
        return database.one("PRAGMA user_version") == (schema.VERSION,) and database.one(schema.SOUND) == (2,)
    except StateDamaged:
        return False


def _set_up(database: Database) -> None:
    """Make the connection's own settings and tables, which wait for nobody."""
    database.script(_SETTINGS)
    database.script(schema.TEMPORARY_TABLES)


def _make_tables(database: Database) -> None:
    with database.writing():
        # Asked again now that nobody else can write: another process may have made the tables meanwhile.
        if database.one("PRAGMA user_version") == (0,):
            database.script(f"{schema.TABLES}; PRAGMA user_version = {schema.VERSION}")


@contextmanager
def _closed_on_error(database: Database) -> Iterator[Database]:
    try:
        yield database
    except BaseException:
        database.close()
        raise
