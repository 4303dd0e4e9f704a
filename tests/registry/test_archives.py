"""Archives given as values, and releases that go from one tree into another."""

import io
import json
from pathlib import Path
from typing import BinaryIO

import pytest

from cargo_static_index import (
    GivenArchive,
    Options,
    Report,
    promote_releases,
    specs_of,
)
from cargo_static_index.diagnostics.errors import InvalidInput, NotHeld, SettingsError, StoreError
from cargo_static_index.registry.archives import released_archives
from cargo_static_index.settings import Settings
from cargo_static_index.store import Put
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.layout import archive_file, metadata_file
from tests.cli.program import run
from tests.crates import crate
from tests.documents import hold_to_schema
from tests.registry.trees import cksum_of, line, tree_of
from tests.world import BASE, World

FOO, NEWER = crate("foo"), crate("foo", "1.1.0")
STAGING = "https://staging.example.com/"
LONG_AGO = "2020-02-02T02:02:02Z"


def add(world: World, *archives: GivenArchive) -> Report:
    report = Report()
    with world.opened(report) as registry:
        registry.add(archives)
    return report


@pytest.mark.parametrize("kind", ["bytes", "a path", "a stream"])
def test_an_archive_as_a_value_is_published_as_the_file_would_be(tmp_path: Path, kind: str) -> None:
    path = FOO.write(tmp_path)
    contents: dict[str, bytes | Path | BinaryIO] = {
        "bytes": FOO.build(),
        "a path": path,
        "a stream": io.BytesIO(FOO.build()),
    }
    as_file, as_value = World(tmp_path / "file"), World(tmp_path / "value")
    as_file.add(path)
    report = add(as_value, GivenArchive(content=contents[kind], name=path.name))
    assert [(each.source, each.status) for each in report.outcomes] == [(path.name, "published")]
    assert as_value.files() == as_file.files()


def test_it_keeps_the_time_and_the_yank_that_it_had_elsewhere(tmp_path: Path) -> None:
    world = World(tmp_path)
    add(world, GivenArchive(content=NEWER.build()), GivenArchive(content=FOO.build(), pubtime=LONG_AGO, yanked=True))
    lines = [(line["vers"], line["pubtime"], line["yanked"]) for line in world.lines("3/f/foo")]
    assert lines == [("1.0.0", LONG_AGO, True), ("1.1.0", "2026-01-01T00:00:00Z", False)]
    assert world.verified() == []


def test_what_is_wrong_with_a_value_is_said_as_of_a_file(tmp_path: Path) -> None:
    world = World(tmp_path)
    report = add(world, GivenArchive(content=b"", name="empty.crate"), GivenArchive(content=FOO.build()))
    assert [(each.source, each.status) for each in report.outcomes] == [
        ("empty.crate", "refused"),
        ("archive 1", "published"),
    ]
    with pytest.raises(InvalidInput, match="'yesterday' is no `pubtime`"):
        add(world, GivenArchive(content=NEWER.build(), pubtime="yesterday"))
    assert world.versions("3/f/foo") == ["1.0.0"]


def staging_and_target(folder: Path) -> tuple[World, World]:
    staging = World(folder / "staging", {"registry.base-url": STAGING, "registry.pages": False})
    needs = crate("bar").dependency("foo", "1.1", registry_index=f"sparse+{STAGING}index/")
    staging.put(FOO, NEWER, needs)
    assert staging.build().counts["published"] == 3
    staging.yank("foo@1.0.0")
    target = World(folder / "target", {"registry.pages": False})
    target.now += 3600
    target.build()
    return staging, target


def promoted(staging: World, target: World, *specs: str, settings: Settings | None = None) -> list[str]:
    report = Report()
    options = Options(now=target.now)
    left = promote_releases(staging.tree, specs_of(specs), settings or target.settings(), report, options)
    assert {each.status for each in report.outcomes} <= {"published", "unchanged"}
    return [f"{each.name} {each.version}: {each.needs} {each.requirement} {each.held}" for each in left]


