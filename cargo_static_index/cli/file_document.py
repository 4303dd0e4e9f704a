"""What became of one file, as every output format of a build has it."""

from typing import Literal

from msgspec import Struct

from cargo_static_index.crate.candidate import FileStatus


class ProblemDocument(Struct, frozen=True, kw_only=True):
    """One problem: the rule's id, how bad it is, where it is (in the crate), what it is, and the way out."""

    rule: str
    level: Literal["error", "warning"]
    message: str
    place: str
    way_out: str


class FileDocument(Struct, frozen=True, kw_only=True):
    """What became of one file; name, version and checksum are empty where they could not be read."""

    path: str
    became: FileStatus
    name: str
    version: str
    checksum: str
    problems: tuple[ProblemDocument, ...]
