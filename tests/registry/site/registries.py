"""The small registry that tests of pages look at."""

import json
import shutil
from pathlib import Path

from tests.crates import CrateBuilder, crate
from tests.world import World

OPTIONS: dict[str, object] = {
    "registry.title": "Crates of Acme",
    "registry.description": "What we share.",
    "tree.flush": False,
}

HERE = "sparse+https://crates.example.com/index/"


def some_crates() -> list[CrateBuilder]:
    """Give crates that depend on each other, on crates.io, and on one that is not here."""
    return [
        crate("acme-text", "1.0.0"),
        crate("acme-text", "1.1.0")
        .package(rust_version="1.70", authors=["Ann <ann@acme.example>", "Bo"], homepage="javascript:alert(1)")
        .dependency("acme-units", "^0.3", features=["serde"], registry_index=HERE)
        .dependency("serde", "1", optional=True)
        .dependency("absent", "2", kind="dev", registry_index=HERE)
        .feature("default", ["wide"])
        .feature("wide", ["dep:serde"])
        .readme("# Text\n\nSets *text*. See [units](../acme-units).\n")
        .file("CHANGELOG.md", "# Changes\n\n## 1.1.0\n\nWider.\n\n## 1.0.0\n\nFirst.\n"),
        crate("acme-units", "0.3.1"),
        crate("acme-git", "0.3.0")
        .package(
            repository="https://github.com/acme/tools", keywords=["git", "vcs"], categories=["command-line-utilities"]
        )
        .file("src/main.rs", "fn main() {}")
        .toml('[[bin]]\nname = "agit"\npath = "src/main.rs"\n'),
    ]


def versions(number: int) -> list[CrateBuilder]:
    """Give so many versions of one crate."""
    return [crate("many", f"0.{each // 60}.{each % 60}") for each in range(number)]


def cksum_of(world: World, name: str, vers: str) -> str:
    """Give a release's checksum, from the crate's document."""
    document = json.loads(world.read(f"crates/{name}/index.json"))
    found: str = next(each["cksum"] for each in document["versions"] if each["vers"] == vers)
    return found


def facts_of(world: World, name: str, vers: str) -> dict[str, int]:
    """Give a release's facts."""
    found: dict[str, int] = json.loads(world.read(f"crates/{name}/{cksum_of(world, name, vers)}.json"))
    return found


def packed(world: World, name: str, vers: str) -> str:
    """Give the size of an archive as pages say it."""
    return f"{facts_of(world, name, vers)['packed_size'] / 1000:.1f} kB"


def copy_of(world: World, folder: Path) -> World:
    """Copy a registry, to be damaged."""
    shutil.copytree(world.folder, folder)
    return World(folder, OPTIONS)


def everything(world: World) -> dict[str, bytes]:
    """Give the whole tree, with the page of refused files."""
    return world.files() | {"refused.html": world.read("refused.html")}
