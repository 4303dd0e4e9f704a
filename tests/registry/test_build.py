"""Passes over a real drop directory and a real folder, from dropped files to index lines and back."""

import json
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from cargo_static_index.crate.candidate import FileStatus, Outcome
from cargo_static_index.diagnostics.errors import NotHeld, SettingsError, StateDamaged, StoreError, TreeBusy
from cargo_static_index.protocol.registries import CRATES_IO
from cargo_static_index.registry.build import FILES_AT_ONCE
from cargo_static_index.registry.events import Doing, Report
from cargo_static_index.registry.registry import specs_of
from cargo_static_index.registry.withdraw import Spec
from cargo_static_index.registry.workers import reading_executor
from cargo_static_index.store import Change
from cargo_static_index.store.local.store import LocalStore
from cargo_static_index.tree.layout import archive_file
from tests.crates import crate
from tests.world import BASE, DAY, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def status(report: Report) -> dict[str, FileStatus]:
    return {f"{each.name} {each.vers}": each.status for each in report.outcomes}


def rules(outcome: Outcome) -> list[str]:
    return [each.rule for each in outcome.problems]


def only(report: Report, kind: FileStatus = "refused") -> Outcome:
    (outcome,) = report.of(kind)
    return outcome


def told(report: Report) -> dict[str, list[str]]:
    """What was refused, and by which rules."""
    return {f"{each.name} {each.vers}": rules(each) for each in report.of("refused")}


# --- what a pass publishes


