"""What the pages' own documents say, read from a store."""

from cargo_static_index.registry.site.documents import (
    dependents_at,
    read_crate_document,
    read_crate_documents,
    shown_digest,
)
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.crate_document import CrateDocument, PagesState, ReleaseSummary, format_page_document
from cargo_static_index.site.lists import dependents_list, record_path
from cargo_static_index.store.memory import MemoryStore

RELEASE = ReleaseSummary(vers="1.0.0", cksum="0" * 64, yanked=False, pubtime=None, rust_version=None)
FOO = CrateDocument(name="foo", newest="1.0.0", versions=(RELEASE,))
CONTENT = format_page_document(FOO)
LIST = record_path(dependents_list("foo"), "")


def test_a_crates_document_is_read_and_what_is_none_is_as_if_nothing_were_there() -> None:
    store = MemoryStore(
        {
            addresses.crate_document("foo"): CONTENT,
            addresses.crate_document("cut"): CONTENT[:-9],
            addresses.crate_document("other"): CONTENT,
        }
    )
    assert read_crate_document(store, "foo") == FOO
    assert read_crate_documents(store, ["absent", "foo", "cut", "other"]) == [None, FOO, None, None]


def test_the_digest_that_pages_show_is_that_of_pages_json() -> None:
    state = PagesState(fingerprint="f", digest="a" * 64)
    assert shown_digest(MemoryStore({addresses.STATE: format_page_document(state)})) == "a" * 64
    assert shown_digest(MemoryStore({addresses.STATE: b"{"})) is None
    assert shown_digest(MemoryStore()) is None


def test_dependents_are_counted_as_their_list_says() -> None:
    assert dependents_at(MemoryStore({LIST: b'{"total": 3, "rows": "whatever"}'}), "foo") == 3
    assert dependents_at(MemoryStore({LIST: b'{"rows": {}}'}), "foo") == 0
    assert dependents_at(MemoryStore(), "foo") == 0
