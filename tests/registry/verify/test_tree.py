"""Every fault that a tree can have is found, said in a sentence, and mended where that changes no release."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.diagnostics.problems import Finding
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import verify_registry
from cargo_static_index.registry.verify.work import Work
from cargo_static_index.store.local.store import LocalStore
from tests.crates import crate
from tests.registry.verify.sound import FOO, INDEX, archive, metadata, remove, swap, told, write
from tests.world import World


@pytest.mark.parametrize("quick", [False, True])
def test_a_sound_tree_has_no_findings_whatever_was_done_to_it(world: World, quick: bool) -> None:
    assert world.verified(quick=quick) == []
    world.yank("foo@1.0.0")
    world.remove("foo@1.1.0")
    assert world.verified(quick=quick) == []
    world.add(world.drop / "foo-1.1.0.crate", restore=True)
    world.options["registry.base-url"] = "https://moved.example/"
    world.build(move=True)
    assert world.verified(quick=quick) == []


def test_looking_changes_nothing_and_waits_for_nobody(world: World) -> None:
    (world.tree / archive()).unlink()
    before = world.files()
    shutil.rmtree(world.state)
    work = Work(rest=lambda _: None)  # whoever has the tree open may be about to write what is missing
    with LocalStore(world.tree).session():
        assert len(list(verify_registry(world.settings(), Report(), Options(now=world.now), work=work))) == 1
    assert world.files() == before
    assert not world.state.exists()


def test_an_empty_folder_is_no_registry(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert told(world.verified()) == [
        ("config-wrong", "index/config.json", "There is no config.json, so cargo cannot use the registry.")
    ]


# --- what is found, and what is mended


STRAY = "ab" * 32

MENDED: dict[str, tuple[Callable[[World], object], str, str, str]] = {
    "facts gone": (remove(metadata()), "metadata-missing", metadata(), "The metadata of foo 1.0.0 is not there."),
    "facts of another schema": (
        write(metadata(), b'{"schema": 2}'),
        "metadata-wrong",
        metadata(),
        "The metadata of foo 1.0.0 is not what its archive says.",
    ),
    "facts that say something else": (
        swap(metadata(), b"# Foo", b"# Fox"),
        "metadata-wrong",
        metadata(),
        "The metadata of foo 1.0.0 is not what its archive says.",
    ),
    "an archive that no line names": (
        write(f"crates/foo/{STRAY}.crate", b"x"),
        "file-unnamed",
        f"crates/foo/{STRAY}.crate",
        "No line of foo names this archive.",
    ),
    "facts that no line names": (
        write(f"crates/gone/{STRAY}.json", b"x"),
        "file-unnamed",
        f"crates/gone/{STRAY}.json",
        "No line of gone names this metadata.",
    ),
}


@pytest.mark.parametrize("name", MENDED)
def test_what_can_be_mended_is_found_and_mended(world: World, name: str) -> None:
    damage, kind, path, message = MENDED[name]
    before = world.files()
    damage(world)
    (found,) = world.verified()
    assert told([found]) == [(kind, path, message)]
    assert (found.level, found.fixed) == ("error", False)
    (mended,) = world.verified(fix=True)
    assert told([mended]) == told([found])
    assert mended.fixed
    assert world.files() == before
    assert world.verified() == []


LEFT: dict[str, tuple[Callable[[World], object], list[tuple[str, str, str]]]] = {
    "archive gone": (remove(archive()), [("archive-missing", archive(), "The archive of foo 1.0.0 is not there.")]),
    "archive elsewhere": (
        write("crates/foo/foo-1.0.0.crate", b"x"),
        [("file-stray", "crates/foo/foo-1.0.0.crate", "This archive lies where no line can name it.")],
    ),
    "a file of others": (
        write("crates/foo/notes.tmp", b"x"),
        [("file-stray", "crates/foo/notes.tmp", "This is neither an archive, nor metadata, nor a page.")],
    ),
    "index file elsewhere": (
        write("index/fo/o/foo", b""),
        [("file-stray", "index/fo/o/foo", "This is no crate's index file: cargo never asks for it.")],
    ),
    "tombstones that cannot be read": (
        write("crates/bar/removed.json", b"{}"),
        [
            (
                "tombstones-unreadable",
                "crates/bar/removed.json",
                (
                    "crates/bar/removed.json: not a document of tombstones: Object missing required field `name`; "
                    "bring it back from a backup, for without it removed releases can come back."
                ),
            )
        ],
    ),
}


@pytest.mark.parametrize("name", LEFT)
def test_what_only_a_person_can_mend_is_found_and_left(world: World, name: str) -> None:
    damage, expected = LEFT[name]
    shutil.rmtree(world.drop)  # where a lost archive could be taken from
    world.drop.mkdir()
    damage(world)
    after = world.files()
    assert told(world.verified()) == expected
    if name != "tombstones that cannot be read":
        assert [each.fixed for each in world.verified(fix=True)] == [False] * len(expected)
    assert world.files() == after
    assert all(each.way_out for each in world.verified())


def test_strays_are_told_in_the_order_of_their_paths(world: World) -> None:
    strays = ["a.crate", "crates/foo/notes.tmp", "crates/loose.crate", "index/fo/o/foo", "z.crate"]
    for path in strays:
        write(path, b"")(world)
    found = [finding.path for finding in world.verified() if finding.id == "file-stray"]
    assert found == ["index/fo/o/foo", *(path for path in strays if not path.startswith("index/"))]


# --- lines that were lost


def lose(world: World) -> None:
    """Lose an index file, and all that knows what stood in it."""
    (world.tree / INDEX).unlink()
    (world.tree / "crates/foo/index.json").unlink()
    world.forget()


def test_what_lost_lines_named_is_kept_until_somebody_says_that_it_may_go(world: World) -> None:
    shutil.rmtree(world.drop)
    world.drop.mkdir()
    before = world.files()
    lose(world)
    for _ in range(2):
        found = {each.path: each for each in world.verified(fix=True)}
        assert not found[archive()].fixed
        assert not any(each.fixed for each in found.values() if each.id == "record-wrong")
        assert "Bring the index file back from a backup, or `add` the archive" in found[archive()].way_out
    kept = [path for path in before if path.startswith("crates/foo/") and path.endswith(".crate")]
    assert all((world.tree / path).exists() for path in kept)
    world.add(*(world.tree / path for path in kept))
    assert sorted(world.versions("3/f/foo")) == ["1.0.0", "1.1.0"]
    world.verified(fix=True)
    assert world.verified() == []


def test_an_index_that_lost_lines_is_taken_as_it_is_only_with_a_word(world: World) -> None:
    lose(world)
    told = "The index lost the lines of releases that nobody removed: 2 of them."
    shutil.rmtree(world.drop)
    world.drop.mkdir()
    for _ in range(2):  # and a pass makes nobody forget
        shutil.rmtree(world.state, ignore_errors=True)
        (warning,) = world.build().notes
        assert warning.startswith(f"{told} Bring index files back from a backup")
        assert not any(each.fixed for each in world.verified(fix=True) if each.id == "file-unnamed")
    report = Report()
    with world.opened(report) as registry:
        registry.rebuild()
    assert f"{told} The index counts as it stands now." in report.notes
    assert world.build().notes == []
    assert {each.id for each in world.verified(fix=True) if each.fixed} == {"file-unnamed"}
    assert world.verified() == []


def test_lines_that_come_back_are_lost_no_more(world: World) -> None:
    before = world.files()
    lines = world.read(INDEX)
    shutil.rmtree(world.drop)
    world.drop.mkdir()
    lose(world)
    assert world.build().notes
    (world.tree / INDEX).write_bytes(lines)
    shutil.rmtree(world.state)
    assert world.build().notes == []
    assert world.files() == before


def test_a_removal_that_broke_off_loses_no_lines(world: World) -> None:
    kept = world.files()
    world.remove("foo@1.0.0")
    removed = world.files()
    for path in (archive(), archive().removesuffix(".crate") + ".json", "tree.json"):
        (world.tree / path).write_bytes(kept[path])
    report = world.build()
    assert report.notes == ["The removal of foo 1.0.0, which had broken off, is finished."]
    assert world.files() == removed


def test_a_removal_that_did_not_come_to_the_line_explains_no_other_line(world: World) -> None:
    shutil.rmtree(world.drop)
    world.drop.mkdir()
    kept = world.files()
    world.remove("foo@1.0.0")
    for path in (INDEX, archive(), archive().removesuffix(".crate") + ".json", "tree.json"):
        (world.tree / path).write_bytes(kept[path])
    (world.tree / "index/3/b/bar").unlink()
    (world.tree / "crates/bar/index.json").unlink()
    world.forget()
    warning, finished = sorted(world.build().notes)
    assert finished == "The removal of foo 1.0.0, which had broken off, is finished."
    assert warning.startswith("The index lost the lines of releases that nobody removed: 1 of them.")


def test_what_was_removed_goes_though_lines_are_lost(world: World) -> None:
    kept = world.read(archive())
    world.remove("foo@1.0.0")
    (world.tree / archive()).write_bytes(kept)
    (world.tree / "index/3/b/bar").unlink()
    (world.tree / "crates/bar/index.json").unlink()
    world.forget()
    found = {each.path: each for each in world.verified(fix=True)}
    assert found["crates/foo/removed.json"].fixed
    assert not (world.tree / archive()).exists()
    assert not found[archive("bar")].fixed


# --- the tree as a whole


def test_a_record_that_does_not_sum_up_the_index_is_found_and_counted_anew(world: World) -> None:
    before = world.files()
    swap("tree.json", b'"releases": 3', b'"releases": 4')(world)
    (found,) = world.verified()
    assert (found.id, found.path) == ("record-wrong", "tree.json")
    assert found.message.startswith("tree.json says 2 crates, 4 releases and digest ")
    (mended,) = world.verified(fix=True)
    assert mended.fixed
    assert world.files() == before


def test_an_index_file_that_somebody_changed_shows_in_the_digest(world: World) -> None:
    swap(INDEX, b'"yanked":false', b'"yanked":true')(world)
    assert [each.id for each in world.verified()] == ["lines-lost", "record-wrong", "page-wrong"]


@pytest.mark.parametrize("content", [b"{", b'{"dl": "https://elsewhere.example"}'])
def test_a_config_that_does_not_lead_here_is_found(world: World, content: bytes) -> None:
    write("index/config.json", content)(world)
    assert [each.id for each in world.verified()] == ["config-wrong"]


def test_a_record_of_a_newer_format_is_found_and_never_touched(world: World) -> None:
    content = b'{"format": 9, "needs": "4.0.0"}'
    write("tree.json", content)(world)
    (found,) = world.verified()
    assert (
        found.message == "the tree has format 9, and this version reads up to 2; use cargo-static-index 4.0.0 or later."
    )
    with pytest.raises(SettingsError):
        world.verified(fix=True)
    assert world.read("tree.json") == content


@pytest.mark.parametrize("lifted", [False, True])
def test_a_removal_or_restoration_that_broke_off_is_found_and_finished(world: World, lifted: bool) -> None:
    stone = {"vers": "1.0.0", "cksum": FOO.cksum()} | ({"lifted": True} if lifted else {})
    document = {"schema": 1, "name": "foo", "removed": [stone]}
    write("crates/foo/removed.json", json.dumps(document).encode())(world)
    (found,) = world.verified()
    was = "brought back" if lifted else "removed"
    message = f"foo 1.0.0 was {was}, but not wholly."
    assert told([found]) == [("removal-unfinished", "crates/foo/removed.json", message)]
    shutil.rmtree(world.state)
    assert world.verified(fix=True)[0].fixed
    assert world.versions("3/f/foo") == (["1.0.0", "1.1.0"] if lifted else ["1.1.0"])
    assert (world.tree / archive()).exists() is lifted
    assert world.verified() == []
    world.put(crate("FOO", "9.0.0"))
    assert "name-collision" in [each.rule for out in world.build().of("refused") for each in out.problems]


def test_what_removals_left_is_told_release_by_release_and_deleted(world: World) -> None:
    kept = world.files()
    world.remove("foo")
    removed = world.files()
    left = [path for path in kept if path.startswith("crates/foo/") and len(Path(path).stem) == 64]
    assert len(left) == 4
    for path in left:
        (world.tree / path).write_bytes(kept[path])
    stones = "crates/foo/removed.json"
    for found in (world.verified(), world.verified(quick=True), world.verified(fix=True)):
        assert told(found) == [
            ("removal-unfinished", stones, "foo 1.0.0 was removed, but not wholly."),
            ("removal-unfinished", stones, "foo 1.1.0 was removed, but not wholly."),
        ]
    assert all(each.fixed for each in found)
    assert world.files() == removed


def test_what_is_being_brought_back_is_no_removal_that_broke_off(world: World) -> None:
    kept = world.files()
    world.remove("foo@1.0.0")
    (world.tree / archive()).write_bytes(kept[archive()])
    swap("crates/foo/removed.json", b'"vers": "1.0.0"', b'"lifted": true, "vers": "1.0.0"')(world)
    assert told(world.verified()) == [("file-unnamed", archive(), "No line of foo names this archive.")]


def other_checksum(path: str, cksum: str, digits: int) -> Callable[[World], object]:
    """Have the line of a checksum say another one that differs in so many digits."""
    other = "".join("1" if digit == "0" else "0" for digit in cksum[:digits]) + cksum[digits:]
    return swap(path, cksum.encode(), other.encode())


@pytest.mark.parametrize("quick", [False, True])
def test_a_line_with_a_damaged_checksum_is_set_right_by_the_archive_that_is_there(world: World, quick: bool) -> None:
    before = world.files()
    other_checksum(INDEX, FOO.cksum(), 2)(world)
    (world.tree / "crates/foo/index.json").unlink()
    world.forget()
    found = {each.id: each for each in world.verified(quick=quick)}
    assert found["line-wrong"].path == INDEX
    assert found["line-wrong"].message.endswith(f", and the archive that is there has {FOO.cksum()}.")
    assert "file-unnamed" not in found
    world.verified(fix=True)
    assert world.files() == before


def test_an_archive_whose_line_names_another_that_is_lost_is_left_with_the_ways_out(world: World) -> None:
    other_checksum(INDEX, FOO.cksum(), 60)(world)
    (world.tree / "crates/foo/index.json").unlink()
    world.forget()
    found = {each.path: each for each in world.verified(quick=True)}
    for path, what in ((archive(), "archive"), (metadata(), "metadata")):
        assert (found[path].id, found[path].fix) == ("file-unnamed", None)
        assert found[path].message == (
            f"No line names this {what} of foo 1.0.0, but the archive that its line names is not there whole."
        )
        assert "back with `cargo-static-index add FILE`, or remove the release" in found[path].way_out


def test_an_archive_that_an_unreadable_line_names_is_left_alone(world: World) -> None:
    swap(INDEX, b'"deps"', b'"dips"')(world)
    (world.tree / "crates/foo/index.json").unlink()
    world.forget()
    found = {each.id for each in world.verified(fix=True)}
    assert found == {"line-unreadable", "record-wrong", "pages-outdated"}
    assert (world.tree / archive()).exists()


def test_a_link_in_the_tree_is_no_file_of_ours(world: World) -> None:
    (world.tree / "crates/foo/link.crate").symlink_to("/etc/passwd")
    assert world.verified() == []


def test_findings_come_as_they_are_found(world: World) -> None:
    (world.tree / "index/config.json").unlink()
    found: Iterator[Finding] = verify_registry(world.settings(), Report(), Options(now=world.now))
    assert next(found).id == "config-wrong"
