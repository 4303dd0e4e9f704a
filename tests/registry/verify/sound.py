"""A sound tree of two crates and three releases, and what happens to its files."""

from collections.abc import Callable
from pathlib import Path

from cargo_static_index.diagnostics.problems import Finding
from tests.crates import crate
from tests.world import BASE, DAY, World

HERE = f"sparse+{BASE}index/"

FOO = crate("foo", "1.0.0").readme("# Foo").dependency("bar", registry_index=HERE).dependency("serde")
NEWER = crate("foo", "1.1.0").feature("x", ["dep:serde"]).dependency("serde", optional=True)
BAR = crate("bar", "0.2.0")


def make_sound(folder: Path) -> World:
    """Make the tree."""
    world = World(folder)
    world.put(FOO, BAR)
    world.build()
    world.now += DAY
    world.put(NEWER)
    world.build()
    return world


def told(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(each.id, each.path, each.message) for each in findings]


def archive(of: str = "foo") -> str:
    return f"crates/{of}/{(FOO if of == 'foo' else BAR).cksum()}.crate"


def metadata(of: str = "foo") -> str:
    return archive(of).removesuffix("crate") + "json"


INDEX = "index/3/f/foo"


def remove(path: str) -> Callable[[World], object]:
    return lambda world: (world.tree / path).unlink()


def write(path: str, content: bytes) -> Callable[[World], object]:
    def do(world: World) -> None:
        (world.tree / path).parent.mkdir(parents=True, exist_ok=True)
        (world.tree / path).write_bytes(content)

    return do


def swap(path: str, old: bytes, new: bytes) -> Callable[[World], object]:
    def do(world: World) -> None:
        content = (world.tree / path).read_bytes()
        assert old in content
        (world.tree / path).write_bytes(content.replace(old, new, 1))

    return do
