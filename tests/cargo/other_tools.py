"""What other tools' own code makes of a served tree: crates-index and tame-index, by a program of `index_readers`.

`python -m tests.cargo.other_tools` builds it, which takes longer than a test may, and prints what was found as JSON.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from cargo_static_index.protocol.index_file import parse_index
from cargo_static_index.tree.layout import index_file, version_address
from tests.crates import crate
from tests.servers import Nginx, get
from tests.tools import build_program
from tests.world import World

MANIFEST = Path(__file__).with_name("index_readers") / "Cargo.toml"
CRATES = (
    crate("foo").dependency("serde", "1", optional=True).feature("x"),
    crate("foo", "1.1.0+b"),
    crate("bar", "1.0.0-rc.1"),
    crate("MyCrate").dependency("serde", "1", features=["derive"]),
)


def findings(folder: Path) -> tuple[int, list[str]]:
    """Publish, serve and read, and give how many releases were read, and what was not as it should be."""
    world = World(folder, {"tree.version-addresses": True})
    world.put(*CRATES)
    assert world.build().counts["published"] == len(CRATES)
    world.yank("foo@1.0.0")
    program = build_program(MANIFEST, folder / "target")
    with Nginx(world.tree) as server:
        index = f"sparse+{server.url}index/"
        names = sorted({each.name for each in CRATES})
        answers = folder / "answers"
        answers.mkdir()
        for url in set(_run(program, "requests", index, *names)):
            found = get(url)
            assert found.status == 200, url
            name = next((each for each in names if each.lower() == url.rpartition("/")[2]), "config.json")
            (answers / name).write_bytes(found.content.replace(b"https://crates.example.com/", server.url.encode()))
        rows = [line.split("\t") for line in _run(program, "read", index, str(answers), *names)]
        wanted = {
            (line.name, line.vers, line.cksum, str(line.yanked).lower())
            for name in names
            for line in parse_index(world.read(index_file(name))).releases
        }
        wrong = [
            f"{reader} reads other lines" for reader in ("crates-index", "tame-index") if _of(rows, reader) != wanted
        ]
        wrong += [problem for row in rows if (problem := _downloads(server.url, row))]
    return len(rows), wrong


def _run(program: Path, *arguments: str) -> list[str]:
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout.splitlines()


def _of(rows: list[list[str]], reader: str) -> set[tuple[str, ...]]:
    return {tuple(row[1:5]) for row in rows if row[0] == reader}


def _downloads(base: str, row: list[str]) -> str:
    """Download an archive from where a reader says, or where docs/tools.md says for one that knows no checksum."""
    reader, name, vers, cksum, _, url = row
    if "{sha256-checksum}" in url:
        assert reader == "tame-index", f"{reader} leaves the checksum out"
        url = base + version_address(name, vers)
    found = get(url)
    whole = found.status == 200 and hashlib.sha256(found.content).hexdigest() == cksum
    return "" if whole else f"{reader}: {name} {vers} at {url}: {found.status}"


def main() -> None:
    """Print what was found, and end with 1 where something is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        read, wrong = findings(Path(folder))
    print(json.dumps({"releases read and downloaded": read, "wrong": wrong}))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
