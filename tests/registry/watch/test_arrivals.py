"""When a file is read, and until when it may be only a part, told by what is known of how it came."""

import time

import pytest

from cargo_static_index.registry.scan import Seen
from cargo_static_index.registry.watch.arrivals import HELD, LONGEST_OPEN, Arrivals

SETTLE = 2.0


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def arrivals(clock: Clock) -> Arrivals:
    return Arrivals(SETTLE, clock)


def seen(path: str = "a.crate", *, age: float = 0.0, fingerprint: bytes = b"f", links: int = 1) -> Seen:
    return Seen(path.encode(), fingerprint, time.time_ns() - int(age * 1e9), links)


def test_an_old_file_is_read_and_what_it_is_is_final(arrivals: Arrivals, clock: Clock) -> None:
    due = arrivals.due(seen(age=10))
    assert due is not None
    assert due <= clock.now


def test_a_young_file_that_nobody_closed_is_not_read(arrivals: Arrivals, clock: Clock) -> None:
    assert arrivals.due(seen()) is None
    assert arrivals.wake == pytest.approx(clock.now + SETTLE, abs=0.5)


def test_a_young_file_that_was_closed_is_read_once_and_again_when_it_has_settled(
    arrivals: Arrivals, clock: Clock
) -> None:
    arrivals.closed(b"a.crate")
    assert arrivals.due(seen()) == pytest.approx(clock.now + SETTLE, abs=0.5)
    arrivals.taken(b"a.crate")
    assert arrivals.due(seen()) is None
    clock.now += SETTLE
    due = arrivals.due(seen(age=SETTLE))
    assert due is not None
    assert due <= clock.now


def test_a_file_that_is_open_is_not_final_however_old_it_is(arrivals: Arrivals, clock: Clock) -> None:
    arrivals.created(b"a.crate")
    assert arrivals.due(seen(age=60)) == clock.now + LONGEST_OPEN
    arrivals.taken(b"a.crate")
    assert arrivals.due(seen(age=60)) is None
    assert [(each.path, each.why) for each in arrivals.waiting()] == [(b"a.crate", "open")]
    clock.now += LONGEST_OPEN
    assert arrivals.due(seen(age=LONGEST_OPEN)) == clock.now


def test_a_link_to_a_file_elsewhere_is_not_open(arrivals: Arrivals, clock: Clock) -> None:
    arrivals.created(b"a.crate")
    due = arrivals.due(seen(age=60, links=2))
    assert due is not None
    assert due <= clock.now


def test_lost_events_may_have_been_closings(arrivals: Arrivals, clock: Clock) -> None:
    arrivals.created(b"a.crate")
    arrivals.lost()
    due = arrivals.due(seen(age=60))
    assert due is not None
    assert due <= clock.now


@pytest.mark.parametrize("age", [-3600.0, 0.0, 3600.0])
def test_while_polling_two_equal_looks_say_that_a_file_has_settled_and_no_clock(
    arrivals: Arrivals, clock: Clock, age: float
) -> None:
    arrivals.polling = True
    assert arrivals.due(seen(age=age)) is None
    clock.now += SETTLE / 2
    assert arrivals.due(seen(age=age, fingerprint=b"grown")) is None
    clock.now += SETTLE / 2
    assert arrivals.due(seen(age=age, fingerprint=b"grown")) is None
    clock.now += SETTLE / 2
    assert arrivals.due(seen(age=age, fingerprint=b"grown")) == clock.now


def test_a_stamp_of_long_ago_is_believed_while_polling(arrivals: Arrivals, clock: Clock) -> None:
    arrivals.polling = True
    assert arrivals.due(seen(age=10**6)) == clock.now


def test_what_is_judged_or_gone_is_waited_for_no_more(arrivals: Arrivals) -> None:
    for path in ("a.crate", "b.crate"):
        arrivals.due(seen(path))
    arrivals.judged(b"a.crate")
    assert [each.path for each in arrivals.waiting()] == [b"b.crate"]
    arrivals.begin(told=True)
    arrivals.finish()
    assert arrivals.waiting() == []
    assert arrivals.wake is None


def test_of_a_file_that_no_look_saw_nothing_is_waited_for(arrivals: Arrivals) -> None:
    arrivals.taken(b"a.crate")
    arrivals.unsettled(b"a.crate")
    assert arrivals.wake is None
    assert arrivals.waiting() == []


def test_what_is_remembered_is_bounded(arrivals: Arrivals) -> None:
    arrivals.polling = True
    for number in range(HELD + 10):
        arrivals.due(seen(f"{number}.crate"))
        arrivals.closed(b"%d.crate" % number)
        arrivals.created(b"%d.crate" % number)
    assert len(arrivals.waiting()) == HELD
