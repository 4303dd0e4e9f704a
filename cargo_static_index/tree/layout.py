"""Where everything lies in the tree: paths relative to its root, `/`-separated.

Archives lie under their checksum, so bytes of different archives never meet, an address can be cached for
ever, and the `+` of a version never meets a web server's or bucket's idea of a URL.
"""

from cargo_static_index._pattern import pattern
from cargo_static_index.protocol.names import index_path

INDEX = "index"
CONFIG = "index/config.json"
CRATES = "crates"
RECORD = "tree.json"

_ADDRESS = pattern(r"crates/([^/]+)/([^/]+)/download")
_ARCHIVE = pattern(r"crates/([^/]+)/([0-9a-f]{64})\.(?:crate|json)")


def index_file(name: str) -> str:
    """Give the path of a crate's index file (cargo's book: "Registry Index", section "Index Files")."""
    return f"{INDEX}/{index_path(name)}"


def archive_file(name: str, cksum: str) -> str:
    """Give the path of an archive, whose `cksum` is lower-case hex: what `dl` in config.json makes of its line."""
    return f"{CRATES}/{name}/{cksum}.crate"


def metadata_file(name: str, cksum: str) -> str:
    """Give the path of an archive's metadata, beside it; `cksum` is the archive's."""
    return f"{CRATES}/{name}/{cksum}.json"


def archive_and_metadata(name: str, cksum: str) -> tuple[str, str]:
    """Give the paths of an archive and of its metadata."""
    return archive_file(name, cksum), metadata_file(name, cksum)


def version_address(name: str, vers: str) -> str:
    """Give the path of an archive by its version, for tools that know no checksum: where crates.io has it, too."""
    return f"{CRATES}/{name}/{vers}/download"


def addressed_by(path: str) -> tuple[str, str] | None:
    """Give the crate's name and the version of which a path is the `version_address`; None of others."""
    found = _ADDRESS.fullmatch(path)
    return (found[1], found[2]) if found else None


def files_of(name: str, vers: str, cksum: str) -> tuple[str, str, str]:
    """Give the paths of all that is there of a release beside its line and its pages."""
    return *archive_and_metadata(name, cksum), version_address(name, vers)


def release_of(path: str) -> tuple[str, str] | None:
    """Give the crate's name and the checksum that the path of an archive, or of its metadata, tells; None of others."""
    found = _ARCHIVE.fullmatch(path)
    return (found[1], found[2]) if found else None


def tombstones_file(name: str) -> str:
    """Give the path of a crate's tombstones."""
    return f"{CRATES}/{name}/removed.json"


def owners_file(name: str) -> str:
    """Give the path of the document that says who owns a crate."""
    return f"{CRATES}/{name}/owners.json"


def owners_copy(name: str) -> str:
    """Give the path of the same document once more: who owns a crate is all that nothing else in a tree tells."""
    return f"{CRATES}/{name}/owners-copy.json"
