"""Where a search finds its lists: in the tree, in the state, or made of all that is held; they are the same."""

from pathlib import Path

import pytest

from cargo_static_index.registry.search import HeldSearch, Searched, StateSearch, TreeSearch, documents, search_of
from cargo_static_index.site.search import near, ranked
from cargo_static_index.store.local.store import LocalStore
from tests.crates import crate
from tests.registry.site.registries import HERE
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
