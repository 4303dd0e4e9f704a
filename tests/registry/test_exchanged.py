"""Folders of the drop directory that others exchange for links while they are looked at, read and emptied."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cargo_static_index.crate.candidate import Candidate, DropFile
from cargo_static_index.crate.policy import Policy
from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.read import Reader
from cargo_static_index.registry.scan import scan_drop, settled_by_stamps
from cargo_static_index.state import open_state
from tests.crates import crate
from tests.world import World

SECRET = crate("secret", "6.6.6")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A registry beside a folder that is none of its business."""
    world = World(tmp_path / "registry", {"registry.pages": False, "tree.flush": False})
    SECRET.write(tmp_path / "private", "foo-1.0.0.crate")
    return world


def exchange(world: World, folder: str) -> None:
    """Put a link to the private folder in the place of a folder of the drop directory."""
    (world.drop / folder).rename(world.folder / "moved")
    (world.drop / folder).symlink_to(world.folder.parent / "private")


def put_back(world: World, folder: str) -> None:
    (world.drop / folder).unlink()
    (world.folder / "moved").rename(world.drop / folder)


def private(world: World) -> bytes:
    return (world.folder.parent / "private/foo-1.0.0.crate").read_bytes()


@pytest.mark.parametrize("folder", ["sub", "sub/below"])
def test_a_folder_exchanged_after_its_parent_was_listed_is_not_looked_into(world: World, folder: str) -> None:
    world.put(crate("bar"))
    world.put(crate("foo"), folder=folder)
    with open_state(world.state) as state:
        found = scan_drop(world.drop, state, settled_by_stamps(1.0))
        assert isinstance(first := next(found), DropFile)
        assert first.path == "bar-1.0.0.crate"
        exchange(world, "sub")
        assert list(found) == []


@pytest.mark.parametrize("folder", ["sub", "sub/below"])
def test_a_folder_exchanged_after_it_was_listed_is_not_read_from(world: World, tmp_path: Path, folder: str) -> None:
    world.put(crate("foo"), folder=folder)
    with open_state(world.state) as state:
        (found,) = scan_drop(world.drop, state, settled_by_stamps(1.0))
    assert isinstance(found, DropFile)
    exchange(world, folder)
    (tmp_path / "stage").mkdir()
    read = Reader(policy=Policy(), stage=str(tmp_path / "stage"), pubtime=None, drop=world.drop).read(found, "0")
    assert [problem.rule for problem in read.problems] == ["file-changing"]
    assert list((tmp_path / "stage").iterdir()) == []


class Exchanging(Report):
    """Acts when the line of `foo` is written."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__()
        self._act = act

    def changed(self, path: str) -> None:
        """Act."""
        if path == "index/3/f/foo":
            self._act()
        super().changed(path)


@pytest.mark.parametrize("after", ["delete", "away"])
def test_a_folder_exchanged_before_it_is_emptied_loses_nothing_elsewhere(world: World, after: str) -> None:
    world.options["drop.after-publish"] = after if after == "delete" else str(world.folder / after)
    world.put(crate("foo"), folder="sub")
    same = world.folder.parent / "private/foo-1.0.0.crate"
    same.write_bytes(crate("foo").build())  # even of the very bytes that were judged
    with world.opened(Exchanging(lambda: exchange(world, "sub"))) as registry:
        registry.build()
    assert same.exists()
    assert world.versions("3/f/foo") == ["1.0.0"]


def test_a_link_in_the_folder_for_refused_files_leads_nowhere(world: World) -> None:
    away = world.folder / "refused"
    world.options["drop.refused"] = str(away)
    world.put(crate("std"), folder="sub")
    away.mkdir()
    (away / "sub").symlink_to(world.folder.parent / "private")
    with pytest.raises(StoreError, match=r"std-1\.0\.0\.crate cannot be moved into .*symbolic link"):
        world.build()
    assert [each.name for each in (world.folder.parent / "private").iterdir()] == ["foo-1.0.0.crate"]
    (away / "sub").unlink()
    (away / "sub").mkdir()
    (away / "sub/.std-1.0.0.crate.json.part").symlink_to(world.folder.parent / "private/made")
    world.build()
    assert sorted(each.name for each in (away / "sub").iterdir()) == ["std-1.0.0.crate", "std-1.0.0.crate.json"]
    assert [each.name for each in (world.folder.parent / "private").iterdir()] == ["foo-1.0.0.crate"]


def test_whatever_is_exchanged_when_nothing_private_is_published_or_deleted(world: World) -> None:
    world.options["drop.after-publish"] = "delete"
    end = threading.Event()

    def attack() -> None:
        while not end.is_set():
            exchange(world, "sub")
            os.sched_yield()
            put_back(world, "sub")

    (world.drop / "sub").mkdir()
    attacker = threading.Thread(target=attack)
    attacker.start()
    try:
        for number in range(1, 8):
            path = world.folder / "new.crate"
            path.write_bytes(crate("foo", f"1.0.{number}").build())
            for _ in range(1000):
                try:
                    path.rename(world.drop / f"sub/foo-1.0.{number}.crate")
                    break
                except OSError:
                    continue
            world.build()
    finally:
        end.set()
        attacker.join()
    assert private(world) == SECRET.build()
    assert not (world.tree / "index/se/cr/secret").exists()


def test_a_candidate_of_the_drop_directory_is_named_by_its_path_below(world: World) -> None:
    world.put(crate("foo"), folder="sub")
    with open_state(world.state) as state:
        (found,) = scan_drop(world.drop, state, settled_by_stamps(1.0))
    assert not isinstance(found, Candidate)
    assert found.target == b"sub/foo-1.0.0.crate"
