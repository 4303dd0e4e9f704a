"""One tree, many hands: writers wait for each other for a batch at a time, and nothing is lost between them."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from cargo_static_index.crate.candidate import Outcome
from cargo_static_index.diagnostics.errors import StoreError, TreeBusy
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.publish import CRATES_AT_ONCE
from cargo_static_index.store.local.store import LocalStore
from tests.crates import CrateBuilder, crate
from tests.registry.writers import deeds_of, explained, together, wrongs
from tests.world import BASE, World

HERE = f"sparse+{BASE}index/"
QUICK = {"tree.flush": False}

ADD = """
import sys
from pathlib import Path
from tests.registry.test_writers import QUICK
from tests.world import World
folder, state, *files = map(Path, sys.argv[1:])
world = World(folder, QUICK | {"state.path": str(state)})
for file in files:
    world.add(file)
"""


def writer(world: World, state: Path, files: list[Path]) -> "subprocess.Popen[bytes]":
    arguments = [sys.executable, "-c", ADD, world.folder, state, *files]
    return subprocess.Popen([*map(str, arguments)], cwd=Path(__file__).parents[2], env=dict(os.environ))


def some_crates(number: int) -> list[CrateBuilder]:
    return [crate(f"c{number}-{each}", f"1.{minor}.0") for each in range(3) for minor in range(2)] + [
        crate("shared", f"{number}.0.0").dependency(f"c{number}-0", registry_index=HERE).package(keywords=["common"])
    ]


@pytest.mark.parametrize("own_states", [False, True], ids=["with one state", "with states of their own"])
def test_writers_at_the_same_time_lose_no_line_and_no_page(tmp_path: Path, own_states: bool) -> None:
    world = World(tmp_path / "many", QUICK)
    quiet = World(tmp_path / "one", QUICK)
    crates = [some_crates(number) for number in range(4)]
    quiet.add(*(each.write(tmp_path) for some in crates for each in some))
    files = [[each.write(tmp_path) for each in some] for some in crates]
    states = [world.folder / f"state-{number}" if own_states else world.state for number in range(4)]
    processes = [writer(world, state, some) for state, some in zip(states, files, strict=True)]
    assert [process.wait() for process in processes] == [0] * 4
    assert world.files() == quiet.files()
    assert [each.name for each in world.tree.iterdir() if each.name.startswith(".")] == []


@pytest.mark.parametrize("own_states", [False, True], ids=["with one state", "with states of their own"])
@pytest.mark.parametrize(("mixed", "kills"), [(True, 0), (False, 6)], ids=["yanks and removals between", "with kills"])
def test_what_writers_did_at_the_same_time_is_what_some_order_of_it_gives(
    tmp_path: Path, own_states: bool, mixed: bool, kills: int
) -> None:
    """A short sample of the long run: a reader sees no line that does not parse or lacks its archive meanwhile."""
    deeds = deeds_of(24, 6, mixed=mixed, seed=2)
    world, counted = together(tmp_path / "many", deeds, 4, own_states=own_states, kills=kills)
    assert counted["index files read meanwhile"] > 0
    assert list(wrongs(world, deeds)) == []


def test_an_outcome_that_no_order_explains_is_found() -> None:
    assert explained({"add": "done", "yank": "refused", "remove": "done"}, "removed")
    assert not explained({"add": "done", "yank": "done"}, "held")
    assert not explained({"add": "done", "remove": "refused"}, "absent")


class Interrupted(Report):
    """Has something done the first time that a file was published."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self._then: Callable[[], None] | None = then

    def file(self, outcome: Outcome) -> None:
        super().file(outcome)
        if self._then:
            then, self._then = self._then, None
            then()


def many(world: World, number: int) -> None:
    world.put(*(crate(f"many-{each:04}") for each in range(number)))


def add(world: World, file: Path, then: Callable[[], None]) -> None:
    """Publish a file, and do something as soon as it is, while others are kept out."""
    report = Interrupted(then)
    with world.opened(report) as registry:
        registry.add([file])
    assert [each.status for each in report.outcomes] == ["published"]


