"""How a watcher is: what it says of itself in the state directory, for `status` and for whoever supervises it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from cargo_static_index._json import UNREADABLE
from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.registry.watch.arrivals import Why
from cargo_static_index.state.directory import is_locked, open_lock, state_folder
from cargo_static_index.store.local.flock import locked
from cargo_static_index.store.local.system import put_file

_FILE, _LOCK = "watch.json", "watch.lock"

WatchMode = Literal["events", "poll"]


class WaitingFile(Struct, frozen=True, kw_only=True):
    """A file that is not judged yet, by its path in the drop directory; `since` when it has waited, and why."""

    path: str
    since: int
    why: Why


class Failure(Struct, frozen=True, kw_only=True):
    """What a watcher could not do, and from when until when; `until` is null while it lasts."""

    message: str
    since: int
    until: int | None = None


class Health(Struct, frozen=True, kw_only=True):
    """How a watcher is. Times are whole seconds since 1970, null where there was none yet.

    `why` is the reason for the mode, where it is not that of the settings alone; `interval` the seconds between two
    looks where it polls. `waiting` are the files that have waited longest, of `waiting_files`. `looks` says how often
    all that was there was published, refused or waited for, `last_look` when last; `lost_events` how often the kernel
    lost some.
    """

    process: int
    started: int
    mode: WatchMode | None = None
    why: str = ""
    interval: float | None = None
    looks: int = 0
    last_look: int | None = None
    waiting: tuple[WaitingFile, ...] = ()
    waiting_files: int = 0
    failure: Failure | None = None
    lost_events: int = 0

    @property
    def fails(self) -> bool:
        """Whether something cannot be done now."""
        return self.failure is not None and self.failure.until is None


def write_health(folder: Path, health: Health) -> None:
    """Put it into the state directory; where that cannot be done, the watcher goes on without."""
    with suppress(OSError, StoreError), state_folder(folder) as opened:
        put_file(opened, _FILE, msgspec.json.encode(health))


class LastWord(Struct, frozen=True, kw_only=True):
    """What the last watcher said of itself, and when; `running` is whether it still runs."""

    health: Health
    spoke: int
    running: bool

    @property
    def all_is_done(self) -> bool:
        """Whether all that was there when it last spoke was published or refused, or is being waited for."""
        return self.running and not self.health.fails and self.health.last_look is not None


def read_health(folder: Path) -> LastWord | None:
    """Give what the last watcher with a state directory said; None where there was none, or it may not be read."""
    try:
        with (folder / _FILE).open("rb") as file:
            health = msgspec.json.decode(file.read(), type=Health)
            spoke = int(os.fstat(file.fileno()).st_mtime)
    except (OSError, *UNREADABLE):
        return None
    return LastWord(health=health, spoke=spoke, running=is_locked(folder / _LOCK, fcntl.LOCK_SH))


@contextmanager
def only_watcher(folder: Path) -> Iterator[None]:
    """Be the only watcher with this state directory, or raise TreeBusy; StoreError where it cannot be written to."""
    busy = "another watcher is at work with this state directory; one does for all"
    with locked(folder, open_lock(folder, _LOCK), busy):
        yield
