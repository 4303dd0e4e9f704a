"""What happens to dropped files once it is known what became of them."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.registry.events import Doing, Report
from cargo_static_index.store import Change
from cargo_static_index.store.local.store import LocalStore
from tests.crates import crate
from tests.registry.outcomes import only, status
from tests.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A registry without pages, which come after all that is tried here."""
    return World(tmp_path, {"registry.pages": False})


def test_a_refused_file_that_was_taken_away_is_not_mentioned_again(world: World) -> None:
    (path,) = world.put(crate("std"))
    world.build()
    path.unlink()
    assert world.build().outcomes == []


def test_refused_files_are_moved_with_a_document_of_their_problems(world: World) -> None:
    world.options["drop.refused"] = str(world.folder / "refused")
    world.put(crate("std"), folder="team")
    world.put(crate("good"))
    assert only(world.build()).name == "std"
    moved = world.folder / "refused/team/std-1.0.0.crate"
    assert moved.read_bytes() == crate("std").build()
    document = json.loads(moved.with_name("std-1.0.0.crate.json").read_bytes())
    assert document["schema"] == 1
    assert (document["name"], document["vers"], document["cksum"]) == ("std", "1.0.0", crate("std").cksum())
    (problem,) = document["problems"]
    assert problem["rule"] == "reserved-name"
    assert problem["message"]
    assert problem["way_out"]
    assert world.build().of("remembered") == []
    world.put(crate("std"), folder="team")
    world.build()
    assert sorted(each.name for each in moved.parent.iterdir()) == [
        "std-1.0.0.2.crate",
        "std-1.0.0.2.crate.json",
        "std-1.0.0.crate",
        "std-1.0.0.crate.json",
    ]


@pytest.mark.parametrize("then", ["keep", "delete", "published"])
def test_published_files_are_kept_deleted_or_moved(world: World, then: str) -> None:
    world.options["drop.after-publish"] = str(world.folder / then) if then == "published" else then
    (path,) = world.put(crate("foo"), folder="team")
    world.build()
    assert path.exists() is (then == "keep")
    assert (world.folder / "published/team/foo-1.0.0.crate").exists() is (then == "published")
    world.put(crate("foo"), folder="team")
    assert status(world.build()) == {"foo 1.0.0": "unchanged"}
    assert path.exists() is (then == "keep")


class Watching(LocalStore):
    """A local store that calls `after` behind each batch that changes an index file."""

    def __init__(self, root: Path, after: Callable[[], None]) -> None:
        super().__init__(root)
        self._after = after

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        changes = tuple(changes)
        lost = super().apply(changes)
        if any(each.path.startswith("index/3") for each in changes):
            self._after()
        return lost


