"""What is wrong with one crate is found: with its lines, and with what they name."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from cargo_static_index.crate.limits import Limits
from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.protocol.registries import Home
from cargo_static_index.registry.options import HostShare
from cargo_static_index.registry.verify.crates import IndexCheck, metadata_in, verify_crate, verify_kept
from cargo_static_index.registry.verify.tree import verify_tree
from cargo_static_index.registry.verify.work import Opened
from cargo_static_index.store import Store, Stored
from cargo_static_index.store.local.store import LocalStore
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.documents import Delta, TreeRecord
from cargo_static_index.tree.read import read_index, read_record
from tests.crates import crate
from tests.registry.verify.sound import BAR, FOO, HERE, INDEX, NEWER, archive, metadata, told, write
from tests.world import World


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
    store = Noting(world.tree)
    home = Home(urls=(HERE,))
    assert list(verify_tree(store, home, Limits(), quick=True))
    assert not [path for path in store.read_paths if path.endswith(".crate")]


class Noting(LocalStore):
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


def test_a_lower_limit_for_documents_makes_no_facts_wrong(world: World) -> None:
    assert list(verify_tree(LocalStore(world.tree), Home(urls=(HERE,)), Limits(readme_bytes=1))) == []


# --- as it is looked at, one crate by itself


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """A sound tree without pages, whose archives lie at the addresses of their versions, too."""
    here = World(
        tmp_path_factory.mktemp("files"), {"registry.pages": False, "tree.version-addresses": True}, MemoryStore()
    )
    here.put(FOO, NEWER, BAR)
    here.build()
    return here.files()


HOME = Home(urls=(HERE,))


def seen(store: Store, *, quick: bool = False, deep: bool = True) -> list[tuple[str, str, str | None]]:
    """Give what is wrong with foo: what, where, and what mends it."""
    file = read_index(store, "foo").value
    found = verify_crate(store, HOME, Limits(), INDEX, file, quick=quick, deep=deep, addresses=True)
    return [(finding.id, finding.path, finding.fix) for finding in found]


ADDRESS = "crates/foo/1.0.0/download"
WRITE, MAKE = "write-address", "write-metadata"

CHANGES: dict[str, tuple[str, bytes | None, list[tuple[str, str, str | None]]]] = {
    "archive lost": (archive(), None, [("archive-missing", archive(), None)]),
    "archive cut": (archive(), b"x", [("archive-damaged", archive(), None), ("address-wrong", ADDRESS, WRITE)]),
    "metadata lost": (metadata(), None, [("metadata-missing", metadata(), MAKE)]),
    "metadata damaged": (metadata(), b"{", [("metadata-wrong", metadata(), MAKE)]),
    "address lost": (ADDRESS, None, [("address-missing", ADDRESS, WRITE)]),
    "address of another size": (ADDRESS, b"x", [("address-wrong", ADDRESS, WRITE)]),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("quick", [True, False])
def test_what_a_line_names_is_held_against_it(files: Mapping[str, bytes], change: str, quick: bool) -> None:
    path, content, expected = CHANGES[change]
    changed = dict(files)
    changed.pop(path)
    store = MemoryStore(changed if content is None else changed | {path: content})
    assert seen(store, quick=quick) == expected


def test_other_bytes_of_the_same_size_are_seen_by_who_reads_them(files: Mapping[str, bytes]) -> None:
    store = MemoryStore({**files, ADDRESS: files[ADDRESS][:-1] + b"!"})
    assert seen(store, quick=True) == seen(store, deep=False) == []
    assert seen(store) == [("address-wrong", ADDRESS, WRITE)]


class Summing(MemoryStore):
    """A store that keeps a digest of each file, as some buckets do."""

    def digest(self, path: str) -> str | None:
        stored = self.read(path)
        return sha256(stored.content).hexdigest() if stored else None


def test_the_digest_that_a_store_keeps_is_held_against_the_line_without_reading(files: Mapping[str, bytes]) -> None:
    content = files[archive()]
    store = Summing({**files, archive(): content[:-1] + b"!"})
    assert seen(store, deep=False) == [("archive-damaged", archive(), None)]
    assert seen(Summing(files), deep=False) == []


def test_where_metadata_are_lost_with_their_archive_nothing_mends_them(files: Mapping[str, bytes]) -> None:
    without = {path: content for path, content in files.items() if path not in {archive(), metadata()}}
    wanted = [("archive-missing", archive(), None), ("metadata-missing", metadata(), None)]
    assert seen(MemoryStore(without)) == seen(MemoryStore(without), quick=True) == wanted


class Refusing(MemoryStore):
    """A store that cannot read one file, as a disk that is worn out."""

    refused = ""

    def read(self, path: str) -> Stored | None:
        if path == self.refused:
            raise StoreError("Input/output error")
        return super().read(path)


def test_an_archive_that_cannot_be_read_keeps_nobody_from_looking_at_the_others(files: Mapping[str, bytes]) -> None:
    store = Refusing({path: content for path, content in files.items() if path != f"crates/foo/{NEWER.cksum()}.json"})
    store.refused = archive()
    file = read_index(store, "foo").value
    unread, missing = verify_crate(store, HOME, Limits(), INDEX, file, quick=False)
    assert (unread.id, unread.path, unread.message, unread.way_out) == (
        "archive-unread",
        archive(),
        "What is held of foo 1.0.0 cannot be read.",
        "Input/output error",
    )
    assert missing.id == "metadata-missing"


def test_an_archive_that_breaks_rules_of_today_is_told_of_and_its_line_held_against_metadata(
    files: Mapping[str, bytes],
) -> None:
    store = MemoryStore(files)
    file = read_index(store, "foo").value
    found = list(verify_crate(store, HOME, Limits(entries=0), INDEX, file, quick=False))
    assert [finding.id for finding in found] == ["archive-unread"] * 2
    assert metadata_in(FOO.build(), Limits(entries=0)) is None
    assert metadata_in(FOO.build(), Limits()) is not None


def test_a_line_that_names_another_releases_archive_is_wrong(files: Mapping[str, bytes]) -> None:
    swapped = files[INDEX].replace(b'"vers":"1.0.0"', b'"vers":"1.0.9"')
    assert seen(MemoryStore({**files, INDEX: swapped}), quick=False)[:1] == [("line-wrong", INDEX, "set-line-right")]


def test_a_check_of_some_index_files_weighs_them_and_says_which_was_the_last(files: Mapping[str, bytes]) -> None:
    store = MemoryStore({path: content for path, content in files.items() if path != archive()})
    check = IndexCheck(open_tree=lambda: store, home=HOME, limits=Limits(), quick=False)
    total, found, last = check.look(["index/3/b/bar", INDEX])
    record = TreeRecord().counting(total)
    assert (record.crates, record.releases, record.digest) == (2, 3, read_record(store).value.digest)
    assert ([finding.path for finding in found], last) == ([archive()], INDEX)
    assert check.look([]) == (Delta(), [], "")


def test_archives_that_were_opened_before_or_are_not_of_the_share_are_only_looked_for(
    files: Mapping[str, bytes],
) -> None:
    store = MemoryStore({**files, archive(): files[archive()][:-1] + b"!"})
    shares = [HostShare(1, 2), HostShare(2, 2)]
    checks = [
        IndexCheck(open_tree=lambda: store, home=HOME, limits=Limits(), quick=False, share=share) for share in shares
    ]
    assert sorted(len(check.look([INDEX])[1]) for check in checks) == [0, 1]
    opened = IndexCheck(open_tree=lambda: store, home=HOME, limits=Limits(), quick=False, opened=Opened(last=INDEX))
    assert opened.look([INDEX])[1] == []


def test_what_is_kept_of_a_removed_release_is_looked_at_without_a_line(files: Mapping[str, bytes]) -> None:
    lines = read_index(MemoryStore(files), "foo").value.lines
    store = MemoryStore({path: content for path, content in files.items() if path not in {archive(), ADDRESS}})
    (lost, address) = verify_kept(store, HOME, Limits(), "foo", lines, quick=False, addresses=True)
    assert (lost.id, lost.path) == ("archive-missing", archive())
    assert "`cargo-static-index remove foo@1.0.0 --now`" in lost.way_out
    assert (address.id, address.path) == ("address-missing", ADDRESS)
    other = (replace(line, vers="9.9.9", yanked=True) for line in lines)
    assert list(verify_kept(MemoryStore(files), HOME, Limits(), "foo", other, quick=False)) == [], "no line is there"
