"""tree.json and tombstones: their sums, their bytes, and what a newer version's documents do to an older one."""

import re
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.tree.documents import (
    Delta,
    Tombstone,
    Tombstones,
    TreeRecord,
    difference,
    format_document,
    is_slip,
    parse_tombstones,
    parse_tree_record,
    sum_digests,
    weight,
)

index_files = st.dictionaries(
    st.sampled_from(["index/1/a", "index/2/ab", "index/3/a/abc"]), st.tuples(st.binary(), st.integers(0, 3))
)


def total(files: dict[str, tuple[bytes, int]]) -> Delta:
    return sum((weight(path, *found) for path, found in files.items()), Delta())


@given(index_files, index_files)
def test_adding_the_difference_gives_what_counting_anew_gives(
    old: dict[str, tuple[bytes, int]], new: dict[str, tuple[bytes, int]]
) -> None:
    record = TreeRecord().counting(total(old))
    changes = [
        difference(weight(path, *new.get(path, (None, 0))), weight(path, *old.get(path, (None, 0))))
        for path in sorted({*old, *new}, reverse=True)
    ]
    for change in changes:
        record = record.changed_by(change)
    assert record == TreeRecord().counting(total(new))


def test_the_digest_is_the_sum_of_hashes_of_paths_and_contents() -> None:
    files = {"index/1/a": (b"x\n", 1), "index/2/ab": (b"y\nz\n", 2)}
    hashes = [sha256(path.encode() + b"\0" + content).digest() for path, (content, _) in files.items()]
    expected = sum(int.from_bytes(each, "big") for each in hashes) % 2**256
    record = TreeRecord().counting(total(files))
    assert record == TreeRecord(crates=2, releases=3, digest=f"{expected:064x}")


def test_a_file_without_releases_counts_as_no_crate_but_in_the_digest() -> None:
    foreign = weight("index/1/a", b"{}\n", 0)
    assert (foreign.crates, foreign.releases) == (0, 0)
    assert foreign.digest != 0


def test_an_empty_file_counts_as_none() -> None:
    assert weight("index/1/a", None, 0) == weight("index/1/a", b"", 0) == Delta()


def test_content_may_not_move_between_paths_unnoticed() -> None:
    assert weight("index/1/a", b"b", 1) != weight("index/1/ab", b"", 1)
    assert weight("index/1/a", b"x", 1) != weight("index/1/b", b"x", 1)


def test_digests_are_added_modulo_2_to_the_256_and_nothing_adds_nothing() -> None:
    assert sum_digests("f" * 64, f"{2:064x}") == f"{1:064x}"
    assert sum_digests("", "") == "0" * 64


# --- what tree.json counts of removals

REMOVED = Delta(removed=2, tombstones=7)
COUNTING = TreeRecord().changed_by(REMOVED)
OLD = TreeRecord(format=1, removed=UNSET, tombstones=UNSET)
"""A record of format 1, which knows of no tombstones."""


def test_removals_are_those_that_are_counted_by_number_and_digest() -> None:
    assert COUNTING.counts_removed(REMOVED)
    assert not COUNTING.counts_removed(Delta(removed=2, tombstones=8))
    assert not COUNTING.counts_removed(Delta(removed=1, tombstones=7))
    assert OLD.counts_removed(REMOVED), "it does not say"


def test_removals_that_came_later_are_those_above_the_count() -> None:
    assert [COUNTING.removed_since(Delta(removed=number)) for number in (1, 2, 5)] == [0, 0, 3]
    assert OLD.removed_since(REMOVED) == 0


def test_a_record_of_the_first_format_goes_on_saying_nothing_of_removals() -> None:
    assert OLD.changed_by(REMOVED) == OLD
    assert TreeRecord(crates=3).with_removed_of(OLD) == TreeRecord(crates=3, format=1, removed=UNSET, tombstones=UNSET)


