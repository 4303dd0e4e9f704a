"""The bell, and what the kernel tells of a folder that is watched."""

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import pytest

from cargo_static_index.registry.watch.doorbell import Bell

if sys.platform != "linux":
    pytest.skip("only Linux has inotify", allow_module_level=True)

from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, Mask, WatchDescriptor

from cargo_static_index.registry.watch.doorbell import INOTIFY, InotifyDoorbell, Kernel

PATIENCE = 60.0
"""Seconds after which what was to be told of counts as never told of."""

Told = tuple[str, bytes]


class Heard:
    """Keeps what it is told, in order."""

    def __init__(self) -> None:
        self._told: SimpleQueue[Told] = SimpleQueue()

    def created(self, path: bytes) -> None:
        self._told.put(("created", path))

    def closed(self, path: bytes) -> None:
        self._told.put(("closed", path))

    def came(self) -> None:
        self._told.put(("came", b""))

    def lost(self) -> None:
        self._told.put(("lost", b""))

    def until(self, last: Told) -> list[Told]:
        """Give what was told, up to the first of this kind."""
        told: list[Told] = []
        while last not in told:
            told.append(self._told.get(timeout=PATIENCE))
        return told


@contextmanager
def listening(folder: Path) -> Iterator[tuple[InotifyDoorbell, Heard]]:
    heard = Heard()
    doorbell = InotifyDoorbell(folder, heard)
    try:
        yield doorbell, heard
    finally:
        doorbell.close()


# The bell ----------------------------------------------------------------------------------------------------


def test_a_bell_that_was_rung_before_wakes_who_comes_to_wait_once() -> None:
    bell = Bell()
    bell.ring()
    bell.ring()
    assert bell.wait(0)
    assert not bell.wait(0)
    assert not bell.wait(-1)


def test_a_bell_is_rung_from_another_thread() -> None:
    bell = Bell()
    ringing = threading.Thread(target=bell.ring)
    ringing.start()
    assert bell.wait()
    ringing.join()


def test_a_bell_forgets_that_it_was_rung() -> None:
    bell = Bell()
    bell.ring()
    bell.hush()
    assert not bell.wait(0)


# The kernel's events -----------------------------------------------------------------------------------------


def test_of_a_crate_it_is_told_when_it_is_made_and_when_it_is_closed(tmp_path: Path) -> None:
    assert INOTIFY is InotifyDoorbell
    with listening(tmp_path) as (doorbell, heard):
        (tmp_path / "a.crate").write_bytes(b"1")
        assert heard.until(("closed", b"a.crate")) == [("created", b"a.crate"), ("closed", b"a.crate")]
        assert doorbell.alive
        assert doorbell.failure is None
    assert not doorbell.alive


def test_other_files_and_what_is_moved_out_are_no_news(tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "old.crate").touch()
    with listening(folder) as (_, heard):
        (folder / "notes.txt").write_text("no crate")
        (folder / "old.crate").rename(tmp_path / "old.crate")
        (folder / "new.crate").touch()
        assert heard.until(("closed", b"new.crate")) == [("created", b"new.crate"), ("closed", b"new.crate")]


def test_a_crate_that_is_renamed_in_is_whole(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "a.crate").touch()
    with listening(tmp_path / "drop") as (_, heard):
        (tmp_path / "a.crate").rename(tmp_path / "drop/a.crate")
        assert heard.until(("closed", b"a.crate")) == [("closed", b"a.crate")]


def test_a_folder_that_comes_is_news_and_what_comes_into_it_later(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "away/deep").mkdir(parents=True)
    (tmp_path / "away/deep/a.crate").touch()
    with listening(tmp_path / "drop") as (_, heard):
        (tmp_path / "away").rename(tmp_path / "drop/moved")
        assert ("closed", b"moved/deep/a.crate") not in heard.until(("came", b"")), "nobody saw whether it was closed"
        (tmp_path / "drop/moved/deep/b.crate").touch()
        heard.until(("closed", b"moved/deep/b.crate"))


def test_the_folder_behind_a_link_is_watched_and_its_end_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "link").symlink_to("drop")
    with listening(tmp_path / "link") as (doorbell, heard):
        (tmp_path / "drop/a.crate").touch()
        heard.until(("closed", b"a.crate"))
        shutil.rmtree(tmp_path / "drop")
        heard.until(("came", b""))
        assert not doorbell.alive


def test_a_folder_that_cannot_be_watched_is_an_error_and_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    with pytest.raises(FileNotFoundError):
        InotifyDoorbell(tmp_path / "gone", Heard())
    assert threading.active_count() == before


def test_that_the_queue_of_the_kernel_overflowed_is_told(tmp_path: Path) -> None:
    heard = Heard()
    kernel = Kernel(os.fsencode(tmp_path), heard)
    kernel.start()
    kernel.handle_event(InotifyEvent(WatchDescriptor(-1), Mask(InotifyConstants.IN_Q_OVERFLOW), 0, b""))
    assert heard.until(("lost", b"")) == [("lost", b"")]
    kernel.stop()
    kernel.join()
