"""Stores in which something happens between two changes: a process dies, or another writer comes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from cargo_static_index.store import Change, Lock, Put, Staged, Stored
from cargo_static_index.store.memory import MemoryStore


class Died(Exception):
    """The process is gone."""


def die() -> None:
    """End as a process does that is killed."""
    raise Died


class Reading(MemoryStore):
    """A tree that notes which files are read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []

    def read(self, path: str) -> Stored | None:
        self.reads.append(path)
        return super().read(path)


class Through:
    """Reads what is in the store below."""

    is_being_changed = False
    folder = None

    def __init__(self, below: MemoryStore) -> None:
        self.below = below

    def read(self, path: str) -> Stored | None:
        return self.below.read(path)

    def read_all(self, paths: Sequence[str]) -> Sequence[Stored | None]:
        return self.below.read_all(paths)

    def digest(self, path: str) -> None:
        """Give nothing: none is kept beside a file."""

    def size(self, path: str) -> int | None:
        return self.below.size(path)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[str]:
        return self.below.list(prefix, after=after)

    def opener(self) -> None:
        return None

    def link(self, path: str) -> Staged | None:
        return self.below.link(path)


class Interrupted(Through):
    """A store in which something else happens before the change with a number, between those of a batch too."""

    def __init__(self, below: MemoryStore, number: int, happens: Callable[[], object] = die) -> None:
        super().__init__(below)
        self.left = number
        self.happens = happens
        self.locks = below.locks
        self.shared = below.shared

    def session(self) -> AbstractContextManager[Path]:
        return self.below.session()

    @property
    def lock(self) -> Lock | None:
        return self.below.lock

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        lost: list[Change] = []
        for change in changes:
            if self.left == 0:
                self.happens()
            self.left -= 1
            lost += self.below.apply([change])
        return tuple(lost)


class Counted(MemoryStore):
    """A bucket that keeps a list of what was asked of it."""

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        self.asked: list[tuple[str, str]] = []
        super().__init__(files, shared=True)
        self.asked.clear()

    def read(self, path: str) -> Stored | None:
        self.asked.append(("GET", path))
        return super().read(path)

    def size(self, path: str) -> int | None:
        self.asked.append(("HEAD", path))
        return super().size(path)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[str]:
        self.asked.append(("LIST", prefix))
        return super().list(prefix, after=after)

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        changes = tuple(changes)
        self.asked += [("PUT" if isinstance(change, Put) else "DELETE", change.path) for change in changes]
        return super().apply(changes)
