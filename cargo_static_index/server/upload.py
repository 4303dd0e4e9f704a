"""The body of `PUT /api/v1/crates/new`, as bytes: a length, metadata as JSON, a length, the archive, and no more.

Cargo's book: "Registry Web API", section "Publish". Nothing here knows of sockets or files.
"""

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from cargo_static_index._json import UNREADABLE
from cargo_static_index.diagnostics.errors import InvalidName, InvalidVersion
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.protocol.names import parse_crate_name
from cargo_static_index.protocol.semver import parse_version

METADATA_BYTES: Final = 1 << 20
"""As crates.io (`JSON metadata blob too large`)."""

_LENGTH: Final = 4
"""Bytes of each of the two lengths: 32 bits, unsigned, little-endian."""


def largest_body(packed_bytes: int) -> int:
    """Give the bytes of the largest body there is where an archive has at most `packed_bytes`."""
    return packed_bytes + METADATA_BYTES + 2 * _LENGTH


class InvalidUpload(Exception):
    """A body that is no publish request: `status` is the HTTP status to answer with."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class UploadMetadata(Struct, frozen=True):
    """What is read of the metadata: all else is taken from the archive, which alone is published."""

    name: str
    vers: str


_decode = msgspec.json.Decoder(UploadMetadata).decode


class UploadReader:
    """Reads a body as it comes: `feed` takes its bytes and gives those of the archive among them.

    `declared` is the Content-Length, where there is one: what it contradicts is refused before the bytes are there.
    """

    def __init__(self, packed_bytes: int, declared: int | None = None) -> None:
        self._limit = packed_bytes
        self._declared = declared
        self.metadata: UploadMetadata | None = None
        """The metadata, once it is there."""
        self._waiting = bytearray()
        self._wanted = _LENGTH
        self._take: Callable[[bytes], None] | None = self._take_metadata_size
        """Takes the next `_wanted` bytes; None once all that comes is of the archive."""
        self._before = 2 * _LENGTH
        self._size = 0
        self._received = 0
        if declared is not None and declared > largest_body(packed_bytes):
            raise self._too_large(declared)

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes, and give those of the archive; raises InvalidUpload."""
        self._waiting += chunk
        while self._take is not None and len(self._waiting) >= self._wanted:
            part = bytes(self._waiting[: self._wanted])
            del self._waiting[: self._wanted]
            self._take(part)
        if self._take is not None:
            return b""
        chunk, self._waiting = bytes(self._waiting), bytearray()
        self._received += len(chunk)
        if self._received > self._size:
            raise InvalidUpload(400, f"the body goes on behind the {self._size} bytes of the archive")
        return chunk

    def finish(self) -> UploadMetadata:
        """Say that the body has ended, and give its metadata; raises InvalidUpload where something is missing."""
        if self._take is not None or self.metadata is None:
            raise InvalidUpload(400, "the body ends before the archive begins")
        if self._received < self._size:
            raise InvalidUpload(400, f"the body ends after {self._received} of the archive's {self._size} bytes")
        return self.metadata

    def _take_metadata_size(self, part: bytes) -> None:
        self._wanted = int.from_bytes(part, "little")
        self._take = self._take_metadata
        if self._wanted > METADATA_BYTES:
            raise InvalidUpload(413, f"the metadata has {self._wanted} bytes; the most is {METADATA_BYTES}")
        self._before += self._wanted
        if self._declared is not None and self._declared < self._before:
            raise self._contradiction(self._before)

    def _take_metadata(self, part: bytes) -> None:
        self.metadata = parse_upload(part)
        self._wanted = _LENGTH
        self._take = self._take_archive_size

    def _take_archive_size(self, part: bytes) -> None:
        self._size = int.from_bytes(part, "little")
        self._take = None
        if self._size > self._limit:
            raise self._too_large(self._size)
        if self._declared not in {None, self._before + self._size}:
            raise self._contradiction(self._before + self._size)

    def _contradiction(self, size: int) -> InvalidUpload:
        return InvalidUpload(
            400, f"the lengths in the body make {size} bytes, but the request says that it has {self._declared}"
        )

    def _too_large(self, size: int) -> InvalidUpload:
        return InvalidUpload(413, f"the archive has {size} bytes; this registry takes at most {self._limit}")


def parse_upload(content: bytes) -> UploadMetadata:
    """Read the metadata, or raise InvalidUpload."""
    try:
        metadata = _decode(content)
        parse_crate_name(metadata.name)
        parse_version(metadata.vers)
    except UNREADABLE as error:
        raise InvalidUpload(400, f"the metadata cannot be read: {escape(str(error))}") from error
    except (InvalidName, InvalidVersion) as error:
        raise InvalidUpload(400, escape(str(error))) from error
    return metadata
