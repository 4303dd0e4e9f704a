"""The listener of commands that read no files: it says which paths change, where that is asked for."""

from cargo_static_index.cli.running import Run
from cargo_static_index.report import Outcome


class ChangeListener:
    """Prints the paths that change, in a dry run or with -v; `silent` prints none."""

    def __init__(self, run: Run, *, dry: bool, silent: bool = False) -> None:
        self._terminal = run.terminal
        self._word = "" if silent else "Would write" if dry else "Wrote" if run.terminal.verbose else ""

    def reading(self, source: str) -> None:
        """Hear of no file: none is read."""

    def file(self, outcome: Outcome) -> None:
        """Hear of no file: none is read."""

    def changed(self, path: str) -> None:
        """Print a path."""
        if self._word:
            self._terminal.did(self._word, path)

    def note(self, text: str) -> None:
        """Say a sentence."""
        self._terminal.say(f"note: {text}")
