"""Index files: one JSON line a version (cargo's book: "Registry Index", section "JSON schema").

Lines found are kept byte for byte, whatever stands in them; `index_entry` says what one line is.
"""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index._json import UNREADABLE
from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidIndexLine, InvalidInput, NotHeld
from cargo_static_index.protocol.index_entry import (
    ENTRY_KEYS,
    Entry,
    format_entry,
    has_broken_key,
    key_given_twice,
    parse_pubtime,
)
from cargo_static_index.protocol.semver import OrderKey, is_prerelease, order_key, parse_version, without_build

_ODD = (*UNREADABLE, InvalidInput)


class Line(Struct, frozen=True, kw_only=True, gc=False):
    """A line as found, without its newline, and what it says.

    `name` and `vers` are empty where cargo skips the line; `cksum` is empty too where cargo calls the line invalid.
    """

    raw: bytes
    name: str = ""
    vers: str = ""
    cksum: str = ""
    yanked: bool = False
    pubtime: str | None = None


class _Seen(Struct, frozen=True, gc=False):
    name: str
    vers: str
    cksum: str
    deps: msgspec.Raw
    yanked: bool | None = None
    pubtime: str | None = None


class _Least(Struct, frozen=True):
    name: str
    vers: str


_decode_seen = msgspec.json.Decoder(_Seen).decode
_decode_least = msgspec.json.Decoder(_Least).decode
_PLAIN_VERSION = pattern(r"(?:0|[1-9][0-9]{0,17})(?:\.(?:0|[1-9][0-9]{0,17})){2}")
_SEEN_KEYS = pattern(rb'"(?:name|vers|cksum|yanked|pubtime)"')


def parse_line(raw: bytes) -> Line:
    """Read of a line, without its newline, what can be read; this raises nothing."""
    try:
        seen = _decode_seen(raw)
        if not raw.isascii() and has_broken_key(raw):
            return _parse_least(raw)
        _check_version(seen.vers)
        if seen.pubtime is not None:
            parse_pubtime(seen.pubtime)
        if _may_repeat_a_key(raw, seen.deps) and key_given_twice(raw, ENTRY_KEYS):
            return _parse_least(raw)
    except _ODD:
        return _parse_least(raw)
    return Line(
        raw=raw, name=seen.name, vers=seen.vers, cksum=seen.cksum, yanked=seen.yanked is True, pubtime=seen.pubtime
    )


def _check_version(vers: str) -> None:
    if not _PLAIN_VERSION.fullmatch(vers):
        parse_version(vers)


def _may_repeat_a_key(raw: bytes, deps: msgspec.Raw) -> bool:
    """Whether a key of ours may stand twice: a cheap look, so that only odd lines are read again in Python."""
    head, _, tail = raw.partition(b'"deps":')
    if not tail.startswith(deps):
        return True
    rest = head + tail[len(memoryview(deps)) :]
    keys = _SEEN_KEYS.findall(rest)
    return b"\\" in rest or len(keys) != len(set(keys))


def _parse_least(raw: bytes) -> Line:
    """Read the name and version that cargo still shows of a line that it calls invalid."""
    try:
        least = _decode_least(raw)
        parse_version(least.vers)
        if key_given_twice(raw, _Least.__struct_fields__) or has_broken_key(raw, deep=False):
            return Line(raw=raw)
    except _ODD:
        return Line(raw=raw)
    return Line(raw=raw, name=least.name, vers=least.vers)


class IndexFile(Struct, frozen=True, kw_only=True):
    """All lines of one crate's index file, as found. Methods give a new file; adding what is held is not noticed."""

    lines: tuple[Line, ...] = ()

    def format(self) -> bytes:
        """Give the file's bytes: every line as found, each with a newline behind it."""
        return b"".join([line.raw + b"\n" for line in self.lines])

    @property
    def releases(self) -> tuple[Line, ...]:
        """The lines that cargo reads, in the file's order: they have a name, a version and a checksum."""
        return tuple([line for line in self.lines if line.cksum])

    @property
    def versions(self) -> frozenset[str]:
        """The versions of the lines that cargo reads."""
        return frozenset(line.vers for line in self.releases)

    def find(self, vers: str) -> Line | None:
        """Give the line of a version, or None; a line that cargo calls invalid holds its version too."""
        return next((line for line in self.lines if line.vers == vers), None)

    def find_same_precedence(self, vers: str) -> Line | None:
        """Give the first line whose version differs at most in build metadata, or None."""
        wanted = without_build(vers)
        return next((line for line in self.lines if line.vers and without_build(line.vers) == wanted), None)

    def with_lines(self, lines: Iterable[Line]) -> "IndexFile":
        """Place each line, in order of (`pubtime`, SemVer), behind the last line that is not later than it.

        So no line found ever moves but to make room, sorted or not, and the order of adding does not matter.
        Lines that we cannot read are earlier than all, then come those without `pubtime`. The caller has made sure
        that no version is held, nor given twice, and that cargo reads the lines (`new_line`).
        """
        added = list(lines)
        times = {line.pubtime for line in added}
        waiting = sorted([(_place(line, times), line) for line in added], key=lambda placed: placed[0])
        kept, tail = list(self.lines), list[Line]()
        while kept and waiting:
            place = _place(kept[-1], times)
            while waiting and place <= waiting[-1][0]:
                tail.append(waiting.pop()[1])
            tail.append(kept.pop())
        kept += [line for _, line in waiting]
        return IndexFile(lines=(*kept, *reversed(tail)))

    def with_yanked(self, vers: str, *, yanked: bool) -> "IndexFile":
        """Change the value of `yanked` in the line of a version, and no other byte; raises NotHeld.

        Where cargo lets the key be absent or null, that already means false; `"yanked":true` is then put in last.
        """
        self._hold(vers)
        lines = [parse_line(_yank(line.raw, yanked=yanked)) if line.vers == vers else line for line in self.lines]
        return IndexFile(lines=tuple(lines))

    def without(self, vers: str) -> "IndexFile":
        """Leave out the line of a version; raises NotHeld."""
        self._hold(vers)
        return IndexFile(lines=tuple(line for line in self.lines if line.vers != vers))

    def _hold(self, vers: str) -> None:
        if self.find(vers) is None:
            held = ", ".join(repr(line.vers) for line in self.lines if line.vers) or "none"
            raise NotHeld(f"version {vers!r} is not in the index file; held: {held}")


