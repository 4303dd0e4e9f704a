"""How a tree is looked at: in which processes, how much of it is opened, and who hears how far that is."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from cargo_static_index._json import UNREADABLE
from cargo_static_index.diagnostics.errors import SettingsError, StoreError
from cargo_static_index.diagnostics.problems import Finding
from cargo_static_index.registry.options import HostShare
from cargo_static_index.registry.workers import Executor, spread
from cargo_static_index.state import may_write
from cargo_static_index.state.directory import state_folder
from cargo_static_index.store import Store
from cargo_static_index.store.local.system import put_file
from cargo_static_index.tree import layout

A_WEEK = 7 * 86_400.0
"""Seconds after which nobody goes on any more, but begins anew."""

BETWEEN = 1.0
"""Seconds between two times that it is written down how far a look is: so much is done twice after a kill."""


class Opened(Struct, frozen=True, kw_only=True):
    """Which archives were opened: those of the index files up to `last`, but for those in `wrong`.

    Those were not sound. `begun` are seconds since 1970.
    """

    last: str = ""
    wrong: tuple[str, ...] = ()
    begun: float = 0.0

    def holds(self, path: str) -> bool:
        """Whether the archives that an index file names were found sound."""
        return path <= self.last and path not in self.wrong


NOTHING_OPENED = Opened()


class Resumed:
    """How far a look is, written down in a state directory; `opened` is how far an interrupted one was before."""

    def __init__(self, folder: Path, name: str, opened: Opened) -> None:
        self.opened = opened
        self._folder = folder
        self._name = name
        self._now = opened if opened.last else Opened(begun=time.time())
        self._written_at = time.monotonic()

    def seen(self, last: str, findings: Sequence[Finding]) -> None:
        """Hear that all index files up to one were looked at, and what was found in those since the last time."""
        if last <= self._now.last:
            return
        wrong = {_index_path(finding) for finding in findings}
        self._now = Opened(last=last, wrong=tuple(sorted({*self._now.wrong, *wrong})), begun=self._now.begun)
        if time.monotonic() >= self._written_at + BETWEEN:
            self.write()

    def write(self) -> None:
        """Write down how far it is; where that cannot be done, the next look begins anew."""
        self._written_at = time.monotonic()
        if not may_write(self._folder):
            return
        with suppress(OSError, StoreError, SettingsError), state_folder(self._folder) as opened:
            put_file(opened, self._name, msgspec.json.encode(self._now))

    def forget(self) -> None:
        """Note that the look came to its end."""
        with suppress(OSError):
            (self._folder / self._name).unlink()


@contextmanager
def resumed(folder: Path, question: object, note: Callable[[str], None]) -> Iterator[Resumed]:
    """Give how far a look is that asks this question; the next one goes on from there, should this one not end well.

    Where there is no state that may be written to, each begins anew.
    """
    name = f"verify-{sha256(msgspec.json.encode(question)).hexdigest()[:12]}.json"
    look = Resumed(folder, name, _read(folder / name))
    if look.opened.last:
        note(f"An interrupted verify came to {look.opened.last}: what it found sound up to there is not read again.")
    try:
        yield look
    except BaseException:
        look.write()
        raise
    look.forget()


def _read(path: Path) -> Opened:
    with suppress(OSError, *UNREADABLE):
        opened = msgspec.json.decode(path.read_bytes(), type=Opened)
        if 0 <= time.time() - opened.begun < A_WEEK:
            return opened
    return NOTHING_OPENED


def _index_path(finding: Finding) -> str:
    """Give the index file that names what a finding is about."""
    folder, _, rest = finding.path.partition("/")
    return layout.index_file(rest.partition("/")[0]) if folder == layout.CRATES else finding.path


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
