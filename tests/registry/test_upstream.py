"""A mirror's lines with the time and the yank that crates.io gives them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cargo_static_index.crate.candidate import Candidate, DropFile
from cargo_static_index.diagnostics.errors import SettingsError, StoreError
from cargo_static_index.protocol.names import index_path
from cargo_static_index.registry.upstream import UpstreamIndex, as_published, parse_upstream
from tests import corpus
from tests.cli.program import run
from tests.crates import CrateBuilder, crate
from tests.world import World

THEN = "2020-02-02T02:02:02Z"


def line(built: CrateBuilder, **more: object) -> bytes:
    about = {"name": built.name, "vers": built.version, "deps": [], "cksum": built.cksum(), "features": {}}
    return json.dumps({**about, "yanked": False, "pubtime": THEN, **more}).encode()


def served(*lines: bytes) -> bytes:
    return b"".join(each + b"\n" for each in lines)


def cached(*lines: bytes) -> bytes:
    """As cargo keeps them: src/sources/registry/index/cache.rs."""
    pairs = (json.loads(each)["vers"].encode() + b"\0" + each + b"\0" for each in lines)
    return b"\x03\x02\0\0\0etag: x\0" + b"".join(pairs)


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "upstream").mkdir()
    options = {"registry.mode": "mirror", "registry.pages": False, "mirror.upstream-index": tmp_path / "upstream"}
    return World(tmp_path, options)


def put(world: World, path: str, content: bytes) -> None:
    file = world.folder / "upstream" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


@pytest.mark.parametrize("path", ["3/f/foo", ".cache/3/f/foo", "foo.json", "3/f/foo.json"])
@pytest.mark.parametrize("written", [served, cached])
def test_pubtime_and_yanked_come_from_there_where_the_checksum_is_the_same(
    world: World, path: str, written: Callable[..., bytes]
) -> None:
    foo, other, unknown = crate("foo", "1.0.0"), crate("foo", "1.1.0"), crate("foo", "1.2.0")
    put(world, path, written(line(foo, yanked=True), line(other, cksum="0" * 64, yanked=True)))
    world.put(foo, other, unknown)
    world.build()
    found = {each["vers"]: (each["pubtime"], each["yanked"]) for each in world.lines("3/f/foo")}
    assert found["1.0.0"] == (THEN, True)
    assert found["1.1.0"] == found["1.2.0"]
    assert found["1.1.0"] != (THEN, True)
    assert world.versions("3/f/foo") == ["1.0.0", "1.1.0", "1.2.0"]


def test_reindex_brings_them_later_and_puts_lines_in_their_order(world: World, tmp_path: Path) -> None:
    early, late = crate("foo", "2.0.0"), crate("foo", "1.0.0")
    world.put(early, late)
    world.build()
    assert world.versions("3/f/foo") == ["1.0.0", "2.0.0"]
    put(world, "3/f/foo", served(line(early)))
    options = ("--tree", world.tree, "--state", world.state, "--upstream-index", world.folder / "upstream")
    out = run("reindex", "-n", *options, cwd=tmp_path).ok()
    assert THEN in out
    assert world.versions("3/f/foo") == ["1.0.0", "2.0.0"]
    run("reindex", "--yes", *options, cwd=tmp_path).ok()
    assert world.versions("3/f/foo") == ["2.0.0", "1.0.0"]
    assert not [finding for finding in world.verified() if finding.level == "error"]


@pytest.mark.corpus
def test_with_the_cache_of_cargo_a_mirror_has_the_very_lines_of_crates_io(tmp_path: Path, corpus_home: Path) -> None:
    (cache,) = (corpus_home / "registry/index").glob("*/.cache")
    options = {"registry.mode": "mirror", "registry.pages": False, "mirror.upstream-index": cache, "tree.flush": False}
    world = World(tmp_path, options)
    world.drop.mkdir(exist_ok=True)
    theirs = corpus.index_lines(corpus_home)
    some = [(each, path) for each, path in corpus.crates(corpus_home).items() if each.name.startswith("c")]
    for _, path in some:
        shutil.copy(path, world.drop)
    world.build()
    for each, _ in some:
        ours = {line.vers: line.raw for line in world.index(index_path(each.name)).lines}[each.version]
        known = json.loads(theirs[each.name.lower(), each.version])
        assert {key: json.loads(ours)[key] for key in ("pubtime", "yanked")} == {
            key: known[key] for key in ("pubtime", "yanked")
        }
    assert len(some) > 10


def test_only_a_mirror_has_one(tmp_path: Path) -> None:
    world = World(tmp_path, {"registry.pages": False, "mirror.upstream-index": tmp_path})
    with pytest.raises(SettingsError, match="is for mirrors"):
        world.build()


def test_whatever_stands_there_stops_nothing(world: World) -> None:
    foo = crate("foo")
    for content in (b"", b"\x03", b"\x03\0\0\0\0", b"\0\0", b"{}\n[]\n", b"<html>", cached(line(foo))[:-40]):
        assert parse_upstream(content) is not None
        put(world, "3/f/foo", content)
    (world.folder / "upstream/3/b/bar").mkdir(parents=True)
    world.put(foo, crate("bar"))
    assert {each.status for each in world.build().outcomes} == {"published"}


def test_pages_say_of_each_release_whether_the_time_is_when_it_was_published_or_came_here(world: World) -> None:
    theirs, ours = crate("foo", "1.0.0"), crate("foo", "1.1.0")
    put(world, "3/f/foo", served(line(theirs)))
    world.put(theirs, ours)
    world.build(options={"registry.pages": True})
    published, since = "<dt>Published</dt><dd><time>2020-02-02</time>", "<dt>Here since</dt><dd><time>2026-01-01</time>"
    assert published in world.read("crates/foo/1.0.0/index.html").decode()
    assert since in world.read("crates/foo/1.1.0/index.html").decode()
    page = world.read("crates/foo/index.html").decode()
    assert since in page
    assert '<th scope="col">Published</th>' in page
    assert "<td>here since <time>2026-01-01</time></td>" in page
    assert "<td><time>2020-02-02</time></td>" in page
    before = world.files()
    (world.folder / "upstream/3/f/foo").unlink()
    with world.opened(options={"registry.pages": True}) as registry:
        registry.remake_pages()
    assert world.files() == before


def test_a_file_that_cannot_be_read_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "3").write_bytes(b"a file where a folder should be")
    (tmp_path / "foo.json").symlink_to("foo.json")
    with pytest.raises(StoreError, match=r"/foo\.json cannot be read: Too many levels of symbolic links"):
        UpstreamIndex(tmp_path).lines_of("foo")


def test_what_has_no_line_stays_as_it_is() -> None:
    refused = Candidate(file=DropFile(source="a", target=b"a"), refused=True)
    assert as_published(refused, pubtime=THEN, yanked=True) == refused
