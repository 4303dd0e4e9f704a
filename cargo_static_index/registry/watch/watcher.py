"""The loop of watch mode: a pass at the start, then one for each burst of what comes into the drop directory."""

import time
from collections.abc import Callable

from cargo_static_index.diagnostics.errors import TreeBusy
from cargo_static_index.registry.events import Listener
from cargo_static_index.registry.registry import Way, open_registry
from cargo_static_index.registry.watch.doorbell import Bell, Doorbell
from cargo_static_index.registry.workers import Executor
from cargo_static_index.settings import Settings

QUIET = 0.05
"""Seconds without an event after which a burst is over."""

BURST = 0.5
"""Seconds after which a burst that does not end is looked at all the same."""

PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds from one attempt to the next while another process changes the tree; the last comes again and again."""


class Watcher:
    """Keeps a drop directory published, from `run` until `stop`, in any thread.

    `clock` gives whole seconds since 1970, for `pubtime`. `idle` are seconds in which nothing comes after which it
    stops by itself.
    """

    def __init__(
        self,
        settings: Settings,
        listener: Listener,
        clock: Callable[[], int],
        *,
        executor: Executor | None = None,
        idle: float | None = None,
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._clock = clock
        self._executor = executor
        self._idle = idle
        self._bell = Bell()
        self._stopped = False

    def stop(self) -> None:
        """Have `run` return after the pass at hand; any thread may call this, and a signal handler."""
        self._stopped = True
        self._bell.ring()

    def run(self) -> None:
        """Watch until told to stop; raises SettingsError or StoreError where a pass cannot be made."""
        doorbell = Doorbell(self._settings.drop.path, self._bell)
        try:
            while not self._is_stopped():
                self._bell.hush()  # before the look: what comes while it goes on asks for another one
                self._pass()
                self._await_burst()
        finally:
            doorbell.close()

    def _pass(self) -> None:
        for attempt in range(2**63):
            try:
                with open_registry(self._settings, self._listener, Way(now=self._clock())) as registry:
                    registry.build(executor=self._executor)
            except TreeBusy:
                self._pause(PAUSES[min(attempt, len(PAUSES) - 1)])
                if self._is_stopped():
                    return
            else:
                return

    def _is_stopped(self) -> bool:
        return self._stopped

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._is_stopped() and (left := end - time.monotonic()) > 0:
            self._bell.wait(left)

    def _await_burst(self) -> None:
        """Wait until something comes, and then until no more comes."""
        if self._is_stopped():
            return
        if not self._bell.wait(self._idle):
            self.stop()
        end = time.monotonic() + BURST
        while not self._is_stopped() and time.monotonic() < end and self._bell.wait(QUIET):
            pass
