import io
import struct
import tarfile
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_static_index.crate.archive import Archive, read_archive
from cargo_static_index.crate.limits import MIB, Limits
from cargo_static_index.crate.metadata import File
from cargo_static_index.diagnostics.problems import Problem
from cargo_static_index.diagnostics.rules import RULES
from tests.crate.mutants import literals
from tests.crates import BLOCK, CrateBuilder, crate, gzip_member, long_name_entry, pax_entry, tar_entry

LIMITS = Limits()
TOP = "foo-1.0.0"
MANIFEST = tar_entry(f"{TOP}/Cargo.toml", b"[package]\n")
LONG = "src/" + "/".join(["a-directory-with-a-long-name"] * 10) + "/lib.rs"

TWICE = "The archive holds '{}' twice, with different bytes; cargo keeps the later one."
SEVERAL = "The archive has more than one Cargo.toml in its directory"

Found = list[tuple[str, str]]


def read(content: bytes, limits: Limits = LIMITS) -> tuple[Archive | None, tuple[Problem, ...]]:
    return read_archive(io.BytesIO(content), limits)


def accepted(content: bytes, limits: Limits = LIMITS) -> Archive:
    archive, problems = read(content, limits)
    assert problems == ()
    assert archive is not None
    return archive


def found(content: bytes, limits: Limits = LIMITS) -> Found:
    return [(problem.rule, problem.message) for problem in read(content, limits)[1]]


def tarball(*entries: bytes, end: bytes = bytes(1024)) -> bytes:
    return gzip_member(b"".join(entries) + end)


def with_entry(*raw: bytes) -> bytes:
    return tarball(MANIFEST, *raw)


def says(rule: str) -> str:
    return RULES[rule].says


def paths(archive: Archive) -> list[str]:
    return [file.path for file in archive.files]


# what is read


def test_an_archive_tells_its_checksums_sizes_and_files() -> None:
    content = crate().file("src/lib.rs", "pub fn f() {}\n").file("README.md", "# Foo\n").vcs("1" * 40).build()
    archive = accepted(content)
    assert archive.cksum == sha256(content).hexdigest()
    assert archive.packed_size == len(content)
    assert archive.unpacked_size == sum(file.size for file in archive.files)
    assert archive.directory == TOP
    assert archive.manifest == crate().manifest_text()
    assert paths(archive) == [".cargo_vcs_info.json", "Cargo.toml", "README.md", "src/lib.rs"]
    assert File(path="src/lib.rs", size=14) in archive.files
    assert archive.vcs is not None
    assert b'"sha1": "' + b"1" * 40 in archive.vcs
    assert archive.documents["README.md"] == b"# Foo\n"
    assert archive.oversize == {}


def test_files_are_sorted_by_path_whatever_their_order() -> None:
    entries = [tar_entry(f"{TOP}/{path}") for path in ("z", "b/c", "a")]
    assert paths(accepted(tarball(*entries, MANIFEST))) == ["Cargo.toml", "a", "b/c", "z"]


def test_the_stream_may_give_any_number_of_bytes_at_once() -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(1 if size is None or size < 0 else min(size, 7))

    content = crate().file("src/lib.rs", b"x" * 2000).compressed().build()
    assert read_archive(Trickle(content), LIMITS) == read(content)


def test_an_error_of_the_stream_goes_through() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(f"the disk is gone: {size}")

    with pytest.raises(OSError, match="the disk is gone"):
        read_archive(Broken(), LIMITS)


def test_a_large_archive_is_read_as_a_small_one_is() -> None:
    big = zlib.compress(bytes(range(256)) * 4000, 0) * 12
    archive = accepted(crate().file("a.bin", big).file("z.md", b"# Last\n").build())
    assert archive.packed_size > 8 * MIB
    assert archive.oversize == {"a.bin": len(big)}
    assert archive.documents["z.md"] == b"# Last\n"


def test_python_s_tarfile_and_we_agree_on_a_sound_archive() -> None:
    content = crate().file(LONG, b"1").file("tests/a.rs", b"22").build()
    with tarfile.open(fileobj=io.BytesIO(content)) as other:
        expected = sorted((member.name.removeprefix(f"{TOP}/"), member.size) for member in other)
    assert [(file.path, file.size) for file in accepted(content).files] == expected


# documents


def test_in_a_small_archive_every_file_is_kept_under_any_name() -> None:
    archive = accepted(crate().file(".github/front.page", b"# Foo\n").build())
    assert archive.documents[".github/front.page"] == b"# Foo\n"


def test_when_the_room_is_taken_likely_documents_are_kept_all_the_same() -> None:
    limits = Limits(documents_bytes=4096)
    build = crate().file("AAA.bin", b"x" * 3900).file("BBB.bin", b"y" * 300)
    build.file("CHANGELOG.md", b"# 1.0.0\n" * 100).file("Readme", b"hi" * 200).file("docs/guide.txt", b"z" * 300)
    archive = accepted(build.build(), limits)
    assert archive.oversize == {"BBB.bin": 300}
    assert {"CHANGELOG.md", "Readme", "docs/guide.txt"} < set(archive.documents)


def test_likely_documents_have_no_more_than_their_own_room() -> None:
    build = crate().file("a.md", b"1" * 900).file("b.md", b"2" * 900).file("c.md", b"3" * 900)
    archive = accepted(build.build(), Limits(documents_bytes=1000))
    assert archive.oversize == {"c.md": 900}


