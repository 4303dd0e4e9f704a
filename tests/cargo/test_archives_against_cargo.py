"""The real cargo unpacks the archives that we read: what we accept it unpacks into the very files that we list.

No server: cargo unpacks from a local registry. What we accept is unpacked by one cargo for all.
"""

import io
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import pytest
from msgspec import Struct

from cargo_static_index.crate.archive import read_archive
from cargo_static_index.crate.check import check_crate
from cargo_static_index.crate.limits import Limits
from cargo_static_index.crate.policy import Policy
from tests.cargo.localregistry import LocalRegistry
from tests.crates import CrateBuilder, crate, gzip_member, long_name_entry, pax_entry, tar_entry
from tests.tools import as_nobody, need

pytestmark = pytest.mark.cargo

LIMITS = Limits()
POLICY = Policy()
BLOCK = 512

Entries = Callable[[str], list[bytes]]
"""Gives entries to put behind those of a sound crate, for the name of its directory."""


class Refused(Struct, frozen=True):
    """Entries that we refuse by a rule, and what cargo does with them.

    It fails; or unpacks what we could not list (a path that is not one, a link); or what we do list,
    where others than cargo would read something else.
    """

    entries: Entries
    rule: str
    cargo: Literal["fails", "other", "same"]


def patched(entry: bytes, at: int, raw: bytes) -> bytes:
    """Give an entry with other bytes in its header, and the checksum that is right for them."""
    header = bytearray(entry[:BLOCK])
    header[at : at + len(raw)] = raw
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + entry[BLOCK:]


def long_name(raw: bytes) -> bytes:
    """Give a GNU long name whose content is just this, be there a NUL at its end or not."""
    return tar_entry("././@LongLink", raw, kind=b"L")


MODE, MTIME, UID, MAGIC, PREFIX = 100, 136, 108, 257, 345

