"""How a watcher is: what it says of itself in the state directory, for `status` and for whoever supervises it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.registry.watch.arrivals import Why
from cargo_static_index.state.directory import state_folder, unusable
from cargo_static_index.store.local.files import put_file
from cargo_static_index.store.local.flock import locked

_FILE, _LOCK = "watch.json", "watch.lock"

Mode = Literal["events", "poll"]


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
    looks where it polls. `waiting` are the files that have waited longest, of `waiting_files`. `last_look` is when all
    that was there was last found published or refused, `lost_events` how often the kernel lost some.
    """

    process: int
    started: int
    mode: Mode | None = None
    why: str = ""
    interval: float | None = None
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


def read_health(folder: Path) -> tuple[Health | None, bool]:
    """Give what the last watcher said of itself, None where there was none, and whether it still runs."""
    try:
        health = msgspec.json.decode((folder / _FILE).read_bytes(), type=Health)
    except (OSError, msgspec.MsgspecError):
        return None, False
    return health, _is_locked(folder / _LOCK)


def _is_locked(path: Path) -> bool:
    try:
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(opened)
    return False


@contextmanager
def only_watcher(folder: Path) -> Iterator[None]:
    """Be the only watcher with this state directory, or raise TreeBusy; StoreError where it cannot be written to."""
    with state_folder(folder) as state:
        try:
            opened = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=state)
        except OSError as error:
            raise unusable(folder, error) from error
    with locked(folder, opened, "another watcher is at work with this state directory; one does for all"):
        yield