def test_a_readme_over_the_limit_is_named_with_its_size() -> None:
    archive = accepted(crate().readme(b"x" * (512 * 1024 + 1)).build())
    assert archive.oversize == {"README.md": 512 * 1024 + 1}
    assert "README.md" not in archive.documents


def test_every_file_is_a_document_or_oversize() -> None:
    limits = Limits(documents_bytes=1000, readme_bytes=500)
    build = crate()
    for number in range(9):
        build.file(f"{number}.rs", b"x" * 130 * number)
    archive = accepted(build.build(), limits)
    assert sorted(archive.documents.keys() | archive.oversize.keys()) == paths(archive)
    assert not archive.documents.keys() & archive.oversize.keys()


def test_the_room_for_documents_holds_for_an_entry_without_a_name() -> None:
    nameless = tar_entry(b"", b"x" * 600, header_format="ustar")
    after = [tar_entry(f"{TOP}/d/", kind=b"5"), tar_entry(f"{TOP}/b", b"y" * 600)]
    archive, _ = read(tarball(nameless, tar_entry(b"a", header_format="ustar"), *after), Limits(documents_bytes=1000))
    assert archive is not None
    assert (archive.documents, archive.oversize) == ({}, {"b": 600})


# the file


@pytest.mark.case(78)
@pytest.mark.parametrize(
    ("content", "rule", "message"),
    [
        (b"", "file-empty", "The file is empty."),
        (b"<!DOCTYPE html><h1>404", "file-not-gzip", "The file is not a gzip archive: it looks like an HTML page."),
        (b'\n{"errors": []}', "file-not-gzip", "The file is not a gzip archive: it looks like JSON."),
        (b"PK\3\4abc", "file-not-gzip", "The file is not a gzip archive: it is a zip archive."),
        (MANIFEST, "file-not-gzip", "The file is not a gzip archive: it is a tar archive that is not compressed."),
        (b"\x1f", "file-not-gzip", "The file is not a gzip archive: it begins with b'\\x1f'."),
        (b"hello", "file-not-gzip", "The file is not a gzip archive: it begins with b'hello'."),
    ],
)
def test_what_is_no_gzip_file_is_refused_with_what_it_is(content: bytes, rule: str, message: str) -> None:
    archive, problems = read(content)
    assert archive is None
    assert [(problem.rule, problem.message) for problem in problems] == [(rule, message)]


@pytest.mark.case(70)
@pytest.mark.parametrize("cut", [1, 4, 8, 9, 200, 1500])
def test_a_truncated_gzip_stream_is_refused(cut: int) -> None:
    content = crate().build()[:-cut]
    message = f"The gzip stream is cut short: the file ends after {len(content)} bytes."
    assert found(content) == [("gzip-damaged", message)]


@pytest.mark.case(70)
@pytest.mark.parametrize(("at", "what"), [(-1, "length"), (-5, "data")])
def test_a_wrong_crc_or_length_is_refused(at: int, what: str) -> None:
    content = bytearray(crate().build())
    content[at] ^= 1
    assert found(bytes(content)) == [("gzip-damaged", f"The gzip stream is damaged: incorrect {what} check.")]


@pytest.mark.parametrize("distances", [(1,), (1, 1)])
def test_a_complete_set_of_distance_codes_or_a_single_one_is_read(distances: tuple[int, ...]) -> None:
    assert paths(accepted(literals(crate().tar(), distances))) == ["Cargo.toml", "src/lib.rs"]


@pytest.mark.parametrize("distances", [(2,), (2, 2), (1, 1, 1), (1, 3)])
def test_a_set_of_distance_codes_that_cargo_refuses_is_damage_though_no_code_of_it_is_used(
    distances: tuple[int, ...],
) -> None:
    assert found(literals(crate().tar(), distances)) == [
        ("gzip-damaged", "The gzip stream is damaged: invalid distances set."),
    ]


@pytest.mark.case(69)
def test_zero_padding_after_the_archive_is_accepted() -> None:
    content = crate().tail(bytes(100_000)).build()
    assert accepted(content).cksum == sha256(content).hexdigest()


@pytest.mark.case(69)
@pytest.mark.parametrize("padding", [b"", bytes(3), bytes(70_000)])
def test_a_second_gzip_member_is_refused_and_never_read(padding: bytes) -> None:
    second = gzip_member(tar_entry(f"{TOP}/evil.rs"))
    content = crate().tail(padding + second).build()
    archive, problems = read(content)
    assert [problem.rule for problem in problems] == ["gzip-second-member"]
    assert problems[0].message == says("gzip-second-member")
    assert archive is not None
    assert "evil.rs" not in paths(archive)
    assert archive.cksum == sha256(content).hexdigest()


@pytest.mark.case(69)
@pytest.mark.parametrize("tail", [b"garbage", bytes(500) + b"\x1f", b"\x1f", b"x" * 200_000])
def test_other_bytes_after_the_archive_are_warned_of(tail: bytes) -> None:
    content = crate().tail(tail).build()
    size = len(tail.lstrip(b"\0"))
    message = f"After the archive {size} bytes follow that are not gzip; cargo ignores them."
    assert found(content) == [("gzip-trailing-bytes", message)]
    archive = read(content)[0]
    assert archive is not None
    assert archive.cksum == sha256(content).hexdigest()


