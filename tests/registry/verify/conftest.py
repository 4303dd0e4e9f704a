"""What tests of looking at a tree share."""

import shutil
from pathlib import Path

import pytest

from tests.registry.verify.sound import make_sound
from tests.world import World


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A sound tree of two crates and three releases, to be left as it is."""
    return make_sound(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def world(sound: World, tmp_path: Path) -> World:
    """A copy of it, to be damaged."""
    here = World(shutil.copytree(sound.folder, tmp_path / "here"), sound.options)
    here.now = sound.now
    return here
