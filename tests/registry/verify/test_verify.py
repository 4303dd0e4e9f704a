"""Every fault that a tree can have is found, said in a sentence, and mended where that changes no release."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from cargo_static_index.crate.limits import Limits
from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.diagnostics.problems import Finding
from cargo_static_index.protocol.registries import Home
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import verify_registry
from cargo_static_index.registry.verify.tree import verify_tree
from cargo_static_index.store import Stored
from cargo_static_index.store.local.store import LocalStore
from tests.crates import crate
from tests.world import BASE, DAY, World

HERE = f"sparse+{BASE}index/"

FOO = crate("foo", "1.0.0").readme("# Foo").dependency("bar", registry_index=HERE).dependency("serde")
NEWER = crate("foo", "1.1.0").feature("x", ["dep:serde"]).dependency("serde", optional=True)
BAR = crate("bar", "0.2.0")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A sound tree of two crates and three releases."""
    world = World(tmp_path)
    world.put(FOO, BAR)
    world.build()
    world.now += DAY
    world.put(NEWER)
    world.build()
    return world


def told(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(each.id, each.path, each.message) for each in findings]


def archive(of: str = "foo") -> str:
    return f"crates/{of}/{(FOO if of == 'foo' else BAR).cksum()}.crate"


def metadata(of: str = "foo") -> str:
    return archive(of).removesuffix("crate") + "json"


INDEX = "index/3/f/foo"


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
    with LocalStore(world.tree).session():
        assert len(world.verified()) == 1
    assert world.files() == before
    assert not world.state.exists()


