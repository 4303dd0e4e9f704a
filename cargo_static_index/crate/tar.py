"""The tar half of an archive: its entries as cargo's `tar` crate finds them (archive.rs, header.rs, pax.rs there).

Python's `tarfile` reads some archives otherwise (it passes over global headers, and takes a bad checksum for the end),
so that what it shows is not what cargo unpacks; therefore the walk is made here.
"""

import re
from collections.abc import Collection, Iterator
from struct import Struct
from typing import BinaryIO
from zlib import adler32

from cargo_static_index._pattern import pattern
from cargo_static_index.crate.gzip import GzipStream
from cargo_static_index.crate.limits import Limits
from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.diagnostics.problems import ProblemList

BLOCK = 512
HALF = BLOCK // 2
_FIRST = "100s8s16x11sc12x8sc"
FIRST_FIELDS = Struct(_FIRST).unpack_from
"""Of the first half of a header: name, mode, size but for its last byte, that, checksum, type flag."""
FIELDS = Struct(f"{_FIRST}100x8s247x").unpack_from
"""Of a whole header: the same, and the magic."""
ZEROS = bytes(BLOCK)
USTAR = b"ustar\x0000"
GNU = b"ustar  \0"
SECOND_HALVES = {
    half: sum(half)
    for magic in (USTAR, GNU)
    for device in (b"", b"0000000\x000000000")
    for half in [(b"\0" + magic + bytes(64) + device).ljust(HALF, b"\0")]
}
"""The second halves of the headers that every cargo so far writes for short paths, with the sums of their bytes."""
EXTENSION_BYTES = 64 * 1024
"""The longest PAX header or GNU long name that is read: sixty times the longest path that we accept."""

SPARSE = b"GNU.sparse."
"""What the PAX records begin with by which GNU tar and bsdtar describe a file with holes."""

NUMBER = pattern(rb"\s*\+?([0-7]+)\s*(?:\0.*)?", re.DOTALL)
DECIMAL = pattern(rb"\+?[0-9]{1,20}")
RECORD = pattern(rb"([0-9]{1,9}) ([^=\n]+)=")


USUAL_MODES = frozenset(
    b"%0*o%s" % (width, kind | mode, end)
    for kind in (0, 0o100000)
    for mode in range(0o1000)
    for width, end in ((7, b"\0"), (6, b" \0"))
    if mode & 0o600 == 0o600
)
"""The modes of nearly all files, by which their owner can do all that has to be done."""

Member = tuple[bytes, bytes, int, int]
"""One entry: its path as found, its type flag (b"0" for every regular file), the bytes of its content, and where that
begins in the buffer of the source."""


class _Ahead:
    """What extension headers said of the entry that comes next."""

    def __init__(self) -> None:
        self.long_name: bytes | None = None
        self.pax: dict[bytes, bytes] | None = None
        self._kinds = b""

    def read(self, kind: bytes, content: bytes) -> None:
        """Take in the content of an extension header, or raise InvalidInput; `tar` refuses two of a kind."""
        if kind in self._kinds:
            raise InvalidInput(f"two headers of type {kind.decode()!r} describe the same entry")
        self._kinds += kind
        if kind == b"x":
            self.pax = _parse_pax(content)
        elif kind == b"L":
            self.long_name = content.removesuffix(b"\0")

    @property
    def sparse(self) -> bool:
        """Whether PAX records say that the content has holes, which `tar` does not know: it unpacks the map as well."""
        return self.pax is not None and any(key.startswith(SPARSE) for key in self.pax)

    def path(self, name: bytes) -> bytes:
        """Give the path of the entry whose header says `name`; a GNU long name goes before PAX."""
        if self.long_name is not None:
            return self.long_name
        return self.pax.get(b"path", name) if self.pax else name

    def size(self, path: bytes, in_header: int, problems: ProblemList) -> int:
        """Give the size that counts, PAX before header, and note where they differ.

        Readers that know no PAX would find other entries after this one.
        """
        stated = self.pax.get(b"size") if self.pax else None
        if stated is None:
            return in_header
        if not DECIMAL.fullmatch(stated):
            raise InvalidInput(f"a PAX record gives the size {quote(stated)}, which is not a number")
        if int(stated) != in_header:
            message = f"The header of {quote(path)} says {in_header} bytes, its PAX record {int(stated)}."
            problems.add("tar-size-mismatch", message)
        return int(stated)


