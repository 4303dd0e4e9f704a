"""Who owns a crate: `crates/NAME/owners.json`, which is there before the crate's first line where the web published it.

An owner is a user, or `team:NAME`. A crate without the file has no owner: it came from the drop directory, the command
line or another registry.
"""

from typing import Final, Literal

import msgspec
from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidDocument, InvalidInput
from cargo_static_index.store import Store
from cargo_static_index.tree import layout
from cargo_static_index.tree.read import StoredValue

TEAM: Final = "team:"

OWNER: Final = rf"(?:{TEAM})?[A-Za-z0-9][A-Za-z0-9._@+-]*"
"""How an owner is written, at most 100 characters."""
_is_owner = pattern(OWNER).fullmatch


class Owners(Struct, frozen=True, kw_only=True):
    """The owners of one crate, in the order in which they came."""

    schema: Literal[1] = 1
    name: str
    owners: tuple[str, ...]


def parse_owner(text: str) -> str:
    """Give a text as the name of an owner, or raise InvalidInput."""
    if len(text) <= 100 and _is_owner(text):
        return text
    raise InvalidInput(f"{text!r} is no owner: write a user such as `alice`, or a team such as `team:tools`")


def read_owners(store: Store, name: str) -> StoredValue[tuple[str, ...] | None]:
    """Read the owners of a crate, None where it has none, or raise InvalidDocument."""
    path = layout.owners_file(name)
    stored = store.read(path)
    try:
        owners = msgspec.json.decode(stored.content, type=Owners).owners if stored else None
    except msgspec.MsgspecError as error:
        raise InvalidDocument(
            f"{path}: this does not say who owns {name}: {error}; bring it back from a backup"
        ) from error
    return StoredValue(path=path, value=owners, stored=stored)


def format_owners(name: str, owners: tuple[str, ...]) -> bytes:
    """Give the bytes of the file: indented for people, one newline at the end."""
    return msgspec.json.format(msgspec.json.encode(Owners(name=name, owners=owners)), indent=2) + b"\n"
