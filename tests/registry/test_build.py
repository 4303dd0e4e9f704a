"""Passes over a real drop directory and a real folder, from dropped files to index lines and back."""

import json
import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from cargo_static_index.crate.policy import OwnRules, Policy
from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.diagnostics.rule import Rule
from cargo_static_index.protocol.registries import CRATES_IO
from cargo_static_index.registry.build import FILES_AT_ONCE, judged_by
from cargo_static_index.registry.events import Doing, Report
from cargo_static_index.registry.read import Reader
from cargo_static_index.registry.workers import reading_executor
from tests.crates import crate
from tests.registry.outcomes import only, rules, status
from tests.world import BASE, World


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
    world.options |= {"registry.pages": False, "watch.settle": "50ms"}
    assert world.build(all_or_nothing=True).counts == {"not-published": 1, "refused": 1}


def test_files_given_by_name_are_published_and_stay_where_they_are(world: World) -> None:
    path = crate("foo").write(world.folder / "elsewhere")
    link = world.folder / "link.crate"
    link.symlink_to(path)
    world.options["drop.after-publish"] = "delete"
    report = world.add(path, link)
    assert status(report) == {"foo 1.0.0": "unchanged"}
    assert [each.status for each in report.outcomes] == ["published", "unchanged"]
    assert path.exists()


def test_files_that_were_read_before_leave_their_folders_and_are_published(light: World) -> None:
    foo, bar = (light.folder / name for name in ("foo", "bar"))
    reader = Reader(policy=Policy(), stage="", pubtime="2026-01-01T00:00:00Z")
    read = []
    for folder in (foo, bar):
        folder.mkdir()
        (folder / "archive").write_bytes(crate(folder.name).build())
        read.append((replace(reader, stage=str(folder)).read_staged("archive", f"{folder.name}-1.0.0.crate"), folder))
    with light.opened(report := Report()) as registry:
        registry.add_read(read)
    assert status(report) == {"foo 1.0.0": "published", "bar 1.0.0": "published"}
    assert [list(folder.iterdir()) for folder in (foo, bar)] == [[], []]
    with (
        pytest.raises(StoreError, match="cannot write: No such file or directory"),
        light.opened() as registry,
    ):
        registry.add_read(read)


def test_all_that_judges_a_file_has_one_digest() -> None:
    policy = Policy(levels={"reserved-name": "warn", "name-collision": "warn"})
    other_order = Policy(levels={"name-collision": "warn", "reserved-name": "warn"})
    assert judged_by(policy) == judged_by(other_order) != judged_by(Policy())
    rules = OwnRules(rules=(Rule(id="a/b", level="warn", says="B.", way_out="Do."),), check=lambda _: (), version="1")
    own = [judged_by(replace(policy, own_rules=one)) for one in (rules, rules, replace(rules, version="2"))]
    assert own[0] == own[1] != own[2]
