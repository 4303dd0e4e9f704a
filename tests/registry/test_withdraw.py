"""Yank, unyank and remove: what becomes of a crate's index file and its tombstones."""

import pytest

from cargo_static_index.diagnostics.errors import NotHeld
from cargo_static_index.registry.withdraw import Spec
from tests.crates import crate
from tests.registry.outcomes import removed
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
