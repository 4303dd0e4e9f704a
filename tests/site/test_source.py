"""Files of a release that have pages: which, under which names, and as which text."""

from io import BytesIO

import pytest

from cargo_static_index.crate.check import read_crate
from cargo_static_index.crate.limits import Limits
from cargo_static_index.crate.metadata import CrateMetadata
from cargo_static_index.site.paths import NAME_BYTES
from cargo_static_index.site.source import (
    by_folder,
    files_shown,
    license_files,
    source_page,
    source_text,
    source_view,
    text_of,
)
from tests.crates import CrateBuilder, crate


def metadata_of(built: CrateBuilder) -> CrateMetadata:
    metadata = read_crate(BytesIO(built.build()), Limits())[1]
    assert metadata is not None
    return metadata


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xef\xbb\xbfone\r\ntwo\rthree\n", "one\ntwo\nthree\n"),
        (b"caf\xc3\xa9", "caf\xe9"),
        (b"caf\xe9", None),
        (b"a\0b", None),
        (b"", ""),
    ],
)
def test_a_text_is_utf_8_with_one_way_to_end_a_line(content: bytes, text: str | None) -> None:
    assert text_of(content) == text


def test_other_paths_never_give_the_same_name_and_none_is_too_long_or_hidden() -> None:
    paths = ["src/lib.rs", "src~lib.rs", "src~~2f~lib.rs", ".hidden", "a" * 300, "a" * 299 + "b", "../up", "Ä"]
    names = [source_page(path) for path in paths]
    assert names[0] == "src~lib.rs.html"
    assert source_text("src/lib.rs") == "src~lib.rs.txt"
    assert len(set(names)) == len(paths)
    assert all(len(name) <= NAME_BYTES + len(".html") and not name.startswith(".") for name in names)
    assert all("/" not in name for name in names)


READ = (
    crate()
    .readme("# Read\n")
    .file("src/lib.rs", "fn main() {}\n")
    .file("src/deep.rs", "//! Deep\n")
    .file("LICENSE-MIT", "Permission\n")
    .file("logo.png", b"\x89PNG")
    .file("empty", "")
)


def test_documents_come_first_and_the_rest_as_long_as_there_is_room() -> None:
    metadata = metadata_of(READ)
    size = {file.path: file.size for file in metadata.files}
    docs = {"Cargo.toml", "LICENSE-MIT", "README.md", "src/lib.rs"}
    assert files_shown(metadata, "none", 10**6) == ()
    assert {file.path for file in files_shown(metadata, "docs", 10**6)} == docs
    assert {file.path for file in files_shown(metadata, "all", 10**6)} == {*docs, "src/deep.rs"}
    room = sum(size[path] for path in docs)
    assert {file.path for file in files_shown(metadata, "all", room)} == docs
    assert "Cargo.toml" not in {file.path for file in files_shown(metadata, "all", size["Cargo.toml"] - 1)}
    assert license_files(metadata) == ("LICENSE-MIT",)


def test_a_page_shows_a_text_with_its_lines_and_what_lies_beside_it() -> None:
    metadata = metadata_of(READ)
    files = by_folder(files_shown(metadata, "all", 10**6))
    view = source_view(metadata, "src/lib.rs", b"<b>\xe2\x80\xae&\n", files)
    assert (view.code, view.lines, view.odd) == ("&lt;b&gt;\u27e8U+202E\u27e9&amp;\n", 1, True)
    assert (view.raw, view.folder, len(view.neighbours), view.more) == ("src~lib.rs.txt", "src", 2, 0)
    other = source_view(metadata, "src/lib.rs", b"\xff", files)
    assert (other.code, other.lines, other.raw, other.digest) == ("", 0, "", "")
