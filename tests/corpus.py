"""The real crates that tests/corpus/Cargo.lock names, and crates.io's index line for each, both as cargo leaves them.

Cargo keeps each index file that it read in `registry/index/<registry>/.cache/`: one byte 3 (the cache's format),
a little-endian 32-bit 2 (the index's), the file's ETag with a NUL, then for each line its version with a NUL and the
line with a NUL (cargo: src/sources/registry/index/cache.rs).
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from tests.tools import need

MANIFEST = Path(__file__).parent / "corpus" / "Cargo.toml"
LOCK = MANIFEST.with_name("Cargo.lock")

_CACHE_HEAD = b"\x03" + (2).to_bytes(4, "little")


class Locked(Struct, frozen=True):
    """A release that the lock file names; `checksum` is the archive's SHA-256 in lower-case hex."""

    name: str
    version: str
    checksum: str


def locked(lock: Path = LOCK) -> tuple[Locked, ...]:
    """List the releases that a lock file names, without the package it was made for."""
    packages = tomllib.loads(lock.read_text())["package"]
    return tuple(Locked(each["name"], each["version"], each["checksum"]) for each in packages if "checksum" in each)


def default_home() -> Path:
    """Give the folder that holds the corpus: `CARGO_STATIC_INDEX_CORPUS`, or `target/corpus` in the checkout."""
    own = os.environ.get("CARGO_STATIC_INDEX_CORPUS")
    return Path(own).resolve() if own else Path(__file__).parents[1] / "target" / "corpus"


def fetch(home: Path | None = None, manifest: Path = MANIFEST) -> Path:
    """Bring the corpus with `cargo fetch --locked`, unless `home` holds that lock file's already; give `home`.

    Cargo unpacks what it fetches; that is thrown away, and so a mark says that all is there.
    """
    home = home or default_home()
    home.mkdir(parents=True, exist_ok=True)
    mark = home / "fetched"
    wanted = hashlib.sha256(manifest.with_name("Cargo.lock").read_bytes()).hexdigest()
    with (home / "fetching").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists() or mark.read_text() != wanted:
            # Another cargo may name the registry's folder otherwise; there must be one.
            shutil.rmtree(home / "registry", ignore_errors=True)
            _run_cargo(home, manifest)
            shutil.rmtree(home / "registry" / "src")
            mark.write_text(wanted)
    return home


def _run_cargo(home: Path, manifest: Path) -> None:
    env = {key: value for key, value in os.environ.items() if not key.startswith("CARGO_")}
    command = (need("cargo"), "fetch", "--locked", "--manifest-path", str(manifest))
    done = subprocess.run(
        command,
        env=env | {"CARGO_HOME": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the corpus could not be fetched:\n{done.stderr}")


def crates(home: Path, lock: Path = LOCK) -> dict[Locked, Path]:
    """Give the path of the archive of every release that the lock file names."""
    (cache,) = (home / "registry" / "cache").iterdir()
    return {each: cache / f"{each.name}-{each.version}.crate" for each in locked(lock)}


def index_lines(home: Path) -> dict[tuple[str, str], bytes]:
    """Give crates.io's line for every (name in lower case, version) in the index files that cargo read."""
    (index,) = (home / "registry" / "index").glob("*/.cache")
    return {(path.name, version): line for path in _files(index) for version, line in parse_cache(path.read_bytes())}


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def parse_cache(content: bytes) -> list[tuple[str, bytes]]:
    """Read one file of cargo's index cache: the versions and their lines, in the file's order.

    Raises ValueError for another format than the one that cargo 1.52 and later write without bindeps.
    """
    if not content.startswith(_CACHE_HEAD):
        raise ValueError(f"cargo's index cache has another format: it begins with {content[:5]!r}")
    _tag, *rest = content[len(_CACHE_HEAD) :].split(b"\0")
    if len(rest) % 2 != 1 or rest[-1]:
        raise ValueError(f"cargo's index cache is cut short: {content[-40:]!r}")
    return [(version.decode(), line) for version, line in zip(rest[:-1:2], rest[1::2], strict=True)]


if __name__ == "__main__":
    print(fetch())
