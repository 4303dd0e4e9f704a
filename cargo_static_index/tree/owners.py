"""Who owns a crate: `crates/NAME/owners.json`, which is there before the crate's first line where the web published it.

An owner is a user, or `team:NAME`. A crate without the file has no owner: it came from the drop directory, the command
line or another registry.

Since schema 2 the document has a digest and counts its changes, and lies in the tree twice: what is damaged, lost or
older is known by the other one.
"""

from hashlib import sha256
from typing import Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index._json import UNREADABLE, write_json
from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidDocument, InvalidInput
from cargo_static_index.store import Store, Stored
from cargo_static_index.tree import layout
from cargo_static_index.tree.read import StoredValue

TEAM: Final = "team:"

OWNER: Final = rf"(?:{TEAM})?[A-Za-z0-9][A-Za-z0-9._@+-]*"
"""How an owner is written, at most 100 characters."""
_is_owner = pattern(OWNER).fullmatch


class Owners(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The owners of one crate, users or `team:NAME`, in the order in which they came."""

    schema: Literal[1, 2]
    name: str
    owners: tuple[str, ...]
    trusted_only: bool = False
    """Whether cargo may publish new versions by trusted publishing alone (crates.io: `trustpub_only`)."""
    changes: int = 0
    """How many times it was changed: which of two is the older one."""
    digest: str = ""
    """What sums up all else that it says."""

    def summed_up(self) -> "Owners":
        """Give the same with its digest, in today's schema."""
        plain = replace(self, schema=2, digest="")
        return replace(plain, digest=sha256(msgspec.json.encode(plain)).hexdigest()[:32])


def parse_owner(text: str) -> str:
    """Give a text as the name of an owner, or raise InvalidInput."""
    if len(text) <= 100 and _is_owner(text):
        return text
    raise InvalidInput(f"{text!r} is no owner: write a user such as `alice`, or a team such as `team:tools`")


def read_owners(store: Store, name: str) -> StoredValue[Owners | None]:
    """Read the owners of a crate, None where nothing says who they are, or raise InvalidDocument."""
    return _read(store, name, layout.owners_file(name))


def read_owners_copy(store: Store, name: str) -> StoredValue[Owners | None]:
    """Read the copy of what says who owns a crate, None where there is none, or raise InvalidDocument."""
    return _read(store, name, layout.owners_copy(name))


def readable_owners(store: Store, name: str, path: str) -> StoredValue[Owners | None]:
    """Read one of these two files as it is there, with None for what does not say who owns a crate."""
    stored = store.read(path)
    try:
        return StoredValue(path=path, value=_parsed(stored, name, path), stored=stored)
    except InvalidDocument:
        return StoredValue(path=path, value=None, stored=stored)


def _read(store: Store, name: str, path: str) -> StoredValue[Owners | None]:
    stored = store.read(path)
    return StoredValue(path=path, value=_parsed(stored, name, path), stored=stored)


def _parsed(stored: Stored | None, name: str, path: str) -> Owners | None:
    try:
        owners = msgspec.json.decode(stored.content, type=Owners) if stored else None
        if owners and owners.name != name:
            raise InvalidDocument(f"this is of the crate `{owners.name}`")
        if owners and owners.schema > 1 and owners != owners.summed_up():
            raise InvalidDocument("it does not have the digest of what was written")
    except (*UNREADABLE, InvalidDocument) as error:
        raise InvalidDocument(
            f"{path}: this does not say who owns {name}: {error}; bring it back from a backup"
        ) from error
    return owners


def names_in(owners: Owners | None) -> tuple[str, ...] | None:
    """Give the owners by their names, or None where there are none."""
    return owners.owners or None if owners else None


def format_owners(owners: Owners) -> bytes:
    """Give the bytes of the file: indented for people, one newline at the end."""
    return write_json(owners)
