"""Where an earlier process left off, or the tree is not the one that the state knows."""

import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from cargo_static_index.registry.events import Report
from cargo_static_index.registry.recover import finish_withdrawal, prune_now_and_then, reconcile, recover
from cargo_static_index.registry.withdraw import Spec, delete_archives
from cargo_static_index.store import Delete, Put
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.changes import CHANGES
from cargo_static_index.tree.layout import archive_and_metadata, archive_file, tombstones_file
from cargo_static_index.tree.read import read_index, read_record
from tests.crates import crate
from tests.registry.outcomes import only, status
from tests.registry.trees import cksum_of
from tests.world import DAY, World


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


# Asked by itself, of trees in memory

FOO = crate("foo")
STONES = tombstones_file("foo")


@pytest.fixture
def held(light: World) -> World:
    """A registry of two releases of foo."""
    light.put(FOO, crate("foo", "1.1.0"))
    light.build()
    return light


def bury(tree: MemoryStore, *, lifted: bool = False) -> None:
    """Write foo 1.0.0's tombstone as a removal, or a return, does that goes no further."""
    mark = b'"lifted": true, ' if lifted else b""
    stone = b'{%s"vers": "1.0.0", "cksum": "%s"}' % (mark, FOO.cksum().encode())
    tree.apply([Put(path=STONES, content=b'{"schema": 1, "name": "foo", "removed": [%s]}' % stone)])


def versions(tree: MemoryStore) -> list[str]:
    return [line.vers for line in read_index(tree, "foo").value.releases]


def test_a_removal_that_came_to_its_tombstone_takes_the_line_and_then_the_archive(
    held: World, tree: MemoryStore
) -> None:
    bury(tree)
    with held.transaction() as transaction:
        left = finish_withdrawal(transaction, "foo")
        assert left is not None
        assert (left.gone, left.whole, versions(tree)) == ((Spec("foo", "1.0.0"),), False, ["1.1.0"])
        assert tree.size(archive_file("foo", FOO.cksum())) is not None, "pages may still lead to it"
        delete_archives(transaction, [left])
        assert finish_withdrawal(transaction, "foo") is None
    assert held.verified() == []


def test_a_removal_that_came_to_its_line_leaves_the_archive_to_delete(held: World, tree: MemoryStore) -> None:
    paths = archive_and_metadata("foo", FOO.cksum())
    files = {path: tree.files[path] for path in paths}
    held.remove("foo@1.0.0")
    tree.apply(Put(path=path, content=content) for path, content in files.items())
    with held.transaction() as transaction:
        left = finish_withdrawal(transaction, "foo")
        assert left is not None
        assert (left.gone, set(paths) <= set(left.files)) == ((), True)
        delete_archives(transaction, [left])
    assert held.verified() == []


def test_a_return_that_came_to_its_line_takes_the_tombstone_away(held: World, tree: MemoryStore) -> None:
    bury(tree, lifted=True)
    with held.transaction() as transaction:
        assert finish_withdrawal(transaction, "foo") is None
    assert tree.read(STONES) is None
    assert versions(tree) == ["1.0.0", "1.1.0"]


def test_a_return_that_did_not_come_to_its_line_is_taken_back(held: World, tree: MemoryStore) -> None:
    held.remove("foo@1.0.0")
    before = tree.files[STONES]
    tree.apply([Put(path=STONES, content=before.replace(b'"vers"', b'"lifted": true, "vers"'))])
    with held.transaction() as transaction:
        assert finish_withdrawal(transaction, "foo") is None
    assert tree.files[STONES] == before


def test_tombstones_that_cannot_be_read_are_told_at_the_end_and_stop_no_other_crate(
    held: World, tree: MemoryStore
) -> None:
    with held.transaction() as transaction:
        tree.apply([Put(path=STONES, content=b"{")])
        assert finish_withdrawal(transaction, "foo") is None
        assert [failure.partition(":")[0] for failure in transaction.failures] == [STONES]
        transaction.failures.clear()
        tree.apply([Delete(path=STONES)])


def test_archives_that_came_before_their_lines_go_with_what_is_read_anew(held: World, tree: MemoryStore) -> None:
    cksum = cksum_of("foo", "2.0.0")
    paths = archive_and_metadata("foo", cksum)
    with held.transaction() as transaction:
        transaction.begin_archives([archive_file("foo", cksum), archive_file("foo", FOO.cksum())])
        tree.apply(Put(path=path, content=b"new") for path in paths)
        assert reconcile(transaction) == []
    assert [tree.size(path) for path in paths] == [None, None]
    assert tree.size(archive_file("foo", FOO.cksum())) is not None
    assert held.verified() == []


def test_lost_lines_are_told_at_each_opening_until_the_loss_is_accepted(held: World, tree: MemoryStore) -> None:
    record = read_record(tree)
    lost = replace(record.value, lost=1)
    with held.transaction(report := Report()) as transaction:
        transaction.update_record(lambda _: lost)
        assert recover(transaction) == []
        [said] = report.notes
        assert "`rebuild` accepts the loss" in said
        assert recover(transaction, first=False) == []
        assert len(report.notes) == 1, "it is said once"
        transaction.update_record(lambda _: record.value)


def test_records_of_old_changes_go_once_a_day(held: World, tree: MemoryStore) -> None:
    old = f"{CHANGES}/20250101T000000.000000Z-0.json"

    def left() -> bool:
        tree.apply([Put(path=old, content=b"{}")])
        with held.transaction() as transaction:
            prune_now_and_then(transaction)
        return tree.read(old) is not None

    held.now += 2 * DAY
    assert not left()
    assert left(), "it was done today"
    held.now += DAY
    assert not left()


def test_a_shared_tree_is_not_read_as_a_whole(tmp_path: Path) -> None:
    tree = MemoryStore(shared=True)
    world = World(tmp_path, {"registry.pages": False}, tree)
    world.put(FOO)
    world.build()
    world.forget()
    with world.transaction() as transaction:
        assert recover(transaction) == []
        assert transaction.state.published.counts() == (0, 0), "who needs it reads what it needs"
