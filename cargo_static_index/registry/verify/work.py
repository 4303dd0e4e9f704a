"""How a tree is looked at: in which processes, how much of it is opened, and who hears how far that is."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from msgspec import Struct

from cargo_static_index.diagnostics.problems import Finding
from cargo_static_index.registry.options import HostShare
from cargo_static_index.registry.verify.resume import NOTHING_OPENED, Opened
from cargo_static_index.registry.workers import Executor, spread
from cargo_static_index.store import Store

CRATES_AT_ONCE = 64
"""Crates that a process looks at before it answers."""

FILES_AT_ONCE = 2048
"""Files of crates that a process judges by their names before it answers."""

_KILLED = "looked at the tree was killed, perhaps for want of memory; run this again"

T = TypeVar("T")


def _hear_nothing(_: str) -> None:
    """Hear of nothing."""


def _see_nothing(_: str, __: Sequence[Finding]) -> None:
    """Hear of nothing."""


class Work(Struct, frozen=True, kw_only=True):
    """Looking at a tree: with an `executor` in other processes, opening the archives of a `share` of the crates only.

    `tell` hears of each index file, and of each crate of which the pages are looked at. `rest` waits for so many
    seconds before what is suspected is looked at again. What was `opened` before is only looked for, and `seen` hears
    up to which index file all were looked at, and what was found.
    """

    executor: Executor | None = None
    share: HostShare | None = None
    tell: Callable[[str], None] = _hear_nothing
    rest: Callable[[float], None] = time.sleep
    opened: Opened = NOTHING_OPENED
    seen: Callable[[str, Sequence[Finding]], None] = _see_nothing

    def opener(self, store: Store) -> Callable[[], Store]:
        """Give what opens the tree where it is looked at."""
        other = store.opener() if self.executor else None
        return other or (lambda: store)

    def done(self, store: Store, look: Callable[[list[str]], T], names: Iterable[str]) -> Iterator[T]:
        """Have all of these looked at, some at a time, and give what was found in their order."""
        return self._spread(store, look, self._with_progress(names), CRATES_AT_ONCE)

    def judged(self, store: Store, look: Callable[[list[str]], T], paths: Iterable[str]) -> Iterator[T]:
        """Have the files at these paths judged by their names, as `done` does, of which nobody hears."""
        return self._spread(store, look, paths, FILES_AT_ONCE)

    def _spread(self, store: Store, look: Callable[[list[str]], T], names: Iterable[str], at_once: int) -> Iterator[T]:
        executor = self.executor if store.opener() else None
        return spread(look, names, executor, at_once=at_once, what=_KILLED)

    def _with_progress(self, names: Iterable[str]) -> Iterator[str]:
        for name in names:
            self.tell(name)
            yield name


HERE = Work()
"""In this process, all of it."""
