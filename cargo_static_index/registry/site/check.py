"""Whether a tree's pages show its index, and whether all are there; what stands on them is for their making."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from hashlib import blake2b, sha256
from itertools import groupby
from types import MappingProxyType
from typing import Literal
from urllib.parse import unquote

from msgspec import Struct

from cargo_static_index._json import UNREADABLE
from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidDocument, InvalidIndexLine
from cargo_static_index.diagnostics.problems import Finding, found
from cargo_static_index.protocol.index_entry import parse_entry
from cargo_static_index.protocol.index_file import Line
from cargo_static_index.registry.owners import check_owners
from cargo_static_index.registry.site.crates import paths_of_crate, sources_of_crate, sources_of_removed
from cargo_static_index.registry.site.documents import read_crate_document
from cargo_static_index.registry.site.lists import read_nodes, set_row
from cargo_static_index.registry.verify.work import HERE, Work
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.compressed import copies_of, is_copy, original_of
from cargo_static_index.site.crate_document import CrateDocument, PagesState, format_page_document, parse_pages_state
from cargo_static_index.site.lists import (
    ALWAYS,
    DEPENDENTS,
    NAMES,
    SETS,
    dependents_list,
    format_record,
    in_order_of_names,
    record_path,
    sitemap_path,
    source_of_placeholder,
    sources_of_node,
    with_satisfied,
)
from cargo_static_index.site.radix import Node, has_its_shape
from cargo_static_index.site.rows import ADVISORIES, rows_of_crate
from cargo_static_index.site.seal import digest_of, is_sealed, made_of
from cargo_static_index.site.search_rows import format_shown
from cargo_static_index.store import Store
from cargo_static_index.tree import layout
from cargo_static_index.tree.documents import TreeRecord
from cargo_static_index.tree.read import read_index, read_record, readable_tombstones

_FIXED = (
    *(addresses.FRONT, addresses.DOCUMENT, addresses.ABOUT_INDEX, addresses.SEARCH_PAGE, addresses.NOT_FOUND),
    *(addresses.FEED, addresses.OPENSEARCH),
)

NOTHING: Mapping[str, bytes] = MappingProxyType({})

_SOURCE = pattern(rb'<th scope="row"><a href="(source/[^"]+)"')
_IMAGE = pattern(rb'"images/([0-9a-f]{32}\.[a-z]{3,4})[" ]|, images/([0-9a-f]{32}\.[a-z]{3,4})[" ]')
_TEXT = pattern(rb'<a href="([^"]+)" data-sha256="([0-9a-f]{64})"')
_ASSET = pattern(rb'="(assets/[^"#?]+-[0-9a-f]{12}\.[a-z0-9]+)"')


def check_pages(
    store: Store, *, quick: bool = False, work: Work = HERE, names: Collection[str] | None = None
) -> Iterator[Finding]:
    """Give what is wrong with the pages of a tree that is to have them: one finding for a crate, and for a list.

    Each page is read and held against the digest at its end, or, if `quick`, only looked for. Of `names`, only the
    pages of these crates are looked at. Where a build broke off
    before its pages were made, that is all there is to say.
    """
    stored = store.read(addresses.STATE)
    record = _record(store)
    if record is None or (stored is None and not record.releases):
        return
    state = _state(stored.content) if stored else None
    if state is None or state.digest != record.digest:
        yield found("pages-outdated", addresses.STATE, "The pages do not show what the index holds now.", "make-pages")
        return
    if names is not None:
        yield from _CrateCheck(open_tree=lambda: store, read=state.sealed and not quick).look(sorted(names))[1]
        return
    told: set[str] = set()  # many crates name the same list
    for finding in _lost(store, work, state, read=state.sealed and not quick):
        if finding.path not in told:
            told.add(finding.path)
            yield finding
    if state.copies and not quick:
        yield from _wrong_copies(store)


def _wrong_copies(store: Store) -> Iterator[Finding]:
    """Give the compressed copies that are not there, or not what their pages say: servers would send them."""
    for path in store.list():
        for copy in copies_of(path):
            if store.size(copy) is None:
                yield found("page-missing", copy, f"This compressed copy of {path} is not there.", "make-pages")
        original = original_of(path)
        page = store.read(original) if original else None
        stored = store.read(path) if original else None
        if stored and not (page and is_copy(path, stored.content, page.content)):
            yield found("page-wrong", path, f"This compressed copy is not what {original} says.", "make-pages")


def _lost(store: Store, work: Work, state: PagesState, *, read: bool) -> Iterator[Finding]:
    front = store.read(addresses.FRONT)
    content = front.content if front else b""
    assets = sorted(assets_named(content))
    refused = [addresses.REFUSED] if f'="{addresses.REFUSED}"'.encode() in content else []
    digests = state.front
    fixed = (path for path in (*_FIXED, *refused) if path not in digests)
    yield from _wrong(store, "registry", (*fixed, *assets), read=read)
    yield from _damaged_front(store, digests, read=read)
    yield from _damaged_assets(store, assets)
    for name in ALWAYS:
        yield from _wrong(store, f"list `{name}`", [record_path(name, "")], read=read)
    lists = _Lists(store, read=read)
    yield from lists.findings()
    listed = lists.listed
    names = (name for name, _ in groupby(store.list(layout.CRATES), key=lambda path: path.split("/")[1]))
    check = _CrateCheck(open_tree=work.opener(store), read=read)
    for total, findings in work.done(store, check.look, names):
        listed.total = (listed.total + total) % (1 << 128)
        yield from findings
    if listed.total:
        message = "The lists do not name what the documents of the crates say."
        yield found("page-wrong", record_path(NAMES, ""), message, "make-pages")


class _Sum:
    """Sums up what lists hold, less what they are to hold: 0 where it is the same, in whatever order it comes."""

    def __init__(self) -> None:
        self.total = 0

    def add(self, name: str, key: str, row: bytes, sign: Literal[1, -1]) -> None:
        digest = blake2b(b"%s\0%s\0%s" % (name.encode(), key.encode(), row), digest_size=16).digest()
        self.total = (self.total + sign * int.from_bytes(digest, "big")) % (1 << 128)


class _Lists:
    """Reads every node of every list; `listed` sums up the rows, less those that lists are to have of other lists."""

    def __init__(self, store: Store, *, read: bool) -> None:
        self._store = store
        self._read = read
        self.listed = _Sum()
        self._named: dict[str, int] = {}
        """How many more rows nodes say that those below them have than these do, by the path below."""
        self._about: dict[str, dict[str, str]] = {}
        """What the nodes above say that the rows of those below depend on, by the path below."""
        self._parts: list[str] = []
        self._advisories: list[bytes] | None = None

    def findings(self) -> Iterator[Finding]:
        """Hold what a node says of those below it against them, and pages against the nodes that they show."""
        for path, content, node in read_nodes(self._store):
            if node is None or format_record(node) != content or not self._is_as_listed(path, node):
                yield found("page-wrong", path, "This part of a list cannot be read, or is damaged.", "make-pages")
                continue
            self._note(path, node)
            yield from self._check_pages(node)
        for path, difference in self._named.items():
            if difference and self._store.size(path) is not None:
                yield found("page-wrong", path, "This part of a list is not what the part above it says.", "make-pages")
        yield from self._check_sums()

    def _is_as_listed(self, path: str, node: Node) -> bool:
        """Note a node's rows; False where these are not what they are to be, whatever crates say."""
        kind, _, rest = node.list.partition("/")
        if not has_its_shape(node) or (node.prefix and node.about != self._about.pop(path, node.about)):
            return False
        for key, row in node.rows.items():
            try:
                self.listed.add(node.list, key, _row_of_crate(node, bytes(row)), 1)
            except UNREADABLE:
                return False
        if kind in SETS and not node.prefix and node.total:
            self.listed.add(SETS[kind], rest, set_row(rest, node.total) or b"", -1)
        if node.about and not node.prefix:
            self.listed.add(node.list, "", node.about.get("newest", "").encode(), 1)
        return True

    def _note(self, path: str, node: Node) -> None:
        """Note what a node says of those below it, and what belongs to sitemap and feed."""
        if node.prefix:
            self._named[path] = self._named.get(path, 0) - node.total
        for prefix, total in node.children.items():
            below = record_path(node.list, prefix)
            self._named[below] = self._named.get(below, 0) + total
            self._about[below] = node.about
        if node.list == NAMES and node.rows:
            self._parts.append(sitemap_path(node.prefix))
        if node.list == ADVISORIES:
            self._advisories = [*(self._advisories or ()), *map(bytes, node.rows.values())]

    def _check_pages(self, node: Node) -> Iterator[Finding]:
        kind, _, crate = node.list.partition("/")
        if kind == "dependents" and not (node.about or node.prefix):
            # A page stands for what is not held, too, as long as something needs it.
            yield from _wrong_placeholder(self._store, crate, node, read=self._read)
        paths = [record_path(node.list, prefix) for prefix in node.children]
        sources = sources_of_node(node)
        yield from _wrong(self._store, f"list `{node.list}`", (*paths, *sources), sources, read=self._read)

    def _check_sums(self) -> Iterator[Finding]:
        sources = {addresses.SITEMAP: made_of(in_order_of_names(self._parts))}
        if self._advisories is not None:
            sources[addresses.ADVISORIES_FEED] = made_of(sorted(self._advisories))
        yield from _wrong(self._store, "registry", sources, sources, read=self._read)