# limits


def test_an_archive_over_the_packed_limit_is_not_read_further() -> None:
    stream = io.BytesIO(crate().file("big", bytes(9 * MIB)).build())
    archive, problems = read_archive(stream, Limits(packed_bytes=MIB))
    assert archive is None
    assert [(each.rule, each.message) for each in problems] == [
        ("packed-too-large", f"The archive has more than {MIB} bytes, which is the limit."),
    ]
    assert stream.tell() < 2 * MIB


def test_an_archive_as_large_as_the_packed_limit_is_read() -> None:
    content = crate().build()
    assert accepted(content, Limits(packed_bytes=len(content))).packed_size == len(content)


@pytest.mark.case(75)
def test_a_gigabyte_of_zeros_is_stopped_in_little_memory() -> None:
    def bomb() -> bytes:
        pack = zlib.compressobj(1, wbits=31)
        head = tar_entry(f"{TOP}/zeros", size=1 << 30)
        return b"".join([pack.compress(head), *(pack.compress(bytes(MIB)) for _ in range(1024)), pack.flush()])

    content = bomb()
    tracemalloc.start()
    problems = found(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    limit = 512 * MIB
    message = f"The archive unpacks to more than {limit} bytes, where cargo stops."
    assert problems == [("unpacked-too-large", message)]
    assert peak < 16 * MIB


@pytest.mark.case(75)
def test_a_million_tiny_entries_are_stopped_in_little_memory() -> None:
    pack = zlib.compressobj(1, wbits=31)
    some = b"".join(tar_entry(f"{TOP}/{number}") for number in range(1000))
    content = b"".join([*(pack.compress(some) for _ in range(1000)), pack.flush()])
    tracemalloc.start()
    problems = read(content, Limits(entries=3000))[1]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert ("too-many-entries", "The archive has more than 3000 entries, which is the limit.") in [
        (each.rule, each.message) for each in problems
    ]
    assert peak < 16 * MIB


def packed(entries: Iterable[bytes]) -> bytes:
    pack = zlib.compressobj(1, wbits=31)
    return b"".join([*map(pack.compress, entries), pack.flush()])


def many_manifests() -> Iterator[bytes]:
    return (tar_entry(f"{'foo-1.0.0' if each == 0 else f'd{each}'}/Cargo.toml", bytes(MIB)) for each in range(100))


def one_manifest_many_times() -> Iterator[bytes]:
    return (tar_entry(f"{TOP}/Cargo.toml", bytes([each]) * MIB) for each in range(100))


def deep_paths() -> Iterator[bytes]:
    return (long_name_entry(f"{TOP}/d{each}/{'a/' * 490}b") + tar_entry("x") for each in range(3000))


@pytest.mark.parametrize("entries", [many_manifests, one_manifest_many_times, deep_paths])
def test_what_is_there_many_times_takes_little_memory(entries: Callable[[], Iterator[bytes]]) -> None:
    content = packed(entries())
    tracemalloc.start()
    read(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 * MIB


def test_files_that_are_there_twice_are_compared_beyond_what_is_kept() -> None:
    files = [tar_entry(f"{TOP}/f{each}", bytes([each]) * 400_000) for each in range(8)]
    content = packed([MANIFEST, *files, *files, bytes(1024)])
    assert {rule for rule, _ in found(content)} == {"path-repeated"}
    other = tar_entry(f"{TOP}/f7", bytes([9]) * 400_000)
    assert ("path-overwritten", TWICE.format("f7")) in found(packed([MANIFEST, *files, *files[:7], other, bytes(1024)]))


def test_of_a_file_that_is_there_twice_the_later_one_counts() -> None:
    first, second = (tar_entry(f"{TOP}/README.md", text) for text in (b"old", b"newer"))
    archive, problems = read(tarball(MANIFEST, first, second))
    assert [(each.rule, each.message) for each in problems] == [("path-overwritten", TWICE.format("README.md"))]
    assert archive is not None
    assert archive.documents["README.md"] == b"newer"
    assert File(path="README.md", size=5) in archive.files


@pytest.mark.case(75)
@pytest.mark.parametrize("size", [1 << 63, (1 << 64) - 1, 8 << 60, 600])
def test_a_header_that_claims_more_than_there_is_is_damage(size: int) -> None:
    message = f"The tar is damaged: '{TOP}/x' should have {size} bytes of content, but the archive ends before that."
    assert found(tarball(MANIFEST, tar_entry(f"{TOP}/x", b"", size=size), end=b"")) == [("tar-damaged", message)]


@pytest.mark.case(75)
def test_a_gzip_header_with_an_endless_file_name_takes_no_memory() -> None:
    class Endless(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            first = not self.tell()
            self.seek(1)
            return b"\x1f\x8b\x08\x08\0\0\0\0\x02\xff" if first else b"a" * (size or 1)

    tracemalloc.start()
    archive, problems = read_archive(Endless(), Limits(packed_bytes=64 * MIB))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert archive is None
    assert [each.rule for each in problems] == ["gzip-damaged", "packed-too-large"]
    assert peak < 4 * MIB


@pytest.mark.parametrize("flag", [0x20, 0x40, 0x80])
def test_a_gzip_header_with_reserved_flags_is_damage(flag: int) -> None:
    content = crate().build()
    message = "The gzip stream is damaged: unknown header flags set."
    assert found(content[:3] + bytes([content[3] | flag]) + content[4:]) == [("gzip-damaged", message)]


@pytest.mark.parametrize(("flag", "what"), [(0x08, "file name"), (0x10, "comment")])
def test_a_gzip_header_holds_texts_as_long_as_cargo_takes_them(flag: int, what: str) -> None:
    content = crate().build()
    body = content[content.index(b"\0", 10) + 1 :]
    head = content[:3] + bytes([flag]) + content[4:10]
    assert read(head + b"a" * 65_535 + b"\0" + body)[1] == ()
    message = f"The gzip stream is damaged: its header has a {what} of more than 65535 bytes, which cargo refuses."
    assert found(head + b"a" * 65_536 + b"\0" + body) == [("gzip-damaged", message)]


@pytest.mark.parametrize("kind", [b"x", b"L"])
def test_a_giant_extension_header_is_refused_unread(kind: bytes) -> None:
    giant = tar_entry("giant", bytes(65537), kind=kind)
    message = "The tar is damaged: an extension header of 65537 bytes is larger than the limit of 65536."
    assert found(tarball(giant, MANIFEST)) == [("tar-damaged", message)]


def test_all_paths_together_have_a_limit() -> None:
    entries = [tar_entry(f"{TOP}/{'d' * 60}{number}") for number in range(20)]
    message = "The paths in the archive have more than 1000 bytes together."
    assert found(tarball(MANIFEST, *entries), Limits(paths_bytes=1000)) == [("too-many-entries", message)]


def test_the_guard_grows_with_the_packed_size_as_cargo_s_does() -> None:
    limits = Limits(unpacked_bytes=MIB)
    assert limits.unpacked_limit(100) == MIB
    assert limits.unpacked_limit(MIB) == 20 * MIB
    content = crate().file("a", b"a" * (3 * MIB)).file("b", zlib.compress(bytes(200_000), 0)).compressed(1).build()
    assert found(content, limits)[0][0] == "unpacked-too-large"
    accepted(crate().file("a", bytes(3 * MIB)).build(), limits)


def test_of_a_rule_broken_often_ten_places_are_told_and_the_rest_counted() -> None:
    links = [tar_entry(f"{TOP}/{number}", kind=b"2") for number in range(25)]
    problems = found(with_entry(*links))
    assert problems[:2] == [
        ("entry-type", f"'{TOP}/0' is a symbolic link."),
        ("entry-type", f"'{TOP}/1' is a symbolic link."),
    ]
    assert problems[10:] == [("entry-type", "And 15 more of the same kind.")]


# the tar


@pytest.mark.case(70)
@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([tar_entry("x", checksum=1)], "the checksum of a header is wrong"),
        ([tar_entry("x", size=b"12345678x   ")], "the size in a header is b'12345678x   ', which is not a number"),
        ([tar_entry("x", size=b"1_0         ")], "the size in a header is b'1_0         ', which is not a number"),
        ([b"y" * 100], "100 bytes at the end are not a whole header"),
        ([b"y" * 512], "the checksum in a header is b'yyyyyyyy', which is not a number"),
        ([pax_entry({"path": f"{TOP}/a"})], "the last header describes an entry that does not follow"),
        ([long_name_entry("a")] * 2, "two headers of type 'L' describe the same entry"),
        ([pax_entry({})] * 2, "two headers of type 'x' describe the same entry"),
        ([pax_entry(b"99 path=a\n")], "'99 path=a\\n' is not a PAX record"),
        ([pax_entry({"comment": "a\n9 path=b"})], "'22 comment=a\\n9 path=b\\n' is not a PAX record"),
        ([pax_entry(b"9 path=a\n9 path=b\n"), MANIFEST], "a PAX header gives 'path' twice"),
        ([pax_entry({"size": "1e3"}), MANIFEST], "a PAX record gives the size '1e3', which is not a number"),
    ],
)  # fmt: skip
def test_a_damaged_tar_is_refused_and_nothing_after_it_is_told(entries: list[bytes], message: str) -> None:
    assert found(tarball(*entries, end=b"")) == [("tar-damaged", f"The tar is damaged: {message}.")]


def test_the_last_file_s_missing_padding_is_damage() -> None:
    content = gzip_member(MANIFEST + tar_entry(f"{TOP}/a", b"abc")[:-1])
    message = f"The tar is damaged: '{TOP}/a' should have 3 bytes of content, but the archive ends before that."
    assert found(content) == [("tar-damaged", message)]


@pytest.mark.parametrize("end", [b"", bytes(512), bytes(1024), bytes(10_240)])
def test_any_number_of_zero_blocks_may_end_the_tar(end: bytes) -> None:
    assert paths(accepted(tarball(MANIFEST, end=end))) == ["Cargo.toml"]


def test_entries_after_a_zero_block_are_not_read() -> None:
    assert paths(accepted(tarball(MANIFEST, end=bytes(512) + tar_entry(f"{TOP}/hidden")))) == ["Cargo.toml"]


@pytest.mark.case(67)
def test_a_global_header_is_refused() -> None:
    content = crate().entry(pax_entry({"comment": "1" * 40}, kind=b"g"), first=True).build()
    assert found(content) == [("tar-global-header", says("tar-global-header"))]


@pytest.mark.case(68)
@pytest.mark.parametrize(("header", "record"), [(3, 515), (515, 3), (0, 3)])
def test_a_pax_size_that_differs_from_the_header_is_refused_and_followed(header: int, record: int) -> None:
    body = b"x" * record
    content = with_entry(
        pax_entry({"size": str(record)}), tar_entry(f"{TOP}/a", body, size=header), tar_entry(f"{TOP}/b")
    )
    message = f"The header of '{TOP}/a' says {header} bytes, its PAX record {record}."
    archive, problems = read(content)
    assert [(each.rule, each.message) for each in problems] == [("tar-size-mismatch", message)]
    assert archive is not None
    assert archive.documents["a"] == body
    assert "b" in archive.documents


def test_a_directory_with_content_is_refused() -> None:
    content = with_entry(tar_entry(f"{TOP}/src/", bytes(512), kind=b"5"), tar_entry(f"{TOP}/src/a"))
    message = f"The directory '{TOP}/src/' says that it has 512 bytes of content."
    assert found(content) == [("tar-size-mismatch", message)]


@pytest.mark.case(66)
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (b"1", "a hard link"),
        (b"2", "a symbolic link"),
        (b"3", "a character device"),
        (b"4", "a block device"),
        (b"6", "a pipe"),
        (b"7", "a contiguous file"),
        (b"S", "a sparse file"),
        (b"Q", "of the type b'Q', which is neither a file nor a directory"),
    ],
)
def test_only_files_and_directories_are_accepted(kind: bytes, name: str) -> None:
    content = with_entry(tar_entry(f"{TOP}/x", kind=kind, link=b"../../x"), tar_entry(f"{TOP}/y"))
    assert found(content) == [("entry-type", f"'{TOP}/x' is {name}.")]


