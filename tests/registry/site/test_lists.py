"""Lists: whom they name, what their parts hold, and that no change of others is lost in them."""

import json
import shutil
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import PagesFailed
from cargo_static_index.store import Put
from cargo_static_index.store.memory import MemoryStore
from tests.crates import crate
from tests.registry.site.reading import text_of
from tests.registry.site.registries import HERE, OPTIONS, some_crates
from tests.world import World


def test_dependents_are_listed_with_what_they_ask_for_and_whether_the_newest_version_is_it(world: World) -> None:
    world.put(*some_crates())
    world.build()
    assert text_of(world.read("crates/acme-units/dependents.html")) == (
        "Crates › acme-units\n"
        "Who depends on acme-units\n"
        "1 crate in this registry. The newest version is 0.3.1.\n"
        "acme-text 1.1.0\n"
        "asks for ^0.3 takes 0.3.1\n"
        "The crate acme-text\n"
        "This list as JSON\n"
    )
    world.put(crate("acme-units", "0.4.0"))
    world.build()
    assert "asks for ^0.3 does not take 0.4.0" in text_of(world.read("crates/acme-units/dependents.html"))
    rows = json.loads(world.read("crates/acme-units/dependents.json"))["rows"]
    assert rows["acme-text"]["needs"] == [["^0.3", "normal", False, False]]


def test_a_crate_that_is_needed_and_not_held_has_a_page_that_gives_way(world: World) -> None:
    world.put(*some_crates())
    world.build()
    assert text_of(world.read("crates/absent/index.html")) == (
        "Crates\n"
        "absent not published here\n"
        "1 crate of this registry depends on it, and it is not published here. "
        "This page gives way to its own when it is.\n"
        "Needed by\n"
        "acme-text 1.1.0\n"
        "asks for ^2 for tests\n"
        "The crate acme-text\n"
    )
    before = world.files()
    world.put(crate("absent", "2.0.0"))
    world.build()
    assert "absent 2.0.0" in text_of(world.read("crates/absent/index.html"))
    assert "takes 2.0.0" in text_of(world.read("crates/absent/dependents.html"))
    changed = {path for path, content in world.files().items() if before.get(path) != content}
    assert not any(path.startswith("crates/acme-text") for path in changed)
    world.remove("absent")
    page = text_of(world.read("crates/absent/index.html"))
    assert "absent removed\n" in page
    assert page.endswith("Needed by\nacme-text 1.1.0\nasks for ^2 for tests\nThe crate acme-text\n")
    world.remove("acme-text")
    assert "Needed by" not in text_of(world.read("crates/absent/index.html"))


def test_a_page_that_stands_for_a_crate_goes_with_the_last_that_needs_it(world: World) -> None:
    world.put(crate("foo").dependency("absent", "2", registry_index=HERE), crate("foo", "1.1.0"))
    world.build()
    assert "crates/absent/index.html" in world.files()
    world.remove("foo@1.0.0")
    assert "crates/absent/index.html" not in world.files()


def test_lists_name_crates_by_name_keyword_category_and_month(world: World) -> None:
    world.put(*some_crates())
    world.build()
    item = "acme-git 0.3.02026-01-01\nThe crate acme-git\n"
    tabs, json_too = "Names Keywords Categories Licenses By month\n", "This list as JSON\n"
    assert item in text_of(world.read("browse/names.html"))
    assert text_of(world.read("browse/keyword/git.html")) == f"{tabs}Keyword “git”\n1 crate.\n{item}{json_too}"
    assert item in text_of(world.read("browse/category/command-line-utilities.html"))
    assert text_of(world.read("browse/keywords.html")) == f"{tabs}Keywords\n2 keywords.\ngit 1\nvcs 1\n{json_too}"
    month = text_of(world.read("browse/month/2026-01.html"))
    assert month.startswith(f"{tabs}January 2026\n4 releases published.\n")
    assert "acme-git 0.3.0 new crate2026-01-01\n" in month
    assert "acme-text 1.1.02026-01-01\n" in month
    assert "January 2026 4\n" in text_of(world.read("browse/months.html"))
    world.remove("acme-git")
    assert "No crate names keywords yet." in text_of(world.read("browse/keywords.html"))
    assert "browse/keyword/git.html" not in world.files()


