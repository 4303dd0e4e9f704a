"""What arrives, published: which line is written, where it stands, and what is refused beside what is held."""

from pathlib import Path

import msgspec
import pytest

from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.registry.events import Report
from cargo_static_index.store import Put
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.layout import archive_file, tombstones_file
from cargo_static_index.tree.read import read_index
from tests.crates import crate
from tests.registry.outcomes import only, rules, status, told
from tests.stores import Interrupted
from tests.world import BASE, DAY, World


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


def test_restore_lifts_only_the_tombstone_of_what_comes_back(world: World) -> None:
    (path, _) = world.put(crate("foo"), crate("foo", "1.1.0"))
    world.build()
    world.remove("foo")
    world.add(path, restore=True)
    stones = msgspec.json.decode(world.read("crates/foo/removed.json"))["removed"]
    assert [each["vers"] for each in stones] == ["1.1.0"]
    assert world.versions("3/f/foo") == ["1.0.0"]


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


def test_a_crate_whose_tombstones_cannot_be_read_waits_and_stops_no_other(light: World, tree: MemoryStore) -> None:
    light.put(crate("foo"))
    light.build()
    light.remove("foo")
    light.forget()
    path = tombstones_file("foo")
    before = tree.files[path]
    tree.apply([Put(path=path, content=b"{")])
    light.put(crate("bar"))
    report = Report()
    with pytest.raises(StoreError, match=r"foo/removed\.json: "), light.opened(report) as registry:
        registry.build()
    assert status(report) == {"foo 1.0.0": "waiting", "bar 1.0.0": "published"}
    tree.apply([Put(path=path, content=before)])
    assert told(light.build()) == {"foo 1.0.0": ["removed-release"]}


def test_who_was_forestalled_plans_the_crate_again(tmp_path: Path, tree: MemoryStore) -> None:
    between = Interrupted(tree, -1)
    world = World(tmp_path, {"registry.pages": False}, between)
    world.build()
    other = World(tmp_path / "other", {"registry.pages": False}, MemoryStore())
    other.put(crate("foo", "1.1.0"), crate("foo", "1.2.0"))
    other.build()
    index = other.store.read("index/3/f/foo") if other.store else None
    assert index is not None
    paths = world.put(crate("foo"), crate("foo", "1.1.0").file("src/other.rs"))
    with world.opened(report := Report()) as registry:
        registry.take()
        between.happens = lambda: tree.apply([Put(path="index/3/f/foo", content=index.content)])
        between.left = 2 * len(paths)  # archives and metadata come first
        registry.add(paths)
    assert {each.vers: each.status for each in report.outcomes} == {"1.0.0": "published", "1.1.0": "refused"}
    assert [line.vers for line in read_index(tree, "foo").value.releases] == ["1.0.0", "1.1.0", "1.2.0"]
    refused = next(each for each in report.outcomes if each.status == "refused")
    assert tree.read(archive_file("foo", refused.cksum)) is None, "what came in vain is gone"
