"""Which archives of removed releases are kept for a while: a client that chose one just now is about to ask for it.

`kept/ID.json` says so of releases of one crate that were removed together. Ids begin with the time at which the
archives go, so that a listing begins with the first. tree.json has that first time, so that nobody lists before it.
An id ends with a digest of the document, and the tombstones name it: each of the two proves what the other said.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index._json import read_json, write_json
from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.store import Store
from cargo_static_index.tree.changes import change_id, identity_of, time_of
from cargo_static_index.tree.documents import KeptId, Tombstone
from cargo_static_index.tree.read import StoredValue

KEPT: Final = "kept"

_STAMP: Final = "%Y-%m-%dT%H:%M:%SZ"


class KeptArchives(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Removed releases of a crate whose archives, and the metadata beside them, stay until a time.

    `until` is written as `pubtime` is.
    """

    schema: Literal[1] = 1
    name: str
    until: str
    removed: tuple[Tombstone, ...]

    def without(self, cksums: Collection[str]) -> "KeptArchives":
        """Give what is left when the archives with these checksums go."""
        return replace(self, removed=tuple(stone for stone in self.removed if stone.cksum not in cksums))

    @property
    def id(self) -> KeptId:
        """What it is called."""
        until = datetime.strptime(self.until, _STAMP).replace(tzinfo=UTC)
        return change_id(until, sha256(format_kept(self)).hexdigest()[:32])


def kept_file(identity: KeptId) -> str:
    """Give the path of a document that keeps archives."""
    return f"{KEPT}/{identity}.json"


def kept_by(identity: KeptId, name: str, stones: Collection[Tombstone]) -> KeptArchives:
    """Give the document of this id as the tombstones that name it make it; only if it `is` so called was it that."""
    until = time_of(identity)
    assert until is not None, "an id of this kind begins with a time"
    return KeptArchives(name=name, until=until.strftime(_STAMP), removed=tuple(stone.plain for stone in stones))


def parse_kept(content: bytes) -> KeptArchives:
    """Read what says which archives are kept, or raise InvalidDocument."""
    return read_json(content, KeptArchives, "a document of kept archives")


def format_kept(document: KeptArchives) -> bytes:
    """Give its bytes."""
    return write_json(document)


def read_kept(store: Store) -> Iterator[StoredValue[KeptArchives]]:
    """Read which archives are kept, the first that go first; what is not as it was written keeps none."""
    for path in store.list(KEPT):
        stored = store.read(path)
        document = _as_written(path, stored.content) if stored else None
        if document is not None:
            yield StoredValue(path=path, value=document, stored=stored)


def damaged_kept(store: Store, sound: Iterable[KeptId]) -> list[str]:
    """Give the paths of what lies where such documents do, and is none of those that were read."""
    paths = set(map(kept_file, sound))
    return [path for path in store.list(KEPT) if path not in paths]


def _as_written(path: str, content: bytes) -> KeptArchives | None:
    """Give the document that was written at a path; None for any other content."""
    try:
        document = parse_kept(content)
        return document if kept_file(document.id) == path and format_kept(document) == content else None
    except (InvalidDocument, ValueError):
        return None


def kept_until(store: Store) -> dict[tuple[str, str], str]:
    """Give until when archives of removed releases are kept, by (name, version); times are written as `pubtime` is."""
    found = ((kept.value, stone.vers) for kept in read_kept(store) for stone in kept.value.removed)
    return {(kept.name, vers): kept.until for kept, vers in found}


def first_to_go(store: Store) -> datetime | None:
    """Give the first time at which kept archives go; None where none are kept."""
    return next((time for path in store.list(KEPT) if (time := time_of(identity_of(path)))), None)
