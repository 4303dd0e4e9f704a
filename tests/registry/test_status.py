"""How a registry is can be asked at any time, whatever else is at work on it, and at no cost that grows with it."""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import open_registry
from cargo_static_index.registry.status import Status, read_status
from cargo_static_index.state import SiteState, open_state
from cargo_static_index.store import Stored
from cargo_static_index.store.local.store import LocalStore
from tests.crates import crate
from tests.users import BOB, as_root, being, everybody
from tests.world import T0, World

__all__ = ["everybody"]

FOO, BAR, NEW = crate("foo", "1.0.0"), crate("bar", "0.1.0"), crate("new", "1.0.0")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A registry of two crates, with a file that is refused, one that waits, and one that went away."""
    world = World(tmp_path)
    world.put(FOO, BAR, folder="team")
    (world.drop / "empty.crate").write_bytes(b"")
    world.build()
    (world.drop / "team/bar-0.1.0.crate").unlink()
    world.put(NEW)
    return world


def seen(status: Status) -> tuple[int, int, int | None, list[str], list[str]]:
    waiting = [Path(each).name for each in status.waiting]
    return (
        status.crates,
        status.releases,
        status.last_build,
        waiting,
        [each.candidate.file.path for each in status.refused],
    )


AS_IT_IS = (2, 2, T0, ["new-1.0.0.crate"], ["empty.crate"])


class Opened(LocalStore):
    """A store that notes what was read; as long as there are any, it gives older contents of tree.json."""

    def __init__(self, root: Path, older: tuple[bytes, ...] = ()) -> None:
        super().__init__(root)
        self.read_paths: list[str] = []
        self._older = list(older)

    def read(self, path: str) -> Stored | None:
        self.read_paths.append(path)
        if path == "tree.json" and self._older:
            return Stored(content=self._older.pop(0), tag="of before")
        return super().read(path)

    def read_all(self, paths: Sequence[str]) -> Sequence[Stored | None]:
        return [self.read(path) for path in paths]


def test_status_waits_for_no_dry_run(world: World) -> None:
    with world.opened(dry=True) as registry:
        registry.build()
        started = time.monotonic()
        assert seen(read_status(world.settings())) == AS_IT_IS
        assert time.monotonic() - started < 10


def test_status_waits_for_nobody_who_writes_to_the_catalogue_and_sees_what_was_before(world: World) -> None:
    with open_state(world.state) as other, other.writing():
        other.drop_files.forget(b"", [b"empty.crate"])
        other.site = SiteState(last_build=1)
        assert seen(read_status(world.settings())) == AS_IT_IS


def test_nobody_waits_for_a_status(world: World) -> None:
    with open_state(world.state) as looking, looking.reading():
        assert looking.site.last_build == T0
        world.build()
    assert read_status(world.settings()).crates == 3


def test_whenever_a_build_writes_status_can_be_asked(world: World) -> None:
    world.put(*(crate(f"crate-{number}") for number in range(20)))
    asking = Asking(world)
    with open_registry(world.settings(), asking, Options(now=world.now)) as registry:
        registry.build()
    assert {"tree.json", "index.html"} <= set(asking.paths)
    assert {each.crates for each in asking.answers} == {2, 23}


class Asking(Report):
    """Asks for the status at each path that changes."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.answers: list[Status] = []

    def changed(self, path: str) -> None:
        super().changed(path)
        self.answers.append(read_status(self._world.settings()))


def test_where_the_catalogue_knows_the_tree_nothing_is_read_or_written_that_grows_with_it(world: World) -> None:
    state = (world.state / "catalogue.sqlite").read_bytes()
    store = Opened(world.tree)
    assert seen(read_status(world.settings(), store=store)) == AS_IT_IS
    assert store.read_paths == ["index/config.json", "tree.json"]
    assert (world.state / "catalogue.sqlite").read_bytes() == state


def test_a_pass_that_writes_tree_json_just_now_is_no_reason_to_learn_the_tree(world: World) -> None:
    before = world.read("tree.json")
    world.build()
    store = Opened(world.tree, (before,))
    status = read_status(world.settings(), store=store)
    assert (status.crates, status.waiting) == (3, ())
    assert set(store.read_paths) == {"index/config.json", "tree.json"}


def test_a_tree_that_was_changed_elsewhere_is_learned_and_the_catalogue_is_left_as_it_is(world: World) -> None:
    before = {path: world.read(path) for path in ("tree.json", "index/3/f/foo")}
    world.yank("foo@1.0.0")
    for path, content in before.items():
        (world.tree / path).write_bytes(content)
    state = (world.state / "catalogue.sqlite").read_bytes()
    store = Opened(world.tree)
    assert seen(read_status(world.settings(), store=store)) == AS_IT_IS
    assert "index/3/f/foo" in store.read_paths
    assert (world.state / "catalogue.sqlite").read_bytes() == state


def test_a_file_judged_in_the_moment_of_its_change_is_no_news(world: World) -> None:
    (world.drop / "new-1.0.0.crate").unlink()
    settled = read_status(world.settings()).waiting
    with open_state(world.state) as state:
        found = state.drop_files.get(b"team", b"foo-1.0.0.crate")
        assert found is not None
        again = replace(found.candidate.file, again=True)
        state.drop_files.record([replace(found, candidate=replace(found.candidate, file=again))], "", T0)
    assert read_status(world.settings()).waiting == settled == ()


@as_root
def test_a_folder_that_cannot_be_listed_is_refused_and_no_file_that_waits(everybody: Path) -> None:
    world = World(everybody / "registry", {"registry.pages": False})
    world.build()
    settings = world.settings()
    (world.drop / "closed").mkdir(mode=0)
    with being(BOB):
        status = read_status(settings)
    assert (status.waiting, [each.candidate.file.path for each in status.refused]) == ((), ["closed"])
    assert status.refused[0].problems[0].message.startswith("The folder 'closed' cannot be listed")