def _row_of_crate(node: Node, row: bytes) -> bytes:
    """Give a row as the crate that it is of makes it; one of b"" where the list made something else of that."""
    if not node.list.startswith(DEPENDENTS):
        return row
    plain = with_satisfied(row, "")
    return plain if row == with_satisfied(plain, node.about.get("newest", "")) else b""


def _wrong_placeholder(store: Store, name: str, root: Node, *, read: bool) -> Iterator[Finding]:
    """Look at the page of a crate that is not held."""
    sources = {addresses.crate_page(name): source_of_placeholder(root, readable_tombstones(store, name).removed)}
    yield from _wrong(store, f"crate `{name}`", sources, sources, read=read)


def _damaged_front(store: Store, digests: Mapping[str, str], *, read: bool) -> Iterator[Finding]:
    """Hold the pages that tell of what was published last against pages.json."""
    for path, digest in digests.items():
        stored = store.read(path) if read else None
        if not store.size(path):
            yield found("page-missing", path, "This page of the registry is not there, or empty.", "make-pages")
        elif stored and digest_of(stored.content) != digest:
            yield found("page-wrong", path, "This page of the registry is not what was written.", "make-pages")


def _damaged_assets(store: Store, paths: Iterable[str]) -> Iterator[Finding]:
    """Hold styles and scripts against the digest in their names: browsers keep what such a name gave them for ever."""
    for path in paths:
        stored = store.read(path)
        if stored and sha256(stored.content).hexdigest()[:12] not in path:
            yield found("page-wrong", path, "This file does not have the digest that its name says.", "make-pages")


