"""What the pages' own documents say, read from the store."""

from collections.abc import Sequence

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.crate_document import CrateDocument, parse_crate_document
from cargo_static_index.store import Store, Stored


def read_crate_document(store: Store, name: str) -> CrateDocument | None:
    """Give what the pages say of a crate, or None where that is not there or cannot be read."""
    return _document(name, store.read(addresses.crate_document(name)))


def read_crate_documents(store: Store, names: Sequence[str]) -> list[CrateDocument | None]:
    """Give the same of several crates."""
    held = store.read_all([addresses.crate_document(name) for name in names])
    return [_document(name, stored) for name, stored in zip(names, held, strict=True)]


def _document(name: str, stored: Stored | None) -> CrateDocument | None:
    try:
        return parse_crate_document(stored.content, name) if stored else None
    except InvalidDocument:
        return None