def test_a_digit_or_some_that_differ_are_damage_and_a_whole_digest_is_a_change() -> None:
    known = TreeRecord(digest="0" * 64)
    assert is_slip(TreeRecord(digest="1" * 4 + "0" * 60), known)
    assert not is_slip(TreeRecord(digest="1" * 5 + "0" * 59), known)
    assert not is_slip(known, known)
    assert is_slip(TreeRecord(tombstones="0" * 63 + "1"), known)


# --- documents

records = st.builds(
    TreeRecord,
    mode=st.sampled_from(["registry", "mirror"]),
    aliases=st.lists(st.text()).map(tuple),
    crates=st.integers(0, 10**9),
    releases=st.integers(0, 10**9),
    digest=st.integers(0, 2**256 - 1).map(lambda number: f"{number:064x}"),
)
stones = st.builds(
    Tombstone,
    vers=st.sampled_from(["1.0.0", "1.0.1", "2.0.0-a"]),
    cksum=st.text("0123456789abcdef", min_size=64, max_size=64),
    pubtime=st.none() | st.just("2026-01-01T00:00:00Z"),
    lifted=st.booleans(),
)


@given(records)
def test_a_record_is_read_as_it_was_written(record: TreeRecord) -> None:
    assert parse_tree_record(format_document(record)) == record


@given(st.lists(stones).map(tuple))
def test_tombstones_are_read_as_they_were_written(removed: tuple[Tombstone, ...]) -> None:
    document = Tombstones(name="foo", removed=removed)
    assert parse_tombstones(format_document(document)) == document


def test_the_documents_are_written_for_people_too() -> None:
    assert format_document(TreeRecord(aliases=("https://a.example/",))).decode() == (
        "{\n"
        '  "format": 2,\n'
        '  "needs": "0.2.0",\n'
        '  "mode": "registry",\n'
        '  "aliases": [\n    "https://a.example/"\n  ],\n'
        '  "crates": 0,\n'
        '  "releases": 0,\n'
        f'  "digest": "{"0" * 64}",\n'
        '  "removed": 0,\n'
        f'  "tombstones": "{"0" * 64}"\n'
        "}\n"
    )
    document = Tombstones(name="foo", removed=(Tombstone(vers="1.0.0", cksum="ab"),))
    assert format_document(document).decode() == (
        '{\n  "schema": 1,\n  "name": "foo",\n  "removed": [\n    {\n      "vers": "1.0.0",\n      "cksum": "ab"\n'
        "    }\n  ]\n}\n"
    )


WAY_OUT = "; bring it back from a backup, or delete it, and the next build makes it anew"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "tree.json is not a tree's record: Input data was truncated" + WAY_OUT),
        (b"[]", "tree.json is not a tree's record: Expected `object`, got `array`" + WAY_OUT),
        (b"{}", "tree.json is not a tree's record: Object missing required field `format`" + WAY_OUT),
        (
            b'{"format": 1, "mode": "other"}',
            "tree.json is not a tree's record: Invalid enum value 'other' - at `$.mode`" + WAY_OUT,
        ),
        (
            b'{"format": 2, "tombstones": "0x1"}',
            "tree.json is not a tree's record: Expected `str` matching regex '^[0-9a-f]{64}$' - at `$.tombstones`"
            + WAY_OUT,
        ),
        (
            b'{"format": 3, "needs": "1.2.3", "crates": "many"}',
            "the tree has format 3, and this version reads up to 2; use cargo-static-index 1.2.3 or later",
        ),
        (
            b'{"format": 99}',
            "the tree has format 99, and this version reads up to 2; use a newer cargo-static-index",
        ),
    ],
)
def test_what_is_no_record_of_this_version_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse_tree_record(content)
    assert str(caught.value) == message


def test_bytes_that_are_no_text_make_no_record() -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse_tree_record(b'{"format": 2, "digest": "\xb6"}')
    assert re.fullmatch("tree\\.json is not a tree's record: .*(?i:utf-8).*" + re.escape(WAY_OUT), str(caught.value))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"name": "foo"', "not a document of tombstones: Input data was truncated"),
        (b'{"schema": 2, "name": "foo"}', "not a document of tombstones: Invalid enum value 2 - at `$.schema`"),
        (
            b'{"name": "foo", "removed": [{"vers": "1.0.0"}]}',
            "not a document of tombstones: Object missing required field `cksum` - at `$.removed[0]`",
        ),
    ],
)
def test_what_are_no_tombstones_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse_tombstones(content)
    assert str(caught.value) == message