def assets_named(page: bytes) -> set[str]:
    """Give the styles and scripts that a page in the root asks for."""
    return {found[1].decode() for found in _ASSET.finditer(page)}


def _record(store: Store) -> TreeRecord | None:
    """Read tree.json; None where it cannot be read, which is said of it already."""
    try:
        return read_record(store).value
    except InvalidDocument:
        return None


def _state(content: bytes) -> PagesState | None:
    """Read pages.json; None where it cannot be read."""
    try:
        return parse_pages_state(content)
    except InvalidDocument:
        return None


class _CrateCheck(Struct, frozen=True, kw_only=True):
    """Looks at the pages of crates, in this process or in another one."""

    open_tree: Callable[[], Store]
    read: bool

    def look(self, names: list[str]) -> tuple[int, list[Finding]]:
        """Give what lists are to hold because of these crates, as a sum, and what is wrong."""
        store, lists = self.open_tree(), set[str]()
        listed = _Sum()
        findings = [finding for name in names for finding in _check_crate(store, name, listed, lists, read=self.read)]
        for name in sorted(lists):  # many crates name the same
            findings += _wrong(store, f"list `{name}`", [record_path(name, "")], read=self.read)
        return listed.total, findings


def _check_crate(store: Store, name: str, listed: _Sum, lists: set[str], *, read: bool) -> Iterator[Finding]:
    """Hold a crate's document against its index file, look for its pages, and note the lists that name it."""
    document = read_crate_document(store, name)
    lines = {line.vers: line for line in read_index(store, name).value.releases if line.name == name}
    if not _agree(document, lines):
        message = f"The document of the crate `{name}` is not there, or does not hold what the index does."
        yield found("page-wrong", addresses.crate_document(name), message, "make-pages")
    if document is None:
        yield from _check_gone(store, name, read=read)
        return
    yield from check_owners(store, document)
    versions = {addresses.version_page(name, summary.vers) for summary in document.versions}
    shown: list[_Shown] = []

    def hear(path: str, content: bytes) -> None:
        if path in versions and (found := _shown_by(path, content)):
            shown.append(found)

    sources = sources_of_crate(document)
    yield from _wrong(store, f"crate `{name}`", paths_of_crate(document), sources, read=read, hear=hear)
    for version in shown:
        yield from _check_shown(store, name, version)
    if read:
        yield from _check_documents(store, document)
    lists.add(dependents_list(name))
    listed.add(dependents_list(name), "", document.newest.encode(), -1)
    for (list_name, key), row in rows_of_crate(document).items():
        listed.add(list_name, key, row, -1)
        lists.add(list_name)


