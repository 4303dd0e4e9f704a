"""What happens to dropped files once it is known what became of them: remembered, moved or deleted."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index._json import write_json
from cargo_static_index.crate.candidate import Candidate, Outcome
from cargo_static_index.diagnostics.errors import InvalidInput, StoreError
from cargo_static_index.diagnostics.problems import Problem
from cargo_static_index.registry.drop import Drop, objects_of
from cargo_static_index.registry.scan import is_as_seen
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.store.bucket import Bucket
from cargo_static_index.store.local import system
from cargo_static_index.store.local.folders import Folders, open_folders
from cargo_static_index.store.local.system import half_of, move_across, put_file

if TYPE_CHECKING:  # an extra, and slow to import
    from cargo_static_index.registry.bucket_drop import BucketDrop

LONGEST = 240
"""Bytes of a file's name that leave room for a number and an ending in the 255 that file systems allow."""

CUT = 50
"""Characters that are left of a longer one: whatever they are, they have no more bytes than `LONGEST`."""


class RefusalDocument(Struct, frozen=True, kw_only=True):
    """The document beside a refused file that was moved away: the rule, the place, the sentence, the way out."""

    schema: Literal[1] = 1
    source: str
    name: str
    vers: str
    cksum: str
    seen: str = ""
    """When it was refused, as `pubtime` is written."""
    problems: tuple[Problem, ...]


