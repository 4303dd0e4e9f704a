"""What stands in a tree, read as values."""

from hashlib import sha256

import pytest

from cargo_static_index.diagnostics.errors import InvalidConfig, InvalidDocument
from cargo_static_index.protocol.index_entry import Entry
from cargo_static_index.protocol.index_file import IndexFile, new_line, parse_index
from cargo_static_index.store import Delete, Put
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree import layout
from cargo_static_index.tree.changes import KEPT_IDS
from cargo_static_index.tree.documents import Tombstone, Tombstones, TreeRecord, format_document, weight
from cargo_static_index.tree.layout import metadata_file
from cargo_static_index.tree.read import (
    crates_with_tombstones,
    index_paths,
    index_paths_by_name,
    is_whole,
    known_metadata,
    read_config,
    read_index,
    read_indexes,
    read_metadata,
    read_record,
    read_tombstones,
    readable_tombstones,
    removed_versions,
    replaced,
    say_removed,
    weight_of,
    whole_archive,
)
from tests.registry.trees import cksum_of, line


def lines(name: str, *versions: str) -> bytes:
    entries = (
        Entry(name=name, vers=vers, deps=(), cksum="0" * 64, features={}, yanked=False, pubtime=None)
        for vers in versions
    )
    return IndexFile().with_lines(map(new_line, entries)).format()


def stones(name: str, *versions: str, lifted: bool = False) -> bytes:
    removed = tuple(Tombstone(vers=vers, cksum="0" * 64, lifted=lifted) for vers in versions)
    return format_document(Tombstones(name=name, removed=removed))


TREE = MemoryStore(
    {
        "index/config.json": b'{"dl": "https://crates.example.com/crates/{crate}/{sha256-checksum}.crate"}',
        "index/index.html": b"",
        "index/3/z/zoo": lines("Zoo", "1.0.0"),
        "index/ap/pl/apple": lines("apple", "1.0.0", "2.0.0"),
        "index/ap/pl/stray": b"",
        "crates/foo/removed.json": stones("foo", *(f"0.{number}.0" for number in range(7))),
        "crates/back/removed.json": stones("back", "1.0.0", lifted=True),
        "crates/bar/removed.json": stones("foo", "1.0.0"),
        "crates/bar/1.0.0/removed.json": b"",
        "crates/two/removed.json": stones("two", "1.0.0", "2.0.0"),
    }
)


# Index files -------------------------------------------------------------------------------------------------


def test_an_index_file_is_read_by_its_crates_name_in_any_case() -> None:
    index = read_index(TREE, "ZOO")
    assert (index.path, [line.name for line in index.value.lines]) == ("index/3/z/zoo", ["Zoo"])
    assert index.tag is not None


def test_what_is_not_there_has_no_lines_and_no_tag() -> None:
    index = read_index(TREE, "absent")
    assert (index.value, index.stored, index.tag) == (IndexFile(), None, None)


def test_index_files_are_those_that_cargo_would_ask_for() -> None:
    assert list(index_paths(TREE)) == ["index/3/z/zoo", "index/ap/pl/apple"]
    assert index_paths_by_name(TREE) == ["index/ap/pl/apple", "index/3/z/zoo"]


def test_several_are_read_in_the_order_that_is_asked_for() -> None:
    paths = ["index/ap/pl/apple", "index/3/n/nix", "index/3/z/zoo"]
    found = read_indexes(TREE, paths)
    assert [(index.path, len(index.value.lines)) for index in found] == list(zip(paths, (2, 0, 1), strict=True))


def test_an_index_file_weighs_as_much_as_its_bytes_and_releases() -> None:
    assert weight_of(read_index(TREE, "apple")) == weight("index/ap/pl/apple", lines("apple", "1.0.0", "2.0.0"), 2)
    assert weight_of(read_index(TREE, "absent")) == weight("index/ab/se/absent", None, 0)


def test_a_value_has_the_names_that_earlier_versions_gave_it() -> None:
    index = read_index(TREE, "zoo")
    assert index.file is index.record is index.tombstones is index.value


# Documents ---------------------------------------------------------------------------------------------------


def test_a_tree_without_a_record_is_new() -> None:
    record = TreeRecord(crates=1, releases=1)
    assert read_record(TREE).value == TreeRecord()
    assert read_record(MemoryStore({"tree.json": format_document(record)})).value == record


