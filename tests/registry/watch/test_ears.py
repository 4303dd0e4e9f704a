"""How a watcher learns of new files: by events where they tell of all, else by looking."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from cargo_static_index.registry.watch.arrivals import Arrivals
from cargo_static_index.registry.watch.doorbell import Bell, Caller, Doorbell, OpenDoorbell
from cargo_static_index.registry.watch.ears import PROBE, Ears
from cargo_static_index.settings.table import WatchSection
from cargo_static_index.store.bucket import Bucket

Mode = Literal["auto", "events", "poll"]


class Quiet:
    """A doorbell that tells of nothing."""

    def __init__(self) -> None:
        self.failure: OSError | None = None
        self.alive = True
        self.closed = False

    def close(self) -> None:
        self.closed = True


def ears_of(
    open_doorbell: OpenDoorbell | None, mode: Mode = "auto", file_system: str = "ext4"
) -> tuple[Ears, Arrivals, Bell]:
    arrivals, bell = Arrivals(2.0), Bell()
    ears = Ears(
        WatchSection(mode=mode, settle=2.0, poll_interval=5.0),
        arrivals,
        bell,
        open_doorbell=open_doorbell,
        file_system=lambda _: file_system,
        patience=0,
    )
    return ears, arrivals, bell


def telling(doorbell: Quiet) -> OpenDoorbell:
    """Give what opens a doorbell that tells of the probe at once."""

    def open_doorbell(_: Path, caller: Caller) -> Doorbell:
        caller.closed(PROBE)
        return doorbell

    return open_doorbell


def silent(_: Path, __: Caller) -> Doorbell:
    return Quiet()


def refusing(_: Path, __: Caller) -> Doorbell:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("open_doorbell", "mode", "file_system", "why"),
    [
        (None, "auto", "apfs", "this system has no inotify"),
        (None, "poll", "apfs", ""),
        (silent, "poll", "ext4", ""),
        (silent, "auto", "nfs4", "is on nfs4, where no event tells of what other machines change"),
        (silent, "auto", "ext4", "no event told of a file that was made in"),
        (silent, "auto", "", "(an unknown file system)"),
        (refusing, "auto", "ext4", "sysctl fs.inotify.max_user_watches"),
        (refusing, "events", "ext4", "sysctl fs.inotify.max_user_watches"),
    ],
)
def test_where_events_would_not_tell_of_all_it_polls_and_says_why(
    tmp_path: Path, open_doorbell: OpenDoorbell | None, mode: Mode, file_system: str, why: str
) -> None:
    ears, arrivals, _ = ears_of(open_doorbell, mode, file_system)
    ears.listen(tmp_path)
    assert (ears.mode, arrivals.polling, ears.since, ears.alive) == ("poll", True, None, True)
    assert why in ears.why
    assert bool(ears.why) is bool(why)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file_system", ["ext4", "nfs4"])
def test_who_asks_for_events_has_them_whatever_they_tell_of(tmp_path: Path, file_system: str) -> None:
    ears, arrivals, _ = ears_of(silent, "events", file_system)
    ears.listen(tmp_path)
    assert (ears.mode, ears.why, arrivals.polling) == ("events", "", False)
    assert ears.since is not None


def test_where_no_file_can_be_made_the_type_of_the_file_system_does(tmp_path: Path) -> None:
    ears, _, _ = ears_of(silent)
    ears.listen(tmp_path / "gone")
    assert (ears.mode, ears.why) == ("events", "")


def test_a_bucket_is_looked_at_again_and_again(tmp_path: Path) -> None:
    ears, arrivals, _ = ears_of(silent, "events")
    ears.listen(Bucket("s3", "crates"))
    assert (ears.mode, ears.why, arrivals.polling) == ("poll", "", True)


def test_what_a_watcher_left_that_was_killed_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(PROBE)).touch()
    ears, _, _ = ears_of(silent)
    ears.listen(tmp_path)
    assert ears.mode == "poll", "a file was made, and no event told of it"
    assert list(tmp_path.iterdir()) == []


def test_of_what_came_before_it_listened_anew_it_may_not_have_been_told(tmp_path: Path) -> None:
    ears, arrivals, _, _ = listening(tmp_path)
    ears.created(b"a.crate")
    ears.listen(tmp_path)
    assert not arrivals.is_told_of(b"a.crate")


def test_a_doorbell_that_is_real_tells_of_the_probe(tmp_path: Path) -> None:
    ears = Ears(WatchSection(mode="auto", settle=2.0, poll_interval=5.0), Arrivals(2.0), Bell())
    ears.listen(tmp_path)
    assert (ears.mode, ears.why) == ("events", "")
    assert not ears.has_news(), "the probe is no crate"
    ears.close()


def listening(tmp_path: Path) -> tuple[Ears, Arrivals, Bell, Quiet]:
    doorbell = Quiet()
    ears, arrivals, bell = ears_of(telling(doorbell), "events")
    ears.listen(tmp_path)
    return ears, arrivals, bell, doorbell


def test_a_doorbell_that_cannot_watch_all_that_came_gives_way_to_polling(tmp_path: Path) -> None:
    ears, arrivals, _, doorbell = listening(tmp_path)
    assert not ears.has_gone_deaf()
    doorbell.failure = OSError(errno.ENOSPC, "")
    assert ears.has_gone_deaf()
    assert not ears.has_gone_deaf(), "it has said so"
    assert (ears.mode, ears.since, arrivals.polling, doorbell.closed) == ("poll", None, True, True)
    assert "fs.inotify.max_user_watches" in ears.why


def test_it_is_alive_as_long_as_its_doorbell(tmp_path: Path) -> None:
    ears, _, _, doorbell = listening(tmp_path)
    assert ears.alive
    doorbell.alive = False
    assert not ears.alive
    ears.close()
    assert doorbell.closed
    assert ears.alive, "there is nothing to listen to"


@pytest.mark.parametrize(
    ("tell", "rings", "is_news", "known"),
    [
        (lambda ears: ears.closed(b"a.crate"), True, True, True),
        (lambda ears: ears.created(b"a.crate"), True, False, True),
        (lambda ears: ears.came(), True, True, False),
        (lambda ears: ears.closed(b".a.crate.Xy"), False, False, False),
        (lambda ears: ears.closed(b"in/.part/a.crate"), False, False, False),
        (lambda ears: ears.created(b".a.crate"), False, False, False),
    ],
)
def test_what_is_worth_a_look_rings_and_is_news_once(
    tmp_path: Path, tell: Callable[[Ears], None], rings: bool, is_news: bool, known: bool
) -> None:
    ears, arrivals, bell, _ = listening(tmp_path)
    tell(ears)
    assert bell.wait(0) is rings
    assert ears.has_news() is is_news
    assert not ears.has_news()
    assert arrivals.is_told_of(b"a.crate") is known


def test_lost_events_are_counted_and_what_came_before_may_not_have_been_told_of(tmp_path: Path) -> None:
    ears, arrivals, bell, _ = listening(tmp_path)
    ears.created(b"a.crate")
    before = ears.since
    assert before is not None
    ears.lost()
    assert (ears.lost_events, ears.has_news(), bell.wait(0)) == (1, True, True)
    assert ears.since is not None
    assert ears.since > before
    assert not arrivals.is_told_of(b"a.crate"), "it may have been closed"
    ears.give_up("enough")
    ears.lost()
    assert ears.lost_events == 2
    assert ears.since is None
