"""What is known of how files came into the drop directory: closed, still open, or just seen at two looks.

All it decides is when a file is read, and until when what is found in it may be because only a part is there.
"""

import threading
import time
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from cargo_static_index.registry.scan import Seen

LONGEST_OPEN = 3600.0
"""Seconds after which a file that nobody closed counts as closed: of a link to a file elsewhere no closing is told."""

LONG_AGO = 86_400.0
"""A time stamp of a day ago is believed whoever set it; a later one may be of a file server whose clock is wrong."""

HELD = 20_000
"""Files of which something is remembered. Above that, time stamps must do, or where they cannot, others come first."""

Why = Literal["open", "young"]
"""Why a file waits: nobody has closed it, or it was changed a moment ago."""


class Waiting(Struct, frozen=True):
    """A file that is not judged yet: its path in the drop directory, why, and for how many seconds it has waited."""

    path: bytes
    why: Why
    seconds: float


class _Note(Struct):
    """A file as it was first seen at `since`, and last in the look of that number; `tried` once it was read.

    `told`: it was found in a look that an event asked for.
    """

    fingerprint: bytes
    since: float
    look: int
    told: bool
    tried: bool = False


class Arrivals:
    """Remembers how files came, by their paths in the drop directory. The doorbell's thread tells, the scan asks.

    While `polling`, no event tells of a file, and its time stamps are a file server's: a file has settled when two
    looks, `settle` seconds apart, show the same. Else what was closed is read at once, and what is not whole waits.
    """

    def __init__(self, settle: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.polling = False
        self._settle = settle
        self._clock = clock
        self._lock = threading.Lock()
        self._closed: dict[bytes, float] = {}
        self._open: dict[bytes, float] = {}
        self._notes: dict[bytes, _Note] = {}
        self._wake: float | None = None
        self._look = 0
        self._told = True

    # What the doorbell tells ------------------------------------------------------------------------------

    def created(self, path: bytes) -> None:
        """Note that a file was made that may still be written to."""
        with self._lock:
            if len(self._open) < HELD:
                self._open[path] = self._clock()
            self._wake_at(self._clock() + self._settle)

    def closed(self, path: bytes) -> None:
        """Note that a file was closed or renamed in, so that it is whole unless its maker opens it again."""
        with self._lock:
            self._open.pop(path, None)
            if len(self._closed) < HELD:
                self._closed[path] = self._clock()

    def lost(self) -> None:
        """Note that events were lost: what seems open may be closed."""
        with self._lock:
            self._open.clear()

    # What the scan asks -----------------------------------------------------------------------------------

    def begin(self, *, told: bool) -> None:
        """Begin a look: what is waited for is found out anew. `told` says whether an event asked for it."""
        with self._lock:
            self._told = told
            self._wake = None
            self._look += 1

    def finish(self) -> None:
        """End a look that saw every file: what is waited for and was not seen is gone."""
        with self._lock:
            old = self._clock() - LONGEST_OPEN
            self._closed = {path: when for path, when in self._closed.items() if when > old}
            self._open = {path: when for path, when in self._open.items() if when > old}
            self._notes = {path: note for path, note in self._notes.items() if note.look == self._look}

    def due(self, file: Seen) -> float | None:
        """Say until when (by the monotonic clock) a file may be only a part; None where it is not to be read yet."""
        with self._lock:
            now = self._clock()
            note = self._note(file, now)
            if note is None:
                self._wake_at(now + self._settle)
                return None
            settled = self._settled_at(file, note, now)
            # One with several names is a link to a file elsewhere.
            opened = self._open.get(file.path) if file.links == 1 else None
            final = max(settled, 0.0 if opened is None else opened + LONGEST_OPEN)
            read = settled <= now or file.path in self._closed
            if final <= now or (read and not note.tried):
                return final
            self._wake_at(final if read else settled)
            return None

    def taken(self, path: bytes) -> None:
        """Note that a file is read now: unless it changes, it is not read again before it is due."""
        with self._lock:
            if note := self._notes.get(path):
                note.tried = True

    def judged(self, path: bytes) -> None:
        """Note that nothing more is waited for."""
        with self._lock:
            for known in (self._notes, self._closed, self._open):
                known.pop(path, None)

    def unsettled(self, path: bytes) -> None:
        """Note that a file was read and may be only a part."""
        with self._lock:
            if path in self._notes:
                self._wake_at(self._clock() + self._settle)

    # What others want to know -----------------------------------------------------------------------------

    def is_told_of(self, path: bytes) -> bool:
        """Whether an event told of a file that is not judged yet, or of something that it came with."""
        with self._lock:
            note = self._notes.get(path)
            return path in self._closed or path in self._open or (note is not None and note.told)

    @property
    def wake(self) -> float | None:
        """When to look again by the monotonic clock, though nothing comes; None where nothing is waited for."""
        with self._lock:
            return self._wake

    def waiting(self) -> list[Waiting]:
        """Give what is waited for, the longest first."""
        with self._lock:
            now = self._clock()
            found = [
                Waiting(path, "open" if path in self._open else "young", now - note.since)
                for path, note in self._notes.items()
            ]
        return sorted(found, key=lambda file: -file.seconds)

    def _note(self, file: Seen, now: float) -> _Note | None:
        note = self._notes.get(file.path)
        if note is None and len(self._notes) >= HELD:
            return None if self.polling else _Note(file.fingerprint, now, self._look, self._told)
        if note is None or note.fingerprint != file.fingerprint:
            told = self._told if note is None else note.told
            note = self._notes[file.path] = _Note(file.fingerprint, now, self._look, told)
        note.look = self._look
        return note

    def _settled_at(self, file: Seen, note: _Note, now: float) -> float:
        age = (time.time_ns() - file.changed) / 1e9
        if self.polling:
            return now if age > LONG_AGO else note.since + self._settle
        return now + min(self._settle - age, note.since + self._settle - now)

    def _wake_at(self, when: float) -> None:
        self._wake = when if self._wake is None else min(self._wake, when)
