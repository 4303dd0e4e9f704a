"""Lines that an index file lost come back: what the state and the crate's own document know is published stays so."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cargo_static_index.registry.events import Report
from tests.crates import crate
from tests.world import DAY, World

FOO = "index/3/f/foo"

Damage = Callable[[bytes], bytes | None]


def cut(content: bytes) -> bytes:
    return content[:-40]


def emptied(content: bytes) -> bytes:
    del content
    return b""


def gone(content: bytes) -> None:
    del content


def first_line_only(content: bytes) -> bytes:
    return content.splitlines(keepends=True)[0]


def unyanked(content: bytes) -> bytes:
    return content.replace(b'"yanked":true', b'"yanked":false')


def other_checksum(content: bytes) -> bytes:
    start = content.index(b'"cksum":"') + 9
    return content[:start] + (b"1" if content[start : start + 1] == b"0" else b"0") + content[start + 1 :]


def other_version(content: bytes) -> bytes:
    return content.replace(b'"vers":"1.0.0"', b'"vers":"1.0.5"')


def broken(content: bytes) -> bytes:
    return content.replace(b'"name":"foo"', b'"name":"foo')


def joined(content: bytes) -> bytes:
    return content.replace(b"}\n{", b"}{")


DAMAGES: tuple[Damage, ...] = (
    *(cut, emptied, gone, first_line_only, unyanked, other_checksum, other_version, broken, joined),
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A tree of three releases of foo, of which the second is yanked, and a crate beside it."""
    here = World(tmp_path_factory.mktemp("template"), {"tree.flush": False})
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        here.put(crate("foo", version))
        here.build()
        here.now += DAY
    here.put(crate("bar"))
    here.build()
    here.yank("foo@1.1.0")
    return here


@pytest.fixture
def world(template: World, tmp_path: Path) -> World:
    here = World(shutil.copytree(template.folder, tmp_path / "here"), template.options)
    here.now = template.now
    return here


def damage(world: World, how: Damage) -> None:
    path = world.tree / FOO
    content = how(path.read_bytes())
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


@pytest.mark.parametrize("how", DAMAGES, ids=lambda how: how.__name__)
def test_a_pass_that_touches_a_crate_puts_its_lines_back_and_says_so(world: World, how: Damage) -> None:
    before = world.files()
    damage(world, how)
    report = world.add(*world.put(crate("foo")))
    assert any("were put back" in text for text in report.notes)
    assert world.files() == before


@pytest.mark.parametrize("how", DAMAGES, ids=lambda how: how.__name__)
def test_without_a_state_the_crates_own_document_tells(world: World, how: Damage) -> None:
    before = world.files()
    damage(world, how)
    world.forget()
    report = world.build()
    assert any("were put back" in text for text in report.notes)
    assert world.files() == before


@pytest.mark.parametrize("how", DAMAGES, ids=lambda how: how.__name__)
def test_yanking_puts_back_what_was_lost_first(world: World, how: Damage) -> None:
    damage(world, how)
    world.yank("foo@1.2.0")
    assert [line["yanked"] for line in world.lines("3/f/foo")] == [False, True, True]
    assert world.verified() == []


def test_what_was_removed_does_not_come_back(world: World) -> None:
    world.remove("foo@1.0.0")
    before = world.files()
    damage(world, gone)
    world.add(*world.put(crate("foo", "1.2.0")))
    assert world.files() == before


def test_a_line_whose_metadata_and_archive_are_lost_too_is_told_with_all_that_is_known_of_it(world: World) -> None:
    cksum = crate("foo", "1.1.0").cksum()
    damage(world, gone)
    for ending in ("crate", "json"):
        (world.tree / f"crates/foo/{cksum}.{ending}").unlink()
    report = world.add(*world.put(crate("foo")))
    assert [text for text in report.notes if cksum in text and "and yanked" in text and "2026-01-02" in text]
    assert world.versions("3/f/foo") == ["1.0.0", "1.2.0"]


def test_a_line_without_metadata_is_made_from_its_archive(world: World) -> None:
    before = world.files()
    damage(world, gone)
    metadata = world.tree / f"crates/foo/{crate('foo', '1.1.0').cksum()}.json"
    kept = metadata.read_bytes()
    metadata.unlink()
    world.add(*world.put(crate("foo")))
    metadata.write_bytes(kept)
    assert world.files() == before


def test_an_archive_and_its_metadata_alone_prove_nothing(world: World) -> None:
    damage(world, gone)
    (world.tree / "crates/foo/index.json").unlink()
    world.forget()
    report = Report()
    with world.opened(report):
        pass
    assert not (world.tree / FOO).exists()
    assert json.loads((world.tree / "tree.json").read_text())["lost"] == 3


def test_lines_of_others_stay(world: World) -> None:
    path = world.tree / FOO
    foreign = b'{"name":"foo","vers":"9.0.0","odd":true}\n'
    path.write_bytes(foreign + path.read_bytes())
    world.forget()
    world.build()
    damage(world, lambda content: content.splitlines(keepends=True)[0])
    world.add(*world.put(crate("foo")))
    assert path.read_bytes().startswith(foreign)
    assert len(path.read_bytes().splitlines()) == 4


def test_a_lost_archive_comes_back_from_the_drop_directory_and_is_called_restored(world: World) -> None:
    before = world.files()
    path = world.tree / f"crates/foo/{crate('foo').cksum()}.crate"
    path.unlink()
    (found,) = world.verified(fix=True)
    assert (found.id, found.fixed) == ("archive-missing", True)
    assert world.files() == before
    path.unlink()
    assert [outcome.status for outcome in world.add(*world.put(crate("foo"))).outcomes] == ["restored"]
    path.unlink()
    world.forget()
    assert [outcome.vers for outcome in world.build().of("restored")] == ["1.0.0"]
    assert world.files() == before


def test_other_bytes_in_the_drop_directory_are_not_taken_for_a_lost_archive(world: World) -> None:
    (world.tree / f"crates/foo/{crate('foo').cksum()}.crate").unlink()
    (world.drop / "foo-1.0.0.crate").write_bytes(crate("foo").readme("# Other").build())
    (found,) = world.verified(fix=True)
    assert (found.id, found.fixed) == ("archive-missing", False)
