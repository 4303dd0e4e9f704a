"""Writing lists: read the parts on the way, merge the rows of this change, write if unchanged, or begin again."""

from collections.abc import Iterator, Sequence

import msgspec

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.registry.site.documents import read_crate_document
from cargo_static_index.registry.transaction import Transaction, attempts
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.lists import (
    ALWAYS,
    NAMES,
    SETS,
    format_record,
    judged,
    list_of_path,
    pages_of,
    parse_record,
    part_view,
    record_path,
    render_part,
)
from cargo_static_index.site.radix import Part, Row, Written, merge, rows_of
from cargo_static_index.site.rows import SetRow, encode_row
from cargo_static_index.site.templates import Templates
from cargo_static_index.store import Change, Store, Stored
from cargo_static_index.tree import layout
from cargo_static_index.tree.read import replaced

ROWS_AT_ONCE = 2000
"""Rows merged together: enough that a part is written once, few enough to hold with the parts they belong to."""


LISTS_AT_ONCE = 128
"""Lists that share a batch, and so its flushes."""

Batch = list[tuple[str, Sequence[Row]]]
"""Rows sorted by key, by list."""


class ListDamaged(InvalidDocument):
    """A part of a list cannot be read, or is not there though another one names it: the list is to be made anew."""


def read_parts(store: Store) -> Iterator[tuple[str, Part | None]]:
    """Give the paths of the parts of all lists that are in the tree, and the parts; None where one cannot be read."""
    for folder in ("browse", "search", layout.CRATES):
        for path in store.list(folder):
            kind = list_of_path(path)
            stored = store.read(path) if kind else None
            if stored is not None:
                yield path, _part_at(path, kind or "", stored.content)


def _part_at(path: str, kind: str, content: bytes) -> Part | None:
    """Read a part, or give None for what cannot be read or belongs elsewhere."""
    try:
        part = parse_record(kind, content)
    except InvalidDocument:
        return None
    return part if record_path(part.list, part.prefix) == path else None


