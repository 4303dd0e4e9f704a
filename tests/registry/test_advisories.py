"""Advisories beside what a registry holds: on pages, in lists and feed, and on the command line."""

import json
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.protocol.registries import Home
from cargo_static_index.registry.advisories import AdvisoryDatabase, notes_on
from tests.advisories import advise
from tests.cli.program import run
from tests.crates import crate
from tests.registry.site.reading import text_of
from tests.world import World

FEED = "advisories.xml"
LIST = "browse/advisories.html"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    (tmp_path / "advisory-db/crates").mkdir(parents=True)
    return tmp_path / "advisory-db"


@pytest.fixture
def world(tmp_path: Path, database: Path) -> World:
    world = World(tmp_path, {"advisories.path": database})
    world.put(crate("foo", "1.0.0"), crate("foo", "1.1.0"), crate("bar", "1.0.0"))
    world.build()
    return world


def noted(world: World, name: str) -> list[tuple[str, list[str]]]:
    document = json.loads(world.read(f"crates/{name}/index.json"))
    return [(each["id"], each["versions"]) for each in document["advisories"]]


def test_an_arriving_advisory_rewrites_the_crate_that_it_names_and_what_tells_of_all(
    world: World, database: Path
) -> None:
    before = world.files()
    advise(database, "foo")
    assert world.build().notes == []
    after = world.files()
    assert noted(world, "foo") == [("RUSTSEC-2026-0001", ["1.0.0"])]
    assert "RUSTSEC-2026-0001: It <b>breaks</b>. Patched in >=1.1.0." in text_of(
        world.read("crates/foo/1.0.0/index.html")
    )
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert changed == {
        "browse/advisories.json",
        "crates/foo/1.0.0/index.html",
        "crates/foo/feed.xml",
        "crates/foo/index.html",
        "crates/foo/index.json",
        "crates/foo/row.js",
        FEED,
        LIST,
    } - {path for path in ("crates/foo/feed.xml",) if before[path] == after[path]}
    assert b"RUSTSEC-2026-0001: foo: It &lt;b&gt;breaks&lt;/b&gt;" in world.read(FEED)
    assert "It <b>breaks</b> · 1 version here" in text_of(world.read(LIST))
    assert world.verified() == []
    world.build()
    assert world.files() == after


def test_a_release_that_comes_later_is_told_of_as_well_and_one_that_goes_is_not(world: World, database: Path) -> None:
    advise(database, "foo", patched='">= 2.0.0"')
    world.build()
    world.put(crate("foo", "1.2.0"))
    world.build()
    assert noted(world, "foo") == [("RUSTSEC-2026-0001", ["1.2.0", "1.1.0", "1.0.0"])]
    assert "the newest too" in text_of(world.read(LIST))
    world.remove("foo@1.0.0", "foo@1.1.0", "foo@1.2.0")
    assert "No advisory affects what is held here." in text_of(world.read(LIST))
    assert b"<entry>" not in world.read(FEED)
    assert world.verified() == []


def test_an_advisory_that_changes_goes_or_is_withdrawn_is_followed(world: World, database: Path) -> None:
    advise(database, "foo", patched="")
    world.build()
    assert noted(world, "foo") == [("RUSTSEC-2026-0001", ["1.1.0", "1.0.0"])]
    advise(database, "foo", patched='">= 1.1.0"', title="Another title")
    world.build()
    assert noted(world, "foo") == [("RUSTSEC-2026-0001", ["1.0.0"])]
    assert "Another title" in text_of(world.read(LIST))
    advise(database, "foo", more='withdrawn = "2026-02-01"')
    world.build()
    assert noted(world, "foo") == []
    advise(database, "foo").unlink()
    world.build()
    assert b"<entry>" not in world.read(FEED)


def test_the_pages_are_the_same_whatever_came_first(world: World, database: Path, tmp_path: Path) -> None:
    advise(database, "foo")
    advise(database, "bar", "ACME-1", patched="", more='url = "https://acme.example/1"')
    world.build()
    other = World(tmp_path / "other", {"advisories.path": database})
    other.put(crate("foo", "1.0.0"), crate("foo", "1.1.0"), crate("bar", "1.0.0"))
    other.build()
    assert other.files() == world.files()
    world.forget()
    world.build()
    assert other.files() == world.files()


def test_without_a_database_nothing_tells_of_one(world: World, database: Path) -> None:
    advise(database, "foo")
    world.build()
    world.build(options={"advisories.path": None})
    assert noted(world, "foo") == []
    assert not {path for path in world.files() if "advisories" in path}
    assert b"dvisor" not in world.read("index.html")


def test_an_advisory_that_cannot_be_read_is_said_and_stops_no_other(world: World, database: Path) -> None:
    advise(database, "foo")
    bad = advise(database, "foo", "RUSTSEC-2026-0002", patched='"what"')
    huge = advise(database, "bar", "RUSTSEC-2026-0003", title="x" * (1 << 20))
    warnings = world.build().notes
    assert [warning.partition(": ")[0] for warning in warnings] == [str(huge), str(bad)]
    assert noted(world, "foo") == [("RUSTSEC-2026-0001", ["1.0.0"])]


@pytest.mark.parametrize(
    ("source", "mode", "counts"),
    [
        ("registry+https://github.com/rust-lang/crates.io-index", "mirror", True),
        ("registry+https://github.com/rust-lang/crates.io-index", "registry", False),
        ("registry+sparse+https://here.example/index/", "registry", True),
        ("registry+sparse+https://there.example/index/", "registry", False),
        ("no URL", "registry", False),
    ],
)
def test_a_source_says_which_registry_is_meant(database: Path, source: str, mode: str, counts: bool) -> None:
    advise(database, "foo", more=f'source = "{source}"')
    home = Home(mode="mirror" if mode == "mirror" else "registry", urls=("sparse+https://here.example/index/",))
    assert bool(AdvisoryDatabase(folder=database, home=home).of("foo")[0]) is counts


def test_the_command_lists_what_is_affected_and_denies_it_unless_it_is_yanked(world: World, database: Path) -> None:
    advise(database, "foo")
    advise(database, "absent")
    here, asked = world.folder, ("advisories", "--advisories", "advisory-db")
    line = "RUSTSEC-2026-0001  foo 1.0.0  vulnerability: It <b>breaks</b>; patched in >=1.1.0\n"
    assert run(*asked, cwd=here).ok() == line
    assert run(*asked, "bar", "--deny", cwd=here).ok() == ""
    denied = run(*asked, "--deny", "--json", cwd=here)
    assert (denied.code, json.loads(denied.out)["versions"]) == (1, ["1.0.0"])
    world.yank("foo@1.0.0")
    assert "foo 1.0.0 (yanked)" in run(*asked, "--deny", cwd=here).ok()
    run("advisories", cwd=here).failed(2, "there is no advisory database")


def test_a_folder_that_is_no_database_is_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="name a checkout of an advisory database"):
        world.build(options={"advisories.path": tmp_path / "nowhere"})


def test_without_a_folder_nothing_is_known_and_nothing_read() -> None:
    nothing = AdvisoryDatabase()
    assert (list(nothing.names()), nothing.of("foo"), nothing.digest()) == ([], ([], {}), "")


def test_of_versions_that_cargo_calls_invalid_nothing_is_said(database: Path) -> None:
    advise(database, "foo")
    found, _ = AdvisoryDatabase(folder=database).of("foo")
    [note] = notes_on(found, ["1.0.0", "1.0", "next"])
    assert note.versions == ("1.0.0",)
