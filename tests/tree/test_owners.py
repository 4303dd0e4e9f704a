"""Who owns a crate, as it stands in the tree."""

import pytest
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidDocument, InvalidInput
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.layout import owners_copy, owners_file
from cargo_static_index.tree.owners import (
    Owners,
    format_owners,
    names_in,
    parse_owner,
    read_owners,
    read_owners_copy,
    readable_owners,
)

OWNERS = Owners(schema=2, name="foo", owners=("alice", "team:pay"), changes=3).summed_up()
PATH = owners_file("foo")


def holding(content: bytes) -> MemoryStore:
    return MemoryStore({PATH: content})


@pytest.mark.parametrize("owner", ["alice", "team:tools", "a.b@example.com", "x" * 100])
def test_an_owner_is_a_user_or_a_team(owner: str) -> None:
    assert parse_owner(owner) == owner


@pytest.mark.parametrize("text", ["", "team:", "group:x", "-alice", "al ice", "alice\n", "x" * 101])
def test_what_is_neither_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no owner: write a user such as `alice`"):
        parse_owner(text)


def test_owners_are_read_as_they_were_written_with_what_they_are_replaced_under() -> None:
    store = holding(format_owners(OWNERS))
    read = read_owners(store, "foo")
    stored = store.read(PATH)
    assert stored is not None
    assert (read.value, read.path, read.tag) == (OWNERS, PATH, stored.tag)
    assert read_owners_copy(store, "foo").value is None, "the copy lies elsewhere"
    assert read_owners_copy(MemoryStore({owners_copy("foo"): format_owners(OWNERS)}), "foo").value == OWNERS


def test_a_document_of_the_first_schema_needs_no_digest() -> None:
    first = Owners(schema=1, name="foo", owners=("alice",))
    assert read_owners(holding(format_owners(first)), "foo").value == first


def test_summing_up_once_more_changes_nothing() -> None:
    assert OWNERS.summed_up() == OWNERS
    assert replace(OWNERS, owners=("mallory",)).summed_up().digest != OWNERS.digest


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{", "Input data was truncated"),
        (format_owners(replace(OWNERS, name="bar").summed_up()), "this is of the crate `bar`"),
        (format_owners(replace(OWNERS, owners=("mallory",))), "it does not have the digest of what was written"),
    ],
)
def test_what_does_not_say_who_owns_the_crate_is_refused_or_counts_as_nothing(content: bytes, why: str) -> None:
    store = holding(content)
    with pytest.raises(InvalidDocument, match=f"^{PATH}: this does not say who owns foo: {why}; bring it back"):
        read_owners(store, "foo")
    readable = readable_owners(store, "foo", PATH)
    assert readable.value is None
    assert readable.tag is not None, "it is there, and can be replaced"


def test_a_crate_without_owners_has_no_names() -> None:
    assert names_in(OWNERS) == ("alice", "team:pay")
    assert names_in(None) is None
    assert names_in(Owners(schema=1, name="foo", owners=())) is None
