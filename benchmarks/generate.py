"""Makes drop directories of synthetic crates: the same shape gives the same bytes, at some 100 µs a crate.

`python -m benchmarks.generate FOLDER --names 1000 --versions 10` makes one by hand.
"""

import argparse
import math
import os
import random
import struct
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Literal

from msgspec import Struct

BLOCK = 512
SEPTEMBER_2006 = 1153704088
"""The modification time that cargo gives every file since 1.93."""
OWN_INDEX = "sparse+http://127.0.0.1:8000/index/"
"""The index URL of a registry for which no base URL is given: every third dependency is looked for there."""
MANY = 20_000
"""Crates from which on two processes make them."""

_ALPHABET = 65536
_WORDS = """
    pub fn let mut match impl struct enum trait where for in if else return self Self Vec Option Result String usize
    u8 i64 &str => -> :: { } ( ) ; , . = + - * & | ! ? < > [ ] // value index error buffer reader state config
"""


class Shape(Struct, frozen=True, kw_only=True):
    """What a drop directory holds. `source_bytes` is the size of `src/lib.rs`, the median of it if spread out.

    With "crates.io", versions, dependencies and sizes are spread: the first two are then means of geometric numbers,
    and the logarithm of the size is normal with a deviation of 1.5. So it is with the 903 crates of crates.io that the
    tests fetch, but for the versions: their dependencies have a mean of 5.1, a median of 3, and 15 % have none.
    """

    names: int
    versions: int
    dependencies: int = 3
    source_bytes: int = 4096
    spread: Literal["even", "crates.io"] = "even"
    prefix: str = "bench"
    first: int = 0
    """The number of the first name: two shapes with other numbers share no crate."""


class Release(Struct, frozen=True):
    """One crate to make."""

    name: str
    version: str
    dependencies: int
    source_bytes: int
    seed: int


def releases(shape: Shape) -> Iterator[Release]:
    """List what a shape holds, in order."""
    for number in range(shape.first, shape.first + shape.names):
        chance = random.Random(number)
        versions = _versions(shape, chance)
        for version in range(versions):
            yield Release(
                f"{shape.prefix}-{number:07}",
                f"{1 + version // 100}.{version // 10 % 10}.{version % 10}",
                _dependencies(shape, chance),
                _size(shape, chance),
                number * 1000 + version,
            )


def _versions(shape: Shape, chance: random.Random) -> int:
    if shape.spread == "even" or shape.versions == 1:
        return shape.versions
    return 1 + int(math.log(1 - chance.random()) / math.log(1 - 1 / shape.versions))


def _dependencies(shape: Shape, chance: random.Random) -> int:
    if shape.spread == "even":
        return shape.dependencies
    return int(math.log(1 - chance.random()) / math.log(shape.dependencies / (1 + shape.dependencies)))


def _size(shape: Shape, chance: random.Random) -> int:
    if shape.spread == "even":
        return shape.source_bytes
    return min(int(chance.lognormvariate(math.log(shape.source_bytes), 1.5)), 50 << 20)


