"""The door: what is opened to change a tree, to think a change through, or to look."""

from pathlib import Path

from msgspec.structs import replace

from cargo_static_index.crate.candidate import Outcome
from cargo_static_index.registry.registry import specs_of
from cargo_static_index.registry.withdraw import Spec
from tests.crates import crate
from tests.registry.outcomes import status
from tests.world import World


def everything(folder: Path) -> dict[str, bytes | None]:
    """Give all files below a folder with their bytes; SQLite's own notes about open databases aside."""
    found = (path for path in folder.rglob("*") if not path.name.endswith(("-wal", "-shm")))
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in found}


def timeless(outcome: Outcome) -> Outcome:
    """Give an outcome without the moment until which its file may have been a part."""
    file = replace(outcome.candidate.file, due=0.0)
    return replace(outcome, candidate=replace(outcome.candidate, file=file))


def test_trying_out_changes_nothing_and_reports_the_same(world: World) -> None:
    world.options |= {"drop.refused": str(world.folder / "refused"), "drop.after-publish": "delete"}
    world.put(crate("foo"), crate("bar"))
    world.build()
    world.put(crate("foo", "1.1.0"), crate("FOO", "2.0.0"), crate("std"), crate("new").dependency("bar"))
    (world.drop / "bad.crate").write_bytes(b"")
    before = everything(world.folder)
    tried = world.build(dry=True)
    assert everything(world.folder) == before
    done = world.build()
    assert list(map(timeless, tried.outcomes)) == list(map(timeless, done.outcomes))
    assert tried.paths == done.paths
    assert tried.counts == {"published": 1, "refused": 4}


def test_trying_out_other_changes_changes_nothing(world: World) -> None:
    (path, _) = world.put(crate("foo"), crate("foo", "1.1.0"))
    world.build()
    before = everything(world.folder)
    with world.opened(dry=True, move=True, options={"registry.base-url": "https://new.example/"}) as registry:
        registry.set_yanked(specs_of(["foo@1.0.0"]), yanked=True)
        registry.remove(specs_of(["foo@1.0.0"]))
        registry.add([path], restore=True)
        assert registry.remove(specs_of(["foo"])) == (Spec("foo", "1.0.0"), Spec("foo", "1.1.0"))
    assert everything(world.folder) == before


def test_trying_out_where_nothing_is_yet_makes_neither_tree_nor_state(world: World) -> None:
    world.put(crate("foo"))
    assert status(world.build(dry=True)) == {"foo 1.0.0": "published"}
    assert sorted(each.name for each in world.folder.iterdir()) == ["drop"]
