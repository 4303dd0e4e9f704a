"""Files of releases that can be read: which, where, and what stands on their pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_static_index.site.source import source_page, source_text
from tests.crates import CrateBuilder, crate
from tests.registry.site.reading import dead_links, text_of
from tests.registry.site.registries import OPTIONS
from tests.world import World

FOLDER = "crates/read/1.0.0/source"


def world_with(tmp_path: Path, source: str, **more: object) -> World:
    return World(
        tmp_path, {**OPTIONS, "pages.source": source, **{f"pages.{key}": value for key, value in more.items()}}
    )


def read_me() -> CrateBuilder:
    return (
        crate("read", "1.0.0")
        .readme("# Read\n")
        .file("src/lib.rs", 'fn main() {\n    "<b>&amp;";\n}\n')
        .file("src/deep/other.rs", "//! Other\n")
        .file("LICENSE-MIT", "Permission is granted.\n")
        .file("tests/data.bin", b"\x00\x01")
        .file("tests/data", b"\x00\x01")
        .file("empty", "")
    )


def shown(world: World) -> set[str]:
    return {path.removeprefix(f"{FOLDER}/") for path in world.files() if path.startswith(f"{FOLDER}/")}


def test_without_the_setting_no_file_has_a_page(tmp_path: Path) -> None:
    world = World(tmp_path, OPTIONS)
    world.put(read_me())
    world.build()
    assert shown(world) == set()


def test_what_people_look_into_first_is_shown_and_with_all_whatever_is_text(tmp_path: Path) -> None:
    first = {"Cargo.toml", "LICENSE-MIT", "README.md", "src~lib.rs"}
    world = world_with(tmp_path / "docs", "docs")
    world.put(read_me())
    world.build()
    assert shown(world) == {f"{name}.{ending}" for name in first for ending in ("html", "txt")}
    world = world_with(tmp_path / "all", "all")
    world.put(read_me())
    world.build()
    assert shown(world) == {
        *(f"{name}.{ending}" for name in (*first, "src~deep~other.rs") for ending in ("html", "txt")),
        "tests~data.html",
    }
    assert "This file is not text" in text_of(world.read(f"{FOLDER}/tests~data.html"))
    assert list(dead_links(world.files() | {"refused.html": world.read("refused.html")})) == []


def test_a_file_is_shown_as_it_is_with_a_number_that_leads_to_each_line(tmp_path: Path) -> None:
    world = world_with(tmp_path, "docs")
    world.put(read_me())
    world.build()
    page = world.read(f"{FOLDER}/src~lib.rs.html").decode()
    assert '<code>fn main() {\n    "&lt;b&gt;&amp;amp;";\n}\n</code>' in page
    assert '<a id="L3" href="#L3" tabindex="-1">3</a></pre>' in page
    assert 'data-language="rust"' in page
    assert world.read(f"{FOLDER}/src~lib.rs.txt") == b'fn main() {\n    "<b>&amp;";\n}\n'
    assert 'href="source/src~lib.rs.html"' in world.read("crates/read/1.0.0/index.html").decode()


def test_no_more_is_shown_than_the_limit_and_what_is_looked_for_first(tmp_path: Path) -> None:
    world = world_with(tmp_path, "all", **{"source-bytes": 200})
    world.put(crate("read", "1.0.0").file("a.rs", "/" * 199).file("src/lib.rs", "/" * 20))
    world.build()
    pages = {name for name in shown(world) if name.endswith(".html")}
    assert "src~lib.rs.html" in pages
    assert "a.rs.html" not in pages


def test_characters_that_hide_or_reorder_code_are_named(tmp_path: Path) -> None:
    world = world_with(tmp_path, "docs")
    world.put(crate("read", "1.0.0").file("src/lib.rs", "a\u202eb\u200bc\x07\r\nd\re\n"))
    world.build()
    page = world.read(f"{FOLDER}/src~lib.rs.html").decode()
    assert "a⟨U+202E⟩b⟨U+200B⟩c⟨U+0007⟩\nd\ne\n</code>" in page
    assert "This file holds characters that are not seen" in page


@pytest.mark.parametrize(
    "path",
    [
        "index.html",
        "a/b",
        "a~b",
        "a b",
        "ä.rs",
        "<script>.rs",
        'x".rs',
        "x" * 250,
        ".hidden",
        "a/.b",
        "..b",
        "x.html/y",
        "%2e",
    ],
)
def test_whatever_a_file_is_called_its_pages_have_names_of_their_own(path: str) -> None:
    for name in (source_page(path), source_text(path)):
        assert len(name) <= 255
        assert not name.startswith(".")
        assert not set(name) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-~")


def test_other_paths_never_have_the_same_page() -> None:
    paths = ["a/b", "a~b", "a~~b", "a~/b", "a/~b", "a b", "a~~20~b", "x" * 240, "x" * 241, "x" * 242, ".a", "a"]
    assert len({source_page(path) for path in paths}) == len(paths)


def test_pages_go_with_their_release_and_with_the_setting(tmp_path: Path) -> None:
    world = world_with(tmp_path, "docs")
    world.put(read_me(), crate("read", "2.0.0"))
    world.build()
    assert shown(world)
    world.remove("read@1.0.0")
    assert shown(world) == set()
    assert any(path.startswith("crates/read/2.0.0/source/") for path in world.files())
    other = World(tmp_path, OPTIONS)
    other.build()
    assert not [path for path in other.files() if "/source/" in path]


def test_another_version_or_a_yank_writes_no_file_of_the_first_anew(tmp_path: Path) -> None:
    world = world_with(tmp_path, "docs")
    world.put(read_me())
    world.build()
    before = {path: (world.tree / path).stat().st_mtime_ns for path in world.files() if "/1.0.0/source/" in path}
    world.put(crate("read", "2.0.0"))
    world.build()
    world.yank("read@1.0.0")
    assert before == {path: (world.tree / path).stat().st_mtime_ns for path in before}


def damages(world: World) -> Iterator[tuple[str, bytes | None]]:
    for path in (f"{FOLDER}/src~lib.rs.html", f"{FOLDER}/src~lib.rs.txt"):
        yield path, None
        yield path, b"other"


def test_a_page_or_text_that_is_lost_or_changed_is_found_and_made_anew(tmp_path: Path) -> None:
    world = world_with(tmp_path, "docs")
    world.put(read_me())
    world.build()
    assert world.verified() == []
    whole = world.files()
    for path, content in damages(world):
        file = world.tree / path
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)
        assert [finding.path for finding in world.verified()] == [path]
        world.verified(fix=True)
        assert world.files() == whole


def test_the_same_release_gives_the_same_pages_after_all_are_made_anew(tmp_path: Path) -> None:
    world = world_with(tmp_path, "all")
    world.put(read_me())
    world.build()
    before = world.files()
    world.forget()
    with world.opened() as registry:
        registry.remake_pages()
    assert world.files() == before


def test_an_archive_that_is_lost_stops_no_page(tmp_path: Path) -> None:
    world = world_with(tmp_path, "docs")
    world.put(read_me())
    world.build()
    before = world.files()
    (archive,) = (path for path in before if path.endswith(".crate"))
    (world.tree / archive).unlink()
    with world.opened() as registry:
        registry.remake_pages()
    assert before.keys() - world.files().keys() == {archive}
