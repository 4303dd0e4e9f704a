"""The private place: tokens, and who changed what. A folder of its own, or a bucket that is not the tree's.

Names in it are paths such as `tokens.toml` and `audit/2026-01.jsonl`.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.store import Put, Store
from cargo_static_index.store.bucket import Whereabouts
from cargo_static_index.store.open import open_tree
from cargo_static_index.store.pauses import attempts

BELIEVED = 5.0
"""Seconds for which what was read of a bucket is believed: a token that is revoked may be good for so long."""

ATTEMPTS = 20
"""Times that a file of a bucket is read and written again where others change it at the same moment."""


class PrivatePlace(Protocol):
    """Keeps files that nobody else may read. Everything raises StoreError where the place fails."""

    def is_there(self) -> bool:
        """Whether anything was ever kept."""

    def describe(self, name: str) -> str:
        """Give what to call a file in a sentence."""

    def read(self, name: str) -> bytes | None:
        """Give a file, or None where there is none."""

    def version(self, name: str) -> object:
        """Give what differs once a file has changed; None where only reading it tells."""

    def change(self, name: str, change: Callable[[bytes | None], bytes]) -> None:
        """Make a file anew of what it was, whole; no change of others is lost."""

    def append(self, log: str, key: str, line: bytes) -> None:
        """Append a line, whole, to a log such as `audit/2026-01`, which nothing else ever changes.

        `key` sorts as the lines of the log are to stand.
        """

    def lines(self, folder: str) -> Iterator[bytes]:
        """Give the lines of all logs of a folder, the oldest first."""


def private_place(place: Whereabouts) -> PrivatePlace:
    """Open the private place that the settings name, which is made when something is first kept there."""
    return PrivateFolder(place) if isinstance(place, Path) else PrivateBucket(str(place), open_tree(place))


class PrivateFolder:
    """A folder for its owner alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def is_there(self) -> bool:
        """Whether the folder is there."""
        return self._folder.is_dir()

    def describe(self, name: str) -> str:
        """Give its path."""
        return str(self._folder / name)

    def read(self, name: str) -> bytes | None:
        """Read a file, None where there is none; StoreError where it cannot be read."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{self._folder / name} cannot be read: {error.strerror}") from error

    def version(self, name: str) -> object:
        """Give inode, time and size."""
        try:
            found = (self._folder / name).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def change(self, name: str, change: Callable[[bytes | None], bytes]) -> None:
        """Replace the file, while other writers are kept out of the folder."""
        with self._alone():
            self._replace(name, change(self.read(name)))

    def append(self, log: str, key: str, line: bytes) -> None:  # noqa: ARG002 - part of the interface
        """Append to the file of the log, or raise StoreError."""
        path = self._folder / f"{log}.jsonl"
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                os.write(descriptor, line + b"\n")
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StoreError(f"the file {str(path)!r} cannot be written: {error.strerror}") from error

    def lines(self, folder: str) -> Iterator[bytes]:
        """Read the files of the logs."""
        for path in sorted((self._folder / folder).glob("*.jsonl")):
            with path.open("rb") as lines:
                yield from lines

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise StoreError(f"the private folder {str(self._folder)!r} cannot be used: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        except OSError as error:
            raise StoreError(f"the private folder {str(self._folder)!r} cannot be written: {error.strerror}") from error
        finally:
            os.close(descriptor)

    def _replace(self, name: str, content: bytes) -> None:
        path = self._folder / name
        new = path.with_name(f".{path.name}.new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        new.replace(path)


class PrivateBucket:
    """A bucket, or a part of one, that only its writers may read. A log there is an object a line."""

    def __init__(self, name: str, store: Store) -> None:
        self._name = name
        self._store = store

    def is_there(self) -> bool:
        """Say that it is, since somebody named it."""
        return True

    def describe(self, name: str) -> str:
        """Give its address."""
        return f"{self._name}/{name}"

    def read(self, name: str) -> bytes | None:
        """Read an object."""
        stored = self._store.read(name)
        return stored.content if stored else None

    def version(self, name: str) -> object:  # noqa: ARG002 - part of the interface
        """Give what differs some seconds later: an object's own costs as much as reading it."""
        return int(time.monotonic() // BELIEVED)

    def change(self, name: str, change: Callable[[bytes | None], bytes]) -> None:
        """Write the object if nobody changed it since it was read, or begin again."""
        for _ in attempts(f"{self.describe(name)} is", ATTEMPTS):
            stored = self._store.read(name)
            content = change(stored.content if stored else None)
            put = Put(path=name, content=content, expect=stored.tag if stored else "absent")
            if not self._store.apply([put]):
                return

    def append(self, log: str, key: str, line: bytes) -> None:
        """Write an object of its own, whose name begins with `key` and the moment."""
        path = f"{log}/{key}-{time.time_ns():020}-{uuid4().hex[:12]}.json"
        self._store.apply([Put(path=path, content=line + b"\n", expect="absent")])

    def lines(self, folder: str) -> Iterator[bytes]:
        """Read the objects of the logs."""
        for path in self._store.list(folder):
            stored = self._store.read(path)
            if stored is not None:
                yield stored.content
