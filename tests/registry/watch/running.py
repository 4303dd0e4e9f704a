"""A watcher in a thread of the test's own, and what it said."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cargo_static_index.registry.events import Report
from cargo_static_index.registry.watch.health import Health
from cargo_static_index.registry.watch.watcher import Watcher
from tests.world import World

PATIENCE = 60.0
"""Seconds after which what was to happen counts as never happening; a busy machine is slow."""

QUICK: dict[str, object] = {"tree.flush": "false", "watch.settle": "0.3s", "watch.poll-interval": "0.2s"}


class Readings(Report):
    """A report that counts how often each file was read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: Counter[str] = Counter()

    def reading(self, source: str) -> None:
        self.read[source] += 1


class Running:
    """A watcher that runs; `report` is what it told, `healths` how it was."""

    def __init__(self, world: World, options: dict[str, object], more: dict[str, Any]) -> None:
        self.report = Readings()
        self.healths: list[Health] = []
        self.error: Exception | None = None
        settings = world.settings(QUICK | options)
        self.watcher = Watcher(settings, self.report, lambda: world.now, hearers=[self.healths.append], **more)
        self.thread = threading.Thread(target=self._run)

    def until(self, is_so: Callable[[], object], what: str = "what was waited for") -> None:
        """Wait until something is so."""
        end = time.monotonic() + PATIENCE
        while not is_so():
            assert time.monotonic() < end, f"{what} did not happen: {self.told()}; {self.report.notes}; {self.error}"
            time.sleep(0.01)

    def until_told(self, *expected: str) -> None:
        """Wait until this is what became of files, in any order: `published foo 1.0.0`."""
        self.until(lambda: sorted(self.told()) == sorted(expected), str(expected))

    def until_said(self, text: str) -> None:
        """Wait until a sentence with this text was said."""
        self.until(lambda: any(text in note for note in self.report.notes), text)

    def told(self) -> list[str]:
        """Give what became of each file, but of those that wait, or were published before: they make no line."""
        found = [each for each in self.report.outcomes if each.status not in {"waiting", "unchanged"}]
        return [f"{each.status} {each.name} {each.vers}".strip() for each in found]

    @property
    def health(self) -> Health:
        """How it was last."""
        return self.watcher.health

    def _run(self) -> None:
        try:
            self.watcher.run()
        except Exception as error:  # noqa: BLE001 - it is the test that fails, and not a thread that nobody hears
            self.error = error


@contextmanager
def started(world: World, options: dict[str, object] | None = None, **more: Any) -> Iterator[Running]:
    """Run a watcher."""
    it = Running(world, options or {}, more)
    it.thread.start()
    try:
        yield it
        assert it.error is None, it.error
    finally:
        it.watcher.stop()
        it.thread.join(PATIENCE)
    assert not it.thread.is_alive()


@contextmanager
def running(world: World, options: dict[str, object] | None = None, **more: Any) -> Iterator[Running]:
    """Run a watcher that has made its first pass."""
    with started(world, options, **more) as it:
        it.until(lambda: it.error or it.health.last_look is not None, "the first pass")
        yield it
