"""How a watcher learns of new files: by the kernel's events where they tell of all, else by looking again and again."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cargo_static_index.registry.watch.arrivals import Arrivals
from cargo_static_index.registry.watch.doorbell import INOTIFY, Bell, Doorbell, OpenDoorbell
from cargo_static_index.registry.watch.ground import file_system_under, is_remote, limit_reached
from cargo_static_index.registry.watch.health import WatchMode
from cargo_static_index.settings.table import WatchSection
from cargo_static_index.store.bucket import Whereabouts
from cargo_static_index.store.local.system import NEW

PROBE = b".cargo-static-index-probe.crate"
"""A file of our own that is made to see whether an event tells of it; hidden, so that no scan takes it for a crate."""

PATIENCE = 5.0
"""Seconds to wait for that event: a busy machine is slow, and where events work nobody waits so long."""


class Ears:
    """Hears what the doorbell tells, passes it on, and rings the bell where it is worth a look.

    `open_doorbell` is None where there are no events, `file_system` gives the type of that below a folder, and
    `patience` is for tests: PATIENCE.
    """

    def __init__(
        self,
        settings: WatchSection,
        arrivals: Arrivals,
        bell: Bell,
        *,
        open_doorbell: OpenDoorbell | None = INOTIFY,
        file_system: Callable[[Path], str] = file_system_under,
        patience: float = PATIENCE,
    ) -> None:
        self.mode: WatchMode = "poll"
        self.why = ""
        """Why there are no events, where that is not what the settings ask for."""
        self.since: int | None = None
        """From when on, in nanoseconds since 1970, events tell of every new file; None where they do not."""
        self.lost_events = 0
        self._wanted = settings.mode
        self._arrivals = arrivals
        self._bell = bell
        self._open_doorbell = open_doorbell
        self._file_system = file_system
        self._patience = patience
        self._doorbell: Doorbell | None = None
        self._probed = threading.Event()
        self._something_came = False

    def listen(self, folder: Whereabouts) -> None:
        """Listen to a folder from now on, or to none where events would not tell of all that comes, as in a bucket."""
        self.close()
        self._arrivals.lost()
        self.why = self._listen(folder) if isinstance(folder, Path) else ""
        self.mode = "poll" if self._doorbell is None else "events"
        self._arrivals.polling = self._doorbell is None
        self.since = None if self._doorbell is None else time.time_ns()

    def _listen(self, folder: Path) -> str:
        """Open a doorbell, or give the reason why not."""
        file_system = self._file_system(folder)
        if self._wanted == "poll":
            return ""
        if self._open_doorbell is None:
            return "this system has no inotify"
        if self._wanted == "auto" and is_remote(file_system):
            return f"{folder} is on {file_system}, where no event tells of what other machines change"
        try:
            self._doorbell = self._open_doorbell(folder, self)
        except OSError as error:
            return limit_reached(error)
        if self._wanted == "auto" and not self._is_told_of_probe(folder):
            self.close()
            return f"no event told of a file that was made in {folder} ({file_system or 'an unknown file system'})"
        return ""

    def _is_told_of_probe(self, folder: Path) -> bool:
        """Whether events come at all; where no file can be made, the type of the file system must do."""
        self._probed.clear()
        probe = folder / os.fsdecode(PROBE)
        try:
            # A new file: a link of this name, which others may have put there, would be followed.
            probe.unlink(missing_ok=True)
            os.close(os.open(probe, NEW, 0o600))
            probe.unlink()
        except OSError:
            return True
        return self._probed.wait(self._patience)

    def give_up(self, why: str) -> None:
        """Listen no more, since not all that comes is told of."""
        self.close()
        self.mode, self.why, self.since = "poll", why, None
        self._arrivals.polling = True

    def has_gone_deaf(self) -> bool:
        """Whether a folder that came could not be listened to; then polling takes over."""
        failure = self._doorbell.failure if self._doorbell else None
        if failure is None:
            return False
        self.give_up(limit_reached(failure))
        return True

    @property
    def alive(self) -> bool:
        """Whether the folder is still listened to, or need not be."""
        return self._doorbell is None or self._doorbell.alive

    def close(self) -> None:
        """Listen no more."""
        if self._doorbell is not None:
            with suppress(OSError):
                self._doorbell.close()
            self._doorbell = None

    def has_news(self) -> bool:
        """Whether something came since this was last asked that is worth a look at once."""
        news, self._something_came = self._something_came, False
        return news

    # What the doorbell tells, in threads of its own --------------------------------------------------------

    def created(self, path: bytes) -> None:
        """Hear of a file that was made: it is worth a look once it is closed, or has settled."""
        if not _is_hidden(path):
            self._arrivals.created(path)
            self._bell.ring()

    def closed(self, path: bytes) -> None:
        """Hear of a file that was closed or renamed in."""
        if path == PROBE:
            self._probed.set()
        elif not _is_hidden(path):
            self._arrivals.closed(path)
            self.came()

    def came(self) -> None:
        """Hear of something that is worth a look."""
        self._something_came = True
        self._bell.ring()

    def lost(self) -> None:
        """Hear that events were lost."""
        self.lost_events += 1
        self._arrivals.lost()
        if self.since is not None:
            self.since = time.time_ns()
        self.came()


def _is_hidden(path: bytes) -> bool:
    return path.startswith(b".") or b"/." in path
