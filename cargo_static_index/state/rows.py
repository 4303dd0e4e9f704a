"""What the state's rows are as values."""

from typing import Literal

from msgspec import Struct

from cargo_static_index.diagnostics.rules import Problem

Outcome = Literal["published", "unchanged", "refused", "waiting"]


class Release(Struct, frozen=True, kw_only=True):
    """A published release, as its index line says."""

    vers: str
    cksum: str
    yanked: bool
    pubtime: str | None


class CrateChange(Struct, frozen=True, kw_only=True):
    """What changed of a published crate: releases that came or changed, and versions that went."""

    key: str
    name: str
    releases: tuple[Release, ...] = ()
    gone: tuple[str, ...] = ()


class Dropped(Struct, frozen=True, kw_only=True):
    """What became of one file of the drop directory.

    `folder` is relative to the drop directory ("" for itself), both names as `os` gives them.
    `fingerprint` is what the scan gave; b"" means that the file must be looked at again.
    `judged` is a digest of the tool, the rules and the settings that judged it; times are whole seconds.
    """

    folder: str
    file: str
    fingerprint: bytes
    outcome: Outcome
    judged: str
    first_seen: int
    last_seen: int
    cksum: str = ""
    name: str = ""
    vers: str = ""
    problems: tuple[Problem, ...] = ()

    @property
    def path(self) -> str:
        """Where the file is, relative to the drop directory."""
        return join(self.folder, self.file)


def join(folder: str, file: str) -> str:
    """Join a folder of the drop directory and a name in it; both may be empty."""
    return f"{folder}/{file}" if folder and file else folder or file
