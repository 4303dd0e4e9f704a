"""The JSON documents that commands print; `cargo_static_index/schemas/` has their schemas."""

from typing import Literal

from msgspec import Struct

from cargo_static_index.report import Became


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
    became: Became
    name: str
    version: str
    checksum: str
    problems: tuple[ProblemDocument, ...]


class PassDocument(Struct, frozen=True, kw_only=True):
    """What `build`, `add` or `check` did. `changed` are paths of the tree; in a dry run all of it is what would be."""

    schema: Literal[1] = 1
    command: Literal["build", "add", "check"]
    dry_run: bool
    files: tuple[FileDocument, ...]
    changed: tuple[str, ...]
    notes: tuple[str, ...]
    counts: dict[Became, int]


class ReleaseDocument(Struct, frozen=True, kw_only=True):
    """One line of `list --json`: a release that is held."""

    schema: Literal[1] = 1
    name: str
    version: str
    checksum: str
    yanked: bool
    pubtime: str | None
