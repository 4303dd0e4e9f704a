"""Trees that released versions wrote stay readable and unchanged, and a tree of a later format is left alone.

`tests/golden` holds the trees. Before a release: `python -m tests.golden` adds the one of the new version.
"""

import json
import shutil
from pathlib import Path

import pytest
from msgspec import Struct

from cargo_static_index import __version__
from cargo_static_index.crate.metadata import CrateMetadata
from cargo_static_index.site.crate_document import PagesState
from cargo_static_index.store.local.store import LocalStore
from cargo_static_index.tree.changes import ChangedFile, ChangeRecord, Claim
from cargo_static_index.tree.documents import FORMAT, NEEDS, Tombstone, Tombstones, TreeRecord
from cargo_static_index.tree.kept import KeptArchives
from cargo_static_index.tree.owners import Owners
from tests.cli.program import run
from tests.crates import crate
from tests.world import World, contents

GOLDEN = Path(__file__).parents[1] / "golden"
VERSIONS = sorted(path.name for path in GOLDEN.iterdir() if (path / "tree").is_dir())
SINCE = {"format", "needs", "removed", "tombstones"}
"""What tree.json did not say in format 1, or says otherwise."""

CLOCK = {"SOURCE_DATE_EPOCH": "1800000000"}


@pytest.fixture(params=VERSIONS)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with a tree of an earlier version, no state, an empty drop directory, and no pages."""
    shutil.copytree(GOLDEN / request.param / "tree", tmp_path / "public")
    (tmp_path / "drop").mkdir()
    (tmp_path / "registry.toml").write_text('[registry]\nname = "acme"\npages = false\n')
    return tmp_path


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Give all files of the tree; of tree.json what format 1 said, for it comes to be of today's when it is written."""
    found = contents(LocalStore(folder / "public"))
    record = {key: value for key, value in json.loads(found["tree.json"]).items() if key not in SINCE}
    return {**found, "tree.json": json.dumps(record).encode()}


def test_the_tree_of_this_version_is_kept_for_the_next() -> None:
    assert __version__ in VERSIONS, "python -m tests.golden"


def test_nothing_is_wrong_with_it(old: Path) -> None:
    out = run("verify", cwd=old).ok()
    assert "warning[line-unreadable]" in out
    assert "Finished 0 errors, 1 warning, 0 fixed\n" in out


UNCHANGED = [
    [["build"]],
    [["rebuild"]],
    [["build"], ["rebuild"], ["build"]],
    [["verify", "--fix"]],
    [["reindex", "--yes"]],
    [["yank", "foo@1.0.0"]],
    [["unyank", "foo@1.0.0"], ["yank", "foo@1.0.0"]],
    [["list"], ["info", "foo"], ["search", "foo"], ["status"], ["check-settings"]],
]


@pytest.mark.parametrize("commands", UNCHANGED, ids=str)
def test_every_byte_of_it_stays(old: Path, commands: list[list[str]]) -> None:
    before = bytes_of(old)
    for command in commands:
        run(*command, cwd=old, env=CLOCK).ok()
    assert bytes_of(old) == before


def test_the_same_crates_dropped_again_are_unchanged(old: Path) -> None:
    before = bytes_of(old)
    for archive in (old / "public/crates").rglob("*.crate"):
        shutil.copy(archive, old / "drop")
    ended = run("build", "--json", cwd=old, env=CLOCK)
    assert {each["became"] for each in ended.document()["files"]} == {"unchanged"}
    assert bytes_of(old) == before


def test_a_pass_sums_up_what_was_removed_in_todays_format(old: Path) -> None:
    run("build", cwd=old, env=CLOCK).ok()
    record = json.loads((old / "public/tree.json").read_bytes())
    assert (record["format"], record["needs"], record["removed"]) == (FORMAT, NEEDS, 1)
    (old / "public/crates/foo/removed.json").unlink()
    assert "error[tombstones-lost]" in run("verify", cwd=old).out


def test_what_was_removed_stays_removed(old: Path) -> None:
    crate("foo", "1.2.0").write(old / "drop")
    assert "error[removed-release]" in run("build", cwd=old, env=CLOCK).out


def test_a_new_release_leaves_every_line_as_it_is(old: Path) -> None:
    before = (old / "public/index/3/f/foo").read_bytes()
    crate("foo", "2.0.0").write(old / "drop")
    run("build", cwd=old, env=CLOCK).ok()
    assert (old / "public/index/3/f/foo").read_bytes().startswith(before)


def _is_record(path: str) -> bool:
    """Whether a file is none that pages make: those look as the version does that made them last."""
    if path.startswith("crates/"):
        return path.endswith((".crate", "/removed.json")) or len(Path(path).stem) == 64
    return path.startswith("index/") and not path.endswith(".html")


def test_pages_are_added_beside_what_is_there(old: Path) -> None:
    before = {path: content for path, content in bytes_of(old).items() if _is_record(path)}
    assert any(path.startswith("index/") for path in before)
    run("build", "--pages", cwd=old, env=CLOCK).ok()
    after = bytes_of(old)
    assert before.items() <= after.items()
    assert "index.html" in after


# what a later version may not change without a word

