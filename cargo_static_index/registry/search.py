"""Where a search finds the lists that it reads, and what is known of the crates that it finds.

A tree with pages holds the lists (`site/search_rows.py`). Of one without, or whose pages are behind, the state has a
table of them, which costs what changed; and without a state they are made of the whole index.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import UNSET, Raw
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidDocument, InvalidIndexLine
from cargo_static_index.protocol.index_entry import Entry, parse_entry
from cargo_static_index.protocol.index_file import Line, newest
from cargo_static_index.registry.follow import is_known
from cargo_static_index.registry.site.documents import shown_digest
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.crate_document import (
    CrateDocument,
    ReleaseSummary,
    document_of,
    format_page_document,
    older_dependencies,
    power_of_two,
    summary_of,
)
from cargo_static_index.site.radix import END, Node
from cargo_static_index.site.search import Lists, ranked
from cargo_static_index.site.search_rows import (
    ShownCrate,
    parse_part,
    parse_shown,
    part_path,
    search_rows,
    shown,
    words_of_readme,
)
from cargo_static_index.state import State, may_write, open_state
from cargo_static_index.store import Store
from cargo_static_index.tree.layout import index_file
from cargo_static_index.tree.read import index_paths, known_metadata, read_index_at, read_record

MOST_ROWS = 6000
"""Rows that a search reads where no browser has to fetch them; see `ranked`."""


STALE_AT_ONCE = 500
"""Crates whose rows are made in one transaction of the state."""


class Searched(Lists, Protocol):
    """The lists of a search, and what is shown of the crates that it finds."""

    def about(self, name: str) -> ShownCrate | None:
        """Give what is shown of a crate, None where that is lost."""
        ...  # pragma: no cover


class TreeSearch:
    """The lists as they lie in a tree; parts of them are read when a search comes by."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._parts: dict[tuple[str, str], Node | None] = {}

    def beginning(self, name: str, start: str, most: int) -> tuple[list[tuple[str, Raw]], int]:
        """Give the first rows whose keys begin so, and how many there are; see `Lists`."""
        return self._beginning(name, start, most, "")

    def _beginning(self, name: str, start: str, most: int, prefix: str) -> tuple[list[tuple[str, Raw]], int]:
        part = self._part(name, prefix)
        if part is None:
            return [], 0
        rows = [(key, row) for key, row in part.rows.items() if f"{key}{END}".startswith(start)]
        total, left = len(rows), most
        for below, size in part.children.items():
            within = below.startswith(start)
            if not (within or start.startswith(below)):
                continue
            found, more = self._beginning(name, start, left, below) if left > 0 else ([], size)
            rows += found
            total += size if within else more
            left -= size if within else left
        return rows, total

    def _part(self, name: str, prefix: str) -> Node | None:
        at = name, prefix
        if at not in self._parts:
            stored = self._store.read(part_path(name, prefix))
            try:
                self._parts[at] = parse_part(stored.content) if stored else None
            except InvalidDocument:
                self._parts[at] = None
        return self._parts[at]

    def about(self, name: str) -> ShownCrate | None:
        """Give what is shown of a crate."""
        stored = self._store.read(addresses.crate_row(name))
        try:
            return parse_shown(stored.content) if stored else None
        except InvalidDocument:
            return None


class HeldSearch:
    """The lists made in memory of the crates that are held."""

    def __init__(self, crates: Iterable[CrateDocument]) -> None:
        documents = _with_dependents(list(crates))
        rows: dict[str, dict[str, bytes]] = {}
        for document in documents:
            for (name, key), row in search_rows(document):
                rows.setdefault(name, {})[key + END] = row
        self._rows: Mapping[str, Mapping[str, bytes]] = rows
        self._keys = {name: sorted(found) for name, found in rows.items()}
        self._documents = {document.name: document for document in documents}

    def beginning(self, name: str, start: str, most: int) -> tuple[list[tuple[str, bytes]], int]:
        """Give the first rows whose keys begin so, and how many there are; see `Lists`."""
        keys = self._keys.get(name, [])
        first, end = bisect_left(keys, start), bisect_left(keys, f"{start}\U0010ffff")
        return [(key[:-1], self._rows[name][key]) for key in keys[first : min(first + most, end)]], end - first

    def about(self, name: str) -> ShownCrate | None:
        """Give what is shown of a crate."""
        return shown(self._documents[name])


