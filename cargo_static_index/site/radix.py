"""Lists cut by content: a radix tree of small parts, whose shape depends on the set of keys alone.

A part holds rows while there are few, else it names the parts below it by the next character of their keys. So
one more key touches the parts on its way and no other, whatever order keys come in and however many there are.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Literal, TypeVar

import msgspec
from msgspec import Raw, Struct

from cargo_static_index.diagnostics.errors import InvalidDocument

MOST = 150
"""Rows that a part holds at most: a page that can be looked through, a file that is quickly fetched and replaced."""

END = "!"
"""Stands behind a key, so that no key begins another; it sorts before all that keys are made of."""


class Part(Struct, frozen=True, kw_only=True):
    """One part of a list. It has `rows` (by key), or `parts` (rows in each, by prefix) that split after `common`."""

    schema: Literal[1] = 1
    list: str
    prefix: str
    total: int
    common: str = ""
    parts: dict[str, int] = {}
    rows: dict[str, Raw] = {}
    about: dict[str, str] = {}
    """What else the rows depend on; the same in every part of a list."""


Load = Callable[[str], Part | None]
Row = tuple[str, bytes | None]
"""A key and its row as JSON; None takes the key away."""
Written = dict[str, Part | None]
"""Parts that changed, by prefix; None for those that are to vanish."""

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Part).decode


def format_part(part: Part) -> bytes:
    """Give the document's bytes."""
    return _encode(part) + b"\n"


def parse_part(content: bytes) -> Part:
    """Read a part, or raise InvalidDocument."""
    try:
        return _decode(content)
    except msgspec.MsgspecError as error:
        raise InvalidDocument(f"not a part of a list: {error}") from error


def merge(name: str, rows: Sequence[Row], load: Load, about: dict[str, str] | None = None) -> Written:
    """Give what must be written to bring the list `name` in step with rows sorted by key; the root is never None."""
    merger = _Merger(name, load, about or {})
    root = merger.merge("", [(key + END, row) for key, row in rows])
    merger.written[""] = root or Part(list=name, prefix="", total=0, about=about or {})
    return merger.written


def rows_of(part: Part, load: Load) -> Iterator[tuple[str, Raw]]:
    """Give all rows of a part and of those below it, by key."""
    yield from part.rows.items()
    for prefix in part.parts:
        below = load(prefix)
        if below is not None:
            yield from rows_of(below, load)


class _Merger:
    def __init__(self, name: str, load: Load, about: dict[str, str]) -> None:
        self.written: Written = {}
        self._about = about
        self._name = name
        self._load_stored = load

    def _load(self, prefix: str) -> Part | None:
        return self.written[prefix] if prefix in self.written else self._load_stored(prefix)

    def merge(self, prefix: str, rows: Sequence[Row]) -> Part | None:
        part = self._load(prefix)
        if part is not None and part.parts:
            return self._merge_below(part, rows)
        held: dict[str, Raw] = {key + END: row for key, row in part.rows.items()} if part else {}
        for key, row in rows:
            if row is None:
                held.pop(key, None)
            else:
                held[key] = Raw(row)
        return self._part(prefix, dict(sorted(held.items())))

    def _part(self, prefix: str, held: Mapping[str, Raw]) -> Part | None:
        if not held:
            self.written[prefix] = None
            return None
        if len(held) <= MOST:
            rows = {key[:-1]: row for key, row in held.items()}
            return self._write(Part(list=self._name, prefix=prefix, total=len(rows), rows=rows))
        common = _common(held)
        parts = {}
        for below, group in _groups(held.items(), len(common) + 1):
            self._part(below, dict(group))
            parts[below] = len(group)
        return self._write(Part(list=self._name, prefix=prefix, total=len(held), common=common, parts=parts))

    def _merge_below(self, part: Part, rows: Sequence[Row]) -> Part | None:
        added = [key for key, row in rows if row is not None]
        common = _common([part.common, *added])
        parts = dict(part.parts)
        if common != part.common:
            below = part.common[: len(common) + 1]
            self._write(msgspec.structs.replace(part, prefix=below))
            parts = {below: part.total}
        for below, group in _groups([row for row in rows if row[0].startswith(common)], len(common) + 1):
            if below not in parts and all(row is None for _, row in group):
                continue
            merged = self.merge(below, group)
            parts.pop(below, None)
            if merged is not None:
                parts[below] = merged.total
        parts = dict(sorted(parts.items()))
        return self._settle(Part(list=self._name, prefix=part.prefix, total=sum(parts.values()), common=common,
                                 parts=parts))  # fmt: skip

    def _settle(self, part: Part) -> Part | None:
        """Give a part with parts below it its one shape: few rows become one part, a single part takes its place."""
        if part.total <= MOST:
            held = {key + END: row for key, row in rows_of(part, self._load)}
            self._drop_below(part)
            return self._part(part.prefix, held)
        if len(part.parts) == 1:
            only = next(iter(part.parts))
            below = self._load(only)
            assert below is not None
            self.written[only] = None
            return self._write(msgspec.structs.replace(below, prefix=part.prefix))
        return self._write(part)

    def _drop_below(self, part: Part) -> None:
        for prefix in part.parts:
            below = self._load(prefix)
            if below is not None:
                self._drop_below(below)
            self.written[prefix] = None

    def _write(self, part: Part) -> Part:
        if part.about != self._about:
            part = msgspec.structs.replace(part, about=self._about)
        self.written[part.prefix] = part
        return part


def _common(texts: Collection[str]) -> str:
    """Give what all of these texts begin with: what the first and the last of them do."""
    first, last = min(texts), max(texts)
    for at, (one, other) in enumerate(zip(first, last, strict=False)):
        if one != other:
            return first[:at]
    return first


def _groups(rows: Iterable[tuple[str, T]], length: int) -> Iterator[tuple[str, list[tuple[str, T]]]]:
    for prefix, group in groupby(rows, key=lambda row: row[0][:length]):
        yield prefix, list(group)