ACCEPTED: dict[str, Entries] = {
    "an odd time": lambda top: [
        patched(tar_entry(f"{top}/a", b"hi"), MTIME, b"\x80\0\0\0\x7f" + b"\xff" * 7),
        patched(tar_entry(f"{top}/b", b"hi"), MTIME, b"\xff" * 12),
        patched(tar_entry(f"{top}/c", b"hi"), MTIME, b"never"),
    ],
    "an odd owner": lambda top: [patched(tar_entry(f"{top}/a", b"hi"), UID, b"nobody")],
    "odd modes": lambda top: [
        patched(tar_entry(f"{top}/a", b"hi"), MODE, b"0000444\0"),
        patched(tar_entry(f"{top}/b", b"hi"), MODE, b"0104755\0"),
        patched(tar_entry(f"{top}/c", b"hi"), MODE, b"?\0"),
        patched(tar_entry(f"{top}/d/", kind=b"5"), MODE, b"\x80\0\0\0\0\0\0\0"),
        tar_entry(f"{top}/d/e", b"hi"),
    ],
    "a long name with and without NUL": lambda top: [
        long_name(f"{top}/a\0".encode()) + tar_entry("x", b"hi"),
        long_name(f"{top}/b".encode()) + tar_entry("x", b"hi"),
    ],
    "a long link that belongs to no link": lambda top: [long_name_entry("x", kind=b"K") + tar_entry(f"{top}/a", b"hi")],
    "a PAX path": lambda top: [pax_entry({"path": f"{top}/a"}) + tar_entry("x", b"hi")],
    "a PAX path and a long name, which wins": lambda top: [
        pax_entry({"path": f"{top}/a"}) + long_name_entry(f"{top}/b") + tar_entry("x", b"hi"),
        long_name_entry(f"{top}/c") + pax_entry({"path": f"{top}/d"}) + tar_entry("x", b"hi"),
    ],
    "a PAX header in a GNU tar": lambda top: [
        tar_entry("x", pax_entry({"path": f"{top}/a"})[BLOCK:].rstrip(b"\0"), kind=b"x") + tar_entry("x", b"hi")
    ],
    "PAX records of no meaning to cargo": lambda top: [
        pax_entry({"uid": "9" * 11, "SCHILY.xattr.x": "y", "a b": "é"}) + tar_entry(f"{top}/a", b"hi"),
        pax_entry(b"") + tar_entry(f"{top}/b", b"hi"),
    ],
    "PAX sizes": lambda top: [
        pax_entry({"size": size}) + tar_entry(f"{top}/{number}", b"hi") for number, size in enumerate(("2", "+2", "02"))
    ],
    "v7 headers": lambda top: [
        tar_entry(f"{top}/a", b"hi", kind=b"\0", header_format="v7"),
        tar_entry(f"{top}/b/", kind=b"\0", header_format="v7"),
    ],
    "a prefix in a ustar header": lambda top: [
        tar_entry("a", b"hi", prefix=top.encode(), header_format="ustar"),
        patched(tar_entry(f"{top}/b", b"hi", header_format="ustar"), PREFIX, b"\0abc"),
        patched(tar_entry(f"{top}/c", b"hi"), PREFIX, b"abc"),
    ],
    "an odd magic": lambda top: [patched(tar_entry(f"{top}/a", b"hi"), MAGIC, b"ustar\x0001")],
    "sizes in every form": lambda top: [
        tar_entry(f"{top}/{number}", b"hi", size=size)
        for number, size in enumerate(
            (
                b"\x80" + bytes(10) + b"\2",
                b"\xff\xff\xff\xff" + bytes(7) + b"\2",
                b"         2 \0",
                b"000000000002",
                b"+2\0garbage!!",
            )
        )
    ],
    "directories": lambda top: [
        tar_entry(f"{top}/", kind=b"5"),
        tar_entry(top, kind=b"5"),
        tar_entry(f"{top}/a", kind=b"5"),
        tar_entry(f"{top}/b/"),
        tar_entry(f"{top}/.cargo_vcs_info.json/", kind=b"5"),
    ],
    "names for Linux alone": lambda top: [
        tar_entry(f"{top}/{name}", b"hi") for name in ("...", "a.", "a ", "a\nb", "a:b", "aux.rs", "A", "a")
    ],
    "two spellings in Unicode": lambda top: [tar_entry(f"{top}/é", b"1"), tar_entry(f"{top}/e\u0301", b"2")],
    "a mark of byte order": lambda top: [tar_entry(f"{top}/\ufeffa", b"hi")],
    "a name of 255 bytes": lambda top: [tar_entry(f"{top}/{'a' * 255}", b"hi")],
    "a long path": lambda top: [tar_entry(f"{top}/" + "/".join(["a" * 100] * 9), b"hi")],
    "a file twice": lambda top: [tar_entry(f"{top}/a", b"hi")] * 2,
    "files of cargo's own": lambda top: [
        tar_entry(f"{top}/.cargo-ok", b"hi"),
        tar_entry(f"{top}/src/.cargo-ok", b"hi"),
        tar_entry(f"{top}/src/.cargo-ok2/.cargo-ok/a", b"hi"),
    ],
    "more after a block of zeros": lambda top: [bytes(BLOCK), tar_entry(f"{top}/a"), tar_entry("/etc/passwd")],
}

