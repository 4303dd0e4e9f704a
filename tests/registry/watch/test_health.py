"""What a watcher says of itself in the state directory."""

from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import StoreError, TreeBusy
from cargo_static_index.registry.watch.health import (
    Failure,
    Health,
    LastWord,
    WaitingFile,
    only_watcher,
    read_health,
    write_health,
)

WELL = Health(
    process=7,
    started=1,
    mode="events",
    looks=2,
    last_look=5,
    waiting=(WaitingFile(path="a.crate", since=4, why="young"),),
    waiting_files=1,
)
FAILING = Health(process=7, started=1, last_look=5, failure=Failure(message="The disk is full.", since=3))
MENDED = Health(process=7, started=1, last_look=5, failure=Failure(message="The disk is full.", since=3, until=4))


def test_what_it_says_is_read_as_it_was_written_with_whether_it_still_runs(tmp_path: Path) -> None:
    with only_watcher(tmp_path):
        write_health(tmp_path, WELL)
        word = read_health(tmp_path)
    assert word is not None
    assert (word.health, word.running) == (WELL, True)
    assert word.spoke == int((tmp_path / "watch.json").stat().st_mtime)
    left = read_health(tmp_path)
    assert left is not None
    assert not left.running


def test_who_spoke_and_left_no_lock_does_not_run(tmp_path: Path) -> None:
    write_health(tmp_path, WELL)
    word = read_health(tmp_path)
    assert word is not None
    assert not word.running


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"process": "seven", "started": 1}'])
def test_where_nothing_can_be_read_nobody_spoke(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "watch.json").write_bytes(content)
    assert read_health(tmp_path) is None


def test_a_watcher_whose_state_cannot_be_written_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    write_health(tmp_path / "file", WELL)
    (tmp_path / "state/watch.json/here").mkdir(parents=True)
    write_health(tmp_path / "state", WELL)


def test_a_second_watcher_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    refused = pytest.raises(TreeBusy, match="another watcher is at work with this state directory")
    with only_watcher(tmp_path), refused, only_watcher(tmp_path):
        pass
    with only_watcher(tmp_path):
        pass


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state/watch.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError), only_watcher(tmp_path / "state"):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_it_fails_until_a_failure_has_ended() -> None:
    assert [health.fails for health in (WELL, FAILING, MENDED)] == [False, True, False]


@pytest.mark.parametrize(
    ("health", "running", "done"),
    [
        (WELL, True, True),
        (WELL, False, False),
        (FAILING, True, False),
        (Health(process=7, started=1), True, False),
    ],
)
def test_all_is_done_of_one_that_runs_looked_and_does_not_fail(health: Health, running: bool, done: bool) -> None:
    assert LastWord(health=health, spoke=9, running=running).all_is_done is done
