"""Writing lists: read the nodes on the way, merge the rows of this change, write if unchanged, or begin again."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.registry.site.documents import read_crate_document
from cargo_static_index.registry.site.output import Output
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.compressed import original_of
from cargo_static_index.site.crate_document import CrateDocument, power_of_two
from cargo_static_index.site.lists import (
    ALWAYS,
    DEPENDENTS,
    NAMES,
    SETS,
    files_of_node,
    list_of_path,
    list_view,
    pages_of,
    read_node,
    record_path,
    sitemap_path,
    source_of_placeholder,
    with_satisfied,
)
from cargo_static_index.site.radix import END, ChangedNodes, KeyedRow, Node, merge, rows_of
from cargo_static_index.site.rows import ADVISORIES, Rows, SetRow, crate_of_row, encode_row, rows_of_crate
from cargo_static_index.store import Change, Store, Stored
from cargo_static_index.store.pauses import attempts
from cargo_static_index.tree import layout
from cargo_static_index.tree.read import readable_tombstones, replaced

if TYPE_CHECKING:  # loaded with the first page that is made
    from cargo_static_index.site.templates import Templates

ROWS_AT_ONCE = 2000
"""Rows merged together: enough that a node is written once, few enough to hold with the nodes they belong to."""

LISTS_AT_ONCE = 128
"""Lists that share a batch, and so its flushes."""

_SEARCHED = "search/"

Batch = list[tuple[str, Sequence[KeyedRow]]]
"""Rows sorted by key, by list."""


class ListDamaged(InvalidDocument):
    """A node of a list cannot be read, or is not there though another one names it: the list is to be made anew."""


def read_nodes(store: Store) -> Iterator[tuple[str, bytes, Node | None]]:
    """Give the nodes of all lists that are in the tree with their paths and bytes; None where one cannot be read."""
    for folder in ("browse", "search", layout.CRATES):
        for path in store.list(folder):
            kind = list_of_path(path) if original_of(path) is None else None
            stored = store.read(path) if kind else None
            if stored is not None:
                yield path, stored.content, read_node(path, kind or "", stored.content)


class _Merged(Struct, frozen=True, kw_only=True):
    """What one attempt made of a list."""

    name: str
    rows: Sequence[KeyedRow]
    reader: "_ListReader"
    nodes: ChangedNodes
    changes: tuple[Change, ...]


class ListWriter:
    """The lists of a tree."""

    def __init__(
        self, transaction: Transaction, output: Output, templates: "Templates", always: Collection[str]
    ) -> None:
        self.always = always
        """Lists that are there even while they are empty."""
        self._transaction = transaction
        self._output = output
        self._templates = templates
        self._looks_closely = True
        """Whether files may be behind the record beside them, as a writer broke off or was overtaken."""
        self._current: dict[str, Rows] = {}
        """The rows of crates as their documents are now, by collision key, while one batch is merged."""
        self._reranked: dict[str, str] = {}
        """Crates whose rank in searches changed in this build, or may have, by collision key."""
        self._ranked: set[str] = set()
        """Lists of dependents whose crates were told to look at their ranks."""
        self.expected = Counter[str]()
        """How many crates will depend on each once all lists of a first build are written, if that was counted."""
        self.parts: dict[str, bool] = {}
        """Parts of the names that came, or went, by the path of their sitemaps."""
        self.trusting = True
        """Whether what is stored is built on, and ListDamaged raised where it cannot be; else it is made anew."""
        self.first = False
        """Whether there was no list when these are made, so that each is created, unread, and read where it was not."""
        self._again = False
        """Whether somebody else forestalled what is tried once more."""
        self.others_wrote = False
        """Whether others may have written lists since this change began to."""
        self._created: set[str] = set()
        """The lists that were not read before, because this is the first time."""
        self._sets: dict[str, _ListReader] = {}
        """Lists of lists as they were before the lists that they name were written, as far as these are on the way."""

    def bring_in_step(self, *, searched: bool) -> Iterator[None]:
        """Write the rows that are noted in the state; where it yields, others may come in.

        Those that searches read wait until it is `searched`: the order of what is found depends on how many crates
        depend on each, so whose rank that changes is stale then, and gives them anew.
        """
        end = None if searched else _SEARCHED
        for batch in self._transaction.state.pages.drained(partial(self._some, end)):
            self._write(batch)
            yield

    def nodes_of(self, name: str) -> Iterator[Node]:
        """Give all nodes of a list, from its root downwards."""
        return _below("", _ListReader(self._transaction.store, name))

    def is_reached(self, node: Node) -> bool:
        """Whether a node hangs together with the root of its list."""
        reader = _ListReader(self._transaction.store, node.list)
        return any(above.prefix == node.prefix for above in reader.way(node.prefix))

    def _write(self, batch: Batch) -> None:
        for attempt in attempts(f"the list {batch[0][0]!r} is"):
            # What a state notes may have been begun before. In a shared tree that is so only of changes taken over.
            alone = not (self._transaction.taken_over or self.others_wrote)
            known = self._transaction.log and self.trusting and alone
            self._again = attempt > 0
            self._looks_closely = self._again or not known
            self._read_again(batch)
            batch = self._merge(batch)
            if not batch:
                return

    def _read_again(self, batch: Batch) -> None:
        """Read the documents of crates where others may have changed them since rows were noted, of whom some died.

        In a shared tree these are those whose rank changed: whoever changed it as well may have come first.
        """
        self._current.clear()
        shared = self._transaction.log is not None
        if not shared and not self._transaction.others_came:
            return
        keys = {crate_of_row(name, key) for name, rows in batch if not _is_set(name) for key, _ in rows}
        names = self._transaction.names_of(keys) if not shared else self._reranked
        for key, crate in names.items():
            if key in keys:
                document = read_crate_document(self._transaction.store, crate)
                self._current[key] = rows_of_crate(document) if document else {}

    def _as_it_is_now(self, name: str, key: str, noted: bytes | None) -> bytes | None:
        """Give a row as it is to be now; `noted` where that was not read again."""
        current = None if _is_set(name) else self._current.get(crate_of_row(name, key))
        return noted if current is None else current.get((name, key))

    def _some(self, end: str | None) -> Batch:
        """Give rows of some lists before `end`, or of a part of one: as many as are merged together."""
        queue = self._transaction.state.pages
        batch: Batch = []
        left = ROWS_AT_ONCE
        name = queue.next_list()
        while name is not None and (end is None or name < end) and left > 0 and len(batch) < LISTS_AT_ONCE:
            # Lists that name lists learn of those when they are written, so they wait until those are.
            if batch and _is_set(name):
                break
            rows = queue.rows_of(name, left)
            batch.append((name, rows))
            left -= len(rows)
            name = queue.next_list(name)
        return batch

    def _merge(self, batch: Batch) -> Batch:
        """Merge rows into lists, all in one batch of changes, and give those that somebody else forestalled."""
        merged = [found for name, rows in batch for found in self._merged(name, rows)]
        changes = [change for found in merged for change in found.changes]
        # Before the lists are written: who breaks off in between leaves no rank behind that nobody knows to be old.
        self._make_stale([found for found in merged if self._ranks_otherwise(found)])
        self._expect_sets(merged)
        lost = self._output.apply(changes, at_once=len(changes))
        again = {found.name for found in merged if any(change.path in lost for change in found.changes)}
        done = [found for found in merged if found.name not in again]
        with self._transaction.state.writing():
            for found in done:
                self._note_sitemap(found)
                if found.name == ADVISORIES:
                    site = self._transaction.state.site
                    self._transaction.state.site = replace(site, advisories_stale=True)
            self._transaction.state.pages.list_rows(self._set_rows(done))
            self._transaction.state.pages.settle_rows((found.name, found.rows[-1][0]) for found in done)
        return [(found.name, found.rows) for found in merged if found.name in again]

    def _ranks_otherwise(self, merged: _Merged) -> bool:
        """Whether a list is of a crate's dependents, and the crate may have another rank in searches than before."""
        root = merged.nodes[""]
        if not merged.name.startswith(DEPENDENTS) or root is None or not root.about:
            return False  # no search finds what is not held
        if self.expected:
            document = merged.reader.document
            return document is None or (document.dependents or 0) != power_of_two(root.total)
        earlier = merged.reader.load("")
        before, after = earlier.total if earlier else 0, root.total
        unknown = self._transaction.log is not None and self._looks_closely and merged.name not in self._ranked
        self._ranked.add(merged.name)
        return unknown or before.bit_length() != after.bit_length()

    def _make_stale(self, lists: Sequence[_Merged]) -> None:
        if lists:
            names = [found.name.removeprefix(DEPENDENTS) for found in lists]
            self._reranked |= {collision_key(name): name for name in names}
            with self._transaction.state.writing():
                self._transaction.state.pages.make_stale(names)

    def _merged(self, name: str, rows: Sequence[KeyedRow]) -> Iterator[_Merged]:
        """Merge rows into a list; of one that cannot be made its rows are let go, so that it fails no build again."""
        reader = self._reader(name)
        rows = [(key, self._as_it_is_now(name, key, row)) for key, row in rows]
        try:
            nodes = self._changed_nodes(name, rows, reader)
            changes = tuple(self._changes(name, nodes, reader))
        except ListDamaged:
            raise
        except Exception as error:  # noqa: BLE001 - `Failures` raises on what is no fault of this list alone
            self._output.failures.note(record_path(name, ""), error)
            self._transaction.state.pages.settle_rows([(name, rows[-1][0])])
        else:
            yield _Merged(name=name, rows=rows, reader=reader, nodes=nodes, changes=changes)

    def _reader(self, name: str) -> "_ListReader":
        """Give what reads a list; one that names lists may have been read before these were written."""
        before = self._sets.pop(name, None)
        if before and not self._again:
            return before
        absent = self.first and not self._again and name not in self._created
        if absent:
            self._created.add(name)
        presuming = self.trusting and not self._looks_closely
        return _ListReader(self._transaction.store, name, trusting=self.trusting, presuming=presuming, absent=absent)

    def _set_rows(self, lists: Sequence[_Merged]) -> Iterator[tuple[str, str, bytes | None]]:
        """Give what the lists that name lists are to say of these."""
        for merged in lists:
            kind, _, rest = merged.name.partition("/")
            root, before = merged.nodes[""], merged.reader.load("")
            total = root.total if root else 0
            if kind in SETS and (self._looks_closely or before is None or total != before.total):
                yield SETS[kind], rest, set_row(rest, total)

    def _expect_sets(self, lists: Sequence[_Merged]) -> None:
        """Read, before lists are written, what is to name them: who writes both after that is noticed there (law 4)."""
        if self._again or (self._looks_closely and not self.first):
            return
        for name, key, _ in self._set_rows(lists):
            if name not in self._sets:
                self._sets[name] = self._reader(name)
            self._sets[name].expect(key)

    def _total_row(self, name: str, key: str) -> bytes | None:
        """Give the row of a list in the list that names it, as it is here and now: others may have written it since."""
        kind = next(kind for kind, names in SETS.items() if names == name)
        path = record_path(f"{kind}/{key}", "")
        stored = self._transaction.store.read(path)
        root = read_node(path, f"{kind}/{key}", stored.content) if stored else None
        return set_row(key, root.total if root else 0)

    def _note_sitemap(self, merged: _Merged) -> None:
        if merged.name != NAMES:
            return
        has = {at: bool(node and node.rows) for at, node in merged.nodes.items()}
        changed = {sitemap_path(at): some for at, some in has.items() if some != merged.reader.had_rows(at)}
        self.parts |= changed
        if changed:
            self._transaction.state.site = replace(self._transaction.state.site, sitemap_stale=True)

    def _changed_nodes(self, name: str, rows: Sequence[KeyedRow], reader: "_ListReader") -> ChangedNodes:
        if _is_set(name) and self._transaction.others_came:
            rows = [(key, row if key in reader.expected else self._total_row(name, key)) for key, row in rows]
        if not name.startswith(DEPENDENTS):
            return merge(name, rows, reader.load)
        newest = reader.document.newest if reader.document else ""
        about = {"newest": newest} if newest else {}
        rows = [(key, with_satisfied(row, newest) if row else row) for key, row in rows]
        root = reader.load("")
        if root is not None and root.about != about:
            new = dict(rows)
            kept = ((key, row) for key, row in rows_of(root, reader.load) if key not in new)
            rows = sorted([*rows, *((key, with_satisfied(bytes(row), newest)) for key, row in kept)])
        return merge(name, rows, reader.load, about)

    def _changes(self, name: str, nodes: ChangedNodes, reader: "_ListReader") -> Iterator[Change]:
        """Give changes, nodes before those that lead to them; what vanishes goes last."""
        root = nodes[""]
        kind, _, crate = name.partition("/")
        wanted = root is not None and (root.total > 0 or name in self.always or bool(root.about))
        kept = {prefix: node for prefix, node in nodes.items() if node is not None} if wanted else {}
        for prefix in sorted(kept, key=len, reverse=True):
            before = reader.load(prefix)
            for path, content in files_of_node(kept[prefix], self._templates).items():
                if self._looks_closely or _may_differ(path, before, kept[prefix], self.always):
                    is_new = before is None and reader.presuming
                    yield from replaced(path, content, None if is_new else reader.stored(path))
        if kind == "dependents" and root is not None and not root.about:
            yield from self._placeholder(crate, root, reader)
        for prefix in nodes:
            if prefix not in kept:
                # The record goes last: as long as it is there, a build that remakes everything finds what is left.
                for path in reversed(pages_of(name, prefix)):
                    yield from replaced(path, None, reader.stored(path))

    def _placeholder(self, crate: str, root: Node, reader: "_ListReader") -> Iterator[Change]:
        """Give the page of a crate that is not held: it says who needs it, and that it was removed, or goes."""
        path = addresses.crate_page(crate)
        page, stones = None, readable_tombstones(self._transaction.store, crate).removed
        if root.total or stones:
            context = {"name": crate, "list": list_view(root), "stones": stones}
            page = self._templates.render("placeholder.html", path, context, source_of_placeholder(root, stones))
        yield from replaced(path, page, reader.stored(path))


