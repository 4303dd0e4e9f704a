"""One tree brought in step with another, whatever each of them lies in."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import open_registry
from cargo_static_index.registry.sync import Synced
from cargo_static_index.store import Change, Delete, Put
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.layout import RECORD, archive_file, index_file
from cargo_static_index.tree.read import read_index
from tests.crates import CrateBuilder, crate
from tests.registry.test_shared import kept, sound
from tests.stores import Interrupted
from tests.world import T0, World


class Place(World):
    """A registry with its tree in memory."""

    def __init__(self, folder: Path, *, shared: bool = True, pages: bool = False) -> None:
        self.memory = MemoryStore(shared=shared)
        super().__init__(folder, {"registry.pages": pages}, self.memory)

    def publish(self, *crates: CrateBuilder) -> None:
        report = self.add(*(each.write(self.folder) for each in crates))
        assert {outcome.status for outcome in report.outcomes} == {"published"}

    def sync(self, source: "Place", *, delete: bool = False, dry: bool = False) -> Synced:
        way = Options(now=self.now, dry=dry, clock=lambda: self.now)
        with open_registry(self.settings(), Report(), way, store=self.memory) as registry:
            return registry.sync(source.memory, delete=delete)

    @property
    def held(self) -> Mapping[str, bytes]:
        return kept({path: content for path, content in self.memory.files.items() if content})


@pytest.fixture
def source(tmp_path: Path) -> Place:
    found = Place(tmp_path / "source")
    found.publish(crate("foo"), crate("foo", "1.1.0"), crate("bar"))
    return found


@pytest.fixture
def target(tmp_path: Path) -> Place:
    found = Place(tmp_path / "target")
    found.now = T0 + 3600
    return found


@pytest.mark.parametrize("shared", [True, False], ids=["a bucket", "a folder"])
def test_a_new_target_becomes_the_same_tree_and_a_second_time_changes_nothing(tmp_path: Path, shared: bool) -> None:
    source = Place(tmp_path / "source", pages=True)
    source.publish(crate("foo"), crate("bar").package(keywords=["a"]))
    source.yank("foo@1.0.0")
    target = Place(tmp_path / "target", shared=shared, pages=True)
    target.now = T0 + 3600
    assert [str(spec) for spec in target.sync(source).copied] == ["bar@1.0.0", "foo@1.0.0"]
    assert target.held == source.held
    before = dict(target.memory.files)
    assert target.sync(source) == Synced()
    assert dict(target.memory.files) == before


def test_lines_merge_yanks_come_along_and_what_is_only_at_the_target_stays(source: Place, target: Place) -> None:
    target.publish(crate("foo", "0.9.0"), crate("only"))
    target.sync(source)
    source.yank("foo@1.0.0")
    assert [str(spec) for spec in target.sync(source).yanked] == ["foo@1.0.0"]
    lines = target.memory.files["index/3/f/foo"].splitlines()
    assert lines[:2] == source.memory.files["index/3/f/foo"].splitlines()
    assert b'"vers":"0.9.0"' in lines[2]
    assert target.memory.files["index/on/ly/only"]
    sound(target.memory)
    assert target.verified() == []


def test_removals_come_along_and_what_the_target_removed_does_not_come_back(source: Place, target: Place) -> None:
    target.sync(source)
    source.remove("foo@1.0.0")
    target.remove("bar")
    assert [str(spec) for spec in target.sync(source).removed] == ["foo@1.0.0"]
    assert b"1.0.0" in target.memory.files["crates/foo/removed.json"]
    assert target.memory.files["index/3/b/bar"] == b""
    later = Place(target.folder / "later")
    later.sync(source)
    assert later.memory.files["crates/foo/removed.json"] == source.memory.files["crates/foo/removed.json"]
    assert later.verified() == target.verified() == []


def test_owners_come_along(source: Place, target: Place) -> None:
    with source.opened() as registry:
        registry.change_owners("foo", add=["alice"])
    target.sync(source)
    assert b"alice" in target.memory.files["crates/foo/owners.json"]


def test_a_crate_with_other_bytes_of_one_version_is_left_as_it_is_and_named(source: Place, target: Place) -> None:
    target.publish(crate("foo").file("src/other.rs", "x"))
    before = target.memory.files["index/3/f/foo"]
    synced = target.sync(source)
    assert list(synced.stopped) == ["foo"]
    assert all(
        cksum in synced.stopped["foo"]
        for cksum in (crate("foo").cksum(), crate("foo").file("src/other.rs", "x").cksum())
    )
    assert target.memory.files["index/3/f/foo"] == before
    assert [str(spec) for spec in synced.copied] == ["bar@1.0.0"]


def test_a_name_that_cargo_could_not_tell_from_one_of_the_targets_stops_its_crate(source: Place, target: Place) -> None:
    source.publish(crate("a-b"))
    target.publish(crate("a_b"))
    assert list(target.sync(source).stopped) == ["a-b"]


def test_an_archive_that_is_not_whole_at_the_source_stops_its_crate(source: Place, target: Place) -> None:
    source.memory.apply([Put(path=archive_file("foo", crate("foo").cksum()), content=b"damaged")])
    assert target.sync(source).stopped == {"foo": "the archive of foo 1.0.0 is damaged at the source"}
    assert "index/3/f/foo" not in target.memory.files
    sound(target.memory)


def test_with_delete_what_is_only_at_the_target_is_removed(source: Place, target: Place) -> None:
    target.publish(crate("foo", "0.9.0"), crate("only"))
    assert {str(spec) for spec in target.sync(source, delete=True).removed} == {"foo@0.9.0", "only@1.0.0"}
    assert target.memory.files["index/on/ly/only"] == b""
    assert target.memory.files["index/3/f/foo"] == source.memory.files["index/3/f/foo"]
    assert target.verified() == []


def test_a_source_whose_index_is_not_all_there_makes_nothing_empty(source: Place, target: Place) -> None:
    target.sync(source)
    source.memory.apply([Delete(path="index/3/f/foo")])
    with pytest.raises(StoreError, match="the source's index is not what its tree"):
        target.sync(source, delete=True)
    assert target.memory.files["index/3/f/foo"].count(b"\n") == 2


def test_a_dry_run_says_the_same_and_changes_nothing(source: Place, target: Place) -> None:
    target.publish(crate("only"))
    before = dict(target.memory.files)
    planned = target.sync(source, delete=True, dry=True)
    assert dict(target.memory.files) == before
    assert target.sync(source, delete=True) == planned


@pytest.mark.parametrize("damage", [None, b"{"])
def test_a_source_whose_tree_json_is_lost_or_damaged_makes_nothing_empty(
    source: Place, target: Place, damage: bytes | None
) -> None:
    target.publish(crate("own"))
    source.memory.apply([Put(path=RECORD, content=damage) if damage else Delete(path=RECORD)])
    with pytest.raises(StoreError, match=r"the source's index is not what its tree\.json says"):
        target.sync(source, delete=True)
    assert "index/3/o/own" in target.held


def test_who_was_forestalled_merges_with_what_is_there_then(source: Place, target: Place) -> None:
    target.publish(crate("foo", "2.0.0"))
    later = Place(target.folder / "later")
    later.publish(crate("foo", "2.0.0"), crate("foo", "3.0.0"))
    content = later.memory.files[index_file("foo")]

    class Overtaken(Interrupted):
        """Another writer comes just before foo's index file is written."""

        def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
            changes = tuple(changes)
            if self.left and any(change.path == index_file("foo") for change in changes):
                self.left = 0
                target.memory.apply([Put(path=index_file("foo"), content=content)])
            return target.memory.apply(changes)

    between = Overtaken(target.memory, 1)
    with open_registry(target.settings(), Report(), Options(now=target.now), store=between) as registry:
        registry.sync(source.memory)
    held = read_index(target.memory, "foo").value.versions
    assert held == {"1.0.0", "1.1.0", "2.0.0", "3.0.0"}
