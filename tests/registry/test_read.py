"""Dropped files as they are read: whole, cut short, or still being written."""

import os
import shutil
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace

from cargo_static_index.crate.candidate import DropFile
from cargo_static_index.crate.limits import Limits
from cargo_static_index.crate.metadata import CrateMetadata
from cargo_static_index.crate.policy import OwnRules, Policy
from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.diagnostics.problems import Problem
from cargo_static_index.registry.read import WHOLE, Reader, _whole
from cargo_static_index.registry.scan import _fingerprint, settled_by_stamps
from cargo_static_index.state import State
from tests.crates import crate
from tests.registry.outcomes import only, rules, status
from tests.registry.test_scan import put, rules_of, scan
from tests.world import World

SOON = {"watch.settle": "50ms"}
"""Files count as whole soon: nobody writes on them."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A registry without pages, which tell nothing of how a file is read."""
    return World(tmp_path, {"registry.pages": False})


def test_half_a_copy_of_what_is_held_is_told_as_that_alone(world: World) -> None:
    (path,) = world.put(crate("foo"))
    world.build()
    path.write_bytes(path.read_bytes()[:-10])
    assert rules(only(world.add(path), "refused")) == ["gzip-damaged"]


class Meanwhile:
    """A rule of one's own that does something while a crate is read."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._happens = happens

    def __call__(self, metadata: CrateMetadata) -> Iterable[Problem]:
        del metadata
        self._happens()
        return ()


@pytest.mark.case(85)
def test_a_file_that_is_written_on_until_it_is_looked_at_again_waits_and_is_read_when_it_is_complete(
    drop: Path, state: State, tmp_path: Path
) -> None:
    whole, part = crate("a").build(), drop / "a-1.0.0.crate"
    crate("b").write(drop)
    (tmp_path / "stage").mkdir()
    written: list[float] = []

    def write_on() -> None:
        part.write_bytes(whole[:200])
        written.append(time.monotonic())

    rules = OwnRules(rules=(), check=Meanwhile(write_on), version="1")
    reader = Reader(policy=Policy(own_rules=rules), stage=str(tmp_path / "stage"), pubtime=None, drop=drop)
    due = 0.0
    while not written or written[-1] >= due:  # a machine that stands still may come too late to see a part
        put(part, whole[:100])
        due = time.monotonic() + 0.05
        files = [replace(file, due=due) for file in scan(drop, state) if isinstance(file, DropFile)]
        for path in (tmp_path / "stage").iterdir():
            path.unlink()
        a, b = replace(reader, waits_until=due).candidates(files, 0)
    assert ([problem.rule for problem in a.problems], b.refused) == (["file-changing"], False)
    assert time.monotonic() >= due
    part.write_bytes(whole)
    [again] = (file for file in scan(drop, state) if isinstance(file, DropFile) and file.file == b"a-1.0.0.crate")
    assert rules_of(drop, again) == []


def test_a_file_that_is_cut_short_and_stays_so_is_refused_by_the_pass_that_meets_it(world: World) -> None:
    (world.drop / "foo-1.0.0.crate").write_bytes(crate("foo").build()[:100])
    assert rules(only(world.build(options=SOON), "refused")) == ["gzip-damaged"]
    assert status(world.build()) == {" ": "remembered"}


@pytest.mark.parametrize(
    "part",
    [
        lambda whole: whole[:200] + bytes(len(whole) - 200),
        lambda whole: bytes(200) + whole[200:],
        lambda whole: bytes(len(whole)),
        lambda whole: whole[:0],
        lambda whole: whole + b"the end of a longer file that it is copied over",
        lambda whole: whole + whole[:300],
    ],
    ids=["preallocated", "end first", "only preallocated", "empty", "over a longer file", "over a longer crate"],
)
def test_no_part_of_a_copy_is_judged_before_it_has_settled(
    drop: Path, state: State, part: Callable[[bytes], bytes]
) -> None:
    whole = crate("foo").compressed().build()
    path = put(drop / "foo-1.0.0.crate", part(whole))
    assert rules_of(drop, found_in(drop, state, settle=60)) == ["file-changing"]
    assert rules_of(drop, found_in(drop, state, settle=0)) not in ([], ["file-changing"])
    path.write_bytes(whole)
    assert rules_of(drop, found_in(drop, state, settle=60)) == []


def found_in(drop: Path, state: State, *, settle: float) -> DropFile:
    """Give the one file that a scan finds, which has settled after so many seconds."""
    [found] = scan(drop, state, due=settled_by_stamps(settle))
    assert isinstance(found, DropFile)
    return found


def test_a_whole_archive_is_judged_at_once_and_only_once(world: World) -> None:
    world.put(crate("good"), crate("std"))
    began = time.monotonic()
    assert status(world.build(options={"watch.settle": "1h"})) == {"good 1.0.0": "published", "std 1.0.0": "refused"}
    assert time.monotonic() - began < 60
    assert status(world.build()) == {"std 1.0.0": "remembered"}


def test_a_file_that_claims_to_come_from_the_future_settles_all_the_same(world: World) -> None:
    path = world.drop / "foo-1.0.0.crate"
    path.write_bytes(b"not a crate")
    os.utime(path, (2**33, 2**33))
    assert rules(only(world.build(options=SOON), "refused")) == ["file-not-gzip"]
    assert status(world.build()) == {" ": "remembered"}


def test_cut_files_from_the_future_are_refused_by_one_pass_and_read_by_no_other(world: World) -> None:
    for number in range(40):
        path = world.drop / f"c{number}-1.0.0.crate"
        path.write_bytes(crate(f"c{number}").build()[:-100])
        os.utime(path, (3_976_214_400, 3_976_214_400))  # 2096
    assert len(world.build(options=SOON).of("refused")) == 40
    again = world.build()
    assert [outcome.status for outcome in again.outcomes] == ["remembered"] * 40


def test_what_was_read_of_a_refused_file_is_told_though_no_line_can_be_made(world: World) -> None:
    dropped = crate("app").dependency("other", "1", registry_index="acme")
    world.put(dropped)
    outcome = only(world.build())
    assert (outcome.status, outcome.name, outcome.vers) == ("refused", "app", "1.0.0")
    assert outcome.cksum == dropped.cksum()


def replaced_by_a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def replaced_by_a_link(file: Path) -> None:
    file.rename(file.with_suffix(".moved"))
    file.symlink_to(file.with_suffix(".moved"))


def written_on(file: Path) -> None:
    file.write_bytes(b"other")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (replaced_by_a_pipe, "file-irregular"),
        (replaced_by_a_link, "file-unreadable"),
        (written_on, "file-changing"),
        (Path.unlink, "file-changing"),
    ],
)
def test_only_what_was_found_is_read(drop: Path, state: State, change: Callable[[Path], None], rule: str) -> None:
    file = put(drop / "a.crate")
    [found] = scan(drop, state)
    assert isinstance(found, DropFile)
    assert rules_of(drop, found) == ["file-not-gzip"]
    change(file)
    assert rules_of(drop, found) == [rule]


def test_what_has_not_settled_when_a_pass_has_waited_is_for_the_next_one(drop: Path, tmp_path: Path) -> None:
    file = put(drop / "a.crate", b"\x1f\x8bcut short")
    seen = _fingerprint(b"a.crate", file.stat())
    late = DropFile(source="a.crate", target=b"a.crate", file=b"a.crate", seen=seen, due=time.monotonic() + 60)
    (tmp_path / "stage").mkdir()
    began = time.monotonic()
    reader = Reader(policy=Policy(), stage=str(tmp_path / "stage"), pubtime=None, drop=drop, waits_until=began + 1)
    assert len(reader.read_all([late], 0)) == 1
    assert [problem.rule for problem in reader.read(late, "0").problems] == ["file-changing"]
    assert time.monotonic() - began < 30


def given(path: Path) -> DropFile:
    """Give a file that is named by its path."""
    return DropFile(source=str(path), target=os.fsencode(path))


@pytest.mark.parametrize("put_there", [None, "a link"])
def test_what_lies_in_a_folder_that_was_exchanged_since_is_not_read(
    drop: Path, state: State, put_there: str | None
) -> None:
    file = put(drop / "team/a.crate")
    [found] = scan(drop, state)
    assert isinstance(found, DropFile)
    shutil.move(file.parent, drop.parent / "elsewhere")
    if put_there:
        (drop / "team").symlink_to(drop.parent / "elsewhere")
    assert rules_of(drop, found) == ["file-changing"]


def test_a_mistake_of_this_program_is_told_of_the_file_that_it_met_and_stops_no_other(tmp_path: Path) -> None:
    foo = given(crate("foo").write(tmp_path))
    [candidate] = Reader(policy=cast("Policy", None), stage=str(tmp_path), pubtime=None).candidates([foo], 0)
    [problem] = candidate.problems
    assert (problem.rule, candidate.refused) == ("reader-failed", True)
    assert problem.message == "Reading the file ran into an error of this program (AttributeError)."


@pytest.mark.parametrize("size", [1000, WHOLE + 1])
def test_a_disk_that_takes_nothing_is_no_fault_of_the_crate(tmp_path: Path, size: int) -> None:
    path = crate("foo").write(tmp_path)
    if size > WHOLE:
        os.truncate(path, size)
    reader = Reader(policy=Policy(), stage=str(tmp_path / "nowhere"), pubtime=None)
    with pytest.raises(StoreError, match=r"nowhere/0: cannot write: No such file or directory"):
        reader.read(given(path), "0")


def test_a_file_that_comes_in_parts_is_read_whole() -> None:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with here, there:
        for part in (b"one ", b"two ", b"and more"):
            there.send(part)
        assert _whole(here.fileno(), 12) == b"one two and m"


def test_a_file_larger_than_its_limit_is_staged_no_further_and_refused(tmp_path: Path) -> None:
    path = crate("foo").write(tmp_path)
    os.truncate(path, WHOLE + 1)
    (tmp_path / "stage").mkdir()
    policy = Policy(limits=Limits(packed_bytes=WHOLE))
    candidate = Reader(policy=policy, stage=str(tmp_path / "stage"), pubtime=None).read(given(path), "0")
    assert [problem.rule for problem in candidate.problems] == ["packed-too-large"]
    assert list((tmp_path / "stage").iterdir()) == []
