"""What is durable when: the system calls of a real pass, as strace sees them, and what a power cut would lose."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from cargo_static_index.store.local.system import can_flush_all
from cargo_static_index.store.paths import STAGE
from tests.cli.program import PROGRAM, environment, run
from tests.crates import crate
from tests.tools import need

CALL = re.compile(r"(openat|renameat2?|unlinkat|fsync|syncfs)\((.*)\) = (\d+)")
OPENED = re.compile(r"= \d+<([^>]+)>$")
AT = re.compile(r'\d+<([^>]+)>(?:, "([^"]+)")?')


class Disk:
    """A disk that forgets at a power cut what was not flushed: contents of files, names in folders."""

    def __init__(self, tree: Path) -> None:
        self._tree = str(tree)
        self.unflushed: set[str] = set()
        """Files with content, and folders with names, that a power cut would lose."""
        self.flushes = 0
        self.archives_deleted = 0

    def published_unflushed(self) -> set[str]:
        """Give what a power cut would lose of the tree; its private folder may lose all."""
        return {path for path in self.unflushed if path.startswith(self._tree) and STAGE not in path}

    def see(self, line: str) -> str | None:
        """Follow one system call; give the path in the tree that got its content, if it gave one."""
        call = CALL.search(line)
        if call is None or self._tree not in line:
            return None
        paths = [str(Path(folder, name)) for folder, name in AT.findall(call[2])]
        if call[1] == "openat":
            opened = OPENED.search(line)
            if opened and "O_CREAT" in line:
                self.unflushed.add(opened[1])
            return None
        if call[1] == "syncfs":
            self.flushes += 1
            self.unflushed.clear()
            return None
        if call[1] == "fsync":
            self.flushes += 1
            self.unflushed.discard(paths[0])
            return None
        if call[1] == "unlinkat":
            self._unlink(paths[0])
            return None
        staged, path = paths
        assert staged not in self.unflushed, f"{path} could lose its content"
        self.unflushed.add(str(Path(path).parent))
        return str(Path(path).relative_to(self._tree))

    def _unlink(self, path: str) -> None:
        self.unflushed.discard(path)
        if STAGE in path:
            return
        folder = str(Path(path).parent)
        if path.endswith(".crate"):
            assert self.published_unflushed() <= {folder}, f"{path} went before its line was gone for good"
            self.archives_deleted += 1
        self.unflushed.add(folder)


def traced(folder: Path, *arguments: str) -> list[str]:
    """Run the program with its flushes, and give the system calls that write."""
    log = folder / "strace.log"
    calls = "trace=openat,renameat,renameat2,unlinkat,fsync,syncfs"
    command = [need("strace"), "-f", "-y", "-s", "4096", "-o", str(log), "-e", calls, *PROGRAM, *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment({"CARGO_STATIC_INDEX_TREE_FLUSH": "true"}),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return log.read_text().splitlines()


@pytest.mark.parametrize("crates", [3, 40])
def test_nothing_is_named_before_what_it_names_is_durable(tmp_path: Path, crates: int) -> None:
    """Archives and facts before lines, lines before tree.json, and all of it before the program ends."""
    for number in range(crates):
        crate(f"crate-{number}").write(tmp_path / "drop")
    disk, named = Disk(tmp_path / "public"), list[str]()
    for line in traced(tmp_path, "build", "--no-pages"):
        stage = named[-1].partition("/")[0] if named else ""
        before = disk.published_unflushed()
        path = disk.see(line)
        if path is None:
            continue
        if path.partition("/")[0] != stage:
            assert before == set(), f"{path} could be there without what was written before it"
        named.append(path)
    assert disk.published_unflushed() == set()
    assert sum(path.startswith("crates/") for path in named) == 2 * crates
    assert sum(path.startswith("index/cr/") for path in named) == crates
    assert [path for path in named if not path.startswith(("begun/", "changes/"))][-1] == "tree.json"
    opened = os.open(tmp_path, os.O_RDONLY)
    if crates > 32 and can_flush_all(opened):
        assert disk.flushes < crates, "many changes share their flushes"
    os.close(opened)


BASE = ("--base-url", "https://crates.example.com/")
CHANGES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "publish": ((), ("add", "more/foo-1.2.0.crate")),
    "yank": ((), ("yank", "foo@1.0.0")),
    "remove a version": ((), ("remove", "foo@1.0.0", "--yes")),
    "remove a crate": ((), ("remove", "foo", "--all", "--yes")),
    "restore": (("remove", "foo@1.0.0", "--yes"), ("add", "--restore", "drop/foo-1.0.0.crate")),
    "reindex": ((), ("reindex", "--yes", "--mode", "mirror")),
    "base URL": ((), ("build", "--move", "--base-url", "https://new.example.com/")),
}


@pytest.mark.parametrize("pages", [False, True], ids=["without pages", "with pages"])
@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_durable_in_the_order_of_the_laws_when_it_is_said_to_be_done(
    tmp_path: Path, name: str, pages: bool
) -> None:
    """Archives and tombstones before lines, those before tree.json, archives deleted last; at the end all is kept."""
    before, change = CHANGES[name]
    way = () if pages else ("--no-pages",)
    for version in ("1.0.0", "1.1.0"):
        crate("foo", version).dependency("serde").write(tmp_path / "drop")
    crate("foo", "1.2.0").write(tmp_path / "more")
    run("build", *BASE, *way, cwd=tmp_path).ok()
    if before:
        run(*before, *way, cwd=tmp_path).ok()
    disk, named = Disk(tmp_path / "public"), list[str]()
    for line in traced(tmp_path, *change, *way):
        unflushed = {Path(each).relative_to(tmp_path / "public").parts[:1] for each in disk.published_unflushed()}
        path = disk.see(line)
        if path is None:
            continue
        named.append(path)
        if path.startswith("index/"):
            assert ("crates",) not in unflushed, f"{path} could be there without what it names"
        if path == "tree.json":
            assert ("index",) not in unflushed, "tree.json could sum up lines that are lost"
    assert disk.published_unflushed() == set()
    assert any(path == "tree.json" or path.startswith("index/") for path in named)
    assert (disk.archives_deleted > 0) is name.startswith("remove")
