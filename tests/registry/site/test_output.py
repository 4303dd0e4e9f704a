"""Compressed copies beside pages and assets: there where they are wanted, and never other than their pages."""

import errno
import json
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import InvalidInput, PagesFailed, SettingsError, StoreError
from cargo_static_index.registry.site.output import Failures, is_of_one_path, written
from cargo_static_index.site.compressed import copies_of, is_copy, original_of
from cargo_static_index.store import Put, Stored
from cargo_static_index.store.local.store import LocalStore
from cargo_static_index.store.memory import MemoryStore
from tests.cli.program import run
from tests.crates import crate
from tests.registry.site.registries import OPTIONS, some_crates
from tests.stores import Died, Interrupted
from tests.world import World, contents

ON = {"pages.precompress": True}


def copies(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {path: content for path, content in files.items() if original_of(path)}


def files_of(world: World) -> dict[str, bytes]:
    return contents(LocalStore(world.tree))


def wrong(files: Mapping[str, bytes]) -> list[str]:
    """Give the copies that do not say what their pages do."""
    return [
        path
        for path, content in copies(files).items()
        if not is_copy(path, content, files.get(original_of(path) or "", b""))
    ]


def all_of(files: Mapping[str, bytes]) -> set[str]:
    return {copy for path in files for copy in copies_of(path)}


def test_all_pages_and_assets_have_copies_that_change_and_go_with_them(tmp_path: Path) -> None:
    world = World(tmp_path, ON)
    world.put(crate("foo"), crate("bar"))
    world.build()
    assert set(copies(files_of(world))) == all_of(files_of(world))
    world.put(crate("foo", "1.1.0").readme("# New"))
    world.build()
    world.remove("bar@1.0.0")
    files = files_of(world)
    assert set(copies(files)) == all_of(files)
    assert not wrong(files)
    assert not world.verified()


def test_the_setting_brings_them_and_takes_them_away_and_changes_nothing_else(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.put(crate("foo"), crate("bar"))
    world.build()
    before = files_of(world)
    world.build(options=ON)
    files = files_of(world)
    assert set(copies(files)) == all_of(files)
    assert not wrong(files)
    world.build()
    assert files_of(world) == before


def test_what_breaks_off_at_any_change_leaves_no_copy_that_says_something_else(tmp_path: Path) -> None:
    for number in count(step=3):
        tree = MemoryStore()
        first = World(tmp_path / f"{number}", ON, tree)
        first.put(crate("foo"))
        first.build()
        first.put(crate("foo", "1.1.0"))
        first.store = Interrupted(tree, number)
        try:
            first.build()
        except Died:
            assert not wrong(tree.files)
        else:
            assert number > 10
            return
        first.store = tree
        first.build(options={"pages.precompress": number % 2 == 0})
        files = contents(tree)
        assert not wrong(files)
        assert set(copies(files)) == (all_of(files) if number % 2 == 0 else set())


@pytest.mark.parametrize("path", ["crates/foo/index.html.gz", "assets/theme-*.js.br", "feed.xml.gz"])
def test_verify_finds_a_copy_that_was_lost_and_mends_it(tmp_path: Path, path: str) -> None:
    world = World(tmp_path, ON)
    world.put(crate("foo"))
    world.build()
    before = files_of(world)
    [copy] = world.tree.glob(path)
    copy.unlink()
    [finding] = world.verified()
    assert (finding.id, finding.path) == ("page-missing", str(copy.relative_to(world.tree)))
    world.verified(fix=True)
    assert files_of(world) == before
    assert world.verified() == []


def test_verify_finds_a_copy_that_says_something_else_and_mends_it(tmp_path: Path) -> None:
    world = World(tmp_path, ON)
    world.put(crate("foo"))
    world.build()
    files = files_of(world)
    (world.tree / "crates/foo/index.html.gz").write_bytes(files["index.html.gz"])
    assert [(each.id, each.path) for each in world.verified()] == [("page-wrong", "crates/foo/index.html.gz")]
    world.verified(fix=True)
    assert copies(files_of(world)) == copies(files)
    assert not world.verified()


def test_a_bucket_takes_no_copies(tmp_path: Path) -> None:
    world = World(tmp_path, ON, MemoryStore(shared=True))
    with pytest.raises(SettingsError, match="is for a tree in a folder"):
        world.build()


def test_pages_json_says_whether_there_are_copies(tmp_path: Path) -> None:
    world = World(tmp_path, ON)
    world.put(crate("foo"))
    world.build()
    assert json.loads(world.read("pages.json"))["copies"] == "all"
    world.build(options={"pages.precompress": False})
    assert "copies" not in json.loads(world.read("pages.json"))


def test_a_folder_in_a_pages_place_stops_that_page_alone_and_is_named(world: World) -> None:
    world.put(*some_crates())
    world.build()
    page = world.tree / "crates/acme-units/0.4.0/index.html"
    page.mkdir(parents=True)
    (page / "here").touch()
    world.put(crate("acme-units", "0.4.0"), crate("other"))
    with pytest.raises(PagesFailed, match=r"crates/acme-units/0\.4\.0/index\.html: this page cannot be made"):
        world.build()
    assert "0.4.0" in world.read("crates/acme-units/index.html").decode()
    assert "other" in world.read("browse/names.html").decode()
    assert "crates/acme-units/0.4.0/index.html" in {found.path for found in world.verified()}
    assert world.build().paths == []
    (page / "here").unlink()
    page.rmdir()
    assert all(found.fixed for found in world.verified(fix=True))
    assert world.verified() == []


def test_a_folder_in_a_lists_place_stops_that_list_alone(world: World) -> None:
    world.put(*some_crates())
    world.build()
    taken = world.tree / "browse/keyword/new.html/here"
    taken.parent.mkdir()
    taken.touch()
    world.put(crate("other").package(keywords=["new", "git"]))
    with pytest.raises(PagesFailed, match=r"browse/keyword/new\.html: this page cannot be made"):
        world.build()
    assert "other" in world.read("browse/keyword/git.html").decode()
    assert "other" in world.read("index.html").decode()
    assert [found.path for found in world.verified()] == ["browse/keyword/new.html"]
    assert world.build().paths == []


def test_the_command_prints_what_it_did_and_exits_with_1(tmp_path: Path) -> None:
    world = World(tmp_path, OPTIONS)
    (world.tree / "crates/foo/index.html/here").mkdir(parents=True)
    world.put(crate())
    done = run("build", "--json", "--tree", "public", "--drop", "drop", cwd=tmp_path)
    done.failed(1, "crates/foo/index.html: this page cannot be made")
    assert done.document()["counts"]["published"] == 1


# What could not be made --------------------------------------------------------------------------------------


def of_disk(number: int) -> StoreError:
    error = StoreError("it cannot be written")
    error.__cause__ = OSError(number, "")
    return error


@pytest.mark.parametrize(
    ("error", "alone"),
    [
        (of_disk(errno.ENAMETOOLONG), True),
        (of_disk(errno.EISDIR), True),
        (of_disk(errno.ENOSPC), False),
        (of_disk(errno.EACCES), False),
        (StoreError("the network is gone"), False),
        (InvalidInput("no path"), True),
        (ValueError("a mistake of ours"), True),
        (SettingsError("a template fails"), False),
        (MemoryError(), False),
        (OSError(errno.EISDIR, ""), False),
    ],
)
def test_what_is_no_fault_of_one_page_alone_is_raised_on(error: Exception, alone: bool) -> None:
    failures = Failures()
    assert is_of_one_path(error) is alone
    if alone:
        with failures.noted("a.html"):
            raise error
        assert list(failures.reasons) == ["a.html"]
    else:
        with pytest.raises(type(error)), failures.noted("a.html"):
            raise error
        assert failures.reasons == {}


def test_the_first_reason_is_kept_and_a_mistake_of_ours_is_named() -> None:
    failures = Failures()
    for error in (ValueError("first"), InvalidInput("second")):
        failures.note("a.html", error)
    failures.note("b.html", InvalidInput("no path"))
    assert failures.reasons == {"a.html": "ValueError: first", "b.html": "no path"}


def test_a_page_that_is_there_is_not_written_again() -> None:
    stored = Stored(content=b"page", tag="t")
    assert written("a.html", b"page", stored) == ()
    assert written("a.html", b"new", stored) == written("a.html", b"new", None) == (Put(path="a.html", content=b"new"),)
