"""Writers with states of their own: each learns what others changed from their records, and reads nothing else."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from cargo_static_index.registry.events import Report
from cargo_static_index.registry.follow import FEW, follow, is_known
from cargo_static_index.registry.known import load_published
from cargo_static_index.registry.shared import KEPT_RECORDS, prune
from cargo_static_index.state import Release, State, open_state
from cargo_static_index.store import Delete, Put, Store
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.changes import BEGUN, CHANGES
from cargo_static_index.tree.read import read_record
from tests.crates import crate
from tests.stores import Reading
from tests.world import DAY, T0, World, contents

CRATES = 60


class Counting(Reading):
    """A tree that notes which files are read."""

    def index_reads(self) -> set[str]:
        """Give the index files that were read since this was last asked."""
        found = {path for path in self.reads if path.startswith(("index/cr/", "index/3/"))}
        self.reads.clear()
        return found


def seen(store: MemoryStore) -> Counting:
    """Give the same files as another writer sees them."""
    other = Counting()
    other.shared, other.locks = store.shared, store.locks
    other._files, other._changes, other._folders = store._files, store._changes, store._folders
    return other


def writers(folder: Path, *, shared: bool = False) -> tuple[World, World, Counting]:
    """Give two writers of one tree who know it, each with a state of its own, and the tree as the second sees it."""
    tree = MemoryStore(shared=shared)
    one, two = World(folder / "one", store=tree), World(folder / "two", store=(view := seen(tree)))
    one.put(*(crate(f"crate-{number}") for number in range(CRATES)))
    one.build()
    two.build()
    view.index_reads()
    return one, two, view


Known = Mapping[str, Sequence[Release]]


def known(state: State) -> Known:
    return {name: state.published.releases(name) for name in state.published.names()}


def as_read(store: Store, folder: Path) -> Known:
    """Give what a state knows that read the whole index."""
    with open_state(folder) as state:
        load_published(state, store)
        return known(state)


def add(world: World, name: str, vers: str = "1.0.0", *, restore: bool = False) -> Report:
    return world.add(crate(name, vers).write(world.folder), restore=restore)


def test_what_others_changed_is_learnt_at_the_cost_of_what_they_changed(tmp_path: Path) -> None:
    one, two, view = writers(tmp_path)
    add(one, "crate-1", "1.1.0")
    one.yank("crate-2@1.0.0")
    add(two, "crate-3", "1.1.0")
    assert view.index_reads() == {"index/cr/at/crate-1", "index/cr/at/crate-2", "index/cr/at/crate-3"}
    add(two, "crate-3", "1.2.0")
    assert view.index_reads() == {"index/cr/at/crate-3"}, "its own changes it knows"
    assert not [finding for finding in two.verified() if finding.id != "pages-outdated"]


STEPS: Mapping[str, Callable[[World], object]] = {
    "a new crate": lambda world: add(world, "new"),
    "a new version": lambda world: add(world, "crate-1", "1.1.0"),
    "a yank": lambda world: world.yank("crate-1"),
    "a version removed": lambda world: [add(world, "crate-1", "2.0.0"), world.remove("crate-1@1.0.0")],
    "a crate removed": lambda world: world.remove("crate-1"),
    "a crate removed and back": lambda world: [world.remove("crate-1"), add(world, "crate-1", restore=True)],
    "a name in other letters": lambda world: [world.remove("crate-1"), add(world, "Crate-1", "2.0.0")],
}


@pytest.mark.parametrize("step", STEPS)
def test_a_state_that_followed_knows_what_one_knows_that_read_all(step: str, tmp_path: Path) -> None:
    one, two, view = writers(tmp_path)
    STEPS[step](one)
    with two.opened() as registry:
        registry.take()
        assert len(view.index_reads()) < 5
        assert not registry.transaction.in_doubt
        assert known(registry.transaction.state) == as_read(view, tmp_path / "fresh")


def test_the_pages_of_writers_who_follow_each_other_are_those_of_one_writer(tmp_path: Path) -> None:
    one, two, view = writers(tmp_path)
    alone = World(tmp_path / "alone", store=MemoryStore())
    alone.put(*(crate(f"crate-{number}") for number in range(CRATES)))
    alone.build()
    for number, world in enumerate((one, two, one, two)):
        add(world, "foo", f"1.{number}.0")
        add(alone, "foo", f"1.{number}.0")
    assert isinstance(alone.store, MemoryStore)
    assert contents(view) == contents(alone.store)


def test_a_dropped_file_is_read_again_where_somebody_else_removed_its_release(tmp_path: Path) -> None:
    one, two, _ = writers(tmp_path)
    two.put(crate("foo"))
    assert [each.status for each in two.build().outcomes] == ["published"]
    one.remove("foo")
    assert [(each.status, each.problems[0].rule) for each in two.build().outcomes] == [("refused", "removed-release")]


def test_without_records_the_whole_index_is_read(tmp_path: Path) -> None:
    one, two, view = writers(tmp_path)
    add(one, "crate-1", "1.1.0")
    view.apply(Delete(path=path) for path in list(view.list(CHANGES)))
    add(two, "crate-2", "1.1.0")
    assert len(view.index_reads()) == CRATES
    assert not [finding for finding in two.verified() if finding.id != "pages-outdated"]


def test_a_change_that_is_in_no_record_is_found_by_the_digest(tmp_path: Path) -> None:
    one, two, view = writers(tmp_path)
    record = read_record(view)
    stored = view.read("index/cr/at/crate-9")
    assert stored is not None
    line = stored.content.replace(b'"yanked":false', b'"yanked":true')
    add(one, "crate-1", "1.1.0")
    view.apply([Put(path="index/cr/at/crate-9", content=line)])
    with one.opened() as registry:
        registry.rebuild()
    assert read_record(view).value.digest != record.value.digest
    add(two, "crate-2", "1.1.0")
    with two.opened() as registry:
        assert known(registry.transaction.state) == as_read(view, tmp_path / "fresh")


def test_very_many_changes_are_learnt_by_reading_all(tmp_path: Path) -> None:
    one, two, view = writers(tmp_path)
    one.put(*(crate(f"more-{number}") for number in range(FEW + 1)))
    one.build()
    with open_state(two.state) as state:
        assert follow(state, view, read_record(view).value) is None


@pytest.mark.parametrize("behind", [-300, 300])
def test_two_writers_of_a_bucket_whose_clocks_are_five_minutes_apart_miss_nothing(behind: int, tmp_path: Path) -> None:
    one, two, view = writers(tmp_path, shared=True)
    two.now += behind
    with open_state(tmp_path / "third") as state:
        load_published(state, view)
        view.index_reads()
        for number, world in enumerate((one, two, two, one, one, two)):
            add(world, "foo", f"1.{number}.0")
            view.index_reads()
            record = read_record(view).value
            assert follow(state, view, record) is not None, number
            assert is_known(state, record)
            assert view.index_reads() <= {"index/3/f/foo"}
            for each in (one, two):
                each.now += 60


def test_a_change_of_a_bucket_that_is_not_done_is_followed_too(tmp_path: Path) -> None:
    one, _, view = writers(tmp_path, shared=True)
    with open_state(tmp_path / "third") as state:
        load_published(state, view)
        with one.opened() as registry:
            registry.add([crate("foo").write(tmp_path)])
            assert list(view.list(BEGUN))
            assert follow(state, view, read_record(view).value) is not None


def test_records_of_long_ago_are_deleted_and_of_the_others_the_last_are_kept(tmp_path: Path) -> None:
    one, two, view = writers(tmp_path)
    one.now += 8 * DAY
    one.put(crate("foo"))
    one.build()
    assert len(list(view.list(CHANGES))) == 1
    view.apply(
        Put(path=f"{CHANGES}/20270101T000000.{number:06d}Z-x.json", content=b"") for number in range(KEPT_RECORDS)
    )
    prune(view, lambda: T0)
    assert len(list(view.list(CHANGES))) == KEPT_RECORDS
    add(two, "crate-2", "1.1.0")
    assert not [finding for finding in two.verified() if finding.id != "pages-outdated"]


def test_what_a_writer_began_who_died_is_made_good_by_one_with_another_state(tmp_path: Path) -> None:
    one, two, view = writers(tmp_path)
    stored = view.read("index/cr/at/crate-9")
    assert stored is not None
    with one.opened() as registry:
        registry.take()
        registry.transaction.records.begin([])
        view.apply([Put(path="index/cr/at/crate-9", content=stored.content.replace(b":false", b":true"))])
        begun = {path: view.files[path] for path in view.list(BEGUN)}
    view.apply(Put(path=path, content=content) for path, content in begun.items())
    add(two, "crate-2", "1.1.0")
    assert not list(view.list(BEGUN))
    assert read_record(view).value.releases == CRATES + 1
