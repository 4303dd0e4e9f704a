"""A build on a clean machine that goes on from what was published before."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.cli.program import Ended, run
from tests.crates import CrateBuilder, crate

BASE = "https://crates.example.com/"


class Machine:
    """A clean folder with dropped crates, at a moment of its own."""

    def __init__(self, folder: Path, now: int, *crates: CrateBuilder) -> None:
        self.folder = folder
        self.tree = folder / "public"
        self.env = {"SOURCE_DATE_EPOCH": str(now)}
        (folder / "drop").mkdir(parents=True)
        for each in crates:
            each.write(folder / "drop")

    def run(self, *arguments: str | Path) -> Ended:
        return run(*arguments, cwd=self.folder, env=self.env)

    def build(self, *more: str | Path) -> Ended:
        return self.run("build", "--base-url", BASE, *more)

    @property
    def index(self) -> dict[str, bytes]:
        files = (each for each in (self.tree / "index").rglob("*") if each.is_file())
        return {str(each.relative_to(self.tree)): each.read_bytes() for each in files}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served(tree: Path) -> Iterator[str]:
    """Serve a folder as any web server does, at another address than the one that it is made for."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tree)))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


FIRST = (crate("foo", "1.0.0"), crate("foo", "1.1.0"), crate("Snake_case"), crate("gone"), crate("gone", "2.0.0"))


@pytest.fixture
def first(tmp_path: Path) -> Machine:
    found = Machine(tmp_path / "first", 1_700_000_000, *FIRST)
    found.build().ok()
    found.run("yank", "foo@1.0.0").ok()
    found.run("remove", "--yes", "gone@2.0.0").ok()
    found.run("owner", "--add", "alice", "foo").ok()
    return found


def as_before(later: Machine, first: Machine) -> None:
    assert later.index == first.index
    for name in ("foo/owners.json", "gone/removed.json"):
        assert (later.tree / "crates" / name).read_bytes() == (first.tree / "crates" / name).read_bytes()
    assert "nothing is wrong" in later.run("verify").ok()


def test_a_clean_folder_goes_on_from_a_tree_in_a_folder_with_the_same_bytes(tmp_path: Path, first: Machine) -> None:
    later = Machine(tmp_path / "later", 1_800_000_000, *FIRST)
    later.build("--previous", first.tree).failed(1, "4 releases taken over")  # gone 2.0.0 was removed
    as_before(later, first)


def test_a_clean_folder_goes_on_from_what_is_served_with_the_same_bytes(tmp_path: Path, first: Machine) -> None:
    later = Machine(tmp_path / "later", 1_800_000_000, *FIRST)
    with served(first.tree) as url:
        later.build("--previous", url).failed(1, "4 releases taken over")
        as_before(later, first)
        again = Machine(tmp_path / "again", 1_900_000_000, crate("new"))
        assert "1 published" in again.build("--previous", url).ok()
        assert set(again.index) == {*first.index, "index/3/n/new"}


def test_a_served_tree_that_lists_no_names_is_refused_but_for_what_was_dropped(tmp_path: Path) -> None:
    first = Machine(tmp_path / "first", 1_700_000_000, crate("foo-2", "1.0.0-1"), crate("bar"))
    first.build("--no-pages").ok()
    later = Machine(tmp_path / "later", 1_800_000_000, crate("foo-2", "1.0.0-1"), crate("foo-2", "1.1.0"))
    with served(first.tree) as url:
        later.build("--previous", url).failed(3, "lists no names", "--only-dropped")
        assert not later.tree.exists(), "nothing was begun"
        later.build("--no-pages", "--previous", url, "--only-dropped").ok()
    lines = later.index["index/fo/o-/foo-2"].splitlines()
    assert lines[0] == first.index["index/fo/o-/foo-2"].rstrip(b"\n")
    assert len(lines) == 2
    assert "index/3/b/bar" not in later.index


def test_a_list_that_is_not_all_of_the_index_is_refused(tmp_path: Path, first: Machine) -> None:
    first.run("remove", "--yes", "gone@1.0.0").ok()
    later = Machine(tmp_path / "later", 1_800_000_000, crate("foo"))
    with served(first.tree) as url:
        later.build("--previous", url).failed(3, "is not all that its tree.json sums up")
    assert not later.tree.exists()


def test_where_there_is_no_tree_nothing_is_begun(tmp_path: Path) -> None:
    later = Machine(tmp_path / "later", 1_800_000_000, crate("foo"))
    later.build("--previous", tmp_path / "nowhere").failed(2, "there is no registry in")
    with served(tmp_path / "later") as url:
        later.build("--previous", url).failed(2, "there is no registry in")
    later.build("--only-dropped").failed(2, "--only-dropped is for a tree that --previous names")
    assert not later.tree.exists()


def test_a_release_with_other_bytes_is_named_and_the_one_before_stays(tmp_path: Path, first: Machine) -> None:
    later = Machine(tmp_path / "later", 1_800_000_000, crate("foo", "1.1.0").package(description="other"))
    later.build("--previous", first.tree).failed(1)
    assert later.index == first.index