def _may_differ(path: str, before: Node | None, after: Node, always: Collection[str]) -> bool:
    """Whether a file of a node may have to be written: a sitemap tells of names alone."""
    if before is None:
        return True
    if before.total == after.total == 0 and path.endswith((".html", ".xml")):
        return after.list in always  # there is none
    same = before.rows.keys() == after.rows.keys() if path.endswith(".xml") else before == after
    return not same


def _is_set(name: str) -> bool:
    """Whether a list is of lists, and its rows are no crate's."""
    return name.startswith("sets/")


def set_row(name: str, total: int) -> bytes | None:
    """Give the row of a list with so many rows in the list that names it."""
    return encode_row(SetRow(name=name, total=total)) if total else None


class _ListReader:
    """What was read of a list for one attempt, with the tags to replace it under.

    With `presuming` what nothing leads to is taken to be absent, unread: to create it where it is not is refused.
    All of it is where the list is `absent`.
    """

    def __init__(
        self, store: Store, name: str, *, trusting: bool = False, presuming: bool = False, absent: bool = False
    ) -> None:
        self._store = store
        self._name = name
        self._trusting = trusting
        self.presuming = presuming
        self._absent = absent
        self.expected: set[str] = set()
        """The keys to which all on the way was read ahead."""
        self._stored: dict[str, Stored | None] = {}
        self._nodes: dict[str, Node | None] = {}
        self._named = {""} if name in ALWAYS else set[str]()
        """The nodes that must be there: others name them."""

    def stored(self, path: str) -> Stored | None:
        """Give a file as it was first read.

        Pages are read when they are to be replaced: who was late is noticed by the record, and begins again (law 4).
        """
        if path not in self._stored:
            self._stored[path] = None if self._absent else self._store.read(path)
        return self._stored[path]

    @cached_property
    def document(self) -> CrateDocument | None:
        """The document of the crate that the list is named after.

        It is read here and now: another writer may have replaced it since this build made the crate's pages (law 4).
        """
        return read_crate_document(self._store, self._name.partition("/")[2])

    def load(self, prefix: str) -> Node | None:
        """Give a node; one that cannot be read counts as none, and is replaced, where lists are made anew."""
        if prefix not in self._nodes:
            self._nodes[prefix] = self._read(prefix)
        return self._nodes[prefix]

    def _read(self, prefix: str) -> Node | None:
        path = record_path(self._name, prefix)
        if self.presuming and prefix and prefix not in self._named:
            return None
        found = self.stored(path)
        node = read_node(path, self._name, found.content) if found else None
        if node is not None:
            self._named.update(node.children)
        elif self._trusting and (found or prefix in self._named):
            raise ListDamaged(f"{path}: this part of a list is lost or cannot be read")
        return node

    def way(self, to: str) -> Iterator[Node]:
        """Give the nodes on the way from the root to a key and its end, or to the prefix of a node."""
        node = self.load("")
        while node is not None:
            yield node
            below = to[: len(node.common) + 1]
            node = self.load(below) if below in node.children else None

    def expect(self, key: str) -> None:
        """Read the nodes on the way to a key."""
        for _ in self.way(key + END):
            continue
        self.expected.add(key)

    def had_rows(self, prefix: str) -> bool:
        """Whether a node was there and had rows."""
        node = self.load(prefix)
        return node is not None and bool(node.rows)


def _below(prefix: str, reader: _ListReader) -> Iterator[Node]:
    node = reader.load(prefix)
    if node is not None:
        yield node
        for below in node.children:
            yield from _below(below, reader)
