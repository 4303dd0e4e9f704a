"""What became of the files in the drop directory, and how a later scan knows what it need not look at.

The digest of a folder is the sum, modulo 2^128, of the fingerprints of its rows; so it is kept at no cost,
in any order, and a folder whose files sum up to it holds exactly what was judged.
A row that must be looked at again has no fingerprint, and counts as a number that no file has: so its folder's sum
is met neither while the file is there nor when it is gone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from hashlib import blake2b
from os import fsdecode
from typing import Any

import msgspec

from cargo_static_index._json import UNREADABLE
from cargo_static_index.crate.candidate import Candidate, DropFile, Outcome
from cargo_static_index.diagnostics.errors import StateDamaged
from cargo_static_index.diagnostics.problems import Problem
from cargo_static_index.state import schema
from cargo_static_index.state.database import PAGE, StateRows

UNTRUSTED = blake2b(b"to be looked at again", digest_size=16).digest()
"""What a row without a fingerprint counts for."""

NOTHING = bytes(16)
"""The digest of a folder of which nothing is known."""

SeenRow = tuple[bytes, bytes, int, int, int, bytes | None, bytes | None]
"""Name, fingerprint, when it was changed, its names, bytes, what to open if it is a link, the problem as JSON."""

encode_problems = msgspec.json.Encoder().encode
_decode_problems = msgspec.json.Decoder(tuple[Problem, ...]).decode


def decode_problems(content: bytes) -> tuple[Problem, ...]:
    """Read what `encode_problems` wrote, or raise StateDamaged."""
    try:
        return _decode_problems(content)
    except UNREADABLE as error:
        raise StateDamaged(f"The catalogue holds problems that cannot be read: {error}.") from error


def add_fingerprints(digest: bytes, change: int) -> bytes:
    """Add to a digest the sum of some fingerprints, read as big-endian integers; the sum may be negative."""
    return ((int.from_bytes(digest, "big") + change) % (1 << 128)).to_bytes(16, "big")


class DropFiles(StateRows):
    """The rows of the drop directory; folders are relative to it, "" is itself."""

    def get(self, folder: bytes, file: bytes) -> Outcome | None:
        """Give what became of one file; its `source` is for those to say who know where the drop directory is."""
        row = self._database.one(schema.DROPPED_GET, (folder, file))
        return _outcome(row) if row else None

    def refused(self) -> Iterator[Outcome]:
        """Give all that is refused, by folder and file."""
        rows = self._database.pages(schema.DROPPED_REFUSED, (b"", b""), lambda row: (row[0], row[1]))
        return map(_outcome, rows)

    def refused_count(self) -> int:
        """Give how many files are refused, without reading their rows."""
        return self._database.tally("refused")

    def refusals(self) -> int:
        """Give a number that grows with every change of what is refused, or why."""
        return self._database.tally("refusals")

    def record(self, outcomes: Iterable[Outcome], judged: str, seen: int) -> None:
        """Write down what became of these files; a known file keeps its `first_seen`, a waiting one comes again.

        `judged` is a digest of the tool, the rules and the settings that judged them; `seen` is whole seconds.
        """
        changes: defaultdict[bytes, int] = defaultdict(int)
        with self._database.writing():
            for outcome in outcomes:
                values = _values(outcome, judged, seen)
                changes[values[0]] += _number(values[2])
                if not self._database.run(schema.DROPPED_INSERT, values):  # most files are new
                    changes[values[0]] -= self._number_of(values[0], values[1])
                    self._database.run(schema.DROPPED_UPSERT, values)
            self._change(changes)

    def forget(self, folder: bytes, files: Iterable[bytes]) -> None:
        """Forget files that are no longer there; StateDamaged where one that is known stays so."""
        change = 0
        with self._database.writing():
            for file in files:
                number = self._number_of(folder, file)
                if not self._database.run(schema.DROPPED_DELETE, (folder, file)) and number:
                    raise self._database.damaged("rows cannot be taken away")
                change -= number
            self._change({folder: change})

    def reopen_refused(self, judged: str) -> None:
        """Have the next scan give out all that was refused under another tool, other rules or other settings."""
        for statement in (schema.REFUSED_BEFORE, schema.REFUSED_AFTER):
            for rows in self._database.drained(partial(self._database.all, statement, (judged, PAGE))):
                with self._database.writing():
                    for folder, file in rows:
                        self._reopen(folder, file)

    def reopen_refused_by(self, rule: str) -> None:
        """Have the next scan give out all that was refused by one rule."""
        with self._database.writing():
            for outcome in self.refused():
                if any(problem.rule == rule for problem in outcome.problems):
                    self._reopen(outcome.candidate.file.folder, outcome.candidate.file.file)

    def of_release(self, name: str, vers: str) -> list[str]:
        """Give the paths in the drop directory of the files that held a release when they were last read."""
        rows = self._database.all(schema.DROPPED_OF_RELEASE, (name, vers))
        return [fsdecode(folder + b"/" + file if folder else file) for folder, file in rows]

    def reopen_release(self, name: str, vers: str) -> None:
        """Have the next scan give out the files that held a release, because that is no longer what they become."""
        with self._database.writing():
            for folder, file in self._database.all(schema.DROPPED_OF_RELEASE, (name, vers)):
                self._reopen(folder, file)

    def reopen_unpublished(self) -> None:
        """Have the next scan give out the files whose release the tree does not hold after all: it is another tree."""
        with self._database.writing():
            rows = self._database.pages(schema.DROPPED_UNPUBLISHED, (b"", b""), lambda row: (row[0], row[1]))
            for folder, file in rows:
                self._reopen(folder, file)

    def _reopen(self, folder: bytes, file: bytes) -> None:
        self._change({folder: _number(b"") - self._number_of(folder, file)})
        self._database.run(schema.DROPPED_REOPEN, (folder, file))

    def digest(self, folder: bytes) -> bytes:
        """Give the sum of a folder's fingerprints."""
        return self._database.value(schema.FOLDER_DIGEST, (folder,)) or NOTHING

    def subfolders(self, folder: bytes) -> list[bytes]:
        """Give the paths of the folders in a folder that hold something known, at any depth."""
        return [row[0] for row in self._database.all(schema.FOLDER_CHILDREN, (folder,))]

    def forget_folder(self, folder: bytes) -> None:
        """Forget a folder that is no longer there, with all below it."""
        below = (folder + b"/", folder + b"0")  # "0" follows "/" in ASCII
        with self._database.writing():
            self._database.run(schema.DROPPED_IN_DELETE, (folder,))
            self._database.run(schema.DROPPED_BELOW_DELETE, below)
            self._database.run(schema.FOLDER_DELETE, (folder,))
            self._database.run(schema.FOLDERS_BELOW_DELETE, below)

    def fingerprints(self, folder: bytes, *, at_most: int) -> dict[bytes, bytes] | None:
        """Give the fingerprints of a folder's known files by name; None where there are more than so many."""
        rows = self._database.all(schema.DROPPED_FINGERPRINTS, (folder, at_most + 1))
        return dict(rows) if len(rows) <= at_most else None

    def see(self, rows: Iterable[SeenRow]) -> None:
        """Put down what one folder holds now, in place of what was put down before."""
        with self._database.together():
            self._database.run(schema.SEEN_CLEAR)
            self._database.run_many(schema.SEEN_INSERT, rows)

    def changed(self, folder: bytes) -> Iterator[SeenRow]:
        """Give, by name, what was seen in a folder and is not known with that fingerprint."""
        values = (folder, b"")
        return self._database.pages(schema.SEEN_CHANGED, values, lambda row: (folder, row[0]))

    def forget_vanished(self, folder: bytes) -> None:
        """Forget what is known of a folder and was not seen in it."""
        vanished = partial(self._database.all, schema.DROPPED_VANISHED, (folder, PAGE))
        for rows in self._database.drained(vanished):
            self.forget(folder, [row[0] for row in rows])

    def _number_of(self, folder: bytes, file: bytes) -> int:
        fingerprint = self._database.value(schema.DROPPED_FINGERPRINT, (folder, file))
        return 0 if fingerprint is None else _number(fingerprint)

    def _change(self, changes: dict[bytes, int]) -> None:
        for folder, change in changes.items():
            if self._database.one(schema.FOLDER_DIGEST, (folder,)) is None:
                self._database.run_many(schema.FOLDER_ADD, _with_parents(folder))
            digest = add_fingerprints(self.digest(folder), change)
            self._database.run(schema.FOLDER_SET, (digest, folder))


