"""What the state's rows are as values."""

from msgspec import Struct


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
