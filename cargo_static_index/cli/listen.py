"""The listener of commands that read no files: it says which paths change, where that is asked for."""

from cargo_static_index.cli.run import Run
from cargo_static_index.registry.events import Outcome


class ChangeListener:
    """Prints the paths that change, in a dry run or with -v; `silent` prints none."""

    def __init__(self, run: Run, *, dry: bool, silent: bool = False) -> None:
        self._terminal = run.terminal
        self._shown = not silent and (dry or run.terminal.verbose > 0)
        self._dry = dry

    def reading(self, source: str) -> None:
        """Hear of no file: none is read."""

    def file(self, outcome: Outcome) -> None:
        """Hear of no file: none is read."""

    def changed(self, path: str) -> None:
        """Print a path that was written."""
        if self._shown:
            self._terminal.did("Would write" if self._dry else "Wrote", path)

    def deleted(self, path: str) -> None:
        """Print a path that was deleted."""
        if self._shown:
            self._terminal.did("Would delete" if self._dry else "Deleted", path)

    def note(self, text: str) -> None:
        """Say a sentence."""
        self._terminal.say(f"note: {text}")

    def warn(self, text: str) -> None:
        """Say a warning."""
        self._terminal.warn(text)
