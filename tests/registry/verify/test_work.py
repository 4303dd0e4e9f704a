"""Looking at a tree in several processes, and at a share of it."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec import json

from cargo_static_index.crate.limits import Limits
from cargo_static_index.diagnostics.problems import Finding
from cargo_static_index.diagnostics.problems import found as finding
from cargo_static_index.registry.configured import home_of
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import HostShare, Options
from cargo_static_index.registry.registry import verify_registry
from cargo_static_index.registry.verify.tree import verify_tree
from cargo_static_index.registry.verify.work import (
    A_WEEK,
    CRATES_AT_ONCE,
    HERE,
    NOTHING_OPENED,
    Opened,
    Work,
    resumed,
)
from cargo_static_index.state import open_state
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


# How far a look is, written down -----------------------------------------------------------------------------

DAMAGED = finding("archive-damaged", "crates/bar/1.crate", "")
UNREADABLE = finding("line-unreadable", "index/2/aa", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state directory."""
    with open_state(tmp_path / "state"):
        return tmp_path / "state"


def notes_of(folder: Path, question: object, *, interrupt: bool = False, see: str = "") -> tuple[Opened, list[str]]:
    """Look once, and give where that began, and what was said."""
    notes: list[str] = []
    try:
        with resumed(folder, question, notes.append) as look:
            if see:
                look.seen(see, [DAMAGED, UNREADABLE])
            if interrupt:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    return look.opened, notes


def test_what_was_interrupted_goes_on_but_for_what_was_wrong(folder: Path) -> None:
    assert notes_of(folder, "all", interrupt=True, see="index/3/b/bar") == (NOTHING_OPENED, [])
    opened, notes = notes_of(folder, "all")
    assert opened.holds("index/2/ab")
    assert not opened.holds("index/2/aa"), "a line of it is wrong"
    assert not opened.holds("index/3/b/bar"), "an archive that it names is wrong"
    assert not opened.holds("index/3/f/foo"), "it was not seen"
    assert notes == ["An interrupted verify came to index/3/b/bar: what it found sound up to there is not read again."]


def test_one_that_came_to_its_end_or_asked_something_else_leaves_nothing(folder: Path) -> None:
    notes_of(folder, "all", interrupt=True, see="index/2/ab")
    assert notes_of(folder, "some") == (NOTHING_OPENED, [])
    assert notes_of(folder, "all")[1]
    assert notes_of(folder, "all") == (NOTHING_OPENED, [])
    assert list(folder.glob("verify-*")) == []


def test_one_that_was_interrupted_twice_has_all_that_was_wrong_and_never_goes_back(folder: Path) -> None:
    notes_of(folder, "all", interrupt=True, see="index/3/b/bar")
    notes_of(folder, "all", interrupt=True, see="index/2/ab")
    opened, _ = notes_of(folder, "all")
    assert (opened.last, opened.wrong) == ("index/3/b/bar", ("index/2/aa", "index/3/b/bar"))


def test_how_far_it_is_is_written_down_once_a_second(folder: Path) -> None:
    with resumed(folder, "all", print) as look:
        look.seen("index/2/ab", [])
        assert list(folder.glob("verify-*")) == []
        look.write()
        assert len(list(folder.glob("verify-*"))) == 1


@pytest.mark.parametrize("ago", [-60.0, A_WEEK + 60.0])
def test_what_was_begun_long_ago_or_by_a_clock_that_was_wrong_begins_anew(folder: Path, ago: float) -> None:
    notes_of(folder, "all", interrupt=True, see="index/2/ab")
    (path,) = folder.glob("verify-*")
    path.write_bytes(json.encode(Opened(last="index/2/ab", begun=time.time() - ago)))
    assert notes_of(folder, "all") == (NOTHING_OPENED, [])


def test_what_cannot_be_read_begins_anew(folder: Path) -> None:
    notes_of(folder, "all", interrupt=True, see="index/2/ab")
    (path,) = folder.glob("verify-*")
    path.write_bytes(b"{")
    assert notes_of(folder, "all") == (NOTHING_OPENED, [])


def test_without_a_state_each_look_begins_anew(tmp_path: Path) -> None:
    folder = tmp_path / "none"
    notes_of(folder, "all", interrupt=True, see="index/2/ab")
    assert notes_of(folder, "all") == (NOTHING_OPENED, [])
    assert not folder.exists()
