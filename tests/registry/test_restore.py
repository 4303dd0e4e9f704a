"""Lines that an index file lost come back: what the state and the crate's own document know is published stays so."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cargo_static_index.registry.drop import Drop
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.restore import (
    missing_digests,
    put_back_archive,
    restore_index,
    rival_of,
    set_lines_right,
    trust_last_record,
)
from cargo_static_index.store import Delete, Put
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.documents import Delta, TreeRecord, format_document
from cargo_static_index.tree.layout import RECORD, archive_file, version_address
from cargo_static_index.tree.read import read_index
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


# Asked by themselves, of trees in memory without pages


def rewritten(tree: MemoryStore, was: bytes, now: bytes) -> None:
    """Change foo's index file in one place."""
    assert was in tree.files[FOO]
    tree.apply([Put(path=FOO, content=tree.files[FOO].replace(was, now, 1))])


def lines_of(tree: MemoryStore) -> list[tuple[str, str]]:
    return [(line.vers, line.cksum) for line in read_index(tree, "foo").value.releases]


@pytest.mark.parametrize("damage", ["its version", "its checksum", "nothing"])
def test_a_line_is_set_right_by_the_archive_that_it_names(light: World, tree: MemoryStore, damage: str) -> None:
    foo = crate("foo")
    light.put(foo)
    light.build()
    before = tree.files[FOO]
    changed = other_version(before) if damage == "its version" else other_checksum(before)
    with light.transaction(report := Report()) as transaction:
        tree.apply([Put(path=FOO, content=before if damage == "nothing" else changed)])
        set_lines_right(transaction)
        assert tree.files[FOO] == before
    said = ["The index file of foo was damaged: the lines of 1.0.0 were put back."]
    assert report.notes == ([] if damage == "nothing" else said)


def test_a_line_with_another_checksum_altogether_is_not_set_right(light: World, tree: MemoryStore) -> None:
    foo = crate("foo")
    light.put(foo)
    light.build()
    before = tree.files[FOO]
    other = hashlib.sha256(b"another archive").hexdigest()
    with light.transaction() as transaction:
        rewritten(tree, foo.cksum().encode(), other.encode())
        set_lines_right(transaction)
        assert lines_of(tree) == [("1.0.0", other)]
        tree.apply([Put(path=FOO, content=before)])


def test_an_archive_has_a_rival_where_a_line_of_its_release_names_one_that_is_not_there(
    light: World, tree: MemoryStore
) -> None:
    foo = crate("foo")
    light.put(foo)
    light.build()
    assert rival_of(tree, "foo", foo.cksum()) is None, "the line names this one"
    assert rival_of(tree, "foo", "0" * 64) is None, "nothing is known of it"
    tree.apply([Put(path=FOO, content=other_checksum(tree.files[FOO]))])
    found = rival_of(tree, "foo", foo.cksum())
    assert found is not None
    assert (found.is_near, found.line.vers) == (True, "1.0.0")
    tree.apply([Put(path=archive_file("foo", foo.cksum()), content=b"damaged")])
    assert rival_of(tree, "foo", foo.cksum()) is None, "it is not whole itself"


def test_an_archive_comes_back_from_a_file_with_its_bytes_and_from_no_other(light: World, tree: MemoryStore) -> None:
    foo = crate("foo")
    [dropped] = light.put(foo)
    light.build()
    path = archive_file("foo", foo.cksum())
    drop, content = Drop(path=light.drop), foo.build()
    with light.transaction() as transaction:
        assert not put_back_archive(transaction, archive_file("foo", "0" * 64), drop), "no line names it"
        tree.apply([Delete(path=path)])
        dropped.write_bytes(b"other bytes")
        assert not put_back_archive(transaction, path, drop)
        tree.apply([Put(path=version_address("foo", "1.0.0"), content=content)])
        assert put_back_archive(transaction, path, drop)
        assert tree.files[path] == content
        tree.apply([Delete(path=version_address("foo", "1.0.0")), Delete(path=path)])
        dropped.write_bytes(content)
        assert put_back_archive(transaction, path, drop)
    assert tree.files[path] == content


def test_a_lost_tree_json_is_believed_as_it_was_only_where_the_state_makes_the_very_index(
    light: World, tree: MemoryStore
) -> None:
    light.put(crate("foo"), crate("foo", "1.1.0"))
    light.build()
    record, index = tree.files[RECORD], tree.files[FOO]
    tree.apply([Delete(path=RECORD), Put(path=FOO, content=first_line_only(index))])
    light.build()
    assert (tree.files[RECORD], tree.files[FOO]) == (record, index), "what the index lost is known"
    other = World(light.folder / "other", {"registry.pages": False, "registry.mode": "registry"}, tree.seen_elsewhere())
    other.put(crate("bar"))
    other.build()
    after = tree.files[RECORD]
    tree.apply([Delete(path=RECORD)])
    light.build(options={"registry.mode": "registry"})
    assert tree.files[RECORD] == after, "others changed the tree since: it is counted anew"


@pytest.mark.parametrize("record", [b"{", None])
def test_where_tree_json_cannot_be_read_and_there_are_no_pages_nothing_tells_what_is_missing(
    record: bytes | None,
) -> None:
    store = MemoryStore({RECORD: record} if record else {})
    assert missing_digests(store, Delta(digest=5)) == (frozenset() if record else frozenset({2**256 - 5}))
    whole = MemoryStore({RECORD: format_document(TreeRecord().counting(Delta(digest=5)))})
    assert missing_digests(whole, Delta(digest=5)) is None
    assert missing_digests(whole, Delta(digest=2)) == frozenset({3})


def test_what_another_tool_says_beside_stays_and_is_no_damage(light: World, tree: MemoryStore) -> None:
    light.put(crate("foo"))
    light.build()
    before = tree.files[FOO]
    with light.transaction(report := Report()) as transaction:
        rewritten(tree, b'"features":{}', b'"features":{},"x":1')
        restore_index(transaction)
        assert b'"x":1' in tree.files[FOO]
        tree.apply([Put(path=FOO, content=before)])
    assert report.notes == []


def test_without_a_last_record_there_is_nothing_to_trust(light: World) -> None:
    with light.transaction() as transaction:
        transaction.in_doubt = True
        trust_last_record(transaction)
        assert transaction.in_doubt
        transaction.in_doubt = False