def replace_file(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def test_a_published_file_is_deleted_only_once_its_line_is_written(world: World) -> None:
    world.options["drop.after-publish"] = "delete"
    (path,) = world.put(crate("foo"))
    seen: list[bool] = []
    world.store = Watching(world.tree, lambda: seen.append(path.exists()))
    world.build()
    assert seen == [True]
    assert not path.exists()


@pytest.mark.parametrize("then", ["delete", "published"])
def test_a_file_that_took_the_place_of_a_published_one_is_left_alone(world: World, then: str) -> None:
    world.options["drop.after-publish"] = str(world.folder / then) if then == "published" else then
    (path,) = world.put(crate("foo"))
    newer = crate("foo", "1.1.0").build()
    world.store = Watching(world.tree, lambda: replace_file(path, newer))
    world.build()
    assert path.read_bytes() == newer
    world.store = None
    assert status(world.build()) == {"foo 1.1.0": "published"}


def test_a_file_that_is_taken_away_during_the_pass_does_no_harm(world: World) -> None:
    world.options["drop.after-publish"] = "delete"
    (path,) = world.put(crate("foo"))
    world.store = Watching(world.tree, lambda: path.unlink(missing_ok=True))
    assert status(world.build()) == {"foo 1.0.0": "published"}


@pytest.mark.parametrize("key", ["drop.after-publish", "drop.refused"])
def test_what_one_pass_could_not_put_away_the_next_one_does(world: World, key: str) -> None:
    away = world.folder / "away"
    away.write_bytes(b"a file where a folder should be")
    world.options[key] = str(away)
    world.put(crate("foo"), crate("std"))
    with pytest.raises(StoreError, match="all else is done, and the next build tries again"):
        world.build()
    assert world.versions("3/f/foo") == ["1.0.0"]
    away.unlink()
    world.build()
    left, gone = ("foo", "std") if key == "drop.refused" else ("std", "foo")
    assert [each.name for each in world.drop.iterdir()] == [f"{left}-1.0.0.crate"]
    assert (away / f"{gone}-1.0.0.crate").exists()


@pytest.mark.parametrize("broken", [b"no archive", crate("foo").build()[:-20]])
def test_a_good_file_that_took_the_place_of_a_refused_one_is_published(world: World, broken: bytes) -> None:
    world.options["drop.refused"] = str(world.folder / "away")
    path = world.drop / "foo-1.0.0.crate"
    path.write_bytes(broken)
    world.options["watch.settle"] = "50ms"
    world.put(crate("bar"))
    world.store = Watching(world.tree, lambda: replace_file(path, crate("foo").build()))
    world.build()
    assert path.exists() or (world.folder / "away/foo-1.0.0.crate").read_bytes() == broken
    world.put(crate("foo"))
    assert status(world.build())["foo 1.0.0"] == "published"


def test_a_refused_file_with_a_very_long_name_is_moved_and_stops_nothing(world: World) -> None:
    world.options["drop.refused"] = str(world.folder / "away")
    world.options["watch.settle"] = "50ms"
    (world.drop / f"{'x' * 247}.crate").write_bytes(b"")
    world.put(crate("foo"))
    assert status(world.build())["foo 1.0.0"] == "published"
    moved = f"{'x' * 50}.crate"
    assert sorted(each.name for each in (world.folder / "away").iterdir()) == [moved, f"{moved}.json"]


@pytest.mark.parametrize("key", ["drop.after-publish", "drop.refused"])
def test_a_file_is_moved_to_another_disk_under_a_name_of_its_own_until_it_is_there(
    world: World, key: str, other_disk: Path
) -> None:
    away = other_disk / "away"
    away.mkdir()
    world.options[key] = str(away)
    (path,) = world.put(crate("std" if key == "drop.refused" else "foo"))
    content = path.read_bytes()
    (away / f".{path.name}.part").write_bytes(b"what a crash left")
    world.build()
    beside = [f"{path.name}.json"] if key == "drop.refused" else []
    assert sorted(each.name for each in away.iterdir()) == [path.name, *beside]
    assert (away / path.name).read_bytes() == content
    assert not path.exists()


def test_a_refused_file_that_cannot_have_its_document_stays(world: World) -> None:
    world.options["drop.refused"] = str(world.folder / "away")
    (path,) = world.put(crate("std"))
    (world.folder / "away" / f".{path.name}.json.part").mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot be moved into"):
        world.build()
    assert path.exists()
    (world.folder / "away" / f".{path.name}.json.part").rmdir()
    world.build()
    assert sorted(each.name for each in (world.folder / "away").iterdir()) == [path.name, f"{path.name}.json"]


def test_a_file_that_cannot_be_put_away_is_an_error_that_names_it(world: World) -> None:
    published = world.folder / "published"
    published.write_bytes(b"a file where a folder should be")
    world.options["drop.after-publish"] = str(published)
    (path,) = world.put(crate("foo"))
    with pytest.raises(StoreError) as caught:
        world.build(options={"registry.pages": True})
    said = f"{path} cannot be moved into {published}: File exists; all else is done, and the next build tries again"
    assert str(caught.value) == said
    assert world.versions("3/f/foo") == ["1.0.0"]
    assert "crates/foo/index.html" in world.files()
    published.unlink()
    assert status(world.build()) == {"foo 1.0.0": "unchanged"}
    assert (published / "foo-1.0.0.crate").exists()


IRREGULAR: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a link": lambda path: path.symlink_to("/etc/passwd"),
}


@pytest.mark.parametrize("what", IRREGULAR)
def test_what_is_no_file_is_moved_as_it_is(world: World, what: str) -> None:
    away = world.folder / "away"
    IRREGULAR[what](world.drop / "odd.crate")
    before = (world.drop / "odd.crate").lstat()
    world.build(options={"drop.refused": str(away)})
    assert sorted(each.name for each in away.iterdir()) == ["odd.crate", "odd.crate.json"]
    assert (away / "odd.crate").lstat().st_ino == before.st_ino
    assert list(world.drop.iterdir()) == []


def test_a_link_is_moved_to_another_disk_and_what_is_no_file_stays(world: World, other_disk: Path) -> None:
    away = other_disk / "away"
    world.options |= {"drop.refused": str(away)}
    (world.drop / "link.crate").symlink_to("/etc/passwd")
    world.build()
    assert (away / "link.crate").readlink() == Path("/etc/passwd")
    if other_disk.stat().st_dev == world.drop.stat().st_dev:
        pytest.skip("there is no other disk")
    (world.drop / "odd.crate").mkdir()
    with pytest.raises(StoreError) as caught:
        world.build()
    assert str(caught.value) == (
        f"{world.drop}/odd.crate cannot be moved into {away}: it is no file, and the folder lies on another disk; "
        "move it by hand; all else is done, and the next build tries again"
    )
    assert (world.drop / "odd.crate").is_dir()


class Meanwhile(Report):
    """Does something when all files are read and none is moved yet."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__()
        self._happens = happens

    def total(self, doing: Doing, files: int) -> None:
        del files
        if doing == "published":
            self._happens()


@pytest.mark.parametrize("put_there", [None, b"a file"], ids=["gone", "another"])
def test_what_was_no_file_and_is_gone_or_another_meanwhile_is_left_alone(world: World, put_there: bytes | None) -> None:
    world.options |= {"drop.refused": str(world.folder / "away")}
    path = world.drop / "odd.crate"
    os.mkfifo(path)

    def exchange() -> None:
        path.unlink()
        if put_there:
            path.write_bytes(put_there)

    with world.opened(Meanwhile(exchange)) as registry:
        registry.build()
    assert not (world.folder / "away/odd.crate").exists()
    assert (path.read_bytes() if path.exists() else None) == put_there
