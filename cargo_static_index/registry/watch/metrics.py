"""What Prometheus reads of a watcher: a file in its text format, for the textfile collector of the node exporter.

https://prometheus.io/docs/instrumenting/exposition_formats/: a file is replaced whole, so that nobody reads half.
"""

import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cargo_static_index.diagnostics.errors import SettingsError, StoreError
from cargo_static_index.diagnostics.problems import level_of
from cargo_static_index.registry.watch.health import Health
from cargo_static_index.settings import Settings
from cargo_static_index.state import open_state
from cargo_static_index.store.local.system import put_file_at

EVERY = 10.0
"""Seconds after which the file is written though nothing is new: ages go on."""

_PREFIX = "cargo_static_index_"


class MetricsFile:
    """Writes the file `path` as a watcher speaks; it must lie outside the tree, which everybody can read."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self._path = path
        self._settings = settings
        self._refused: Counter[str] = Counter()
        self._counted = -1
        self._looks = 0
        self._health: Health | None = None
        self._written = 0.0

    def __call__(self, health: Health) -> None:
        """Bring the file up to date; SettingsError where that never succeeded, later it is only as old as it is."""
        now = time.monotonic()
        if health == self._health and now - self._written < EVERY:
            return
        if health.looks != self._looks:
            self._count_refused()
            self._looks = health.looks
        try:
            put_file_at(self._path, "".join(self._metrics(health)).encode("ascii"))
        except OSError as error:
            if self._health is None:
                raise SettingsError(f"--metrics-file: {self._path} cannot be written: {error.strerror}") from error
        self._health, self._written = health, now

    def _count_refused(self) -> None:
        """Count the refused files of each rule where they changed; what cannot be known now is as it was."""
        found: Counter[str] = Counter()
        with suppress(StoreError), open_state(self._settings.state.path) as state:
            refusals = state.drop_files.refusals()
            if refusals == self._counted:
                return
            for outcome in state.drop_files.refused():
                rules = {
                    problem.rule for problem in outcome.problems if level_of(problem, self._settings.rules) == "refuse"
                }
                found.update(rules)
            self._refused, self._counted = found, refusals

    def _metrics(self, health: Health) -> Iterator[str]:
        now = int(time.time())
        oldest = min((waiting_file.since for waiting_file in health.waiting), default=now)
        yield from _gauge("last_look_seconds", "When all was last published or refused.", {"": health.last_look or 0})
        yield from _gauge("looks_total", "How often it looked and ended well.", {"": health.looks}, "counter")
        yield from _gauge(
            "polling", "Whether it polls, since events would not tell of all.", {"": health.mode == "poll"}
        )
        yield from _gauge("failing", "Whether something cannot be done now.", {"": health.fails})
        yield from _gauge("waiting_files", "Files that are not judged yet.", {"": health.waiting_files})
        yield from _gauge("oldest_waiting_seconds", "For how long the oldest of them has waited.", {"": now - oldest})
        refused = {f'{{rule="{rule}"}}': count for rule, count in sorted(self._refused.items())}
        yield from _gauge("refused_files", "Files that are refused, by rule.", refused)
        yield from _gauge("lost_events_total", "How often the kernel lost events.", {"": health.lost_events}, "counter")
        yield from _gauge("free_bytes", "What is free where these are.", dict(self._free()))

    def _free(self) -> Iterator[tuple[str, int]]:
        places = {
            "tree": self._settings.tree.path,
            "state": self._settings.state.path,
            "drop": self._settings.drop.path,
        }
        for name, place in places.items():
            if isinstance(place, Path) and place.exists():
                yield f'{{folder="{name}"}}', shutil.disk_usage(place).free


def _gauge(name: str, says: str, values: dict[str, int], kind: str = "gauge") -> Iterator[str]:
    """Give the lines of one metric: its labels, and its value for each."""
    yield f"# HELP {_PREFIX}{name} {says}\n# TYPE {_PREFIX}{name} {kind}\n"
    for labels, value in values.items():
        yield f"{_PREFIX}{name}{labels} {int(value)}\n"
