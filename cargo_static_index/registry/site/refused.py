"""The refused files that a page shows: those in the drop directory, and those that were moved out of it."""

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from cargo_static_index.crate.candidate import Outcome
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.diagnostics.rules import RULES, Problem, problem
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
            document = _read(path)
            if document and not _is_published(transaction, document):
                yield _moved(path, moved_to, document)


def _is_published(transaction: Transaction, file: Refused) -> bool:
    """Whether a file was published after all since it was moved, as a removed release that was brought back is."""
    releases = transaction.state.published.releases(file.name) if file.name else []
    return any((each.vers, each.cksum) == (file.vers, file.cksum) for each in releases)


def _in_words_of_rules(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    # Attack: what the drop directory has led to is no crate but a private file; the pages are public, and what a
    # sentence quotes of it would be read by everybody.
    return tuple(problem(rule) for rule in dict.fromkeys(each.rule for each in problems) if rule in RULES)


def _dropped(outcome: Outcome, last_seen: int) -> RefusedFile:
    first, last = _minute(outcome.first_seen), _minute(last_seen)
    return RefusedFile(
        path=escape(outcome.candidate.file.path),
        problems=_in_words_of_rules(outcome.problems),
        first_seen=first,
        # Of the last time only the day counts: a pass that finds the same once more on a day has nothing to write.
        last_seen=first if first[:10] == last[:10] else last[:10],
    )


def _read(path: Path) -> Refused | None:
    """Read what lies beside a file that was moved; None for what is not of ours, or has no such file beside it."""
    if not os.path.lexists(path.with_suffix("")):
        return None
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(opened, "rb") as file:
            return msgspec.json.decode(file.read(), type=Refused)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _moved(path: Path, folder: Path, document: Refused) -> RefusedFile:
    seen = f"{document.seen[:10]} {document.seen[11:16]} UTC" if document.seen else ""
    return RefusedFile(
        path=escape(str(path.relative_to(folder).with_suffix(""))),
        problems=_in_words_of_rules(document.problems),
        first_seen=seen,
        last_seen=seen,
    )


def _minute(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