REFUSED: dict[str, Refused] = {
    "a directory where cargo writes a file": Refused(
        lambda top: [tar_entry(f"{top}/.cargo-ok/a")], "path-invalid", "fails"
    ),
    "two NULs behind a long name": Refused(
        lambda top: [long_name(f"{top}/a\0\0".encode()) + tar_entry("x")], "path-invalid", "fails"
    ),
    "an empty long name": Refused(
        lambda top: [long_name(b"") + tar_entry(f"{top}/a")], "path-outside-package", "fails"
    ),
    "a long name for nothing": Refused(lambda top: [long_name_entry(f"{top}/a")], "tar-damaged", "fails"),
    "an empty PAX size": Refused(
        lambda top: [pax_entry({"size": ""}) + tar_entry(f"{top}/a", b"hi")], "tar-damaged", "other"
    ),
    "a PAX size with a blank": Refused(
        lambda top: [pax_entry({"size": " 2"}) + tar_entry(f"{top}/a", b"hi")], "tar-damaged", "other"
    ),
    "a PAX size beyond 64 bits": Refused(
        lambda top: [pax_entry({"size": "9" * 20}) + tar_entry(f"{top}/a", b"hi")], "tar-size-mismatch", "other"
    ),
    "a PAX size that is smaller": Refused(
        lambda top: [pax_entry({"size": "1"}) + tar_entry(f"{top}/a", b"hi")], "tar-size-mismatch", "same"
    ),
    "a NUL in a PAX path": Refused(
        lambda top: [pax_entry({"path": f"{top}/a\0b"}) + tar_entry("x")], "path-invalid", "fails"
    ),
    "a PAX header in a v7 tar": Refused(
        lambda top: [tar_entry("x", kind=b"x", header_format="v7"), tar_entry(f"{top}/a")], "entry-type", "fails"
    ),
    "a directory with content": Refused(
        lambda top: [tar_entry(f"{top}/a/", b"hi", kind=b"5")], "tar-size-mismatch", "same"
    ),
    "a directory by its slash, with content": Refused(
        lambda top: [tar_entry(f"{top}/a/", b"hi")], "tar-size-mismatch", "same"
    ),
    "a ustar file with a slash": Refused(
        lambda top: [tar_entry(f"{top}/a/", b"hi", header_format="ustar")], "path-invalid", "other"
    ),
    "a prefix with a slash": Refused(
        lambda top: [tar_entry("a", prefix=f"{top}/".encode(), header_format="ustar")], "path-invalid", "other"
    ),
    "an empty size": Refused(lambda top: [tar_entry(f"{top}/a", size=bytes(12))], "tar-damaged", "fails"),
    "a negative size": Refused(lambda top: [tar_entry(f"{top}/a", size=b"-0000000001\0")], "tar-damaged", "fails"),
    "a size with a 9": Refused(lambda top: [tar_entry(f"{top}/a", size=b"00000000009\0")], "tar-damaged", "fails"),
    "a size that overflows": Refused(
        lambda top: [tar_entry(f"{top}/a", size=b"\x80\0\0\0" + b"\xff" * 8)], "tar-damaged", "fails"
    ),
    "a wrong checksum": Refused(lambda top: [tar_entry(f"{top}/a", checksum=5)], "tar-damaged", "fails"),
    "a global header": Refused(lambda _: [pax_entry({"comment": "x"}, kind=b"g")], "tar-global-header", "fails"),
    "a global header with a path inside": Refused(
        lambda top: [tar_entry(f"{top}/g", kind=b"g", header_format="ustar")], "tar-global-header", "same"
    ),
    "a sparse file": Refused(lambda top: [tar_entry(f"{top}/a", kind=b"S")], "entry-type", "fails"),
    "a sparse file by PAX": Refused(
        lambda top: [
            pax_entry({"GNU.sparse.major": "1", "GNU.sparse.name": f"{top}/a", "GNU.sparse.realsize": "1048576"})
            + tar_entry(f"{top}/GNUSparseFile.0/a", b"1\n1048574\n2\n".ljust(BLOCK, b"\0") + b"hi")
        ],
        "entry-type",
        "other",
    ),
    "a symbolic link": Refused(
        lambda top: [tar_entry(f"{top}/a", kind=b"2", link=b"Cargo.toml")], "entry-type", "other"
    ),
    "a hard link": Refused(
        lambda top: [tar_entry(f"{top}/a", kind=b"1", link=f"{top}/Cargo.toml".encode())], "entry-type", "other"
    ),
    "a pipe": Refused(lambda top: [tar_entry(f"{top}/a", kind=b"6")], "entry-type", "other"),
    "a contiguous file": Refused(lambda top: [tar_entry(f"{top}/a", b"hi", kind=b"7")], "entry-type", "other"),
    "an unknown type": Refused(lambda top: [tar_entry(f"{top}/a", b"hi", kind=b"Z")], "entry-type", "other"),
    "an empty component": Refused(lambda top: [tar_entry(f"{top}/a//b")], "path-invalid", "other"),
    "a dot as component": Refused(lambda top: [tar_entry(f"{top}/a/./b")], "path-invalid", "other"),
    "two dots as component": Refused(lambda top: [tar_entry(f"{top}/a/../b")], "path-outside-package", "same"),
    "a path elsewhere": Refused(lambda _: [tar_entry("bar-1.0.0/a")], "path-outside-package", "fails"),
    "an absolute path": Refused(lambda top: [tar_entry(f"/{top}/a")], "path-outside-package", "fails"),
    "a path from here": Refused(lambda top: [tar_entry(f"./{top}/a")], "path-outside-package", "fails"),
    "another case": Refused(lambda top: [tar_entry(f"{top.upper()}/a")], "path-outside-package", "fails"),
    "a path in Latin-1": Refused(lambda top: [tar_entry(top.encode() + b"/\xe9")], "path-invalid", "other"),
    "a backslash": Refused(lambda top: [tar_entry(f"{top}/a\\b")], "path-invalid", "other"),
    "a name of 256 bytes": Refused(lambda top: [tar_entry(f"{top}/{'a' * 256}")], "path-invalid", "fails"),
    "a file for the directory": Refused(lambda top: [tar_entry(top, b"hi")], "path-outside-package", "fails"),
    "two files of one name": Refused(
        lambda top: [tar_entry(f"{top}/a", b"1"), tar_entry(f"{top}/a", b"2")], "path-overwritten", "same"
    ),
    "a file, then a directory": Refused(
        lambda top: [tar_entry(f"{top}/a"), tar_entry(f"{top}/a/b")], "path-duplicate", "fails"
    ),
    "a directory, then a file": Refused(
        lambda top: [tar_entry(f"{top}/a/", kind=b"5"), tar_entry(f"{top}/a")], "path-duplicate", "fails"
    ),
    "a directory and a file that another case hides": Refused(
        lambda top: [tar_entry(f"{top}/A"), tar_entry(f"{top}/a"), tar_entry(f"{top}/a/", kind=b"5")],
        "path-duplicate",
        "fails",
    ),
    "a file below a file that another case hides": Refused(
        lambda top: [tar_entry(f"{top}/A"), tar_entry(f"{top}/a"), tar_entry(f"{top}/a/b")], "path-duplicate", "fails"
    ),
    "a file and one of two directories": Refused(
        lambda top: [*(tar_entry(f"{top}/{name}/", kind=b"5") for name in "aA"), tar_entry(f"{top}/a")],
        "path-duplicate",
        "fails",
    ),
    "a directory for the manifest": Refused(
        lambda top: [tar_entry(f"{top}/Cargo.toml/", kind=b"5")], "path-duplicate", "fails"
    ),
    "another manifest under a long name": Refused(
        lambda top: [long_name_entry(f"{top}/Cargo.toml") + tar_entry("x", b"[package]")], "manifest-duplicate", "fails"
    ),
}


