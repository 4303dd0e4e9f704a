"""How names are claimed, and what tells of a change: ids that sort as time does, and documents read as written."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.tree.changes import (
    BEFORE_ALL,
    ChangedFile,
    ChangeRecord,
    Claim,
    Weight,
    begun_file,
    change_file,
    change_id,
    delta_of,
    format_change,
    identity_of,
    name_file,
    nonce_of,
    parse_change,
    parse_claim,
    time_of,
)
from cargo_static_index.tree.documents import Delta, difference, weight

NOW = datetime(2026, 1, 31, 23, 59, 59, 1, UTC)


def test_ids_sort_as_their_times_do_wherever_the_clock_stands() -> None:
    later = (NOW + timedelta(microseconds=1)).astimezone(timezone(timedelta(hours=-11)))
    assert BEFORE_ALL < change_id(NOW, "z") < change_id(later, "a")


def test_an_id_gives_back_what_it_is_made_of() -> None:
    identity = change_id(NOW, "ab12")
    assert (time_of(identity), nonce_of(identity)) == (NOW, "ab12")
    assert identity_of(begun_file(identity)) == identity_of(change_file(identity)) == identity


def test_what_is_no_id_has_no_time() -> None:
    assert time_of("20269999-ab12") is None


def test_intents_records_and_names_lie_in_folders_of_their_own() -> None:
    assert (name_file("foo_bar"), begun_file("1"), change_file("1")) == (
        "names/foo_bar.json",
        "begun/1.json",
        "changes/1.json",
    )


def test_a_change_adds_what_it_makes_of_each_index_file() -> None:
    old, new = weight("index/3/f/foo", b"1", 1), weight("index/3/f/foo", b"12", 2)
    file = ChangedFile(
        name="foo",
        path="index/3/f/foo",
        before=Weight(digest=f"{old.digest:064x}", releases=1),
        after=Weight(digest=f"{new.digest:064x}", releases=2),
        removed=1,
        tombstones=f"{7:064x}",
    )
    change = difference(new, old)
    assert delta_of(file) == replace(change, removed=1, tombstones=7)
    assert change + change == Delta(releases=2, digest=2 * change.digest % 2**256)
    assert delta_of(file) + delta_of(file) == replace(change + change, removed=2, tombstones=14)


def test_a_first_and_a_last_release_change_how_many_crates_there_are() -> None:
    some = Weight(digest="f" * 64, releases=1)
    first = ChangedFile(name="foo", path="index/3/f/foo", before=Weight(), after=some)
    last = ChangedFile(name="foo", path="index/3/f/foo", before=some, after=Weight())
    assert (delta_of(first).crates, delta_of(last).crates) == (1, -1)
    assert delta_of(first) + delta_of(last) == Delta()


def test_documents_are_read_as_they_were_written() -> None:
    claim = Claim(name="Foo", claimed="2026-01-31T23:59:59Z")
    file = ChangedFile(name="foo", path="index/3/f/foo", before=Weight(), after=Weight(digest="0" * 64, releases=1))
    change = ChangeRecord(begun="2026-01-31T23:59:59Z", files=(file,), rows_gone=(("names", "foo"),))
    assert parse_claim(format_change(claim)) == claim
    assert parse_change(format_change(change)) == change
    assert format_change(claim).endswith(b"}\n")


def test_what_is_no_such_document_is_refused() -> None:
    with pytest.raises(InvalidDocument, match="not a document of changes: Object missing required field `name`"):
        parse_claim(b'{"schema": 1}')
    with pytest.raises(InvalidDocument, match="not a document of changes: Invalid enum value 2"):
        parse_change(b'{"schema": 2, "begun": "", "files": []}')
