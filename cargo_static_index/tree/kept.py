"""Which archives of removed releases are kept for a while: a client that chose one just now is about to ask for it.

`kept/ID.json` says so of releases of one crate that were removed together. Ids begin with the time at which the
archives go, so that a listing begins with the first. tree.json has that first time, so that nobody lists before it.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index._json import UNREADABLE
from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.store import Store
from cargo_static_index.tree.changes import change_id, identity_of, time_of
from cargo_static_index.tree.documents import Tombstone
from cargo_static_index.tree.read import StoredValue

KEPT: Final = "kept"


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


def kept_file(until: datetime, nonce: str) -> str:
    """Give the path of a document that keeps archives until a time."""
    return f"{KEPT}/{change_id(until, nonce)}.json"


def parse_kept(content: bytes) -> KeptArchives:
    """Read what says which archives are kept, or raise InvalidDocument."""
    try:
        return msgspec.json.decode(content, type=KeptArchives)
    except UNREADABLE as error:
        raise InvalidDocument(f"not a document of kept archives: {error}") from error


def format_kept(document: KeptArchives) -> bytes:
    """Give its bytes."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def read_kept(store: Store) -> Iterator[StoredValue[KeptArchives]]:
    """Read which archives are kept, the first that go first; what cannot be read keeps none."""
    for path in store.list(KEPT):
        stored = store.read(path)
        try:
            if stored is not None:
                yield StoredValue(path=path, value=parse_kept(stored.content), stored=stored)
        except InvalidDocument:
            continue


def kept_until(store: Store) -> dict[tuple[str, str], str]:
    """Give until when archives of removed releases are kept, by (name, version); times are written as `pubtime` is."""
    found = ((kept.value, stone.vers) for kept in read_kept(store) for stone in kept.value.removed)
    return {(kept.name, vers): kept.until for kept, vers in found}


def kept_checksums(store: Store) -> frozenset[str]:
    """Give the checksums of all archives of removed releases that are kept."""
    return frozenset(stone.cksum for kept in read_kept(store) for stone in kept.value.removed)


def first_to_go(store: Store) -> datetime | None:
    """Give the first time at which kept archives go; None where none are kept."""
    return next((time for path in store.list(KEPT) if (time := time_of(identity_of(path)))), None)
