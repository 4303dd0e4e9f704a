"""Lines derived anew from what is stored say what they would say if they were made today, and lose nothing."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import NotHeld, SettingsError
from cargo_static_index.protocol.index_entry import parse_entry
from cargo_static_index.protocol.index_file import derive_line, parse_line
from cargo_static_index.protocol.registries import CRATES_IO
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import Registry, open_registry, verify_registry
from cargo_static_index.registry.reindex import LineChange, LineLeft, Reindexed
from cargo_static_index.store import Put
from cargo_static_index.store.memory import MemoryStore
from tests.crates import crate
from tests.world import DAY, World

OLD = "https://old.example/"


def index_of(base: str) -> str:
    return f"sparse+{base}index/"


FOO = crate("foo", "1.0.0").dependency("bar", registry_index=index_of(OLD)).dependency("serde")
BAR = crate("bar", "0.2.0")
INDEX = "index/3/f/foo"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A tree with a crate that names the registry by a URL which is not an alias of it yet."""
    world = World(tmp_path)
    world.put(FOO, BAR)
    world.build()
    world.now += DAY
    return world


@contextmanager
def opened(world: World, *, change_mode: bool = True, dry: bool = False) -> Iterator[Registry]:
    way = Options(now=world.now, change_mode=change_mode, dry=dry)
    with open_registry(world.settings(), Report(), way, store=world.store) as registry:
        yield registry


def reindex(world: World, *names: str) -> list[Reindexed]:
    with opened(world) as registry:
        return list(registry.reindex(names))


def planned(world: World, *names: str) -> list[Reindexed]:
    with opened(world) as registry:
        return list(registry.plan_reindex(names))


def registries(world: World, path: str = "3/f/foo") -> dict[str, object]:
    """Give where the first line's dependencies come from."""
    deps = world.lines(path)[0]["deps"]
    assert isinstance(deps, list)
    return {each["name"]: each.get("registry") for each in deps}


def findings(world: World) -> list[str]:
    return [each.id for each in verify_registry(world.settings(), Report(), Options(now=world.now), store=world.store)]


def test_where_nothing_changed_no_line_does(world: World) -> None:
    before = world.files()
    assert planned(world) == []
    assert reindex(world) == []
    assert world.files() == before


def test_an_alias_that_comes_late_reaches_lines_that_were_made_before(world: World) -> None:
    assert registries(world) == {"bar": index_of(OLD), "serde": CRATES_IO}
    world.options["registry.aliases"] = [OLD]
    old = world.index("3/f/foo").lines[0].raw
    (change,) = planned(world)
    assert isinstance(change, LineChange)
    assert (change.path, change.name, change.vers, change.old) == (INDEX, "foo", "1.0.0", old)
    assert registries(world) == {"bar": index_of(OLD), "serde": CRATES_IO}
    assert reindex(world) == [change]
    assert world.index("3/f/foo").lines[0].raw == change.new
    assert registries(world) == {"bar": None, "serde": CRATES_IO}
    assert planned(world) == []
    assert findings(world) == []


def test_a_derived_line_is_what_a_new_registry_would_have_written(world: World) -> None:
    world.options["registry.aliases"] = [OLD]
    reindex(world)
    fresh = World(world.folder / "fresh", world.options)
    fresh.put(FOO, BAR)
    fresh.build()
    assert fresh.read(INDEX) == world.read(INDEX)
    assert fresh.record() == world.record()


def test_pubtime_yanked_and_foreign_keys_stay(world: World) -> None:
    world.yank("foo@1.0.0")
    path = world.tree / INDEX
    path.write_bytes(path.read_bytes().replace(b"}\n", b',"x-sig": [ 1,{"a":"}"} ],"x-\\u00e9":null}\n'))
    with world.opened() as registry:
        registry.rebuild()
    world.options["registry.aliases"] = [OLD]
    reindex(world)
    (line,) = world.lines("3/f/foo")
    assert (line["yanked"], line["pubtime"]) == (True, "2026-01-01T00:00:00Z")
    assert path.read_bytes().endswith(',"x-sig":[ 1,{"a":"}"} ],"x-é":null}\n'.encode())
    assert findings(world) == []
    assert planned(world) == []


def test_a_line_without_pubtime_gets_none_and_its_place(world: World) -> None:
    path = world.tree / INDEX
    path.write_bytes(path.read_bytes().replace(b',"pubtime":"2026-01-01T00:00:00Z"', b""))
    with world.opened() as registry:
        registry.rebuild()  # which takes the index as it is
    world.put(crate("foo", "0.9.0"))
    world.build()
    world.options["registry.aliases"] = [OLD]
    reindex(world)
    assert world.versions("3/f/foo") == ["1.0.0", "0.9.0"]
    assert "pubtime" not in world.lines("3/f/foo")[0]


def test_only_the_crates_that_are_named_change(world: World) -> None:
    world.put(crate("zoo").dependency("bar", registry_index=index_of(OLD)))
    world.build()
    world.options["registry.aliases"] = [OLD]
    assert [each.name for each in reindex(world, "zoo", "bar")] == ["zoo"]
    assert registries(world)["bar"] == index_of(OLD)