def walk_tar(source: GzipStream, problems: ProblemList) -> Iterator[list[Member]]:
    """Give the entries in turn, some at a time; whoever asks may take their content from `source` before going on.

    If there are several, all of their content lies in the source's buffer, and where it is taken is left to `go`.
    The end is a zero block or the end of the content, as for cargo; nothing after it is read. Where the tar is damaged
    that is noted, and the walk ends, for nothing that follows can be trusted.
    """
    try:
        yield from _members(source, problems)
    except InvalidInput as damage:
        # Where the gzip broke off, that is the news, and the tar's end only follows from it.
        if not source.broken:
            problems.add("tar-damaged", f"The tar is damaged: {damage}.", place=f"byte {source.position}")


def _members(source: GzipStream, problems: ProblemList) -> Iterator[list[Member]]:
    ahead: _Ahead | None = None
    while True:
        if ahead is None:
            yield from _plain_members(source)
        header = read_header(source)
        if header is None:
            break
        name, mode, kind, size, magic = header
        if ahead is not None:
            name = ahead.path(name)
            size = ahead.size(name, size, problems)
            kind = b"S" if ahead.sparse else kind
        content_at = source.position
        if kind in b"xLK" and magic in (USTAR, GNU):
            ahead = ahead or _Ahead()
            ahead.read(kind, _read_extension(source, size))
        else:
            # tar: "Names that have a trailing slash should be treated as a directory. Only applies to old headers."
            if kind == b"0" and name.endswith(b"/") and magic != USTAR:
                kind = b"5"
            if kind != b"0" or mode not in USUAL_MODES:
                _check_mode(mode, kind, name, problems)
            yield [(name, kind, size, source.at)]
            ahead = None
        if not source.move(content_at + size + -size % BLOCK):
            raise InvalidInput(f"{quote(name)} should have {size} bytes of content, but the archive ends before that")
    if ahead is not None:
        raise InvalidInput("the last header describes an entry that does not follow")


def _plain_members(source: GzipStream) -> Iterator[list[Member]]:
    members, end = plain_members(*source.look(BLOCK))
    if members:
        yield members
        source.go(end)


def plain_members(buffer: bytes, at: int) -> tuple[list[Member], int]:
    """Give the files that lie whole in a buffer, up to the first header that is not as cargo writes it, and its place.

    Those are nearly all entries of nearly all archives. `read_header` would read them the same, at twice the cost.
    """
    found: list[Member] = []
    half, sum_of_half = ZEROS, 0
    while True:
        middle, content_at = at + HALF, at + BLOCK
        if buffer[middle:content_at] != half:
            half = buffer[middle:content_at]
            if half not in SECOND_HALVES:
                return found, at
            sum_of_half = SECOND_HALVES[half] + 8 * ord(" ")
        name, mode, size, last, checksum, kind = FIRST_FIELDS(buffer, at)
        # Adler-32 begun at 0 has the sum of up to 256 bytes in its low half. The checksum counts as blanks.
        total = (adler32(buffer[at:middle], 0) - adler32(checksum, 0) & 0xFFFF) + sum_of_half
        if checksum != b"%07o\0" % total and checksum not in (b"%07o " % total, b"%06o\0 " % total):
            return found, at
        name = name.partition(b"\0")[0]
        if kind not in b"0\0" or mode not in USUAL_MODES or last != b"\0" or not size.isdigit() or name[-1:] == b"/":
            return found, at
        try:
            length = int(size, 8)
        except ValueError:
            return found, at
        end = content_at + length + -length % BLOCK
        if end > len(buffer):
            return found, at
        found.append((name, b"0", length, content_at))
        at = end


def _check_mode(field: bytes, kind: bytes, name: bytes, problems: ProblemList) -> None:
    """Note a mode by which cargo could not go on: `tar` sets it at once, a directory's before the files in it.

    What is no octal number `tar` passes over, and all but the nine bits of access.
    """
    number = NUMBER.fullmatch(field)
    needed = {b"0": 0o400, b"5": 0o700}.get(kind, 0)
    if number is not None and int(number[1], 8) & needed != needed:
        message = f"{quote(name)} has the mode {int(number[1], 8) & 0o777:03o}, which keeps its owner out."
        problems.add("entry-mode", message)


