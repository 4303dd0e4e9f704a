"""The refused files that a page shows: those in the drop directory, and those that were moved out of it."""

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from cargo_static_index.crate.candidate import Outcome
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.diagnostics.problems import Problem, problem
from cargo_static_index.diagnostics.rules import RULES
from cargo_static_index.registry.dispose import RefusalDocument
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.site.front import RefusedFile

_ENDING = ".crate.json"


def refused_files(transaction: Transaction, moved_to: Path | None, seen: int, shown: int) -> Iterator[RefusedFile]:
    """Give the refused files by path: what the state knows of the drop directory, then what was moved away.

    `seen` is when the drop directory was last looked at: all of the first were there then. Only `shown` files are read
    of those that were moved; of the others, which are counted alone, no more is known than their paths.
    """
    given = 0
    for outcome in transaction.state.drop_files.refused():
        given += 1
        yield _dropped(outcome, max(outcome.last_seen, seen))
    for path in _documents_below(moved_to) if moved_to is not None else ():
        document = _read(path) if given < shown else None
        if document is not None and not _is_published(transaction, document):
            given += 1
            yield _moved(path, moved_to or path, document)
        elif given >= shown:
            yield RefusedFile(path=escape(str(path)), problems=(), first_seen="", last_seen="")


def _documents_below(folder: Path) -> list[Path]:
    """Give the documents below a folder that have their file beside them."""
    found: list[str] = []  # text: a Path for each would cost as much as all else
    for place, folders, files in os.walk(folder):
        beside = {*folders, *files}
        found += (f"{place}/{name}" for name in files if name.endswith(_ENDING) and name[:-5] in beside)
    return [Path(path) for path in sorted(found)]


def _is_published(transaction: Transaction, file: RefusalDocument) -> bool:
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


def _read(path: Path) -> RefusalDocument | None:
    """Read what lies beside a file that was moved; None for what is not of ours."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(opened, "rb") as file:
            return msgspec.json.decode(file.read(), type=RefusalDocument)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _moved(path: Path, folder: Path, document: RefusalDocument) -> RefusedFile:
    seen = f"{document.seen[:10]} {document.seen[11:16]} UTC" if document.seen else ""
    return RefusedFile(
        path=escape(str(path.relative_to(folder).with_suffix(""))),
        problems=_in_words_of_rules(document.problems),
        first_seen=seen,
        last_seen=seen,
    )


def _minute(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
