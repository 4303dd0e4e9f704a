"""Dropped files that are published already: without the state of before their checksum settles them."""

import os
from pathlib import Path

import pytest

from cargo_static_index.crate.candidate import DropFile, HeldRelease
from cargo_static_index.crate.policy import Policy
from cargo_static_index.registry import build as passes
from cargo_static_index.registry.configured import home_of, policy_of
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.held import with_held
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.read import WHOLE, Reader
from cargo_static_index.registry.registry import drop_of, specs_of
from tests.crates import crate
from tests.world import World

NAMED = (crate("foo"), crate("foo-1", "2.0.0-rc.1"), crate("bar", "1.0.0+b.2-3"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, {"registry.pages": False})
    world.put(*NAMED)
    world.build()
    return world


def scanned(world: World) -> list[DropFile]:
    """Give the dropped files, each with the release that it may be."""
    files = [DropFile(source=path.name, file=path.name.encode()) for path in sorted(world.drop.iterdir())]
    with world.opened() as registry:
        return with_held(registry.transaction, files)


def test_a_file_called_as_cargo_calls_it_may_be_the_release_that_is_published(world: World) -> None:
    (world.drop / "other-1.0.0.crate").write_bytes(NAMED[0].build())
    held = [file.held for file in scanned(world)]
    assert held == [
        HeldRelease(name="bar", vers="1.0.0+b.2-3", cksum=NAMED[2].cksum()),
        HeldRelease(name="foo-1", vers="2.0.0-rc.1", cksum=NAMED[1].cksum()),
        HeldRelease(name="foo", vers="1.0.0", cksum=NAMED[0].cksum()),
        None,
    ]


def test_a_release_whose_archive_the_tree_lost_is_read_whole_and_put_back(world: World) -> None:
    archive = world.tree / f"crates/foo/{NAMED[0].cksum()}.crate"
    archive.unlink()
    assert [file.held is None for file in scanned(world)] == [False, False, True]
    world.forget()
    world.build()
    assert archive.read_bytes() == NAMED[0].build()


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
@pytest.mark.parametrize("same", [True, False])
def test_the_checksum_alone_is_read_of_what_is_published_and_all_of_anything_else(
    tmp_path: Path, same: bool, large: bool
) -> None:
    foo = crate("foo").file("data.bin", os.urandom(WHOLE + 1)) if large else crate("foo")
    path = foo.write(tmp_path)
    stage = tmp_path / "stage"
    stage.mkdir()
    held = HeldRelease(name="foo", vers="1.0.0", cksum=foo.cksum() if same else "0" * 64)
    reader = Reader(policy=Policy(), stage=str(stage), pubtime=None)
    found = reader.read(DropFile(source=path.name, target=os.fsencode(path), held=held), "1")
    assert (found.name, found.vers, found.cksum, found.refused) == ("foo", "1.0.0", foo.cksum(), False)
    assert (found.staged, sorted(each.name for each in stage.iterdir())) == (
        ("", []) if same else ("1", ["1", "1.json"])
    )


def test_without_its_state_a_pass_says_the_same_of_each_file_and_changes_nothing(world: World) -> None:
    world.put(crate("foo"), folder="copy")
    (world.drop / "other-1.0.0.crate").write_bytes(NAMED[0].build())
    before = world.files()
    said = {(each.source, each.status, each.name, each.vers, each.cksum) for each in world.build().outcomes}
    world.forget()
    again = {(each.source, each.status, each.name, each.vers, each.cksum) for each in world.build().outcomes}
    assert said < again
    assert {status for _, status, *_ in again} == {"unchanged"}
    assert len(again) == 5
    assert world.files() == before


def test_what_is_removed_between_reading_and_publishing_waits_for_the_next_pass(world: World) -> None:
    (world.drop / "foo-1.0.0.crate").touch()
    report = Report()
    settings = world.settings()
    with world.opened(report) as registry:
        transaction, options, policy = (
            registry.transaction,
            Options(now=world.now),
            policy_of(settings, home_of(settings)),
        )
        passes.read_drop(transaction, drop_of(settings), policy, options)
        registry.remove(specs_of(["foo@1.0.0"]))
        for _ in passes.publish_read(transaction, drop_of(settings), policy, options):
            pass
    assert [(each.name, each.status) for each in report.outcomes] == [("foo", "waiting")]
    [outcome] = world.build().outcomes
    assert [each.rule for each in outcome.problems] == ["removed-release"]
