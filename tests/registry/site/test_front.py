"""The front page, as a pass writes it."""

from pathlib import Path

import pytest

from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import open_registry
from cargo_static_index.settings import parse_settings
from cargo_static_index.store.memory import MemoryStore
from tests.crates import crate

NOW = 1_767_225_600


def page_of(folder: Path, tree: MemoryStore, **settings: object) -> str | None:
    """Build from `folder`/drop with these settings, and give the front page."""
    (folder / "drop").mkdir(exist_ok=True)
    options = {
        "registry.base-url": "https://crates.example.com/",
        "drop.path": str(folder / "drop"),
        "state.path": str(folder / "state"),
    } | {f"registry.{key}": value for key, value in settings.items()}
    loaded = parse_settings(options, {}, folder, None, "").settings
    with open_registry(loaded, Report(), Options(now=NOW), store=tree) as registry:
        registry.build()
    held = tree.read("index.html")
    return None if held is None else held.content.decode()


def test_the_front_page_names_the_index_url_with_the_slash_that_counts(tmp_path: Path) -> None:
    page = page_of(tmp_path, MemoryStore(), name="acme")
    assert page is not None
    assert "sparse+https://crates.example.com/index/" in page
    assert "acme" in page


@pytest.mark.parametrize("key", ["title", "description"])
def test_what_settings_say_is_text_and_never_markup(tmp_path: Path, key: str) -> None:
    page = page_of(tmp_path, MemoryStore(), **{key: "<script>alert(1)</script> & more"})
    assert page is not None
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page
    assert "<script>alert" not in page


def test_the_front_page_counts_what_is_held(tmp_path: Path) -> None:
    tree = MemoryStore()
    empty = page_of(tmp_path, tree)
    for builder in (crate("foo", "1.0.0"), crate("foo", "1.1.0"), crate("bar")):
        builder.write(tmp_path / "drop")
    full = page_of(tmp_path, tree)
    assert empty != full


def test_a_pass_that_changes_nothing_leaves_the_front_page_alone(tmp_path: Path) -> None:
    tree = MemoryStore()
    crate("foo").write(tmp_path / "drop")
    page_of(tmp_path, tree)
    before = tree.read("index.html")
    page_of(tmp_path, tree)
    assert tree.read("index.html") == before


def test_no_page_is_written_where_none_are_wanted(tmp_path: Path) -> None:
    tree = MemoryStore()
    crate("foo").write(tmp_path / "drop")
    assert page_of(tmp_path, tree, pages=False) is None
    assert tree.read("index/3/f/foo") is not None
