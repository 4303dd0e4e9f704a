"""The tree as documents: what the store holds, read as values, with the tags to replace them under."""

from collections.abc import Iterator

from msgspec import Struct

from cargo_static_index.crate.metadata import CrateMetadata, parse_metadata
from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.protocol.config import RegistryConfig, parse_config
from cargo_static_index.protocol.index_file import IndexFile, parse_index
from cargo_static_index.store import Put, Store, Tag
from cargo_static_index.tree import layout
from cargo_static_index.tree.documents import Delta, Tombstones, TreeRecord, parse_record, parse_tombstones, weight

_ABSENT = "absent"


class HeldIndex(Struct, frozen=True, kw_only=True):
    """An index file as read: where, what (empty where there is none), and what it counts for in tree.json."""

    path: str
    file: IndexFile
    tag: Tag | None
    weight: Delta


class HeldTombstones(Struct, frozen=True, kw_only=True):
    """A crate's tombstones as read; none and no tag where there is no such file."""

    path: str
    tombstones: Tombstones
    tag: Tag | None


class HeldRecord(Struct, frozen=True, kw_only=True):
    """tree.json as read; a new tree's record and no tag where there is none."""

    record: TreeRecord
    tag: Tag | None


def read_index(store: Store, name: str) -> HeldIndex:
    """Read the index file of a crate by its name, in whatever case; there are no lines where there is no file."""
    return read_index_at(store, layout.index_file(name))


def read_index_at(store: Store, path: str) -> HeldIndex:
    """Read the index file at a path of the tree."""
    stored = store.read(path)
    content = stored.content if stored else b""
    file = parse_index(content)
    return HeldIndex(
        path=path,
        file=file,
        tag=stored.tag if stored else None,
        weight=weight(path, stored.content if stored else None, len(file.releases)),
    )


def index_paths(store: Store) -> Iterator[str]:
    """List the paths of all index files: what lies where cargo would ask for a crate of that name, and nothing else."""
    for path in store.list(layout.INDEX):
        if path == layout.index_file(path.rpartition("/")[2]):
            yield path


def read_tombstones(store: Store, name: str) -> HeldTombstones:
    """Read the tombstones of a crate, or raise InvalidDocument."""
    path = layout.tombstones_file(name)
    stored = store.read(path)
    try:
        tombstones = parse_tombstones(stored.content) if stored else Tombstones(name=name)
    except InvalidDocument as error:
        raise InvalidDocument(
            f"{path}: {error}; bring it back from a backup, for without it removed releases can come back"
        ) from error
    return HeldTombstones(path=path, tombstones=tombstones, tag=stored.tag if stored else None)


def read_record(store: Store) -> HeldRecord:
    """Read tree.json, or raise InvalidDocument."""
    stored = store.read(layout.RECORD)
    return HeldRecord(
        record=parse_record(stored.content) if stored else TreeRecord(), tag=stored.tag if stored else None
    )


def removed_versions(store: Store, name: str, vers: str = "") -> list[str]:
    """Give the versions of a crate that were removed, or of these the one asked for; none where nothing tells."""
    try:
        stones = read_tombstones(store, name).tombstones.removed
    except InvalidDocument:
        return []
    return [stone.vers for stone in stones if not stone.lifted and vers in {"", stone.vers}]


def say_removed(store: Store, name: str, vers: str = "") -> str:
    """Give what to say of a crate, or of a release, that is not held because it was removed; "" where it was not."""
    gone = removed_versions(store, name, vers)
    if not gone:
        return ""
    shown = ", ".join(gone[-5:]) + (f" and {len(gone) - 5} more" if len(gone) > 5 else "")
    return f"{name} {shown} {'were' if len(gone) > 1 else 'was'} removed; `add --restore FILE` brings a release back"


def read_config(store: Store) -> RegistryConfig | None:
    """Read config.json, or raise InvalidConfig; None where there is none."""
    stored = store.read(layout.CONFIG)
    return parse_config(stored.content) if stored else None


def read_metadata(store: Store, name: str, cksum: str) -> CrateMetadata | None:
    """Read the metadata of an archive, or raise InvalidDocument; None where there are none."""
    stored = store.read(layout.metadata_file(name, cksum))
    return parse_metadata(stored.content) if stored else None


def put(path: str, content: bytes, tag: Tag | None) -> Put:
    """Give the change that replaces what was read under `tag`, or writes what was not there."""
    return Put(path=path, content=content, expect=tag or _ABSENT)
