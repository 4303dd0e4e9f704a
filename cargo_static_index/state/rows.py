"""What the state's rows are as values."""

from msgspec import Struct


class Release(Struct, frozen=True, kw_only=True):
    """A published release, as its index line says."""

    vers: str
    cksum: str
    yanked: bool
    pubtime: str | None


class Removed(Struct, frozen=True, kw_only=True):
    """A release that was removed, as its tombstone says."""

    vers: str
    cksum: str
    yanked: bool
    pubtime: str | None
    when: str | None = None


class CrateChange(Struct, frozen=True, kw_only=True):
    """What changed of a published crate: releases that came or changed, versions that went, and what was removed."""

    key: str
    name: str
    releases: tuple[Release, ...] = ()
    gone: tuple[str, ...] = ()
    removed: tuple[Removed, ...] = ()
    brought_back: tuple[str, ...] = ()
