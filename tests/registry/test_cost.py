"""What a crate costs the tree and the state is bounded by its packed size times a constant, whatever its lists hold."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from cargo_static_index.crate.limits import Limits
from tests.crates import CrateBuilder, crate
from tests.world import World

TIMES = 1000
"""The constant: gzip makes a thousandth of what repeats itself."""
MANY = Limits().list_entries

Fill = Callable[[CrateBuilder, Sequence[str]], object]
"""Puts so many names into a list of a crate's manifest."""


def package(key: str) -> Fill:
    return lambda builder, names: builder.package(**{key: list(names)})


def table(text: str) -> Fill:
    """Give what writes a text for each name, `NAME` in it being the name."""
    return lambda builder, names: builder.toml("".join(text.replace("NAME", name) for name in names))


def array(text: str) -> Fill:
    """Give what writes all names as one array, in the place of `NAMES`."""
    return lambda builder, names: builder.toml(text.replace("NAMES", json.dumps(list(names))))


def each(add: Callable[[CrateBuilder, str], object]) -> Fill:
    def fill(builder: CrateBuilder, names: Sequence[str]) -> None:
        for name in names:
            add(builder, name)

    return fill


LISTS: Mapping[str, Fill] = {
    **{key: package(key) for key in ("keywords", "categories", "authors", "include", "exclude")},
    "publish": lambda it, names: it.package(publish=["acme", *names]),
    "authors with addresses": lambda it, names: it.package(authors=[f"{name} <a@b.example>" for name in names]),
    "features": each(lambda it, name: it.feature(name)),
    "values of a feature": lambda it, names: it.feature("a").feature("b", ["a"] * 10 * len(names)),
    "a chain of features": lambda it, names: it.toml(
        "[features]\n" + "".join(f'{a} = ["{b}"]\n' for a, b in zip(names, [*names[1:], names[0]], strict=True))
    ),
    "every feature in each": lambda it, names: it.toml(
        "[features]\n" + "".join(f"{name} = {json.dumps([*names[:9]])}\n" for name in names)
    ),
    "dependencies": each(lambda it, name: it.dependency(name)),
    "optional dependencies": each(lambda it, name: it.dependency(name, optional=True)),
    "dev-dependencies": each(lambda it, name: it.dependency(name, kind="dev")),
    "build-dependencies": each(lambda it, name: it.dependency(name, kind="build")),
    "renamed dependencies": each(lambda it, name: it.dependency(name, package="x")),
    "features of a dependency": lambda it, names: it.dependency("a", features=names),
    "targets": each(lambda it, name: it.dependency("a", target=f'cfg(a = "{name}")')),
    "dependencies of a long target": each(lambda it, name: it.dependency(name, target=f"cfg({'a' * 9_000})")),
    "programs by path": each(lambda it, name: it.file(f"src/bin/{name}.rs")),
    "programs": table('[[bin]]\nname = "NAME"\npath = "src/lib.rs"\n'),
    "examples": table('[[example]]\nname = "NAME"\npath = "src/lib.rs"\n'),
    "tests": table('[[test]]\nname = "NAME"\npath = "src/lib.rs"\n'),
    "benches": table('[[bench]]\nname = "NAME"\npath = "src/lib.rs"\n'),
    "required features": array('[[bin]]\nname = "a"\npath = "src/lib.rs"\nrequired-features = NAMES\n'),
    "types of the library": array("[lib]\ncrate-type = NAMES\n"),
    "badges": table('[badges.NAME]\nrepository = "NAME"\n'),
    "lints": table('[lints.NAME]\nNAME = "warn"\n'),
    "profiles": table("[profile.NAME]\nopt-level = 3\n"),
    "packages of a profile": table('[profile.dev.package."NAME"]\nopt-level = 3\n'),
    "patches": table('[patch.crates-io."NAME"]\nversion = "1"\ngit = "https://e.example/NAME"\n'),
    "members": array("[workspace]\nmembers = NAMES\n"),
    "dependencies of the workspace": table('[workspace.dependencies."NAME"]\nversion = "1"\n'),
    "metadata": table('[package.metadata.NAME]\nNAME = "NAME"\n'),
    "files": each(lambda it, name: it.file(f"docs/{name}")),
    "words": lambda it, names: it.package(description=" ".join(names)),
    "a long link": lambda it, names: it.package(homepage=f"https://e.example/{'/'.join(names)}"),
    "links of the README": lambda it, names: it.readme("".join(f"[{name}](https://{name}.example) " for name in names)),
    "headings of the README": lambda it, names: it.readme("".join(f"# {name}\n\n" for name in names)),
    "headings of the CHANGELOG": lambda it, names: it.file(
        "CHANGELOG.md", "".join(f"## {number}.0.0 {name}\n\n" for number, name in enumerate(names))
    ),
}


def names_of(number: int, length: int) -> list[str]:
    return [f"n{number:04}".ljust(length, "x")[: max(length, 5)] for number in range(number)]


class Costs:
    """A registry with pages, and what each crate more costs its tree and its state."""

    def __init__(self, folder: Path) -> None:
        self._world = World(folder, {"registry.pages": True})
        self._world.put(crate("first"))
        self._world.build()
        self._number = 0

    def times(self, fill: Fill, names: Sequence[str]) -> float:
        """Give by how many times its packed size a crate with such a list made the registry grow."""
        self._number += 1
        builder = crate(f"c{self._number}")
        fill(builder, names)
        path = builder.compressed(9).write(self._world.folder)
        before = self._size()
        self._world.add(path)
        return (self._size() - before) / path.stat().st_size

    def _size(self) -> int:
        places = (self._world.tree, self._world.state)
        return sum(path.stat().st_size for place in places for path in place.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> Costs:
    return Costs(tmp_path_factory.mktemp("costs"))


def test_no_list_of_a_manifest_costs_more_than_the_crate_times_a_constant(costs: Costs) -> None:
    found = {title: costs.times(fill, names_of(MANY, 60)) for title, fill in LISTS.items()}
    assert {title: times for title, times in found.items() if times > TIMES} == {}
    assert max(found.values()) > TIMES / 50


def test_nor_does_one_of_any_number_and_length(costs: Costs) -> None:
    chance = random.Random(1)
    for _ in range(10):
        title, names = chance.choice(sorted(LISTS)), names_of(chance.randint(1, 6000), chance.randint(5, 300))
        assert costs.times(LISTS[title], names) < TIMES, (title, len(names), len(names[0]))


def test_a_sixth_keyword_is_left_out_of_the_lists(tmp_path: Path) -> None:
    world = World(tmp_path, {"registry.pages": True})
    world.put(crate().package(keywords=["a", "a", "b", "c", "d", "e", "f"]))
    world.build()
    document = world.read("crates/foo/index.json")
    assert b'"keywords":["a","b","c","d","e"]' in document
