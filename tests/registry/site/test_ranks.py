"""How many crates depend on each, as a first build tells it, and how often that makes it write."""

import json
from collections import Counter
from pathlib import Path

from cargo_static_index.registry.events import Report
from tests.crates import crate
from tests.registry.site.registries import HERE, OPTIONS
from tests.world import World


class Written(Report):
    """Keeps how often each path was written."""

    def __init__(self) -> None:
        super().__init__()
        self.times = Counter[str]()

    def changed(self, path: str) -> None:
        self.times[path] += 1


def dropped(tmp_path: Path, options: dict[str, object]) -> World:
    world = World(tmp_path, OPTIONS | options)
    world.put(crate("foo"), crate("alone"), crate("old").dependency("foo", "1", registry_index=HERE))
    world.put(crate("old", "2.0.0"))
    world.put(*(crate(f"app{number}").dependency("foo", "1", registry_index=HERE) for number in range(4)))
    return world


def dependents(world: World, name: str) -> object:
    return json.loads(world.read(f"crates/{name}/index.json")).get("dependents")


def test_a_first_build_writes_what_a_crate_is_found_by_once(tmp_path: Path) -> None:
    world, written = dropped(tmp_path, {}), Written()
    with world.opened(written) as registry:
        registry.build()
    assert {name: dependents(world, name) for name in ("foo", "alone", "app0")} == {
        "foo": 4,
        "alone": None,
        "app0": None,
    }
    often = {path: times for path, times in written.times.items() if times > 1 and path.startswith("crates/")}
    assert often == {}


def test_who_has_no_page_after_all_is_not_counted(tmp_path: Path) -> None:
    world = dropped(tmp_path, {"registry.pages": False})
    world.build()
    for name in ("app2", "app3"):  # a line that cargo calls invalid, but that names what it needs
        line = next((world.tree / "index").rglob(name))
        line.write_bytes(line.read_bytes().replace(b'"optional":false', b'"optional":"no"'))
    world.build(options={"registry.pages": True})
    assert dependents(world, "foo") == 2
    world.options["registry.pages"] = True
    assert not [each for each in world.verified() if "crates/foo" in each.place]