class Shelves:
    """The lists of a tree."""

    def __init__(self, transaction: Transaction, templates: Templates) -> None:
        self._transaction = transaction
        self._templates = templates
        self.trusting = True
        """Whether what is stored is built on, and ListDamaged raised where it cannot be; else it is made anew."""

    def bring_in_step(self) -> None:
        """Write all rows that are noted in the state."""
        for batch in self._transaction.state.pages.drained(self._some):
            self._merge_whole(batch)

    def _merge_whole(self, batch: Batch) -> None:
        for _ in attempts(f"the list {batch[0][0]!r} is"):
            batch = self._merge(batch)
            if not batch:
                return

    def _some(self) -> Batch:
        """Give rows of some lists, or of a part of one: as many as are merged together."""
        pages = self._transaction.state.pages
        batch: Batch = []
        left = ROWS_AT_ONCE
        name = pages.next_list()
        while name is not None and left > 0 and len(batch) < LISTS_AT_ONCE:
            # Lists that name lists learn of those when they are written, so they wait until those are.
            if batch and name.startswith("sets/"):
                break
            rows = pages.rows_of(name, left)
            batch.append((name, rows))
            left -= len(rows)
            name = pages.next_list(name)
        return batch

    def _merge(self, batch: Batch) -> Batch:
        """Merge rows into lists, all in one batch of changes, and give those that somebody else forestalled."""
        candidates = [_Reading(self._transaction, name, trusting=self.trusting) for name, _ in batch]
        parts = [self._written(name, rows, reading) for (name, rows), reading in zip(batch, candidates, strict=True)]
        changes = [
            list(self._changes(name, written, reading))
            for (name, _), written, reading in zip(batch, parts, candidates, strict=True)
        ]
        lost = {change.path for change in self._transaction.apply(change for each in changes for change in each)}
        again: Batch = []
        with self._transaction.state.writing():
            for (name, rows), written, reading, own in zip(batch, parts, candidates, changes, strict=True):
                if lost and any(change.path in lost for change in own):
                    again.append((name, rows))
                    continue
                self._look_at_names(name, written, reading)
                root = written[""]
                self._note_total(name, root.total if root else 0)
                self._transaction.state.pages.settle_rows(name, rows[-1][0])
        return again

    def parts_of(self, name: str) -> Iterator[Part]:
        """Give all parts of a list, from its root downwards."""
        return _below("", _Reading(self._transaction, name))

    def is_reached(self, part: Part) -> bool:
        """Whether a part hangs together with the root of its list."""
        reading = _Reading(self._transaction, part.list)
        above = reading.load("")
        while above is not None and above.prefix != part.prefix:
            below = part.prefix[: len(above.common) + 1]
            above = reading.load(below) if below in above.parts else None
        return above is not None

    def _note_total(self, name: str, total: int) -> None:
        kind, _, rest = name.partition("/")
        if kind in SETS:
            row = encode_row(SetRow(name=rest, total=total)) if total else None
            self._transaction.state.pages.list_rows([(SETS[kind], rest, row)])

    def _written(self, name: str, rows: Sequence[Row], reading: "_Reading") -> Written:
        kind, _, crate = name.partition("/")
        about: dict[str, str] = {}
        if kind == "dependents":
            document = read_crate_document(self._transaction.store, crate)
            newest = document.newest if document else ""
            about = {"newest": newest} if newest else {}
            rows = [(key, judged(row, newest) if row else row) for key, row in rows]
            root = reading.load("")
            if root is not None and root.about != about:
                new = dict(rows)
                held = [(key, judged(bytes(row), newest)) for key, row in rows_of(root, reading.load) if key not in new]
                rows = sorted([*rows, *held])
        return merge(name, rows, reading.load, about)

    def _changes(self, name: str, written: Written, reading: "_Reading") -> Iterator[Change]:
        """Give changes, parts before those that lead to them; what vanishes goes last."""
        root = written[""]
        kind, _, crate = name.partition("/")
        wanted = root is not None and (root.total > 0 or name in ALWAYS or bool(root.about))
        kept = {prefix: part for prefix, part in written.items() if part is not None} if wanted else {}
        for prefix in sorted(kept, key=len, reverse=True):
            files = render_part(kept[prefix], self._templates)
            files[record_path(name, prefix)] = format_record(kept[prefix])
            for path in pages_of(name, prefix):
                yield from replaced(path, files.get(path), reading.stored(path))
        if kind == "dependents" and root is not None and not root.about:
            yield from self._placeholder(crate, root, reading)
        for prefix in written:
            if prefix not in kept:
                # The record goes last: as long as it is there, a pass that remakes everything finds what is left.
                for path in reversed(pages_of(name, prefix)):
                    yield from replaced(path, None, reading.stored(path))

    def _placeholder(self, crate: str, root: Part, reading: "_Reading") -> Iterator[Change]:
        """Give the page of a crate that is not held: it says who needs it, or goes."""
        path = addresses.crate_page(crate)
        page = None
        if root.total:
            page = self._templates.render("placeholder.html", path, {"name": crate, "list": part_view(root)})
        yield from replaced(path, page, reading.stored(path))

    def _look_at_names(self, name: str, written: Written, reading: "_Reading") -> None:
        if name == NAMES and any(bool(part and part.rows) != reading.had_rows(at) for at, part in written.items()):
            self._transaction.state.site = msgspec.structs.replace(self._transaction.state.site, sitemap_stale=True)


class _Reading:
    """What was read of a list for one attempt, with the tags to replace it under."""

    def __init__(self, transaction: Transaction, name: str, *, trusting: bool = False) -> None:
        self._transaction = transaction
        self._name = name
        self._trusting = trusting
        self._stored: dict[str, Stored | None] = {}
        self._named = {""} if name in ALWAYS else set[str]()
        """The parts that must be there: others name them."""

    def stored(self, path: str) -> Stored | None:
        """Give a file as it was first read."""
        if path not in self._stored:
            self._stored[path] = self._transaction.store.read(path)
        return self._stored[path]

    def load(self, prefix: str) -> Part | None:
        """Give a part; one that cannot be read counts as none, and is replaced, where lists are made anew."""
        # The pages first: whoever replaces the record after this replaces them too, and is then noticed.
        found = [self.stored(path) for path in reversed(pages_of(self._name, prefix))][-1]
        path = record_path(self._name, prefix)
        part = _part_at(path, self._name, found.content) if found else None
        if part is not None:
            self._named.update(part.parts)
        elif self._trusting and (found or prefix in self._named):
            raise ListDamaged(f"{path}: this part of a list is lost or cannot be read")
        return part

    def had_rows(self, prefix: str) -> bool:
        """Whether a part was there and had rows."""
        part = self.load(prefix)
        return part is not None and bool(part.rows)


def _below(prefix: str, reading: _Reading) -> Iterator[Part]:
    part = reading.load(prefix)
    if part is not None:
        yield part
        for below in part.parts:
            yield from _below(below, reading)
