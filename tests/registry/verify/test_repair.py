"""Whatever one file of a tree suffers: who does what `verify` says has the tree that was, or is told what is lost."""

from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import StoreError
from tests.crates import crate
from tests.registry.verify.damages import (
    DAMAGES,
    Damage,
    Registry,
    damage,
    make_full_registry,
    make_registry,
    try_damages,
)
from tests.world import World

TOMBSTONES = "crates/bar/removed.json"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return make_registry(tmp_path_factory.mktemp("registry") / "here")


@pytest.mark.parametrize("how", DAMAGES, ids=lambda how: how.__name__)
def test_what_verify_says_mends_every_damage_of_one_file(registry: Registry, tmp_path: Path, how: Damage) -> None:
    wrong = {}
    for path in registry.records()[DAMAGES.index(how) % 2 :: 2]:
        if (content := how(registry, path)) != registry.sound[path]:
            wrong[path] = try_damages(registry, tmp_path / "copy", {path: content})
    assert len(wrong) > 2
    assert {path: says for path, says in wrong.items() if says} == {}


def test_what_verify_says_mends_damages_of_all_kinds_of_files(tmp_path: Path) -> None:
    registry = make_full_registry(tmp_path / "here")
    wrong = {}
    for number, path in enumerate(registry.of_each_kind(1)[::11]):  # `tests.registry.verify.damages` tries all
        how = DAMAGES[number % len(DAMAGES)]
        if (content := how(registry, path)) != registry.sound[path]:
            wrong[path] = try_damages(registry, tmp_path / "copy", {path: content})
    assert len(wrong) > 9
    assert {path: says for path, says in wrong.items() if says} == {}


CHANGED_BYTES = [
    ("tree.json", b'"aliases"', b'"al)ases"'),
    ("tree.json", b'"tombstones": "', b'"tombstones": " '),
    ("tree.json", b'"mode"', b'"mo\xe4e"'),
    (TOMBSTONES, b'"cksum"', b'"cksuM"'),
    (TOMBSTONES, b'"0.1.0"', b'"0.1,0"'),
    (TOMBSTONES, b'"when": "2026-01-04', b'"when": "2026-01-05'),
    ("index/3/b/bar", b'"yanked":true', b'"ycnked":true'),
    ("index/3/b/bar", b'"yanked":true', b'"ya\xeeked":true'),
    ("index/3/b/bar", b'"optional"', b'"optio\xeeal"'),
    ("index/3/b/bar", b'"name":"bar"', b'"name":"bas"'),
    ("index/3/f/foo", b'"features"', b'"featurds"'),
    ("crates/bar/index.json", b'"edition":"2021"', b'"edition":"2023"'),
    ("crates/bar/index.json", b'"homepage"', b'"homepagd"'),
    ("pages.json", b'"digest"', b'"digesu"'),
]
"""Bytes that a reader could pass over, or that nothing in the tree depends on."""


def changed(registry: Registry, path: str, was: bytes, now: bytes) -> dict[str, bytes]:
    """Give the damage that makes one file say something else in one place."""
    assert was in registry.sound[path]
    return {path: registry.sound[path].replace(was, now, 1)}


@pytest.mark.parametrize(("path", "was", "now"), CHANGED_BYTES)
def test_a_changed_byte_that_a_reader_could_pass_over_is_mended(
    registry: Registry, tmp_path: Path, path: str, was: bytes, now: bytes
) -> None:
    assert try_damages(registry, tmp_path / "copy", changed(registry, path, was, now)) == ""


FOO, BAR = "index/3/f/foo", "index/3/b/bar"
IN_TWO_INDEX_FILES = [
    ((FOO, b'"yanked":true', b'"y\xe1nked":true'), (BAR, b'"optional"', b'"optio\xeeal"')),
    ((FOO, b'"features"', b'"featurds"'), (BAR, b'"features"', b'"featurds"')),
    ((FOO, b'"vers":"1.0.0"', b'"vers":"1.2.0"'), (BAR, b'{"name"', b'{*name"')),
]
"""What the lists of releases tell of one of them, of none, and what makes one line look like another's archive's."""


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
@pytest.mark.parametrize(("one", "other"), IN_TWO_INDEX_FILES)
def test_two_damaged_index_files_are_both_mended(
    registry: Registry,
    tmp_path: Path,
    one: tuple[str, bytes, bytes],
    other: tuple[str, bytes, bytes],
    known: bool,
) -> None:
    changes = changed(registry, *one) | changed(registry, *other)
    assert try_damages(registry, tmp_path / "copy", changes, known=known) == ""


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_a_changed_tombstone_is_put_back_before_pages_show_it(registry: Registry, tmp_path: Path, known: bool) -> None:
    changes = changed(registry, TOMBSTONES, b'"when": "2026-01-04', b'"when": "2026-01-05')
    changes["crates/foo/index.json"] = registry.sound["crates/foo/index.json"][:700]
    assert try_damages(registry, tmp_path / "copy", changes, known=known) == ""


