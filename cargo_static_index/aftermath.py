"""What happens to dropped files once it is settled what became of them: remembered, moved or deleted."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from cargo_static_index.catalogue import Dropped
from cargo_static_index.errors import StoreError
from cargo_static_index.incoming import Incoming
from cargo_static_index.publish import Settled
from cargo_static_index.report import Outcome
from cargo_static_index.session import Session


def shown(path: Path | str) -> str:
    """Give a path as text, with what is not UTF-8 escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


class Drop(Struct, frozen=True, kw_only=True):
    """The drop directory, and what is to happen to files in it that were published or refused.

    `refused` is a folder that refused files are moved to, `after_publish` one for those that are published.
    """

    path: Path
    refused: Path | None = None
    after_publish: Literal["keep", "delete"] | Path = "keep"

    @property
    def ours(self) -> tuple[Path, ...]:
        """The folders that are not to be scanned, should they lie in the drop directory."""
        folders = (self.refused, self.after_publish)
        return tuple(folder for folder in folders if isinstance(folder, Path))

    def shown(self, path: str) -> str:
        """Give a path in the drop directory as the user would write it, with what is not UTF-8 escaped."""
        start = str(self.path)
        joined = path if start == "." else f"{start.removesuffix('/')}/{path}"  # a Path would cost more than reading
        return joined if joined.isascii() else shown(joined)


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


class Aftermath:
    """Settles dropped files: only ever after what was published of them is durable."""

    def __init__(self, session: Session, judged: str, drop: Drop | None) -> None:
        self._session = session
        self._judged = judged
        self.drop = drop

    def settle(self, settled: Sequence[Settled]) -> None:
        """Remember what became of files, do with them what the settings say, and tell the listener."""
        dropped = [(incoming, outcome) for incoming, outcome in settled if incoming.file]
        self._session.catalogue.drops.record(self._row(*each) for each in dropped)
        for incoming, outcome in dropped:
            self._dispose(incoming, outcome)
        for _, outcome in settled:
            self._session.listener.file(outcome)

    def _row(self, incoming: Incoming, outcome: Outcome) -> Dropped:
        became = "waiting" if outcome.became == "held-back" else outcome.became
        assert became != "remembered"
        return Dropped(
            folder=incoming.folder,
            file=incoming.file,
            fingerprint=incoming.fingerprint,
            outcome=became,
            judged=self._judged,
            first_seen=self._session.now,
            last_seen=self._session.now,
            cksum=incoming.cksum,
            name=incoming.name,
            vers=incoming.vers,
            problems=outcome.problems,
        )

    def _dispose(self, incoming: Incoming, outcome: Outcome) -> None:
        if self.drop is None or self._session.dry:
            return
        if outcome.became == "refused" and self.drop.refused:
            target = self._move(incoming, self.drop.path, self.drop.refused)
            if target:
                _write_problems(target, outcome, self._session.pubtime)
                self._session.catalogue.drops.forget(incoming.folder, [incoming.file])
        elif outcome.became in {"published", "unchanged"} and self.drop.after_publish != "keep":
            self._put_away(incoming, self.drop)

    def _put_away(self, incoming: Incoming, drop: Drop) -> None:
        """Delete or move a file whose bytes are published; another one that took its place since then stays."""
        path = drop.path / incoming.folder / incoming.file
        try:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != incoming.cksum:
                    return
            if isinstance(drop.after_publish, Path):
                self._move(incoming, drop.path, drop.after_publish)
            else:
                path.unlink()
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"{path} cannot be put away: {error.strerror}") from error

    def _move(self, incoming: Incoming, drop: Path, folder: Path) -> Path | None:
        """Move a dropped file into a folder, below the same folders, over nothing that is there already."""
        source = drop / incoming.folder / incoming.file
        target = _free(folder / incoming.folder / incoming.file)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(source, target)
        except FileNotFoundError:
            return None  # its owner took it away meanwhile
        except OSError as error:
            raise StoreError(f"{source} cannot be moved to {target}: {error.strerror}") from error
        return target


def _free(path: Path) -> Path:
    """Give the path, or the first like it that does not exist: `foo-1.0.0.crate`, then `foo-1.0.0.2.crate`."""
    number = 2
    free = path
    while os.path.lexists(free):
        free = path.with_name(f"{path.stem}.{number}{path.suffix}")
        number += 1
    return free


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
    target.with_name(f"{target.name}.json").write_bytes(content)


def remembered(session: Session, drop: Drop) -> Iterable[Outcome]:
    """Give the files that an earlier pass refused and that are still as they were."""
    for row in session.catalogue.drops.refused():
        if not session.catalogue.readings.holds(row.folder, row.file):
            yield Outcome(
                became="remembered",
                source=drop.shown(row.path),
                name=row.name,
                vers=row.vers,
                cksum=row.cksum,
                problems=row.problems,
            )
