"""What `watch` does around the watcher: signals, and one line a change."""

import os
import signal
import sys
from collections.abc import Mapping
from io import TextIOWrapper

from cargo_static_index.cli.documents import FileDocument
from cargo_static_index.cli.output import Teller, from_here
from cargo_static_index.cli.run import GOOD, Run, need_drop, read_clock
from cargo_static_index.cli.terminal import Terminal
from cargo_static_index.crate.candidate import FileStatus
from cargo_static_index.registry.watch.health import Health
from cargo_static_index.registry.watch.watcher import Watcher


def watch(run: Run, *, idle: float | None, grace: float) -> int:
    """Keep the drop directory published until a signal says to end, and give the exit code."""
    need_drop(run)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # in a pipe too: a line tells of what has just happened
    printer = LinePrinter(run.terminal, from_here(str(run.settings.drop.path)))
    watcher = Watcher(
        run.settings,
        Teller(run, printer),
        lambda: read_clock(os.environ),
        idle=idle,
        settings_file=run.loaded.file,
        supervisor=printer.health,
    )
    with Signals(watcher, grace):
        watcher.run()
    return GOOD


class Signals:
    """Has SIGTERM and SIGINT stop a watcher: after the batch at hand, `grace` seconds later at most, twice at once."""

    def __init__(self, watcher: Watcher, grace: float) -> None:
        self._watcher = watcher
        self._grace = grace
        self._told = False
        self._over = False

    def __enter__(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGALRM, self._end)

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> bool:
        signal.setitimer(signal.ITIMER_REAL, 0)
        return self._over and kind is KeyboardInterrupt

    def _stop(self, _number: int, _frame: object) -> None:
        if self._told:
            raise KeyboardInterrupt
        self._told = True
        self._watcher.stop()
        signal.setitimer(signal.ITIMER_REAL, max(self._grace, 0.001))

    def _end(self, _number: int, _frame: object) -> None:
        # Nothing is left half done: the next pass finishes what this one has begun.
        self._over = True
        raise KeyboardInterrupt


class LinePrinter:
    """Prints one line a change."""

    prints_paths = False

    def __init__(self, terminal: Terminal, drop: str) -> None:
        self._terminal = terminal
        self._drop = drop
        self._watching = ""

    def health(self, health: Health) -> None:
        """Print how it watches, when that changes."""
        how = "by events" if health.mode == "events" else f"by a look every {health.interval or 0:.3g} s"
        text = f"{self._drop} {how}" + (f": {health.why}" if health.why else "")
        if health.mode is not None and text != self._watching:
            self._watching = text
            self._terminal.did("Watching", text, "warn" if health.why else "good")

    def file(self, document: FileDocument) -> None:
        """Print what became of a file, with the rules that it breaks; what was told before is not told again."""
        release = f"{document.name} {document.version}" if document.version else document.path
        rules = ", ".join(dict.fromkeys(each.rule for each in document.problems))
        text = f"{release} ({rules}: {document.problems[0].message})" if rules else release
        if document.became == "published":
            self._terminal.did("Published", text)
        elif document.became == "refused":
            self._terminal.did("Refused", text, "bad")

    def changed(self, path: str, *, deleted: bool = False) -> None:
        """Print a path, where all details are asked for."""
        if self._terminal.verbose:
            self._terminal.did("Deleted" if deleted else "Wrote", path)

    def note(self, text: str) -> None:
        """Say a sentence."""
        self._terminal.say(f"note: {text}")

    def warn(self, text: str) -> None:
        """Say a warning."""
        self._terminal.warn(text)

    def finish(self, counts: Mapping[FileStatus, int]) -> None:
        """Print nothing: each change was told."""
