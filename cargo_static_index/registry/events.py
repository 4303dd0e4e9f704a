"""What a build says about what it does, as it does it; who listens decides what to keep or print."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal, Protocol

from cargo_static_index.crate.candidate import FileStatus, Outcome

Doing = Literal["read", "published"]
"""What is done with files, one after the other."""


class Listener(Protocol):
    """Who wants to know. A subclass need define what it wants to hear alone.

    Each method returns by a statement, without which type checkers take it for one that a subclass must define.
    """

    def total(self, doing: Doing, files: int) -> None:
        """Take note of how many files will be read, or published, next.

        Of a drop directory that is known once the last new file is found, which is looked for while others are read.
        """
        return

    def reading(self, source: str) -> None:
        """Take note that a file is read next."""
        return

    def file(self, outcome: Outcome) -> None:
        """Take note of what became of a file."""
        return

    def still_refused(self, count: int, files: Iterable[Outcome]) -> None:
        """Take note of how many files earlier builds refused that are as they were; each is read as it is asked for."""
        return

    def taken(self, source: str, target: str) -> None:
        """Take note of a dropped file that was moved to a place, or deleted where that is ""."""
        return

    def changed(self, path: str) -> None:
        """Take note of a path of the tree that was written."""
        return

    def deleted(self, path: str) -> None:
        """Take note of a path of the tree that was deleted."""
        return

    def note(self, text: str) -> None:
        """Take note of something that a person should know, a sentence."""
        return

    def warn(self, text: str) -> None:
        """Take note of something that a person should look after, a sentence."""
        return


class Report:
    """Keeps everything it hears: for tests, libraries and builds of a moderate size."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.paths: list[str] = []
        self.moved: list[tuple[str, str]] = []
        self.notes: list[str] = []
        self.counts: Counter[FileStatus] = Counter()

    def total(self, doing: Doing, files: int) -> None:
        """Keep nothing: what becomes of each follows."""

    def taken(self, source: str, target: str) -> None:
        """Keep where a dropped file is now; "" is nowhere."""
        self.moved.append((source, target))

    def reading(self, source: str) -> None:
        """Keep nothing: what becomes of the file follows."""

    def file(self, outcome: Outcome) -> None:
        """Keep what became of a file."""
        self.outcomes.append(outcome)
        self.counts[outcome.status] += 1

    def still_refused(self, count: int, files: Iterable[Outcome]) -> None:
        """Keep these files as `remembered`."""
        self.outcomes += files
        self.counts["remembered"] += count

    def changed(self, path: str) -> None:
        """Keep a path that was written."""
        self.paths.append(path)

    def deleted(self, path: str) -> None:
        """Keep a path that was deleted."""
        self.paths.append(path)

    def note(self, text: str) -> None:
        """Keep a sentence."""
        self.notes.append(text)

    def warn(self, text: str) -> None:
        """Keep a sentence, among the others."""
        self.notes.append(text)

    def of(self, status: FileStatus) -> list[Outcome]:
        """Give the files of which this became."""
        return [outcome for outcome in self.outcomes if outcome.status == status]
