"""A tree in a local folder, where each file is replaced by rename.

What it keeps to: a web server reads the folder all the time, often as another user; other writers on this machine
are kept out by a lock on the folder itself; the process may be killed and the machine may lose power at any point.
It knows nothing of what the files mean.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path

from cargo_static_index.diagnostics.errors import InvalidInput, TreeBusy
from cargo_static_index.store import Change, Lock, Put, Staged, Store, Stored
from cargo_static_index.store.local.batch import apply_batch, not_staged
from cargo_static_index.store.local.folders import Folders, failure, open_root
from cargo_static_index.store.local.lock import LocalSession, has_sessions, open_local
from cargo_static_index.store.paths import check_path, is_name, tag_of

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_MODES = 0o7777
"""All bits of access that a file may have."""


class LocalStore(Store):
    """Keep a tree in the folder `root`, which the first session makes.

    Files and folders get the modes that the umask leaves of 0666 and 0777, unless `file_mode` and `dir_mode` say
    otherwise. `flush=False` gives up durability (not atomicity) for speed. Changes wait up to `lock_timeout` seconds
    (None: as long as it takes) for another process that holds the lock. No link in the tree is followed: InvalidInput
    says to remove it. The root itself may be a link. InvalidInput for modes and a timeout that are none.
    """

    def __init__(
        self,
        root: Path,
        *,
        file_mode: int | None = None,
        dir_mode: int | None = None,
        flush: bool = True,
        lock_timeout: float | None = 0.0,
    ) -> None:
        modes = (mode for mode in (file_mode, dir_mode) if mode is not None)
        if not all(0 <= mode <= _MODES for mode in modes) or (lock_timeout or 0) < 0:
            raise InvalidInput("modes are from 0 to 0o7777, and a timeout is at least 0 seconds")
        self.root = root.absolute()
        self._file_mode = file_mode
        self._dir_mode = dir_mode
        self._flush = flush
        self._lock_timeout = lock_timeout
        self._session: LocalSession | None = None

    locks = True
    shared = False

    @property
    def folder(self) -> Path:
        """The root."""
        return self.root

    def read(self, path: str) -> Stored | None:
        """Read one file, or give None where there is none."""
        with self._folders() as folders:
            return self._read(folders, path)

    def read_all(self, paths: Sequence[str]) -> Sequence[Stored | None]:
        """Read several files."""
        with self._folders() as folders:
            return [self._read(folders, path) for path in paths]

    def size(self, path: str) -> int | None:
        """Give the bytes of one file without reading it, or None where there is none."""
        check_path(path)
        try:
            with self._folders() as folders:
                found = None if folders is None else folders.find_file(path)
        except OSError as error:
            raise failure("read", self.root / path, error) from error
        return None if found is None else found.st_size

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[str]:
        """List the paths of all files below a folder, sorted, that sort after one, holding a level's names at a time.

        What no store of ours wrote is left out: links, devices, `lost+found`, and names that no path may have.
        """
        if prefix:
            check_path(prefix)
        return (path for path in self._walk(prefix) if path > after)

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Carry out changes in the order given, and give back those whose `expect` did not hold.

        Outside a session, the batch is a session of its own. A batch that fails part of the way has carried out
        some of its changes, each of them wholly, and the same batch may be tried again.
        """
        changes = tuple(changes)
        check_path(*(change.path for change in changes))
        if not changes:
            return ()
        session = self._session
        if session is None:
            for change in changes:
                if isinstance(change, Put) and isinstance(change.content, str):
                    raise not_staged(change.content)
            with self._begin() as session, _locked(session):
                return apply_batch(session.tree, changes)
        if session.held:
            return apply_batch(session.tree, changes)
        with _locked(session):
            return apply_batch(session.tree, changes)

    @contextmanager
    def session(self) -> Iterator[Path]:
        """Give a private folder to stage files in; TreeBusy where this store's session is open already."""
        if self._session is not None:
            raise TreeBusy(f"{self.root}: this store's session is open already: end it before another begins")
        with self._begin() as session:
            self._session = session
            try:
                yield session.tree.stage
            finally:
                self._session = None

    def link(self, path: str) -> Staged | None:
        """Stage a hard link to a file of the tree; None outside a session, and where the file system has none."""
        check_path(path)
        if self._session is None:
            return None
        try:
            return self._session.tree.stage_link(path)
        except OSError:
            return None  # another file system, or one without links, or a file of somebody else (`protected_hardlinks`)

    @property
    def lock(self) -> Lock:
        """The lock of the session that is open."""
        assert self._session is not None, "whoever locks a tree has opened a session of it"
        return self._session

    @property
    def is_being_changed(self) -> bool:
        """Whether somebody has a session open."""
        return has_sessions(self.root)

    def opener(self) -> Callable[[], Store]:
        """Give what opens this tree in another process, to be read there."""
        return partial(LocalStore, self.root)

    def _begin(self) -> AbstractContextManager[LocalSession]:
        return open_local(
            self.root, file_mode=self._file_mode, dir_mode=self._dir_mode, flush=self._flush, timeout=self._lock_timeout
        )

    def _read(self, folders: Folders | None, path: str) -> Stored | None:
        check_path(path)
        try:
            content = None if folders is None else folders.read(path)
        except OSError as error:
            raise failure("read", self.root / path, error) from error
        return None if content is None else Stored(content=content, tag=tag_of(content))

    @contextmanager
    def _folders(self) -> Iterator[Folders | None]:
        if self._session is not None and self._session.held:
            yield self._session.tree.folders  # nobody else on this machine changes them while it is locked
            return
        folders = self._own_folders()
        try:
            yield folders
        finally:
            if folders is not None:
                folders.close()

    def _own_folders(self) -> Folders | None:
        """Open folders that the caller closes; None where there is no tree."""
        try:
            return Folders(open_root(self.root))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise failure("open", self.root, error) from error

    def _walk(self, prefix: str) -> Iterator[str]:
        # Folders of its own: the session may end, or change the tree, while this waits to go on.
        folders = self._own_folders()
        if folders is None:
            return
        with closing(folders):
            # One sorted list of names for each level, so that a tree of millions of files is never held whole.
            levels: list[Iterator[str]] = [iter(_names(self.root, folders, prefix))]
            while levels:
                found = next(levels[-1], None)
                if found is None:
                    levels.pop()
                elif found.endswith("/"):
                    levels.append(iter(_names(self.root, folders, found[:-1])))
                else:
                    yield found


@contextmanager
def _locked(session: LocalSession) -> Iterator[None]:
    session.take(lambda _: None)
    try:
        yield
    finally:
        session.leave()


def _names(root: Path, folders: Folders, folder: str) -> list[str]:
    # A folder sorts as its name with a slash, which is where its files stand among all paths: `a-b` < `a/b`.
    start = f"{folder}/" if folder else ""
    found = []
    try:
        descriptor = folders.find(folder)
        if descriptor is None:
            return []
        with os.scandir(descriptor) as entries:
            for entry in entries:
                # The root of a disk has a `lost+found` that only the administrator may look into.
                if not is_name(entry.name) or entry.name == "lost+found":
                    continue
                if entry.is_dir(follow_symlinks=False):
                    found.append(f"{start}{entry.name}/")
                elif entry.is_file(follow_symlinks=False):
                    found.append(start + entry.name)
    except OSError as error:
        raise failure("list", root / folder, error) from error
    found.sort()
    return found
