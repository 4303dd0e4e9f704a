"""A dropped file may be swapped, cut or grown while a pass is at it: what lands is one of what it was, or nothing."""

import random
import threading
from pathlib import Path

from tests.crates import crate
from tests.world import World

PASSES = 12


def test_whatever_becomes_of_a_file_meanwhile_what_lands_is_a_whole_crate_that_it_was(tmp_path: Path) -> None:
    contents = [crate("foo").file("src/lib.rs", b"// %d\n" % number * 20_000).build() for number in range(3)]
    path = World(tmp_path).drop / "foo-1.0.0.crate"
    path.write_bytes(contents[0])
    over = threading.Event()
    changing = threading.Thread(target=_change, args=(path, contents, over))
    changing.start()
    try:
        worlds = (World(tmp_path / str(number), {"drop.path": str(path.parent)}) for number in range(PASSES))
        landed = [_landed(world) for world in worlds]
    finally:
        over.set()
        changing.join()
    assert [each for each in landed if each not in (None, *contents)] == []
    path.write_bytes(contents[0])
    assert _landed(World(tmp_path / "undisturbed", {"drop.path": str(path.parent)})) == contents[0]


def _landed(world: World) -> bytes | None:
    """Make a pass into a tree of its own, and give the archive that its line names."""
    world.build(options={"watch.settle": "0s"})
    if not (world.tree / "index/3/f/foo").exists():
        return None
    (line,) = world.lines("3/f/foo")
    return world.read(f"crates/foo/{line['cksum']}.crate")


def _change(path: Path, contents: list[bytes], over: threading.Event) -> None:
    chance = random.Random(1)
    while not over.is_set():
        content = chance.choice(contents)
        match chance.randrange(4):
            case 0:
                path.write_bytes(content[: chance.randrange(len(content))])
            case 1:
                path.write_bytes(content + content[:600])
            case 2:
                path.with_suffix(".part").write_bytes(content)
                path.with_suffix(".part").replace(path)
            case _:
                path.write_bytes(content)
        over.wait(0.001 * chance.randrange(8))
