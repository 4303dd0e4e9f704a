"""What tests of pages share."""

from pathlib import Path

import pytest

from tests.crates import crate
from tests.registry.site.registries import OPTIONS, copy_of, some_crates
from tests.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, OPTIONS)


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A registry whose list of names has parts."""
    world = World(tmp_path_factory.mktemp("large"), OPTIONS)
    world.put(*some_crates(), *(crate(f"x{number:03}") for number in range(160)))
    world.build()
    return world


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A registry whose lists have none."""
    world = World(tmp_path_factory.mktemp("small"), OPTIONS)
    world.put(*some_crates())
    world.build()
    return world


@pytest.fixture
def damaged(large: World, tmp_path: Path) -> World:
    """A copy of the large one, to be damaged."""
    return copy_of(large, tmp_path / "copy")
