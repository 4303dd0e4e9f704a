"""Archives that chance has damaged, each by its number, and what we make of them beside what cargo makes of them.

`python -m tests.crate.mutants --count N` tries so many, and prints the figures as JSON.
"""

import argparse
import io
import json
import random
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from struct import pack
from tempfile import TemporaryDirectory

from cargo_static_index.crate.archive import read_archive
from cargo_static_index.crate.limits import Limits
from cargo_static_index.diagnostics.problems import refused
from tests.cargo.test_archives_against_cargo import ACCEPTED, change
from tests.crate.oracle import TOP, ArchiveOracle, Verdict, cargo_versions, oracle_versions
from tests.crates import crate, gzip_member, tar_entry

LIMITS = Limits()
BATCH = 5000
DISAGREEMENTS = "taken by us, and refused or unpacked otherwise by cargo"

HEAD = b"\x1f\x8b\x08\0" + bytes(4) + b"\x02\xff"
"""A gzip header of no options."""
WORDS = b"fn pub let mut self impl struct match return where async move trait const static unsafe extern crate".split()
LENGTHS = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
"""The symbols that state lengths of codes, in deflate's order."""


def mutant(number: int) -> tuple[str, bytes]:
    """Give the kind and the bytes of one mutant: the same for the same number."""
    chance = random.Random(number)
    kind = KINDS[number % len(KINDS)]
    return _kind(kind), kind(chance)


def _kind(make: Callable[[random.Random], bytes]) -> str:
    return make.__name__.strip("_").replace("_", " ")


# deflate


def _deflate_streams(chance: random.Random) -> bytes:
    """Turn bits of a compressed stream, most of them in the codes at its start; the trailer fits what comes out."""
    tar = _tar(chance)
    strategy = chance.choice((zlib.Z_DEFAULT_STRATEGY, zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY))
    deflater = zlib.compressobj(chance.choice((1, 6, 9)), wbits=-15, strategy=strategy)
    stream = bytearray(deflater.compress(tar) + deflater.flush())
    for _ in range(chance.choice((1, 2, 2, 3))):
        at = chance.randrange(chance.choice((12, 100, len(stream))))
        stream[at % len(stream)] ^= 1 << chance.randrange(8)
    return HEAD + stream + _trailer(_inflated(bytes(stream)) or tar)


def _deflate_codes(chance: random.Random) -> bytes:
    """State any set of distance codes, of which none is used."""
    longest = chance.choice((1, 2, 3, 7, 15))
    distances = [chance.choice((0, chance.randint(0, longest))) for _ in range(chance.choice((1, 2, 3, 30, 32)))]
    return literals(crate().tar(), distances)


def _inflated(stream: bytes) -> bytes:
    inflater = zlib.decompressobj(wbits=-15)
    try:
        return inflater.decompress(stream, 1 << 20)
    except zlib.error:
        return b""


def _trailer(content: bytes) -> bytes:
    return pack("<II", zlib.crc32(content), len(content))


def _tar(chance: random.Random) -> bytes:
    text = b" ".join(chance.choices(WORDS, k=chance.choice((5, 60, 400))))
    return crate().file("src/lib.rs", text + chance.randbytes(chance.choice((0, 9, 200)))).tar()


