"""What was published last: the state and the tree tell the same, and nobody's news are lost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cargo_static_index.registry.site.news import KnownNews, News, RecentNews, SharedNews
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.site.recent import About, Recent, RecentRelease, format_recent, parse_recent
from cargo_static_index.store import Delete, Put
from cargo_static_index.store.memory import MemoryStore
from tests.crates import crate
from tests.registry.site.registries import OPTIONS
from tests.stores import Interrupted
from tests.world import DAY, World

RECENT = "recent.json"


@pytest.fixture
def tree(tmp_path: Path) -> MemoryStore:
    return MemoryStore(shared=True)


@pytest.fixture
def world(tree: MemoryStore, tmp_path: Path) -> World:
    """A tree that several hosts write, in which something was published on two days."""
    world = World(tmp_path, OPTIONS, tree)
    world.put(crate("foo", "0.9.0"), crate("foo", "0.10.0"), crate("bar"))
    world.build()
    world.now += DAY
    world.put(crate("foo", "1.0.0"))
    world.build()
    return world


@contextmanager
def opened(world: World) -> Iterator[Transaction]:
    with world.opened() as registry:
        registry.take()
        yield registry.transaction


def recent_in(tree: MemoryStore) -> Recent:
    return parse_recent(tree.files[RECENT])


FIRST, SECOND = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def test_the_state_and_the_tree_tell_the_same(world: World, tree: MemoryStore) -> None:
    with opened(world) as transaction:
        told: list[News] = [KnownNews(transaction), RecentNews(recent_in(tree), transaction.record)]
        told.append(SharedNews(transaction).news())
        for news in told:
            assert list(news.crates(10)) == [("foo", SECOND), ("bar", FIRST), ("foo", FIRST)]
            assert list(news.crates(1)) == [("foo", SECOND)]
            assert list(news.releases(2)) == [("foo", "1.0.0", SECOND), ("bar", "1.0.0", FIRST)]
            assert len(list(news.releases(9))) == 4
            assert news.highest("foo", FIRST) == "0.10.0"
            assert news.highest("bar", SECOND) is None
            assert news.about("foo") == About(description="The crate foo", created=FIRST)
            assert (news.record.crates, news.record.releases) == (2, 4)


def test_of_a_crate_that_is_gone_nothing_is_known(world: World) -> None:
    with opened(world) as transaction:
        known = KnownNews(transaction)
        assert known.highest("gone", FIRST) is None
        assert known.about("gone") == About(description="", created="")


@pytest.mark.parametrize("damage", [None, b"{"])
@pytest.mark.parametrize("expected", [True, False])
def test_what_is_lost_or_damaged_is_made_anew_from_the_state(
    world: World, tree: MemoryStore, damage: bytes | None, expected: bool
) -> None:
    before = recent_in(tree)
    tree.apply([Delete(path=RECENT) if damage is None else Put(path=RECENT, content=damage)])
    with opened(world) as transaction:
        news = SharedNews(transaction)
        if expected:
            news.expect()
        news.change(["foo"], {} if not expected else {"foo": KnownNews(transaction).document("foo")})
    assert recent_in(tree) == before


OTHER = Recent(
    releases=(RecentRelease(name="other", vers="1.0.0", pubtime="2026-01-03T00:00:00Z"),),
    crates={"other": About(description="", created="2026-01-03T00:00:00Z")},
)


def change(news: SharedNews) -> None:
    news.expect()
    news.change(["foo"], {"foo": None})


@pytest.mark.parametrize(("do", "names"), [(change, {"other", "foo"}), (SharedNews.remake, {"foo", "bar"})])
def test_what_another_host_wrote_meanwhile_is_read_and_changed(
    world: World, tree: MemoryStore, do: Callable[[SharedNews], None], names: set[str]
) -> None:
    store = Interrupted(tree, -1, lambda: tree.apply([Put(path=RECENT, content=format_recent(OTHER))]))
    world.store = store
    with opened(world) as transaction:
        news = SharedNews(transaction)
        tree.apply([Put(path=RECENT, content=b"{}")])
        store.left = 0
        do(news)
    assert store.left < 0
    assert {release.name for release in recent_in(tree).releases} == names


def test_what_others_made_of_it_is_seen_when_it_is_looked_at_again(world: World, tree: MemoryStore) -> None:
    with opened(world) as transaction:
        news = SharedNews(transaction)
        news.news()
        tree.apply([Put(path=RECENT, content=format_recent(OTHER))])
        assert [name for name, _ in news.news().crates(1)] == ["foo"]
        news.look_again()
        assert [name for name, _ in news.news().crates(1)] == ["other"]
