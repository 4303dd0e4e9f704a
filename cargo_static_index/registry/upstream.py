"""What crates.io says of the releases that a mirror holds: a folder of its index lines, which somebody brought.

They lie there as the index serves them, or as cargo caches them.
"""

from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from cargo_static_index.crate.candidate import Candidate
from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.protocol.index_entry import parse_entry
from cargo_static_index.protocol.index_file import IndexFile, Line, new_line, parse_index, parse_line
from cargo_static_index.protocol.names import index_path
from cargo_static_index.store.local.system import read_at

_CACHE = b"\x03"
"""What a file of the cache begins with: its format, then the index's in four bytes.

Then come the ETag, and version and line of each release, all with a NUL behind them (cargo:
src/sources/registry/index/cache.rs).
"""


LARGEST = 64 << 20
"""Bytes of a file that is read; the largest index file of crates.io has some 3 MiB."""


class UpstreamIndex:
    """A folder of index lines: a sparse index's files, cargo's index cache, or `NAME.json`, each with a crate's lines.

    A line counts for a release of the same name, version and checksum alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def lines_of(self, name: str) -> Mapping[tuple[str, str], Line]:
        """Give the lines of a crate by version and checksum; none where there is no file, StoreError for other ends."""
        path = index_path(name)
        for file in (path, f".cache/{path}", f"{path}.json", f"{name}.json", f"{name.lower()}.json"):
            content = self._read(file)
            if content is not None:
                lines = parse_upstream(content).releases
                return {(line.vers, line.cksum): line for line in lines if line.name == name}
        return {}

    def dated(self, name: str, arriving: list[Candidate]) -> list[Candidate]:
        """Give releases that arrive with the time and the yank that they have there, where they are known there."""
        known = self.lines_of(name)
        found = ((candidate, known.get((candidate.vers, candidate.cksum))) for candidate in arriving)
        return [
            as_published(candidate, pubtime=line.pubtime, yanked=line.yanked) if line else candidate
            for candidate, line in found
        ]

    def _read(self, path: str) -> bytes | None:
        """Read a file; None for anything that is none, StoreError where it is too large or cannot be read."""
        try:
            return read_at(self._folder / path, LARGEST)
        except OSError as error:
            raise StoreError(f"{self._folder / path} cannot be read: {error.strerror}") from error


def parse_upstream(content: bytes) -> IndexFile:
    """Read lines of another registry, whatever stands in the file: this raises nothing."""
    if not content.startswith(_CACHE):
        return parse_index(content)
    lines = content[5:].split(b"\0")[2::2]
    return IndexFile(lines=tuple(parse_line(line) for line in lines if line))


def as_published(candidate: Candidate, *, pubtime: str | None, yanked: bool) -> Candidate:
    """Give a candidate the time, where one is given, and the yank that its release has elsewhere."""
    if not candidate.line:
        return candidate
    entry = parse_entry(candidate.line)
    line = new_line(replace(entry, yanked=yanked, pubtime=pubtime or entry.pubtime))
    return replace(candidate, line=line.raw, pubtime=line.pubtime)
