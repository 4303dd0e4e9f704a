"""Looking at a tree beside those who change it: nothing that is right is told as wrong, and nothing wrong is missed."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.problems import Finding
from cargo_static_index.diagnostics.problems import found as finding
from cargo_static_index.diagnostics.rules import RULES
from cargo_static_index.registry.configured import home_of
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import verify_registry
from cargo_static_index.registry.verify.again import NEVER_QUIET, OF_ONE_CRATE, PAUSES, confirmed
from cargo_static_index.registry.verify.tree import verify_tree
from cargo_static_index.registry.verify.work import Work
from cargo_static_index.settings import limits_of
from cargo_static_index.store import Change, Delete, Put, Store, Stored
from cargo_static_index.store.local.store import LocalStore
from cargo_static_index.store.memory import MemoryStore
from tests.cli.program import run
from tests.crates import crate
from tests.registry.verify.beside import begin, look_on, writers
from tests.stores import Interrupted
from tests.world import World

STARTED = (crate("foo"), crate("foo", "1.1.0"), crate("bar"))
EVERY = int(os.environ.get("EVERY", "0"))
"""Of the many moments of a look, every so manyth is tried; 0 is fewer of the more that come with pages."""


class Meanwhile(Interrupted):
    """A store in which something happens before the file with a number is looked at."""

    def _count(self) -> None:
        if self.left == 0:
            self.happens()
        self.left -= 1

    def read(self, path: str) -> Stored | None:
        self._count()
        return super().read(path)

    def read_all(self, paths: Sequence[str]) -> Sequence[Stored | None]:
        return [self.read(path) for path in paths]

    def size(self, path: str) -> int | None:
        self._count()
        return super().size(path)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[str]:
        self._count()
        return super().list(prefix, after=after)

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        return self.below.apply(changes)


def changed(world: World) -> None:
    """Publish, yank and remove, each of which changes lines, archives and pages."""
    world.add(crate("new").write(world.folder), crate("foo", "2.0.0").write(world.folder))
    world.yank("foo@1.0.0")
    world.remove("foo@1.1.0")


def told(world: World, store: Store, rest: Callable[[float], None]) -> list[Finding]:
    work = Work(rest=rest)
    return list(verify_registry(world.settings(), Report(), Options(now=world.now), store=store, work=work))


@pytest.mark.parametrize(("pages", "step"), [(False, 4), (True, 70)])
def test_whenever_somebody_changes_the_tree_nothing_is_told_as_wrong(tmp_path: Path, pages: bool, step: int) -> None:
    suspicions, rests = 0, list[float]()
    for number in range(0, 10_000, EVERY or step):
        below = MemoryStore()
        world = World(tmp_path / str(number), {"registry.pages": pages}, below)
        world.put(*STARTED)
        world.build()
        plain = Meanwhile(below, number, partial(changed, world))
        before = dict(below.files)
        settings = world.settings()
        suspicions += bool(list(verify_tree(plain, home_of(settings, below), limits_of(settings), pages=pages)))
        if plain.left >= 0:
            assert suspicions or pages, "what is looked at but once is never mistaken, so that this proves nothing"
            assert rests or pages
            return
        again = MemoryStore(before)
        world.store = again
        world.forget()
        assert told(world, Meanwhile(again, number, partial(changed, world)), rests.append) == [], number
    pytest.fail("the look never came to its end")


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.put(*STARTED)
    world.build()
    return world


def test_what_is_wrong_is_told_though_somebody_has_the_tree_open_all_the_time(world: World) -> None:
    (world.tree / f"crates/bar/{STARTED[2].cksum()}.crate").write_bytes(b"damaged")
    (world.tree / "crates/foo/index.html").write_bytes(b"damaged")
    rests: list[float] = []
    with LocalStore(world.tree).session():
        found = told(world, LocalStore(world.tree), rests.append)
    assert [each.id for each in found] == ["archive-damaged", "page-wrong"]
    assert rests == [*PAUSES]


WRONG = (
    finding("archive-damaged", "crates/bar/1.crate", ""),
    finding("record-wrong", "tree.json", ""),
)


def see_again(_: Collection[str], *, whole: bool) -> Sequence[Finding]:
    return WRONG if whole else WRONG[:1]


def confirmed_in(store: MemoryStore, rest: Callable[[float], None]) -> tuple[list[str], list[str]]:
    """Give what is confirmed of what every look sees, and the warnings."""
    said: list[str] = []
    found = confirmed(store, lambda: WRONG, see_again, rest, said.append)
    return [each.id for each in found], said


def test_of_a_tree_that_never_rests_it_is_not_told_that_it_disagrees_with_itself() -> None:
    changes = count()
    store = MemoryStore({"tree.json": b"{}", "begun/1.json": b"{}"}, shared=True)

    def somebody_publishes(_: float) -> None:
        store.apply([Put(path="tree.json", content=b"%d" % next(changes))])

    assert confirmed_in(store, somebody_publishes) == (["archive-damaged"], [NEVER_QUIET])


def test_who_has_begun_a_change_in_a_bucket_is_waited_for() -> None:
    store = MemoryStore({"tree.json": b"{}", "begun/1.json": b"{}"}, shared=True)
    rests: list[float] = []

    def rest(seconds: float) -> None:
        rests.append(seconds)
        store.apply([Delete(path="begun/1.json")])

    assert confirmed_in(store, rest) == (["archive-damaged", "record-wrong"], [])
    assert rests == [PAUSES[0]]


def test_only_the_crates_of_which_something_is_suspected_are_looked_at_again() -> None:
    line = b'{"name":"Foo","vers":"1.0.0","deps":[],"cksum":"%s","features":{},"yanked":false}\n' % (b"0" * 64)
    store = MemoryStore({"index/3/f/foo": line, "index/2/ab": b"damaged\n", "begun/1.json": b"{}"}, shared=True)
    asked: list[tuple[set[str], bool]] = []

    def look_again(names: Collection[str], *, whole: bool) -> Sequence[Finding]:
        asked.append((set(names), whole))
        return ()

    paths = ("crates/bar/1.crate", "index/3/f/foo", "index/2/ab")
    suspected = [finding("line-wrong", path, "") for path in paths]
    assert list(confirmed(store, lambda: suspected, look_again, lambda _: None, print)) == []
    assert asked == [({"bar", "Foo", "ab"}, False)]


def test_an_archive_that_somebody_is_about_to_name_is_no_stray(world: World) -> None:
    archive = world.tree / f"crates/bar/{'0' * 64}.crate"
    archive.write_bytes(b"about to be named")
    with LocalStore(world.tree).session():
        assert told(world, LocalStore(world.tree), lambda _: archive.unlink(missing_ok=True)) == []


def test_nobody_waits_where_nobody_changes_the_tree(world: World) -> None:
    (world.tree / f"crates/bar/{STARTED[2].cksum()}.crate").unlink()
    rests: list[float] = []
    assert [each.id for each in told(world, LocalStore(world.tree), rests.append)] == ["archive-missing"]
    assert rests == []


def test_what_a_look_at_one_crate_sees_are_findings_that_there_are() -> None:
    assert {rule.id for rule in RULES.values() if rule.of_tree} >= OF_ONE_CRATE


def test_single_crates_are_looked_at_by_name(world: World) -> None:
    for path in (world.tree / "crates/bar").glob("*.crate"):
        path.unlink()
    assert run("verify", "foo", cwd=world.folder).ok() == "    Finished nothing is wrong\n"
    assert "archive-missing" in run("verify", "bar", "foo", cwd=world.folder).out
    run("verify", "baz", cwd=world.folder).failed(2, "there is no crate 'baz' in this registry")
    run("verify", "bar", "--fix", cwd=world.folder).failed(2, "--fix mends the whole tree: leave names out")


def test_beside_writers_what_is_damaged_is_told_and_nothing_else(tmp_path: Path) -> None:
    """A sample of what `python -m tests.registry.verify.beside` does at length."""
    world = begin(tmp_path, 3)
    with writers(world, 1):
        found = look_on(world, 0, least=2)
    assert (found["false alarms"], found["damages missed"]) == ([], 0)
