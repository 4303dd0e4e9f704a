"""Where everything lies, and what a path tells of what lies there."""

import pytest

from cargo_static_index.tree import layout

CKSUM = "0a" * 32


def test_all_of_a_release_lies_in_the_folder_of_its_crate() -> None:
    assert layout.files_of("Foo", "1.0.0+x", CKSUM) == (
        f"crates/Foo/{CKSUM}.crate",
        f"crates/Foo/{CKSUM}.json",
        "crates/Foo/1.0.0+x/download",
    )
    assert layout.archive_and_metadata("Foo", CKSUM) == layout.files_of("Foo", "1.0.0+x", CKSUM)[:2]


def test_an_index_file_lies_where_cargo_asks_for_it_in_small_letters() -> None:
    assert layout.index_file("Serde") == "index/se/rd/serde"


def test_documents_of_a_crate_lie_beside_its_archives() -> None:
    assert (layout.tombstones_file("foo"), layout.owners_file("foo"), layout.owners_copy("foo")) == (
        "crates/foo/removed.json",
        "crates/foo/owners.json",
        "crates/foo/owners-copy.json",
    )


def test_a_path_tells_of_which_archive_it_is() -> None:
    assert layout.release_of(layout.archive_file("foo", CKSUM)) == ("foo", CKSUM)
    assert layout.release_of(layout.metadata_file("foo", CKSUM)) == ("foo", CKSUM)
    assert layout.addressed_by(layout.version_address("foo", "1.0.0")) == ("foo", "1.0.0")


@pytest.mark.parametrize(
    "path",
    [
        "crates/foo/removed.json",
        f"crates/foo/{CKSUM}.html",
        f"crates/foo/{CKSUM.upper()}.crate",
        f"crates/foo/bar/{CKSUM}.crate",
        f"index/foo/{CKSUM}.crate",
        "crates/foo/1.0.0/index.html",
        "crates/foo/download",
    ],
)
def test_other_paths_tell_of_none(path: str) -> None:
    assert layout.release_of(path) is None
    assert layout.addressed_by(path) is None
