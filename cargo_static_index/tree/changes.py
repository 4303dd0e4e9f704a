"""What stands in a tree for the state that writers on several hosts lack: how names are spelled, and what changed.

`names/KEY.json` holds the spelling of the crate under a collision key, claimed before its first line is written.
`begun/ID.json` is the intent of a change of index files, written before them; `changes/ID.json` tells of a change that
is done, and takes the intent's place. Ids begin with the time, so that who has seen one lists what came after it.
Only their content is law to nobody: a tree without them is the same tree, and they are left out where trees are
compared, and where one is copied. In a folder, names stand in the state, and an intent lasts as long as a batch.
"""

from datetime import UTC, datetime
from typing import Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from cargo_static_index._json import read_json
from cargo_static_index.tree.documents import Delta, DigestOfAny, difference

NAMES: Final = "names"
BEGUN: Final = "begun"
CHANGES: Final = "changes"
PASSING: Final = (NAMES, BEGUN, CHANGES)
"""The folders that no copy of a tree needs."""

BEFORE_ALL: Final = "0"
"""Sorts before the id of every change."""

KEPT_IDS: Final = 40
"""Ids of changes that a file is kept with: 2,048 bytes are all that S3 takes of metadata, with its keys."""

_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"


class Claim(Struct, frozen=True, kw_only=True):
    """Who has a name: its spelling, and when it was claimed, as `pubtime` is written."""

    schema: Literal[1] = 1
    name: str
    claimed: str


class Weight(Struct, frozen=True, kw_only=True):
    """What an index file counts for in tree.json: its digest in hexadecimal, "" where there is none."""

    digest: DigestOfAny = ""
    releases: int = 0

    @property
    def number(self) -> int:
        """The digest as a number, as they are added up."""
        return int(self.digest or "0", 16)


class ChangedFile(Struct, frozen=True, kw_only=True):
    """An index file, what it was and what it is after the change.

    `removed` and `tombstones` are what the change adds to what was removed, and to the sum of that.
    """

    name: str
    path: str
    before: Weight
    after: Weight
    removed: int = 0
    tombstones: DigestOfAny = ""


class ChangeRecord(Struct, frozen=True, kw_only=True):
    """A change of index files, all of them in one go: begun when, and what it makes of them.

    As long as it is not done, `rows_gone` are the rows (list, key) that lists lose by it: once a crate's pages are
    made, nothing else tells of them.
    """

    schema: Literal[1] = 1
    begun: str
    files: tuple[ChangedFile, ...]
    rows_gone: tuple[tuple[str, str], ...] | UnsetType = UNSET


def change_id(now: datetime, nonce: str) -> str:
    """Give the id of a change: ids sort as their times do, and no two are the same, whatever the clocks say."""
    return f"{now.astimezone(UTC).strftime(_STAMP)}-{nonce}"


def nonce_of(identity: str) -> str:
    """Give the part of an id that tells it from all others, which files are kept with."""
    return identity.rpartition("-")[2]


def time_of(identity: str) -> datetime | None:
    """Give the time that an id begins with; None for what is no id."""
    try:
        return datetime.strptime(identity.partition("-")[0], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def name_file(key: str) -> str:
    """Give the path of what says how the crate under a collision key is spelled."""
    return f"{NAMES}/{key}.json"


def begun_file(identity: str) -> str:
    """Give the path of the intent of a change."""
    return f"{BEGUN}/{identity}.json"


def change_file(identity: str) -> str:
    """Give the path of the record of a change that is done."""
    return f"{CHANGES}/{identity}.json"


def identity_of(path: str) -> str:
    """Give the id that a path of an intent or a record is made of."""
    return path.rpartition("/")[2].removesuffix(".json")


def delta_of(file: ChangedFile) -> Delta:
    """Give what a change of one index file adds to tree.json."""
    buried = Delta(removed=file.removed, tombstones=int(file.tombstones or "0", 16))
    return difference(_delta(file.after), _delta(file.before)) + buried


def _delta(weight: Weight) -> Delta:
    return Delta(crates=int(weight.releases > 0), releases=weight.releases, digest=weight.number)


def parse_claim(content: bytes) -> Claim:
    """Read what says how a name is spelled, or raise InvalidDocument."""
    return read_json(content, Claim, "a document of changes")


def parse_change(content: bytes) -> ChangeRecord:
    """Read an intent or the record of a change, or raise InvalidDocument."""
    return read_json(content, ChangeRecord, "a document of changes")


def format_change(document: Claim | ChangeRecord) -> bytes:
    """Give the bytes of one of these documents."""
    return msgspec.json.encode(document) + b"\n"
