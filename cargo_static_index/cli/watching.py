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
from cargo_static_index.registry.watch.watcher import Watcher
from cargo_static_index.registry.workers import reading_executor, usable_jobs


def watch(run: Run, *, idle: float | None) -> int:
    """Keep the drop directory published until a signal says to end, and give the exit code."""
    need_drop(run)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # in a pipe too: a line tells of what has just happened
    with reading_executor(usable_jobs(run.settings.build.jobs)) as executor:
        teller = Teller(run, LinePrinter(run.terminal))
        watcher = Watcher(run.settings, teller, lambda: read_clock(os.environ), executor=executor, idle=idle)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: watcher.stop())
        run.terminal.did("Watching", from_here(str(run.settings.drop.path)))
        watcher.run()
    return GOOD


class LinePrinter:
    """Prints one line a change."""

    prints_paths = False

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

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