def test_the_maps_of_a_sparse_file_are_passed_over() -> None:
    header = bytearray(tar_entry(f"{TOP}/x", kind=b"S"))
    header[482] = 1
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    content = with_entry(bytes(header) + b"m" * 504 + b"\1" + bytes(7) + bytes(512), tar_entry(f"{TOP}/y"))
    archive, problems = read(content)
    assert [each.rule for each in problems] == ["entry-type"]
    assert archive is not None
    assert paths(archive) == ["Cargo.toml", "y"]


def test_an_extension_header_in_an_old_tar_is_an_entry_of_its_own() -> None:
    content = with_entry(tar_entry(f"{TOP}/x", b"a", kind=b"L", header_format="v7"))
    assert [rule for rule, _ in found(content)] == ["entry-type"]


@pytest.mark.case(76)
@pytest.mark.parametrize(
    "entries",
    [
        [tar_entry(f"{TOP}/{LONG}")],
        [pax_entry({"path": f"{TOP}/{LONG}", "mtime": "1.5"}), tar_entry("short")],
        [pax_entry({"path": "not this"}), tar_entry(f"{TOP}/{LONG}")],
        [long_name_entry("some/link", kind=b"K"), tar_entry(f"{TOP}/{LONG}")],
        [long_name_entry(f"{TOP}/{LONG}"), long_name_entry("link", kind=b"K"), tar_entry("short")],
    ],
)
def test_long_paths_are_accepted_from_gnu_and_pax_headers(entries: list[bytes]) -> None:
    assert paths(accepted(with_entry(*entries))) == ["Cargo.toml", LONG]