def beside_a_pass(world: World, other: World, file: Path) -> tuple[Report, int]:
    """Publish a file beside a pass, and give the pass's report, and how far it had come then."""
    at: list[int] = []
    thread = threading.Thread(target=lambda: add(other, file, lambda: at.append(len(report.outcomes))))

    def start() -> None:
        thread.start()
        assert lock is not None
        while not lock.is_wanted:
            pass

    report = Interrupted(start)
    with world.opened(report) as registry:
        lock = registry.transaction.store.lock
        registry.build()
        registry.transaction.leave()
        thread.join(60)
        assert not (world.tree / "crates/many-0000/index.html").exists(), "the pass has not come to its pages yet"
        assert (world.tree / "crates/other/index.html").exists() is world.settings().registry.pages
    return report, at[0]


def test_a_writer_waits_for_one_batch_of_another_and_not_for_its_pass(tmp_path: Path) -> None:
    world = World(tmp_path, QUICK | {"registry.pages": False})
    many(world, 3 * CRATES_AT_ONCE)
    report, published = beside_a_pass(world, world, crate("other").write(tmp_path))
    assert published == CRATES_AT_ONCE
    assert len(report.of("published")) == 3 * CRATES_AT_ONCE
    assert world.record()["crates"] == 3 * CRATES_AT_ONCE + 1


@pytest.mark.parametrize("own_state", [False, True], ids=["with the same state", "with a state of its own"])
def test_a_writer_beside_a_pass_makes_its_own_pages_and_the_pass_makes_the_others(
    tmp_path: Path, own_state: bool
) -> None:
    world = World(tmp_path / "both", QUICK)
    world.build()
    many(world, CRATES_AT_ONCE + 40)
    file = crate("other").dependency("many-0007", registry_index=HERE).write(tmp_path)
    options = world.options | ({"state.path": str(tmp_path / "own")} if own_state else {})
    beside_a_pass(world, World(world.folder, options), file)
    quiet = World(tmp_path / "quiet", QUICK)
    quiet.build()
    many(quiet, CRATES_AT_ONCE + 40)
    quiet.build()
    quiet.add(file)
    assert world.files() == quiet.files()
    assert world.verified() == []
    assert World(world.folder, options).build().paths == []
    assert world.build().paths == []


def test_what_a_writer_that_died_left_for_the_pages_is_made_by_the_next(tmp_path: Path) -> None:
    world = World(tmp_path, QUICK)
    world.put(crate("foo"))
    world.build()
    with suppress(ZeroDivisionError), world.opened() as registry:
        registry.add([crate("bar").write(tmp_path)])
        raise ZeroDivisionError
    assert not (world.tree / "crates/bar/index.html").exists()
    world.build()
    assert (world.tree / "crates/bar/index.html").exists()
    assert world.verified() == []


def test_a_writer_that_may_not_wait_is_told_who_is_at_work(tmp_path: Path) -> None:
    world = World(tmp_path, QUICK | {"tree.lock-timeout": 0})
    held = LocalStore(world.tree)
    with held.session():
        assert world.build().outcomes == [], "a session that changes nothing keeps nobody out"
        held.lock.take(print)
        with pytest.raises(TreeBusy, match="another process is changing this tree"):
            world.build()


def test_a_registry_that_is_moved_while_files_are_read_is_not_written_to(tmp_path: Path) -> None:
    world = World(tmp_path, QUICK)
    world.put(crate("foo"))
    world.build()
    file = crate("bar").write(tmp_path)

    def add_to_what_moves() -> None:
        with world.opened(options={"registry.base-url": None}) as registry:
            World(tmp_path, QUICK | {"registry.base-url": "https://new.example.com/"}).build(move=True)
            registry.add([file])

    with pytest.raises(StoreError, match="the registry was moved"):
        add_to_what_moves()
    assert not (world.tree / "index/3/b/bar").exists()
