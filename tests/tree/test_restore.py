"""Which lines an index file lost, and what it is to be."""

from collections.abc import Callable

import pytest

from cargo_static_index.protocol.index_entry import Entry, format_entry
from cargo_static_index.protocol.index_file import IndexFile, parse_index
from cargo_static_index.tree.restore import Known, Restoration, restore_lines, says

TIMES = {"1.0.0": "2026-01-01T00:00:00Z", "1.1.0": "2026-01-02T00:00:00Z", "1.2.0": "2026-01-03T00:00:00Z"}
CKSUMS = {vers: digit * 64 for vers, digit in zip(TIMES, "abc", strict=True)}
KNOWN = [Known(vers=vers, cksum=CKSUMS[vers], yanked=vers == "1.1.0", pubtime=TIMES[vers]) for vers in TIMES]


def line_of(known: Known) -> bytes:
    return format_entry(
        Entry(
            name="foo",
            vers=known.vers,
            deps=(),
            cksum=known.cksum,
            features={},
            yanked=known.yanked,
            pubtime=known.pubtime,
        )
    )


RAW = [line_of(known) for known in KNOWN]
WHOLE = b"".join(raw + b"\n" for raw in RAW)


def restored(content: bytes, *removed: str, make: Callable[[Known], bytes | None] = line_of) -> Restoration:
    return restore_lines("foo", parse_index(content), KNOWN, removed, make)


def test_a_file_that_says_what_is_known_is_the_very_one() -> None:
    file = parse_index(WHOLE)
    found = restore_lines("foo", file, KNOWN, (), line_of)
    assert found.file is file
    assert (found.restored, found.lost) == ((), ())
    assert all(says(line, known) for line, known in zip(file.lines, KNOWN, strict=True))


DAMAGES = {
    "a line lost": (WHOLE.replace(RAW[1] + b"\n", b""), ("1.1.0",)),
    "all lost": (b"", ("1.0.0", "1.1.0", "1.2.0")),
    "a line cut": (WHOLE[:-40], ("1.2.0",)),
    "its start cut": (WHOLE[40:], ("1.0.0",)),
    "a byte changed": (WHOLE.replace(b'"name":"foo","vers":"1.1.0"', b'"name":"foo,"vers":"1.1.0"'), ("1.1.0",)),
    "a newline lost": (WHOLE.replace(b"}\n{", b"}{", 1), ("1.0.0", "1.1.0")),
    "another version": (WHOLE.replace(b'"vers":"1.1.0"', b'"vers":"1.1.9"'), ("1.1.0",)),
    "another checksum": (WHOLE.replace(b"b" * 64, b"d" * 64), ("1.1.0",)),
    "another name": (WHOLE.replace(b'{"name":"foo","vers":"1.1.0"', b'{"name":"fox","vers":"1.1.0"'), ("1.1.0",)),
    "another time": (WHOLE.replace(TIMES["1.1.0"].encode(), b"2025-01-02T00:00:00Z"), ("1.1.0",)),
    "a key damaged": (WHOLE.replace(b'"yanked":true', b'"yankee":true'), ("1.1.0",)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_lines_that_were_damaged_or_lost_come_back_and_nothing_is_left_of_them(damage: str) -> None:
    content, versions = DAMAGES[damage]
    found = restored(content)
    assert found.file.format() == WHOLE
    assert (found.restored, found.lost) == (versions, ())


def test_a_line_that_is_right_but_for_its_yank_keeps_its_bytes() -> None:
    foreign = WHOLE.replace(b'"yanked":true', b'"x-audit":1,"yanked":false')
    found = restored(foreign, make=lambda _: None)
    assert found.file.format() == WHOLE.replace(b'"yanked":true', b'"x-audit":1,"yanked":true')
    assert found.restored == ("1.1.0",)


def test_what_was_removed_stays_away() -> None:
    found = restored(b"", "1.0.0", "1.2.0")
    assert [line.vers for line in found.file.lines] == ["1.1.0"]


def test_a_line_of_which_nothing_is_stored_is_lost_and_all_else_stays() -> None:
    found = restored(b'{"of":"another tool"}\n', make=lambda known: None if known.vers == "1.0.0" else line_of(known))
    assert found.lost == (KNOWN[0],)
    assert found.restored == ("1.1.0", "1.2.0")
    assert found.file.format() == b'{"of":"another tool"}\n' + WHOLE.partition(b"\n")[2]


def test_nothing_changes_where_nothing_can_be_put_back() -> None:
    assert restored(b"", make=lambda _: None) == Restoration(file=IndexFile(), lost=tuple(KNOWN))
