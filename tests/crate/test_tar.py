"""The quick look at the headers that cargo writes must never see more, or other things, than the close one."""

import io

from hypothesis import example, given
from hypothesis import strategies as st

from cargo_static_index.crate.gzip import GzipStream
from cargo_static_index.crate.limits import Limits
from cargo_static_index.crate.tar import BLOCK, plain_members, read_header
from cargo_static_index.diagnostics.problems import ProblemList
from tests.crates import gzip_member, tar_entry

Change = tuple[int, bytes]
"""Where in a header, and what is written there."""

MODES = [b"0000755\0", b"0000444\0", b"0000000\0", b"100644 \0", b"644\0\0\0\0\0"]
SIZES = [b"00000000003 ", b"00000000009\0", b"          3\0", b"0x000000003\0", b"\x80"]
CHANGES = st.one_of(
    st.tuples(st.just(0), st.sampled_from([b"", b"a/", b"\0", b"foo-1.0.0/\xff", b"x" * 100])),
    st.tuples(st.just(100), st.sampled_from(MODES)),
    st.tuples(st.just(124), st.sampled_from(SIZES)),
    st.tuples(st.just(156), st.sampled_from([b"\0", b"1", b"5", b"L", b"x", b"7"])),
    st.tuples(st.just(257), st.sampled_from([b"ustar\x0000", bytes(8), b"ustar  \0"])),
    st.tuples(st.just(329), st.just(b"0000000\x000000000\0")),
    st.tuples(st.just(345), st.sampled_from([b"prefix", b"\0"])),
    st.tuples(st.integers(0, 147), st.binary(min_size=1, max_size=4)),
    st.tuples(st.integers(156, 511), st.binary(min_size=1, max_size=1)),
)
CHECKSUMS = st.sampled_from([b"%07o\0", b"%07o ", b"%06o\0 ", b"%o\0", b" %o ", b"%06o  "])


def changed(header: bytes, changes: list[Change], checksum: bytes, off: int) -> bytes:
    new = bytearray(header)
    for at, content in changes:
        new[at : at + len(content)] = content[: BLOCK - at]
    new[148:156] = b" " * 8
    new[148:156] = (checksum % max(0, sum(new) + off)).ljust(8, b"\0")[:8]
    return bytes(new)


@given(st.lists(CHANGES, max_size=2), CHECKSUMS, st.sampled_from([0] * 8 + [1, -1, 65521, 65536]))
@example([], b"%07o\0", 0)
@example([(157, b"\xff" * 100)], b"%07o\0", -65521)
def test_what_is_seen_at_a_quick_look_is_what_a_close_look_sees(
    changes: list[Change], checksum: bytes, off: int
) -> None:
    first, after = tar_entry("foo-1.0.0/a", b"abc"), tar_entry("foo-1.0.0/b")
    content = changed(first[:BLOCK], changes, checksum, off) + first[BLOCK:] + after + bytes(2 * BLOCK)
    members, end = plain_members(content, 0)
    at = 0
    for path, kind, size, content_at in members:
        problems = ProblemList()
        source = GzipStream(io.BytesIO(gzip_member(content[at:])), Limits(), problems)
        header = read_header(source)
        assert header is not None
        assert (header[0], header[2], header[3], at + source.position) == (path, kind, size, content_at)
        at = content_at + size + -size % BLOCK
    assert end == at


def test_an_ordinary_archive_needs_no_close_look() -> None:
    entries = [tar_entry(f"foo-1.0.0/{name}", name.encode() * 600) for name in ("Cargo.toml", "a", "b")]
    content = b"".join(entries)
    members, end = plain_members(content + bytes(2 * BLOCK), 0)
    assert [(path, size) for path, _, size, _ in members] == [
        (b"foo-1.0.0/Cargo.toml", 6000),
        (b"foo-1.0.0/a", 600),
        (b"foo-1.0.0/b", 600),
    ]
    assert end == len(content)


def test_a_file_that_goes_on_after_the_buffer_is_left_to_the_close_look() -> None:
    whole, cut = tar_entry("foo-1.0.0/a"), tar_entry("foo-1.0.0/b", b"b" * 600)[:-1]
    members, end = plain_members(whole + cut, 0)
    assert ([path for path, *_ in members], end) == ([b"foo-1.0.0/a"], len(whole))
