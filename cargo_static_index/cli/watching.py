"""What `watch` does around the watcher: signals, and one line a change."""

import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Literal

from cargo_static_index.cli.documents import Event, EventDocument
from cargo_static_index.cli.file_document import FileDocument
from cargo_static_index.cli.formats import print_json
from cargo_static_index.cli.output import PassOutput, Printer, from_here
from cargo_static_index.cli.run import GOOD, Run, need_drop, read_clock
from cargo_static_index.cli.terminal import Terminal
from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.registry.watch.health import Health
from cargo_static_index.registry.watch.metrics import MetricsFile
from cargo_static_index.registry.watch.supervisor import ServiceManager
from cargo_static_index.registry.watch.watcher import Watcher


def watch(run: Run, *, idle: float | None, grace: float, log: Literal["text", "json"], metrics: Path | None) -> int:
    """Keep the drop directory published until a signal says to end, and give the exit code."""
    need_drop(run)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # in a pipe too: a line tells of what has just happened
    drop = from_here(str(run.settings.drop.path))
    printer = LinePrinter(run.terminal, drop) if log == "text" else JsonLinePrinter(run.terminal)
    hearers: list[Callable[[Health], None]] = [printer.health]
    if metrics is not None:
        hearers.append(MetricsFile(_outside(metrics, run.settings.tree.path), run.settings))
    manager = ServiceManager(os.environ["NOTIFY_SOCKET"]) if os.environ.get("NOTIFY_SOCKET") else None
    if manager is not None:
        hearers.append(manager)
    watcher = Watcher(
        run.settings,
        PassOutput(run, printer),
        lambda: read_clock(os.environ),
        idle=idle,
        settings_file=run.loaded.file,
        hearers=hearers,
    )
    with Signals(watcher, grace, manager):
        watcher.run()
    return GOOD


def _outside(path: Path, tree: object) -> Path:
    """Give the path, or raise SettingsError where everybody could read it."""
    path = path.absolute()
    if isinstance(tree, Path) and path.is_relative_to(tree):
        raise SettingsError(f"--metrics-file: {str(path)!r} lies in the tree, which everybody can read; name another")
    return path


class Signals:
    """Has SIGTERM and SIGINT stop a watcher: after the batch at hand, `grace` seconds later at most, twice at once."""

    def __init__(self, watcher: Watcher, grace: float, manager: ServiceManager | None) -> None:
        self._watcher = watcher
        self._manager = manager
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
        if self._manager is not None:
            self._manager.stopping()
        signal.setitimer(signal.ITIMER_REAL, max(self._grace, 0.001))

    def _end(self, _number: int, _frame: object) -> None:
        # Nothing is left half done: the next build finishes what this one has begun.
        self._over = True
        raise KeyboardInterrupt


class LinePrinter(Printer):
    """Prints one line a change; a file that was refused before was told of then."""

    def __init__(self, terminal: Terminal, drop: str) -> None:
        super().__init__(terminal)
        self._drop = drop
        self._watching: tuple[object, ...] = ()

    def health(self, health: Health) -> None:
        """Print how it watches, when that changes."""
        how = "by events" if health.mode == "events" else f"by a look every {health.interval or 0:.3g} s"
        watching = (health.mode, health.why)
        if health.mode is not None and watching != self._watching:
            self._watching = watching
            text = f"{self._drop} {how}" + (f": {health.why}" if health.why else "")
            self._terminal.did("Watching", text, "warn" if health.why else "good")

    def file(self, document: FileDocument) -> None:
        """Print what became of a file, with the rules that it breaks; what was told before is not told again."""
        release = f"{document.name} {document.version}" if document.version else document.path
        rules = ", ".join(dict.fromkeys(problem.rule for problem in document.problems))
        text = f"{release} ({rules}: {document.problems[0].message})" if rules else release
        if document.became == "published":
            self._terminal.did("Published", text)
        elif document.became == "refused":
            self._terminal.did("Refused", text, "bad")

    def taken(self, source: str, target: str) -> None:
        """Print where a dropped file is now."""
        self._terminal.did("Moved" if target else "Deleted", f"{source} to {target}" if target else source)

    def changed(self, path: str, *, deleted: bool = False) -> None:
        """Print a path, where all details are asked for."""
        if self._terminal.verbose:
            self._terminal.did("Deleted" if deleted else "Wrote", path)


class JsonLinePrinter(Printer):
    """Prints one JSON document a change, for programs that read logs."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(terminal)
        self._watching: tuple[object, ...] = ()

    def health(self, health: Health) -> None:
        """Print how it watches, when that changes."""
        watching = (health.mode, health.why, health.interval)
        if health.mode is not None and watching != self._watching:
            self._watching = watching
            self._print("watching", mode=health.mode, why=health.why, interval=health.interval)

    def file(self, document: FileDocument) -> None:
        """Print what became of a file that was published or refused."""
        if document.became in {"published", "refused"}:
            self._print(document.became, file=document)

    def taken(self, source: str, target: str) -> None:
        """Print where a dropped file is now; `target` is not there where it was deleted."""
        self._print("taken", path=source, target=target or None)

    def changed(self, path: str, *, deleted: bool = False) -> None:
        """Print a path of the tree."""
        self._print("deleted" if deleted else "changed", path=path)

    def note(self, text: str) -> None:
        """Print a sentence."""
        self._print("note", message=text)

    def warn(self, text: str) -> None:
        """Print a sentence that warns."""
        self._print("warning", message=text)

    def _print(self, event: Event, **more: Any) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        print_json(EventDocument(time=now, event=event, **more))
