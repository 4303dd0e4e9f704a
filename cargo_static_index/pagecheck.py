"""Whether a tree's pages show its index, and whether all are there; what stands on them is for their making."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from cargo_static_index import layout
from cargo_static_index.cratepages import paths_of_crate
from cargo_static_index.errors import InvalidDocument
from cargo_static_index.faults import Finding, found
from cargo_static_index.pages import addresses
from cargo_static_index.pages.documents import CrateDocument, parse_crate_document, parse_pages_state
from cargo_static_index.pages.lists import ALWAYS, NAMES, pages_of, sitemap_path
from cargo_static_index.pages.rows import rows_of_crate
from cargo_static_index.pages.shelf import Part
from cargo_static_index.shelving import read_parts
from cargo_static_index.store import Store
from cargo_static_index.tree import read_index, read_record

_FIXED = (
    *(addresses.FRONT, addresses.DOCUMENT, addresses.ABOUT_INDEX, addresses.SEARCH_PAGE, addresses.NOT_FOUND),
    *(addresses.FEED, addresses.SITEMAP, addresses.OPENSEARCH),
)

_asset_in = re.compile(rb'="(assets/[^"]+)"')


def check_pages(store: Store) -> Iterator[Finding]:
    """Give what is wrong with the pages of a tree that has any: one finding for a crate, and for a list.

    Where a pass broke off before its pages were made, that is all there is to say.
    """
    stored = store.read(addresses.STATE)
    digest = _digest(store)
    if stored is None or digest is None:
        return
    if _shown(stored.content) != digest:
        yield found("pages-outdated", addresses.STATE, "The pages do not show what the index holds now.", "make-pages")
        return
    told: set[str] = set()  # many crates name the same list
    for each in _lost(store):
        if each.path not in told:
            told.add(each.path)
            yield each


def _lost(store: Store) -> Iterator[Finding]:
    yield from _missing(store, "registry", (*_FIXED, *_assets(store)))
    for name in ALWAYS:
        yield from _missing(store, f"list `{name}`", _files_of(name, ""))
    for part in read_parts(store):
        kind, _, crate = part.list.partition("/")
        if kind == "dependents":  # a page stands for what is not held, too, as long as something needs it
            yield from _missing(store, f"crate `{crate}`", [addresses.crate_page(crate)])
        yield from _missing(store, f"list `{part.list}`", _files_below(part))
    for name, paths in groupby(store.list(layout.CRATES), key=lambda path: path.split("/")[1]):
        yield from _check_crate(store, name, frozenset(paths))


def _assets(store: Store) -> Iterator[str]:
    """Give the styles and scripts that the front page asks for."""
    front = store.read(addresses.FRONT)
    return (found[1].decode() for found in _asset_in.finditer(front.content if front else b""))


def _digest(store: Store) -> str | None:
    """Give the digest of the index; None where tree.json cannot be read, which is said of it already."""
    try:
        return read_record(store).record.digest
    except InvalidDocument:
        return None


def _shown(pages_state: bytes) -> str | None:
    """Give the digest of the index that the pages show; None where pages.json cannot be read."""
    try:
        return parse_pages_state(pages_state).digest
    except InvalidDocument:
        return None


def _check_crate(store: Store, name: str, paths: frozenset[str]) -> Iterator[Finding]:
    """Look for a crate's own pages among the files beside its archives, and for the lists that name it."""
    document = _document(store, name)
    if document is not None:
        yield from _missing(store, f"crate `{name}`", (path for path in paths_of_crate(document) if path not in paths))
        for shelf in {f"dependents/{name}", *(shelf for shelf, _ in rows_of_crate(document))}:
            yield from _missing(store, f"list `{shelf}`", _files_of(shelf, ""))
    elif any(line.name == name for line in read_index(store, name).file.releases):
        message = f"The document of the crate `{name}` is not there, or cannot be read."
        yield found("page-missing", addresses.crate_document(name), message, "make-pages")


def _document(store: Store, name: str) -> CrateDocument | None:
    stored = store.read(addresses.crate_document(name))
    try:
        return parse_crate_document(stored.content) if stored else None
    except InvalidDocument:
        return None


def _files_below(part: Part) -> Iterator[str]:
    """Give the files of all parts that one part names, and of the sitemap that belongs to it."""
    for prefix in part.parts:
        yield from _files_of(part.list, prefix)
    if part.list == NAMES and part.rows:
        yield sitemap_path(part.prefix)


def _files_of(name: str, prefix: str) -> Iterator[str]:
    return (path for path in pages_of(name, prefix) if path != sitemap_path(prefix))


def _missing(store: Store, what: str, paths: Iterable[str]) -> Iterator[Finding]:
    missing = [path for path in paths if store.size(path) is None]
    if missing:
        more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
        yield found("page-missing", missing[0], f"This page of the {what} is not there{more}.", "make-pages")