def test_a_promoted_release_keeps_its_time_and_yank_and_what_it_needs_there_is_said(tmp_path: Path) -> None:
    staging, target = staging_and_target(tmp_path)
    assert promoted(staging, target, "bar", "foo@1.0.0") == ["bar 1.0.0: foo ^1.1 ('1.1.0',)"]
    (bar,) = target.lines("3/b/bar")
    (foo,) = target.lines("3/f/foo")
    assert (bar["pubtime"], bar["yanked"]) == ("2026-01-01T00:00:00Z", False)
    assert (foo["vers"], foo["yanked"]) == ("1.0.0", True)
    deps = bar["deps"]
    assert isinstance(deps, list)
    assert deps[0].get("registry") is None  # the source's URL means this registry now
    assert promoted(staging, target, "bar", "foo@1.1.0") == []
    assert target.verified() == []
    assert target.record()["aliases"] == [STAGING]


def test_what_is_not_at_the_source_and_a_target_that_is_not_there_are_said(tmp_path: Path) -> None:
    staging, target = staging_and_target(tmp_path)
    with pytest.raises(NotHeld, match=r"there is no release foo@9\.9\.9 to promote; held: 1\.0\.0, 1\.1\.0"):
        promoted(staging, target, "foo@9.9.9")
    empty = target.settings({"tree.path": tmp_path / "nothing"})
    with pytest.raises(SettingsError, match=r"there is no registry in .*nothing'; begin one with `build`"):
        promoted(staging, target, "foo@1.0.0", settings=empty)


def test_the_command_says_what_was_published_and_what_has_to_come_along(tmp_path: Path) -> None:
    staging, target = staging_and_target(tmp_path)
    arguments = (str(staging.tree), "bar@1.0.0", str(target.tree))
    before = target.files()
    assert "Would publish bar 1.0.0" in run("promote", *arguments, "-n", cwd=tmp_path).ok()
    assert target.files() == before
    ended = run("promote", *arguments, cwd=tmp_path)
    assert "Published bar 1.0.0" in ended.ok()
    assert f"bar 1.0.0 needs foo ^1.1, which {target.tree} lacks; {staging.tree} has 1.1.0: promote one as well" in (
        ended.err
    )
    assert json.loads(target.read("index/config.json"))["dl"].startswith(BASE)


def test_the_metadata_beside_an_archive_keeps_to_its_schema(tmp_path: Path) -> None:
    world = World(tmp_path)
    rich = crate("rich").readme("# Rich").vcs().dependency("serde", "1", optional=True).feature("x", ["dep:serde"])
    add(world, GivenArchive(content=rich.build()), GivenArchive(content=FOO.build()))
    for each in (rich, FOO):
        hold_to_schema("metadata", json.loads(world.read(metadata_file(each.name, each.cksum()))))


def test_archives_of_releases_come_with_their_names_times_and_yanks() -> None:
    store = tree_of({"foo": [line("foo", pubtime=LONG_AGO, yanked=True), line("foo", "1.1.0")]})
    store.apply([Put(path=archive_file("foo", cksum_of("foo", "1.0.0")), content=b"archive")])
    [found] = released_archives(store, specs_of(["foo@1.0.0"]))
    assert found == GivenArchive(content=b"archive", name="foo-1.0.0.crate", pubtime=LONG_AGO, yanked=True)
    with pytest.raises(StoreError) as caught:
        released_archives(store, specs_of(["foo"]))
    assert str(caught.value) == "the archive of foo 1.1.0 is missing at the source; `verify` it"


def test_an_archive_that_cannot_be_read_is_named_and_nothing_is_published(light: World, tree: MemoryStore) -> None:
    with pytest.raises(StoreError, match=r"nowhere\.crate: cannot read: "):
        add(light, GivenArchive(content=light.folder / "nowhere.crate"))
    assert not any(path.startswith("crates/") for path in tree.files)