DOCUMENTS: list[tuple[type[Struct], int, str]] = [
    (
        *(TreeRecord, 2),
        "format needs mode aliases crates releases digest removed tombstones lost keeps_until version_addresses",
    ),
    (Tombstones, 1, "schema name removed"),
    (Tombstone, 1, "vers cksum pubtime yanked when lifted kept"),
    (Owners, 2, "schema name owners trusted_only changes digest"),
    (KeptArchives, 1, "schema name until removed"),
    (Claim, 1, "schema name claimed"),
    (ChangeRecord, 1, "schema begun files rows_gone"),
    (ChangedFile, 1, "name path before after removed tombstones"),
    (CrateMetadata, 1, "schema cksum packed_size unpacked_size manifest readme changelog vcs files license_origin"),
    (PagesState, 4, "schema fingerprint digest sealed copies front"),
]
"""The documents of a tree that outlast a version, or parts of them, with their version and their keys."""


@pytest.mark.parametrize(("document", "version", "keys"), DOCUMENTS)
def test_who_changes_a_document_raises_its_version(document: type[Struct], version: int, keys: str) -> None:
    """Its reader takes the last version's, for which `tests/golden` has a tree; only then this table may change.

    Metadata's `license_origin` came without a new version: it is left out where there is none, and who does not know
    it passes over it.
    """
    defaults = dict(zip(document.__struct_fields__[::-1], document.__struct_defaults__[::-1], strict=False))
    said = defaults.get("format", defaults.get("schema", version))
    assert (said if isinstance(said, int) else version, " ".join(document.__struct_fields__)) == (version, keys)


EARLIER = {
    "tree.json": (TreeRecord, ["0.1.0"]),
    "pages.json": (PagesState, ["0.2.0", "formats/pages-2", "formats/pages-3"]),
    "crates/foo/owners.json": (Owners, ["formats/pages-3"]),
}
"""Trees with a document in each format that it had before today's, the first first."""


def test_every_earlier_format_of_a_document_has_a_tree_that_was_written_with_it() -> None:
    kept = {}
    for path, (document, trees) in EARLIER.items():
        documents = (json.loads((GOLDEN / tree / "tree" / path).read_bytes()) for tree in trees)
        kept[document] = [document_.get("format", document_.get("schema")) for document_ in documents]
    assert kept == {document: list(range(1, version)) for document, version, _ in DOCUMENTS if version > 1}, (
        "python -m tests.golden, with the last version that wrote it"
    )


def held(golden: str, folder: Path, *, pages: bool = True) -> World:
    """Give a registry with the tree that an earlier version wrote, with or without what it said on pages."""
    world = World(folder, {"registry.pages": True})
    shutil.copytree(GOLDEN / golden / "tree", world.tree)
    for path in [path for path in world.files() if not pages and not _is_record(path) and "owners" not in path]:
        (world.tree / path).unlink(missing_ok=path == "tree.json")
    return world


@pytest.mark.parametrize("golden", EARLIER["pages.json"][1])
def test_pages_of_an_earlier_format_are_made_anew(tmp_path: Path, golden: str) -> None:
    world, bare = held(golden, tmp_path / "pages"), held(golden, tmp_path / "bare", pages=False)
    shutil.copy(world.tree / "tree.json", bare.tree)
    assert "pages-outdated" in {each.id for each in world.verified()}
    for each in (world, bare):
        each.build()
        assert [found.id for found in each.verified() if found.id != "line-unreadable"] == []
    assert world.files() == bare.files()


def test_owners_of_the_first_format_are_read_and_the_next_change_writes_todays(tmp_path: Path) -> None:
    world = held("formats/pages-3", tmp_path)
    with world.opened() as registry:
        before = registry.owners("foo")
        assert before is not None
        assert (before.owners, before.trusted_only) == (("alice", "team:pay"), True)
        after = registry.change_owners("foo", add=["bob"])
    assert (after.schema, after.owners, after.trusted_only) == (2, ("alice", "team:pay", "bob"), True)
    assert world.read("crates/foo/owners-copy.json") == world.read("crates/foo/owners.json")
    assert world.verified() == []


# a tree of a later version


TOUCHING = [
    ["build"],
    ["add", "foo-3.0.0.crate"],
    ["check", "foo-3.0.0.crate"],
    ["entry", "foo-3.0.0.crate"],
    ["yank", "foo@1.0.0"],
    ["unyank", "foo@1.0.0"],
    ["remove", "foo@1.0.0", "--yes"],
    ["list"],
    ["info", "foo"],
    ["search", "foo"],
    ["status"],
    ["verify", "--fix"],
    ["reindex", "--yes"],
    ["rebuild"],
    ["check-settings"],
]


@pytest.mark.parametrize("arguments", TOUCHING, ids=" ".join)
def test_a_tree_of_a_later_format_is_refused_naming_the_version_that_is_needed(old: Path, arguments: list[str]) -> None:
    crate("foo", "3.0.0").write(old)
    record = old / "public/tree.json"
    record.write_text(json.dumps({"format": 3, "needs": "9.1.0", "mode": {"of": "then"}}))
    before = bytes_of(old)
    run(*arguments, cwd=old, env=CLOCK).failed(
        2, "the tree has format 3, and this version reads up to 2; use cargo-static-index 9.1.0 or later"
    )
    assert bytes_of(old) == before


def test_verify_reports_a_tree_of_a_later_format(old: Path) -> None:
    (old / "public/tree.json").write_text(json.dumps({"format": 3, "needs": "9.1.0"}))
    ended = run("verify", cwd=old)
    assert ended.code == 1
    assert "use cargo-static-index 9.1.0 or later" in ended.out
