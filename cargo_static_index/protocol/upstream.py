"""Index lines as cargo has those of crates.io: an index file as it is served, or a file of cargo's index cache."""

from cargo_static_index.protocol.index_file import IndexFile, parse_index, parse_line

_CACHE = b"\x03"
"""What a file of the cache begins with: its format, then the index's in four bytes.

Then come the ETag, and version and line of each release, all with a NUL behind them (cargo:
src/sources/registry/index/cache.rs).
"""


def parse_upstream(content: bytes) -> IndexFile:
    """Read lines of another registry, whatever stands in the file: this raises nothing."""
    if not content.startswith(_CACHE):
        return parse_index(content)
    lines = content[5:].split(b"\0")[2::2]
    return IndexFile(lines=tuple(parse_line(line) for line in lines if line))
