"""Looking at a tree beside those who change it: nothing that is right is told as wrong, and nothing wrong is missed."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.problems import Finding
from cargo_static_index.diagnostics.rules import RULES
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import home_of, verify_registry
from cargo_static_index.registry.verify.again import OF_ONE_CRATE, PAUSES
from cargo_static_index.registry.verify.tree import verify_tree
from cargo_static_index.registry.verify.work import Work
from cargo_static_index.settings import limits_of
from cargo_static_index.store import Change, Store, Stored
from cargo_static_index.store.local.store import LocalStore
from cargo_static_index.store.memory import MemoryStore
from tests.cli.program import run
from tests.crates import crate
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
