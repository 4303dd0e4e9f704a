"""Whether a tree's pages show its index, and whether all are there; what stands on them is for their making."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from hashlib import blake2b, sha256
from itertools import groupby
from typing import Literal
from urllib.parse import unquote

from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidDocument, InvalidIndexLine
from cargo_static_index.diagnostics.problems import Finding, found
from cargo_static_index.protocol.index_entry import parse_entry
from cargo_static_index.protocol.index_file import Line
from cargo_static_index.registry.owners import check_owners
from cargo_static_index.registry.site.crates import paths_of_crate, paths_of_removed
from cargo_static_index.registry.site.documents import read_crate_document
from cargo_static_index.registry.site.lists import read_nodes
from cargo_static_index.registry.verify.work import HERE, Work
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.compressed import copies_of, is_copy, original_of
from cargo_static_index.site.crate_document import CrateDocument, PagesState, format_page_document, parse_pages_state
from cargo_static_index.site.lists import ALWAYS, NAMES, pages_of, record_path, sitemap_path
from cargo_static_index.site.radix import Node
from cargo_static_index.site.rows import rows_of_crate
from cargo_static_index.site.seal import is_sealed
from cargo_static_index.site.search_rows import format_shown
from cargo_static_index.store import Store
from cargo_static_index.tree import layout
from cargo_static_index.tree.documents import TreeRecord
from cargo_static_index.tree.read import read_index, read_record, read_tombstones

_FIXED = (
    *(addresses.FRONT, addresses.DOCUMENT, addresses.ABOUT_INDEX, addresses.SEARCH_PAGE, addresses.NOT_FOUND),
    *(addresses.FEED, addresses.SITEMAP, addresses.OPENSEARCH),
)

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
    for finding in _lost(store, work, read=state.sealed and not quick):
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


def _lost(store: Store, work: Work, *, read: bool) -> Iterator[Finding]:
    front = store.read(addresses.FRONT)
    content = front.content if front else b""
    assets = sorted(assets_named(content))
    refused = [addresses.REFUSED] if f'="{addresses.REFUSED}"'.encode() in content else []
    yield from _wrong(store, "registry", (*_FIXED, *assets, *refused), read=read)
    yield from _damaged_assets(store, assets)
    for name in ALWAYS:
        yield from _wrong(store, f"list `{name}`", _files_of(name, ""), read=read)
    listed = _Sum()
    yield from _check_lists(store, listed, read=read)
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

    def add(self, name: str, key: str, sign: Literal[1, -1]) -> None:
        digest = blake2b(f"{name}\0{key}".encode(), digest_size=16).digest()
        self.total = (self.total + sign * int.from_bytes(digest, "big")) % (1 << 128)


def _check_lists(store: Store, listed: _Sum, *, read: bool) -> Iterator[Finding]:
    """Read every node of every list, and hold what a node says of those below it against them."""
    named: dict[str, int] = {}
    for path, node in read_nodes(store):
        if node is None:
            yield found("page-wrong", path, "This part of a list cannot be read.", "make-pages")
            continue
        if not node.list.startswith("sets/"):
            for key in node.rows:
                listed.add(node.list, key, 1)
        if node.prefix:
            named[path] = named.get(path, 0) - node.total
        for prefix, total in node.children.items():
            below = record_path(node.list, prefix)
            named[below] = named.get(below, 0) + total
        kind, _, crate = node.list.partition("/")
        if kind == "dependents":  # a page stands for what is not held, too, as long as something needs it
            yield from _wrong(store, f"crate `{crate}`", [addresses.crate_page(crate)], read=read)
        yield from _wrong(store, f"list `{node.list}`", _files_below(node), read=read)
    for path, difference in named.items():
        if difference and store.size(path) is not None:
            yield found("page-wrong", path, "This part of a list is not what the part above it says.", "make-pages")


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
        store, listed, lists = self.open_tree(), _Sum(), set[str]()
        findings = [finding for name in names for finding in _check_crate(store, name, listed, lists, read=self.read)]
        for name in sorted(lists):  # many crates name the same
            findings += _wrong(store, f"list `{name}`", _files_of(name, ""), read=self.read)
        return listed.total, findings


def _check_crate(store: Store, name: str, listed: _Sum, lists: set[str], *, read: bool) -> Iterator[Finding]:
    """Hold a crate's document against its index file, look for its pages, and note the lists that name it."""
    document = read_crate_document(store, name)
    lines = {line.vers: line for line in read_index(store, name).value.releases if line.name == name}
    if not _agree(document, lines):
        message = f"The document of the crate `{name}` is not there, or does not hold what the index does."
        yield found("page-wrong", addresses.crate_document(name), message, "make-pages")
    if document is None:
        yield from _wrong(store, f"crate `{name}`", _pages_of_removed(store, name), read=read)
        return
    yield from check_owners(store, document)
    versions = {addresses.version_page(name, summary.vers) for summary in document.versions}
    shown: list[_Shown] = []

    def hear(path: str, content: bytes) -> None:
        if path in versions and (found := _shown_by(path, content)):
            shown.append(found)

    yield from _wrong(store, f"crate `{name}`", paths_of_crate(document), read=read, hear=hear)
    for version in shown:
        yield from _check_shown(store, name, version)
    if read:
        for path, content in (
            (addresses.crate_document(name), format_page_document(document)),
            (addresses.crate_row(name), format_shown(document)),  # which has a digest of the document
        ):
            stored = store.read(path)
            if stored and stored.content != content:
                message = f"This is not what was written of the crate `{name}`, for its document or for searches."
                yield found("page-wrong", path, message, "make-pages")
    lists.add(f"dependents/{name}")
    for list_name, key in rows_of_crate(document):
        listed.add(list_name, key, -1)
        lists.add(list_name)


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


def _pages_of_removed(store: Store, name: str) -> list[str]:
    """Give the pages of a crate of which nothing is held any more; none where its tombstones cannot be read."""
    try:
        stones = read_tombstones(store, name).value.removed
    except InvalidDocument:
        return []
    return [addresses.crate_page(name), *paths_of_removed(name, stones)] if stones else []


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


def _files_below(node: Node) -> Iterator[str]:
    """Give the files of all nodes that one node names, and of the sitemap that belongs to it."""
    for prefix in node.children:
        yield from _files_of(node.list, prefix)
    if node.list == NAMES and node.rows:
        yield sitemap_path(node.prefix)


def _files_of(name: str, prefix: str) -> Iterator[str]:
    return (path for path in pages_of(name, prefix) if path != sitemap_path(prefix))


def _wrong(
    store: Store, what: str, paths: Iterable[str], *, read: bool, hear: Callable[[str, bytes], None] | None = None
) -> Iterator[Finding]:
    """Say which pages are missing or not as written; `hear` is given the path of each that is read, and its content."""
    paths = tuple(paths)
    missing = [path for path in paths if not store.size(path)]
    if missing:
        more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
        yield found("page-missing", missing[0], f"This page of the {what} is not there, or empty{more}.", "make-pages")
    other = [path for path in paths if read and path not in missing and not _is_as_written(store, path, hear)]
    if other:
        more = f", and {len(other) - 1} more" if len(other) > 1 else ""
        yield found("page-wrong", other[0], f"This page of the {what} is not what was written{more}.", "make-pages")


def _is_as_written(store: Store, path: str, hear: Callable[[str, bytes], None] | None) -> bool:
    if not path.endswith((".html", ".xml")):
        return True  # what holds rows or documents is held against the index
    stored = store.read(path)
    if stored and hear:
        hear(path, stored.content)
    return stored is not None and is_sealed(path, stored.content)
