"""What a tree has and what the settings ask for: base URL, mode, aliases."""

import pytest

from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.registry.agreement import read_again
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import open_registry
from cargo_static_index.store import Delete, Put
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.documents import TreeRecord, format_document
from cargo_static_index.tree.layout import CONFIG, RECORD, index_file
from tests.crates import crate
from tests.world import BASE, T0, World


def test_an_alias_of_the_settings_is_kept_in_the_tree_so_that_it_can_be_verified_alone(world: World) -> None:
    old = "https://old.example.com/"
    world.options["registry.aliases"] = [old]
    world.put(crate("dep"), crate("app").dependency("dep", registry_index=f"sparse+{old}index/"))
    world.build()
    assert world.record()["aliases"] == [old]
    before = world.files()
    del world.options["registry.aliases"]
    assert world.verified() == []
    world.build()
    assert world.files() == before


def test_settings_that_still_say_the_address_before_a_move_are_told_which_key_to_change(world: World) -> None:
    world.build()
    world.build(move=True, options={"registry.base-url": "https://new.example/"})
    with pytest.raises(SettingsError) as caught:
        world.build()
    assert str(caught.value) == (
        f"the tree was moved to https://new.example/, and the settings still say {BASE}; set `base-url` in "
        '`[registry]` of registry.toml, or the option or variable that gives it, to "https://new.example/" '
        "(--move would move the tree back)"
    )


def test_without_a_base_url_an_empty_tree_takes_the_default_and_says_so(world: World) -> None:
    report = world.build(options={"registry.base-url": None})
    assert report.notes == ["No base URL is given, so the tree is made for http://127.0.0.1:8000/."]
    assert b"http://127.0.0.1:8000/crates/" in world.read("index/config.json")


def test_without_a_base_url_a_tree_keeps_its_own(world: World) -> None:
    world.build()
    report = world.build(options={"registry.base-url": None})
    assert report.notes == []
    assert BASE.encode() in world.read("index/config.json")


def test_another_base_url_is_refused_naming_both(world: World) -> None:
    world.put(crate("foo"))
    world.build()
    before = world.files()
    with pytest.raises(SettingsError) as caught:
        world.build(options={"registry.base-url": "https://new.example/"})
    assert str(caught.value) == (
        f"the tree is served at {BASE}, and the settings say https://new.example/; "
        "keep the tree's own, or move the registry with --move"
    )
    assert world.files() == before


def test_a_moved_registry_still_knows_dependencies_by_its_earlier_urls(world: World) -> None:
    world.put(crate("foo"))
    world.build()
    for url in ("https://second.example/r/", "https://third.example/"):
        world.options["registry.base-url"] = url
        world.build(move=True)
    assert world.record()["aliases"] == [BASE, "https://second.example/r/"]
    for name, base in (("a1", BASE), ("a2", "https://second.example/r/"), ("a3", "https://third.example/")):
        world.put(crate(name).dependency("foo", registry_index=f"sparse+{base}index/"))
    assert world.build().counts["refused"] == 0
    for name in ("a1", "a2", "a3"):
        (line,) = world.lines(f"2/{name}")
        assert isinstance(line["deps"], list)
        assert "registry" not in line["deps"][0]
    world.options["registry.base-url"] = BASE
    world.build(move=True)
    assert world.record()["aliases"] == ["https://second.example/r/", "https://third.example/"]


def test_a_foreign_config_is_kept_unless_the_registry_is_moved(world: World) -> None:
    (world.tree / "index").mkdir(parents=True)
    (world.tree / "index/config.json").write_text('{"dl": "https://other.example/api"}')
    with pytest.raises(SettingsError) as caught:
        world.build()
    assert str(caught.value) == (
        "the tree's config.json was not written by this program: its `dl` is 'https://other.example/api'; "
        "choose another tree, or replace it with --move"
    )
    world.build(move=True)
    assert BASE.encode() in world.read("index/config.json")


@pytest.mark.parametrize(("had", "wanted"), [("registry", "mirror"), ("mirror", "registry")])
def test_another_mode_is_refused_once_there_are_releases(world: World, had: str, wanted: str) -> None:
    world.build(options={"registry.mode": wanted})
    world.put(crate("foo"))
    world.build(options={"registry.mode": had})
    with pytest.raises(SettingsError) as caught:
        world.build(options={"registry.mode": wanted})
    assert str(caught.value) == (
        f"the tree's lines were made in mode '{had}', and the settings ask for '{wanted}'; "
        f'set `mode = "{had}"`, or derive the lines anew with `cargo-static-index reindex`'
    )
    assert world.build().counts["refused"] == 0
    assert world.record()["mode"] == had


