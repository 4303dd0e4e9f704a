"""Progress on a terminal: what is being read, how many files, how fast, for how long. In a pipe there is none."""

import sys
import time
from typing import Any

from cargo_static_index.cli.running import Run
from cargo_static_index.cli.terminal import printable

AFTER = 0.5
"""Seconds before anything is shown: what takes less needs no progress, nor the time to load what draws it."""
EVERY = 0.1
"""Seconds between two pictures."""


class Progress:
    """One line on standard error that comes and goes; it is drawn without a thread, so that processes can be forked."""

    def __init__(self, run: Run) -> None:
        wanted = not (run.common.no_progress or run.terminal.quiet)
        self._shown = wanted and sys.stderr.isatty()
        self._colored = run.terminal.is_colored(sys.stderr)
        self._began = time.monotonic()
        self._next = self._began + AFTER
        self._live: Any = None
        self._task: Any = None
        self._visible = False

    def show(self, files: int, source: str) -> None:
        """Draw the line anew, if it is time for it; `files` is how many there were so far, `source` the last one."""
        if not self._shown or time.monotonic() < self._next:
            return
        if self._live is None:
            self._make()
        if not self._visible:
            self._live.start()
            self._visible = True
        rate = files / (time.monotonic() - self._began)
        self._live.update(self._task, completed=files, source=printable(source), rate=rate)
        self._live.refresh()
        self._next = time.monotonic() + EVERY

    def hide(self) -> None:
        """Take the line away, so that others can be written."""
        if self._visible:
            self._live.stop()
            self._visible = False

    def _make(self) -> None:
        from rich.console import Console
        from rich.progress import Progress as Bar
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

        self._live = Bar(
            SpinnerColumn(),
            TextColumn("{task.completed:,} files, {task.fields[rate]:,.0f}/s,", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[source]}", markup=False),
            console=Console(stderr=True, no_color=not self._colored),
            auto_refresh=False,
            transient=True,
        )
        self._task = self._live.add_task("", total=None, source="", rate=0.0)
