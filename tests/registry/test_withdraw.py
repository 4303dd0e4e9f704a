"""Yank, unyank and remove: what becomes of a crate's index file and its tombstones."""

from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import NotHeld
from cargo_static_index.registry.withdraw import Spec, delete_archives, set_yanked, was_removed, withdraw
from cargo_static_index.store import Put
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.layout import archive_file, index_file
from cargo_static_index.tree.read import read_index
from tests.crates import crate
from tests.registry.outcomes import removed
from tests.stores import Interrupted
from tests.world import World


@pytest.mark.case(81)
def test_yanking_changes_nothing_but_yanked_and_undoing_it_brings_every_byte_back(world: World) -> None:
    world.put(crate("foo", "1.0.0"), crate("foo", "1.1.0"), crate("bar"))
    world.build()
    before = world.files()
    assert world.yank("foo@1.0.0") == (Spec("foo", "1.0.0"),)
    yanked = world.files()
    changed = {path for path in before if before[path] != yanked[path]}
    assert {path for path in changed if not path.startswith(("crates/foo/", "browse/", "pages.json"))} == {
        "index/3/f/foo",
        "tree.json",
    }
    old, new = before["index/3/f/foo"], yanked["index/3/f/foo"]
    assert new == old.replace(b'"yanked":false', b'"yanked":true', 1)
    assert world.yank("foo@1.0.0") == ()
    assert world.yank("foo@1.0.0", yanked=False) == (Spec("foo", "1.0.0"),)
    assert world.files() == before
    world.yank("foo@1.0.0")
    assert world.files() == yanked


@pytest.mark.case(82)
@pytest.mark.parametrize(
    ("specs", "message"),
    [
        (["nope@1.0.0"], "there is no crate 'nope' in this registry; `list` shows what is held"),
        (["Foo@1.0.0"], "there is no crate 'Foo' in this registry; did you mean 'foo'?"),
        (["foo@9.0.0"], "there is no release foo 9.0.0 in this registry; the newest held: 1.0.0"),
        (["foo@1.0.0", "foo@9.0.0"], "there is no release foo 9.0.0 in this registry; the newest held: 1.0.0"),
    ],
)
def test_what_is_not_held_is_neither_yanked_nor_removed(world: World, specs: list[str], message: str) -> None:
    world.put(crate("foo"))
    world.build()
    before = world.files()
    for change in (world.yank, world.remove):
        with pytest.raises(NotHeld) as caught:
            change(*specs)
        assert str(caught.value) == message
    assert world.files() == before


@pytest.mark.case(88)
def test_the_index_file_is_empty_once_the_last_release_goes_and_the_tombstone_stays(world: World) -> None:
    foo = crate("foo")
    world.put(foo, crate("bar"))
    world.build()
    assert world.remove("foo") == (Spec("foo", "1.0.0"),)
    assert (world.tree / "index/3/f/foo").read_bytes() == b""
    assert not (world.tree / f"crates/foo/{foo.cksum()}.crate").exists()
    assert not (world.tree / f"crates/foo/{foo.cksum()}.json").exists()
    when = "2026-01-01T00:00:00Z"
    stone = {"vers": "1.0.0", "cksum": foo.cksum(), "pubtime": when, "when": when}
    assert removed(world) == {"schema": 1, "name": "foo", "removed": [stone]}
    assert (world.record()["crates"], world.record()["releases"]) == (1, 1)


# Asked by itself, of trees in memory

FOO = crate("foo")


def yanked(tree: MemoryStore) -> dict[str, bool]:
    return {line.vers: line.yanked for line in read_index(tree, "foo").value.releases}


@pytest.fixture
def held(light: World) -> World:
    """A registry of three releases of foo."""
    light.put(FOO, crate("foo", "1.1.0"), crate("foo", "1.2.0"))
    light.build()
    return light


def test_a_crate_without_a_version_means_all_of_its_releases_each_once(held: World, tree: MemoryStore) -> None:
    with held.transaction() as transaction:
        specs = [Spec("foo", "1.1.0"), Spec("foo"), Spec("foo", "1.1.0")]
        changed = set_yanked(transaction, specs, yanked=True)
    assert changed == (Spec("foo", "1.1.0"), Spec("foo", "1.0.0"), Spec("foo", "1.2.0"))
    assert set(yanked(tree).values()) == {True}


def test_who_was_forestalled_yanks_what_is_there_then(tmp_path: Path, tree: MemoryStore) -> None:
    between = Interrupted(tree, -1)
    world = World(tmp_path, {"registry.pages": False}, between)
    world.put(FOO, crate("foo", "1.1.0"))
    world.build()
    with world.transaction() as transaction:
        other = read_index(tree, "foo").value.with_yanked("1.1.0", yanked=True).format()
        between.happens = lambda: tree.apply([Put(path=index_file("foo"), content=other)])
        between.left = 1  # what is begun is written down first
        assert set_yanked(transaction, [Spec("foo", "1.0.0")], yanked=True) == (Spec("foo", "1.0.0"),)
        assert yanked(tree) == {"1.0.0": True, "1.1.0": True}


def test_what_is_withdrawn_has_no_line_and_its_archive_goes_last(held: World, tree: MemoryStore) -> None:
    archive = archive_file("foo", FOO.cksum())
    with held.transaction() as transaction:
        [withdrawn] = withdraw(transaction, [Spec("foo", "1.0.0")])
        assert (withdrawn.gone, withdrawn.whole, "1.0.0" in yanked(tree)) == ((Spec("foo", "1.0.0"),), False, False)
        assert archive in withdrawn.files
        assert tree.size(archive) is not None
        delete_archives(transaction, [withdrawn])
        assert tree.size(archive) is None
        assert withdraw(transaction, [Spec("foo", "1.0.0")]) == [], "it was removed before"
        [rest] = withdraw(transaction, [Spec("foo")])
        assert (len(rest.gone), rest.whole) == (2, True)
        delete_archives(transaction, [rest])


def test_what_is_kept_is_not_among_what_goes(held: World, tree: MemoryStore) -> None:
    with held.transaction() as transaction:
        [withdrawn] = withdraw(transaction, [Spec("foo", "1.0.0")], keep=60.0)
        assert (withdrawn.gone, withdrawn.files) == ((Spec("foo", "1.0.0"),), ())
        delete_archives(transaction, [withdrawn])
    assert tree.size(archive_file("foo", FOO.cksum())) is not None


def test_a_release_was_removed_where_nothing_that_is_meant_is_held(held: World, tree: MemoryStore) -> None:
    held.remove("foo@1.0.0")
    meant = {str(spec): was_removed(tree, spec) for spec in (Spec("foo"), Spec("foo", "1.0.0"), Spec("foo", "1.1.0"))}
    assert meant == {"foo": False, "foo@1.0.0": True, "foo@1.1.0": False}
    assert not was_removed(tree, Spec("foo", "9.0.0"))
    held.remove("foo")
    assert was_removed(tree, Spec("foo"))


def test_files_that_were_refused_because_of_what_went_are_judged_again(held: World) -> None:
    held.put(crate("Foo", "2.0.0"))
    assert held.build().counts["refused"] == 1
    for path in held.drop.glob("foo-*"):
        path.unlink()
    held.remove("foo")
    report = held.build()
    assert [(each.name, each.status) for each in report.outcomes] == [("Foo", "published")]