def test_crates_are_listed_by_each_license_that_they_name(world: World) -> None:
    world.put(
        crate("both").package(license="MIT OR Apache-2.0"),
        crate("old").package(license="MIT/GPL-2.0+ WITH Classpath-exception-2.0"),
        crate("own").package(license=None, license_file="Cargo.toml"),
    )
    world.build()
    listed = text_of(world.read("browse/licenses.html"))
    assert "4 licenses.\nMIT 2\nApache-2.0 1\nClasspath-exception-2.0 1\nGPL-2.0+ 1\n" in listed
    assert "License MIT\n2 crates.\nboth 1.0.0" in text_of(world.read("browse/license/mit.html"))
    page = world.read("crates/both/index.html").decode()
    assert '<a href="https://spdx.org/licenses/MIT.html" rel="nofollow noopener noreferrer">MIT</a> OR <a' in page


def test_a_list_that_is_cut_names_all_by_a_script_while_they_are_few(world: World) -> None:
    world.put(*(crate(f"{letter}{number}") for letter in "ab" for number in range(80)))
    world.build()
    assert 'data-at="../crates/"' in world.read("browse/names.html").decode()
    assert "browse-" in world.read("browse/names.html").decode()
    assert {row["name"] for row in json.loads(world.read("browse/names/a.json"))["rows"].values()} == {
        f"a{number}" for number in range(80)
    }
    assert "browse-" not in world.read("browse/names/a.html").decode()


def test_keywords_that_most_crates_name_come_first(world: World) -> None:
    world.put(*some_crates(), crate("foo").package(keywords=["vcs", "abc"]))
    world.build()
    assert "3 keywords.\nvcs 2\nabc 1\ngit 1\n" in text_of(world.read("browse/keywords.html"))


NEW = crate("xnew").package(keywords=["new"])


@pytest.fixture(scope="module")
def with_new(large: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the large registry is with one more crate, made from nothing."""
    fresh = World(tmp_path_factory.mktemp("fresh"), OPTIONS)
    shutil.copytree(large.drop, fresh.drop, dirs_exist_ok=True)
    fresh.put(NEW)
    fresh.build()
    return fresh.files()


@pytest.mark.parametrize("path", ["browse/names.json", "browse/names/x.json", "search/names.js", "sets/keywords"])
@pytest.mark.parametrize("content", [None, b"cut"])
def test_a_list_that_is_lost_loses_no_crate_by_the_next_build(
    damaged: World, with_new: dict[str, bytes], path: str, content: bytes | None
) -> None:
    path = "browse/keywords.json" if path.startswith("sets/") else path
    damaged.put(NEW)
    (damaged.tree / path).unlink() if content is None else (damaged.tree / path).write_bytes(content)
    damaged.build()
    assert damaged.files() == with_new


def test_a_copied_folder_of_a_crate_takes_nothing_from_the_lists(damaged: World) -> None:
    before = damaged.files()
    shutil.copytree(damaged.tree / "crates/acme-git", damaged.tree / "crates/acme-old")
    with damaged.opened() as registry:
        registry.remake_pages()
    after = damaged.files()
    assert {path: after[path] for path in before} == before


def test_two_writers_lose_none_of_each_others_rows(tmp_path: Path) -> None:
    tree = MemoryStore()
    one, other = (World(tmp_path / name, OPTIONS, tree) for name in ("one", "other"))
    foo, bar = (crate(name).package(keywords=["shared"]) for name in ("foo", "bar"))
    one.put(foo)
    other.put(bar)
    one.build()
    other.build()
    one.build()
    alone = World(tmp_path / "alone", OPTIONS, MemoryStore())
    alone.put(foo, bar)
    alone.build()
    assert one.files() == alone.files()


LONG = "keyword of twenty words " * 20


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


def test_a_list_that_cannot_be_made_is_let_go_and_fails_no_build_again(tmp_path: Path) -> None:
    tree = MemoryStore()
    world = World(tmp_path, OPTIONS, tree)
    world.put(crate("foo").package(keywords=["git"]))
    world.build()
    path = "browse/keyword/git.json"
    row = json.loads(tree.files[path])
    row["rows"]["foo"] = 7
    tree.apply([Put(path=path, content=json.dumps(row).encode())])
    world.put(crate("bar").package(keywords=["git", "new"]))
    with pytest.raises(PagesFailed, match=r"browse/keyword/git\.json: this page cannot be made"):
        world.build()
    assert b"bar" in tree.files["browse/keyword/new.html"]
    assert world.build().paths == []
    assert "browse/keyword/git.json" in {found.path for found in world.verified()}
