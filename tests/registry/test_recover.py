"""Where an earlier process left off, or the tree is not the one that the state knows."""

import shutil

from tests.crates import crate
from tests.registry.outcomes import only, status
from tests.world import World


def test_a_release_removed_stays_removed_without_the_state(world: World) -> None:
    world.put(crate("foo"), crate("bar"))
    world.build()
    world.remove("foo")
    after = world.files()
    world.forget()
    assert status(world.build()) == {"foo 1.0.0": "refused", "bar 1.0.0": "unchanged"}
    assert world.files() == after


def test_a_tree_restored_from_an_older_backup_gets_back_what_is_still_dropped(world: World) -> None:
    world.put(crate("foo"))
    world.build()
    before = world.files()
    shutil.copytree(world.tree, world.folder / "backup")
    world.put(crate("foo", "1.1.0"))
    world.build()
    shutil.rmtree(world.tree)
    shutil.move(world.folder / "backup", world.tree)
    assert status(world.build()) == {"foo 1.1.0": "published"}
    shutil.rmtree(world.tree)
    report = world.build()
    assert status(report) == {"foo 1.0.0": "published", "foo 1.1.0": "published"}
    assert set(world.files()) > set(before)


def test_a_tree_that_another_program_changed_is_read_anew(world: World) -> None:
    world.put(crate("foo-bar"))
    world.build()
    other = World(world.folder / "other")
    other.put(crate("baz"))
    other.tree = world.tree
    other.build(options={"tree.path": str(world.tree)})
    world.put(crate("BAZ"))
    assert only(world.build()).problems[0].rule == "name-collision"