def test_an_extension_header_counts_for_one_entry_only() -> None:
    content = with_entry(pax_entry({"path": f"{TOP}/a"}), tar_entry("x"), tar_entry(f"{TOP}/b"))
    assert paths(accepted(content)) == ["Cargo.toml", "a", "b"]


def test_the_prefix_field_of_a_ustar_header_is_read_and_of_a_gnu_header_is_not() -> None:
    assert paths(accepted(with_entry(tar_entry("b.rs", header_format="ustar", prefix=f"{TOP}/a".encode())))) == [
        "Cargo.toml",
        "a/b.rs",
    ]


@pytest.mark.parametrize("size", [b"\x80" + bytes(10) + b"\x03", b"3" + bytes(11), b"  3 " + bytes(8), b"00000000003 "])
def test_sizes_are_read_in_every_form_that_cargo_reads(size: bytes) -> None:
    assert accepted(with_entry(tar_entry(f"{TOP}/a", b"abc", size=size))).documents["a"] == b"abc"


@pytest.mark.parametrize("kind", [b"0", b"\0"])
def test_both_type_flags_of_a_regular_file_are_accepted(kind: bytes) -> None:
    assert paths(accepted(with_entry(tar_entry(f"{TOP}/a", kind=kind)))) == ["Cargo.toml", "a"]


@pytest.mark.case(77)
@pytest.mark.parametrize(
    "directory",
    [
        tar_entry(f"{TOP}/src/", kind=b"5"),
        tar_entry(f"{TOP}/src", kind=b"5"),
        tar_entry(f"{TOP}/src/", kind=b"\0", header_format="v7"),
        tar_entry(f"{TOP}/", kind=b"5"),
        tar_entry(TOP, kind=b"5"),
        b"",
    ],
)
def test_directories_may_have_entries_or_none(directory: bytes) -> None:
    content = tarball(directory, MANIFEST, tar_entry(f"{TOP}/src/lib.rs"))
    assert paths(accepted(content)) == ["Cargo.toml", "src/lib.rs"]


