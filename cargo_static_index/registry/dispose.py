"""What happens to dropped files once it is settled what became of them: remembered, moved or deleted."""

import hashlib
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from cargo_static_index.crate.candidate import Incoming
from cargo_static_index.registry.events import Outcome
from cargo_static_index.registry.moving import free_path, move_whole, write_whole
from cargo_static_index.registry.publish import Settled
from cargo_static_index.registry.scan import is_as_seen
from cargo_static_index.registry.transaction import Session
from cargo_static_index.state import Dropped


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

    @property
    def takes_away(self) -> bool:
        """Whether files leave the drop directory once they are published."""
        return self.after_publish != "keep"

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
        """Remember what became of files, do with them what the settings say, and tell the listener.

        What is to be moved or deleted is written down as something to look at again until that is done, so that the
        next pass makes good what this one did not come to do.
        """
        dropped = [(incoming, outcome) for incoming, outcome in settled if incoming.file]
        self._session.catalogue.drops.record(self._row(*each) for each in dropped)
        gone = [incoming for incoming, outcome in dropped if self._leaves(outcome) and self._dispose(incoming, outcome)]
        with self._session.catalogue.writing():
            for incoming in gone:
                self._session.catalogue.drops.forget(incoming.folder, [incoming.file])
        for _, outcome in settled:
            self._session.listener.file(outcome)

    def _leaves(self, outcome: Outcome) -> bool:
        """Whether the settings want the file out of the drop directory."""
        if self.drop is None or self._session.dry:
            return False
        if outcome.became == "refused":
            return self.drop.refused is not None
        return outcome.became in {"published", "unchanged"} and self.drop.takes_away

    def _row(self, incoming: Incoming, outcome: Outcome) -> Dropped:
        became = "waiting" if outcome.became == "held-back" else outcome.became
        assert became != "remembered"
        return Dropped(
            folder=incoming.folder,
            file=incoming.file,
            fingerprint=b"" if self._leaves(outcome) else incoming.fingerprint,
            outcome=became,
            judged=self._judged,
            first_seen=self._session.now,
            last_seen=self._session.now,
            cksum=incoming.cksum,
            name=incoming.name,
            vers=incoming.vers,
            problems=outcome.problems,
        )

    def _dispose(self, incoming: Incoming, outcome: Outcome) -> bool:
        """Move or delete a file, but for another one that took its place, and say whether that was done.

        What fails is told when all else is done.
        """
        assert self.drop is not None
        source = self.drop.path / incoming.folder / incoming.file
        away = self.drop.refused if outcome.became == "refused" else self.drop.after_publish
        try:
            if not _is_same(source, incoming):
                return False
            if isinstance(away, Path):
                self._move(source, away / incoming.folder / incoming.file, outcome)
            else:
                source.unlink()
        except FileNotFoundError:
            return False  # its owner took it away meanwhile
        except OSError as error:
            what = f"moved into {away}" if isinstance(away, Path) else "deleted"
            self._session.failures.append(f"{source} cannot be {what}: {error.strerror or error}")
            return False
        return True

    def _move(self, source: Path, wanted: Path, outcome: Outcome) -> None:
        """Move a dropped file; why it was refused stands beside its place before it comes there."""
        target = free_path(wanted)
        target.parent.mkdir(parents=True, exist_ok=True)
        if outcome.became == "refused":
            _write_problems(target, outcome, self._session.pubtime)
        move_whole(source, target)


def _is_same(path: Path, incoming: Incoming) -> bool:
    """Whether the file that was judged is still there: its owner may have replaced it by a better one."""
    if incoming.cksum:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == incoming.cksum
    if incoming.seen:
        return is_as_seen(incoming.file, incoming.seen, path.stat())
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
