"""Looking at a tree in several processes, and at a share of it."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from cargo_static_index.crate.limits import Limits
from cargo_static_index.diagnostics.problems import Finding
from cargo_static_index.registry.configured import home_of
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import HostShare, Options
from cargo_static_index.registry.registry import verify_registry
from cargo_static_index.registry.verify.tree import verify_tree
from cargo_static_index.registry.verify.work import CRATES_AT_ONCE, HERE, Work
from cargo_static_index.store import Stored
from cargo_static_index.store.local.store import LocalStore
from tests.cli.program import run
from tests.crates import crate
from tests.world import World

CRATES = 2 * CRATES_AT_ONCE + 10


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Give a registry in which every tenth crate lost a bit of its archive, and some of their pages are changed."""
    world = World(tmp_path_factory.mktemp("damaged"))
    world.put(*(crate(f"crate-{number}").package(keywords=["all"]) for number in range(CRATES)))
    world.build()
    for number in range(0, CRATES, 10):
        (archive,) = (world.tree / f"crates/crate-{number}").glob("*.crate")
        archive.write_bytes(archive.read_bytes()[:-1] + b"!")
        (world.tree / f"crates/crate-{number}/index.html").write_bytes(b"changed")
    return world


def found(world: World, work: Work) -> list[Finding]:
    store = LocalStore(world.tree)
    return list(verify_tree(store, home_of(world.settings(), store), Limits(), work=work))


def test_several_processes_find_what_one_finds_and_in_the_same_order(damaged: World) -> None:
    alone = found(damaged, HERE)
    assert len(alone) == 2 * len(range(0, CRATES, 10))
    with ProcessPoolExecutor(2) as executor:
        assert found(damaged, Work(executor=executor)) == alone


def test_all_shares_together_open_every_archive_once(damaged: World) -> None:
    def opened(work: Work) -> list[str]:
        return [each.path for each in found(damaged, work) if each.id == "archive-damaged"]

    shares = [opened(Work(share=HostShare(number, 3))) for number in (1, 2, 3)]
    assert sorted(path for some in shares for path in some) == sorted(opened(HERE))
    assert all(shares)


def test_it_is_told_how_far_looking_is(damaged: World) -> None:
    told: list[str] = []
    found(damaged, Work(tell=told.append))
    assert len([name for name in told if name.startswith("index/")]) == CRATES
    assert "crate-7" in told


class Read(LocalStore):
    """A tree that counts which archives are read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.archives: list[str] = []

    def read(self, path: str) -> Stored | None:
        if path.endswith(".crate"):
            self.archives.append(path)
        return super().read(path)

    def read_all(self, paths: Sequence[str]) -> Sequence[Stored | None]:
        return [self.read(path) for path in paths]


def verified(world: World, tell: Callable[[str], None]) -> tuple[list[Finding], list[str], list[str]]:
    """Look at a tree, and give what is found, the archives that were read, and what was said."""
    store, report = Read(world.tree), Report()
    options = Options(now=world.now)
    with suppress(KeyboardInterrupt):
        found = verify_registry(world.settings(), report, options, store=store, work=Work(tell=tell))
        return list(found), store.archives, report.notes
    return [], store.archives, report.notes


def test_one_that_was_interrupted_goes_on_and_reads_no_sound_archive_again(damaged: World) -> None:
    def interrupt(name: str) -> None:
        told.append(name)
        if len(told) == CRATES_AT_ONCE + 20:
            raise KeyboardInterrupt

    told: list[str] = []
    whole, every, _ = verified(damaged, lambda _: None)
    assert len(every) == CRATES
    _, first, _ = verified(damaged, interrupt)
    assert len(first) == CRATES_AT_ONCE
    again, rest, notes = verified(damaged, lambda _: None)
    wrong = {each.path for each in whole if each.id == "archive-damaged"}
    assert set(first) & set(rest) == wrong & set(first)
    assert set(first) | set(rest) == set(every)
    assert again == whole
    assert "An interrupted verify came to index/" in notes[0]
    assert len(verified(damaged, lambda _: None)[1]) == CRATES


def test_the_command_takes_a_share_and_jobs(damaged: World, tmp_path: Path) -> None:
    tree = str(damaged.tree)
    alone = run("verify", "--tree", tree, "--jobs", "1", "--json", cwd=tmp_path)
    assert alone.code == 1
    assert run("verify", "--tree", tree, "--jobs", "3", "--json", cwd=tmp_path) == alone
    assert run("verify", "--tree", tree, "--share", "1/7", "--json", cwd=tmp_path).out != alone.out
    run("verify", "--tree", tree, "--share", "8/7", cwd=tmp_path).failed(2, "is no share")
    run("verify", "--tree", tree, "--share", "1/7", "--fix", cwd=tmp_path).failed(2, "--fix mends the whole tree")