# paths


@pytest.mark.case(65)
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("bar-1.0.0/x", "'bar-1.0.0/x' does not lie in 'foo-1.0.0/', as the first entry does."),
        ("Foo-1.0.0/x", "'Foo-1.0.0/x' does not lie in 'foo-1.0.0/', as the first entry does."),
        ("foo-1.0.00/x", "'foo-1.0.00/x' does not lie in 'foo-1.0.0/', as the first entry does."),
        ("./foo-1.0.0/x", "'./foo-1.0.0/x' does not lie in 'foo-1.0.0/', as the first entry does."),
        ("../x", "'../x' does not lie in 'foo-1.0.0/', as the first entry does."),
        ("x", "'x' does not lie in 'foo-1.0.0/', as the first entry does."),
        ("foo-1.0.0", "'foo-1.0.0' does not lie in 'foo-1.0.0/', as the first entry does."),
        ("/etc/passwd", "'/etc/passwd' is an absolute path."),
        ("foo-1.0.0/../x", "'foo-1.0.0/../x' leads out of its directory with '..'."),
        ("foo-1.0.0/a/..", "'foo-1.0.0/a/..' leads out of its directory with '..'."),
    ],
)
def test_an_entry_outside_the_package_s_directory_is_refused(path: str, message: str) -> None:
    archive, problems = read(with_entry(tar_entry(path)))
    assert [(each.rule, each.message) for each in problems] == [("path-outside-package", message)]
    assert archive is not None
    assert paths(archive) == ["Cargo.toml"]


@pytest.mark.case(65)
@pytest.mark.parametrize("prefix", ["", ".", "..", "./foo-1.0.0"])
def test_an_archive_without_the_package_s_directory_is_refused_without_calling_the_manifest_missing(
    prefix: str,
) -> None:
    content = crate().prefix(prefix).without("src/lib.rs").build()
    path = f"{prefix}/Cargo.toml".removeprefix("/")
    message = f"{path!r} does not lie in a directory 'NAME-VERSION/', as all of a crate's files must."
    assert found(content) == [("path-outside-package", message)]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (b"a\\b", "The path 'foo-1.0.0/a\\\\b' has a backslash."),
        (b"a//b", "The path 'foo-1.0.0/a//b' has an empty component."),
        (b"a/./b", "The path 'foo-1.0.0/a/./b' has the component '.'."),
        (b"a\xff", "The path b'foo-1.0.0/a\\xff' is not UTF-8."),
    ],
)
def test_a_path_that_cannot_be_unpacked_is_refused(path: bytes, message: str) -> None:
    assert found(with_entry(tar_entry(TOP.encode() + b"/" + path))) == [("path-invalid", message)]


def test_a_nul_in_a_long_name_is_refused() -> None:
    content = with_entry(long_name_entry(f"{TOP}/a\0b"), tar_entry("x"))
    assert found(content) == [("path-invalid", "The path 'foo-1.0.0/a\\x00b' has a NUL.")]


def test_a_file_whose_name_ends_in_a_slash_is_refused() -> None:
    content = with_entry(tar_entry(f"{TOP}/a/", header_format="ustar"))
    assert found(content) == [("path-invalid", "The path 'foo-1.0.0/a/' has an empty component.")]


@pytest.mark.parametrize(
    ("name", "fits"), [("a" * 255, True), ("a" * 256, False), ("é" * 127, True), ("é" * 128, False)]
)
def test_a_component_has_up_to_255_bytes(name: str, fits: bool) -> None:
    path = f"{TOP}/{name}"
    long = f"The path {path[:160]!r}{'…' if len(path) > 160 else ''} has a component of more than 255 bytes."
    assert found(with_entry(tar_entry(path))) == ([] if fits else [("path-invalid", long)])


def test_a_path_has_up_to_1024_bytes() -> None:
    path = (f"{TOP}/" + "ab/" * 400)[:1023] + "c"
    accepted(with_entry(tar_entry(path)))
    message = f"The path {(path + 'd')[:160]!r}… has 1025 bytes; the limit is 1024."
    assert found(with_entry(tar_entry(path + "d"))) == [("path-invalid", message)]


@pytest.mark.case(72)
@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        (["a", "a"], ("path-overwritten", TWICE.format("a"))),
        (["a", "a/b"], ("path-duplicate", "'a' is a file and also a directory.")),
        (["a/b/c", "a-b", "a"], ("path-duplicate", "'a' is a file and also a directory.")),
        (["a", "a/b/c", "a/d"], ("path-duplicate", "'a' is a file and also a directory.")),
        (["a", "a/"], ("path-duplicate", "'a' is a file and also a directory.")),
        (["a.md", "A.md"], (
            "path-case-collision", "'a.md' and 'A.md' meet on Windows and macOS, where case does not count.")),
        (["é", "É"], (
            "path-case-collision", "'é' and 'É' meet on Windows and macOS, where case does not count.")),
        (["é", "e\u0301"], (
            "path-case-collision", "'é' and 'e\u0301' meet on Windows and macOS, where case does not count.")),
        (["a", "A/b"], (
            "path-case-collision", "'a' and 'A/b' meet on Windows and macOS, where case does not count.")),
        (["a", "A/"], (
            "path-case-collision", "'a' and 'A' meet on Windows and macOS, where case does not count.")),
    ],
)  # fmt: skip
def test_two_paths_that_meet_are_refused_or_warned_of(entries: list[str], problem: tuple[str, str]) -> None:
    raw = [
        tar_entry(
            f"{TOP}/{path}", b"" if path.endswith("/") else b"%d" % number, kind=b"5" if path.endswith("/") else b"0"
        )
        for number, path in enumerate(entries)
    ]
    assert found(with_entry(*raw)) == [problem]


