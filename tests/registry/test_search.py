"""Where a search finds its lists: in the tree, in the state, or made of all that is held; they are the same."""

from pathlib import Path

import pytest

from cargo_static_index.registry.search import (
    HeldSearch,
    Searched,
    StateSearch,
    TreeSearch,
    describe_crate,
    documents,
    has_lists,
    search_of,
)
from cargo_static_index.site.paths import crate_row
from cargo_static_index.site.search import near, ranked
from cargo_static_index.site.search_rows import part_path
from cargo_static_index.store.local.store import LocalStore
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.layout import RECORD, index_file
from tests.crates import crate
from tests.registry.site.registries import HERE
from tests.registry.trees import line, tree_of
from tests.world import World

QUERIES = ("json", "json parsing", "one", "tow", "users", "one json qwertyuiop", "ser", "_json", "", "used-0")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A registry without pages, with some crates of which one is needed by others."""
    world = World(tmp_path, {"registry.pages": False})
    world.put(
        crate("one-json").package(description="Parses json", keywords=["serde"]),
        crate("two-json").readme("# Two\n\nAlso for users.\n"),
        *(crate(f"used-{number}").dependency("two-json", "1", registry_index=HERE) for number in range(3)),
    )
    world.build()
    return world


def found(search: Searched) -> list[object]:
    """Give what queries find, in order, with what is shown of it."""
    return [(query, each, search.about(each.name)) for query in QUERIES for each in ranked(query, search)] + [
        (query, each) for query in QUERIES for each in near(query, search)
    ]


def held(world: World) -> list[object]:
    """Give the same as all that is held has it."""
    return found(HeldSearch(documents(LocalStore(world.tree))))


def in_state(world: World) -> list[object]:
    """Give the same as the state has it, which is taken where there are no pages."""
    with search_of(LocalStore(world.tree), world.state) as search:
        assert isinstance(search, StateSearch)
        return found(search)


def test_the_state_finds_what_is_held_after_every_change(world: World) -> None:
    assert in_state(world) == held(world) != []
    world.put(crate("used-9").dependency("two-json", "1", registry_index=HERE), crate("one-json", "1.1.0"))
    world.build()
    assert in_state(world) == held(world)
    world.yank("one-json@1.0.0", "one-json@1.1.0")
    assert in_state(world) == held(world)
    world.remove("used-9")
    world.remove("two-json")
    assert in_state(world) == held(world)


def test_a_tree_with_pages_is_asked_itself_and_finds_the_same(world: World) -> None:
    before = held(world)
    paged = World(world.tree.parent, {"registry.pages": True})
    paged.build()
    with search_of(LocalStore(world.tree), world.state) as search:
        assert isinstance(search, TreeSearch)
        assert found(search) == before


def test_without_a_state_all_that_is_held_is_read(world: World, tmp_path: Path) -> None:
    with search_of(LocalStore(world.tree), tmp_path / "none") as search:
        assert isinstance(search, HeldSearch)
    assert not (tmp_path / "none").exists()


def test_a_state_that_does_not_know_the_tree_is_not_asked(world: World, tmp_path: Path) -> None:
    other = World(tmp_path / "other", {"registry.pages": False})
    other.build()
    with search_of(LocalStore(world.tree), other.state) as search:
        assert isinstance(search, HeldSearch)


def test_what_lists_lost_or_cannot_be_read_is_not_found_and_stops_nothing() -> None:
    assert TreeSearch(MemoryStore()).beginning("names", "foo", 10) == ([], 0)
    damaged = MemoryStore({crate_row("foo"): b"{", part_path("names", ""): b"{"})
    search = TreeSearch(damaged)
    assert (search.about("foo"), search.about("bar"), search.beginning("names", "foo", 10)) == (None, None, ([], 0))


@pytest.mark.parametrize("record", [None, b"{", b"{}"])
def test_a_tree_whose_record_says_nothing_has_no_lists(record: bytes | None) -> None:
    assert not has_lists(MemoryStore({RECORD: record} if record else {}))


def test_a_crate_is_described_by_the_lines_that_cargo_can_read() -> None:
    odd = line("foo", "2.0.0", deps={})
    store = tree_of({"foo": [line("foo", pubtime="2026-01-01T00:00:00Z"), odd], "bar": [line("bar", deps={})]})
    found = describe_crate(store, index_file("foo"))
    assert found is not None
    assert ([summary.vers for summary in found.versions], found.updated) == (["1.0.0"], "2026-01-01T00:00:00Z")
    assert describe_crate(store, index_file("bar")) is None
