"""Archives of removed releases that stay for a while, and who deletes them when their time has come."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.registry.kept import AN_HOUR, has_archives_to_delete, seconds_to_keep
from cargo_static_index.registry.status import read_status
from cargo_static_index.server.writer import Writer
from cargo_static_index.state.directory import attending
from cargo_static_index.store import Put
from cargo_static_index.store.local.store import LocalStore
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.documents import TreeRecord, format_document
from cargo_static_index.tree.kept import KEPT, kept_until
from cargo_static_index.tree.layout import RECORD, archive_and_metadata, tombstones_file
from tests.crates import crate
from tests.registry.watch.running import running
from tests.server.serving import until
from tests.stores import Died, Interrupted
from tests.world import DAY, T0, World, contents

HOUR = 3600
FOO, NEWER = crate("foo"), crate("foo", "1.1.0")
FOO_ARCHIVE, _ = archive_and_metadata("foo", FOO.cksum())
OF_FOO = frozenset(archive_and_metadata("foo", FOO.cksum()))
KEEP = {"tree.keep-removed": "1h"}


def published(folder: Path, store: MemoryStore | None, options: Mapping[str, object] = KEEP) -> World:
    world = World(folder, {"registry.pages": store is None, **options}, store)
    world.put(FOO, NEWER)
    world.build()
    return world


@pytest.fixture(params=["folder", "bucket"])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> World:
    return published(tmp_path / "kept", MemoryStore(shared=True) if request.param == "bucket" else None)


def held(world: World) -> frozenset[str]:
    """Give which files of foo 1.0.0 are there."""
    store = world.store or LocalStore(world.tree)
    return OF_FOO.intersection(store.list("crates"))


def files(world: World) -> dict[str, bytes]:
    """Give the tree, less the page that tells of the drop directory."""
    return {
        path: text for path, text in contents(world.store or LocalStore(world.tree)).items() if path != "refused.html"
    }


def as_if_removed_at_once(world: World, tmp_path: Path) -> dict[str, bytes]:
    """Give the tree that a removal leaves which keeps nothing, made at the same time."""
    other = MemoryStore(shared=True) if world.store else None
    twin = published(tmp_path / "at once", other, {"tree.keep-removed": None})
    twin.remove("foo@1.0.0")
    return files(twin)


CHANGES: dict[str, Callable[[World], object]] = {
    "a build": lambda world: world.build(),
    "an add": lambda world: world.add(crate("bar").write(world.folder)),
    "a yank": lambda world: world.yank("foo@1.1.0"),
    "a removal": lambda world: world.remove("foo@1.1.0"),
    "verify --fix": lambda world: world.verified(fix=True),
}


def test_the_archive_stays_for_as_long_as_it_is_kept_and_then_nothing_is_left_of_it(
    world: World, tmp_path: Path
) -> None:
    world.remove("foo@1.0.0")
    world.now += HOUR - 1
    world.build()
    assert held(world) == OF_FOO
    world.now += 1
    world.build()
    assert held(world) == frozenset()
    assert files(world) == as_if_removed_at_once(world, tmp_path)


@pytest.mark.parametrize("change", CHANGES)
def test_whoever_changes_the_tree_after_its_time_deletes_it(world: World, change: str) -> None:
    world.remove("foo@1.0.0")
    shutil.rmtree(world.state)
    world.now += HOUR
    CHANGES[change](world)
    assert held(world) == frozenset()
    assert [each.id for each in world.verified()] == []


def test_a_dry_run_after_its_time_deletes_nothing(world: World) -> None:
    world.remove("foo@1.0.0")
    world.now += HOUR
    world.build(dry=True)
    assert held(world) == OF_FOO


def test_status_and_verify_know_what_is_kept_and_find_nothing_wrong(world: World) -> None:
    world.remove("foo@1.0.0")
    assert [each.id for each in world.verified()] == []
    assert read_status(world.settings(), store=world.store).kept == {("foo", "1.0.0"): "2026-01-01T01:00:00Z"}
    world.verified(fix=True)
    assert held(world) == OF_FOO


def test_a_state_made_anew_keeps_what_is_kept(world: World) -> None:
    world.remove("foo@1.0.0")
    world.forget()
    world.build()
    assert held(world) == OF_FOO


def test_a_lost_record_of_the_tree_does_not_shorten_or_forget_it(world: World) -> None:
    world.remove("foo@1.0.0")
    if world.store is None:
        (world.tree / "tree.json").unlink()
        world.build()
    assert held(world) == OF_FOO
    world.now += HOUR
    world.build()
    assert held(world) == frozenset()


def test_now_deletes_at_once_what_an_earlier_removal_keeps(world: World) -> None:
    world.remove("foo@1.0.0")
    assert world.remove("foo@1.0.0", now=True) == ()
    assert held(world) == frozenset()
    world.remove("foo@1.1.0", now=True)
    assert not list((world.store or LocalStore(world.tree)).list(KEPT))


def test_now_takes_only_what_it_names(world: World) -> None:
    world.remove("foo")
    world.remove("foo@1.1.0", now=True)
    assert held(world) == OF_FOO
    world.now += HOUR
    world.build()
    assert held(world) == frozenset()


def test_a_release_that_came_back_keeps_its_archive(world: World) -> None:
    world.remove("foo@1.0.0")
    world.add(world.drop / "foo-1.0.0.crate", restore=True)
    world.now += HOUR
    world.build()
    assert held(world) == OF_FOO
    assert [each.id for each in world.verified()] == []


def test_a_release_removed_once_more_is_kept_from_then_on(world: World) -> None:
    world.remove("foo@1.0.0")
    world.now += HOUR // 2
    world.add(world.drop / "foo-1.0.0.crate", restore=True)
    world.remove("foo@1.0.0")
    world.now += HOUR // 2
    world.build()
    assert held(world) == OF_FOO
    world.now += HOUR // 2
    world.build()
    assert held(world) == frozenset()


@pytest.mark.parametrize("shared", [False, True], ids=["folder", "bucket"])
def test_wherever_a_removal_breaks_off_the_archive_is_kept_or_its_line_is_there(tmp_path: Path, shared: bool) -> None:
    for number in range(100):
        store = MemoryStore(shared=shared)
        world = published(tmp_path / str(number), store)
        world.store = Interrupted(store, number)
        try:
            world.remove("foo@1.0.0")
        except Died:
            world.store = store
        else:
            assert number > 4
            return
        began = tombstones_file("foo") in store.files
        world.now += 600
        world.build()  # on a bucket what broke off is finished after five minutes
        assert held(world) == OF_FOO, number
        world.now += HOUR
        world.build()
        assert held(world) == (frozenset() if began else OF_FOO), number
        assert [each.id for each in world.verified()] == [], number
    pytest.fail("it never came to its end")


@pytest.mark.parametrize("shared", [False, True], ids=["folder", "bucket"])
def test_wherever_the_deleting_breaks_off_the_next_change_ends_it(tmp_path: Path, shared: bool) -> None:
    for number in range(100):
        store = MemoryStore(shared=shared)
        world = published(tmp_path / str(number), store)
        world.remove("foo@1.0.0")
        world.now += HOUR
        world.store = Interrupted(store, number)
        try:
            world.build()
        except Died:
            world.store = store
        else:
            return
        world.build()
        assert held(world) == frozenset()
        assert [each.id for each in world.verified()] == []
    pytest.fail("it never came to its end")


# --- what is lost or damaged


def kept_files(world: World) -> dict[str, bytes]:
    """Give the files by which archives are kept, and those archives."""
    return {path: text for path, text in files(world).items() if path.startswith(KEPT) or path in OF_FOO}


def test_what_keeps_an_archive_is_put_back_by_its_tombstone(tmp_path: Path) -> None:
    world = published(tmp_path, None)
    world.remove("foo@1.0.0")
    before = kept_files(world)
    shutil.rmtree(world.tree / KEPT)
    world.build()
    assert held(world) == OF_FOO
    assert [each.id for each in world.verified()] == ["kept-wrong", "record-wrong"]
    world.verified(fix=True)
    assert kept_files(world) == before
    assert world.verified() == []


def test_what_was_not_proven_to_be_the_same_is_said(tmp_path: Path) -> None:
    world = published(tmp_path, None)
    world.remove("foo")
    before = kept_files(world)
    shutil.rmtree(world.tree / KEPT)
    stones = world.tree / tombstones_file("foo")
    text = stones.read_text()
    stones.write_text(text.replace("20260101T01", "20260101T02", 1))
    world.verified(fix=True)
    assert world.verified() == []
    assert held(world) == OF_FOO
    assert set(kept_until(LocalStore(world.tree)).values()) == {"2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"}
    assert kept_files(world).keys() & before.keys() == OF_FOO


def test_a_tombstone_that_names_what_never_was_names_again_what_keeps_the_archive(tmp_path: Path) -> None:
    world = published(tmp_path, None)
    world.remove("foo")
    before = files(world)
    stones = world.tree / tombstones_file("foo")
    head, kept, rest = stones.read_text().partition('"kept": "')
    stones.write_text(head + kept + rest[:40] + ("1" if rest[40] == "0" else "0") + rest[41:])
    assert files(world) != before
    world.verified(fix=True)
    assert files(world) == before
    assert world.verified() == []


def test_tombstones_put_back_name_what_keeps_the_archive(tmp_path: Path) -> None:
    world = published(tmp_path, None)
    world.remove("foo@1.0.0")
    before = files(world)
    (world.tree / tombstones_file("foo")).unlink()
    world.forget()
    world.build()
    assert files(world) == before


def test_a_kept_archive_is_put_back_from_the_drop_directory_or_said_to_be_lost(tmp_path: Path) -> None:
    world = published(tmp_path, None)
    world.remove("foo@1.0.0")
    before = files(world)
    for path in OF_FOO:
        (world.tree / path).write_bytes(b"damaged")
    assert {each.id for each in world.verified()} == {"archive-damaged", "metadata-wrong"}
    world.verified(fix=True)
    world.verified(fix=True)  # metadata is read from what the first put back
    assert files(world) == before
    (world.drop / "foo-1.0.0.crate").unlink()
    (world.tree / FOO_ARCHIVE).unlink()
    [said] = world.verified(fix=True)
    assert (said.id, said.fixed) == ("archive-missing", False)
    assert "`cargo-static-index remove foo@1.0.0 --now`" in said.way_out
    world.remove("foo@1.0.0", now=True)
    assert world.verified() == []


# --- who runs on the tree


def test_without_a_word_archives_are_kept_where_somebody_deletes_them_later(tmp_path: Path) -> None:
    world = published(tmp_path, None, {})
    assert seconds_to_keep(world.settings()) == 0
    with attending(world.state), attending(world.state):
        assert seconds_to_keep(world.settings()) == AN_HOUR
        assert seconds_to_keep(world.settings({"tree.keep-removed": "0"})) == 0
    assert seconds_to_keep(world.settings()) == 0


def test_a_watcher_deletes_them_by_itself(tmp_path: Path) -> None:
    world = published(tmp_path, None, {})
    times = [float(world.now)]
    with running(world, net=0.05, wall=lambda: times[0], kept_look=0.0) as it:
        world.remove("foo@1.0.0")
        assert list(kept_until(LocalStore(world.tree))) == [("foo", "1.0.0")]
        times[0] += HOUR
        it.until(lambda: not held(world))
    assert [each.id for each in world.verified()] == []


def test_a_server_that_publishes_deletes_them_by_itself(tmp_path: Path) -> None:
    world = published(tmp_path, None, {})
    warned: list[str] = []
    writer = Writer(world.settings(), lambda: world.now, warned.append, look=0.01)
    try:
        writer.begun.wait()
        world.now = 0  # so that the hour is over by any clock
        world.remove("foo@1.0.0")
        until(lambda: not held(world))
    finally:
        writer.close()
    assert not warned


@pytest.mark.parametrize(
    ("content", "due"),
    [
        (format_document(TreeRecord(keeps_until="2025-12-31T23:59:59Z")), True),
        (format_document(TreeRecord(keeps_until="2026-01-01T00:00:00Z")), True),
        (format_document(TreeRecord(keeps_until="2026-01-01T00:00:01Z")), False),
        (format_document(TreeRecord()), False),
        (b"{", False),
    ],
)
def test_who_looks_after_a_tree_sees_in_tree_json_when_an_archive_is_due(content: bytes, due: bool) -> None:
    assert has_archives_to_delete(MemoryStore({RECORD: content}), T0) is due


def test_where_tombstones_cannot_be_read_no_archive_goes(tmp_path: Path) -> None:
    store = MemoryStore()
    world = published(tmp_path, store)
    world.remove("foo@1.0.0")
    stones = store.files[tombstones_file("foo")]
    before = held(world)
    world.now += 100 * DAY
    world.forget()
    store.apply([Put(path=tombstones_file("foo"), content=b"{")])
    with pytest.raises(StoreError, match=r"foo/removed\.json: not a document of tombstones"):
        world.build()
    assert held(world) == before
    store.apply([Put(path=tombstones_file("foo"), content=stones)])
    world.build()
    assert held(world) == frozenset()