class StateSearch:
    """The lists in the state, made of those index files that changed since somebody searched before."""

    def __init__(self, state: State, store: Store) -> None:
        self._rows = state.searched
        self._store = store
        self._state = state

    def bring_in_step(self) -> None:
        """Make the rows of what changed; a search that is broken off leaves the rest to the next."""
        while paths := self._rows.stale(STALE_AT_ONCE):
            with self._state.writing():
                for path in paths:
                    self._change(path, describe_crate(self._store, path))
                    self._rows.settle(path)

    def _change(self, path: str, new: CrateDocument | None) -> None:
        before = self._document(path)
        needs, needed = (needed_by(document) if document else set() for document in (new, before))
        name = new.name if new else before.name if before else ""
        self._rows.needs(name, needed - needs, needs - needed)
        self._put(path, before, self._counted(new) if new else None)
        for other in needs ^ needed:
            at = index_file(other)
            held = self._document(at)
            if held is not None and held.name == other:
                self._put(at, held, self._counted(held))

    def _counted(self, document: CrateDocument) -> CrateDocument:
        number = len(self._rows.dependents(document.name))
        return replace(document, dependents=power_of_two(number) or UNSET)

    def _put(self, path: str, before: CrateDocument | None, new: CrateDocument | None) -> None:
        if before == new:
            return
        old, rows = (dict(search_rows(document)) if document else {} for document in (before, new))
        changed = [(*at, row) for at, row in rows.items() if old.get(at) != row]
        self._rows.change([at for at in old if at not in rows], changed)
        self._rows.keep(path, format_page_document(new) if new else None)

    def _document(self, path: str) -> CrateDocument | None:
        content = self._rows.document(path)
        return msgspec.json.decode(content, type=CrateDocument) if content else None

    def beginning(self, name: str, start: str, most: int) -> tuple[list[tuple[str, bytes]], int]:
        """Give the first rows whose keys begin so, and how many there are; see `Lists`."""
        if start.endswith(END):
            whole = start[: -len(END)]
            rows = [(key, row) for key, row in self._rows.beginning(name, whole, 1)[0] if key == whole]
            return rows, len(rows)
        rows, total = self._rows.beginning(name, start, most)
        return [(key, row) for key, row in rows], total

    def about(self, name: str) -> ShownCrate | None:
        """Give what is shown of a crate."""
        document = self._document(index_file(name))
        return shown(document) if document else None


@contextmanager
def search_of(store: Store, state_folder: Path | None = None) -> Iterator[Searched]:
    """Give the lists of the tree where its pages show what its index holds, else a table of the state's.

    Where there is no state, or it is not the caller's or does not know the tree, they are made of all that is held.
    """
    if has_lists(store):
        yield TreeSearch(store)
        return
    if state_folder is not None and may_write(state_folder):
        with open_state(state_folder) as state:
            if is_known(state, read_record(store).value):
                search = StateSearch(state, store)
                search.bring_in_step()
                yield search
                return
    yield HeldSearch(documents(store))


def search_crates(store: Store, query: str, *, limit: int = 20) -> list[ShownCrate]:
    """Find crates by words, as the command line, cargo and the pages do, the likeliest first, `limit` at the most.

    Parts of the lists are read where the tree's pages show what the index holds; else every crate is.
    """
    with search_of(store) as search:
        found = [search.about(match.name) for match in ranked(query, search, MOST_ROWS)[:limit]]
    return [crate for crate in found if crate is not None]


def has_lists(store: Store) -> bool:
    """Whether pages.json says that pages, and so the lists, show what the index holds."""
    try:
        return shown_digest(store) == read_record(store).value.digest
    except InvalidDocument:
        return False


# What is held ----------------------------------------------------------------------------------------------


def documents(store: Store) -> Iterator[CrateDocument]:
    """Describe every crate that is held, as its document does, but for how many depend on it."""
    for path in index_paths(store):
        document = describe_crate(store, path)
        if document is not None:
            yield document


def describe_crate(store: Store, path: str) -> CrateDocument | None:
    """Describe the crate of an index file; None where none of its lines is cargo's."""
    lines = {line.vers: line for line in read_index_at(store, path).value.releases}
    entries = {vers: entry for vers, line in lines.items() if (entry := _entry_of(line))}
    readable = [lines[vers] for vers in entries]
    line = newest(readable)
    if line is None:
        return None
    entry, metadata = entries[line.vers], known_metadata(store, line)
    summary = summary_of(entry, metadata)
    times = [other.pubtime for other in lines.values() if other.pubtime]
    others = (_summary(other) for other in readable if other is not line)
    document = document_of(entry, metadata, (summary,))
    earlier = tuple(older_dependencies(entry, others, lambda vers: lines[vers].raw))
    document = replace(document, updated=max(times, default=None), earlier=earlier)
    readme = metadata.readme if metadata else None
    return replace(document, words=words_of_readme(document, (readme and readme.text) or "") or UNSET)


def _entry_of(line: Line) -> Entry | None:
    try:
        return parse_entry(line.raw)
    except InvalidIndexLine:
        return None


def _summary(line: Line) -> ReleaseSummary:
    return ReleaseSummary(vers=line.vers, cksum=line.cksum, yanked=line.yanked, pubtime=None, rust_version=None)


def _with_dependents(crates: Sequence[CrateDocument]) -> list[CrateDocument]:
    counts = Counter(name for document in crates for name in needed_by(document))
    return [
        replace(document, dependents=power_of_two(counts[document.name])) if document.name in counts else document
        for document in crates
    ]


def needed_by(document: CrateDocument) -> set[str]:
    """Give the crates here that a crate depends on, or did, as the lists of dependents have it."""
    rows = (*document.dependencies, *(older.dependency for older in document.earlier))
    return {row.crate for row in rows if row.registry is None}