def read_header(source: GzipStream) -> tuple[bytes, bytes, bytes, int, bytes] | None:
    """Read a header: name, mode, type flag, size, magic; None at the end. Raise InvalidInput where `tar` would fail."""
    buffer, at = source.look(BLOCK)
    if len(buffer) < at + BLOCK:
        if len(buffer) > at:
            raise InvalidInput(f"{len(buffer) - at} bytes at the end are not a whole header")
        return None
    name, mode, size, last, checksum, kind, magic = FIELDS(buffer, at)
    if name[0] == 0 and buffer[at : at + BLOCK] == ZEROS:
        return None
    # The sum of all bytes, those of the checksum itself as blanks. Adler-32 begun at 0 has the sum of up to 256 bytes
    # in its low half, and is eight times as fast as `sum`.
    half = at + BLOCK // 2
    total = (adler32(buffer[at:half], 0) & 0xFFFF) + (adler32(buffer[half : at + BLOCK], 0) & 0xFFFF)
    total += 8 * ord(" ") - sum(checksum)
    # Cargo's own spelling of a number is told at a glance; the others cost more.
    if checksum != b"%07o\0" % total and _octal(checksum, "checksum") != total:
        raise InvalidInput("the checksum of a header is wrong")
    name = name.partition(b"\0")[0]
    if magic == USTAR and buffer[at + 345]:
        name = buffer[at + 345 : at + 500].partition(b"\0")[0] + b"/" + name
    source.go(at + BLOCK)
    if kind == b"S":
        _skip_sparse_map(source, more=buffer[at + 482])
    plain = last == b"\0" and _is_octal(size)
    return name, mode, b"0" if kind == b"\0" else kind, int(size, 8) if plain else _size(size + last), magic


def _is_octal(digits: bytes) -> bool:
    return digits.isdigit() and b"8" not in digits and b"9" not in digits


def _octal(field: bytes, what: str) -> int:
    digits = field.partition(b"\0")[0]
    if _is_octal(digits):
        return int(digits, 8)  # as nearly every header has it; the rest costs three times as much
    number = NUMBER.fullmatch(field)
    if number is None:
        raise InvalidInput(f"the {what} in a header is {field!r}, which is not a number")
    return int(number[1], 8)


def _size(field: bytes) -> int:
    """Read a size: octal, or base 256 where the first bit is set, of which `tar` reads the last eight bytes."""
    return int.from_bytes(field[4:], "big") if field[0] & 0x80 else _octal(field, "size")


def _skip_sparse_map(source: GzipStream, *, more: int) -> None:
    while more:
        block = source.take(BLOCK)
        more = block[504] if len(block) == BLOCK else 0


def _read_extension(source: GzipStream, size: int) -> bytes:
    if size > EXTENSION_BYTES:
        raise InvalidInput(f"an extension header of {size} bytes is larger than the limit of {EXTENSION_BYTES}")
    return source.take(size)


def _parse_pax(content: bytes) -> dict[bytes, bytes]:
    """Read PAX records, or raise InvalidInput for all that two readers could read in two ways.

    `tar` splits at line breaks before it looks at lengths, and takes the first of two equal keys; others do not.
    """
    records: dict[bytes, bytes] = {}
    at = 0
    while at < len(content):
        record = RECORD.match(content, at)
        end = at + int(record[1]) if record else 0
        if record is None or not record.end() < end <= len(content) or content.find(b"\n", at) != end - 1:
            raise InvalidInput(f"{quote(content[at : at + 64])} is not a PAX record")
        if record[2] in records:
            raise InvalidInput(f"a PAX header gives {quote(record[2])} twice")
        records[record[2]] = content[record.end() : end - 1]
        at = end
    return records


def read_files(archive: BinaryIO, wanted: Collection[str]) -> dict[str, bytes]:
    """Give what those of the wanted files hold that an archive has, by their path below its directory.

    Of a file that is there twice the later one counts, as for cargo. Damage ends the reading and raises nothing.
    """
    problems = ProblemList()
    source = GzipStream(archive, Limits(), problems)
    found: dict[str, bytes] = {}
    if not source.opens():
        return found
    for members in walk_tar(source, problems):
        for path, kind, size, at in members:
            name = path.partition(b"/")[2].decode(errors="replace")
            if kind == b"0" and name in wanted:
                source.go(at)
                content = source.take(size)
                if len(content) == size:
                    found[name] = content
    return found
