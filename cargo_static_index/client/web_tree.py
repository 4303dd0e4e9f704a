"""A tree as it is served over HTTP, to be read where nobody can list folders: its own lists name its crates."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from cargo_static_index.client.http import get
from cargo_static_index.diagnostics.errors import InvalidDocument, StoreError
from cargo_static_index.site.lists import parse_record, record_path
from cargo_static_index.site.radix import Node, rows_of
from cargo_static_index.site.rows import CrateRow
from cargo_static_index.store import Change, Store, Stored
from cargo_static_index.tree import layout
from cargo_static_index.tree.documents import Delta
from cargo_static_index.tree.read import read_index, read_record, read_tombstones, weight_of

AT_ONCE: Final = 16
"""Requests under way at once."""

_LIST: Final = "names"


class WebTree(Store):
    """A published tree below a base URL. It is only read, and `list` gives nothing but the index.

    Its index files are those of `names`, or without them those that its list of names tells of; then StoreError where
    that is not all that its tree.json sums up, or where there is no such list.
    """

    def __init__(self, base_url: str, names: Iterable[str] | None = None) -> None:
        self._base_url = base_url
        self._ahead: dict[str, Stored | None] = {}
        self._names = set(names) if names is not None else self._listed()

    def read(self, path: str) -> Stored | None:
        """Read one file, or give None where there is none."""
        if path in self._ahead:
            return self._ahead.pop(path)
        answer = get(self._base_url + quote(path), {})
        if answer.status == 200:
            return Stored(content=answer.content, tag="")
        if answer.status in {404, 410}:
            return None
        raise StoreError(f"{self._base_url}{path}: the server answers {answer.status}, and not with the tree's file")

    def read_all(self, paths: Sequence[str]) -> Sequence[Stored | None]:
        """Read several files at the same time."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(self.read, paths))

    def size(self, path: str) -> int | None:
        """Give the bytes of one file, or None where there is none."""
        found = self.read(path)
        return len(found.content) if found else None

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[str]:
        """List the paths of the index files; StoreError where anything else is asked for."""
        if prefix != layout.INDEX or after:
            raise StoreError(f"{self._base_url}: nobody can list {prefix!r} over HTTP; use the folder or the bucket")
        return iter(sorted(map(layout.index_file, self._names)))

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Refuse: nothing can be written over HTTP."""
        del changes
        raise StoreError(f"{self._base_url}: nothing can be written here")

    def session(self) -> AbstractContextManager[Path]:
        """Refuse: nothing can be written over HTTP."""
        raise StoreError(f"{self._base_url}: nothing can be written here")

    def _listed(self) -> set[str]:
        """Give all names, and keep what was read to see that they are all."""
        record = read_record(self)
        root = self._node("") if record.stored else Node(list=_LIST, prefix="", total=0)
        if root is None:
            raise StoreError(
                f"{self._base_url}: this tree lists no names, since it has no pages; name its folder or bucket, or "
                "take over only what was dropped, with --only-dropped"
            )
        names = {msgspec.json.decode(row, type=CrateRow).name for _, row in rows_of(root, self._node)}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            total = sum(pool.map(self._weight, names), Delta())
        if record.stored and record.value.counting(total) != record.value:
            raise StoreError(
                f"{self._base_url}: its list of names is not all that its tree.json sums up: a crate was removed "
                "whole, or somebody publishes just now; name its folder or bucket, or take over only what was dropped, "
                "with --only-dropped"
            )
        return names

    def _node(self, prefix: str) -> Node | None:
        path = record_path(_LIST, prefix)
        found = self.read(path)
        try:
            return parse_record(_LIST, found.content) if found else None
        except InvalidDocument as error:
            raise StoreError(f"{self._base_url}{path}: {error}") from error

    def _weight(self, name: str) -> Delta:
        """Read what a crate counts for in tree.json, and keep it to be read."""
        index, stones = read_index(self, name), read_tombstones(self, name)
        self._ahead[index.path], self._ahead[stones.path] = index.stored, stones.stored
        return weight_of(index) + stones.value.weight(index.value.versions)
