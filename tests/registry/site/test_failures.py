"""One page or list that cannot be made stops no other; it is said, and `verify` names it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import PagesFailed
from tests.cli.program import run
from tests.crates import crate
from tests.registry.site.registries import OPTIONS, some_crates
from tests.world import World

LONG = "keyword of twenty words " * 20


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, OPTIONS)


def names_of(world: World) -> list[str]:
    """Give the names of the files and folders of the tree."""
    return [path.name for path in world.tree.rglob("*")]


@pytest.mark.parametrize("field", ["keywords", "categories"])
@pytest.mark.parametrize("text", [LONG, "漢字" * 60, "🦀" * 80])
def test_a_long_keyword_stops_no_page_and_leaves_no_trace(world: World, field: str, text: str) -> None:
    world.put(*some_crates())
    world.build()
    before = world.files()
    world.put(crate("tagged").package(**{field: [text]}))
    world.build()
    page = world.read("crates/tagged/index.html").decode()
    (listed,) = (world.tree / "browse" / {"keywords": "keyword", "categories": "category"}[field]).glob("*~*.html")
    assert f"browse/{listed.parent.name}/{listed.name}" in page
    assert "tagged" in listed.read_text()
    assert max(len(name.encode()) for name in names_of(world)) <= 255
    assert world.verified() == []
    world.remove("tagged")
    files = world.files()
    gone = ("removed.json", "index.html", "1.0.0/index.html")
    assert all(files.pop(f"crates/tagged/{name}") for name in gone)
    counted = json.loads(files.pop("tree.json"))
    assert counted.pop("removed") == 1
    assert {**counted, "tombstones": "0" * 64, "removed": 0} == json.loads(before.pop("tree.json"))
    assert files == before


def test_many_long_versions_and_many_names_that_begin_alike_have_their_lists(world: World) -> None:
    long = "a" * 63
    world.put(*(crate("x", f"1.0.0-{'a.' * 70}{number}") for number in range(160)))
    world.put(*(crate(f"{'a-b_c' * 12}{number}", "1.0.0") for number in range(160)))
    world.put(crate(long))
    report = world.build()
    assert report.of("refused") == []
    assert max(len(name.encode()) for name in names_of(world)) <= 255
    assert world.verified() == []
    assert json.loads(world.read("index.json"))["releases"] == 321


def test_a_folder_in_a_pages_place_stops_that_page_alone_and_is_named(world: World) -> None:
    world.put(*some_crates())
    world.build()
    page = world.tree / "crates/acme-units/0.4.0/index.html"
    page.mkdir(parents=True)
    (page / "here").touch()
    world.put(crate("acme-units", "0.4.0"), crate("other"))
    with pytest.raises(PagesFailed, match=r"crates/acme-units/0\.4\.0/index\.html: this page cannot be made"):
        world.build()
    assert "0.4.0" in world.read("crates/acme-units/index.html").decode()
    assert "other" in world.read("browse/names.html").decode()
    assert "crates/acme-units/0.4.0/index.html" in {found.path for found in world.verified()}
    assert world.build().paths == []
    (page / "here").unlink()
    page.rmdir()
    assert all(found.fixed for found in world.verified(fix=True))
    assert world.verified() == []


def test_a_folder_in_a_lists_place_stops_that_list_alone(world: World) -> None:
    world.put(*some_crates())
    world.build()
    taken = world.tree / "browse/keyword/new.html/here"
    taken.parent.mkdir()
    taken.touch()
    world.put(crate("other").package(keywords=["new", "git"]))
    with pytest.raises(PagesFailed, match=r"browse/keyword/new\.html: this page cannot be made"):
        world.build()
    assert "other" in world.read("browse/keyword/git.html").decode()
    assert "other" in world.read("index.html").decode()
    assert [found.path for found in world.verified()] == ["browse/keyword/new.html"]
    assert world.build().paths == []


def test_the_command_prints_what_it_did_and_exits_with_1(tmp_path: Path) -> None:
    world = World(tmp_path, OPTIONS)
    (world.tree / "crates/foo/index.html/here").mkdir(parents=True)
    world.put(crate())
    done = run("build", "--json", "--tree", "public", "--drop", "drop", cwd=tmp_path)
    done.failed(1, "crates/foo/index.html: this page cannot be made")
    assert done.document()["counts"]["published"] == 1


def test_a_page_that_was_replaced_is_found_by_what_it_holds_and_made_anew(world: World) -> None:
    world.put(*some_crates())
    world.build()
    before = world.files()
    other = before["crates/acme-units/index.html"]
    damages: dict[str, Callable[[bytes], bytes]] = {
        "crates/acme-text/1.0.0/index.html": lambda page: page[:-50],
        "browse/names.html": lambda page: page[:200] + b"~" + page[201:],
        "crates/acme-git/index.html": lambda _: other,
        "index.html": lambda _: b"<p>pwned</p>",
    }
    for path, damage in damages.items():
        (world.tree / path).write_bytes(damage(before[path]))
    assert "page-wrong" not in {finding.id for finding in world.verified(quick=True) if finding.path != "index.html"}
    assert {*damages} <= {finding.path for finding in world.verified()}
    assert all(finding.fixed for finding in world.verified(fix=True))
    assert world.files() == before
