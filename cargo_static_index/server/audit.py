"""The audit file: who changed what, from where, and what came of it. It is only ever appended to, a file a month.

It lies in the private folder, as `audit/2026-01.jsonl`. No token stands in it, only the ids of tokens.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from cargo_static_index.diagnostics.errors import StoreError
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
    """Appends to the audit file of a private folder, made if missing, for its owner alone."""

    def __init__(self, private: Path) -> None:
        self._folder = private / FOLDER

    def append(self, entry: AuditEntry) -> None:
        """Append one line, as a whole; raises StoreError."""
        path = self._folder / f"{entry.time[:7]}.jsonl"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                os.write(descriptor, msgspec.json.encode(entry) + b"\n")
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StoreError(f"the audit file {str(path)!r} cannot be written: {error.strerror}") from error

    def entries(self) -> Iterator[AuditEntry]:
        """Give all entries, oldest first; a line that a crash cut short is left out."""
        for path in sorted(self._folder.glob("*.jsonl")):
            with path.open("rb") as lines:
                for line in lines:
                    try:
                        yield msgspec.json.decode(line, type=AuditEntry)
                    except msgspec.MsgspecError:
                        continue


def now_written(seconds: int) -> str:
    """Give a time as entries have it."""
    return f"{utc_time(seconds):%Y-%m-%dT%H:%M:%SZ}"
