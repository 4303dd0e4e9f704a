"""What the pages' own documents say, read from the store."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from cargo_static_index._json import UNREADABLE
from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.crate_document import CrateDocument, parse_crate_document, parse_pages_state
from cargo_static_index.site.lists import dependents_list, record_path
from cargo_static_index.store import Store, Stored


def read_crate_document(store: Store, name: str) -> CrateDocument | None:
    """Give what the pages say of a crate, or None where that is not there or cannot be read."""
    return _document(name, store.read(addresses.crate_document(name)))


def read_crate_documents(store: Store, names: Sequence[str]) -> list[CrateDocument | None]:
    """Give the same of several crates."""
    held = store.read_all([addresses.crate_document(name) for name in names])
    return [_document(name, stored) for name, stored in zip(names, held, strict=True)]


def shown_digest(store: Store) -> str | None:
    """Give the digest of tree.json that pages.json says the pages show, or None where it cannot be read."""
    stored = store.read(addresses.STATE)
    try:
        return parse_pages_state(stored.content).digest if stored else None
    except InvalidDocument:
        return None


class _Total(Struct):
    total: int


def dependents_at(store: Store, name: str) -> int:
    """Give how many crates the list of a crate's dependents holds, 0 where there is none or it cannot be read."""
    stored = store.read(record_path(dependents_list(name), ""))
    try:
        return msgspec.json.decode(stored.content, type=_Total).total if stored else 0
    except UNREADABLE:
        return 0


def _document(name: str, stored: Stored | None) -> CrateDocument | None:
    try:
        return parse_crate_document(stored.content, name) if stored else None
    except InvalidDocument:
        return None
