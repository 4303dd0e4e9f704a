"""Which archives of removed releases stay for a while: documents whose names prove what they say."""

from datetime import UTC, datetime

import pytest

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.documents import Tombstone
from cargo_static_index.tree.kept import (
    KeptArchives,
    damaged_kept,
    first_to_go,
    format_kept,
    kept_by,
    kept_file,
    kept_until,
    parse_kept,
    read_kept,
)

STONES = tuple(Tombstone(vers=vers, cksum=digit * 64) for vers, digit in (("1.0.0", "a"), ("1.1.0", "b")))
FIRST = KeptArchives(name="foo", until="2026-01-08T00:00:00Z", removed=STONES)
LATER = KeptArchives(name="bar", until="2026-01-09T00:00:00Z", removed=STONES[:1])


def tree(*kept: KeptArchives) -> dict[str, bytes]:
    return {kept_file(document.id): format_kept(document) for document in kept}


def test_a_document_is_read_as_it_was_written_and_what_is_none_is_refused() -> None:
    assert parse_kept(format_kept(FIRST)) == FIRST
    with pytest.raises(InvalidDocument, match="not a document of kept archives: Input data was truncated"):
        parse_kept(b"{")


def test_its_name_begins_with_its_time_and_ends_with_what_it_says() -> None:
    assert FIRST.id.startswith("20260108T000000.000000Z-")
    assert FIRST.id < LATER.id
    other = KeptArchives(name="foo", until=FIRST.until, removed=STONES[1:])
    assert other.id.partition("-")[0] == FIRST.id.partition("-")[0]
    assert other.id != FIRST.id


def test_tombstones_that_name_it_make_it_again() -> None:
    named = [Tombstone(vers=stone.vers, cksum=stone.cksum, lifted=True, kept=FIRST.id) for stone in STONES]
    assert kept_by(FIRST.id, "foo", named) == FIRST
    assert kept_by(FIRST.id, "foo", named[:1]).id != FIRST.id


def test_what_goes_is_left_out() -> None:
    assert FIRST.without({"a" * 64}).removed == STONES[1:]


def test_what_is_kept_is_read_in_the_order_in_which_it_goes() -> None:
    store = MemoryStore(tree(LATER, FIRST))
    assert [kept.value for kept in read_kept(store)] == [FIRST, LATER]
    assert kept_until(store) == {
        ("foo", "1.0.0"): FIRST.until,
        ("foo", "1.1.0"): FIRST.until,
        ("bar", "1.0.0"): LATER.until,
    }
    assert first_to_go(store) == datetime(2026, 1, 8, tzinfo=UTC)
    assert first_to_go(MemoryStore()) is None


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        format_kept(FIRST).replace(b'"foo"', b'"fox"'),
        format_kept(FIRST).replace(b"2026-01-08", b"2026-13-08"),
        format_kept(FIRST) + b"\n",
        format_kept(LATER),
    ],
    ids=["cut", "of another crate", "until no time", "written otherwise", "another's"],
)
def test_what_is_not_as_it_was_written_keeps_nothing_and_is_damaged(content: bytes) -> None:
    store = MemoryStore(tree(FIRST, LATER) | {kept_file(FIRST.id): content})
    sound = [kept.value for kept in read_kept(store)]
    assert sound == [LATER]
    assert damaged_kept(store, [kept.id for kept in sound]) == [kept_file(FIRST.id)]


def test_a_file_whose_name_is_no_time_is_the_first_of_nothing() -> None:
    assert first_to_go(MemoryStore({"kept/1.json": b"", **tree(LATER)})) == datetime(2026, 1, 9, tzinfo=UTC)