def test_config_is_read_where_there_is_one() -> None:
    config = read_config(TREE)
    assert config is not None
    assert config.dl.startswith("https://crates.example.com/")
    assert read_config(MemoryStore()) is None
    with pytest.raises(InvalidConfig):
        read_config(MemoryStore({"index/config.json": b"{"}))


def test_metadata_is_read_where_there_is_some() -> None:
    assert read_metadata(TREE, "foo", "0" * 64) is None
    with pytest.raises(InvalidDocument):
        read_metadata(MemoryStore({layout.metadata_file("foo", "0" * 64): b"{"}), "foo", "0" * 64)


def test_an_archive_is_whole_if_it_has_its_checksum() -> None:
    cksum = sha256(b"archive").hexdigest()
    path = layout.archive_file("foo", cksum)
    assert whole_archive(MemoryStore({path: b"archive"}), "foo", cksum) == b"archive"
    assert not is_whole(MemoryStore({path: b"archiv"}), "foo", cksum)
    assert not is_whole(MemoryStore(), "foo", cksum)


# What was removed --------------------------------------------------------------------------------------------


def test_crates_of_which_something_was_removed_are_those_with_tombstones() -> None:
    assert list(crates_with_tombstones(TREE)) == ["back", "bar", "foo", "two"]


def test_tombstones_of_another_crate_are_refused_or_count_as_none() -> None:
    with pytest.raises(
        InvalidDocument, match=r"bar/removed\.json: this is of the crate `foo`; bring it back from a backup"
    ):
        read_tombstones(TREE, "bar")
    assert readable_tombstones(TREE, "bar") == Tombstones(name="bar")
    assert read_tombstones(TREE, "absent").value == Tombstones(name="absent")


def test_removed_versions_are_those_that_nobody_brings_back() -> None:
    assert removed_versions(TREE, "foo", "0.3.0") == ["0.3.0"]
    assert removed_versions(TREE, "foo", "9.0.0") == []
    assert len(removed_versions(TREE, "foo")) == 7
    assert removed_versions(TREE, "back") == []


def test_what_was_removed_is_said_with_its_last_versions() -> None:
    way_out = "removed; `add --restore FILE` brings a release back"
    assert say_removed(TREE, "foo", "0.3.0") == f"foo 0.3.0 was {way_out}"
    assert say_removed(TREE, "foo") == f"foo 0.2.0, 0.3.0, 0.4.0, 0.5.0, 0.6.0 and 2 more were {way_out}"
    assert say_removed(TREE, "two") == f"two 1.0.0, 2.0.0 were {way_out}"
    assert say_removed(TREE, "zoo") == ""


# Replacing ---------------------------------------------------------------------------------------------------


def test_a_file_is_replaced_under_the_tag_that_it_was_read_with() -> None:
    stored = TREE.read("index/3/z/zoo")
    assert stored is not None
    assert replaced("a", b"new", stored) == (Put(path="a", content=b"new", expect=stored.tag),)
    assert replaced("a", b"new", None) == (Put(path="a", content=b"new", expect="absent"),)
    assert replaced("a", None, stored) == (Delete(path="a", expect=stored.tag),)


def test_nothing_is_done_where_it_is_what_it_is_to_be() -> None:
    stored = TREE.read("index/3/z/zoo")
    assert stored is not None
    assert replaced("a", stored.content, stored) == ()
    assert replaced("a", None, None) == ()


def test_a_file_names_as_many_changes_as_a_bucket_takes_with_it() -> None:
    changes = tuple(str(number) for number in range(KEPT_IDS + 1))
    (put,) = replaced("a", b"new", None, changes=changes)
    assert isinstance(put, Put)
    assert put.changes == changes[:KEPT_IDS]


@pytest.mark.parametrize("damage", [None, b"", b'{"schema": 1'])
def test_metadata_that_is_lost_or_damaged_is_none(damage: bytes | None) -> None:
    store = MemoryStore({metadata_file("foo", cksum_of("foo", "1.0.0")): damage} if damage is not None else {})
    (release,) = parse_index(line("foo")).releases
    assert known_metadata(store, release) is None
