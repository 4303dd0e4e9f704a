"""What tests of the registry share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_static_index.state import State, open_state
from cargo_static_index.store.memory import MemoryStore
from tests.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def tree() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def light(tmp_path: Path, tree: MemoryStore) -> World:
    """A registry without pages whose tree lies in memory, for what needs neither."""
    return World(tmp_path, {"registry.pages": False}, tree)


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with open_state(tmp_path / "state") as opened:
        yield opened