@pytest.mark.case(72)
@pytest.mark.parametrize("entries", [("A", "a", "a/"), ("A", "a", "a/b"), ("A/", "a/", "a")])
def test_a_path_in_another_case_hides_no_file_that_is_a_directory(entries: tuple[str, ...]) -> None:
    raw = [tar_entry(f"{TOP}/{path}", kind=b"5" if path.endswith("/") else b"0") for path in entries]
    assert ("path-duplicate", "'a' is a file and also a directory.") in found(with_entry(*raw))


@pytest.mark.case(72)
def test_the_same_file_twice_is_warned_of_as_real_crates_of_2015_have_it() -> None:
    archive, problems = read(with_entry(MANIFEST, tar_entry(f"{TOP}/a", b"1"), tar_entry(f"{TOP}/a", b"1")))
    assert [(each.rule, each.message) for each in problems] == [
        ("path-repeated", "The archive holds 'Cargo.toml' twice, with the same bytes."),
        ("path-repeated", "The archive holds 'a' twice, with the same bytes."),
    ]
    assert archive is not None
    assert paths(archive) == ["Cargo.toml", "a"]


def test_files_too_large_to_compare_count_as_different() -> None:
    raw = [tar_entry(f"{TOP}/a", b"1234")] * 2
    assert found(with_entry(*raw), Limits(readme_bytes=3)) == [("path-overwritten", TWICE.format("a"))]


def test_a_directory_may_be_spelled_in_two_cases_and_named_twice() -> None:
    raw = [tar_entry(f"{TOP}/{path}", kind=b"5") for path in ("a", "a", "A")]
    assert found(with_entry(*raw, tar_entry(f"{TOP}/a/b"), tar_entry(f"{TOP}/A/c"))) == []


@pytest.mark.case(73)
@pytest.mark.parametrize("path", [".cargo-ok", "src/.cargo-ok"])
def test_a_cargo_ok_file_is_warned_of(path: str) -> None:
    problems = read(crate().file(path).build())[1]
    assert problems == (
        Problem(
            rule="cargo-ok-file", message=says("cargo-ok-file"), place=path, way_out=RULES["cargo-ok-file"].way_out
        ),
    )


@pytest.mark.parametrize("path", ["x.cargo-ok", ".cargo-ok2", "src/.cargo-ok/x"])
def test_what_only_looks_like_a_cargo_ok_file_is_accepted(path: str) -> None:
    accepted(crate().file(path).build())


@pytest.mark.case(74)
@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("aux.rs", "'aux.rs' is the name of a device there"),
        ("src/NUL", "'NUL' is the name of a device there"),
        ("com1/a", "'com1' is the name of a device there"),
        ("aux.tar.gz", "'aux.tar.gz' is the name of a device there"),
        ("a:b", "':' cannot stand in a name there"),
        ("a/b?.rs", "'?' cannot stand in a name there"),
        ("a\nb", "'\\n' cannot stand in a name there"),
        ("a./b", "'a.' ends in a dot or blank"),
        ("b ", "'b ' ends in a dot or blank"),
    ],
)
def test_a_path_that_windows_cannot_unpack_is_warned_of(path: str, why: str) -> None:
    message = f"Windows cannot unpack {f'{TOP}/{path}'!r}: {why}."
    assert found(crate().file(path).build()) == [("path-unportable", message)]


@pytest.mark.parametrize(
    "path",
    [
        "auxiliary.rs",
        "com0.rs",
        "src/nul_test.rs",
        ".gitignore",
        "a b.rs",
        "ü.rs",
        "a+b@c.rs",
        "x" * 120,
        "...a",
        "日本/語",
    ],
)
def test_an_ordinary_path_is_accepted(path: str) -> None:
    assert path in paths(accepted(crate().file(path).build()))


# the manifest


@pytest.mark.case(71)
@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ([], ("manifest-missing", "There is no Cargo.toml in foo-1.0.0/.")),
        (["sub/Cargo.toml"], ("manifest-missing", "There is no Cargo.toml in foo-1.0.0/.")),
        (["cargo.toml"], (
            "manifest-misspelled", "The manifest is named 'cargo.toml'; it must be named exactly 'Cargo.toml'.")),
        (["CARGO.TOML"], (
            "manifest-misspelled", "The manifest is named 'CARGO.TOML'; it must be named exactly 'Cargo.toml'.")),
        (["Cargo.toml", "Cargo.toml"], ("manifest-duplicate", f"{SEVERAL}: 'Cargo.toml', 'Cargo.toml'.")),
        (["Cargo.toml", "cargo.toml"], ("manifest-duplicate", f"{SEVERAL}: 'Cargo.toml', 'cargo.toml'.")),
        (["CARGO.TOML", "cargo.toml"], ("manifest-duplicate", f"{SEVERAL}: 'CARGO.TOML', 'cargo.toml'.")),
    ],
)  # fmt: skip
def test_there_must_be_one_manifest_with_the_right_name(names: list[str], problem: tuple[str, str]) -> None:
    raw = [tar_entry(f"{TOP}/{name}", b"%d" % number) for number, name in enumerate(["src/lib.rs", *names])]
    assert found(tarball(*raw)) == [problem]


