"""What happens to dropped files once it is known what became of them: remembered, moved or deleted."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index.crate.candidate import Candidate, DropFile, Outcome
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.registry.scan import SETTLE, is_as_seen, source_start
from cargo_static_index.registry.transaction import Transaction

LONGEST = 240
"""Bytes of a file's name that leave room for a number and an ending in the 255 that file systems allow."""

CUT = 50
"""Characters that are left of a longer one: whatever they are, they have no more bytes than `LONGEST`."""


class Drop(Struct, frozen=True, kw_only=True):
    """The drop directory, and what is to happen to files in it that were published or refused.

    `refused` is a folder that refused files are moved to, `after_publish` one for those that are published. Before a
    file has been as it is for `settle` seconds, it is not refused as only a part of one.
    """

    path: Path
    refused: Path | None = None
    after_publish: Literal["keep", "delete"] | Path = "keep"
    settle: float = SETTLE

    @property
    def ours(self) -> tuple[Path, ...]:
        """The folders that are not to be scanned, should they lie in the drop directory."""
        folders = (self.refused, self.after_publish)
        return tuple(folder for folder in folders if isinstance(folder, Path))

    @property
    def takes_away(self) -> bool:
        """Whether files leave the drop directory once they are published."""
        return self.after_publish != "keep"

    def shown(self, file: DropFile) -> str:
        """Give the path of a file in the drop directory as the user would write it, escaped."""
        return escape(os.fsdecode(source_start(self.path)) + file.path)


class Refused(Struct, frozen=True, kw_only=True):
    """The document beside a refused file that was moved away: the rule, the place, the sentence, the way out."""

    schema: Literal[1] = 1
    source: str
    name: str
    vers: str
    cksum: str
    seen: str = ""
    """When it was refused, as `pubtime` is written."""
    problems: tuple[dict[str, str], ...]


class Disposal:
    """Disposes of dropped files: only ever after what was published of them is durable."""

    def __init__(self, transaction: Transaction, judged: str, drop: Drop | None) -> None:
        self._transaction = transaction
        self._judged = judged
        self.drop = drop

    def dispose(self, outcomes: Sequence[Outcome]) -> None:
        """Remember what became of files, do with them what the settings say, and tell the listener.

        What is to be moved or deleted is written down as something to look at again until that is done, so that the
        next pass makes good what this one did not come to do.
        """
        drop_files = self._transaction.state.drop_files
        dropped = [outcome for outcome in outcomes if outcome.candidate.file.file]
        drop_files.record(map(self._kept, dropped), self._judged, self._transaction.options.now)
        gone = [outcome for outcome in dropped if self._leaves(outcome) and self._take_away(outcome)]
        with self._transaction.state.writing():
            for outcome in gone:
                drop_files.forget(outcome.candidate.file.folder, [outcome.candidate.file.file])
        for outcome in outcomes:
            self._transaction.listener.file(outcome)

    def _kept(self, outcome: Outcome) -> Outcome:
        if not self._leaves(outcome):
            return outcome
        candidate = outcome.candidate
        return replace(outcome, candidate=replace(candidate, file=replace(candidate.file, again=True)))

    def _leaves(self, outcome: Outcome) -> bool:
        """Whether the settings want the file out of the drop directory."""
        if self.drop is None or self._transaction.options.dry:
            return False
        if outcome.status == "refused":
            return self.drop.refused is not None
        return outcome.status in {"published", "restored", "unchanged"} and self.drop.takes_away

    def _take_away(self, outcome: Outcome) -> bool:
        """Move or delete a file, but for another one that took its place, and say whether that was done.

        What fails is told when all else is done.
        """
        assert self.drop is not None
        path = outcome.candidate.file.path
        source = self.drop.path / path
        away = self.drop.refused if outcome.status == "refused" else self.drop.after_publish
        try:
            if not _is_same(source, outcome.candidate):
                return False
            if isinstance(away, Path):
                self._move(source, away / path, outcome)
            else:
                source.unlink()
        except FileNotFoundError:
            return False  # its owner took it away meanwhile
        except OSError as error:
            what = f"moved into {away}" if isinstance(away, Path) else "deleted"
            self._transaction.failures.append(f"{source} cannot be {what}: {error.strerror or error}")
            return False
        return True

    def _move(self, source: Path, wanted: Path, outcome: Outcome) -> None:
        """Move a dropped file; why it was refused stands beside its place before it comes there."""
        target = free_path(wanted)
        target.parent.mkdir(parents=True, exist_ok=True)
        if outcome.status == "refused":
            _write_problems(target, outcome, self._transaction.pubtime)
        move_whole(source, target)


def _is_same(path: Path, candidate: Candidate) -> bool:
    """Whether the file that was judged is still there: its owner may have replaced it by a better one."""
    if candidate.cksum:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == candidate.cksum
    if candidate.file.target:
        return is_as_seen(candidate.file, path.stat())
    return not stat.S_ISREG(path.lstat().st_mode)


def _write_problems(target: Path, outcome: Outcome, seen: str) -> None:
    document = Refused(
        source=outcome.source,
        name=outcome.name,
        vers=outcome.vers,
        cksum=outcome.cksum,
        seen=seen,
        problems=tuple(msgspec.to_builtins(each) for each in outcome.problems),
    )
    content = msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
    write_whole(target.with_name(f"{target.name}.json"), content)


def remembered(transaction: Transaction, drop: Drop) -> Iterator[Outcome]:
    """Give the files that an earlier pass refused and that are still as they were."""
    for outcome in transaction.state.drop_files.refused():
        candidate = outcome.candidate
        if not transaction.state.candidates.holds(candidate.file):
            file = replace(candidate.file, source=drop.shown(candidate.file))
            yield replace(outcome, candidate=replace(candidate, file=file), status="remembered")


# Moving: whole or not at all, and over nothing that is there already ---------------------------------------


def free_path(path: Path) -> Path:
    """Give the path, or the first like it that does not exist: `foo-1.0.0.crate`, then `foo-1.0.0.2.crate`.

    A name so long that the document beside it could have none is cut.
    """
    number = 2
    free = path = path.with_name(path.name if len(os.fsencode(path.name)) <= LONGEST else path.name[:CUT] + ".crate")
    while os.path.lexists(free):
        free = path.with_name(f"{path.stem}.{number}{path.suffix}")
        number += 1
    return free


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that nobody ever sees half of."""
    half = _half(path)
    half.write_bytes(content)
    half.replace(path)


def move_whole(source: Path, target: Path) -> None:
    """Move a file, to another disk too, so that it has its new name only when all of it is there."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _move_across(source, target)


def _move_across(source: Path, target: Path) -> None:
    import shutil  # noqa: PLC0415 - for those who move to another disk

    if source.is_symlink() or not source.is_file():  # nothing that was published, or could be
        shutil.move(source, target)
        return
    half = _half(target)
    shutil.copy2(source, half)
    with half.open("rb") as copy:
        os.fsync(copy.fileno())  # it is the only one once the first is gone
    half.replace(target)
    source.unlink()


def _half(path: Path) -> Path:
    """Give the name of what is still being written, which no scan looks at; the next try replaces what a crash left."""
    return path.with_name(f".{path.name}.part")
