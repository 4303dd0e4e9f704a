"""What one pass has read and what it has begun: on disk, so that a million new files need no more memory than one."""

import os
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from cargo_static_index.catalogue import schema
from cargo_static_index.catalogue.database import Database
from cargo_static_index.catalogue.drops import decode_problems, encode_problems
from cargo_static_index.catalogue.rows import Incoming, Intent, Need

_needs = msgspec.json.Decoder(frozenset[Need]).decode


class Readings:
    """The new files of this pass, by collision key. They vanish when the catalogue is closed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, rows: Iterable[Incoming]) -> None:
        """Keep some readings."""
        self._database.run_many(schema.INCOMING_INSERT, map(_values, rows))

    def keys(self) -> Iterator[str]:
        """Give each collision key once, sorted."""
        rows = self._database.pages(schema.INCOMING_KEYS, ("",), lambda row: (row[0],))
        return (row[0] for row in rows)

    def of(self, key: str) -> list[Incoming]:
        """Give the readings of one collision key, by folder and file."""
        return [_incoming(row) for row in self._database.all(schema.INCOMING_OF, (key,))]

    def clear(self) -> None:
        """Forget all readings."""
        self._database.run(schema.INCOMING_CLEAR)


class Intents:
    """The files of the tree that a pass was about to change; what is left when a pass begins was not finished."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, intents: Iterable[Intent]) -> None:
        """Write down what is about to be changed; a later intent for the same path takes the place of the first."""
        rows = ((intent.path, intent.kind, intent.detail) for intent in intents)
        with self._database.writing():
            self._database.run_many(schema.INTENT_BEGIN, rows)

    def finish(self, paths: Iterable[str]) -> None:
        """Strike out what was done."""
        with self._database.writing():
            self._database.run_many(schema.INTENT_FINISH, ((path,) for path in paths))

    def unfinished(self) -> Iterator[Intent]:
        """Give what was begun and not finished, by path."""
        rows = self._database.pages(schema.INTENT_PAGE, ("",), lambda row: (row[0],))
        return (Intent(path=path, kind=kind, detail=detail) for path, kind, detail in rows)


def _values(row: Incoming) -> tuple[Any, ...]:
    return (
        os.fsencode(row.folder),
        os.fsencode(row.file),
        row.fingerprint,
        row.key,
        row.name,
        row.vers,
        row.cksum,
        row.line,
        msgspec.json.encode(row.needs),
        encode_problems(row.problems),
        row.staged,
    )


def _incoming(row: tuple[Any, ...]) -> Incoming:
    folder, file, fingerprint, key, name, vers, cksum, line, needs, problems, staged = row
    return Incoming(
        folder=os.fsdecode(folder),
        file=os.fsdecode(file),
        fingerprint=fingerprint,
        key=key,
        name=name,
        vers=vers,
        cksum=cksum,
        line=line,
        needs=_needs(needs),
        problems=decode_problems(problems),
        staged=staged,
    )
