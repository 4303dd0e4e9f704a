"""Tombstones: changed by compare and swap, and put back where they are lost and something tells what they were."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.known import load_published
from cargo_static_index.registry.tombstones import (
    are_lost,
    restore_tombstones,
    sound_tombstones,
    summed_tombstones,
    update_tombstones,
)
from cargo_static_index.store import Delete, Put
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.documents import Delta, Tombstones
from cargo_static_index.tree.layout import tombstones_file
from cargo_static_index.tree.read import read_record, read_tombstones
from tests.crates import crate
from tests.registry.trees import buried, stone
from tests.stores import Interrupted
from tests.world import World

FOO = tombstones_file("foo")


@pytest.fixture
def removed(light: World) -> World:
    """A registry of foo and bar, of each of which a release was removed."""
    light.put(crate("foo"), crate("foo", "1.1.0"), crate("bar"), crate("bar", "1.1.0"))
    light.build()
    light.remove("foo@1.0.0", "bar@1.0.0")
    return light


def write(tree: MemoryStore, content: bytes | None) -> None:
    """Make foo's tombstones say something else."""
    tree.apply([Put(path=FOO, content=content) if content is not None else Delete(path=FOO)])


def versions(stones: Tombstones) -> list[str]:
    return [one.vers for one in stones.removed]


def test_a_change_is_written_and_the_last_one_that_goes_takes_the_file_along(light: World, tree: MemoryStore) -> None:
    with light.transaction(report := Report()) as transaction:
        update_tombstones(transaction, "foo", lambda held: held.with_removed(stone("foo", "1.1.0")))
        stones = update_tombstones(transaction, "foo", lambda held: held.with_removed(stone("foo", "1.0.0")))
        assert versions(stones) == ["1.0.0", "1.1.0"]
        assert stones == read_tombstones(tree, "foo").value
        assert update_tombstones(transaction, "foo", lambda held: held) == stones
        assert report.paths.count(FOO) == 2, "what does not change is not written"
        assert versions(update_tombstones(transaction, "foo", lambda held: held.without(["1.0.0", "1.1.0"]))) == []
        assert tree.read(FOO) is None


def test_who_was_forestalled_changes_what_is_there_then(tmp_path: Path, tree: MemoryStore) -> None:
    between = Interrupted(tree, -1, lambda: write(tree, buried("foo", "0.9.0")[FOO]))
    world = World(tmp_path, {"registry.pages": False}, between)
    with world.transaction() as transaction:
        between.left = 0
        stones = update_tombstones(transaction, "foo", lambda held: held.with_removed(stone("foo", "1.0.0")))
    assert versions(stones) == versions(read_tombstones(tree, "foo").value) == ["0.9.0", "1.0.0"]


@pytest.mark.parametrize("content", [None, b"{", buried("foo", "0.1.0")[FOO], buried("foo", "0.1.0", "1.0.0")[FOO]])
def test_tombstones_that_are_not_what_the_state_knows_are_put_back_which_is_said(
    removed: World, tree: MemoryStore, content: bytes | None
) -> None:
    before = tree.files[FOO]
    write(tree, content)
    with removed.transaction(report := Report()) as transaction:
        assert versions(sound_tombstones(transaction, "foo").value) == ["1.0.0"]
    assert tree.files[FOO] == before
    assert report.notes == [f"{FOO} was lost or changed: that 1.0.0 was removed of foo was put back."]


def test_what_never_was_removed_is_put_back_too(removed: World, tree: MemoryStore) -> None:
    path = tombstones_file("other")
    tree.apply([Put(path=path, content=buried("other", "0.1.0")[path])])
    with removed.transaction(report := Report()) as transaction:
        assert sound_tombstones(transaction, "other").stored is None
    assert report.notes == [f"{path} was lost or changed: that nothing was removed of other was put back."]


def test_what_is_under_way_stays_beside_what_is_put_back(removed: World, tree: MemoryStore) -> None:
    write(tree, buried("foo", "1.1.0")[FOO])  # a removal that has not come to its line
    with removed.transaction() as transaction:
        stones = sound_tombstones(transaction, "foo").value
        assert versions(stones) == ["1.0.0", "1.1.0"]
        write(tree, buried("foo", "1.0.0")[FOO])


@pytest.mark.parametrize("shared", [False, True], ids=["in doubt", "in a bucket"])
def test_where_the_state_does_not_know_the_tree_what_is_there_is_believed(tmp_path: Path, shared: bool) -> None:
    tree = MemoryStore(shared=shared)
    world = World(tmp_path, {"registry.pages": False}, tree)
    world.put(crate("foo"), crate("foo", "1.1.0"))
    world.build()
    world.remove("foo@1.0.0")
    said = buried("foo", "0.1.0", "1.0.0")[FOO]
    with world.transaction() as transaction:
        before = tree.files[FOO]
        write(tree, said)
        transaction.in_doubt = transaction.in_doubt or not shared
        assert versions(sound_tombstones(transaction, "foo").value) == ["0.1.0", "1.0.0"]
        write(tree, before)
        transaction.in_doubt = False


def test_what_nobody_knows_and_nobody_can_read_is_told(light: World, tree: MemoryStore) -> None:
    with light.transaction() as transaction:
        write(tree, b"{")
        transaction.in_doubt = True
        with pytest.raises(InvalidDocument, match=r"foo/removed\.json"):
            sound_tombstones(transaction, "foo")
        write(tree, None)
        transaction.in_doubt = False


def test_all_that_the_state_knows_are_put_back_together(removed: World, tree: MemoryStore) -> None:
    before = dict(tree.files)
    with removed.transaction(report := Report()) as transaction:
        write(tree, None)
        tree.apply([Put(path=tombstones_file("bar"), content=b"")])
        restore_tombstones(transaction)
    assert tree.files == before
    assert len(report.notes) == 2


def test_tombstones_sum_up_crate_by_crate_and_those_that_cannot_be_read_count_for_nothing(
    removed: World, tree: MemoryStore
) -> None:
    del removed
    assert summed_tombstones(tree).removed == 2
    assert summed_tombstones(tree) == summed_tombstones(tree, ["foo"]) + summed_tombstones(tree, ["bar"])
    write(tree, b"{")
    assert summed_tombstones(tree) == summed_tombstones(tree, ["bar"])
    assert summed_tombstones(tree, ["foo"]) == Delta()


@pytest.mark.parametrize("content", [None, b"{", buried("foo", "0.1.0")[FOO]])
def test_tombstones_are_lost_where_tree_json_sums_up_more_or_others(
    removed: World, tree: MemoryStore, content: bytes | None
) -> None:
    record, before = read_record(tree).value, tree.files[FOO]
    with removed.transaction() as transaction:
        assert not are_lost(tree, record, load_published(transaction.state, tree))
        write(tree, content)
        assert are_lost(tree, record, load_published(transaction.state, tree))
        write(tree, before)
        load_published(transaction.state, tree)


def test_a_removal_and_a_return_that_broke_off_are_no_loss(removed: World, tree: MemoryStore) -> None:
    with removed.transaction() as transaction:
        record, before = read_record(tree).value, tree.files[FOO]
        total = load_published(transaction.state, tree)
        one_more = replace(total, removed=total.removed + 1, tombstones=total.tombstones + 1)
        assert not are_lost(tree, record, one_more), "its line went, and tree.json does not count it yet"
        write(tree, before.replace(b'"vers": "1.0.0"', b'"lifted": true, "vers": "1.1.0"'))
        one_less = replace(total, removed=total.removed - 1, tombstones=0)
        assert not are_lost(tree, record, one_less), "it came back, and tree.json counts it still"
        write(tree, before)