def test_an_archive_without_any_entry_has_no_manifest() -> None:
    assert found(tarball()) == [("manifest-missing", "There is no Cargo.toml in the archive, which holds no files.")]


def test_a_manifest_over_the_limit_is_refused_and_not_called_missing() -> None:
    archive, problems = read(crate().manifest("#" * 101).build(), Limits(manifest_bytes=100))
    assert [(each.rule, each.message) for each in problems] == [
        ("manifest-too-large", "Cargo.toml has 101 bytes; the limit is 100."),
    ]
    assert archive is not None
    assert archive.manifest is None


def test_every_problem_is_told_at_once() -> None:
    build = crate().file("aux.rs").file(".cargo-ok").tail(b"tail").without("Cargo.toml")
    build.entry(tar_entry(f"{TOP}/l", kind=b"2")).entry(tar_entry("../x")).entry(pax_entry({}, kind=b"g"))
    assert [rule for rule, _ in found(build.build())] == [
        "cargo-ok-file", "path-unportable", "entry-type", "path-outside-package", "tar-global-header",
        "gzip-trailing-bytes",
    ]  # fmt: skip


# laws

ENTRIES = st.lists(
    st.builds(
        tar_entry,
        st.sampled_from([f"{TOP}/Cargo.toml", f"{TOP}/a", f"{TOP}/a/b", "x", f"{TOP}/../c", LONG]),
        st.binary(max_size=600),
        kind=st.sampled_from([b"0", b"5", b"2", b"x", b"L", b"g", b"S"]),
        size=st.none() | st.integers(0, 1 << 64 - 1),
    ),
    max_size=6,
)


@given(ENTRIES, st.binary(max_size=700))
def test_no_tar_makes_the_reader_fail(entries: list[bytes], end: bytes) -> None:
    content = tarball(*entries, end=end)
    archive, problems = read(content)
    assert archive is not None
    assert archive.cksum == sha256(content).hexdigest()
    assert {problem.rule for problem in problems} <= RULES.keys()


@given(st.integers(0, 4000), st.binary(min_size=1, max_size=4))
def test_no_damage_makes_the_reader_fail(at: int, damage: bytes) -> None:
    content = bytearray(CrateBuilder("foo", "1.0.0").build())
    content[at % len(content) : at % len(content) + len(damage)] = damage
    archive, problems = read(bytes(content))
    assert archive is None or archive.cksum == sha256(content).hexdigest()
    assert all(problem.message.endswith(".") for problem in problems)


def test_a_built_crate_is_the_same_each_time() -> None:
    assert crate().vcs().build() == crate().vcs().build()
    size = struct.unpack("<I", crate().build()[-4:])[0]
    assert size == len(crate().tar())


def test_a_manifest_that_the_archive_ends_in_is_not_judged() -> None:
    tar = crate("foo").tar()
    archive, problems = read_archive(io.BytesIO(gzip_member(tar[: BLOCK + 40])), Limits())
    assert archive is not None
    assert archive.manifest is None
    assert [each.rule for each in problems] == ["tar-damaged"]


def test_a_manifest_may_not_be_much_larger_than_the_archive_around_it() -> None:
    padded = crate().toml("#" * 100_000)
    content = padded.compressed().build()
    limit = LIMITS.manifest_start + LIMITS.manifest_ratio * len(content)
    size = len(padded.manifest_text())
    message = f"Cargo.toml has {size} bytes, in an archive of {len(content)}; the limit is {limit}."
    assert found(content) == [("manifest-too-large", message)]
    assert accepted(crate().toml("#" * 100_000).build()).manifest is not None


class Dribbling(io.BytesIO):
    """A stream that gives a byte at a time, as a slow connection may."""

    def read(self, _: int | None = -1) -> bytes:
        return super().read(1)


@pytest.mark.parametrize("tail", [b"", b"\0\0\0", gzip_member(b"more"), b"no gzip"])
def test_however_little_a_stream_gives_at_a_time_the_same_is_read(tail: bytes) -> None:
    content = crate().build() + tail
    assert read_archive(Dribbling(content), LIMITS) == read(content)


def test_a_folder_where_cargo_writes_a_file_of_its_own_is_refused() -> None:
    _, problems = read(gzip_member(MANIFEST + tar_entry(f"{TOP}/.cargo-ok/a")))
    assert [(each.rule, each.place) for each in problems] == [("path-invalid", ".cargo-ok/a")]


def test_a_size_in_digits_that_are_none_of_eight_is_damage() -> None:
    _, problems = read(gzip_member(MANIFEST + tar_entry(f"{TOP}/a", size=b"00000000009\0")))
    assert [each.rule for each in problems] == ["tar-damaged"]
