"""The release that stands for a crate, and what its archive says."""

from collections.abc import Iterable

from cargo_static_index.crate.metadata import CrateMetadata
from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.protocol.index_file import Line
from cargo_static_index.protocol.semver import is_prerelease, parse_version
from cargo_static_index.store import Store
from cargo_static_index.tree.read import read_metadata


def newest(lines: Iterable[Line]) -> Line | None:
    """Give the release that people want to know of: the highest, rather neither yanked nor a pre-release."""
    return max(lines, key=_preference, default=None)


def _preference(line: Line) -> tuple[object, ...]:
    return not line.yanked, not is_prerelease(line.vers), parse_version(line.vers)


def known_metadata(store: Store, line: Line) -> CrateMetadata | None:
    """Give the metadata of a release, None where it is lost or damaged, which `verify` says."""
    try:
        return read_metadata(store, line.name, line.cksum)
    except InvalidDocument:
        return None
