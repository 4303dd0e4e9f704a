"""Compressed copies of pages and assets, for servers that look for them beside what is asked for."""

import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath
from types import ModuleType

from cargo_static_index.diagnostics.errors import extra_missing

_KINDS = frozenset({".html", ".xml", ".css", ".js", ".svg"})
"""What browsers ask for, and is text. Index files have none of these endings: an old copy would hide lines."""

_COPIES = (".gz", ".br")

_BROTLI_QUALITY = 9
"""Three hundredths more than at the highest, 11, in a tenth of the time."""


def copies_of(path: str) -> tuple[str, ...]:
    """Give the paths of the copies of a file of the tree; none where it has no copies."""
    is_page = PurePosixPath(path).suffix in _KINDS and not path.startswith("index/")
    return tuple(path + ending for ending in _COPIES) if is_page else ()


def original_of(path: str) -> str | None:
    """Give the path of what a file is a copy of; None where it is no copy."""
    original = path[:-3]
    return original if path in copies_of(original) else None


def compressed(path: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Give the copies of a file by path: the same bytes for the same content; SettingsError where brotli is missing."""
    for copy in copies_of(path):
        yield copy, _gzipped(content) if copy.endswith(".gz") else _brotli(content)


def is_copy(path: str, content: bytes, original: bytes) -> bool:
    """Whether the content of a copy says what its original does; SettingsError where brotli is missing."""
    if path.endswith(".gz"):
        unpack, failure = partial(zlib.decompress, wbits=31), zlib.error
    else:
        unpack, failure = need_brotli().decompress, need_brotli().error
    try:
        return bool(unpack(content) == original)
    except failure:
        return False


def _gzipped(content: bytes) -> bytes:
    packer = zlib.compressobj(9, wbits=31)  # whose header holds no time
    return packer.compress(content) + packer.flush()


def _brotli(content: bytes) -> bytes:
    packed: bytes = need_brotli().compress(content, mode=1, quality=_BROTLI_QUALITY)
    return packed


def need_brotli() -> ModuleType:
    """Give what makes `.br`, or raise SettingsError."""
    try:
        import brotli  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise extra_missing("`precompress` needs", "precompress") from error
    found: ModuleType = brotli
    return found
