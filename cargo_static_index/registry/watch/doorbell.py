"""The kernel's events about the drop directory, used as a doorbell: any of them means "look again", and no more.

inotify(7) tells of local changes only, and its queue overflows: nothing is decided by which events came.
"""

import os
from pathlib import Path
from queue import Empty, SimpleQueue

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.inotify import InotifyObserver

_KINDS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
]
"""No event for each write: the kernel's queue is short, and a file is looked at once it is closed."""


class Bell:
    """Wakes who waits for it. It may be rung from any thread, and by a signal handler, which may hold no lock."""

    def __init__(self) -> None:
        self._rings: SimpleQueue[None] = SimpleQueue()

    def ring(self) -> None:
        """Wake who waits, now or the next time."""
        if self._rings.empty():
            self._rings.put(None)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is rung, at most so long, and say whether it was."""
        try:
            self._rings.get(timeout=seconds)
        except Empty:
            return False
        self.hush()
        return True

    def hush(self) -> None:
        """Forget that it was rung."""
        while not self._rings.empty():
            self._rings.get()


class Doorbell:
    """Rings `bell` when something comes into a folder, or into one below it; OSError where the kernel refuses."""

    def __init__(self, folder: Path, bell: Bell) -> None:
        self._observer = InotifyObserver(generate_full_events=True)
        self._observer.schedule(_Ring(bell), str(folder), recursive=True, event_filter=_KINDS)
        self._observer.start()

    def close(self) -> None:
        """Ring no more."""
        self._observer.stop()
        self._observer.join()


class _Ring(FileSystemEventHandler):
    def __init__(self, bell: Bell) -> None:
        self._bell = bell

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Ring where a folder or a crate came."""
        came = os.fsdecode(event.dest_path or event.src_path)
        if event.is_directory or came.endswith(".crate"):
            self._bell.ring()
