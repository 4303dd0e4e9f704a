"""The loop of watch mode: a build at the start, then one for each burst of what comes into the drop directory."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from cargo_static_index.crate.candidate import Candidate, DropFile, Outcome
from cargo_static_index.diagnostics.errors import (
    CargoStaticIndexError,
    PagesFailed,
    SettingsError,
    StoreError,
    TreeBusy,
)
from cargo_static_index.registry.configured import store_of
from cargo_static_index.registry.events import Listener
from cargo_static_index.registry.kept import KEPT_LOOK, has_archives_to_delete
from cargo_static_index.registry.on_change import Notifier
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import drop_of, open_registry
from cargo_static_index.registry.scan import Seen
from cargo_static_index.registry.site import MAKING
from cargo_static_index.registry.watch.arrivals import Arrivals
from cargo_static_index.registry.watch.doorbell import Bell
from cargo_static_index.registry.watch.ears import Ears
from cargo_static_index.registry.watch.ground import Ground, ground_of
from cargo_static_index.registry.watch.health import Failure, Health, WaitingFile, only_watcher, write_health
from cargo_static_index.registry.workers import Executor, reading_executor, usable_jobs
from cargo_static_index.settings import Settings
from cargo_static_index.state import State, open_state
from cargo_static_index.state.directory import attending

QUIET = 0.01
"""Seconds without an event after which a burst is over."""

BURST = 0.5
"""Seconds after which a burst that does not end is looked at all the same."""

TICK = 1.0
"""Seconds after which the ground is looked at, though nothing comes: no event tells of a folder that was replaced."""

BATCH = 1.0
"""Seconds after which a build reads no more and publishes what it has; at least three times as long as looking took."""

BETWEEN_BATCHES = 0.05
"""Seconds between two builds of a burst, in which a command that waits comes to its turn."""

NET = 180.0
"""Seconds between two full looks where events do: what none of them told of is found then."""

SHARE = 0.01
"""The part of a processor that looking may take where nothing happens."""

PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
"""Seconds from one attempt to the next after a failure; the last comes again and again."""

BUSY_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)
"""The same while another process changes the tree, which ends by itself."""

PATIENT = 30
"""Attempts after which a tree that another process changes is a failure that is told: that is a minute."""

JUMP = 5.0
"""Seconds by which the clock may drift against the monotonic one between two ticks; more is a jump."""

SHOWN = 100
"""Waiting files that are named in what the watcher says of itself."""

HEARTBEAT = 10.0
"""Seconds after which it says so though nothing is new: `status` believes a watcher that has spoken within a minute."""

IN_FLIGHT = 5.0
"""Seconds that an event may take to be heard: only a file that has been as it is for longer counts as not told of."""

PROOF = 1000
"""New files that a look without a build goes through to see whether events told of them."""


class Watcher:
    """Keeps a drop directory published, from `run` until `stop`, in any thread.

    `clock` gives whole seconds since 1970, for `pubtime`. `idle` are seconds in which nothing comes and nothing waits
    after which it stops by itself. `settings_file` is said to have changed when it does. `hearers` are told how the
    watcher is about once a second, while it is at work too. `net`, `batch`, `pauses` and `kept_look` are for tests:
    NET, BATCH, PAUSES, KEPT_LOOK; `wall` is the system's clock.
    """

    def __init__(
        self,
        settings: Settings,
        listener: Listener,
        clock: Callable[[], int],
        *,
        idle: float | None = None,
        settings_file: Path | None = None,
        hearers: Sequence[Callable[[Health], None]] = (),
        net: float = NET,
        batch: float = BATCH,
        pauses: Sequence[float] = PAUSES,
        wall: Callable[[], float] = time.time,
        kept_look: float = KEPT_LOOK,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._idle = idle
        self._net = net
        self._batch = batch
        self._pauses = pauses
        self._wall = wall
        self._kept_look = kept_look
        self._hearers = hearers
        self._bell = Bell()
        self._arrivals = Arrivals(settings.watch.settle)
        self._ears = Ears(settings.watch, self._arrivals, self._bell)
        self._listener = _Listener(listener, self._arrivals, self._tick)
        self._settings_file = _SettingsFile(settings_file)
        self._teller = Notifier(settings, listener.warn)
        self._pages_failure = ""
        self._stopped = False
        self._ground: Ground | None = None
        self._clocks = wall() - time.monotonic()
        self._failures = 0
        self._look_at = 0.0  # by the monotonic clock, as all of the following
        self._came_at = time.monotonic()
        self._ticked_at = self._written_at = self._kept_at = 0.0
        self._batch_ends: float | None = None
        self._is_cut = False
        self._base_url = ""
        self._took = 0.0
        self.health = Health(process=os.getpid(), started=clock())

    def stop(self) -> None:
        """Have `run` return after the batch at hand; any thread may call this, and a signal handler."""
        self._stopped = True
        self._bell.ring()

    def run(self) -> None:
        """Watch until told to stop.

        Raises SettingsError where the first build cannot be made with these settings, TreeBusy where another watcher
        works with this state directory. Every later failure is told, waited out and tried again.
        """
        with only_watcher(self._settings.state.path), attending(self._settings.state.path):
            try:
                self._say()
                while not self._is_stopped():
                    self._round()
            finally:
                self._ears.close()
                self._teller.stop()

    def _is_stopped(self) -> bool:
        return self._stopped

    def _round(self) -> None:
        try:
            self._stand()
            self._look()
            self._recovered()
        except CargoStaticIndexError as error:
            if isinstance(error, SettingsError) and self.health.last_look is None:
                raise
            self._failed(error)
        else:
            self._await()

    # The ground ------------------------------------------------------------------------------------------

    def _stand(self) -> None:
        """See that the folder is there and the one that is listened to; else look at all of it, listening anew."""
        drop = self._settings.drop.path
        try:
            ground = ground_of(drop)
        except OSError as error:
            raise StoreError(f"The drop directory {str(drop)!r} cannot be reached: {error.strerror}.") from error
        if ground != self._ground or not self._ears.alive:
            if self._ground is not None:
                self._listener.warn(f"{drop} was replaced or mounted anew; all of it is looked at.")
            self._ears.listen(drop)
            self._ground = ground
            self._look_at = 0.0
        elif self._ears.has_gone_deaf():
            self._look_at = 0.0
        self._tell_mode()

    def _tell_mode(self) -> None:
        mode, why = self._ears.mode, self._ears.why
        interval = self._interval() if mode == "poll" else None
        if (mode, why, interval) != (self.health.mode, self.health.why, self.health.interval):
            self._say(mode=mode, why=why, interval=interval)

    def _interval(self) -> float:
        """Give the seconds between two looks: doubled until looking takes no more than its share."""
        interval = max(self._settings.watch.poll_interval, 0.1)
        while self._took > SHARE * interval:
            interval *= 2
        return interval

    # Looking ---------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Look at the drop directory, and publish what is to be published, some at a time."""
        self._bell.hush()  # before the look: what comes while it goes on asks for another one
        self._ears.has_news()
        if self._look_at == 0.0 or self._is_worth_a_pass() or self._has_archives_to_delete():
            modules = MAKING if self._settings.registry.pages else ()
            with reading_executor(usable_jobs(self._settings.build.jobs), modules) as executor:
                self._passes(executor)
            self._came_at = time.monotonic()
        self._plan_look()
        self._tell_mode()
        self._say(looks=self.health.looks + 1, last_look=int(time.time()))

    def _passes(self, executor: Executor | None) -> None:
        while not self._is_stopped():
            self._arrivals.begin(told=True)
            self._pass(executor)
            if not self._is_cut:
                self._arrivals.finish()
                return
            time.sleep(BETWEEN_BATCHES)

    def _plan_look(self) -> None:
        now = time.monotonic()
        self._look_at = now + (self._interval() if self._ears.mode == "poll" else self._net)
        if (wake := self._arrivals.wake) is not None:
            self._look_at = min(self._look_at, max(wake, now))

    def _pass(self, executor: Executor | None) -> None:
        began, self._batch_ends, self._is_cut = time.monotonic(), None, False
        options = Options(now=self._clock(), lasting=True, clock=self._wall)
        try:
            with open_registry(self._settings, self._listener, options) as registry:
                self._base_url = registry.transaction.base_url
                registry.build(executor=executor, due=self._arrivals.due, take=lambda file: self._take(file, began))
        except PagesFailed as error:
            if str(error) != self._pages_failure:  # the next build makes them anew, and says so again
                self._pages_failure = str(error)
                self._listener.warn(self._pages_failure)
        self._teller.tell(self._base_url)

    def _take(self, file: DropFile, began: float) -> bool:
        """Say whether a build is to read one more file: for a moment, so that others come to their turn."""
        now = time.monotonic()
        if self._batch_ends is None:
            self._batch_ends = now + max(self._batch, 3 * (now - began)) if self._batch else now
        if self._is_stopped() or now > self._batch_ends:
            self._is_cut = True
            return False
        self._arrivals.taken(_path_of(file))
        self._tick()
        return True

    def _is_worth_a_pass(self) -> bool:
        """Look without keeping anybody from the tree; where a file came that no event told of, polling takes over."""
        began, found = time.thread_time(), 0
        drop = drop_of(self._settings)
        unannounced: set[bytes] = set()
        self._arrivals.begin(told=False)
        with open_state(self._settings.state.path) as state:
            refused = _few(state)
            for found_file in drop.scan(state, lambda file: self._due(file, unannounced)):
                file = found_file.file if isinstance(found_file, Candidate) else found_file
                found += bool(file.file)  # what has none is a folder that cannot be listed, which is given every time
                if _path_of(file) in unannounced and state.drop_files.get(file.folder, file.file) is None:
                    self._ears.give_up(f"{file.source} came, and no event told of it")
                if found > (PROOF if self._ears.mode == "events" else 0):
                    break
            found += refused != _few(state)  # one that was taken away is to go from the page of refused files
        if not found:
            self._arrivals.finish()
        self._took = time.thread_time() - began
        return found > 0

    def _has_archives_to_delete(self) -> bool:
        """Whether the time of archives of removed releases has come; asked about once a minute."""
        now = time.monotonic()
        if now < self._kept_at:
            return False
        self._kept_at = now + self._kept_look
        return has_archives_to_delete(store_of(self._settings), self._wall())

    def _due(self, file: Seen, unannounced: set[bytes]) -> float | None:
        """Do what `Arrivals.due` does, and add to `unannounced` what events should have told of."""
        since = self._ears.since
        could_be_told = (
            since is not None and since < file.changed < time.time_ns() - min(IN_FLIGHT, self._net / 10) * 1e9
        )
        if could_be_told and not self._arrivals.is_told_of(file.path):
            unannounced.add(file.path)
        return self._arrivals.due(file)

    # Waiting ---------------------------------------------------------------------------------------------

    def _await(self) -> None:
        """Wait until it is time to look, or until something comes and no more comes for a moment."""
        while not self._is_stopped():
            now = time.monotonic()
            self._tick()
            if now >= self._look_at or self._is_idle(now):
                return
            if self._bell.wait(min(TICK, self._look_at - now)):
                self._heard()
            elif not self._stands():
                return

    def _heard(self) -> None:
        """Look at once where something came that is worth it, else when what came will have settled."""
        self._came_at = time.monotonic()
        if self._ears.has_news():
            self._await_end_of_burst()
            self._look_at = 0.0
        elif (wake := self._arrivals.wake) is not None:
            self._look_at = min(self._look_at, wake)

    def _stands(self) -> bool:
        """Whether the folder is still there and listened to."""
        with suppress(OSError):
            return ground_of(self._settings.drop.path) == self._ground and self._ears.alive
        return False

    def _await_end_of_burst(self) -> None:
        end = time.monotonic() + BURST
        while not self._is_stopped() and time.monotonic() < end and self._bell.wait(QUIET):
            pass

    def _is_idle(self, now: float) -> bool:
        if self._idle is None or self._arrivals.wake is not None or now - self._came_at < self._idle:
            return False
        self.stop()
        return True

    # Failing ---------------------------------------------------------------------------------------------

    def _failed(self, error: Exception) -> None:
        """Tell of a failure, once, and wait before the next attempt; while another process is at work, wait less."""
        busy = isinstance(error, TreeBusy) and self._failures < PATIENT
        pauses = BUSY_PAUSES if busy else self._pauses
        pause = pauses[min(self._failures, len(pauses) - 1)]
        self._failures += 1
        if not busy:
            self._tell_failure(f"{str(error).rstrip('.')}.")
        self._look_at = 0.0
        end = time.monotonic() + pause
        while not self._is_stopped() and (left := end - time.monotonic()) > 0:
            self._bell.wait(min(left, TICK))
            self._tick()

    def _tell_failure(self, message: str) -> None:
        told = self.health.failure if self.health.fails else None
        if told is None or told.message != message:
            self._listener.warn(f"{message} This is tried again, at least every {self._pauses[-1]:.0f} seconds.")
            since = told.since if told is not None else int(time.time())
            self._say(failure=Failure(message=message, since=since))

    def _recovered(self) -> None:
        self._failures = 0
        failure = self.health.failure
        if failure is not None and self.health.fails:
            self._listener.note(f"It works again, after {max(0, int(time.time()) - failure.since)} seconds.")
            self._say(failure=replace(failure, until=int(time.time())))

    # Telling ---------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        """Do what is to be done every second."""
        now = time.monotonic()
        if now - self._ticked_at < TICK:
            return
        self._ticked_at = now
        self._tell_jump()
        if self._settings_file.has_changed():
            name = self._settings_file.path
            self._listener.warn(
                f"{name} has changed; restart the watcher to have it read, until then it goes on as before."
            )
        self._say()

    def _tell_jump(self) -> None:
        clocks = self._wall() - time.monotonic()
        jump, self._clocks = clocks - self._clocks, clocks
        if abs(jump) > JUMP:
            way = "ahead" if jump > 0 else "back"
            self._listener.warn(f"The clock jumped {abs(jump):.0f} seconds {way}.")

    def _say(self, **changes: Any) -> None:
        """Bring what the watcher says of itself up to date, and have it heard."""
        waiting, now = self._arrivals.waiting(), int(time.time())
        named = (
            WaitingFile(path=os.fsdecode(file.path), since=now - int(file.seconds), why=file.why)
            for file in waiting[:SHOWN]
        )
        before = self.health
        self.health = replace(
            before, waiting=tuple(named), waiting_files=len(waiting), lost_events=self._ears.lost_events, **changes
        )
        if self.health != before or time.monotonic() - self._written_at >= HEARTBEAT:
            write_health(self._settings.state.path, self.health)
            self._written_at = time.monotonic()
        for hear in self._hearers:
            hear(self.health)


