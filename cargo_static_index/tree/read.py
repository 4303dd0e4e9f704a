"""The tree as documents: what the store holds, read as values, with the tags to replace them under."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.protocol.config import RegistryConfig, parse_config
from cargo_static_index.protocol.index_file import IndexFile, Line, parse_index
from cargo_static_index.store import Change, Delete, Put, Store, Stored, Tag
from cargo_static_index.tree import layout
from cargo_static_index.tree.changes import KEPT_IDS
from cargo_static_index.tree.documents import Delta, Tombstones, TreeRecord, parse_tombstones, parse_tree_record, weight

if TYPE_CHECKING:  # loaded when some is read: it takes all that manifests are made of
    from cargo_static_index.crate.metadata import CrateMetadata

T = TypeVar("T")


class StoredValue(Struct, Generic[T], frozen=True, kw_only=True):
    """What a store holds at a path, as a value, and as it was read; where nothing is there, the value says so."""

    path: str
    value: T
    stored: Stored | None

    @property
    def tag(self) -> Tag | None:
        """The tag to replace it under; None where there is nothing."""
        return self.stored.tag if self.stored else None

    @property
    def file(self) -> T:
        """The value, as earlier versions called that of an index file."""
        return self.value

    @property
    def record(self) -> T:
        """The value, as earlier versions called that of tree.json."""
        return self.value

    @property
    def tombstones(self) -> T:
        """The value, as earlier versions called that of tombstones."""
        return self.value


def read_index(store: Store, name: str) -> StoredValue[IndexFile]:
    """Read the index file of a crate by its name, in whatever case; there are no lines where there is no file.

    No line is an error, whatever stands in it.
    """
    return read_index_at(store, layout.index_file(name))


def index_paths_by_name(store: Store) -> list[str]:
    """Give the paths of all index files, in the order of the crates' names."""
    return sorted(index_paths(store), key=lambda path: path.rpartition("/")[2])


def read_index_at(store: Store, path: str) -> StoredValue[IndexFile]:
    """Read the index file at a path of the tree."""
    stored = store.read(path)
    return StoredValue(path=path, value=parse_index(stored.content if stored else b""), stored=stored)


def read_indexes(store: Store, paths: Sequence[str]) -> list[StoredValue[IndexFile]]:
    """Read the index files at some paths of the tree."""
    held = zip(paths, store.read_all(paths), strict=True)
    return [
        StoredValue(path=path, value=parse_index(stored.content if stored else b""), stored=stored)
        for path, stored in held
    ]


def weight_of(index: StoredValue[IndexFile]) -> Delta:
    """Give what an index file counts for in tree.json."""
    return weight(index.path, index.stored.content if index.stored else None, len(index.value.releases))


def index_paths(store: Store) -> Iterator[str]:
    """List the paths of all index files: what lies where cargo would ask for a crate of that name, and nothing else."""
    for path in store.list(layout.INDEX):
        if path == layout.index_file(path.rpartition("/")[2]):
            yield path


def read_tombstones(store: Store, name: str) -> StoredValue[Tombstones]:
    """Read the tombstones of a crate, or raise InvalidDocument."""
    path = layout.tombstones_file(name)
    stored = store.read(path)
    try:
        tombstones = parse_tombstones(stored.content) if stored else Tombstones(name=name)
        if tombstones.name != name:
            raise InvalidDocument(f"this is of the crate `{tombstones.name}`")
    except InvalidDocument as error:
        raise InvalidDocument(
            f"{path}: {error}; bring it back from a backup, for without it removed releases can come back"
        ) from error
    return StoredValue(path=path, value=tombstones, stored=stored)


def readable_tombstones(store: Store, name: str) -> Tombstones:
    """Read the tombstones of a crate; none where they cannot be read, which `verify` tells of."""
    try:
        return read_tombstones(store, name).value
    except InvalidDocument:
        return Tombstones(name=name)


def read_record(store: Store) -> StoredValue[TreeRecord]:
    """Read tree.json, or raise InvalidDocument; a new tree's where there is none."""
    stored = store.read(layout.RECORD)
    value = parse_tree_record(stored.content) if stored else TreeRecord()
    return StoredValue(path=layout.RECORD, value=value, stored=stored)


def crates_with_tombstones(store: Store) -> Iterator[str]:
    """List the names of the crates of which something was removed."""
    for path in store.list(layout.CRATES):
        name = path.split("/")[1]
        if path == layout.tombstones_file(name):
            yield name


def removed_versions(store: Store, name: str, vers: str = "") -> list[str]:
    """Give the versions of a crate that were removed, or of these the one asked for; none where nothing tells."""
    stones = readable_tombstones(store, name).removed
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


def read_metadata(store: Store, name: str, cksum: str) -> "CrateMetadata | None":
    """Read the metadata of an archive, or raise InvalidDocument; None where there are none."""
    from cargo_static_index.crate.metadata import parse_metadata

    stored = store.read(layout.metadata_file(name, cksum))
    return parse_metadata(stored.content) if stored else None


def known_metadata(store: Store, line: Line) -> "CrateMetadata | None":
    """Give the metadata of a release, None where it is lost or damaged, which `verify` says."""
    try:
        return read_metadata(store, line.name, line.cksum)
    except InvalidDocument:
        return None


def whole_archive(store: Store, name: str, cksum: str) -> bytes | None:
    """Read an archive; None where it is not there, or not whole."""
    stored = store.read(layout.archive_file(name, cksum))
    return stored.content if stored and sha256(stored.content).hexdigest() == cksum else None


def is_whole(store: Store, name: str, cksum: str) -> bool:
    """Whether an archive is there with the very bytes that its checksum says."""
    return whole_archive(store, name, cksum) is not None


def replaced(
    path: str, content: bytes | None, stored: Stored | None, *, changes: tuple[str, ...] = ()
) -> tuple[Change, ...]:
    """Give the change that makes a file, as it was read, what it is to be (None is no file); none where it is that.

    `changes` are the ids of the changes that it comes from, the last first.
    """
    if content is None:
        return (Delete(path=path, expect=stored.tag),) if stored else ()
    if stored and stored.content == content:
        return ()
    return (Put(path=path, content=content, expect=stored.tag if stored else "absent", changes=changes[:KEPT_IDS]),)
