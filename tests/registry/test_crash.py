"""A crash at any point leaves a tree that cargo can use, and the next transaction finishes what was begun."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cargo_static_index.store import Delete, Store
from cargo_static_index.store.local.store import LocalStore
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.layout import archive_file, metadata_file
from cargo_static_index.tree.read import index_paths, read_index_at
from tests.crates import crate
from tests.stores import Died, Interrupted
from tests.world import T0, World, lasting

Step = Callable[[World], object]

START = (crate("aa", "1.0.0"), crate("aa", "1.1.0"), crate("bb", "0.1.0"))
MORE = (crate("aa", "1.2.0"), crate("bb", "0.1.1"), crate("cc", "1.0.0"))


OF_AA = [path for each in START[:2] for path in (archive_file("aa", each.cksum()), metadata_file("aa", each.cksum()))]


def build_more(world: World) -> None:
    world.put(*MORE)
    world.build()


def restore(world: World) -> None:
    world.add(*START[2].write(world.folder).parent.glob("bb-*.crate"), restore=True)


STEPS: dict[str, tuple[Step, Step]] = {
    "build": (lambda _: None, build_more),
    "yank": (lambda _: None, lambda world: world.yank("aa@1.0.0")),
    "remove a version": (lambda _: None, lambda world: world.remove("aa@1.0.0")),
    "remove a crate": (lambda _: None, lambda world: world.remove("aa")),
    "restore": (lambda world: world.remove("bb"), restore),
}


def usable(store: Store) -> None:
    """Check that no line lacks its archive or its facts."""
    for path in index_paths(store):
        for line in read_index_at(store, path).file.releases:
            assert store.size(archive_file(line.name, line.cksum)) is not None, line
            assert store.size(metadata_file(line.name, line.cksum)) is not None, line


def prepared(folder: Path, before: Step) -> tuple[World, MemoryStore]:
    store = MemoryStore()
    world = World(folder, store=store)
    world.put(*START)
    world.build()
    before(world)
    return world, store


def undisturbed(name: str, folder: Path) -> dict[str, bytes]:
    """Give the tree that a step leaves where nothing disturbs it."""
    before, step = STEPS[name]
    world, store = prepared(folder / "undisturbed", before)
    step(world)
    return lasting(store.files)


def deaths(name: str, folder: Path, *, every: int = 1) -> Iterator[tuple[World, MemoryStore]]:
    """Give the registry as a death leaves it before the first change of a step, and each so-many-th later one."""
    before, step = STEPS[name]
    for changes in range(0, 100, every):
        world, store = prepared(folder / str(changes), before)
        world.store = Interrupted(store, changes)
        try:
            step(world)
        except Died:
            world.store = store
            yield world, store
        else:
            assert changes > 1
            return
    pytest.fail("the process never lived")


@pytest.mark.case(83)
@pytest.mark.parametrize("keep_state", [True, False], ids=["with its state", "without its state"])
@pytest.mark.parametrize("name", STEPS)
def test_whenever_a_process_dies_the_tree_is_usable_and_doing_it_again_finishes_it(
    name: str, tmp_path: Path, keep_state: bool
) -> None:
    wanted = undisturbed(name, tmp_path)
    for world, store in deaths(name, tmp_path, every=2 if keep_state else 5):
        usable(store)
        if not keep_state:
            world.forget()
        with world.opened():
            usable(store)  # and nothing that was begun is left half done
        STEPS[name][1](world)
        assert lasting(store.files) == wanted, world.folder


@pytest.mark.parametrize("name", ["remove a version", "remove a crate"])
def test_a_removal_whose_process_died_is_told_of_and_finished_by_removing_again(name: str, tmp_path: Path) -> None:
    wanted = undisturbed(name, tmp_path)
    for world, store in deaths(name, tmp_path, every=3):
        kinds = {each.id for each in world.verified()}
        assert kinds.isdisjoint({"file-unnamed", "archive-missing", "metadata-missing"})
        left = {path for path in OF_AA if path in store.files and path not in wanted}
        assert ("removal-unfinished" in kinds) is ("crates/aa/removed.json" in store.files and bool(left))
        STEPS[name][1](world)
        assert lasting(store.files) == wanted, world.folder


def test_what_the_catalogue_alone_knows_of_a_lost_record_outlives_a_process_that_dies(tmp_path: Path) -> None:
    world = World(tmp_path, {"registry.mode": "mirror"}, MemoryStore())
    world.put(START[0])
    world.build()
    world.options.pop("registry.mode")
    assert isinstance(world.store, MemoryStore)
    store, wanted = world.store, lasting(world.store.files)
    store.apply([Delete(path="tree.json")])
    for changes in range(3):
        world.store = Interrupted(store, changes)
        with suppress(Died):
            world.build()
    world.store = store
    world.build()
    assert lasting(store.files) == wanted


def test_a_power_cut_that_rolls_the_catalogue_and_the_record_back_is_noticed(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.put(START[0])
    world.build()
    shutil.copytree(world.state, tmp_path / "state before")
    record = world.read("tree.json")
    world.put(*START[1:])
    world.build()
    after = world.files()
    shutil.rmtree(world.state)
    shutil.move(tmp_path / "state before", world.state)
    (world.tree / "tree.json").write_bytes(record)
    assert {each.status for each in world.build().outcomes} == {"unchanged"}
    with world.opened() as registry:
        assert registry.transaction.state.published.counts() == (2, 3)
    assert world.files() == after


PASS = """
import sys
from pathlib import Path
from tests.world import World
World(Path(sys.argv[1]), {"tree.flush": True}).build()
"""


@pytest.mark.slow
def test_a_killed_process_leaves_a_usable_tree_and_a_later_one_finishes(tmp_path: Path) -> None:
    crates = [crate(f"crate-{number:03}", f"1.{minor}.0") for number in range(100) for minor in range(3)]
    quiet = World(tmp_path / "undisturbed")
    quiet.put(*crates)
    quiet.build()
    world = World(tmp_path / "killed", {"tree.flush": True})
    world.put(*crates)
    for wait in (0.3, 0.4, 0.5, 0.6, 0.8):
        command = [sys.executable, "-c", PASS, str(world.folder)]
        process = subprocess.Popen(command, cwd=Path(__file__).parents[2], env=dict(os.environ))
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if world.tree.exists():
            usable(LocalStore(world.tree))
    world.build()
    assert world.files() == quiet.files()
    assert quiet.now == T0
