"""The state: what is known of the tree and of the drop directory, in SQLite in the state directory.

It is a cache and never the record: whatever is wrong with its file, it is made anew from the tree.
Nothing in it is ever loaded whole, so a million releases need no more memory than ten.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Literal, Self

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import StateDamaged, StoreError
from cargo_static_index.state import schema
from cargo_static_index.state.candidates import Candidates
from cargo_static_index.state.database import Database, copy_database
from cargo_static_index.state.directory import is_ours, state_folder, state_lock, unusable
from cargo_static_index.state.files import DropFiles
from cargo_static_index.state.lookups import NeedRows, SearchedRows
from cargo_static_index.state.paths import Indexed, Intents, Undelivered
from cargo_static_index.state.published import CrateChange, Published, Release, Removed
from cargo_static_index.state.queue import Pages
from cargo_static_index.store.local import system
from cargo_static_index.store.local.system import NEW

__all__ = [
    "CrateChange",
    "Release",
    "Remaking",
    "Removed",
    "SiteState",
    "State",
    "copy_state",
    "discard_state",
    "may_read",
    "may_write",
    "open_state",
    "state_lock",
]

DATABASE = "catalogue.sqlite"
_FILES = tuple(f"{DATABASE}{ending}" for ending in ("-wal", "-shm", "-journal", ""))

# The log lets readers read while a build writes. A power cut may lose the last transactions, never tear one:
# what is lost is found again, because tree.json is then not the one that the state remembers.
_LOG = "PRAGMA journal_mode = WAL"
_SETTINGS = """
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -16384;
PRAGMA temp.cache_size = -16384;
PRAGMA trusted_schema = OFF;
"""

SPARE_PAGES = 256
"""Free pages of the file that are left for what comes: a megabyte."""


class Remaking(Struct, frozen=True, kw_only=True):
    """All pages are being made anew, to look as `fingerprint` says; `first` is set where there were none before."""

    fingerprint: str
    first: bool


class SiteState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a tree, and what its site still owes, beside the crates and rows of the queue."""

    known_tree: bytes | None = None
    """The tree.json of the tree that is known wholly, None where that is not all of it."""
    followed: str = ""
    """The id of the last change of the tree that was listed, or of one's own; "" where none ever was."""
    pruned: int = 0
    """The clock when records of old changes were last deleted."""
    last_build: int | None = None
    """The clock of the last `build` that came to its end."""
    unknown: bool = False
    """Whether it is not known what is left to do for the pages of this tree."""
    remaking: Remaking | None = None
    sitemap_stale: bool = False
    """Whether parts of the names came or went since the sitemap was written."""
    advisories: str = ""
    """A digest of the names, sizes and times of all advisories that pages are known to speak of."""
    advisories_stale: bool = False
    """Whether the list of advisories changed since their feed was written."""
    refused_page: bytes = b""
    """A digest of the page of refused files, and of all that it was made of."""
    owed: str = ""
    """What changes whose pages are not made yet add to the digest of the tree, modulo 2^256, in hex; "" is nothing."""

    def owing(self, digest: int) -> Self:
        """Give the same with a change that adds so much to the digest."""
        return replace(self, owed=f"{(int(self.owed or '0', 16) + digest) % (1 << 256):064x}")


_encode_site = msgspec.msgpack.Encoder().encode
_decode_site = msgspec.msgpack.Decoder(SiteState).decode


