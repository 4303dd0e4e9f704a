"""The door: what is opened to change a tree, to think a change through, or to look."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, cast

import pytest
from msgspec.structs import replace

from cargo_static_index.crate.candidate import Outcome
from cargo_static_index.diagnostics.errors import InvalidInput, SettingsError, StoreError
from cargo_static_index.registry.drop import Drop
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import Registry, continuing, drop_of, open_registry, specs_of
from cargo_static_index.registry.withdraw import Spec
from cargo_static_index.store.memory import MemoryStore
from tests.crates import crate
from tests.registry.outcomes import status
from tests.world import BASE, T0, World


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


@pytest.mark.parametrize(
    ("text", "spec"), [("foo", Spec("foo")), ("foo@1.0.0", Spec("foo", "1.0.0")), ("foo@", Spec("foo"))]
)
def test_a_release_is_named_as_cargo_names_it(text: str, spec: Spec) -> None:
    assert specs_of([text]) == (spec,)
    assert str(spec) == text.removesuffix("@")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("foo@1@2", "'foo@1@2' names no release: it has two `@`; write `foo`, or `foo@1.0.0` for a release"),
        ("-foo", "'-foo' names no crate: "),
        ("", "'' names no crate: "),
    ],
)
def test_what_names_no_release_is_refused(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        specs_of([text])
    assert str(caught.value).startswith(said)


def test_one_text_is_no_list_of_releases() -> None:
    with pytest.raises(SettingsError, match=r"'foo' is one text; give several, as in `specs_of\(\['foo'\]\)`"):
        specs_of("foo")


USES: dict[str, Callable[[Registry], object]] = {
    "build": lambda registry: registry.build(),
    "add": lambda registry: registry.add([]),
    "set_yanked": lambda registry: registry.set_yanked([], yanked=True),
    "remove": lambda registry: registry.remove([]),
    "owners": lambda registry: registry.owners("foo"),
    "change_owners": lambda registry: registry.change_owners("foo"),
    "kept_until": lambda registry: registry.kept_until(),
    "dropped_files": lambda registry: registry.dropped_files(Spec("foo")),
    "reindex": lambda registry: registry.reindex(),
    "plan_reindex": lambda registry: registry.plan_reindex(),
    "rebuild": lambda registry: registry.rebuild(),
    "remake_pages": lambda registry: registry.remake_pages(),
    "take": lambda registry: registry.take(),
}


@pytest.mark.parametrize("use", USES)
def test_a_registry_that_is_closed_says_so(light: World, tree: MemoryStore, use: str) -> None:
    with light.opened() as registry:
        pass
    before = dict(tree.files)
    with pytest.raises(StoreError, match="the registry is closed; open it again with `open_registry`"):
        USES[use](registry)
    assert dict(tree.files) == before


def test_there_are_three_ways_to_open_a_registry_and_no_other(light: World) -> None:
    with (
        pytest.raises(InvalidInput) as caught,
        open_registry(light.settings(), Report(), Options(now=T0), access=cast("Literal['dry']", "read")),
    ):
        pass
    assert str(caught.value) == "`access` is 'read', and not one of 'write', 'dry', 'look'"


def test_who_looks_at_a_tree_changes_neither_it_nor_the_state(light: World, tree: MemoryStore) -> None:
    light.put(crate("foo"))
    light.build()
    files, state = dict(tree.files), everything(light.folder)
    with open_registry(light.settings(), Report(), Options(now=T0 + 60), access="look", store=tree) as registry:
        assert registry.set_yanked(specs_of(["foo@1.0.0"]), yanked=True) == (Spec("foo", "1.0.0"),)
        assert registry.remove(specs_of(["foo"])) == (Spec("foo", "1.0.0"),)
    assert (dict(tree.files), everything(light.folder)) == (files, state)


def test_without_pages_there_are_none_to_remake(light: World, tree: MemoryStore) -> None:
    light.build()
    before = dict(tree.files)
    with light.opened() as registry:
        registry.remake_pages()
    assert dict(tree.files) == before


def test_the_drop_directory_is_that_of_the_settings(light: World) -> None:
    away, gone = light.folder / "away", light.folder / "gone"
    settings = light.settings({"drop.refused": away, "drop.after-publish": gone, "watch.settle": "3s"})
    assert drop_of(settings) == Drop(path=light.drop, refused=away, after_publish=gone, settle=3.0)


def test_a_target_goes_on_from_a_source_with_its_mode_and_urls(tmp_path: Path) -> None:
    source, target = MemoryStore(), MemoryStore()
    first = World(tmp_path / "first", {"registry.pages": False, "registry.mode": "mirror"}, source)
    first.build()
    first.build(move=True, options={"registry.base-url": "https://moved.example.com/"})
    second = World(tmp_path / "second", {"registry.base-url": None}, target)
    begun = continuing(source, target, second.settings(), "there").registry
    assert (begun.base_url, begun.mode, begun.aliases) == ("https://moved.example.com/", "mirror", (BASE,))
    own = {"registry.base-url": "https://own.example.com/", "registry.mode": "registry", "registry.aliases": [BASE]}
    kept = continuing(source, target, second.settings(own), "there").registry
    assert (kept.base_url, kept.mode) == ("https://own.example.com/", "registry")
    assert kept.aliases == (BASE, "https://moved.example.com/")


def test_nothing_goes_on_from_where_there_is_no_registry(light: World, tree: MemoryStore) -> None:
    with pytest.raises(SettingsError) as caught:
        continuing(MemoryStore(), tree, light.settings(), "s3://there")
    assert str(caught.value) == "there is no registry in 's3://there', so nothing can be copied from it"
