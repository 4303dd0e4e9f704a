"""The refused files that a page shows: those in the drop directory, and those that were moved out of it."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from cargo_static_index.crate.candidate import Outcome
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.diagnostics.rules import Problem
from cargo_static_index.registry.dispose import Refused
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.site.front import RefusedFile


def refused_files(transaction: Transaction, moved_to: Path | None, seen: int) -> Iterator[RefusedFile]:
    """Give the refused files by path: what the state knows of the drop directory, then what was moved away.

    `seen` is when the drop directory was last looked at: all of the first were there then.
    """
    for outcome in transaction.state.drop_files.refused():
        yield _dropped(outcome, max(outcome.last_seen, seen))
    if moved_to is not None and moved_to.is_dir():
        for path in sorted(moved_to.rglob("*.crate.json")):
            found = _moved(path, moved_to)
            if found and not _is_published(transaction, found):
                yield found


def _is_published(transaction: Transaction, file: RefusedFile) -> bool:
    """Whether a file was published after all since it was moved, as a removed release that was brought back is."""
    releases = transaction.state.published.releases(file.name) if file.name else []
    return any((each.vers, each.cksum) == (file.vers, file.cksum) for each in releases)


def _dropped(outcome: Outcome, last_seen: int) -> RefusedFile:
    first, last = _minute(outcome.first_seen), _minute(last_seen)
    return RefusedFile(
        path=escape(outcome.candidate.file.path),
        name=outcome.name,
        vers=outcome.vers,
        cksum=outcome.cksum,
        problems=outcome.problems,
        first_seen=first,
        # Of the last time only the day counts: a pass that finds the same once more on a day has nothing to write.
        last_seen=first if first[:10] == last[:10] else last[:10],
    )


def _moved(path: Path, folder: Path) -> RefusedFile | None:
    """Read what lies beside a file that was moved; what is not of ours is left out, or has no such file beside it."""
    if not os.path.lexists(path.with_suffix("")):
        return None
    try:
        document = msgspec.json.decode(path.read_bytes(), type=Refused)
        problems = msgspec.convert(document.problems, tuple[Problem, ...])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    seen = f"{document.seen[:10]} {document.seen[11:16]} UTC" if document.seen else ""
    return RefusedFile(
        path=escape(str(path.relative_to(folder).with_suffix(""))),
        name=document.name,
        vers=document.vers,
        cksum=document.cksum,
        problems=problems,
        first_seen=seen,
        last_seen=seen,
    )


def _minute(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