def literals(content: bytes, distances: Sequence[int]) -> bytes:
    """Give a gzip member of one block, all of it literals, whose header states distance codes of these lengths."""
    # 255 codes of 8 bits and two of 9, the end of the block among them, are a complete set; so are 16 of four bits.
    head = [(1, 1), (2, 2), (0, 5), (len(distances) - 1, 5), (len(LENGTHS) - 4, 4)]
    head += [(4 if symbol < 16 else 0, 3) for symbol in LENGTHS]
    head += [(_turned(length, 4), 4) for length in (*[8] * 255, 9, 9, *distances)]
    (begun, width), (body, more) = _bits(head), _coded(content)
    stream = (begun | body << width).to_bytes(-(-(width + more) // 8), "little")
    return HEAD + stream + _trailer(content)


@cache
def _coded(content: bytes) -> tuple[int, int]:
    """Give content and the end of the block in these codes."""
    codes = [(_turned(byte, 8), 8) if byte < 255 else (_turned(510, 9), 9) for byte in content]
    return _bits([*codes, (_turned(511, 9), 9)])


def _bits(numbers: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Give numbers, each with its width, as one number, the first lowest, and its width."""
    text = "".join(f"{number:0{width}b}"[::-1] for number, width in numbers)[::-1]
    return int(text, 2), len(text)


def _turned(number: int, width: int) -> int:
    """Give a code as deflate writes it, its first bit last."""
    return int(f"{number:0{width}b}"[::-1], 2)


# gzip


def _gzip_headers(chance: random.Random) -> bytes:
    flags = chance.choice((0, chance.randrange(32), chance.randrange(256)))
    head = bytearray(b"\x1f\x8b\x08" + bytes([flags]) + chance.randbytes(6))
    if flags & 4:
        extra = chance.randbytes(chance.choice((0, 1, 6, 300, 65535)))
        head += pack("<H", chance.choice((len(extra),) * 4 + (len(extra) ^ 1,))) + extra
    for flag in (8, 16):
        if flags & flag:
            head += b"n" * chance.choice((0, 1, 20, 65534, 65535, 65536)) + b"\0"
    if flags & 2:
        head += pack("<H", zlib.crc32(head) & 0xFFFF if chance.random() < 0.7 else chance.randrange(1 << 16))
    if chance.random() < 0.2:
        head[chance.randrange(min(len(head), 12))] = chance.randrange(256)
    if chance.random() < 0.05:
        del head[chance.randrange(len(head)) :]
    return bytes(head) + crate().build()[10 + len("foo-1.0.0.crate") + 1 :]


def _gzip_trailers(chance: random.Random) -> bytes:
    content = bytearray(crate().compressed(chance.choice((0, 6))).build())
    match chance.randrange(4):
        case 0:
            content[-1 - chance.randrange(8)] ^= 1 << chance.randrange(8)
        case 1:
            del content[-1 - chance.randrange(20) :]
        case 2:
            content += chance.choice((bytes(9), b"\x1f\x8b", b"\x1f", bytes(9) + b"\1", chance.randbytes(20)))
        case _:
            content += crate().build()[: chance.choice((3, 12, 200, 4000))]
    return bytes(content)


# tar


def _tar_headers(chance: random.Random) -> bytes:
    """Change entries of several odd kinds, most with the right checksums."""
    builder = crate()
    for title in chance.sample(sorted(ACCEPTED), 2):
        for entry in ACCEPTED[title](TOP):
            builder.entry(entry)
    tar = bytearray(builder.tar())
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        change(tar, chance)
    return gzip_member(bytes(tar))


def _pax_records(chance: random.Random) -> bytes:
    """Put headers full of odd records before a file."""
    builder = crate()
    for _ in range(chance.choice((1, 1, 2))):
        records = b"".join(_record(chance) for _ in range(chance.choice((0, 1, 1, 2, 3))))
        builder.entry(tar_entry("x", records, kind=b"x", header_format=chance.choice(("ustar", "gnu", "ustar", "v7"))))
        if chance.random() < 0.9:
            builder.entry(tar_entry(f"{TOP}/b", b"hello", size=chance.choice((5,) * 5 + (6,))))
    return gzip_member(builder.tar())


KEYS = (b"path", b"path", b"size", b"size", b"linkpath", b"uid", b"mtime", b"GNU.sparse.name", b"a b", b"", b"\xff")
VALUES = (b"5", b"+5", b"05", b"-5", b" 5", b"5 ", b"6", b"", b"x", b"5\n", b"\xff", b"\0", b"9" * 19, b"9" * 20, b"=")
PATHS = ("a", "a/", "a\0", "src/lib.rs", "../a", "a/../b", "é", "a" * 256, "\n", "Cargo.toml", "")


def _record(chance: random.Random) -> bytes:
    key, value = chance.choice(KEYS), chance.choice(VALUES)
    if key == b"path" and chance.random() < 0.9:
        value = f"{chance.choice((TOP, TOP, 'b'))}/{chance.choice(PATHS)}".encode()
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + 2 if len(body) + 2 > 9 else len(body) + 1
    length = length + 1 if length > 99 else length
    length += chance.choice((0,) * 12 + (1, -1))
    record = b"%s%d" % (chance.choice((b"",) * 9 + (b"0", b"+", b" ")), length) + body
    return record if chance.random() < 0.95 else record[: chance.randrange(len(record))]


KINDS: tuple[Callable[[random.Random], bytes], ...] = (
    _deflate_streams, _deflate_codes, _gzip_headers, _gzip_trailers, _tar_headers, _pax_records,
)  # fmt: skip


# both verdicts


def ours(content: bytes) -> Verdict:
    """Give the files that we list, or the rules by which we refuse."""
    archive, problems = read_archive(io.BytesIO(content), LIMITS)
    if archive is None or refused(problems, {}):
        return " ".join(sorted({each.rule for each in problems}))
    if archive.directory != TOP:
        return "directory-differs"
    return {path: (len(kept), zlib.crc32(kept)) for path, kept in archive.documents.items()}


def wrong(mine: Verdict, cargo: Verdict) -> bool:
    """Whether we take what cargo refuses, or list other files than it unpacks."""
    return isinstance(mine, dict) and mine != cargo


def judged(numbers: range, oracle: ArchiveOracle) -> Iterator[tuple[int, str, Verdict, Verdict]]:
    """Give number, kind, our verdict and cargo's for each mutant."""
    for start in range(numbers.start, numbers.stop, BATCH):
        some = range(start, min(start + BATCH, numbers.stop))
        made = [mutant(number) for number in some]
        verdicts = oracle.judge(content for _, content in made)
        for number, (kind, content), cargo in zip(some, made, verdicts, strict=True):
            yield number, kind, ours(content), cargo


def figures(found: Iterator[tuple[int, str, Verdict, Verdict]]) -> dict[str, object]:
    """Count what became of mutants, and list the disagreements."""
    counts: Counter[str] = Counter(dict.fromkeys(("mutants", *map(_kind, KINDS)), 0))
    disagreements: list[str] = []
    for number, kind, mine, cargo in found:
        counts["mutants"] += 1
        counts[kind] += 1
        counts["taken by both"] += isinstance(mine, dict) and isinstance(cargo, dict)
        counts["refused by both"] += isinstance(mine, str) and isinstance(cargo, str)
        counts["refused by us alone"] += isinstance(mine, str) and isinstance(cargo, dict)
        if wrong(mine, cargo):
            disagreements.append(f"mutant {number} ({kind}): ours {mine}, cargo's {cargo}")
    return {**counts, DISAGREEMENTS: disagreements}


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    cargo, wanted = cargo_versions()
    if oracle_versions() != wanted:
        sys.exit(f"cargo {cargo} is locked to {wanted}; build tests/crate/archive_oracle with these, and begin again")
    with TemporaryDirectory() as target:
        found = figures(judged(range(given.first, given.first + given.count), ArchiveOracle(Path(target))))
    versions = ", ".join(f"{name} {version}" for name, version in wanted.items())
    print(json.dumps({"judge": f"{versions}, as in the lock file of cargo {cargo}", **found}))
    sys.exit(bool(found[DISAGREEMENTS]))


if __name__ == "__main__":
    _main()