def test_a_name_that_is_not_held_is_refused_before_anything_changes(world: World) -> None:
    world.options["registry.aliases"] = [OLD]
    before = world.read(INDEX)
    for name, hint in (("nope", "`list` shows what is held"), ("Foo", "did you mean 'foo'?")):
        with pytest.raises(NotHeld) as caught:
            reindex(world, "foo", name)
        assert str(caught.value) == f"there is no crate {name!r} in this registry; {hint}"
    assert world.read(INDEX) == before


def test_the_mode_changes_with_the_lines(world: World) -> None:
    world.options["registry.mode"] = "mirror"
    with pytest.raises(SettingsError, match="derive the lines anew with `cargo-static-index reindex`"):
        world.build()
    assert [each.name for each in reindex(world)] == ["foo"]
    assert registries(world) == {"bar": index_of(OLD), "serde": None}
    assert world.record()["mode"] == "mirror"
    assert world.build().counts["refused"] == 0
    assert findings(world) == []
    world.options["registry.mode"] = "registry"
    reindex(world)
    assert registries(world) == {"bar": index_of(OLD), "serde": CRATES_IO}


def test_a_mode_cannot_change_for_some_crates_only(world: World) -> None:
    world.options["registry.mode"] = "mirror"
    before = world.files()
    with pytest.raises(SettingsError) as caught:
        reindex(world, "foo")
    assert str(caught.value) == (
        "the tree's lines were made in mode 'registry'; deriving only some of them in mode 'mirror' "
        "would mix both; run `reindex` without names"
    )
    assert world.files() == before


def test_a_change_of_mode_that_broke_off_is_finished_by_doing_it_again(world: World) -> None:
    world.put(crate("zoo").dependency("serde"))
    world.build()
    world.options["registry.mode"] = "mirror"
    with opened(world) as registry:
        next(registry.reindex())
    assert world.record()["mode"] == "registry"
    reindex(world)
    assert (registries(world)["serde"], registries(world, "3/z/zoo")["serde"]) == (None, None)
    assert findings(world) == []


def test_lines_without_sound_facts_are_left_and_named(world: World) -> None:
    world.options["registry.aliases"] = [OLD]
    metadata = world.tree / f"crates/foo/{FOO.cksum()}.json"
    before = world.read(INDEX)
    for content, reason in (
        (None, "It has no metadata; `verify --fix` makes it from the archive."),
        (b"{}", "Its metadata cannot be read; `verify --fix` makes it anew."),
        (
            world.read(f"crates/bar/{BAR.cksum()}.json"),
            "Its metadata is that of another archive; `verify --fix` makes it anew.",
        ),
    ):
        metadata.unlink(missing_ok=True)
        if content is not None:
            metadata.write_bytes(content)
        assert reindex(world) == [LineLeft(path=INDEX, name="foo", vers="1.0.0", reason=reason)]
        assert world.read(INDEX) == before


def test_lines_that_cargo_cannot_read_are_left_byte_for_byte(world: World) -> None:
    path = world.tree / INDEX
    odd = b'{"name":"foo","vers":"0.1.0" ,"deps":{}}'
    path.write_bytes(odd + b"\n" + path.read_bytes())
    world.options["registry.aliases"] = [OLD]
    left, change = reindex(world)
    assert left == LineLeft(path=INDEX, name="foo", vers="0.1.0", reason="Cargo cannot read the line.")
    assert isinstance(change, LineChange)
    assert path.read_bytes().splitlines()[0] == odd


def test_trying_it_out_changes_nothing(world: World) -> None:
    world.options["registry.mode"] = "mirror"
    before = world.files()
    with opened(world, dry=True) as registry:
        assert len(list(registry.reindex())) == 1
    assert world.files() == before


def test_rebuilding_the_catalogue_changes_no_byte_of_the_tree(world: World) -> None:
    world.yank("foo@1.0.0")
    world.remove("bar")
    before = world.files()
    with world.opened() as registry:
        state = registry.transaction.state
        known = state.published.releases("foo")
        state.published.clear()
        registry.rebuild()
        assert state.published.releases("foo") == known
        assert state.published.counts() == (1, 1)
    assert world.files() == before


def test_keys_of_a_line_that_are_not_ours_are_put_behind_it_as_they_were() -> None:
    entry = parse_entry(json.dumps({"name": "a", "vers": "1.0.0", "deps": [], "cksum": "0"}).encode())
    old = b'{"x" : 1.50, "name":"a","vers":"1.0.0","deps":[],"cksum":"0","yanked":true,"y":{"yanked":false}}'
    derived = derive_line(entry, parse_line(old))
    assert derived == (
        b'{"name":"a","vers":"1.0.0","deps":[],"cksum":"0","features":{},"yanked":true,"x":1.50,"y":{"yanked":false}}'
    )
    assert derive_line(entry, parse_line(derived)) == derived


def test_a_line_that_names_the_archive_of_another_release_is_left_and_named(light: World, tree: MemoryStore) -> None:
    light.put(BAR)
    light.build()
    path = "index/3/b/bar"
    line = tree.files[path].replace(b'"vers":"%s"' % BAR.version.encode(), b'"vers":"9.0.0"')
    tree.apply([Put(path=path, content=line)])
    [left] = planned(light)
    reason = f"The archive that it names is that of bar {BAR.version}; `verify` says what helps."
    assert left == LineLeft(path=path, name="bar", vers="9.0.0", reason=reason)