def parse_index(content: bytes) -> IndexFile:
    """Read an index file's bytes whatever stands in them: this raises nothing, and `format` gives the bytes back.

    Only a missing newline at the end is not kept.
    """
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return IndexFile(lines=tuple(map(parse_line, lines)))


def new_line(entry: Entry) -> Line:
    """Give the line of an entry that is to be added, as `parse_line` reads it; InvalidIndexLine where cargo would not.

    Of what an entry says only version and time have a form that cargo asks for before it takes a line.
    """
    try:
        _check_version(entry.vers)
        if entry.pubtime is not None:
            parse_pubtime(entry.pubtime)
    except InvalidInput as error:
        what = f"{entry.name} {entry.vers} of {entry.pubtime}"
        message = f"{what} would be a line that cargo does not read; correct its version or time"
        raise InvalidIndexLine(message) from error
    return Line(
        raw=format_entry(entry),
        name=entry.name,
        vers=entry.vers,
        cksum=entry.cksum,
        yanked=entry.yanked,
        pubtime=entry.pubtime,
    )


_Place = tuple[str | OrderKey, ...]


def _place(line: Line, times: set[str | None]) -> _Place:
    """Give what lines are ordered by. Versions are read only where they can decide, which is what costs time."""
    if not line.vers:
        return ()
    if line.pubtime not in times:
        return (line.pubtime or "",)
    return (line.pubtime or "", order_key(line.vers))


def derive_line(entry: Entry, old: Line) -> bytes:
    """Give the line that an entry makes in the place of an old one, without its newline.

    `pubtime` and `yanked` are the old line's, and its keys that we do not write stand at the end as they were.
    """
    new = format_entry(replace(entry, yanked=old.yanked, pubtime=old.pubtime))
    for key, start, end in _spans(old.raw):
        if key not in Entry.__struct_fields__:
            new = new[:-1] + b"," + msgspec.json.encode(key) + b":" + old.raw[start:end] + b"}"
    return new


_TOKENS = pattern(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\]:,]')


def _yank(raw: bytes, *, yanked: bool) -> bytes:
    """Set `yanked` in the bytes of a line that is known to be an object."""
    spans = [(start, end) for key, start, end in _spans(raw) if key == "yanked"]
    if not spans and yanked:
        end = raw.rindex(b"}")
        return raw[:end] + b',"yanked":true' + raw[end:]
    for start, end in reversed(spans):
        if yanked or raw[start:end] != b"null":
            raw = raw[:start] + (b"true" if yanked else b"false") + raw[end:]
    return raw


def _spans(raw: bytes) -> Iterator[tuple[str, int, int]]:
    """Find where the values of an object stand, each with its key, without the white space around it."""
    depth, key, start = 0, "", 0
    for token in _TOKENS.finditer(raw):
        kind = raw[token.start() : token.start() + 1]
        depth -= kind in b"}]"
        if depth == 1 and kind == b'"' and not start:
            key = msgspec.json.decode(token[0].decode(errors="replace"), type=str)  # a damaged key may be no UTF-8
        elif depth == 1 and kind == b":":
            start = token.end()
        elif start and ((depth == 1 and kind == b",") or depth == 0):
            value = raw[start : token.start()]
            yield key, start + len(value) - len(value.lstrip()), start + len(value.rstrip())
            start = 0
        depth += kind in b"{["


def newest(lines: Iterable[Line]) -> Line | None:
    """Give the release that people want to know of: the highest, rather neither yanked nor a pre-release."""
    return max(
        lines, key=lambda line: (not line.yanked, not is_prerelease(line.vers), parse_version(line.vers)), default=None
    )