class Disposal:
    """Disposes of dropped files: only ever after what was published of them is durable."""

    def __init__(self, transaction: Transaction, judged: str, drop: Drop | None) -> None:
        self._transaction = transaction
        self._judged = judged
        self._drop = drop
        self._objects: BucketDrop | None = None

    def dispose(self, outcomes: Sequence[Outcome]) -> None:
        """Remember what became of files, do with them what the settings say, and tell the listener.

        What is to be moved or deleted is written down as something to look at again until that is done, so that the
        next build makes good what this one did not come to do.
        """
        drop_files = self._transaction.state.drop_files
        dropped = [outcome for outcome in outcomes if outcome.candidate.file.file]
        leaving = list(filter(self._leaves, dropped))
        if dropped:
            kept = map(self._kept, dropped) if leaving else dropped
            drop_files.record(kept, self._judged, self._transaction.options.now)
        if gone := self._take_away(leaving):
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
        if self._drop is None or self._transaction.options.dry:
            return False
        if outcome.status == "refused":
            return self._drop.refused is not None
        return outcome.status in {"published", "restored", "unchanged"} and self._drop.takes_away

    def _take_away(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Move or delete files, but for others that took their place, and give those of which that was done."""
        if self._drop is None or not outcomes:
            return []
        if isinstance(self._drop.path, Bucket):
            self._objects = self._objects or objects_of(self._drop.path)
            places = list(self._objects.together(self._taken_to, outcomes))
        else:
            places = list(map(self._taken_to, outcomes))
        gone = [(outcome, place) for outcome, place in zip(outcomes, places, strict=True) if place is not None]
        for outcome, place in gone:
            self._transaction.listener.taken(str(self._drop.path / outcome.candidate.file.path), place)
        return [outcome for outcome, _ in gone]

    def _taken_to(self, outcome: Outcome) -> str | None:
        """Move or delete a file, and say where it is now: "" is nowhere, None where it was.

        What fails is told when all else is done.
        """
        assert self._drop is not None
        file = outcome.candidate.file
        away = self._drop.refused if outcome.status == "refused" else self._drop.after_publish
        try:
            if isinstance(self._drop.path, Bucket):
                return self._take_object(outcome, away)
            return self._take_file(self._drop.path, outcome, away)
        except FileNotFoundError:
            return None  # its owner took it away meanwhile
        except (OSError, InvalidInput, StoreError) as error:
            what = f"moved into {away}" if isinstance(away, Path | Bucket) else "deleted"
            said = (error.strerror if isinstance(error, OSError) else None) or error
            self._transaction.failures.append(f"{self._drop.path / file.path} cannot be {what}: {said}")
            return None

    def _take_object(self, outcome: Outcome, away: object) -> str | None:
        assert self._objects is not None
        file = outcome.candidate.file
        if not isinstance(away, Bucket):
            return "" if self._objects.delete(file) else None
        refused = _problems_of(outcome, self._transaction.pubtime) if outcome.status == "refused" else None
        return str(away / file.path) if self._objects.move(file, away, refused) else None

    def _take_file(self, drop: Path, outcome: Outcome, away: object) -> str | None:
        with open_folders(drop) as folders:
            folder = _folder_of(folders, outcome.candidate)
            if folder is None:
                return None
            if isinstance(away, Path):
                return self._move(folder, away, outcome)
            system.unlink(outcome.candidate.file.file, dir_fd=folder)
        return ""

    def _move(self, folder: int, away: Path, outcome: Outcome) -> str:
        """Move a dropped file, and say where to; why it was refused stands beside its place before it comes there."""
        file = outcome.candidate.file
        away.mkdir(parents=True, exist_ok=True)
        with open_folders(away) as folders:
            target = folders.make(os.fsdecode(file.folder))
            name = free_name(target, os.fsdecode(file.file))
            if outcome.status == "refused":
                put_file(target, f"{name}.json", _problems_of(outcome, self._transaction.pubtime))
            move_whole(os.fsdecode(file.file), folder, name, target)
        return str(away / os.fsdecode(file.folder) / name)


def _folder_of(folders: Folders, candidate: Candidate) -> int | None:
    """Open the folder in which the file that was judged still lies: its owner may have replaced it by a better one.

    None too where a link is in the place of a folder: what lies behind it is not in the drop directory.
    """
    file = candidate.file
    try:
        opened = folders.open_file(os.fsdecode(file.target)) if file.target else None
        folder = folders.find(os.fsdecode(file.folder))
    except InvalidInput:
        return None
    if opened is None:
        irregular = folder is not None and not file.target and not _is_file(file.file, folder)
        return folder if irregular else None
    with os.fdopen(opened, "rb") as found:
        same = (
            hashlib.file_digest(found, "sha256").hexdigest() == candidate.cksum
            if candidate.cksum
            else is_as_seen(file, os.fstat(opened))
        )
    return folder if same else None


def _is_file(name: bytes, folder: int) -> bool:
    return stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _problems_of(outcome: Outcome, seen: str) -> bytes:
    document = RefusalDocument(
        source=outcome.source,
        name=outcome.name,
        vers=outcome.vers,
        cksum=outcome.cksum,
        seen=seen,
        problems=outcome.problems,
    )
    return write_json(document)


def remembered(transaction: Transaction, drop: Drop) -> Iterator[Outcome]:
    """Give the files that an earlier build refused and that are still as they were."""
    for outcome in transaction.state.drop_files.refused():
        candidate = outcome.candidate
        if not transaction.state.candidates.holds(candidate.file):
            file = replace(candidate.file, source=drop.source_of(candidate.file))
            yield replace(outcome, candidate=replace(candidate, file=file), status="remembered")


# Moving: whole or not at all, and over nothing that is there already ---------------------------------------


def free_name(folder: int, name: str) -> str:
    """Give the name, or the first like it that is free in an open folder: `foo-1.0.0.crate`, then `foo-1.0.0.2.crate`.

    One so long that the document beside it could have none is cut.
    """
    number = 2
    free = name = name if len(os.fsencode(name)) <= LONGEST else name[:CUT] + ".crate"
    stem, dot, ending = name.rpartition(".")
    while _is_there(folder, free):
        free = f"{stem}.{number}{dot}{ending}"
        number += 1
    return free


def _is_there(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def move_whole(name: str, folder: int, new_name: str, new_folder: int) -> None:
    """Move what lies in an open folder, to another disk too: it has its new name only when all of it is there."""
    try:
        system.rename(name, new_name, src_dir_fd=folder, dst_dir_fd=new_folder)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _move_across(name, folder, new_name, new_folder)


def _move_across(name: str, folder: int, new_name: str, new_folder: int) -> None:
    mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    if stat.S_ISREG(mode):
        # Flushed: it is the only one once the first is gone.
        move_across(name, folder, new_name, new_folder, half_of(new_name), flush=True)
    elif stat.S_ISLNK(mode):
        os.symlink(os.readlink(name, dir_fd=folder), new_name, dir_fd=new_folder)
        os.unlink(name, dir_fd=folder)
    else:
        raise StoreError("it is no file, and the folder lies on another disk; move it by hand")