class State:
    """An open state. Methods raise StateDamaged when the file is not sound, StoreError when the disk fails.

    `fresh` says that it was made just now, so that nothing is known yet.
    """

    def __init__(self, database: Database, *, fresh: bool) -> None:
        self.fresh = fresh
        self.published = Published(database)
        self.indexed = Indexed(database)
        self.drop_files = DropFiles(database)
        self.candidates = Candidates(database)
        self.intents = Intents(database)
        self.pages = Pages(database)
        self.undelivered = Undelivered(database)
        self.searched = SearchedRows(database)
        self.needs = NeedRows(database)
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

    def compact(self) -> None:
        """Give back to the disk what rows left that are gone, where that is a good part of the file."""
        free, pages = (self._database.one(f"PRAGMA {what}") for what in ("freelist_count", "page_count"))
        if free and pages and free[0] > max(SPARE_PAGES, pages[0] // 4):
            self._database.give_back_pages()

    @property
    def site(self) -> SiteState:
        """What is known of the tree, and what is left to do for its site."""
        value = self._database.value(schema.SITE_GET)
        return SiteState() if value is None else _decode_site(value)

    @site.setter
    def site(self, site: SiteState) -> None:
        self._database.run(schema.SITE_SET, (_encode_site(site),))


def may_write(folder: Path) -> bool:
    """Whether there is a state that this user may write to, and nobody else."""
    return is_ours(folder) and os.access(folder / DATABASE, os.W_OK)


def may_read(folder: Path) -> bool:
    """Whether this user may read the state in a folder, or there is none."""
    file = folder / DATABASE
    try:
        return not file.exists() or os.access(file, os.R_OK)
    except PermissionError:
        return False


def copy_state(folder: Path, target: Path) -> None:
    """Copy a state into another folder; where there is none, or none that can be read, there is none then."""
    if os.access(folder / DATABASE, os.R_OK) and not copy_database(folder / DATABASE, target / DATABASE):
        (target / DATABASE).unlink(missing_ok=True)


@contextmanager
def open_state(folder: Path) -> Iterator[State]:
    """Open the state in a state directory, making both where needed; a file that is not this version's is replaced.

    SettingsError where the folder is on a network file system, StoreError where it cannot be written.
    """
    with state_folder(folder) as opened:
        database, fresh = _open(folder, opened)
    try:
        yield State(database, fresh=fresh)
    finally:
        database.close()


def discard_state(folder: Path) -> None:
    """Delete the state's file, or raise StoreError; the tree holds all of it. It must not be open for writing."""
    try:
        with state_folder(folder) as opened:
            _discard(opened)
    except OSError as error:
        raise StoreError(f"The catalogue in {str(folder)!r} cannot be deleted: {error.strerror}.") from error


def _discard(opened: int) -> None:
    for name in _FILES:
        with suppress(FileNotFoundError):
            system.unlink(name, dir_fd=opened)


def _open(folder: Path, opened: int) -> tuple[Database, bool]:
    if not all(_is_plain(name, opened) for name in _FILES):
        _discard(opened)
    with _closed_on_error(_database(folder, opened)) as database:
        kind = _kind_of(database)
        if kind != "another":  # one that is empty may be another process's, which is about to make the tables
            _set_up(database, new=kind == "empty")
            if kind == "empty":
                _make_tables(database)
            return database, kind == "empty"
    database.close()
    _discard(opened)
    with _closed_on_error(_database(folder, opened)) as database:
        _set_up(database, new=True)
        _make_tables(database)
        return database, True


def _is_plain(name: str, opened: int) -> bool:
    """Whether what has this name is the caller's own and no link, or not there."""
    try:
        status = os.stat(name, dir_fd=opened, follow_symlinks=False)
    except FileNotFoundError:
        return True
    return status.st_uid == os.geteuid() and not stat.S_ISLNK(status.st_mode)


def _database(folder: Path, opened: int) -> Database:
    """Open the database in an open folder, for which SQLite has only the folder's path."""
    try:
        with suppress(FileExistsError):  # which must not be opened here: closing it would let go of SQLite's locks
            os.close(system.open_file(DATABASE, NEW, 0o644, dir_fd=opened))
    except OSError as error:
        raise unusable(folder, error) from error
    with _closed_on_error(Database(folder / DATABASE)) as database:
        _refuse_another(folder, opened)
        return database


def _refuse_another(folder: Path, opened: int) -> None:
    # Attack: who may rename the folder puts another in its place between our look at it and SQLite's.
    wanted = os.stat(DATABASE, dir_fd=opened, follow_symlinks=False)
    for number in Path("/dev/fd").iterdir():
        with suppress(OSError):  # the one of the listing itself
            if os.path.samestat(number.stat(), wanted):
                return
    raise StoreError(f"The state directory {str(folder)!r} was exchanged for another meanwhile: run this again.")


def _kind_of(database: Database) -> Literal["current", "empty", "another"]:
    try:
        with database.together():
            version = database.one("PRAGMA user_version")
            if version == (0,) and database.one("SELECT count(*) FROM sqlite_schema") == (0,):
                return "empty"
            sound = version == (schema.VERSION,) and database.one(schema.SOUND) == (schema.TALLIES,)
            return "current" if sound else "another"
    except StateDamaged:
        return "another"


def _set_up(database: Database, *, new: bool) -> None:
    """Make the connection's own settings and tables, which wait for nobody, and what only a new file can be told."""
    if new:
        database.script("PRAGMA auto_vacuum = INCREMENTAL")  # a write, and before the first page
    database.run_patiently(_LOG)
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
