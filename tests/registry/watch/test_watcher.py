"""What is done to a watched folder, and what the watcher makes of it."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import SettingsError, TreeBusy
from cargo_static_index.store.local.store import LocalStore
from tests.crates import crate
from tests.registry.watch import long
from tests.registry.watch.running import Running, running, started
from tests.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, {"registry.pages": "false"})


MODES = pytest.mark.parametrize("mode", ["events", "poll"])


def asleep(seconds: float) -> None:
    """Give the watcher time for what it must not do."""
    time.sleep(seconds)


@MODES
def test_what_is_there_is_published_and_then_what_comes_at_any_depth(world: World, mode: str) -> None:
    world.put(crate("foo"))
    with running(world, {"watch.mode": mode}) as it:
        assert it.health.mode == mode
        it.until_told("published foo 1.0.0")
        world.put(crate("foo", "1.1.0"), folder="a/b/c")
        it.until_told("published foo 1.0.0", "published foo 1.1.0")
    assert world.versions("3/f/foo") == ["1.0.0", "1.1.0"]


def test_a_file_closed_several_times_in_a_burst_is_one_pass_and_one_line(world: World) -> None:
    with running(world) as it:
        path = world.drop / "foo-1.0.0.crate"
        for _ in range(20):
            path.write_bytes(crate("foo").build())
        it.until_told("published foo 1.0.0")
        asleep(0.6)
        assert it.told() == ["published foo 1.0.0"]


@MODES
def test_an_upload_that_is_resumed_is_published_once_and_never_refused(world: World, mode: str) -> None:
    content = crate("foo").file("src/lib.rs", os.urandom(3000)).build()
    with running(world, {"watch.mode": mode, "watch.settle": "1.5s"}) as it:
        for part in (content[:1000], content[1000:2000], content[2000:]):
            with (world.drop / "foo-1.0.0.crate").open("ab") as file:
                file.write(part)
            asleep(0.4)
        it.until_told("published foo 1.0.0")


def test_a_copy_that_stalls_is_not_refused_while_it_is_open(world: World) -> None:
    content = crate("foo").build()
    with running(world) as it:
        with (world.drop / "foo-1.0.0.crate").open("wb") as file:
            file.write(content[:500])
            file.flush()
            asleep(1.2)
            assert it.told() == []
            it.until(lambda: [(each.path, each.why) for each in it.health.waiting] == [("foo-1.0.0.crate", "open")])
            file.write(content[500:])
        it.until_told("published foo 1.0.0")


@MODES
@pytest.mark.parametrize(
    "part", [lambda whole: whole[:300] + bytes(len(whole) - 300), lambda whole: bytes(300) + whole[300:]]
)
def test_a_preallocated_copy_is_published_when_it_is_whole(
    world: World, part: Callable[[bytes], bytes], mode: str
) -> None:
    whole = crate("foo").build()
    with running(world, {"watch.mode": mode, "watch.settle": "1s"}) as it:
        with (world.drop / "foo-1.0.0.crate").open("wb") as file:
            file.write(part(whole))
            file.flush()
            asleep(0.5)
            file.seek(0)
            file.write(whole)
        it.until_told("published foo 1.0.0")


@MODES
def test_a_broken_file_is_refused_once_when_it_has_settled(world: World, mode: str) -> None:
    with running(world, {"watch.mode": mode, "registry.pages": "true"}) as it:
        (world.drop / "foo-1.0.0.crate").write_bytes(crate("foo").build()[:300])
        it.until_told("refused")
        world.put(crate("bar"))
        it.until_told("refused", "published bar 1.0.0")
        asleep(0.6)
        assert it.told() == ["refused", "published bar 1.0.0"]
    assert "gzip-damaged" in world.read("refused.html").decode()


def test_a_file_renamed_in_is_taken_at_once(world: World) -> None:
    with running(world, {"watch.settle": "1h"}) as it:
        outside = crate("foo").write(world.folder)
        outside.rename(world.drop / outside.name)
        it.until_told("published foo 1.0.0")
        hidden = world.drop / ".foo-1.1.0.crate.Xy12"
        hidden.write_bytes(crate("foo", "1.1.0").build())
        hidden.rename(world.drop / "foo-1.1.0.crate")
        it.until_told("published foo 1.0.0", "published foo 1.1.0")


def test_a_link_to_a_file_elsewhere_is_taken_when_it_has_settled(world: World) -> None:
    outside = crate("foo").write(world.folder)
    broken = world.folder / "bar-1.0.0.crate"
    broken.write_bytes(b"no crate")
    with running(world) as it:
        os.link(outside, world.drop / outside.name)
        os.link(broken, world.drop / broken.name)
        it.until_told("published foo 1.0.0", "refused")


def test_a_tree_of_folders_that_is_moved_in_is_published(world: World) -> None:
    away = world.folder / "away"
    for number in range(20):
        crate("foo", f"1.{number}.0").write(away / str(number) / "deep")
    with running(world) as it:
        away.rename(world.drop / "moved")
        it.until(lambda: len(it.told()) == 20)
        crate("foo", "2.0.0").write(world.drop / "moved" / "7" / "deep")
        it.until(lambda: len(it.told()) == 21)


# The folder itself -------------------------------------------------------------------------------------------


def removed_and_made_again(drop: Path) -> None:
    shutil.rmtree(drop)
    time.sleep(1.1)
    drop.mkdir()


def removed_and_made_again_at_once(drop: Path) -> None:
    shutil.rmtree(drop)
    drop.mkdir()


def renamed_away_and_a_new_one_in_its_place(drop: Path) -> None:
    drop.rename(drop.with_name("old"))
    drop.mkdir()


def renamed_away_and_back(drop: Path) -> None:
    drop.rename(drop.with_name("old"))
    time.sleep(1.1)
    drop.with_name("old").rename(drop)


@pytest.mark.parametrize(
    ("vanish", "mode"),
    [
        (removed_and_made_again, "events"),
        (removed_and_made_again, "poll"),
        (removed_and_made_again_at_once, "events"),
        (renamed_away_and_a_new_one_in_its_place, "events"),
        (renamed_away_and_back, "events"),
        (renamed_away_and_back, "poll"),
    ],
)
def test_a_folder_that_vanishes_and_returns_is_watched_again(
    world: World, vanish: Callable[[Path], None], mode: str
) -> None:
    with running(world, {"watch.mode": mode}) as it:
        vanish(world.drop)
        world.put(crate("foo"))
        it.until_told("published foo 1.0.0")
        it.until(lambda: not it.health.fails)
        world.put(crate("foo", "1.1.0"))
        it.until_told("published foo 1.0.0", "published foo 1.1.0")


# What fails --------------------------------------------------------------------------------------------------


def test_a_tree_that_cannot_be_written_is_said_once_and_waited_out(world: World) -> None:
    with running(world) as it:
        world.tree.rename(world.folder / "away")
        world.tree.write_text("in its place")
        world.put(crate("foo"))
        it.until(lambda: it.health.fails)
        asleep(1.2)
        assert len([note for note in it.report.notes if "This is tried again" in note]) == 1
        world.tree.unlink()
        (world.folder / "away").rename(world.tree)
        it.until_told("published foo 1.0.0")
        it.until_said("It works again")


def test_a_page_that_cannot_be_made_is_said_once_and_stops_nothing(world: World) -> None:
    (world.tree / "crates/foo/index.html/here").mkdir(parents=True)
    world.put(crate("foo"))
    with running(world, {"registry.pages": "true"}) as it:
        it.until_told("published foo 1.0.0")
        it.until_said("crates/foo/index.html: this page cannot be made")
        world.put(crate("foo", "1.1.0"))
        it.until_told("published foo 1.0.0", "published foo 1.1.0")
        assert len([note for note in it.report.notes if "this page cannot be made" in note]) == 1
        assert not it.health.fails


def test_while_somebody_else_changes_the_tree_it_waits_and_says_nothing(world: World) -> None:
    world.put(crate("foo"))
    with ExitStack() as somebody:
        somebody.enter_context(changing(world))
        with started(world, {"tree.lock-timeout": "0"}) as it:
            it.until(lambda: len(it.healths) > 2)  # it begins, listens, and has failed
            assert it.told() == []
            somebody.close()
            it.until_told("published foo 1.0.0")
        assert it.report.notes == []


@contextmanager
def changing(world: World) -> Iterator[None]:
    """Keep others out of the tree."""
    store = LocalStore(world.tree, flush=False)
    with store.session():
        assert store.lock is not None
        store.lock.take(lambda _: None)
        yield


def test_a_command_and_the_watcher_work_on_one_tree(world: World) -> None:
    with running(world) as it:
        for number in range(5):
            world.put(crate("foo", f"1.{number}.0"))
            world.add(crate("bar", f"1.{number}.0").write(world.folder))
        it.until(lambda: len(it.told()) == 5)
    assert len(world.versions("3/b/bar")) == len(world.versions("3/f/foo")) == 5


def test_a_second_watcher_with_the_same_state_is_refused(world: World) -> None:
    with running(world):
        second = Running(world, {}, {})
        with pytest.raises(TreeBusy, match="another watcher"):
            second.watcher.run()


def test_settings_that_cannot_be_used_end_it_before_it_begins(world: World) -> None:
    world.put(crate("foo"))
    world.build()
    other = Running(world, {"registry.base-url": "https://other.example.com/"}, {})
    with pytest.raises(SettingsError, match="the tree is served at"):
        other.watcher.run()


def test_settings_that_change_under_it_are_told_of_once(world: World) -> None:
    file = world.folder / "registry.toml"
    file.write_text("[registry]\n")
    with running(world, settings_file=file) as it:
        file.write_text('[registry]\ntitle = "New"\n')
        it.until_said("registry.toml has changed; restart the watcher")
        asleep(1.2)
        assert len(it.report.notes) == len(set(it.report.notes))


def test_a_command_comes_to_its_turn_while_the_watcher_has_much_to_do(world: World) -> None:
    with running(world, {"registry.pages": "false"}, batch=0.0) as it:
        world.put(*(crate("foo", f"1.{number}.0") for number in range(60)))
        it.until(it.told)
        world.add(crate("bar").write(world.folder))
        assert len(it.told()) < 60
        it.until(lambda: len(it.told()) == 60)


def test_many_files_go_in_batches_and_none_is_read_twice(world: World) -> None:
    numbers = range(40)
    world.put(*(crate("foo", f"1.{number}.0") for number in numbers))
    with running(world, {"registry.pages": "false"}, batch=0.0) as it:
        it.until(lambda: len(it.told()) == len(numbers))
        asleep(0.5)
    assert sorted(it.told()) == sorted(f"published foo 1.{number}.0" for number in numbers)
    assert it.report.paths.count("tree.json") > 1
    assert it.report.read.most_common(1)[0][1] == 1


def test_a_clock_that_jumps_is_said_once_and_carried_on_with(world: World) -> None:
    jumps = [0.0]
    with running(world, wall=lambda: time.time() + jumps[0]) as it:
        jumps[0] = 3600.0
        it.until_said("The clock jumped 3600 seconds ahead.")
        world.put(crate("foo"))
        it.until_told("published foo 1.0.0")
        jumps[0] = 0.0
        it.until_said("The clock jumped 3600 seconds back.")
        asleep(1.2)
        assert len([note for note in it.report.notes if "clock" in note]) == 2


def test_a_refused_file_that_was_taken_away_goes_from_the_page(world: World) -> None:
    broken = world.drop / "foo-1.0.0.crate"
    broken.write_bytes(b"no crate")
    with running(world, {"registry.pages": "true"}, net=0.5) as it:
        it.until_told("refused")
        it.until(lambda: b"file-not-gzip" in world.read("refused.html"))
        broken.unlink()
        it.until(lambda: b"file-not-gzip" not in world.read("refused.html"))


def test_files_dropped_during_a_pass_and_through_kills_are_all_published_once(tmp_path: Path) -> None:
    """A short sample of the long runs."""
    assert long.flood(tmp_path / "flood", 100)["published"] == 100
    assert long.soak(tmp_path / "soak", 5)["kills survived"]
