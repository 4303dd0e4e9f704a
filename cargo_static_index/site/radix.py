"""Lists cut by content: radix trees of small nodes, whose shape depends on the set of keys alone.

A node holds rows while there are few, else it names its children by the next character of their keys. So one more
key touches the nodes on its way and no other, whatever order keys come in and however many there are.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Literal, TypeVar

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from cargo_static_index._json import read_json

MOST = 150
"""Rows that a node holds at most: a page that can be looked through, a file that is quickly fetched and replaced."""

END = "!"
"""Stands behind a key, so that no key begins another; it sorts before all that keys are made of."""


class Node(Struct, frozen=True, kw_only=True):
    """One node of a list: it has `rows` by key, or `children` (rows in each, by prefix) that split after `common`."""

    schema: Literal[1] = 1
    list: str
    prefix: str
    total: int
    common: str = ""
    children: dict[str, int] = msgspec.field(default_factory=dict, name="parts")
    rows: dict[str, Raw] = {}
    about: dict[str, str] = {}
    """What else the rows depend on; the same in every node of a list."""


Load = Callable[[str], Node | None]
KeyedRow = tuple[str, bytes | None]
"""A key and its row as JSON; None takes the key away."""
ChangedNodes = dict[str, Node | None]
"""Nodes that changed, by prefix; None for those that are to vanish."""

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode


def format_node(node: Node) -> bytes:
    """Give the document's bytes."""
    return _encode(node) + b"\n"


def parse_node(content: bytes) -> Node:
    """Read a node, or raise InvalidDocument."""
    return read_json(content, Node, "a part of a list")


def merge(name: str, rows: Sequence[KeyedRow], load: Load, about: dict[str, str] | None = None) -> ChangedNodes:
    """Give what must be written to bring the list `name` in step with rows sorted by key; the root is never None."""
    merger = _Merger(name, load, about or {})
    root = merger.merge("", [(key + END, row) for key, row in rows])
    merger.changed[""] = root or Node(list=name, prefix="", total=0, about=about or {})
    return merger.changed


def rows_of(node: Node, load: Load) -> Iterator[tuple[str, Raw]]:
    """Give all rows of a node and of those below it, by key."""
    yield from node.rows.items()
    for prefix in node.children:
        child = load(prefix)
        if child is not None:
            yield from rows_of(child, load)


def has_its_shape(node: Node) -> bool:
    """Whether a node has the shape that `merge` gives, so that what it says of itself is what it holds."""
    if node.children:
        said = (node.total, node.common, list(node.children), len(node.rows))
        return said == (sum(node.children.values()), _common(node.children), sorted(node.children), 0)
    keys = list(node.rows)
    return (node.total, node.common, keys) == (len(keys), "", sorted(keys, key=lambda key: key + END))


class _Merger:
    def __init__(self, name: str, load: Load, about: dict[str, str]) -> None:
        self.changed: ChangedNodes = {}
        self._about = about
        self._name = name
        self._load_stored = load

    def _load(self, prefix: str) -> Node | None:
        return self.changed[prefix] if prefix in self.changed else self._load_stored(prefix)

    def merge(self, prefix: str, rows: Sequence[KeyedRow]) -> Node | None:
        node = self._load(prefix)
        if node is not None and node.children:
            return self._merge_below(node, rows)
        merged: dict[str, Raw] = {key + END: row for key, row in node.rows.items()} if node else {}
        for key, row in rows:
            if row is None:
                merged.pop(key, None)
            else:
                merged[key] = Raw(row)
        return self._node(prefix, dict(sorted(merged.items())))

    def _node(self, prefix: str, rows: Mapping[str, Raw]) -> Node | None:
        if not rows:
            self.changed[prefix] = None
            return None
        if len(rows) <= MOST:
            plain = {key[:-1]: row for key, row in rows.items()}
            return self._write(Node(list=self._name, prefix=prefix, total=len(rows), rows=plain))
        common = _common(rows)
        children = {}
        for below, group in _groups(rows.items(), len(common) + 1):
            self._node(below, dict(group))
            children[below] = len(group)
        return self._write(Node(list=self._name, prefix=prefix, total=len(rows), common=common, children=children))

    def _merge_below(self, node: Node, rows: Sequence[KeyedRow]) -> Node | None:
        added = [key for key, row in rows if row is not None]
        common = _common([node.common, *added])
        children = dict(node.children)
        if common != node.common:
            below = node.common[: len(common) + 1]
            self._write(replace(node, prefix=below))
            children = {below: node.total}
        for below, group in _groups([row for row in rows if row[0].startswith(common)], len(common) + 1):
            if below not in children and all(row is None for _, row in group):
                continue
            merged = self.merge(below, group)
            children.pop(below, None)
            if merged is not None:
                children[below] = merged.total
        children = dict(sorted(children.items()))
        total = sum(children.values())
        return self._collapsed(Node(list=self._name, prefix=node.prefix, total=total, common=common, children=children))

    def _collapsed(self, node: Node) -> Node | None:
        """Give a node with children its one shape: few rows become one node, a single child takes its place."""
        if node.total <= MOST:
            rows = {key + END: row for key, row in rows_of(node, self._load)}
            self._drop_below(node)
            return self._node(node.prefix, rows)
        if len(node.children) == 1:
            only = next(iter(node.children))
            child = self._load(only)
            assert child is not None
            self.changed[only] = None
            return self._write(replace(child, prefix=node.prefix))
        return self._write(node)

    def _drop_below(self, node: Node) -> None:
        for prefix in node.children:
            child = self._load(prefix)
            if child is not None:
                self._drop_below(child)
            self.changed[prefix] = None

    def _write(self, node: Node) -> Node:
        if node.about != self._about:
            node = replace(node, about=self._about)
        self.changed[node.prefix] = node
        return node


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
