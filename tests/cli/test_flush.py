"""What is durable when: the system calls of a real pass, as strace sees them, and what a power cut would lose."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from cargo_static_index.store.local.sync import can_flush_all
from cargo_static_index.store.paths import STAGE
from tests.cli.program import PROGRAM, environment
from tests.crates import crate
from tests.tools import need

CALL = re.compile(r"(openat|renameat2?|fsync|syncfs)\((.*)\) = (\d+)")
OPENED = re.compile(r"= \d+<([^>]+)>$")
AT = re.compile(r'\d+<([^>]+)>(?:, "([^"]+)")?')


class Disk:
    """A disk that forgets at a power cut what was not flushed: contents of files, names in folders."""

    def __init__(self, tree: Path) -> None:
        self._tree = str(tree)
        self.unflushed: set[str] = set()
        """Files with content, and folders with names, that a power cut would lose."""
        self.flushes = 0

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
        staged, path = paths
        assert staged not in self.unflushed, f"{path} could lose its content"
        self.unflushed.add(str(Path(path).parent))
        return str(Path(path).relative_to(self._tree))


def traced(folder: Path, *arguments: str) -> list[str]:
    """Run the program with its flushes, and give the system calls that write."""
    log = folder / "strace.log"
    calls = "trace=openat,renameat,renameat2,fsync,syncfs"
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
    assert named[-1] == "tree.json"
    opened = os.open(tmp_path, os.O_RDONLY)
    if crates > 32 and can_flush_all(opened):
        assert disk.flushes < crates, "many changes share their flushes"
    os.close(opened)