class Totals(Report):
    """Hears how many files there are, and after how many that were read."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0
        self.totals: list[tuple[str, int, int]] = []

    def reading(self, source: str) -> None:
        del source
        self.read += 1

    def total(self, doing: Doing, files: int) -> None:
        self.totals.append((doing, files, self.read))


@pytest.mark.parametrize("jobs", [1, 2])
def test_how_many_files_are_read_is_told_while_the_first_are(world: World, jobs: int) -> None:
    world.put(*(crate("foo", f"0.{number}.0") for number in range(FILES_AT_ONCE + 6)))
    heard = Totals()
    with reading_executor(jobs) as executor, world.opened(heard) as registry:
        registry.build(executor=executor)
    (reading, files, read), published = heard.totals
    assert (reading, files) == ("read", FILES_AT_ONCE + 6)
    assert read == (FILES_AT_ONCE if jobs == 1 else files)
    assert published == ("published", files, files)
    assert heard.counts["published"] == files


def test_a_pass_publishes_archive_facts_line_config_and_record(world: World) -> None:
    foo = crate("foo", "1.0.0").dependency("bar")
    world.put(foo, folder="deep/er")
    report = world.build()
    assert status(report) == {"foo 1.0.0": "published"}
    assert set(world.files()) >= {
        "index/config.json",
        "index/3/f/foo",
        f"crates/foo/{foo.cksum()}.crate",
        f"crates/foo/{foo.cksum()}.json",
        "tree.json",
    }
    assert world.read(f"crates/foo/{foo.cksum()}.crate") == foo.build()
    assert json.loads(world.read("index/config.json")) == {"dl": BASE + "crates/{crate}/{sha256-checksum}.crate"}
    (line,) = world.lines("3/f/foo")
    assert line["cksum"] == foo.cksum()
    assert line["deps"] == [
        {
            "name": "bar",
            "req": "^1",
            "features": [],
            "optional": False,
            "default_features": True,
            "target": None,
            "kind": "normal",
            "registry": CRATES_IO,
        }
    ]
    record = world.record()
    assert (record["crates"], record["releases"], record["mode"]) == (1, 1, "registry")


@pytest.mark.case(79)
def test_the_same_bytes_again_are_no_change_under_any_file_name(world: World) -> None:
    world.put(crate("foo"))
    world.build()
    before = world.files()
    assert world.build().of("published") == []
    crate("foo").write(world.drop, "again.crate")
    world.now += DAY
    report = world.build()
    assert report.counts["unchanged"] >= 1
    assert report.counts["published"] == report.counts["refused"] == 0
    assert world.files() == before


@pytest.mark.case(80)
def test_other_bytes_of_a_published_release_are_refused_naming_both_checksums(world: World) -> None:
    first, second = crate("foo"), crate("foo").file("src/new.rs")
    world.put(first)
    world.build()
    before = world.files()
    world.put(second)
    outcome = only(world.build())
    (problem,) = outcome.problems
    assert (problem.rule, problem.place) == ("release-conflict", "foo 1.0.0")
    assert problem.message == (
        f"foo 1.0.0 is published already with other bytes (SHA-256 {first.cksum()}); these have {second.cksum()}. "
        "A release never changes."
    )
    assert world.files() == before


def test_of_two_with_the_same_version_in_one_pass_the_same_wins_whatever_their_names(tmp_path: Path) -> None:
    one, other = crate("foo"), crate("foo").file("src/new.rs")
    winner, loser = sorted([one, other], key=lambda each: each.cksum())
    trees = []
    for number, names in enumerate([("a.crate", "b.crate"), ("b.crate", "a.crate")]):
        (tmp_path / str(number)).mkdir()
        world = World(tmp_path / str(number))
        one.write(world.drop, names[0])
        other.write(world.drop, names[1])
        report = world.build()
        assert only(report, "published").cksum == winner.cksum()
        assert only(report).cksum == loser.cksum()
        assert f"SHA-256 {winner.cksum()}" in only(report).problems[-1].message
        trees.append(world.files())
    assert trees[0] == trees[1]


@pytest.mark.case(34)
@pytest.mark.parametrize(("first", "second"), [("1.0.0", "1.0.0+b"), ("1.0.0+b", "1.0.0"), ("1.0.0+a", "1.0.0+b")])
def test_a_version_that_differs_only_in_build_metadata_is_refused(world: World, first: str, second: str) -> None:
    world.put(crate("foo", first))
    world.build()
    world.put(crate("foo", second))
    outcome = only(world.build())
    (problem,) = outcome.problems
    assert problem.message == (
        f"foo {second} differs only in build metadata from {first}, which is published already; "
        "cargo cannot tell them apart."
    )
    assert world.versions("3/f/foo") == [first]


@pytest.mark.case(31)
def test_lines_stand_in_order_of_publication_then_of_version(world: World) -> None:
    for vers in ("1.0.10", "1.0.9"):
        world.put(crate("foo", vers))
        world.build()
        world.now += DAY
    assert world.versions("3/f/foo") == ["1.0.10", "1.0.9"]
    before = world.files()
    world.build()
    assert world.files() == before


@pytest.mark.case(32)
def test_new_versions_of_one_pass_stand_in_semver_order(world: World) -> None:
    versions = ["1.0.0-alpha.9", "1.0.0-alpha.10", "1.0.0", "1.0.2", "1.0.10", "1.10.0"]
    for number, vers in enumerate(reversed(versions)):
        crate("foo", vers).write(world.drop, f"{number * 7 % 10}.crate")
    world.build()
    assert world.versions("3/f/foo") == versions


@pytest.mark.case(39)
def test_pubtime_is_the_clock_of_the_pass_that_first_published_and_never_changes(world: World) -> None:
    world.put(crate("foo"))
    world.build()
    world.now += DAY
    world.put(crate("foo", "1.1.0"))
    world.build()
    world.yank("foo@1.0.0")
    assert [line["pubtime"] for line in world.lines("3/f/foo")] == ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]


@pytest.mark.case(38)
def test_foreign_keys_and_lines_of_an_index_file_stay_byte_for_byte(world: World) -> None:
    world.put(crate("foo"))
    world.build()
    path = world.tree / "index/3/f/foo"
    ours = path.read_bytes().rstrip(b"\n")
    foreign = ours[:-1] + b',"x-extra" : {"b": [1, 2 ] }}'
    odd = b'{"name":"foo","vers":"0.1.0","unfinished'
    path.write_bytes(odd + b"\n" + foreign + b"\n")
    world.now += DAY
    world.put(crate("foo", "1.1.0"))
    world.build()
    world.yank("foo@1.1.0")
    lines = path.read_bytes().splitlines()
    assert lines[:2] == [odd, foreign]
    assert world.versions("3/f/foo") == ["", "1.0.0", "1.1.0"]
    world.yank("foo@1.0.0")
    assert path.read_bytes().splitlines()[1] == foreign.replace(b'"yanked":false', b'"yanked":true')


def test_a_version_whose_line_cargo_cannot_read_is_not_published_beside_it(world: World) -> None:
    world.put(crate("foo"))
    world.build()
    path = world.tree / "index/3/f/foo"
    path.write_bytes(path.read_bytes() + b'{"name":"foo","vers":"2.0.0"}\n')
    world.put(crate("foo", "2.0.0"))
    (problem,) = only(world.build()).problems
    assert problem.message == "foo 2.0.0 has a line in the index already, which cargo cannot read."


@pytest.mark.case(87)
def test_crates_of_a_workspace_that_need_each_other_come_in_any_order(world: World) -> None:
    here = f"sparse+{BASE}index/"
    world.put(
        crate("aa").dependency("zz", registry_index=here),
        crate("zz").dependency("aa", kind="dev", registry_index=here).dependency("mm", registry_index=here),
        crate("mm").dependency("zz", kind="build", registry_index=here),
    )
    assert set(status(world.build()).values()) == {"published"}
    (line,) = world.lines("2/aa")
    assert isinstance(line["deps"], list)
    assert "registry" not in line["deps"][0]


def test_an_index_file_is_written_once_however_many_versions_are_new(world: World) -> None:
    world.put(*(crate("foo", f"1.{minor}.0") for minor in range(9)))
    assert world.build().paths.count("index/3/f/foo") == 1


# --- names


@pytest.mark.case(5)
@pytest.mark.parametrize("name", ["foo_bar", "Foo-Bar", "FOO_bar"])
def test_a_name_that_differs_only_in_case_or_dashes_from_one_held_is_refused(world: World, name: str) -> None:
    world.put(crate("foo-bar"))
    world.build()
    world.put(crate(name, "2.0.0"))
    outcome = only(world.build())
    (problem,) = outcome.problems
    assert problem.rule == "name-collision"
    assert problem.message == (
        f"The registry holds `foo-bar`, and `{name}` differs from it only in case, or in `-` and `_`: "
        "cargo could not tell them apart."
    )
    assert list((world.tree / "crates").iterdir()) == [world.tree / "crates/foo-bar"]


@pytest.mark.case(5)
def test_of_colliding_names_in_one_pass_the_same_is_published_in_any_order(tmp_path: Path) -> None:
    for number, order in enumerate([("foo-bar", "foo_bar", "Foo-Bar"), ("Foo-Bar", "foo_bar", "foo-bar")]):
        (tmp_path / str(number)).mkdir()
        world = World(tmp_path / str(number))
        for place, name in enumerate(order):
            crate(name).write(world.drop, f"{place}.crate")
        report = world.build()
        assert only(report, "published").name == "Foo-Bar"
        assert told(report) == {"foo-bar 1.0.0": _collides(), "foo_bar 1.0.0": _collides()}


def _collides() -> list[str]:
    return ["file-name-differs", "name-collision"]


def test_a_name_becomes_free_when_the_crate_that_had_it_is_removed(world: World) -> None:
    world.put(crate("foo-bar"))
    world.build()
    (path,) = world.put(crate("foo_bar"))
    assert only(world.build()).name == "foo_bar"
    world.remove("foo-bar")
    (world.drop / "foo-bar-1.0.0.crate").unlink()
    report = world.build()
    assert only(report, "published").source == str(path)


@pytest.mark.case(7)
def test_reserved_names_are_a_policy_of_a_registry_and_none_of_a_mirror(tmp_path: Path) -> None:
    names = ("std", "nul", "CON", "com1", "proc-macro")
    for mode, rule, expected in (
        ("registry", None, "refused"),
        ("registry", ["reserved-name=warn"], "published"),
        ("mirror", None, "published"),
    ):
        folder = tmp_path / f"{mode}-{expected}"
        folder.mkdir()
        world = World(folder, {"registry.mode": mode, "rules": rule})
        world.put(*map(crate, names))
        report = world.build()
        assert status(report) == {f"{name} 1.0.0": expected for name in names}


@pytest.mark.case(8)
@pytest.mark.parametrize("name", ["1foo", "_foo", "foo.bar", "é", ""])
def test_an_invalid_name_is_refused_and_no_file_is_written(world: World, name: str) -> None:
    crate(name).write(world.drop, "x.crate")
    assert "name-invalid" in rules(only(world.build()))
    assert not (world.tree / "crates").exists()
    assert {path.name for path in (world.tree / "index").iterdir()} == {"config.json", "index.html"}


# --- base URL, mode, aliases


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


# --- yank


@pytest.mark.case(81)
def test_yanking_changes_nothing_but_yanked_and_undoing_it_brings_every_byte_back(world: World) -> None:
    world.put(crate("foo", "1.0.0"), crate("foo", "1.1.0"), crate("bar"))
    world.build()
    before = world.files()
    assert world.yank("foo@1.0.0") == (Spec("foo", "1.0.0"),)
    yanked = world.files()
    changed = {path for path in before if before[path] != yanked[path]}
    assert {path for path in changed if not path.startswith(("crates/foo/", "browse/", "pages.json"))} == {
        "index/3/f/foo",
        "tree.json",
    }
    old, new = before["index/3/f/foo"], yanked["index/3/f/foo"]
    assert new == old.replace(b'"yanked":false', b'"yanked":true', 1)
    assert world.yank("foo@1.0.0") == ()
    assert world.yank("foo@1.0.0", yanked=False) == (Spec("foo", "1.0.0"),)
    assert world.files() == before
    world.yank("foo@1.0.0")
    assert world.files() == yanked


@pytest.mark.case(82)
@pytest.mark.parametrize(
    ("specs", "message"),
    [
        (["nope@1.0.0"], "there is no crate 'nope' in this registry; `list` shows what is held"),
        (["Foo@1.0.0"], "there is no crate 'Foo' in this registry; did you mean 'foo'?"),
        (["foo@9.0.0"], "there is no release foo 9.0.0 in this registry; the newest held: 1.0.0"),
        (["foo@1.0.0", "foo@9.0.0"], "there is no release foo 9.0.0 in this registry; the newest held: 1.0.0"),
    ],
)
def test_what_is_not_held_is_neither_yanked_nor_removed(world: World, specs: list[str], message: str) -> None:
    world.put(crate("foo"))
    world.build()
    before = world.files()
    for change in (world.yank, world.remove):
        with pytest.raises(NotHeld) as caught:
            change(*specs)
        assert str(caught.value) == message
    assert world.files() == before


# --- remove and restore


def removed(world: World, name: str = "foo") -> object:
    return json.loads(world.read(f"crates/{name}/removed.json"))


@pytest.mark.case(88)
def test_the_index_file_is_empty_once_the_last_release_goes_and_the_tombstone_stays(world: World) -> None:
    foo = crate("foo")
    world.put(foo, crate("bar"))
    world.build()
    assert world.remove("foo") == (Spec("foo", "1.0.0"),)
    assert (world.tree / "index/3/f/foo").read_bytes() == b""
    assert not (world.tree / f"crates/foo/{foo.cksum()}.crate").exists()
    assert not (world.tree / f"crates/foo/{foo.cksum()}.json").exists()
    when = "2026-01-01T00:00:00Z"
    stone = {"vers": "1.0.0", "cksum": foo.cksum(), "pubtime": when, "when": when}
    assert removed(world) == {"schema": 1, "name": "foo", "removed": [stone]}
    assert (world.record()["crates"], world.record()["releases"]) == (1, 1)


def test_a_removed_release_that_is_still_dropped_is_named_and_not_published(world: World) -> None:
    (path, _) = world.put(crate("foo"), crate("foo", "1.1.0"))
    world.build()
    world.remove("foo@1.0.0")
    after = world.files()
    for _ in range(2):
        outcome = only(world.build())
        (problem,) = outcome.problems
        assert (problem.rule, problem.message) == (
            "removed-release",
            "foo 1.0.0 was removed from this registry on purpose.",
        )
        assert problem.way_out == (
            f"Raise the version, or bring it back with `cargo-static-index add --restore` and the file, {path.name}."
        )
        assert world.files() == after
        world.forget()
    assert world.versions("3/f/foo") == ["1.1.0"]


def test_other_bytes_of_a_removed_release_stay_a_conflict_even_for_restore(world: World) -> None:
    first, second = crate("foo"), crate("foo").file("src/new.rs")
    world.put(first)
    world.build()
    world.remove("foo")
    (path,) = world.put(second)
    for report in (world.build(), world.add(path, restore=True)):
        assert only(report).problems[-1].message == (
            f"foo 1.0.0 was published and removed already with other bytes (SHA-256 {first.cksum()}); "
            f"these have {second.cksum()}. A release never changes."
        )


def test_restore_brings_a_release_back_as_it_was_with_its_first_pubtime(world: World) -> None:
    (path, _) = world.put(crate("foo"), crate("foo", "1.1.0"))
    world.build()
    before = world.files()
    world.remove("foo@1.0.0")
    world.now += DAY
    assert only(world.add(path)).problems[0].rule == "removed-release"
    assert only(world.add(path, restore=True), "published").vers == "1.0.0"
    assert world.files() == before


def test_a_release_that_was_yanked_when_it_was_removed_comes_back_yanked(world: World) -> None:
    (path, _) = world.put(crate("foo"), crate("foo", "1.1.0"))
    world.build()
    world.yank("foo@1.0.0")
    before = world.files()
    world.remove("foo@1.0.0")
    world.add(path, restore=True)
    assert world.files() == before


def test_half_a_copy_of_what_is_held_is_told_as_that_alone(world: World) -> None:
    (path,) = world.put(crate("foo"))
    world.build()
    path.write_bytes(path.read_bytes()[:-10])
    assert rules(only(world.add(path), "refused")) == ["gzip-damaged"]


def test_restore_lifts_only_the_tombstone_of_what_comes_back(world: World) -> None:
    (path, _) = world.put(crate("foo"), crate("foo", "1.1.0"))
    world.build()
    world.remove("foo")
    world.add(path, restore=True)
    stones = msgspec.json.decode(world.read("crates/foo/removed.json"))["removed"]
    assert [each["vers"] for each in stones] == ["1.1.0"]
    assert world.versions("3/f/foo") == ["1.0.0"]


def test_a_release_removed_stays_removed_without_the_state(world: World) -> None:
    world.put(crate("foo"), crate("bar"))
    world.build()
    world.remove("foo")
    after = world.files()
    world.forget()
    assert status(world.build()) == {"foo 1.0.0": "refused", "bar 1.0.0": "unchanged"}
    assert world.files() == after


# --- what is remembered of dropped files


def test_a_settled_drop_directory_is_not_read_again_and_what_was_refused_is_mentioned(world: World) -> None:
    world.put(crate("good"))
    (bad,) = world.put(crate("std"))
    assert status(world.build()) == {"good 1.0.0": "published", "std 1.0.0": "refused"}
    outcome = only(world.build(), "remembered")
    assert (outcome.source, rules(outcome)) == (str(bad), ["reserved-name"])
    report = world.build(options={"rules": ["reserved-name=warn"]})
    assert status(report) == {"std 1.0.0": "published"}
    assert world.build(options={"rules": ["reserved-name=warn"]}).outcomes == []


def test_a_refused_file_is_judged_again_when_settings_or_the_file_change(world: World) -> None:
    (path,) = world.put(crate("foo").package(description=None))
    asks: dict[str, object] = {"manifest.required-fields": ["description"]}
    assert rules(only(world.build(options=asks))) == ["missing-field"]
    assert status(world.build(options=asks)) == {"foo 1.0.0": "remembered"}
    asks_more: dict[str, object] = {"manifest.required-fields": ["description", "license"]}
    assert status(world.build(options=asks_more)) == {"foo 1.0.0": "refused"}
    crate("foo").write(path.parent)
    assert status(world.build(options=asks_more)) == {"foo 1.0.0": "published"}


def test_a_tree_restored_from_an_older_backup_gets_back_what_is_still_dropped(world: World) -> None:
    world.put(crate("foo"))
    world.build()
    before = world.files()
    shutil.copytree(world.tree, world.folder / "backup")
    world.put(crate("foo", "1.1.0"))
    world.build()
    shutil.rmtree(world.tree)
    shutil.move(world.folder / "backup", world.tree)
    assert status(world.build()) == {"foo 1.1.0": "published"}
    shutil.rmtree(world.tree)
    report = world.build()
    assert status(report) == {"foo 1.0.0": "published", "foo 1.1.0": "published"}
    assert set(world.files()) > set(before)


def test_a_tree_that_another_program_changed_is_read_anew(world: World) -> None:
    world.put(crate("foo-bar"))
    world.build()
    other = World(world.folder / "other")
    other.put(crate("baz"))
    other.tree = world.tree
    other.build(options={"tree.path": str(world.tree)})
    world.put(crate("BAZ"))
    assert only(world.build()).problems[0].rule == "name-collision"


@pytest.mark.case(85)
def test_a_file_that_is_still_being_written_waits_and_is_published_when_it_is_complete(world: World) -> None:
    content = crate("foo").build()
    path = world.drop / "foo-1.0.0.crate"
    path.write_bytes(content[:100])
    (world.drop / "bar-1.0.0.crate.part").write_bytes(content)
    (world.drop / ".hidden.crate").write_bytes(content)
    slow_copy = threading.Timer(0.5, path.write_bytes, [content[:200]])
    slow_copy.start()
    report = world.build()
    slow_copy.join()
    assert [(each.status, each.source) for each in report.outcomes] == [("waiting", str(path))]
    assert report.outcomes[0].problems[0].rule == "file-changing"
    path.write_bytes(content)
    assert status(world.build()) == {"foo 1.0.0": "published"}


def test_a_file_that_is_cut_short_and_stays_so_is_refused_by_the_pass_that_meets_it(world: World) -> None:
    (world.drop / "foo-1.0.0.crate").write_bytes(crate("foo").build()[:100])
    assert rules(only(world.build(), "refused")) == ["gzip-damaged"]
    assert status(world.build()) == {" ": "remembered"}


@pytest.mark.parametrize(
    "part",
    [
        lambda whole: whole[:200] + bytes(len(whole) - 200),
        lambda whole: bytes(200) + whole[200:],
        lambda whole: bytes(len(whole)),
        lambda whole: whole[:0],
        lambda whole: whole + b"the end of a longer file that it is copied over",
        lambda whole: whole + whole[:300],
    ],
    ids=["preallocated", "end first", "only preallocated", "empty", "over a longer file", "over a longer crate"],
)
def test_no_part_of_a_copy_is_judged_before_it_has_settled(world: World, part: Callable[[bytes], bytes]) -> None:
    whole = crate("foo").compressed().build()
    path = world.drop / "foo-1.0.0.crate"
    path.write_bytes(part(whole))
    end = threading.Timer(0.3, path.write_bytes, [whole])
    end.start()
    report = world.build()
    end.join()
    assert status(report) == {" ": "waiting"}
    assert status(world.build()) == {"foo 1.0.0": "published"}


def test_a_whole_archive_is_judged_at_once_and_only_once(world: World) -> None:
    world.put(crate("good"), crate("std"))
    began = time.monotonic()
    assert status(world.build(options={"watch.settle": "1h"})) == {"good 1.0.0": "published", "std 1.0.0": "refused"}
    assert time.monotonic() - began < 60
    assert status(world.build()) == {"std 1.0.0": "remembered"}


def test_a_file_that_claims_to_come_from_the_future_settles_all_the_same(world: World) -> None:
    path = world.drop / "foo-1.0.0.crate"
    path.write_bytes(b"not a crate")
    os.utime(path, (2**33, 2**33))
    assert rules(only(world.build(), "refused")) == ["file-not-gzip"]
    assert status(world.build()) == {" ": "remembered"}


def test_cut_files_from_the_future_are_refused_by_one_pass_and_read_by_no_other(world: World) -> None:
    for number in range(40):
        path = world.drop / f"c{number}-1.0.0.crate"
        path.write_bytes(crate(f"c{number}").build()[:-100])
        os.utime(path, (3_976_214_400, 3_976_214_400))  # 2096
    assert len(world.build().of("refused")) == 40
    again = world.build()
    assert [outcome.status for outcome in again.outcomes] == ["remembered"] * 40


@pytest.mark.case(86)
def test_what_is_no_file_is_reported_and_the_others_are_published(world: World) -> None:
    (world.drop / "dir.crate").mkdir()
    os.mkfifo(world.drop / "pipe.crate")
    (world.drop / "link.crate").symlink_to("/etc/passwd")
    (world.drop / "loop.crate").symlink_to("loop.crate")
    Path(os.fsdecode(os.fsencode(world.drop) + b"/caf\xe9.crate")).write_bytes(crate("x").build())
    world.put(crate("foo"))
    report = world.build()
    assert only(report, "published").name == "foo"
    refused = {Path(each.source).name: rules(each) for each in report.of("refused")}
    assert refused == {
        "dir.crate": ["file-irregular"],
        "pipe.crate": ["file-irregular"],
        "link.crate": ["file-link-outside"],
        "loop.crate": ["file-unreadable"],
        "caf\\xe9.crate": ["file-name-not-utf8"],
    }
    again = world.build()
    assert {Path(each.source).name for each in again.of("remembered")} == set(refused)


def test_a_refused_file_that_was_taken_away_is_not_mentioned_again(world: World) -> None:
    (path,) = world.put(crate("std"))
    world.build()
    path.unlink()
    assert world.build().outcomes == []


# --- what happens to dropped files


def test_refused_files_are_moved_with_a_document_of_their_problems(world: World) -> None:
    world.options["drop.refused"] = str(world.folder / "refused")
    world.put(crate("std"), folder="team")
    world.put(crate("good"))
    assert only(world.build()).name == "std"
    moved = world.folder / "refused/team/std-1.0.0.crate"
    assert moved.read_bytes() == crate("std").build()
    document = json.loads(moved.with_name("std-1.0.0.crate.json").read_bytes())
    assert document["schema"] == 1
    assert (document["name"], document["vers"], document["cksum"]) == ("std", "1.0.0", crate("std").cksum())
    (problem,) = document["problems"]
    assert problem["rule"] == "reserved-name"
    assert problem["message"]
    assert problem["way_out"]
    assert world.build().of("remembered") == []
    world.put(crate("std"), folder="team")
    world.build()
    assert sorted(each.name for each in moved.parent.iterdir()) == [
        "std-1.0.0.2.crate",
        "std-1.0.0.2.crate.json",
        "std-1.0.0.crate",
        "std-1.0.0.crate.json",
    ]


@pytest.mark.parametrize("then", ["keep", "delete", "published"])
def test_published_files_are_kept_deleted_or_moved(world: World, then: str) -> None:
    world.options["drop.after-publish"] = str(world.folder / then) if then == "published" else then
    (path,) = world.put(crate("foo"), folder="team")
    world.build()
    assert path.exists() is (then == "keep")
    assert (world.folder / "published/team/foo-1.0.0.crate").exists() is (then == "published")
    world.put(crate("foo"), folder="team")
    assert status(world.build()) == {"foo 1.0.0": "unchanged"}
    assert path.exists() is (then == "keep")


class Watching(LocalStore):
    """A local store that calls `after` behind each batch that changes an index file."""

    def __init__(self, root: Path, after: Callable[[], None]) -> None:
        super().__init__(root)
        self._after = after

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        changes = tuple(changes)
        lost = super().apply(changes)
        if any(each.path.startswith("index/3") for each in changes):
            self._after()
        return lost


def replace_file(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def test_a_published_file_is_deleted_only_once_its_line_is_written(world: World) -> None:
    world.options["drop.after-publish"] = "delete"
    (path,) = world.put(crate("foo"))
    seen: list[bool] = []
    world.store = Watching(world.tree, lambda: seen.append(path.exists()))
    world.build()
    assert seen == [True]
    assert not path.exists()


@pytest.mark.parametrize("then", ["delete", "published"])
def test_a_file_that_took_the_place_of_a_published_one_is_left_alone(world: World, then: str) -> None:
    world.options["drop.after-publish"] = str(world.folder / then) if then == "published" else then
    (path,) = world.put(crate("foo"))
    newer = crate("foo", "1.1.0").build()
    world.store = Watching(world.tree, lambda: replace_file(path, newer))
    world.build()
    assert path.read_bytes() == newer
    world.store = None
    assert status(world.build()) == {"foo 1.1.0": "published"}


def test_a_file_that_is_taken_away_during_the_pass_does_no_harm(world: World) -> None:
    world.options["drop.after-publish"] = "delete"
    (path,) = world.put(crate("foo"))
    world.store = Watching(world.tree, lambda: path.unlink(missing_ok=True))
    assert status(world.build()) == {"foo 1.0.0": "published"}


@pytest.mark.parametrize("key", ["drop.after-publish", "drop.refused"])
def test_what_one_pass_could_not_put_away_the_next_one_does(world: World, key: str) -> None:
    away = world.folder / "away"
    away.write_bytes(b"a file where a folder should be")
    world.options[key] = str(away)
    world.put(crate("foo"), crate("std"))
    with pytest.raises(StoreError, match="all else is done, and the next build tries again"):
        world.build()
    assert world.versions("3/f/foo") == ["1.0.0"]
    away.unlink()
    world.build()
    left, gone = ("foo", "std") if key == "drop.refused" else ("std", "foo")
    assert [each.name for each in world.drop.iterdir()] == [f"{left}-1.0.0.crate"]
    assert (away / f"{gone}-1.0.0.crate").exists()


@pytest.mark.parametrize("broken", [b"no archive", crate("foo").build()[:-20]])
def test_a_good_file_that_took_the_place_of_a_refused_one_is_published(world: World, broken: bytes) -> None:
    world.options["drop.refused"] = str(world.folder / "away")
    path = world.drop / "foo-1.0.0.crate"
    path.write_bytes(broken)
    world.put(crate("bar"))
    world.store = Watching(world.tree, lambda: replace_file(path, crate("foo").build()))
    world.build()
    assert path.exists() or (world.folder / "away/foo-1.0.0.crate").read_bytes() == broken
    world.put(crate("foo"))
    assert status(world.build())["foo 1.0.0"] == "published"


def test_a_refused_file_with_a_very_long_name_is_moved_and_stops_nothing(world: World) -> None:
    world.options["drop.refused"] = str(world.folder / "away")
    (world.drop / f"{'x' * 247}.crate").write_bytes(b"")
    world.put(crate("foo"))
    assert status(world.build())["foo 1.0.0"] == "published"
    moved = f"{'x' * 50}.crate"
    assert sorted(each.name for each in (world.folder / "away").iterdir()) == [moved, f"{moved}.json"]


def test_what_was_read_of_a_refused_file_is_told_though_no_line_can_be_made(world: World) -> None:
    dropped = crate("app").dependency("other", "1", registry_index="acme")
    world.put(dropped)
    outcome = only(world.build())
    assert (outcome.status, outcome.name, outcome.vers) == ("refused", "app", "1.0.0")
    assert outcome.cksum == dropped.cksum()


@pytest.mark.parametrize("key", ["drop.after-publish", "drop.refused"])
def test_a_file_is_moved_to_another_disk_under_a_name_of_its_own_until_it_is_there(
    world: World, key: str, other_disk: Path
) -> None:
    away = other_disk / "away"
    away.mkdir()
    world.options[key] = str(away)
    (path,) = world.put(crate("std" if key == "drop.refused" else "foo"))
    content = path.read_bytes()
    (away / f".{path.name}.part").write_bytes(b"what a crash left")
    world.build()
    beside = [f"{path.name}.json"] if key == "drop.refused" else []
    assert sorted(each.name for each in away.iterdir()) == [path.name, *beside]
    assert (away / path.name).read_bytes() == content
    assert not path.exists()


def test_a_refused_file_that_cannot_have_its_document_stays(world: World) -> None:
    world.options["drop.refused"] = str(world.folder / "away")
    (path,) = world.put(crate("std"))
    (world.folder / "away" / f".{path.name}.json.part").mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot be moved into"):
        world.build()
    assert path.exists()
    (world.folder / "away" / f".{path.name}.json.part").rmdir()
    world.build()
    assert sorted(each.name for each in (world.folder / "away").iterdir()) == [path.name, f"{path.name}.json"]


def test_a_name_like_that_of_a_removed_crate_is_warned_of_and_can_be_refused(world: World) -> None:
    (path,) = world.put(crate("foo-bar"))
    world.build()
    world.remove("foo-bar")
    path.unlink()
    world.put(crate("foo_bar", "1.0.1"), crate("foo-baz"))
    report = world.build(options={"rules": ["name-like-removed=refuse"]})
    assert told(report)["foo_bar 1.0.1"] == ["name-like-removed"]
    assert status(report)["foo-baz 1.0.0"] == "published"
    outcome = next(each for each in world.build().outcomes if each.name == "foo_bar")
    assert (outcome.status, rules(outcome)) == ("published", ["name-like-removed"])


# --- dependencies that are likely ours


def test_a_dependency_on_crates_io_that_is_held_here_is_refused_with_the_line_to_write(world: World) -> None:
    world.put(crate("secret-lib"))
    world.build()
    world.put(crate("app").dependency("secret_lib", "0.3"))
    outcome = only(world.build())
    (problem,) = outcome.problems
    assert problem.rule == "dependency-likely-ours"
    assert problem.place == "Cargo.toml.dependencies.secret_lib"
    assert problem.message == (
        "The dependency `secret-lib` comes from crates.io, but this registry holds or was given a crate of that name."
    )
    assert problem.way_out == (
        'Set `mode = "mirror"` in `[registry]` where crates are those of crates.io, unchanged, or '
        '`dependency-likely-ours = "warn"` in `[rules]` where both kinds are held; else write '
        '`secret-lib = { version = "…", registry = "acme" }` in Cargo.toml and package again.'
    )


def test_a_dependency_on_crates_io_that_comes_in_the_same_pass_is_refused(world: World) -> None:
    world.put(crate("zz"), crate("app").dependency("alias", package="ZZ"))
    assert told(world.build()) == {"app 1.0.0": ["dependency-likely-ours"]}


def test_a_dependency_that_is_likely_ours_is_named_where_it_stands_and_one_for_tests_only_warns(world: World) -> None:
    app = crate("app").dependency("zz", kind="build", target="cfg(unix)")
    tested = crate("tested").dependency("other", package="zz", kind="dev")
    world.put(crate("zz"), app, tested, crate("both").dependency("zz", kind="dev").dependency("zz"))
    report = world.build()
    assert [(each.name, each.status) for each in report.outcomes if each.problems] == [
        ("app", "refused"),
        ("both", "refused"),
        ("tested", "published"),
    ]
    assert [(problem.rule, problem.place) for each in report.outcomes for problem in each.problems] == [
        ("dependency-likely-ours", "Cargo.toml.target.'cfg(unix)'.build-dependencies.zz"),
        ("dependency-likely-ours", "Cargo.toml.dependencies.zz"),
        ("dev-dependency-likely-ours", "Cargo.toml.dev-dependencies.other"),
    ]


def test_likely_ours_can_be_a_warning_and_is_off_in_a_mirror(tmp_path: Path) -> None:
    ways: tuple[dict[str, object], ...] = ({"rules": ["dependency-likely-ours=warn"]}, {"registry.mode": "mirror"})
    for number, options in enumerate(ways):
        world = World(tmp_path / str(number), options)
        world.put(crate("zz"), crate("app").dependency("zz"))
        report = world.build()
        assert set(status(report).values()) == {"published"}
        (app,) = (each for each in report.outcomes if each.name == "app")
        assert rules(app) == (["dependency-likely-ours"] if number == 0 else [])


# --- all or nothing, and trying out


def test_all_or_nothing_publishes_none_where_one_is_refused(world: World) -> None:
    world.put(crate("good"), crate("std"))
    report = world.build(all_or_nothing=True)
    assert status(report) == {"good 1.0.0": "not-published", "std 1.0.0": "refused"}
    assert not (world.tree / "crates").exists()
    (world.drop / "std-1.0.0.crate").unlink()
    assert status(world.build(all_or_nothing=True)) == {"good 1.0.0": "published"}


@pytest.mark.parametrize("broken", [b"", b"<html>not found</html>"])
def test_all_or_nothing_counts_what_cannot_be_read_at_all(world: World, broken: bytes) -> None:
    world.put(crate("good"))
    (world.drop / "bad.crate").write_bytes(broken)
    assert world.build(all_or_nothing=True).counts == {"not-published": 1, "refused": 1}


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


# --- files given by name


def test_files_given_by_name_are_published_and_stay_where_they_are(world: World) -> None:
    path = crate("foo").write(world.folder / "elsewhere")
    link = world.folder / "link.crate"
    link.symlink_to(path)
    world.options["drop.after-publish"] = "delete"
    report = world.add(path, link)
    assert status(report) == {"foo 1.0.0": "unchanged"}
    assert [each.status for each in report.outcomes] == ["published", "unchanged"]
    assert path.exists()


@pytest.mark.parametrize("damage", [None, b"other bytes"])
def test_giving_a_published_archive_again_puts_back_what_the_tree_lost(world: World, damage: bytes | None) -> None:
    (path,) = world.put(crate("foo"))
    world.build()
    before = world.files()
    archive = world.tree / f"crates/foo/{crate('foo').cksum()}.crate"
    if damage is None:
        archive.unlink()
        archive.with_suffix(".json").unlink()
    else:
        archive.write_bytes(damage)
    assert status(world.add(path)) == {"foo 1.0.0": "restored"}
    assert world.files() == before
    assert world.add(path).paths == []


# --- writers and failures


def test_passes_over_two_trees_do_not_share_a_state_directory_at_one_moment(world: World) -> None:
    other = World(world.folder / "other", {"state.path": str(world.state), "tree.lock-timeout": 0})
    with world.opened() as registry:
        registry.take()
        with pytest.raises(TreeBusy, match="another process uses this state directory"):
            other.build()
    other.put(crate("foo"))
    assert status(other.build()) == {"foo 1.0.0": "published"}


def test_a_file_that_cannot_be_put_away_is_an_error_that_names_it(world: World) -> None:
    published = world.folder / "published"
    published.write_bytes(b"a file where a folder should be")
    world.options["drop.after-publish"] = str(published)
    (path,) = world.put(crate("foo"))
    with pytest.raises(StoreError) as caught:
        world.build()
    said = f"{path} cannot be moved into {published}: File exists; all else is done, and the next build tries again"
    assert str(caught.value) == said
    assert world.versions("3/f/foo") == ["1.0.0"]
    assert "crates/foo/index.html" in world.files()
    published.unlink()
    assert status(world.build()) == {"foo 1.0.0": "unchanged"}
    assert (published / "foo-1.0.0.crate").exists()


@pytest.mark.parametrize("damage", [b"", b"junk", None])
def test_a_file_that_is_taken_away_first_mends_what_the_tree_lost(world: World, damage: bytes | None) -> None:
    foo = crate("foo")
    (path,) = world.put(foo)
    world.build(options={"drop.after-publish": "delete"})
    before = world.files()
    archive = world.tree / archive_file("foo", foo.cksum())
    archive.unlink()
    if damage is not None:
        archive.write_bytes(damage)
    world.put(foo)
    assert status(world.build(options={"drop.after-publish": "delete"})) == {"foo 1.0.0": "restored"}
    assert not path.exists()
    assert world.files() == before


@pytest.mark.parametrize("table", ["dropped", "stale", "listing"])
def test_rows_that_cannot_be_taken_away_are_damage_and_no_endless_loop(world: World, table: str) -> None:
    paths = world.put(crate("foo"), crate("bar"))
    world.build()
    with sqlite3.connect(world.state / "catalogue.sqlite") as database:
        database.execute(f"CREATE TRIGGER stuck BEFORE DELETE ON {table} BEGIN SELECT RAISE(IGNORE); END")
    database.close()
    paths[0].unlink()
    world.put(crate("foo", "1.1.0"))
    with pytest.raises(StateDamaged, match="rows cannot be taken away"):
        world.build()
    world.build()
    assert world.versions("3/f/foo") == ["1.0.0", "1.1.0"]
    assert world.verified() == []


def test_a_damaged_catalogue_is_thrown_away_and_made_anew(world: World) -> None:
    world.put(crate("foo"))
    world.build()
    before = world.files()
    for damage in (b"", b"not a database at all" * 1000):
        (world.state / "catalogue.sqlite").write_bytes(damage)
        assert status(world.build()) == {"foo 1.0.0": "unchanged"}
        assert world.files() == before