def _check_documents(store: Store, document: CrateDocument) -> Iterator[Finding]:
    for path, content in (
        (addresses.crate_document(document.name), format_page_document(document)),
        (addresses.crate_row(document.name), format_shown(document)),  # which has a digest of the document
    ):
        stored = store.read(path)
        if stored and stored.content != content:
            message = f"This is not what was written of the crate `{document.name}`, for its document or for searches."
            yield found("page-wrong", path, message, "make-pages")


def _check_gone(store: Store, name: str, *, read: bool) -> Iterator[Finding]:
    """Look at the pages of a crate that is not held, but for the one that the list of its dependents makes."""
    sources = sources_of_removed(name, stones := readable_tombstones(store, name).removed)
    yield from _wrong(store, f"crate `{name}`", sources, sources, read=read)
    dependents = dependents_list(name)
    if stones and store.size(record_path(dependents, "")) is None:
        yield from _wrong_placeholder(store, name, Node(list=dependents, prefix="", total=0), read=read)


class _Shown(Struct, frozen=True, kw_only=True):
    """What the page of a version shows of its archive: the pages of files, and images by their path with the digest."""

    pages: tuple[str, ...]
    images: dict[str, str]


def _shown_by(path: str, content: bytes) -> _Shown | None:
    """Give what the page of a version at a path shows of its archive; None where that is nothing."""
    folder = path.rpartition("/")[0]
    pages = tuple(f"{folder}/{unquote(found[1].decode())}" for found in _SOURCE.finditer(content))
    names = sorted({(found[1] or found[2]).decode() for found in _IMAGE.finditer(content)})
    images = {f"{folder}/images/{name}": name.partition(".")[0] for name in names}
    return _Shown(pages=pages, images=images) if pages or images else None


def _check_shown(store: Store, name: str, shown: _Shown) -> Iterator[Finding]:
    """Look for the pages and texts of files, and for images, and hold these by their digest."""
    texts: dict[str, str] = {}

    def hear(page: str, content: bytes) -> None:
        if named := _TEXT.search(content):
            texts[f"{page.rpartition('/')[0]}/{unquote(named[1].decode())}"] = named[2].decode()

    yield from _wrong(store, f"crate `{name}`", shown.pages, read=True, hear=hear)
    for path, digest in (texts | shown.images).items():
        yield from _check_digest(store, path, digest)


def _check_digest(store: Store, path: str, digest: str) -> Iterator[Finding]:
    stored = store.read(path)
    if stored is None:
        yield found("page-missing", path, "This file that a page of the crate leads to is not there.", "make-pages")
    elif not sha256(stored.content).hexdigest().startswith(digest):
        yield found("page-wrong", path, "This file that a page of the crate leads to is not what it was.", "make-pages")


def _agree(document: CrateDocument | None, lines: Mapping[str, Line]) -> bool:
    """Whether a document holds just those lines that pages show: the others cargo calls invalid."""
    said = {summary.vers: (summary.cksum, summary.yanked) for summary in document.versions} if document else {}
    if any(vers not in lines or said[vers] != (lines[vers].cksum, lines[vers].yanked) for vers in said):
        return False
    return not any(_is_entry(line) for vers, line in lines.items() if vers not in said)


def _is_entry(line: Line) -> bool:
    try:
        parse_entry(line.raw)
    except InvalidIndexLine:
        return False
    return True


def _wrong(
    store: Store,
    what: str,
    paths: Iterable[str],
    sources: Mapping[str, bytes] = NOTHING,
    *,
    read: bool,
    hear: Callable[[str, bytes], None] | None = None,
) -> Iterator[Finding]:
    """Say which pages are missing or not as written of what they are to be made of by now (`site.seal`).

    `hear` is given the path of each that is read, and its content.
    """
    paths = tuple(paths)
    missing = [path for path in paths if not store.size(path)]
    if missing:
        more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
        yield found("page-missing", missing[0], f"This page of the {what} is not there, or empty{more}.", "make-pages")
    there = (path for path in paths if read and path not in missing)
    other = [path for path in there if not _is_as_written(store, path, sources.get(path, b""), hear)]
    if other:
        more = f", and {len(other) - 1} more" if len(other) > 1 else ""
        yield found("page-wrong", other[0], f"This page of the {what} is not what was written{more}.", "make-pages")


def _is_as_written(store: Store, path: str, source: bytes, hear: Callable[[str, bytes], None] | None) -> bool:
    if not path.endswith((".html", ".xml")):
        return True  # what holds rows or documents is held against the index
    stored = store.read(path)
    if stored and hear:
        hear(path, stored.content)
    return stored is not None and is_sealed(path, stored.content, source)
