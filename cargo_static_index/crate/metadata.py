"""Metadata: what an archive says, as one JSON document of a fixed shape, stored beside it under its checksum.

Made once, from the archive's bytes alone; pages, `verify`, `reindex` and `rebuild` read it, and no archives.
"""

from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from cargo_static_index._json import UNREADABLE
from cargo_static_index.diagnostics.errors import InvalidConfig, InvalidDocument
from cargo_static_index.protocol.manifest.manifest import Manifest
from cargo_static_index.protocol.registries import normalise_index_url


class Document(Struct, frozen=True, kw_only=True):
    """A README or CHANGELOG: its path in the package, size in bytes, and its text or why it is not here."""

    path: str
    size: int
    text: str | None
    missing: Literal["too-large", "not-utf8", "not-found"] | None = None
    origin: str | UnsetType = UNSET
    """Where it lay if cargo copied it into the package: from there (`../../README.md`), or from the repository's root
    (`/README.md`). Its links start there."""


class VcsInfo(Struct, frozen=True, kw_only=True):
    """What `.cargo_vcs_info.json` says: the commit, whether it was dirty, and the package's path in the repository.

    The format is cargo's (its book: "cargo package", section ".cargo_vcs_info.json format").
    """

    sha1: str | None
    dirty: bool
    path_in_vcs: str


class File(Struct, frozen=True, kw_only=True, array_like=True):
    """A file of the package: its path below the package's directory, and its size in bytes."""

    path: str
    size: int


class CrateMetadata(Struct, frozen=True, kw_only=True):
    """What one archive says. Sizes are bytes; `cksum` is the archive's SHA-256 in lower-case hex."""

    schema: Literal[1] = 1
    cksum: str
    packed_size: int
    unpacked_size: int
    manifest: Manifest
    readme: Document | None
    changelog: Document | None
    vcs: VcsInfo | None
    files: tuple[File, ...]
    license_origin: str | UnsetType = UNSET
    """Where the file that `license-file` names lay if cargo copied it into the package, as a README's `origin`."""


_BEGINS = b'{"schema":'

_encode = msgspec.json.Encoder(order=None).encode
_decode = msgspec.json.Decoder(CrateMetadata).decode


def format_metadata(metadata: CrateMetadata) -> bytes:
    """Give the document's bytes: compact JSON, keys in the order of the types, one newline at the end."""
    return _encode(metadata) + b"\n"


def parse_metadata(content: bytes) -> CrateMetadata:
    """Read the metadata of an archive, or raise InvalidDocument, also where it does not say that it is this.

    Metadata of which no line can be made is none: `check_crate` gives none of such an archive.
    """
    if not content.startswith(_BEGINS):
        raise InvalidDocument("not the metadata of an archive: it does not begin with its schema")
    try:
        metadata = _decode(content)
        for url in {dep.registry_index for dep in metadata.manifest.dependencies if dep.registry_index is not None}:
            normalise_index_url(url)
    except (*UNREADABLE, InvalidConfig) as error:
        raise InvalidDocument(f"not the metadata of an archive: {error}") from error
    return metadata
