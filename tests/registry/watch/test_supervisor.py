"""What a watcher says to the service manager that started it."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from cargo_static_index.registry.watch.health import Failure, Health
from cargo_static_index.registry.watch.supervisor import ServiceManager

FIRST = Health(process=7, started=1)
READY = replace(FIRST, mode="events", last_look=5, waiting_files=2)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "n"))
        listener.settimeout(30)
        yield listener


def heard(manager: socket.socket) -> list[str]:
    return manager.recv(4096).decode().splitlines()


def test_it_is_ready_once_after_the_first_look_and_then_lives(manager: socket.socket) -> None:
    tell = ServiceManager(manager.getsockname())
    tell(FIRST)
    assert heard(manager) == ["STATUS=the first build", "WATCHDOG=1"]
    tell(READY)
    assert heard(manager) == ["STATUS=watching by events, 2 waiting", "READY=1", "WATCHDOG=1"]
    tell(READY)
    assert heard(manager) == ["STATUS=watching by events, 2 waiting", "WATCHDOG=1"]
    tell(READY)
    assert heard(manager) == ["WATCHDOG=1"]
    tell(replace(READY, mode="poll"))
    assert heard(manager) == ["STATUS=watching by looking, 2 waiting", "WATCHDOG=1"]


def test_a_failure_is_told_on_one_line_until_it_has_ended(manager: socket.socket) -> None:
    tell = ServiceManager(manager.getsockname())
    failure = Failure(message="The disk\nREADY=1 is full.", since=3)
    tell(replace(FIRST, failure=failure))
    assert heard(manager) == ["STATUS=The disk READY=1 is full.", "WATCHDOG=1"]
    tell(replace(FIRST, failure=replace(failure, until=4)))
    assert heard(manager)[0] == "STATUS=the first build"


def test_it_says_that_it_ends(manager: socket.socket) -> None:
    ServiceManager(manager.getsockname()).stopping()
    assert heard(manager) == ["STOPPING=1"]


def test_an_abstract_socket_is_named_with_an_at_sign() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("")  # the kernel gives it an abstract name (unix(7): "autobind")
        listener.settimeout(30)
        ServiceManager("@" + listener.getsockname()[1:].decode()).stopping()
        assert heard(listener) == ["STOPPING=1"]


def test_that_nobody_listens_is_no_reason_to_end(tmp_path: Path) -> None:
    ServiceManager(str(tmp_path / "gone"))(READY)