def test_an_empty_folder_is_no_registry(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert told(world.verified()) == [
        ("config-wrong", "index/config.json", "There is no config.json, so cargo cannot use the registry.")
    ]


# --- what is found, and what is mended


def remove(path: str) -> Callable[[World], object]:
    return lambda world: (world.tree / path).unlink()


def write(path: str, content: bytes) -> Callable[[World], object]:
    def do(world: World) -> None:
        (world.tree / path).parent.mkdir(parents=True, exist_ok=True)
        (world.tree / path).write_bytes(content)

    return do


def swap(path: str, old: bytes, new: bytes) -> Callable[[World], object]:
    def do(world: World) -> None:
        content = (world.tree / path).read_bytes()
        assert old in content
        (world.tree / path).write_bytes(content.replace(old, new, 1))

    return do


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


def test_an_archive_with_other_bytes_is_found_by_its_checksum_and_by_size_when_quick(world: World) -> None:
    path = world.tree / archive("bar")
    path.write_bytes(FOO.build())
    message = f"The archive of bar 0.2.0 has SHA-256 {FOO.cksum()} instead of {BAR.cksum()}."
    assert told(world.verified()) == [("archive-damaged", archive("bar"), message)]
    sizes = f"The archive of bar 0.2.0 has {len(FOO.build())} bytes instead of {len(BAR.build())}."
    assert told(world.verified(quick=True)) == [("archive-damaged", archive("bar"), sizes)]
    path.write_bytes(bytes(len(BAR.build())))
    assert world.verified(quick=True) == []
    world.add(world.drop / "bar-0.2.0.crate")
    assert world.verified() == []


def test_quick_opens_no_archive_and_finds_what_is_not_there(world: World) -> None:
    (world.tree / archive()).unlink()
    (world.tree / metadata("bar")).unlink()
    assert [(each.id, each.path) for each in world.verified(quick=True)] == [
        ("metadata-missing", metadata("bar")),
        ("archive-missing", archive()),
    ]
    store = Opened(world.tree)
    home = Home(urls=(HERE,))
    assert list(verify_tree(store, home, Limits(), quick=True))
    assert not [path for path in store.read_paths if path.endswith(".crate")]


class Opened(LocalStore):
    """A store that notes what was read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read_paths: list[str] = []

    def read(self, path: str) -> Stored | None:
        self.read_paths.append(path)
        return super().read(path)

    def read_all(self, paths: Sequence[str]) -> Sequence[Stored | None]:
        return [self.read(path) for path in paths]


# --- lines


def line(world: World, **changes: object) -> bytes:
    """Give the first line of foo with keys changed; None takes one away."""
    said = world.lines("3/f/foo")[0] | changes
    return json.dumps({key: value for key, value in said.items() if value is not None}).encode()


def lines_told(world: World, *lines: bytes) -> list[tuple[str, str]]:
    """Put lines in place of foo's first, and give what is found in its index file."""
    path = world.tree / INDEX
    kept = path.read_bytes().splitlines()[1:]
    path.write_bytes(b"".join(each + b"\n" for each in (*lines, *kept)))
    # That it is not the file which tree.json sums up is found, too; here it is about what the lines say.
    found = (each for each in world.verified() if each.path == INDEX and each.id != "lines-lost")
    return [(each.id, each.message) for each in found]


DIFFERS = ("line-differs", "The line of foo 1.0.0 does not say what the archive says.")

OTHER_LINES: dict[str, tuple[dict[str, object], list[tuple[str, str]]]] = {
    "another time": ({"pubtime": "2020-01-01T00:00:00Z"}, []),
    "no time": ({"pubtime": None}, []),
    "yanked": ({"yanked": True}, []),
    "a key of somebody else": ({"x-audit": {"by": "me"}}, []),
    "no dependencies": ({"deps": []}, [DIFFERS]),
    "other features": ({"features": {"x": []}}, [DIFFERS]),
    "links": ({"links": "z"}, [DIFFERS]),
    "another Rust": ({"rust_version": "1.99"}, [DIFFERS]),
    "a later format": ({"v": 2}, [DIFFERS]),
}


@pytest.mark.parametrize("name", OTHER_LINES)
def test_a_line_says_what_its_archive_says_and_what_only_the_registry_says_is_free(world: World, name: str) -> None:
    changes, expected = OTHER_LINES[name]
    assert lines_told(world, line(world, **changes)) == expected


def test_a_line_may_name_this_registry_by_any_of_its_urls(world: World) -> None:
    deps = world.lines("3/f/foo")[0]["deps"]
    assert isinstance(deps, list)
    old = "sparse+https://old.example/index/"
    named = [each | ({"registry": old} if each["name"] == "bar" else {}) for each in deps]
    assert lines_told(world, line(world, deps=named)) == [DIFFERS]
    assert verified_with_alias(world) == []
    named = [each | {"registry": HERE} if each["name"] == "bar" else each for each in deps]
    assert lines_told(world, line(world, deps=named)) == []


def verified_with_alias(world: World) -> list[str]:
    world.options["registry.aliases"] = ["https://old.example/"]
    return [each.id for each in world.verified() if each.path == INDEX and each.id != "lines-lost"]


def test_lines_that_cargo_cannot_use_are_found(world: World) -> None:
    good = line(world)
    assert lines_told(world, b"{", good) == [("line-unreadable", "Cargo cannot read line 1.")]
    (finding,) = [each for each in world.verified() if each.path == INDEX]
    assert finding.level == "warning"


def test_metadata_of_an_earlier_version_is_not_wrong(world: World) -> None:
    copied = crate("copied").package(license=None, license_file="LICENSE").file("LICENSE")
    world.put(copied.file("Cargo.toml.orig", '[package]\nlicense-file = "../LICENSE"'))
    world.build()
    path = world.tree / f"crates/copied/{copied.cksum()}.json"
    said = path.read_text()
    path.write_text(said.replace(',"license_origin":"../LICENSE"', ""))
    assert path.read_text() != said
    assert world.verified() == []


def test_a_version_that_stands_twice_is_found_with_any_build_metadata(world: World) -> None:
    expected = [("version-duplicate", "Line 2 is a second line of version 1.0.0.")]
    assert expected[0] in lines_told(world, line(world), line(world, vers="1.0.0+b"))


def test_a_line_of_another_crate_is_found(world: World) -> None:
    expected = [
        ("line-misplaced", "Line 1 is of 'other', for which cargo never asks here."),
    ]
    assert lines_told(world, line(world, name="other")) == expected


def test_lines_of_crates_that_differ_in_case_are_found(world: World) -> None:
    found = lines_told(world, line(world, name="Foo"))
    assert found[0] == ("line-misplaced", "The lines are of crates that differ only in case: Foo, foo.")


def test_lines_out_of_order_are_a_warning(world: World) -> None:
    path = world.tree / INDEX
    path.write_bytes(b"\n".join(reversed(path.read_bytes().splitlines())) + b"\n")
    message = "The lines do not stand in order of publication and version."
    found = [each for each in world.verified() if each.path == INDEX]
    assert [(each.id, each.level, each.message) for each in found] == [("lines-unordered", "warning", message)]


def test_names_that_differ_in_dashes_are_found_though_they_have_two_files(world: World) -> None:
    world.put(crate("a-b"))
    world.build()
    other = crate("a_b")
    content = (world.tree / "index/3/a/a-b").read_bytes().replace(b'"a-b"', b'"a_b"')
    write("index/3/a/a_b", content.replace(crate("a-b").cksum().encode(), other.cksum().encode()))(world)
    found = [each for each in world.verified() if each.id == "crates-collide"]
    message = "There are both `a-b` and `a_b`; cargo takes one for a misspelling of the other."
    assert told(found) == [("crates-collide", "index/3/a/a_b", message)]


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


def test_an_archive_that_an_unreadable_line_names_is_left_alone(world: World) -> None:
    broken = line(world).replace(b'"deps"', b'"dips"')
    lines_told(world, broken)
    (world.tree / "crates/foo/index.json").unlink()
    world.forget()
    found = {each.id for each in world.verified(fix=True)}
    assert found == {"line-unreadable", "record-wrong", "pages-outdated"}
    assert (world.tree / archive()).exists()


def test_a_lower_limit_for_documents_makes_no_facts_wrong(world: World) -> None:
    assert list(verify_tree(LocalStore(world.tree), Home(urls=(HERE,)), Limits(readme_bytes=1))) == []


def test_a_link_in_the_tree_is_no_file_of_ours(world: World) -> None:
    (world.tree / "crates/foo/link.crate").symlink_to("/etc/passwd")
    assert world.verified() == []


def test_findings_come_as_they_are_found(world: World) -> None:
    (world.tree / "index/config.json").unlink()
    found: Iterator[Finding] = verify_registry(world.settings(), Report(), Options(now=world.now))
    assert next(found).id == "config-wrong"
