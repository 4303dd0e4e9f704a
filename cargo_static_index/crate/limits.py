"""How much of an archive is read: every limit is a number with its reason."""

from msgspec import Struct
from msgspec.structs import asdict

from cargo_static_index.diagnostics.errors import InvalidInput

MIB = 1 << 20


class Limits(Struct, frozen=True, kw_only=True):
    """Limits of one crate; sizes are bytes. InvalidInput where one is less than 0."""

    packed_bytes: int = 100 * MIB
    """Ten times what crates.io takes (10 MiB), for crates with generated code or prebuilt libraries."""
    unpacked_bytes: int = 512 * MIB
    """Cargo's own guard (src/sources/registry/mod.rs, `max_unpack_size`): lower would refuse what cargo unpacks."""
    unpacked_ratio: int = 20
    """Cargo's too: it unpacks up to the larger of `unpacked_bytes` and this many times the packed size."""
    entries: int = 100_000
    """Forty times openssl-src, which holds all of OpenSSL; a million would cost a client's disk its inodes."""
    path_bytes: int = 1024
    """macOS opens no longer path (`PATH_MAX`), and the caller's memory holds every path."""
    paths_bytes: int = 16 * MIB
    """All paths together: 160 bytes for each of the most entries."""
    manifest_bytes: int = MIB
    """Seventeen times the manifest of web-sys, which has a feature for each type of the web."""
    manifest_start: int = 32 * 1024
    manifest_ratio: int = 20
    """Cargo.toml may have `manifest_start` bytes and so many times the packed size: those of people shrink to a fifth.
    What lines and pages say of a crate grows with its manifest, so that no crate costs much more than it is."""
    list_entries: int = 500
    """Of authors, keywords, categories and programs; as many as dependencies."""
    text_length: int = 16 * 1024
    """Characters of each text of `[package]`, and of all dependencies' targets together, which lines repeat for each;
    crates.io takes descriptions of 1,000."""
    readme_bytes: int = 512 * 1024
    """A README or CHANGELOG becomes a page that people open; tokio's CHANGELOG, a long one, has 190 KiB."""
    documents_bytes: int = 4 * MIB
    """What is kept of one archive until its README is known, and as much again for likely names."""
    dependencies: int = 500
    """As crates.io (`MAX_DEPENDENCIES`)."""
    features: int = 5000
    """For the features and for what one of them turns on. crates.io starts at 300 and makes exceptions by hand: of
    real crates `web-sys` has 1,727; a line of 5,000 is some hundred kilobytes, which clients still read at once."""

    def __post_init__(self) -> None:
        for name, limit in asdict(self).items():
            if not isinstance(limit, int) or limit < 0:
                raise InvalidInput(f"`{name}` is {limit!r}, and a limit is a whole number, at least 0")

    def manifest_limit(self, packed_size: int) -> int:
        """Give the bytes that Cargo.toml may have in an archive of this size."""
        return min(self.manifest_bytes, self.manifest_start + self.manifest_ratio * packed_size)

    def unpacked_limit(self, packed_size: int) -> int:
        """Give the bytes of tar that cargo would read from an archive of this size.

        cargo: src/sources/registry/mod.rs, `max_unpack_size`.
        """
        return max(self.unpacked_bytes, self.unpacked_ratio * packed_size)