def generate(folder: Path, shape: Shape) -> int:
    """Write the `.crate` files of a shape into a folder, and give their number."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = list(releases(shape))
    if len(wanted) < MANY:
        _write_all(folder, wanted)
        return len(wanted)
    with ProcessPoolExecutor(2) as pool:
        for done in [pool.submit(_write_all, folder, wanted[half::2]) for half in (0, 1)]:
            done.result()
    return len(wanted)


def _write_all(folder: Path, wanted: list[Release]) -> None:
    start = os.fspath(folder)
    for release in wanted:
        content = archive(release)
        descriptor = os.open(f"{start}/{release.name}-{release.version}.crate", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(descriptor, content)
        os.close(descriptor)


def archive(release: Release, source: bytes | None = None, more: Mapping[str, bytes] | None = None) -> bytes:
    """Give the bytes of one `.crate`, with the files that cargo puts into every one, `src/lib.rs` and more as given."""
    stem = f"{release.name}-{release.version}"
    manifest = manifest_text(release).encode()
    tar = b"".join(
        (
            _entry(f"{stem}/.cargo_vcs_info.json", b'{\n  "git": {\n    "sha1": "%040x"\n  }\n}' % release.seed),
            _entry(f"{stem}/Cargo.toml", manifest),
            _entry(f"{stem}/Cargo.toml.orig", manifest),
            _entry(f"{stem}/src/lib.rs", _source(release) if source is None else source),
            *(_entry(f"{stem}/{path}", content) for path, content in (more or {}).items()),
            bytes(2 * BLOCK),
        )
    )
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    body = packer.compress(tar) + packer.flush()
    head = b"\x1f\x8b\x08\x08\0\0\0\0\x02\xff" + f"{stem}.crate".encode() + b"\0"
    return head + body + struct.pack("<II", zlib.crc32(tar), len(tar) & 0xFFFFFFFF)


def manifest_text(release: Release) -> str:
    """Give a Cargo.toml as cargo normalises it."""
    head = (
        '[package]\nedition = "2021"\n'
        f'name = "{release.name}"\nversion = "{release.version}"\nauthors = ["A. Nonymous <a@example.com>"]\n'
        "build = false\nautolib = false\nautobins = false\nautoexamples = false\nautotests = false\n"
        f'autobenches = false\ndescription = "Crate number {release.seed} of a benchmark"\nreadme = false\n'
        'keywords = ["bench", "synthetic"]\nlicense = "MIT OR Apache-2.0"\n'
        'repository = "https://example.com/bench"\n\n'
        '[lib]\nname = "bench"\npath = "src/lib.rs"\n\n[features]\ndefault = ["std"]\nstd = []\n'
    )
    return head + "".join(_dependency(release.seed, number) for number in range(release.dependencies))


def _dependency(seed: int, number: int) -> str:
    name = f"needed-{(seed * 7 + number * 131) % 997}"
    if number % 3 == 2:
        return f'\n[dependencies.{name}-own]\nversion = "1.{number}"\nregistry-index = "{OWN_INDEX}"\n'
    return f'\n[dependencies.{name}]\nversion = "1.{number}"\nfeatures = ["std"]\ndefault-features = false\n'


def _source(release: Release) -> bytes:
    text = _text()
    start = release.seed * 61 % (_ALPHABET // 2)
    size = release.source_bytes
    piece = text[start : start + size] if size <= _ALPHABET // 2 else text * (size // len(text) + 1)
    return (b"// %d\n" % release.seed + piece)[:size]


@cache
def _text() -> bytes:
    chance = random.Random(1)
    return " ".join(chance.choices(_WORDS.split(), k=_ALPHABET // 3)).encode()[:_ALPHABET].ljust(_ALPHABET)


@cache
def _header_end() -> bytes:
    return b"0" + bytes(100) + b"ustar  \0" + bytes(BLOCK - 265)


def _entry(path: str, content: bytes) -> bytes:
    start = path.encode().ljust(100, b"\0") + b"0000644\0000000000\0000000000\0"
    start += b"%011o\0%011o\0" % (len(content), SEPTEMBER_2006)
    total = sum(start) + 8 * 32 + sum(_header_end())
    return b"%s%07o\0%s%s%s" % (start, total, _header_end(), content, bytes(-len(content) % BLOCK))


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--names", type=int, default=1000)
    parser.add_argument("--versions", type=int, default=10)
    parser.add_argument("--dependencies", type=int, default=3)
    parser.add_argument("--source-bytes", type=int, default=4096)
    parser.add_argument("--spread", choices=("even", "crates.io"), default="even")
    given = parser.parse_args()
    shape = Shape(
        names=given.names,
        versions=given.versions,
        dependencies=given.dependencies,
        source_bytes=given.source_bytes,
        spread=given.spread,
    )
    print(generate(given.folder, shape), "crates")


if __name__ == "__main__":
    _main()
