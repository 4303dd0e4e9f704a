"""The pages of the registry as a whole: front page, feeds, search, what was refused, and what only machines read."""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice

from msgspec.structs import replace

from cargo_static_index.registry.site.documents import read_crate_document
from cargo_static_index.registry.site.lists import ListWriter
from cargo_static_index.registry.site.output import Output
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.crate_document import CrateDocument, format_page_document, version_key
from cargo_static_index.site.front import FrontDocument, RefusedFile, Update, blocks_of
from cargo_static_index.site.lists import NAMES, sitemap_path
from cargo_static_index.site.rows import short
from cargo_static_index.site.templates import Templates
from cargo_static_index.site.theme import SiteInfo
from cargo_static_index.tree import layout

SHOWN = 8
"""Crates that the front page names as new, and as updated."""

FEED_ENTRIES = 50
LOOKED_AT = 50
"""Crates that the front page looks at, those of which something was published last."""

REFUSED_SHOWN = 1000
"""Refused files that their page shows; more are counted."""


class FrontPages:
    """Writes these pages where they change."""

    def __init__(self, transaction: Transaction, output: Output, templates: Templates, site: SiteInfo) -> None:
        self._transaction = transaction
        self._output = output
        self._templates = templates
        self._site = site
        self._documents: dict[str, CrateDocument | None] = {}

    def refused(self, files: Iterable[RefusedFile]) -> bytes:
        """Give the page of refused files."""
        left = iter(files)
        shown = list(islice(left, REFUSED_SHOWN))
        more = sum(1 for _ in left)
        return self._templates.render("refused.html", addresses.REFUSED, {"files": shown, "more": more})

    def write(self, lists: ListWriter) -> None:
        """Write all of them but that of refused files."""
        self._output.put(self._pages())
        if self._transaction.state.site.sitemap_stale or self._transaction.store.read(addresses.SITEMAP) is None:
            parts = [sitemap_path(node.prefix) for node in lists.nodes_of(NAMES) if node.rows]
            self._output.put([self._page("sitemap.xml", addresses.SITEMAP, {"parts": parts})])
            self._transaction.state.site = replace(self._transaction.state.site, sitemap_stale=False)

    def _pages(self) -> Iterator[tuple[str, bytes]]:
        updated, new = self._news()
        document = FrontDocument(
            title=self._site.title,
            description=self._site.description,
            index=f"{layout.INDEX}/",
            crates=self._transaction.record.crates,
            releases=self._transaction.record.releases,
            updated=updated,
            new=new,
        )
        yield addresses.DOCUMENT, format_page_document(document)
        context = {"front": document, "blocks": blocks_of(self._site)}
        yield self._page("index.html", addresses.FRONT, context)
        yield self._page("about-index.html", addresses.ABOUT_INDEX, {})
        yield self._page("feed.xml", addresses.FEED, {"updates": list(self._releases())})
        yield self._page("search.html", addresses.SEARCH_PAGE, {})
        yield self._page("404.html", addresses.NOT_FOUND, {})
        yield self._page("opensearch.xml", addresses.OPENSEARCH, {})

    def _news(self) -> tuple[tuple[Update, ...], tuple[Update, ...]]:
        """Give updated and new crates, the last first, each once; no more documents are read than that takes."""
        updated: dict[str, Update] = {}
        new: dict[str, Update] = {}
        for name, pubtime in self._transaction.state.published.newest_crates(LOOKED_AT):
            update = self._highest(name, pubtime)
            if update is not None:
                (new if self._is_new(update) else updated).setdefault(name, update)
            if min(len(updated), len(new)) >= SHOWN:
                break
        return tuple(updated.values())[:SHOWN], tuple(new.values())[:SHOWN]

    def _highest(self, name: str, pubtime: str) -> Update | None:
        """Give the highest of a crate's versions that were published at one time."""
        document = self._document(name)
        versions = document.versions if document else ()
        highest = next((summary.vers for summary in versions if summary.pubtime == pubtime), None)
        return None if highest is None else self._update(name, highest, pubtime)

    def _releases(self) -> Iterator[Update]:
        """Give the releases published last; of what came together, a crate's highest version first."""
        newest = self._transaction.state.published.newest(FEED_ENTRIES)
        for (pubtime, name), rows in groupby(newest, key=lambda row: (row[1].pubtime or "", row[0])):
            versions = [release.vers for _, release in rows]
            for vers in sorted(versions, key=version_key, reverse=True) if len(versions) > 1 else versions:
                yield self._update(name, vers, pubtime)

    def _update(self, name: str, vers: str, pubtime: str) -> Update:
        document = self._document(name)
        description = short((document.description if document else None) or "")
        return Update(name=name, vers=vers, pubtime=pubtime, description=description)

    def _is_new(self, update: Update) -> bool:
        document = self._document(update.name)
        return document is not None and update.pubtime == document.created

    def _document(self, name: str) -> CrateDocument | None:
        if name not in self._documents:
            self._documents[name] = read_crate_document(self._transaction.store, name)
        return self._documents[name]

    def _page(self, template: str, path: str, context: dict[str, object]) -> tuple[str, bytes]:
        return path, self._templates.render(template, path, context)