# --- tombstones


def stone(vers: str, cksum: str = "ab", *, lifted: bool = False) -> Tombstone:
    return Tombstone(vers=vers, cksum=cksum, lifted=lifted)


def test_tombstones_stand_in_semver_order() -> None:
    document = Tombstones(name="foo").with_removed(stone("1.10.0"), stone("1.9.0")).with_removed(stone("1.10.0-rc.1"))
    assert [each.vers for each in document.removed] == ["1.9.0", "1.10.0-rc.1", "1.10.0"]


def test_a_tombstone_keeps_what_it_says_when_the_release_is_removed_again() -> None:
    first = Tombstones(name="foo", removed=(stone("1.0.0", "aa"),))
    assert first.with_removed(stone("1.0.0", "bb")) == first


def test_removing_again_what_was_being_brought_back_ends_the_lifting() -> None:
    lifting = Tombstones(name="foo", removed=(stone("1.0.0"), stone("2.0.0"))).with_lifted({"1.0.0", "2.0.0"})
    assert lifting.with_removed(stone("1.0.0")).removed == (stone("1.0.0"), stone("2.0.0", lifted=True))


def test_tombstones_are_found_by_version_and_by_what_cargo_cannot_tell_apart() -> None:
    document = Tombstones(name="foo", removed=(stone("1.0.0+a"), stone("1.0.0-a")))
    assert document.find("1.0.0") is None
    assert document.find("1.0.0+a") == stone("1.0.0+a")
    assert document.find_same_precedence("1.0.0+b") == stone("1.0.0+a")
    assert document.find_same_precedence("2.0.0") is None
    assert document.without({"1.0.0+a"}).removed == (stone("1.0.0-a"),)


def test_beside_a_line_a_tombstone_counts_for_nothing() -> None:
    document = Tombstones(name="foo", removed=(stone("1.0.0"), stone("2.0.0")))
    assert document.in_force({"1.0.0"}) == (stone("2.0.0"),)
    assert document.weight({"1.0.0"}) == Tombstones(name="foo", removed=(stone("2.0.0"),)).weight(())
    assert document.weight(()).removed == 2


def test_all_that_a_tombstone_says_of_its_release_is_summed_up_and_nothing_of_its_return() -> None:
    one = Tombstone(vers="1.0.0", cksum="ab")
    same = (one, replace(one, lifted=True), replace(one, kept="kept"))
    others = (replace(one, cksum="ac"), replace(one, yanked=True), replace(one, pubtime=TIME), replace(one, when=TIME))
    assert len({Tombstones(name="foo", removed=(each,)).weight(()) for each in same}) == 1
    assert len({Tombstones(name="foo", removed=(each,)).weight(()) for each in (one, *others)}) == 5
    assert {each.plain for each in same} == {one}


TIME = "2026-01-01T00:00:00Z"


def test_tombstones_say_what_keeps_their_archives_until_nothing_does() -> None:
    document = Tombstones(name="foo", removed=(stone("1.0.0", "aa"), stone("2.0.0", "bb")))
    kept = document.with_kept({"aa": "kept"})
    assert [each.kept for each in kept.removed] == ["kept", None]
    assert kept.with_kept({"aa": None}) == document
    assert kept.with_kept({"cc": "other"}) == kept


@pytest.mark.parametrize("odd", [{"vers": "1.0"}, {"pubtime": "yesterday"}, {"when": "2026-13-01T00:00:00Z"}])
def test_tombstones_that_name_no_version_or_no_time_are_refused(odd: dict[str, str]) -> None:
    document = Tombstones(name="foo", removed=(replace(Tombstone(vers="1.0.0", cksum="a" * 64), **odd),))
    with pytest.raises(InvalidDocument, match=r"^not a document of tombstones: "):
        parse_tombstones(format_document(document))
