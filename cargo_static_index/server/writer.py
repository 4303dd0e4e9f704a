"""The one thread that changes the tree for the endpoint: what waits together shares a transaction and its flushes.

Publishing is a drop that waits: this is `add`, and the other commands, called from here and from nowhere else.
"""

import queue
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Final

from msgspec import Struct

from cargo_static_index.crate.candidate import Outcome
from cargo_static_index.diagnostics.errors import CargoStaticIndexError, StoreError, TreeBusy
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import Registry, open_registry
from cargo_static_index.registry.withdraw import Spec
from cargo_static_index.settings import Settings

AT_ONCE: Final = 64
"""Changes that share a transaction: more would make the first of them wait for the last."""

BUSY: Final = 60.0
"""Seconds to wait for another process that has the tree: a pass of 10,000 crates takes less."""

_PAUSE: Final = 0.02


class Publish(Struct, frozen=True):
    """A file to publish; the outcome is known once its line can be read."""

    file: Path
    done: Future[Outcome]


class SetYanked(Struct, frozen=True):
    """A release to yank or unyank."""

    spec: Spec
    yanked: bool
    done: Future[None]


Change = Publish | SetYanked


class Writer:
    """Takes changes, and carries them out in the order they came; `close` waits for those that were taken."""

    def __init__(self, settings: Settings, clock: Callable[[], int], warn: Callable[[str], None]) -> None:
        self._settings = settings
        self._clock = clock
        self._warn = warn
        self._waiting: queue.SimpleQueue[Change | None] = queue.SimpleQueue()
        self._thread = Thread(target=self._work, name="writer")
        self._thread.start()

    def publish(self, file: Path) -> Future[Outcome]:
        """Publish a file."""
        done: Future[Outcome] = Future()
        self._waiting.put(Publish(file, done))
        return done

    def set_yanked(self, spec: Spec, *, yanked: bool) -> Future[None]:
        """Yank or unyank a release; the future raises NotHeld where there is none."""
        done: Future[None] = Future()
        self._waiting.put(SetYanked(spec, yanked, done))
        return done

    def close(self) -> None:
        """Carry out what was taken, and end."""
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        self._carry_out([])  # finishes what an earlier process began, and gives an empty folder its config.json
        while (first := self._waiting.get()) is not None:
            batch, last = [first], False
            while len(batch) < AT_ONCE and not self._waiting.empty() and not last:
                change = self._waiting.get()
                last = change is None
                batch += [change] if change is not None else []
            self._carry_out(batch)
            if last:
                return

    def _carry_out(self, batch: Sequence[Change]) -> None:
        """Carry out a batch; what goes wrong is told to all whose change is not done yet."""
        try:
            self._carry_out_when_free(batch)
        except Exception as error:  # noqa: BLE001 - the next batch must be carried out whatever became of this one
            left = [change for change in batch if not change.done.done()]
            for change in left:
                change.done.set_exception(error)
            if not left:
                self._warn(f"What was published stands; but afterwards: {error}")

    def _carry_out_when_free(self, batch: Sequence[Change]) -> None:
        end = time.monotonic() + BUSY
        while True:
            try:
                with open_registry(
                    self._settings, _Listener(batch, self._warn), Options(now=self._clock())
                ) as registry:
                    _carry_out_in(registry, batch)
            except TreeBusy:
                if time.monotonic() > end:
                    raise
                time.sleep(_PAUSE)
            else:
                break
        for change in batch:
            if not change.done.done():
                change.done.set_exception(StoreError("nothing became of this; try again"))


def _carry_out_in(registry: Registry, batch: Sequence[Change]) -> None:
    files = [change.file for change in batch if isinstance(change, Publish)]
    if files:
        registry.add(files)
    for change in batch:
        if isinstance(change, SetYanked):
            try:
                registry.set_yanked([change.spec], yanked=change.yanked)
                change.done.set_result(None)
            except CargoStaticIndexError as error:
                change.done.set_exception(error)


class _Listener:
    """Tells each change what became of its file, as soon as that is durable."""

    def __init__(self, batch: Sequence[Change], warn: Callable[[str], None]) -> None:
        self._waiting = {escape(str(change.file)): change for change in batch if isinstance(change, Publish)}
        self._warn = warn

    def reading(self, source: str) -> None:
        """Hear of it."""

    def file(self, outcome: Outcome) -> None:
        """Tell whoever waits."""
        self._waiting[outcome.source].done.set_result(outcome)

    def changed(self, path: str) -> None:
        """Hear of it."""

    def deleted(self, path: str) -> None:
        """Hear of it."""

    def note(self, text: str) -> None:
        """Hear of it."""

    def warn(self, text: str) -> None:
        """Pass a warning on."""
        self._warn(text)
