"""What a crate costs the tree and the state is bounded by its packed size times a constant, whatever its lists hold."""

from collections.abc import Iterator
from pathlib import Path

from cargo_static_index.crate.limits import Limits
from tests.crates import CrateBuilder, crate
from tests.world import World

TIMES = 1000
"""The constant: gzip makes a thousandth of what repeats itself."""
MANY = Limits().list_entries


def lists(length: int) -> Iterator[CrateBuilder]:
    """Give a crate for each list of a manifest, with as many entries of that length as are taken, or more."""
    names = [f"{number:05}".ljust(length, "x") for number in range(MANY)]
    yield crate("keywords").package(keywords=names)
    yield crate("categories").package(categories=names)
    yield crate("authors").package(authors=[f"{name} <a@b.example>" for name in names])
    yield crate("publish").package(publish=["acme", *names])
    yield _each(crate("features"), lambda it, name: it.feature(f"f{name}"))
    yield crate("values").feature("a").feature("b", ["a"] * 5000)
    yield _each(crate("programs"), lambda it, name: it.file(f"src/bin/{name}.rs"))
    yield _each(crate("needs"), lambda it, name: it.dependency(f"d{name}"[:60]))
    yield crate("asks").dependency("a", features=[f"f{name}" for name in names])
    yield _each(crate("targets"), lambda it, name: it.dependency(f"d{name}"[:60], target=f"cfg({'a' * length})"))
    yield crate("described").package(description="word " * length)


def _each(builder: CrateBuilder, add: object) -> CrateBuilder:
    assert callable(add)
    for number in range(MANY):
        add(builder, f"{number:05}")
    return builder


def size(*folders: Path) -> int:
    return sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())


def test_no_list_of_a_manifest_costs_more_than_the_crate_times_a_constant(tmp_path: Path) -> None:
    world = World(tmp_path, {"registry.pages": True, "tree.flush": False})
    world.put(crate("first"))
    world.build()
    costs = {}
    for builder in lists(60):
        (path,) = world.put(builder.compressed(9))
        before = size(world.tree, world.state)
        world.add(path)
        costs[builder.name] = (size(world.tree, world.state) - before) / path.stat().st_size
    assert {name: times for name, times in costs.items() if times > TIMES} == {}
    assert max(costs.values()) > TIMES / 50


def test_a_sixth_keyword_is_left_out_of_the_lists(tmp_path: Path) -> None:
    world = World(tmp_path, {"registry.pages": True, "tree.flush": False})
    world.put(crate().package(keywords=["a", "a", "b", "c", "d", "e", "f"]))
    world.build()
    document = world.read("crates/foo/index.json")
    assert b'"keywords":["a","b","c","d","e"]' in document
