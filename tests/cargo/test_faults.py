"""What a failing disk, or a death, has left of a tree, the real cargo can use before anybody mends it: a sample."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_static_index.protocol.names import index_path
from cargo_static_index.store.local.store import LocalStore
from cargo_static_index.tree.layout import archive_file
from cargo_static_index.tree.read import index_paths, read_index_at
from tests.cargo.client import Cargo, Outcome
from tests.registry.disk import NEW_BASE, OLD, disturb, in_turn, prepare
from tests.world import BASE, World

pytestmark = pytest.mark.cargo

PLACES = 3
"""Calls of a change at which one fault each is tried."""


def shelf_of(world: World, shelf: Path) -> list[tuple[str, str]]:
    """Make a local registry of a tree: the index as it is, and the archives that it names; give what is not yanked."""
    store, held = LocalStore(world.tree), []
    for path in index_paths(store):
        lines = read_index_at(store, path).file.releases
        for line in lines:
            to = shelf / "index" / index_path(line.name)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(world.tree / path, to)
            shutil.copy(world.tree / archive_file(line.name, line.cksum), shelf / f"{line.name}-{line.vers}.crate")
        held += [(line.name, line.vers) for line in lines if not line.yanked]
    return held


def uses_of(world: World, folder: Path) -> Iterator[Outcome]:
    """Have cargo resolve and unpack each release of a tree, those that its lines depend on with it."""
    shelf = folder / "shelf"
    held = shelf_of(world, shelf)
    indexes = "".join(
        f'[source."{base}"]\nregistry = "sparse+{base}index/"\nreplace-with = "shelf"\n'
        for base in (BASE, OLD, NEW_BASE)
    )
    config = f'[source.crates-io]\nreplace-with = "shelf"\n[source.shelf]\nlocal-registry = "{shelf}"\n{indexes}'
    cargo = Cargo(folder / "cargo", crates_io=True, config=config)
    for number, (name, vers) in enumerate(held):
        package = cargo.project(f'{name} = "={vers}"\n', name=f"consumer-{number}")
        yield cargo.run("metadata", "--format-version", "1", cwd=package.folder)


@pytest.mark.parametrize("name", ["publish one", "yank", "remove a version", "reindex", "watch"])
def test_cargo_can_use_what_a_fault_left_of_a_tree(name: str, tmp_path: Path) -> None:
    trial = prepare(name, tmp_path / "prepared", pages=False)
    faults = list(in_turn(trial))
    for number, (fault, at) in enumerate(faults[:: len(faults) // PLACES][1 : PLACES + 1]):
        world, ending, said = disturb(trial, fault, at, tmp_path / f"{number}")
        assert ending != "mistake", said
        outcomes = [each.ok() for each in uses_of(world, tmp_path / f"{number}-cargo")]
        assert outcomes
