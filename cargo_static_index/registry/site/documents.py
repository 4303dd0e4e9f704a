"""What the pages' own documents say, read from the store."""

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.crate_document import CrateDocument, parse_crate_document
from cargo_static_index.store import Store


def read_crate_document(store: Store, name: str) -> CrateDocument | None:
    """Give what the pages say of a crate, or None where that is not there or cannot be read."""
    stored = store.read(addresses.crate_document(name))
    try:
        return parse_crate_document(stored.content, name) if stored else None
    except InvalidDocument:
        return None
