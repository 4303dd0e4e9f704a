"""The audit file: who changed what, from where, and what came of it. It is only ever appended to, a file a month.

It lies in the private place, as `audit/2026-01.jsonl`; in a bucket each line is an object, `audit/2026-01/TIME-….json`.
No token stands in it, only the ids of tokens.
"""

from collections.abc import Iterator
from typing import Final, Literal

import msgspec
from msgspec import Struct

from cargo_static_index._json import UNREADABLE
from cargo_static_index.server.private import PrivatePlace
from cargo_static_index.server.tokens import utc_time

FOLDER: Final = "audit"


class AuditEntry(Struct, frozen=True, kw_only=True):
    """One change, or what was refused of one; `outcome` is "done", or the reason against it."""

    schema: Literal[1] = 1
    time: str
    """As `pubtime` is written."""
    user: str
    token: str | None = None
    action: str
    crate: str = ""
    version: str = ""
    about: str = ""
    """What else there is to say: owners, a checksum."""
    client: str
    """The address that it came from, or "command line"."""
    claims: dict[str, str] = {}
    """Of trusted publishing: what the job's token claimed."""
    outcome: str = "done"


class AuditFile:
    """The audit file of a private place."""

    def __init__(self, private: PrivatePlace) -> None:
        self._private = private

    def append(self, entry: AuditEntry) -> None:
        """Append one line, as a whole; raises StoreError."""
        self._private.append(f"{FOLDER}/{entry.time[:7]}", entry.time.replace(":", ""), msgspec.json.encode(entry))

    def entries(self) -> Iterator[AuditEntry]:
        """Give all entries, oldest first; a line that a crash cut short is left out."""
        for line in self._private.lines(FOLDER):
            try:
                yield msgspec.json.decode(line, type=AuditEntry)
            except UNREADABLE:
                continue


def now_written(seconds: int) -> str:
    """Give a time as entries have it."""
    return f"{utc_time(seconds):%Y-%m-%dT%H:%M:%SZ}"