def with_entries(name: str, entries: Entries) -> bytes:
    builder = crate(name)
    for each in entries(f"{name}-1.0.0"):
        builder.entry(each)
    return builder.build()


def rules(content: bytes) -> set[str]:
    return {each.rule for each in check_crate(io.BytesIO(content), POLICY).problems}


def is_refused(content: bytes) -> bool:
    return check_crate(io.BytesIO(content), POLICY).refused


def is_what_we_list(content: bytes, unpacked: Mapping[str, bytes]) -> bool:
    """Whether these files have the paths, the sizes and, as far as we keep it, the content that we read."""
    archive, _ = read_archive(io.BytesIO(content), LIMITS)
    assert archive is not None
    sizes = {each.path: each.size for each in archive.files}
    same = all(unpacked.get(path) == kept for path, kept in archive.documents.items())
    return same and sizes == {path: len(found) for path, found in unpacked.items()}


@pytest.mark.case(65)
@pytest.mark.case(66)
@pytest.mark.case(67)
@pytest.mark.case(68)
@pytest.mark.case(72)
@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_we_refuse_cargo_cannot_unpack_or_not_as_we_would_say(case: Refused, tmp_path: Path) -> None:
    content = with_entries("foo", case.entries)
    assert case.rule in rules(content)
    assert is_refused(content)
    local = LocalRegistry(tmp_path, {"foo": content})
    if local.metadata().code != 0:
        assert case.cargo == "fails"
    else:
        assert case.cargo == ("same" if is_what_we_list(content, local.unpacked("foo")) else "other")


@pytest.mark.case(73)
@pytest.mark.case(74)
@pytest.mark.case(76)
@pytest.mark.case(77)
@pytest.mark.parametrize("toolchain", ["", "+nightly"])
def test_what_we_accept_cargo_unpacks_into_the_files_that_we_list(toolchain: str, tmp_path: Path) -> None:
    cases = {f"case{number}": title for number, title in enumerate(ACCEPTED)}
    crates = {name: with_entries(name, ACCEPTED[title]) for name, title in cases.items()}
    local = LocalRegistry(tmp_path, crates, toolchain=toolchain)
    if toolchain and local.cargo.run(toolchain, "--version").code != 0:
        pytest.skip(f"not installed: cargo {toolchain}")
    assert [cases[name] for name, content in crates.items() if is_refused(content)] == []
    local.packages()
    wrong = [name for name, content in crates.items() if not is_what_we_list(content, local.unpacked(name))]
    assert [cases[name] for name in wrong] == []


