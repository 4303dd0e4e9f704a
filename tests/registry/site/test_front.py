"""The front page, as a pass writes it."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import open_registry
from cargo_static_index.registry.site.front import LOOKED_AT, SHOWN, FrontPages
from cargo_static_index.registry.site.lists import ListWriter
from cargo_static_index.registry.site.news import News
from cargo_static_index.registry.site.output import Copies, Output
from cargo_static_index.registry.site.theme import read_theme, site_info_of
from cargo_static_index.settings import parse_settings
from cargo_static_index.site.recent import About
from cargo_static_index.site.templates import Templates
from cargo_static_index.site.theme import assets_of
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.documents import TreeRecord
from tests.crates import crate
from tests.registry.site.reading import links_of, text_of
from tests.world import DAY, World

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


def test_the_index_says_what_its_address_is_for_and_a_lost_reader_is_led_back(world: World) -> None:
    world.build()
    about = world.read("index/index.html")
    assert text_of(about).startswith("This address is for cargo\nHere lies the index that cargo reads")
    assert "../index.html#use-local" in links_of(about)
    assert "There is no such page" in text_of(world.read("404.html"))


def test_the_front_page_tells_new_crates_from_new_versions(world: World) -> None:
    world.put(crate("foo"))
    world.build()
    world.now += DAY
    world.put(crate("foo", "1.1.0"), crate("bar"))
    world.build()
    text = text_of(world.read("index.html"))
    assert text.startswith("Crates of Acme\nWhat we share.\nSearch\n2 crates 3 releases\nHow to use it\n")
    assert "New versions\nfoo 1.1.02026-01-02\nThe crate foo\n" in text
    assert "New crates\nbar 1.0.02026-01-02\nThe crate bar\nfoo 1.0.02026-01-01\nThe crate foo\n" in text


def test_of_versions_that_came_together_the_front_page_names_the_highest(world: World) -> None:
    world.put(crate("foo", "0.9.0"), crate("foo", "0.10.0"), crate("bar"))
    world.build()
    text = text_of(world.read("index.html"))
    assert "New crates\nbar 1.0.02026-01-01\nThe crate bar\nfoo 0.10.02026-01-01\nThe crate foo\n" in text
    assert "foo 0.9.0" not in text
    world.now += DAY
    world.put(crate("foo", "0.11.0"), crate("foo", "1.0.0-rc.1"))
    world.build()
    assert "New versions\nfoo 1.0.0-rc.12026-01-02\n" in text_of(world.read("index.html"))


def test_of_what_came_together_the_front_page_names_all_or_none(world: World) -> None:
    world.put(*(crate(f"x{number}") for number in range(9)))
    world.build()
    text = text_of(world.read("index.html"))
    assert "New crates" not in text
    assert "On 2026-01-01 more came at once than can be named here: see January 2026, or all crates.\n" in text
    world.now += DAY
    world.put(crate("bar"), *(crate(f"x{number}", "1.1.0") for number in range(5)))
    world.build()
    world.now += DAY
    world.put(*(crate(f"x{number}", "1.2.0") for number in range(5, 9)))
    world.build()
    text = text_of(world.read("index.html"))
    assert "New crates\nbar 1.0.02026-01-02\n" in text
    assert [f"x{number} 1.2.0" in text for number in range(5, 9)] == [True] * 4
    assert "1.1.0" not in text, "five more would be too many"
    assert "Before that, more came at once than can be named here" in text
    assert json.loads(world.read("index.json"))["together"] == "2026-01-01T00:00:00Z"


def test_many_versions_of_one_crate_leave_room_for_others_on_the_front_page(world: World) -> None:
    world.put(*(crate("big", f"1.0.{number}") for number in range(210)), crate("big", "9.0.0"), crate("other"))
    world.build()
    text = text_of(world.read("index.html"))
    assert "New crates\nbig 9.0.02026-01-01\nThe crate big\nother 1.0.02026-01-01\nThe crate other\n" in text


# What it tells of, given all that there is -------------------------------------------------------------------


class Told:
    """News that are what a test says: a name, a version, when it came, and when its crate came, the last first."""

    def __init__(self, *releases: tuple[str, str, str, str]) -> None:
        self.record = TreeRecord(crates=1, releases=len(releases))
        self._releases = releases
        self.asked: set[str] = set()
        """The crates whose versions were asked for."""

    def crates(self, limit: int) -> Iterator[tuple[str, str]]:
        return islice(((name, time) for name, _, time, _ in self._releases), limit)

    def releases(self, limit: int) -> Iterator[tuple[str, str, str]]:
        return islice(((name, vers, time) for name, vers, time, _ in self._releases), limit)

    def highest(self, name: str, pubtime: str) -> str | None:
        self.asked.add(name)
        return next(vers for found, vers, time, _ in self._releases if (found, time) == (name, pubtime))

    def about(self, name: str) -> About:
        return next(About(description="", created=first) for found, _, _, first in self._releases if found == name)


def day(number: int) -> str:
    return f"2026-01-{number:02}T00:00:00Z"


def front_of(folder: Path, news: News) -> dict[str, object]:
    """Give index.json, with names and versions alone."""
    world = World(folder, {}, MemoryStore())
    with world.opened() as registry:
        registry.take()
        transaction, theme = registry.transaction, read_theme(world.settings())
        site = site_info_of(transaction, world.settings())
        templates = Templates(theme, replace(site, assets=assets_of(theme)[0]))
        output = Output(transaction, Copies(transaction, wanted=False), transaction.store.apply)
        FrontPages(transaction, output, templates, site).write(
            ListWriter(transaction, output, templates, ()), news, all_of_them=False
        )
        stored = transaction.store.read("index.json")
    assert stored is not None
    found: dict[str, Any] = json.loads(stored.content)
    for kind in ("new", "updated"):
        found[kind] = [f"{each['name']} {each['vers']}" for each in found.get(kind, ())]
    return found


def test_no_more_is_looked_at_once_there_is_enough_to_name(tmp_path: Path) -> None:
    new = [(f"new{number}", "1.0.0", day(20), day(20)) for number in range(SHOWN)]
    updated = [(f"old{number}", "1.1.0", day(10), day(1)) for number in range(SHOWN)]
    news = Told(*new, *updated, ("early", "1.0.0", day(5), day(5)))
    found = front_of(tmp_path, news)
    assert found["new"] == [f"new{number} 1.0.0" for number in range(SHOWN)]
    assert found["updated"] == [f"old{number} 1.1.0" for number in range(SHOWN)]
    assert "early" not in news.asked


def test_a_time_of_which_not_all_was_looked_at_is_left_out(tmp_path: Path) -> None:
    several = [("foo", f"1.{number}.0", day(30 - number // 2), day(1)) for number in range(LOOKED_AT - 2)]
    last = [(f"late{number}", "1.0.0", day(3), day(3)) for number in range(3)]
    found = front_of(tmp_path, Told(*several, *last))
    assert found["new"] == []
    assert found["updated"] == ["foo 1.0.0"]