def _few(state: State) -> list[DropFile]:
    """Give some of the files that are refused."""
    return [outcome.candidate.file for outcome in islice(state.drop_files.refused(), SHOWN)]


def _path_of(file: DropFile) -> bytes:
    return file.folder + b"/" + file.file if file.folder else file.file


class _SettingsFile:
    """registry.toml, to see that it changes."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._known = self._status()

    def has_changed(self) -> bool:
        """Whether it changed since this was last asked."""
        before, self._known = self._known, self._status()
        return before != self._known

    def _status(self) -> tuple[int, ...]:
        with suppress(OSError):
            if self.path is not None:
                status = self.path.stat()
                return status.st_ino, status.st_size, status.st_mtime_ns
        return ()


class _Listener:
    """Passes on what a build does, tells the arrivals what became of files, and lets the watcher's clock tick."""

    def __init__(self, listener: Listener, arrivals: Arrivals, tick: Callable[[], None]) -> None:
        self._listener = listener
        self._arrivals = arrivals
        self._tick = tick
        self.total, self.taken, self.reading = listener.total, listener.taken, listener.reading
        self.still_refused = listener.still_refused
        self.note = listener.note
        self.warn = listener.warn

    def file(self, outcome: Outcome) -> None:
        """Pass on what became of a file; one that waits is no news."""
        path = _path_of(outcome.candidate.file)
        if outcome.status == "waiting":
            self._arrivals.unsettled(path)
        else:
            self._arrivals.judged(path)
        self._listener.file(outcome)

    def changed(self, path: str) -> None:
        """Pass on a path that was written."""
        self._tick()
        self._listener.changed(path)

    def deleted(self, path: str) -> None:
        """Pass on a path that was deleted."""
        self._tick()
        self._listener.deleted(path)