def _number(fingerprint: bytes) -> int:
    return int.from_bytes(fingerprint or UNTRUSTED, "big")


def _with_parents(folder: bytes) -> list[tuple[bytes, bytes | None, bytes]]:
    """Give the rows of a folder and of all it lies in, so that a folder that vanishes is missed by the one above."""
    rows: list[tuple[bytes, bytes | None, bytes]] = []
    while folder:
        parent = folder.rpartition(b"/")[0]
        rows.append((folder, parent, NOTHING))
        folder = parent
    return [*rows, (b"", None, NOTHING)]


def _values(outcome: Outcome, judged: str, seen: int) -> tuple[Any, ...]:
    candidate = outcome.candidate
    waits = outcome.status in {"waiting", "not-published"}
    return (
        candidate.file.folder,
        candidate.file.file,
        b"" if waits else candidate.file.fingerprint,
        "waiting" if waits else outcome.status,
        judged,
        seen,
        seen,
        candidate.cksum,
        candidate.name,
        candidate.vers,
        encode_problems(outcome.problems),
    )


def _outcome(row: tuple[Any, ...]) -> Outcome:
    folder, file, fingerprint, status, first_seen, last_seen, cksum, name, vers, problems = row
    lies = DropFile(source="", folder=folder, file=file, seen=fingerprint)
    return Outcome(
        candidate=Candidate(file=lies, cksum=cksum, name=name, vers=vers),
        status=status,
        problems=decode_problems(problems),
        first_seen=first_seen,
        last_seen=last_seen,
    )
