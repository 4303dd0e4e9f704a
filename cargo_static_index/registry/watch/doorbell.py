"""The kernel's events about the drop directory, used as a doorbell: any of them means "look again", and no more.

inotify(7) tells of local changes only, and its queue overflows: nothing is decided by which events came.
"""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol


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
            self._rings.get(timeout=None if seconds is None else max(seconds, 0.0))
        except Empty:
            return False
        self.hush()
        return True

    def hush(self) -> None:
        """Forget that it was rung."""
        while not self._rings.empty():
            self._rings.get()


class Caller(Protocol):
    """Who is told what comes, in a thread of the doorbell's; paths are relative to the folder."""

    def created(self, path: bytes) -> None:
        """Hear of a file that was made, and may still be written to."""

    def closed(self, path: bytes) -> None:
        """Hear of a file that was closed after it was written to, or renamed in."""

    def came(self) -> None:
        """Hear of anything else that is worth a look: a folder."""

    def lost(self) -> None:
        """Hear that the kernel's queue overflowed, so that events were lost."""


class Doorbell(Protocol):
    """What tells of changes in a folder and in all below it."""

    @property
    def failure(self) -> OSError | None:
        """Why it cannot tell of all that comes, or of nothing any more."""

    @property
    def alive(self) -> bool:
        """Whether it tells of what comes: no more once the folder was deleted, or its file system unmounted."""

    def close(self) -> None:
        """Tell of nothing any more."""


OpenDoorbell = Callable[[Path, Caller], Doorbell]
"""Opens a doorbell for a folder; OSError where the system refuses."""

INOTIFY: OpenDoorbell | None = None
"""Opens one of the kernel's, on Linux."""

if sys.platform == "linux":
    from watchdog.events import (
        DirCreatedEvent,
        DirMovedEvent,
        FileClosedEvent,
        FileCreatedEvent,
        FileMovedEvent,
        FileSystemEvent,
        FileSystemEventHandler,
    )
    from watchdog.observers.api import BaseObserver
    from watchdog.observers.inotify import InotifyFullEmitter
    from watchdog.observers.inotify_c import CallbackId, InotifyEvent, InotifyFD, Mask, WatchCallback, WatchDescriptor

    def _is_news(record: logging.LogRecord) -> bool:
        """Whether watchdog tells of more than of an event that came while it was told to end."""
        return "when the thread is inactive" not in record.getMessage()

    logging.getLogger("watchdog.observers.inotify").addFilter(_is_news)

    _KINDS: list[type[FileSystemEvent]] = [
        DirCreatedEvent,
        DirMovedEvent,
        FileClosedEvent,
        FileCreatedEvent,
        FileMovedEvent,
    ]
    """No event for each write: the kernel's queue is short, and a file is looked at once it is closed."""

    class InotifyDoorbell:
        """A doorbell of inotify's; OSError where the kernel refuses (EMFILE, ENOSPC: its limits)."""

        def __init__(self, folder: Path, caller: Caller) -> None:
            # The link's target: the kernel is asked not to follow links.
            root = os.fsencode(folder.resolve())
            self._kernel = Kernel(root, caller)
            self._observer = _Observer(self._kernel)
            self._kernel.start()
            watch = self._observer.schedule(_Ear(root, caller), os.fsdecode(root), recursive=True, event_filter=_KINDS)
            self._emitter = next(emitter for emitter in self._observer.emitters if emitter.watch == watch)
            try:
                self._observer.start()
            except OSError:
                self._kernel.stop()
                self._kernel.join()
                raise

        @property
        def failure(self) -> OSError | None:
            """Why the kernel would not watch a folder below."""
            return self._kernel.failure

        @property
        def alive(self) -> bool:
            """Whether the kernel still watches the folder itself."""
            return not self._kernel.gone and self._emitter.is_alive() and self._kernel.is_alive()

        def close(self) -> None:
            """Give the watches back."""
            self._observer.stop()
            self._observer.join()

    class _Observer(BaseObserver):
        """What `InotifyObserver(generate_full_events=True)` is, around a kernel's queue that is handed in."""

        def __init__(self, kernel: "Kernel") -> None:
            super().__init__(InotifyFullEmitter, inotify_fd=kernel)
            self._kernel = kernel

        def on_thread_stop(self) -> None:
            super().on_thread_stop()
            self._kernel.stop()
            self._kernel.join()

    class Kernel(InotifyFD):
        """The kernel's queue, with what watchdog keeps to itself: overflows, and folders that cannot be watched."""

        def __init__(self, root: bytes, caller: Caller) -> None:
            super().__init__()
            self.failure: OSError | None = None
            self.gone = False
            self._root = root
            self._root_watch: WatchDescriptor | None = None
            self._caller = caller

        def add_callback(self, path: bytes, mask: Mask, callback: WatchCallback, id_: CallbackId) -> WatchDescriptor:
            """Watch a folder; a limit that was reached is remembered, which watchdog passes over."""
            try:
                watch = super().add_callback(path, mask, callback, id_)
            except OSError as error:
                if not isinstance(error, FileNotFoundError | NotADirectoryError):
                    self.failure = error
                    self._caller.came()
                raise
            if path == self._root:
                self._root_watch = watch
            return watch

        def handle_event(self, event: InotifyEvent) -> None:
            """Take note of what was lost, and of the end of the watch on the folder itself."""
            if event.is_queue_overflow:
                self._caller.lost()
            elif event.is_ignored:
                self.gone = self.gone or event.wd == self._root_watch
                self._caller.came()
            super().handle_event(event)

    class _Ear(FileSystemEventHandler):
        def __init__(self, root: bytes, caller: Caller) -> None:
            self._root = root + b"/"
            self._caller = caller

        def on_any_event(self, event: FileSystemEvent) -> None:
            """Tell of folders, and of files that are crates."""
            path = os.fsencode(event.dest_path or event.src_path)
            if event.is_directory:
                self._caller.came()
            elif path.endswith(b".crate"):
                self._tell(event, path.removeprefix(self._root))

        def _tell(self, event: FileSystemEvent, path: bytes) -> None:
            if isinstance(event, FileClosedEvent) or (isinstance(event, FileMovedEvent) and event.dest_path):
                self._caller.closed(path)
            elif event.is_synthetic:
                self._caller.came()  # found in a folder that came: nobody saw whether it was closed
            elif isinstance(event, FileCreatedEvent):
                self._caller.created(path)

    INOTIFY = InotifyDoorbell
