"""The normalised Cargo.toml of a packaged crate, and the index line it gives (cargo's book: "The Manifest Format").

The model is what cargo reads of a *downloaded* crate's manifest, not what an author may write.
"""

from msgspec import Struct

from cargo_static_index.protocol.index import Kind


class ManifestDependency(Struct, frozen=True, kw_only=True):
    """One dependency as the manifest states it. `registry_index` None means crates.io."""

    name: str
    """The key in the table: the alias where `package` is given."""
    req: str
    """The requirement as the `semver` crate prints it (`^1`, `>=1, <2`)."""
    features: tuple[str, ...]
    optional: bool
    default_features: bool
    target: str | None
    kind: Kind
    registry_index: str | None
    package: str | None


class Manifest(Struct, frozen=True, kw_only=True):
    """What cargo, crates.io and people want to know of a packaged manifest."""

    name: str
    version: str
    edition: str
    rust_version: str | None
    links: str | None
    authors: tuple[str, ...]
    description: str | None
    homepage: str | None
    documentation: str | None
    repository: str | None
    license: str | None
    license_file: str | None
    readme: str | None
    """Path inside the package; None where the manifest says `false` or nothing."""
    keywords: tuple[str, ...]
    categories: tuple[str, ...]
    publish: tuple[str, ...] | None
    """Registries that may hold it: None any, `()` none."""
    dependencies: tuple[ManifestDependency, ...]
    features: dict[str, tuple[str, ...]]
    lib: str | None
    """The library's name in code, None without a library."""
    proc_macro: bool
    bins: tuple[str, ...]