def test_the_pass_that_touches_a_crate_mends_what_its_index_file_says_of_others(
    registry: Registry, tmp_path: Path
) -> None:
    world = registry.copy(tmp_path / "copy")
    [(path, content)] = changed(registry, BAR, b'"features"', b'"featurds"').items()
    damage(world, path, content)
    world.put(crate("bar", "0.4.0"))
    assert "The index file of bar was damaged: what it said was put back." in world.build().notes
    assert world.read(BAR).startswith(registry.sound[BAR])
    assert world.verified() == []


def test_what_nothing_tells_of_an_index_file_is_said_by_its_name(registry: Registry, tmp_path: Path) -> None:
    world = registry.copy(tmp_path / "copy")
    with (world.tree / FOO).open("ab") as file:
        file.write(b'{"of":"another tool"}\n')
    world.put(crate("foo", "3.0.0"))
    assert [each for each in world.build().notes if "of foo was changed or damaged, and nothing tells" in each]
    assert world.verified()[0].id == "line-unreadable"
    assert world.versions("3/f/foo")[-1] == "3.0.0"


def test_an_index_file_is_mended_by_what_the_pages_show_where_tree_json_is_older(
    registry: Registry, tmp_path: Path
) -> None:
    path = "index/3/b/bar"
    changes = {
        path: registry.sound[path].replace(b'"features"', b'"featurds"', 1),
        "tree.json": registry.earlier["tree.json"],
    }
    assert try_damages(registry, tmp_path / "copy", changes) == ""


OTHERS = [each for each in DAMAGES if each.__name__ != "older"]
"""What was removed was removed a change ago, too."""


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
@pytest.mark.parametrize("how", OTHERS, ids=lambda how: how.__name__)
def test_lost_or_changed_tombstones_are_put_back_by_the_pass_that_touches_the_crate(
    registry: Registry, tmp_path: Path, how: Damage, known: bool
) -> None:
    world = registry.copy(tmp_path / "copy")
    if not known:
        world.forget()
    damage(world, TOMBSTONES, how(registry, TOMBSTONES))
    world.put(crate("bar", "0.4.0"))
    report = world.build()
    assert world.versions("3/b/bar") == ["0.2.0", "0.3.0", "0.4.0"]
    assert world.read(TOMBSTONES) == registry.sound[TOMBSTONES]
    assert [each for each in report.notes if "0.1.0 was removed of bar was put back" in each]
    assert world.verified() == []


def without_pages(registry: Registry, folder: Path) -> World:
    """Give a copy of which nothing but the tombstones themselves knows what was removed."""
    world = registry.copy(folder)
    world.forget()
    world.options["registry.pages"] = False
    (world.tree / "crates/bar/index.json").unlink()
    return world


@pytest.mark.parametrize("how", [each for each in OTHERS if each.__name__ != "lost"], ids=lambda how: how.__name__)
def test_tombstones_that_nobody_knows_are_told_of_and_stop_no_other_crate(
    registry: Registry, tmp_path: Path, how: Damage
) -> None:
    world = without_pages(registry, tmp_path / "copy")
    damage(world, TOMBSTONES, how(registry, TOMBSTONES))
    world.put(crate("bar", "0.4.0"), crate("foo", "3.0.0"))
    if how.__name__ == "flipped":
        assert [each for each in world.build().notes if "are lost or changed, and nothing tells which" in each]
    else:
        with pytest.raises(StoreError, match=r"bar/removed.json: .* bring it back from a backup"):
            world.build()
        assert world.versions("3/b/bar") == ["0.2.0", "0.3.0"]
    assert world.versions("3/f/foo")[-1] == "3.0.0"
    assert "tombstones-lost" in {finding.id for finding in world.verified(fix=True) if not finding.fixed}
    (world.tree / TOMBSTONES).write_bytes(registry.sound[TOMBSTONES])
    assert world.verified() == []


def test_lost_tombstones_that_nobody_knows_are_told_of_until_rebuild_takes_the_tree_as_it_is(
    registry: Registry, tmp_path: Path
) -> None:
    world = without_pages(registry, tmp_path / "copy")
    (world.tree / TOMBSTONES).unlink()
    (world.drop / "bar-0.1.0.crate").unlink()
    assert [each for each in world.build().notes if "are lost or changed, and nothing tells which" in each]
    [told] = world.verified()
    assert (told.id, told.path) == ("tombstones-lost", "tree.json")
    assert "tree.json counts 1 releases that were removed" in told.message
    with world.opened() as opened:
        opened.rebuild()
    assert world.verified() == []


def test_metadata_of_which_no_line_can_be_made_is_mended_as_what_cannot_be_read_is(
    registry: Registry, tmp_path: Path
) -> None:
    of_bar = (path for path in registry.records() if path.startswith("crates/bar/") and path.endswith(".json"))
    path = next(path for path in of_bar if b'"sparse+https:' in registry.sound[path] and "index" not in path)
    damaged = changed(registry, path, b"sparse+https:", b"sparse+httpsz")
    assert try_damages(registry, tmp_path / "copy", damaged) == ""
    assert (
        try_damages(registry, tmp_path / "copy", damaged | changed(registry, BAR, b'"optional"', b'"opt\xeeonal"'))
        == ""
    )
