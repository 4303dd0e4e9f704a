"""The gzip half of an archive: what the first member holds, and the checksum of the whole file.

Cargo reads one gzip member and no byte after it (flate2's `GzDecoder`); what follows is noted, never given out.
"""

from hashlib import sha256
from typing import BinaryIO

from zlib_ng import zlib_ng

from cargo_static_index.crate.limits import Limits
from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.diagnostics.problems import ProblemList

READ = 256 * 1024
"""Bytes read at once: also what is copied again for each `INFLATED` bytes that one read gives."""
INFLATED = 1 << 20
"""Bytes inflated at once: with `READ`, the memory that a gigabyte of zeros takes."""
MAGIC = b"\x1f\x8b"
GZIP_ERROR: type[Exception] = vars(zlib_ng)["error"]  # the package's types call it an instance

LONGEST_IN_HEADER = 65_535
"""Bytes of a file name or comment that flate2 takes."""

LOOKS = (
    (b"<", "it looks like an HTML page"),
    (b"{", "it looks like JSON"),
    (b"PK\3\4", "it is a zip archive"),
    (b"BZh", "it is compressed with bzip2"),
    (b"\xfd7zXZ", "it is compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "it is compressed with zstd"),
    (b"version https://git-lfs", "it is a Git LFS pointer"),
)


class GzipStream:
    """Inflates one archive as it is asked to, and notes what is wrong with the file.

    Reads the file once, in order; only an OSError of the stream leaves it. The checksum is that of the whole file
    once `finish` was called.
    """

    def __init__(self, stream: BinaryIO, limits: Limits, problems: ProblemList) -> None:
        self._stream = stream
        self._limits = limits
        self._problems = problems
        self._sha256 = sha256()
        self._inflater = zlib_ng.decompressobj(wbits=31)
        self.packed_size = 0
        self.complete = False
        """Whether the member was inflated to its end and its own checksum agrees."""
        self._inflated = 0
        self._over = False
        self._broken = False
        self._input = b""
        self._ahead = self._read()
        self._start = 0
        self._buffer = b""
        self._at = 0

    def opens(self) -> bool:
        """Whether this is a gzip file at all; otherwise note what it is instead."""
        while len(self._ahead) < len(MAGIC) and (more := self._read()):
            self._ahead += more
        if self._ahead.startswith(MAGIC):
            self._check_header()
            return True
        if not self._ahead:
            self._problems.add("file-empty")
        else:
            self._problems.add("file-not-gzip", f"The file is not a gzip archive: {_look(self._ahead)}.")
        return False

    @property
    def broken(self) -> bool:
        """Whether the content ended before its end, for a reason that is noted."""
        return self._broken or self._over

    @property
    def cksum(self) -> str:
        """SHA-256 of what was read of the file, lower-case hex."""
        return self._sha256.hexdigest()

    @property
    def position(self) -> int:
        """How much of the content was taken or passed over."""
        return self._start + self._at

    @property
    def buffer(self) -> bytes:
        """The piece of content around the next byte that `take` gives."""
        return self._buffer

    @property
    def at(self) -> int:
        """Where in the buffer that byte is."""
        return self._at

    def take(self, size: int) -> bytes:
        """Give the next bytes of the content: fewer only where it ends. All of them are held in memory."""
        buffer, at = self.look(size)
        piece = buffer[at : at + size]
        self._at = at + len(piece)
        return piece

    def view(self, size: int) -> memoryview:
        """Do what `take` does without copying: the piece of content around it is held for as long as the view is."""
        buffer, at = self.look(size)
        piece = memoryview(buffer)[at : at + size]
        self._at = at + len(piece)
        return piece

    def look(self, size: int) -> tuple[bytes, int]:
        """Give the next bytes of the content without taking them: a buffer, and where in it they begin.

        They are at least `size`, fewer only where the content ends.
        """
        if self._at + size > len(self._buffer):
            self._fill(size)
        return self._buffer, self._at

    def go(self, at: int) -> None:
        """Go to a place in the buffer that `look` has given."""
        self._at = at

    def move(self, position: int) -> bool:
        """Pass over the content up to a position further on, or give False where it ends before that."""
        while position > self._start + len(self._buffer):
            self._start += len(self._buffer)
            self._at = 0
            self._buffer = self._inflate()
            if not self._buffer:
                return False
        self._at = position - self._start
        return True

    def finish(self) -> None:
        """Read the rest of the file, and note what follows the member and what is too large."""
        while self._inflate():
            pass
        if self.complete:
            self._read_tail(self._inflater.unused_data)
        while self._ahead:
            self._ahead = self._read()
        if not self._over and not self._broken:
            self._check_size()

    def _check_header(self) -> None:
        """Note what flate2 refuses of a header and zlib-ng does not (flate2: src/gz/mod.rs, `MAX_HEADER_BUF`)."""
        while (field := _endless_field(self._ahead)) is None and (more := self._read()):
            self._ahead += more
        if field:
            message = f"its header has a {field} of more than {LONGEST_IN_HEADER} bytes, which cargo refuses"
            self._break("gzip-damaged", f"The gzip stream is damaged: {message}.")

    def _read(self) -> bytes:
        """Read on, count and hash; nothing is read beyond the limit."""
        chunk = b"" if self._over else self._stream.read(READ)
        if not isinstance(chunk, bytes):
            raise InvalidInput("the stream gives text or nothing, and must give bytes; open files with 'rb'")
        self.packed_size += len(chunk)
        if self.packed_size > self._limits.packed_bytes:
            self._over = True
            limit = self._limits.packed_bytes
            self._problems.add("packed-too-large", f"The archive has more than {limit} bytes, which is the limit.")
            return b""
        self._sha256.update(chunk)
        return chunk

    def _next(self) -> bytes:
        chunk = self._ahead
        if chunk:
            self._ahead = self._read()
        return chunk

    def _fill(self, size: int) -> None:
        """Bring as many of the next bytes as the content has into the buffer, and no more than fits without copying."""
        rest = self._buffer[self._at :]
        self._start += self._at
        self._at = 0
        pieces = [rest] if rest else [self._inflate()]
        have = len(pieces[0])
        while have < size and (piece := self._inflate(size - have)):
            pieces.append(piece)
            have += len(piece)
        self._buffer = b"".join(pieces) if len(pieces) > 1 else pieces[0]

    def _inflate(self, most: int = INFLATED) -> bytes:
        """Give the next piece of content, of `most` bytes at most, `b""` at its end, which may be its break."""
        while not (self.complete or self._broken or self._over):
            given = self._input or self._next()
            try:
                piece = self._inflater.decompress(given, min(most, INFLATED))
            except GZIP_ERROR as error:
                reason = str(error).rpartition(": ")[2]
                self._break("gzip-damaged", f"The gzip stream is damaged: {reason}.")
                break
            self._input = self._inflater.unconsumed_tail
            self.complete = self._inflater.eof
            if piece:
                self._inflated += len(piece)
                self._check_size()
                return piece
            if not given and not self.complete and not self._over:
                self._break(
                    "gzip-damaged", f"The gzip stream is cut short: the file ends after {self.packed_size} bytes."
                )
        return b""

    def _check_size(self) -> None:
        # Cargo's guard depends on the size of the whole file. Until that is known, the largest that it may have
        # bounds the work; memory is bounded anyway.
        packed = self._limits.packed_bytes if self._ahead else self.packed_size
        limit = self._limits.unpacked_limit(packed)
        if self._inflated > limit:
            self._break("unpacked-too-large", f"The archive unpacks to more than {limit} bytes, where cargo stops.")

    def _break(self, rule: str, message: str) -> None:
        self._broken = True
        self.complete = False
        self._problems.add(rule, message)

    def _read_tail(self, rest: bytes) -> None:
        """Note what follows the member: zeros are padding, as gzip itself reads them."""
        rest = rest.lstrip(b"\0")
        while len(rest) < len(MAGIC) and (more := self._next()):
            rest = (rest + more).lstrip(b"\0")
        size = len(rest)
        while more := self._next():
            size += len(more)
        if rest.startswith(MAGIC):
            self._problems.add("gzip-second-member")
        elif rest:
            self._problems.add(
                "gzip-trailing-bytes", f"After the archive {size} bytes follow that are not gzip; cargo ignores them."
            )


def _endless_field(start: bytes) -> str | None:
    """Name the text in a gzip header that is too long, "" where none is; None where more of it must be read."""
    if len(start) < 12:
        return None
    flags, at = start[3], 10
    if flags & 0x04:
        at += 2 + int.from_bytes(start[10:12], "little")
    for flag, field in ((0x08, "file name"), (0x10, "comment")):
        if flags & flag:
            end = start.find(b"\0", at)
            if (len(start) if end < 0 else end) - at > LONGEST_IN_HEADER:
                return field
            if end < 0:
                return None
            at = end + 1
    return ""


def _look(start: bytes) -> str:
    text = start.lstrip()
    for beginning, look in LOOKS:
        if text.startswith(beginning):
            return look
    if start[257:262] == b"ustar":
        return "it is a tar archive that is not compressed"
    return f"it begins with {start[:16]!r}"