def test_a_tree_of_a_newer_format_is_refused_naming_the_version_that_is_needed(world: World) -> None:
    world.build()
    (world.tree / "tree.json").write_text('{"format": 3, "needs": "3.1.4"}')
    with pytest.raises(SettingsError) as caught:
        world.build()
    assert str(caught.value) == (
        "the tree cannot be used: the tree has format 3, and this version reads up to 2; "
        "use cargo-static-index 3.1.4 or later"
    )


def test_a_lost_config_is_written_again_by_who_gives_the_base_url_and_by_nobody_else(
    light: World, tree: MemoryStore
) -> None:
    light.put(crate("foo"))
    light.build()
    before = tree.files[CONFIG]
    tree.apply([Delete(path=CONFIG)])
    with pytest.raises(SettingsError) as caught:
        light.build(options={"registry.base-url": None})
    assert str(caught.value) == (
        "the tree holds releases, but its index/config.json, which knew its base URL, is lost or not ours; "
        "give the URL with --base-url, or set it in `[registry]`"
    )
    light.build()
    assert tree.files[CONFIG] == before


def test_a_damaged_config_is_replaced_by_a_move_to_a_url_that_is_given(light: World, tree: MemoryStore) -> None:
    light.build()
    before = tree.files[CONFIG]
    tree.apply([Put(path=CONFIG, content=b"{")])
    with pytest.raises(SettingsError, match="or replace it with `build --move`, the base URL being set"):
        light.build()
    light.build(move=True)
    assert tree.files[CONFIG] == before


def test_a_registry_that_must_exist_is_not_begun(light: World, tree: MemoryStore) -> None:
    options = Options(now=T0, must_exist=True)
    with (
        pytest.raises(SettingsError, match=r"there is no registry in .*, and it must exist; name the published tree"),
        open_registry(light.settings(), Report(), options, store=tree),
    ):
        pass
    assert tree.files == {}


def test_an_index_of_crates_io_is_for_mirrors(light: World) -> None:
    (light.folder / "lines").mkdir()
    with pytest.raises(
        SettingsError, match=r"is for mirrors of crates\.io, and this is a registry of its own; take it"
    ):
        light.build(options={"mirror.upstream-index": light.folder / "lines"})


def test_a_tree_json_that_is_lost_with_the_state_is_made_anew_by_who_says_the_mode(
    light: World, tree: MemoryStore
) -> None:
    light.put(crate("foo"))
    light.build()
    before = tree.files[RECORD]
    tree.apply([Delete(path=RECORD)])
    light.forget()
    with pytest.raises(SettingsError, match=r"is lost; bring it back from a backup, or set `mode`, and `aliases`"):
        light.build()
    light.build(options={"registry.mode": "registry"})
    assert tree.files[RECORD] == before


@pytest.mark.parametrize("damage", ["lost", "emptied"])
def test_a_tree_json_that_the_state_knows_is_put_back(light: World, tree: MemoryStore, damage: str) -> None:
    light.put(crate("foo"))
    light.build()
    before = tree.files[RECORD]
    content = {"lost": None, "emptied": b""}[damage]
    tree.apply([Put(path=RECORD, content=content) if content is not None else Delete(path=RECORD)])
    light.build()
    assert tree.files[RECORD] == before


def test_a_slip_in_tree_json_is_no_change_of_others_and_the_state_is_believed(light: World, tree: MemoryStore) -> None:
    light.put(crate("foo"), crate("foo", "1.1.0"))
    light.build()
    before, index = tree.files[RECORD], index_file("foo")
    lines = tree.files[index]
    start = before.index(b'"digest": "') + 11
    slip = before[:start] + (b"1" if before[start : start + 1] == b"0" else b"0") + before[start + 1 :]
    tree.apply([Put(path=RECORD, content=slip), Put(path=index, content=lines.splitlines(keepends=True)[0])])
    light.build()
    assert (tree.files[RECORD], tree.files[index]) == (before, lines)


def test_tree_json_read_again_is_none_where_it_is_not_to_be_read_and_of_a_newer_format_an_error() -> None:
    good = format_document(TreeRecord(mode="mirror"))
    again = read_again(MemoryStore({RECORD: good}))
    assert again is not None
    assert again.value.mode == "mirror"
    assert read_again(MemoryStore()) is None
    assert read_again(MemoryStore({RECORD: b"{"})) is None
    with pytest.raises(
        SettingsError, match=r"the tree cannot be used: the tree has format 9, and .* up to 2; use a newer"
    ):
        read_again(MemoryStore({RECORD: b'{"format": 9}'}))
