"""Index files: one JSON line a version (cargo's book: "Registry Index", section "JSON schema").

Lines that we write have the keys, the order and the bytes of crates.io (crates/crates_io_index/src/data.rs),
with `registry` between `kind` and `package`. Lines found are kept byte for byte, whatever stands in them.
"""

from typing import Literal

from msgspec import Struct

Kind = Literal["normal", "build", "dev"]


class Dependency(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One dependency of a line; `name` is the alias where `package` is given. `registry` None means the line's own."""

    name: str
    req: str
    features: tuple[str, ...]
    optional: bool
    default_features: bool
    target: str | None
    kind: Kind
    registry: str | None = None
    package: str | None = None


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of an index file, with the keys that crates.io writes, in its order."""

    name: str
    vers: str
    deps: tuple[Dependency, ...]
    cksum: str
    features: dict[str, tuple[str, ...]]
    features2: dict[str, tuple[str, ...]] | None = None
    yanked: bool
    links: str | None = None
    rust_version: str | None = None
    pubtime: str | None = None
    v: int | None = None
