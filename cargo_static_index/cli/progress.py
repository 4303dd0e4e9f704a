"""Progress on a terminal: what is being read or written, how many files, how fast, for how long; in a pipe none."""

import sys
import time
from typing import Any

from cargo_static_index.cli.run import Run
from cargo_static_index.diagnostics.escape import escape

AFTER = 0.5
"""Seconds before anything is shown: what takes less needs no progress, nor the time to load what draws it."""
EVERY = 0.1
"""Seconds between two pictures."""
NUMBERS = 50
"""Columns for what stands before the name, which is cut where both do not fit."""


class Progress:
    """One line on standard error that comes and goes; it is drawn without a thread, so that processes can be forked."""

    def __init__(self, run: Run) -> None:
        wanted = not (run.common.no_progress or run.terminal.quiet)
        self._shown = wanted and sys.stderr.isatty()
        self._colored = run.terminal.is_colored(sys.stderr)
        self._began: dict[str, float] = {}
        self._next = time.monotonic() + AFTER
        self._live: Any = None
        self._task: Any = None
        self._visible = False

    def show(self, doing: str, files: int, last: str, total: int | None = None) -> None:
        """Draw the line anew, if it is time for it: how many files (of a `total`) were "read", and the last of them."""
        if not self._shown:
            return
        now = time.monotonic()
        began = self._began.setdefault(doing, now)
        if now < max(self._next, began + EVERY):
            return
        if self._live is None:
            self._make()
        rate = files / (now - began)
        last = _ending(escape(last), self._live.console.width - NUMBERS)
        of = f" of {total:,}" if total else ""
        self._live.update(self._task, completed=files, of=of, doing=doing, last=last, rate=rate)
        if not self._visible:
            self._live.start()
            self._visible = True
        self._live.refresh()
        self._next = now + EVERY

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
            TextColumn("{task.completed:,}{task.fields[of]} files", markup=False),
            TextColumn("{task.fields[doing]}, {task.fields[rate]:,.0f}/s,", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[last]}", markup=False),
            console=Console(stderr=True, no_color=not self._colored),
            auto_refresh=False,
            transient=True,
        )
        self._task = self._live.add_task("", total=None, of="", doing="", last="", rate=0.0)


def _ending(text: str, room: int) -> str:
    """Give the end of a text, in which a path tells most, so that it fits."""
    return text if len(text) <= room else f"…{text[-max(room - 1, 1) :]}"
