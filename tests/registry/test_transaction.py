"""A tree and its state, opened for a change."""

import sqlite3

import pytest

from cargo_static_index.diagnostics.errors import StateDamaged, TreeBusy
from tests.crates import crate
from tests.registry.outcomes import status
from tests.world import World


def test_passes_over_two_trees_do_not_share_a_state_directory_at_one_moment(world: World) -> None:
    other = World(world.folder / "other", {"state.path": str(world.state), "tree.lock-timeout": 0})
    with world.opened() as registry:
        registry.take()
        with pytest.raises(TreeBusy, match="another process uses this state directory"):
            other.build()
    other.put(crate("foo"))
    assert status(other.build()) == {"foo 1.0.0": "published"}


@pytest.mark.parametrize("table", ["dropped", "stale", "listing"])
def test_rows_that_cannot_be_taken_away_are_damage_and_no_endless_loop(world: World, table: str) -> None:
    paths = world.put(crate("foo"), crate("bar"))
    world.build()
    with sqlite3.connect(world.state / "catalogue.sqlite") as database:
        database.execute(f"CREATE TRIGGER stuck BEFORE DELETE ON {table} BEGIN SELECT RAISE(IGNORE); END")
    database.close()
    paths[0].unlink()
    world.put(crate("foo", "1.1.0"))
    with pytest.raises(StateDamaged, match="rows cannot be taken away"):
        world.build()
    world.build()
    assert world.versions("3/f/foo") == ["1.0.0", "1.1.0"]
    assert world.verified() == []


def test_a_damaged_catalogue_is_thrown_away_and_made_anew(world: World) -> None:
    world.put(crate("foo"))
    world.build()
    before = world.files()
    for damage in (b"", b"not a database at all" * 1000):
        (world.state / "catalogue.sqlite").write_bytes(damage)
        assert status(world.build()) == {"foo 1.0.0": "unchanged"}
        assert world.files() == before
