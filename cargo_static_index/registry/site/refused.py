"""The refused files that a page shows: those in the drop directory, and those that were moved out of it."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice
from pathlib import Path

import msgspec

from cargo_static_index._json import UNREADABLE
from cargo_static_index.crate.candidate import Outcome
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.diagnostics.problems import Problem, in_words_of_its_rule
from cargo_static_index.diagnostics.rule import Rule
from cargo_static_index.diagnostics.rules import RULES
from cargo_static_index.registry.dispose import RefusalDocument
from cargo_static_index.registry.drop import Drop, objects_of
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.site.front import RefusedFile
from cargo_static_index.store.bucket import Bucket, Whereabouts

_ENDING = ".crate.json"


class RefusedFiles:
    """The refused files by path: what the state knows of the drop directory, then what was moved away.

    `seen` is when the drop directory was last looked at: all of the first were there then.
    """

    def __init__(self, transaction: Transaction, moved_to: Whereabouts | None, seen: int) -> None:
        self._transaction = transaction
        self._dropped = transaction.state.drop_files
        self._moved_to = moved_to
        self._seen = seen
        self._documents, self._changed = _documents_below(moved_to) if moved_to is not None else ([], b"")

    def digest(self) -> bytes:
        """Sum up all that a page of them is made of; no file is read for it, and no row."""
        day = _minute(self._seen)[:10]
        published = self._transaction.record.digest if self._documents else ""
        parts = (self._dropped.refusals(), day, published, self._changed, self._documents)
        return blake2b(repr(parts).encode(), digest_size=16).digest()

    def first(self, number: int) -> tuple[list[RefusedFile], int]:
        """Give the first so many, and how many more there are: of those that were moved, no more is known then."""
        dropped = islice(self._dropped.refused(), number)
        found = [_dropped(outcome, max(outcome.last_seen, self._seen)) for outcome in dropped]
        more = self._dropped.refused_count() - len(found)
        documents = iter(self._documents)
        found += islice(self._moved(documents), number - len(found))
        return found, more + sum(1 for _ in documents)

    def _moved(self, paths: Iterable[str]) -> Iterator[RefusedFile]:
        if self._moved_to is None:
            return
        drop = Drop(path=self._moved_to)
        for path in paths:
            document = _document_of(drop.content(path))
            if document is not None and not _is_published(self._transaction, document):
                yield _moved(path, document)


def _documents_below(place: Whereabouts) -> tuple[list[str], bytes]:
    """Give the paths below a place of the documents that have their file beside them, and what sums up their state."""
    return objects_of(place).documents() if isinstance(place, Bucket) else _documents_below_folder(place)


def _documents_below_folder(folder: Path) -> tuple[list[str], bytes]:
    found: list[str] = []
    changed: list[int] = []
    for place, folders, files in os.walk(folder):
        beside = {*folders, *files}
        below = os.path.relpath(place, folder)
        named = (name for name in files if name.endswith(_ENDING) and name[:-5] in beside)
        found += named if below == "." else (f"{below}/{name}" for name in named)
        with suppress(FileNotFoundError):
            changed.append(Path(place).stat().st_mtime_ns)
    return sorted(found), repr(changed).encode()


def _is_published(transaction: Transaction, file: RefusalDocument) -> bool:
    """Whether a file was published after all since it was moved, as a removed release that was brought back is."""
    releases = transaction.state.published.releases(file.name) if file.name else []
    return any((release.vers, release.cksum) == (file.vers, file.cksum) for release in releases)


def _in_words_of_rules(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    # Attack: what the drop directory has led to is no crate but a private file; the pages are public, and what a
    # sentence quotes of it would be read by everybody.
    told = {problem.rule: problem for problem in problems if isinstance(problem.own, Rule) or problem.rule in RULES}
    return tuple(in_words_of_its_rule(problem) for problem in told.values())


def _dropped(outcome: Outcome, last_seen: int) -> RefusedFile:
    first, last = _minute(outcome.first_seen), _minute(last_seen)
    return RefusedFile(
        path=escape(outcome.candidate.file.path),
        problems=_in_words_of_rules(outcome.problems),
        first_seen=first,
        # Of the last time only the day counts: a build that finds the same once more on a day has nothing to write.
        last_seen=first if first[:10] == last[:10] else last[:10],
    )


def _document_of(content: bytes | None) -> RefusalDocument | None:
    """Read what lies beside a file that was moved; None for what is not of ours."""
    try:
        return msgspec.json.decode(content, type=RefusalDocument) if content else None
    except UNREADABLE:
        return None


def _moved(path: str, document: RefusalDocument) -> RefusedFile:
    seen = f"{document.seen[:10]} {document.seen[11:16]} UTC" if document.seen else ""
    return RefusedFile(
        path=escape(path.removesuffix(".json")),
        problems=_in_words_of_rules(document.problems),
        first_seen=seen,
        last_seen=seen,
    )


def _minute(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
