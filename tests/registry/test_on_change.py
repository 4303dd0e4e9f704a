"""Telling others what changed: the command is the shell, and keeps what it is told."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from cargo_static_index.crate.candidate import Candidate, DropFile, Outcome
from cargo_static_index.diagnostics.errors import SettingsError, StoreError
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.on_change import (
    AT_ONCE,
    ChangedUrls,
    ChangesNotDelivered,
    Delivery,
    Notifier,
    deliver,
    read_delivery,
    telling,
    urls_of,
)
from cargo_static_index.registry.options import Options
from cargo_static_index.settings import Settings, load_settings
from cargo_static_index.state import open_state
from tests.server.serving import until
from tests.world import BASE, T0

KEEPS = "cat >> told && echo >> told"


class Hooked:
    """A folder with a state, and a command that is told what changes."""

    def __init__(self, folder: Path, script: str = KEEPS, command: Sequence[str] | None = None) -> None:
        self.folder = folder
        self.state = folder / ".cargo-static-index"
        self._script = script
        self._command = command

    @property
    def settings(self) -> Settings:
        command = self._command or ["sh", "-c", f"cd '{self.folder}' && {self._script}"]
        options: dict[str, object] = {"registry.on-change": command, "registry.changed-urls": self.folder / "urls"}
        return load_settings(options, {}, self.folder).settings

    def note(self, *paths: str, deleted: bool = False) -> None:
        with open_state(self.state) as state:
            state.undelivered.add((path, deleted) for path in paths)

    def left(self) -> list[str]:
        with open_state(self.state) as state:
            return [path for _, path, _ in state.undelivered.some(AT_ONCE)]

    def told(self) -> list[Any]:
        file = self.folder / "told"
        whole = file.read_text().split("\n")[:-1] if file.exists() else []  # the last may still be written
        return list(map(json.loads, whole))

    def has_told(self, path: str) -> bool:
        return any(each["path"] == path for document in self.told() for each in document["changed"])

    def delivery(self) -> Delivery:
        found = read_delivery(self.state)
        assert found is not None
        return found


@pytest.fixture
def hooked(tmp_path: Path) -> Hooked:
    return Hooked(tmp_path)


@pytest.mark.parametrize(
    ("path", "urls"),
    [
        ("tree.json", ["tree.json"]),
        ("index.html", ["index.html", ""]),
        ("crates/foo/index.html", ["crates/foo/index.html", "crates/foo/"]),
        ("crates/foo/1.0.0+x/index.html", ["crates/foo/1.0.0%2Bx/index.html", "crates/foo/1.0.0%2Bx/"]),
        ("crates/my-index.html", ["crates/my-index.html"]),
    ],
)
def test_an_index_page_is_found_at_its_folder_too(path: str, urls: list[str]) -> None:
    assert urls_of(BASE, path) == tuple(BASE + url for url in urls)


# The command


def test_the_command_is_told_of_each_path_once_in_the_order_of_the_last_change(hooked: Hooked) -> None:
    hooked.note("a", "index.html")
    hooked.note("a", deleted=True)
    assert deliver(hooked.settings, BASE)
    [document] = hooked.told()
    assert (document["schema"], document["base_url"], document["tree"]) == (1, BASE, str(hooked.folder / "public"))
    assert document["changed"] == [
        {"path": "index.html", "urls": [f"{BASE}index.html", BASE], "deleted": False},
        {"path": "a", "urls": [f"{BASE}a"], "deleted": True},
    ]
    assert hooked.left() == []
    assert deliver(hooked.settings, BASE)
    assert len(hooked.told()) == 1, "where nothing is noted nobody is told"


def test_of_very_many_paths_the_command_is_told_some_at_a_time(hooked: Hooked) -> None:
    hooked.note(*(f"path-{number:05}" for number in range(AT_ONCE + 1)))
    assert deliver(hooked.settings, BASE)
    assert [len(document["changed"]) for document in hooked.told()] == [AT_ONCE, 1]


def test_what_a_failing_command_was_not_told_is_kept_with_since_when_it_fails(tmp_path: Path) -> None:
    hooked = Hooked(tmp_path, "exit 3")
    hooked.note("a")
    with pytest.raises(ChangesNotDelivered) as caught:
        deliver(hooked.settings, BASE)
    assert str(caught.value) == "on-change: 'sh' ended with 3; what changed is noted, and told again later"
    failed = hooked.delivery()
    assert (failed.failure, failed.last, hooked.left()) == ("on-change: 'sh' ended with 3", None, ["a"])
    assert failed.failing_since is not None
    hooked.note("b")
    (hooked.state / "on-change.json").write_bytes(msgspec.json.encode(replace(failed, failing_since=T0)))
    with pytest.raises(ChangesNotDelivered):
        deliver(hooked.settings, BASE)
    assert hooked.delivery().failing_since == T0
    mended = Hooked(tmp_path)
    assert deliver(mended.settings, BASE)
    assert [each["path"] for each in mended.told()[0]["changed"]] == ["a", "b"]
    after = mended.delivery()
    assert (after.failure, after.failing_since, after.since) == ("", None, failed.since)
    assert after.last is not None


def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    hooked = Hooked(tmp_path, command=[str(tmp_path / "nothing")])
    hooked.note("a")
    with pytest.raises(ChangesNotDelivered, match=r"on-change: '.*/nothing' cannot be run: No such file or directory"):
        deliver(hooked.settings, BASE)


def test_a_command_need_not_read_what_it_is_told(tmp_path: Path) -> None:
    hooked = Hooked(tmp_path, "exec <&- && true")
    hooked.note(*(f"{'a-long-name-' * 10}{number}" for number in range(2000)))  # more than a pipe holds
    assert deliver(hooked.settings, BASE)
    assert hooked.left() == []


def test_of_two_who_tell_one_does(hooked: Hooked) -> None:
    hooked.note("a")
    opened = os.open(hooked.state / "on-change.lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        assert not deliver(hooked.settings, BASE)
    finally:
        os.close(opened)
    assert hooked.told() == []
    assert deliver(hooked.settings, BASE)


def test_a_state_that_cannot_be_used_tells_of_nothing(hooked: Hooked) -> None:
    assert not deliver(hooked.settings, BASE)  # there is no such folder
    assert read_delivery(hooked.state) is None


# A command that changes the tree


@contextmanager
def changing(hooked: Hooked, options: Options, report: Report) -> Iterator[None]:
    """Change one path of a tree as a command does, that held something before."""
    with telling(hooked.settings, report, options) as tells:
        with open_state(hooked.state):
            pass
        tells.opened(BASE, now=T0, holds_releases=True)
        hooked.note("a")
        tells.listener.changed("a")
        yield


def test_a_change_is_told_at_its_end_to_the_command_and_in_the_file(hooked: Hooked) -> None:
    with changing(hooked, Options(now=T0), report := Report()):
        assert hooked.told() == []
    assert hooked.told()[0]["changed"][0]["path"] == "a"
    assert (hooked.folder / "urls").read_text() == f"{BASE}a\n"
    assert report.paths == ["a"]
    assert (hooked.delivery().since, hooked.delivery().incomplete) == (T0, True)


def test_since_when_changes_are_noted_is_said_once(hooked: Hooked) -> None:
    for later in range(2):
        with telling(hooked.settings, Report(), Options(now=T0)) as tells:
            hooked.note("a")
            tells.opened(BASE, now=T0 + later, holds_releases=later > 0)
    assert (hooked.delivery().since, hooked.delivery().incomplete) == (T0, False)


def test_a_change_that_fails_is_told_in_the_file_and_to_the_command_by_the_next_one(hooked: Hooked) -> None:
    def fail() -> None:
        with changing(hooked, Options(now=T0), Report()):
            raise StoreError("the disk is full")

    with pytest.raises(StoreError, match="the disk is full"):
        fail()
    assert (hooked.folder / "urls").read_text() == f"{BASE}a\n"
    assert (hooked.told(), hooked.left()) == ([], ["a"])


def test_a_process_that_goes_on_adds_to_the_file_and_leaves_the_command_to_its_thread(hooked: Hooked) -> None:
    for _ in range(2):
        with changing(hooked, Options(now=T0, lasting=True), Report()):
            pass
    assert (hooked.folder / "urls").read_text() == f"{BASE}a\n" * 2
    assert hooked.told() == []


def test_a_change_that_is_only_thought_through_tells_nobody(hooked: Hooked) -> None:
    with changing(hooked, Options(now=T0, dry=True), report := Report()):
        pass
    assert hooked.told() == []
    assert not (hooked.folder / "urls").exists()
    assert read_delivery(hooked.state) is None
    assert report.paths == ["a"]


# The file of URLs


def test_urls_stand_in_the_file_in_the_order_of_the_last_change_and_all_is_passed_on(tmp_path: Path) -> None:
    report = Report()
    urls = ChangedUrls(report)
    candidate = Candidate(file=DropFile(source="a.crate", target=b"a.crate"), name="a")
    urls.file(Outcome(candidate=candidate, status="published"))
    urls.still_refused(1, [Outcome(candidate=candidate, status="remembered")])
    urls.note("Done.")
    urls.warn("Look.")
    urls.taken("a.crate", "")
    urls.changed("a")
    urls.deleted("index.html")
    urls.changed("a")
    assert (report.paths, report.notes, report.moved) == (
        ["a", "index.html", "a"],
        ["Done.", "Look."],
        [("a.crate", "")],
    )
    assert report.counts == {"published": 1, "remembered": 1}
    urls.write(tmp_path / "urls", BASE, add=False)
    assert (tmp_path / "urls").read_text().split() == [f"{BASE}index.html", BASE, f"{BASE}a"]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        ChangedUrls(Report()).write(tmp_path, BASE, add=False)
    assert str(caught.value) == f"--changed-urls: {tmp_path} cannot be written: Is a directory"


# A process that goes on


@contextmanager
def notifying(hooked: Hooked, warnings: list[str], *pauses: float) -> Iterator[Notifier]:
    notifier = Notifier(hooked.settings, warnings.append, pauses)
    try:
        yield notifier
    finally:
        notifier.stop()


def test_a_process_that_goes_on_tells_in_a_thread_as_often_as_there_is_news(hooked: Hooked) -> None:
    warnings: list[str] = []
    with notifying(hooked, warnings, 60.0) as notifier:
        for path in ("one", "two"):
            hooked.note(path)
            notifier.tell(BASE)
            until(partial(hooked.has_told, path))
    assert warnings == []


def test_it_tells_again_until_it_is_heard_and_warns_once(tmp_path: Path) -> None:
    hooked = Hooked(tmp_path, f"echo >> tried; [ $(wc -l < tried) -gt 2 ] || exit 1; {KEEPS}")
    hooked.note("a")
    warnings: list[str] = []
    with notifying(hooked, warnings, 0.01) as notifier:
        notifier.tell(BASE)
        until(lambda: (found := read_delivery(hooked.state)) is not None and found.last is not None)
    assert hooked.left() == []
    assert [document["changed"][0]["path"] for document in hooked.told()] == ["a"]
    assert warnings == ["on-change: 'sh' ended with 1; what changed is noted, and told again later"]


def test_what_another_process_tells_of_is_looked_at_again(hooked: Hooked) -> None:
    hooked.note("a")
    warnings: list[str] = []
    opened = os.open(hooked.state / "on-change.lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        with notifying(hooked, warnings, 0.01) as notifier:
            notifier.tell(BASE)
            assert hooked.told() == []
            fcntl.flock(opened, fcntl.LOCK_UN)
            until(partial(hooked.has_told, "a"))
    finally:
        os.close(opened)
    assert warnings == []


def test_at_its_end_a_command_that_goes_on_is_ended_and_told_again_later(tmp_path: Path) -> None:
    hooked = Hooked(tmp_path, "echo > begun; exec sleep 600")
    hooked.note("a")
    warnings: list[str] = []
    notifier = Notifier(hooked.settings, warnings.append)
    notifier.tell(BASE)
    until((tmp_path / "begun").exists)

    def ended() -> bool:
        notifier.stop(patience=0.01)
        return read_delivery(hooked.state) is not None

    until(ended)
    assert hooked.delivery().failure == "on-change: 'sh' ended with -15"
    assert hooked.left() == ["a"]