@pytest.mark.parametrize(
    ("mode", "kind", "sentence"),
    [
        (b"0000555\0", b"5", "'foo-1.0.0/a/' has the mode 555, which keeps its owner out."),
        (b"0000644\0", b"5", "'foo-1.0.0/a/' has the mode 644, which keeps its owner out."),
        (b"0040000\0", b"5", "'foo-1.0.0/a/' has the mode 000, which keeps its owner out."),
        (b"0000200\0", b"0", "'foo-1.0.0/Cargo.toml' has the mode 200, which keeps its owner out."),
    ],
)
def test_a_mode_that_keeps_its_owner_out_is_refused_for_cargo_fails_unless_root_runs_it(
    mode: bytes, kind: bytes, sentence: str, tmp_path: Path
) -> None:
    top = "foo-1.0.0"
    manifest = tar_entry(f"{top}/Cargo.toml", crate("foo").manifest_text())
    lib = tar_entry(f"{top}/src/lib.rs")
    if kind == b"5":
        entries = [manifest, lib, patched(tar_entry(f"{top}/a/", kind=kind), MODE, mode), tar_entry(f"{top}/a/b")]
    else:
        entries = [patched(manifest, MODE, mode), lib]
    content = gzip_member(b"".join(entries) + bytes(2 * BLOCK))
    found = check_crate(io.BytesIO(content), POLICY)
    assert [(each.rule, each.message) for each in found.problems] == [("entry-mode", sentence)]
    assert found.refused
    local = LocalRegistry(tmp_path, {"foo": content})
    project = local.cargo.project('foo = "1"\n')
    command = [need("cargo"), "metadata", "--format-version", "1"]
    done = as_nobody(command, cwd=project.folder, env=local.cargo.environment())
    assert done.returncode != 0
    assert "Permission denied" in done.stderr


# archives that chance has damaged


FIELDS = ((0, 512), (0, 100), (100, 8), (124, 12), (148, 8), (156, 1), (257, 8), (345, 9))
"""Where a header has what, and how long it is: anything, name, mode, size, checksum, type, magic, prefix."""
USUAL_BYTES = b"\0 /.01257LKxg\\\n\x80\xff"


def damaged(number: int, chance: random.Random) -> bytes:
    """Give a crate of several kinds of entries with a few changes by chance, most with the right checksums."""
    name = f"case{number}"
    top = f"{name}-1.0.0"
    builder = crate(name)
    for title in chance.sample(sorted(ACCEPTED), 2):
        _add(builder, ACCEPTED[title](top))
    tar = bytearray(builder.tar())
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        change(tar, chance)
    return gzip_member(bytes(tar))


def _add(builder: CrateBuilder, entries: list[bytes]) -> None:
    for each in entries:
        builder.entry(each)


def change(tar: bytearray, chance: random.Random) -> None:
    blocks = len(tar) // BLOCK
    if not blocks:
        return
    at = chance.randrange(blocks) * BLOCK
    match chance.randrange(8):
        case 0:
            del tar[chance.randrange(len(tar)) :]
        case 1:
            other = chance.randrange(blocks) * BLOCK
            tar[at:at] = tar[other : other + BLOCK * chance.randrange(1, 4)]
        case 2:
            del tar[at : at + BLOCK]
        case 3:
            where = at + chance.randrange(BLOCK)
            tar[where:where] = bytes(chance.randrange(1, 20))
        case _:
            begin, size = chance.choice(FIELDS)
            tar[at + begin + chance.randrange(size)] = chance.choice((*USUAL_BYTES, chance.randrange(256)))
    block = tar[at : at + BLOCK]
    if len(block) == BLOCK and any(block) and chance.random() < 0.9:
        block[148:156] = b" " * 8
        tar[at + 148 : at + 156] = b"%06o\0 " % sum(block)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_damaged_what_we_still_accept_cargo_unpacks_as_we_say(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    crates = {f"case{number}": damaged(number, chance) for number in range(400)}
    kept = {name: content for name, content in crates.items() if not is_refused(content)}
    assert 50 < len(kept) < 350
    local = LocalRegistry(tmp_path, kept)
    local.packages()
    assert [name for name, content in kept.items() if not is_what_we_list(content, local.unpacked(name))] == []
