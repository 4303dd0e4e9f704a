"""A tree and its state, opened for a change."""

import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import StateDamaged, StoreError, TreeBusy
from cargo_static_index.registry.events import Report
from cargo_static_index.store import Delete, Put
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.documents import Delta, TreeRecord, format_document, parse_tree_record
from cargo_static_index.tree.layout import RECORD
from cargo_static_index.tree.read import read_record
from tests.crates import crate
from tests.registry.outcomes import status
from tests.stores import Interrupted
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


def write_record(tree: MemoryStore, record: TreeRecord) -> None:
    """Write tree.json as somebody else does."""
    tree.apply([Put(path=RECORD, content=format_document(record))])


def test_others_are_kept_out_once_however_often_it_is_taken(light: World, tree: MemoryStore) -> None:
    light.build()
    with light.opened() as registry:
        transaction = registry.transaction
        assert not transaction.held
        transaction.leave()
        transaction.take()
        before = transaction.record
        write_record(tree, replace(before, aliases=("https://old.example.com/",)))
        transaction.take()
        assert (transaction.held, transaction.record) == (True, before), "what nobody can change is not read again"
        write_record(tree, before)
        assert not transaction.breathe(), "nobody waits"
        assert transaction.held
        transaction.leave()
        assert not transaction.held


def test_the_listener_hears_of_what_is_carried_out_and_of_nothing_else(light: World, tree: MemoryStore) -> None:
    with light.transaction(report := Report()) as transaction:
        report.paths.clear()
        first, late = (Put(path="a", content=text, expect="absent") for text in (b"1", b"2"))
        assert transaction.apply(()) == ()
        assert transaction.apply([first, late, Delete(path="b")]) == (late,)
        assert not transaction.write("a", b"3", None), "it is there"
        assert transaction.write("a", b"1", tree.read("a")), "it is that already"
        assert transaction.write("a", None, tree.read("a"))
        assert report.paths == ["a", "b", "a"]


def test_the_clock_is_written_as_lines_have_it(light: World) -> None:
    with light.opened() as registry:
        assert registry.transaction.pubtime == "2026-01-01T00:00:00Z"


def test_what_is_counted_is_added_to_tree_json_as_others_left_it(tmp_path: Path, tree: MemoryStore) -> None:
    between = Interrupted(tree, -1)
    world = World(tmp_path, {"registry.pages": False}, between)
    with world.transaction() as transaction:
        others = read_record(tree).value.changed_by(Delta(crates=1, releases=1, digest=7))
        between.happens = lambda: write_record(tree, others)
        between.left = 0
        transaction.count(Delta(crates=2, releases=3, digest=5))
        record = read_record(tree).value
        assert (record.crates, record.releases, int(record.digest, 16)) == (3, 4, 12)
        assert transaction.in_doubt, "the state does not know what the other changed"
        assert transaction.state.site.known_tree is None
        write_record(tree, TreeRecord())


def test_a_change_of_a_shared_tree_is_counted_once_whoever_does_it(tmp_path: Path) -> None:
    tree = MemoryStore(shared=True)
    world = World(tmp_path, {"registry.pages": False}, tree)
    with world.transaction() as transaction:
        for nonce in ("one", "one", "two"):
            transaction.count(Delta(crates=1, releases=1, digest=1), nonce)
        assert read_record(tree).value.releases == 2
        transaction.count(Delta(crates=-2, releases=-2, digest=-2), "three")


def test_the_tree_is_not_known_where_tree_json_changed_since_it_was_counted(light: World, tree: MemoryStore) -> None:
    with light.transaction() as transaction:
        held = read_record(tree)
        write_record(tree, replace(held.value, aliases=("https://old.example.com/",)))
        transaction.state.site = replace(transaction.state.site, known_tree=None)
        assert not transaction.know(held, Delta(crates=1, releases=1), 0)
        assert transaction.state.site.known_tree is None
        assert transaction.know(read_record(tree), Delta(), 0)
        assert transaction.state.site.known_tree == tree.files[RECORD]
        write_record(tree, held.value)


def test_a_tree_that_is_moved_before_others_are_kept_out_is_told(light: World, tree: MemoryStore) -> None:
    light.build()

    def take_late() -> None:
        with light.opened(options={"registry.base-url": None}) as registry:
            other = World(light.folder / "other", {"registry.pages": False}, tree.seen_elsewhere())
            other.build(move=True, options={"registry.base-url": "https://new.example.com/"})
            registry.take()

    with pytest.raises(StoreError) as caught:
        take_late()
    said = "the registry was moved, or came to have another mode, meanwhile; run this again"
    assert str(caught.value) == said


def test_a_tree_that_others_changed_before_they_are_kept_out_is_taken_as_they_left_it(
    light: World, tree: MemoryStore
) -> None:
    light.build()
    (path,) = light.put(crate("foo"))
    with light.opened() as registry:
        other = World(light.folder / "other", {"registry.pages": False}, tree.seen_elsewhere())
        other.put(crate("bar"))
        other.build()
        registry.add([path])
    assert parse_tree_record(tree.files[RECORD]).releases == 2
    assert light.verified() == []


def test_what_is_told_to_a_dry_run_happens_to_an_overlay(light: World, tree: MemoryStore) -> None:
    light.build()
    before = dict(tree.files)
    with light.opened(dry=True) as registry:
        registry.take()
        registry.transaction.apply([Put(path="a", content=b"1"), Delete(path=RECORD)])
        assert registry.transaction.store.read("a") is not None
        registry.transaction.apply([Delete(path="a"), Put(path=RECORD, content=before[RECORD])])
    assert dict(tree.files) == before
