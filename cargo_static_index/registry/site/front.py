"""The pages of the registry as a whole: front page, feeds, search, what was refused, and what only machines read."""

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from msgspec.structs import replace

from cargo_static_index.registry.site.lists import ListWriter
from cargo_static_index.registry.site.news import News
from cargo_static_index.registry.site.output import Output
from cargo_static_index.registry.site.refused import RefusedFiles
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.crate_document import format_page_document, version_key
from cargo_static_index.site.front import FrontDocument, Update, blocks_of
from cargo_static_index.site.lists import NAMES, in_order_of_names, list_view, sitemap_parts, sitemap_path
from cargo_static_index.site.rows import ADVISORIES
from cargo_static_index.site.seal import digest_of, made_of
from cargo_static_index.site.theme import SiteInfo
from cargo_static_index.store import Delete, Put
from cargo_static_index.store.pauses import attempts
from cargo_static_index.tree import layout
from cargo_static_index.tree.read import replaced

if TYPE_CHECKING:  # loaded with the first page that is made
    from cargo_static_index.site.templates import Templates

SHOWN = 8
"""Crates that the front page names as new, and as updated."""

FEED_ENTRIES = 50
LOOKED_AT = 50
"""Crates that the front page looks at, those of which something was published last."""

REFUSED_SHOWN = 1000
"""Refused files that their page shows; more are counted."""


class FrontPages:
    """Writes these pages where they change."""

    def __init__(self, transaction: Transaction, output: Output, templates: "Templates", site: SiteInfo) -> None:
        self._transaction = transaction
        self._output = output
        self._templates = templates
        self._site = site

    def refused(self, files: RefusedFiles) -> bytes:
        """Give the page of refused files."""
        shown, more = files.first(REFUSED_SHOWN)
        return self._templates.render("refused.html", addresses.REFUSED, {"files": shown, "more": more})

    def write(self, lists: ListWriter, news: News, *, all_of_them: bool = True) -> dict[str, str]:
        """Write all of them but that of refused files, or only those that tell of what is published.

        Gives the digests of all but sitemaps, by path.
        """
        pages = [*self._telling(news), *(self._lasting() if all_of_them else ())]
        if all_of_them:
            self._output.put(pages)
        else:  # what tells of a change nearly always differs: it need not be looked at first
            self._output.apply(Put(path=path, content=content) for path, content in pages)
        if self._transaction.state.site.sitemap_stale or (
            all_of_them and self._transaction.store.read(addresses.SITEMAP) is None
        ):
            self._write_sitemap(lists, all_of_it=all_of_them)
            self._transaction.state.site = replace(self._transaction.state.site, sitemap_stale=False)
        return {path: digest_of(content) for path, content in pages}

    def write_advisories(self, lists: ListWriter) -> None:
        """Write the feed of the advisories that affect a version here, the newest first, or take it away."""
        nodes = list(lists.nodes_of(ADVISORIES))
        rows = [row for node in nodes for row in list_view(node).rows]
        rows.sort(key=lambda row: (row.date, row.id, row.name), reverse=True)
        if self._site.advisories:
            context: dict[str, object] = {"advisories": rows[:FEED_ENTRIES]}
            source = made_of(sorted(bytes(row) for node in nodes for row in node.rows.values()))
            self._output.put([self._page("advisories.xml", addresses.ADVISORIES_FEED, context, source)])
        elif self._transaction.store.size(addresses.ADVISORIES_FEED) is not None:
            self._output.apply([Delete(path=addresses.ADVISORIES_FEED)])
        self._transaction.state.site = replace(self._transaction.state.site, advisories_stale=False)

    def _write_sitemap(self, lists: ListWriter, *, all_of_it: bool) -> None:
        """Write the sitemap that names the parts: from the lists, or from what it was and what came and went."""
        for _ in attempts(f"{addresses.SITEMAP} is"):
            stored = self._transaction.store.read(addresses.SITEMAP)
            if all_of_it or stored is None or not lists.parts:
                parts = [sitemap_path(node.prefix) for node in lists.nodes_of(NAMES) if node.rows]
            else:
                gone = {path for path, some in lists.parts.items() if not some}
                new = {path for path, some in lists.parts.items() if some}
                parts = in_order_of_names({*sitemap_parts(stored.content), *new} - gone)
            path, content = self._page("sitemap.xml", addresses.SITEMAP, {"parts": parts}, made_of(parts))
            if not self._output.apply(replaced(path, content, stored)):
                return

    def _telling(self, news: News) -> Iterator[tuple[str, bytes]]:
        """Make the pages that tell of what is published."""
        updated, new, together = _updated_and_new(news)
        document = FrontDocument(
            title=self._site.title,
            description=self._site.description,
            index=f"{layout.INDEX}/",
            crates=news.record.crates,
            releases=news.record.releases,
            updated=updated,
            new=new,
            together=together,
        )
        yield addresses.DOCUMENT, format_page_document(document)
        context = {"front": document, "blocks": blocks_of(self._site)}
        yield self._page("index.html", addresses.FRONT, context)
        yield self._page("feed.xml", addresses.FEED, {"updates": list(_releases(news))})

    def _lasting(self) -> Iterator[tuple[str, bytes]]:
        """Make the pages that differ only where all pages do."""
        yield self._page("about-index.html", addresses.ABOUT_INDEX, {})
        yield self._page("search.html", addresses.SEARCH_PAGE, {})
        yield self._page("404.html", addresses.NOT_FOUND, {})
        yield self._page("opensearch.xml", addresses.OPENSEARCH, {})

    def _page(self, template: str, path: str, context: dict[str, object], source: bytes = b"") -> tuple[str, bytes]:
        return path, self._templates.render(template, path, context, source)


def _updated_and_new(news: News) -> tuple[tuple[Update, ...], tuple[Update, ...], str]:
    """Give updated and new crates, the last first, each once, and the time from which on there are too many to name.

    Of those that came at one time either all are named or none: which of thousands are would be for the alphabet to
    say. No more is looked at than that takes.
    """
    updated: dict[str, Update] = {}
    new: dict[str, Update] = {}
    looked_at = list(news.crates(LOOKED_AT))
    for pubtime, group in groupby(looked_at, key=lambda row: row[1]):
        names = [name for name, _ in group]
        if len(names) > SHOWN:
            return tuple(updated.values()), tuple(new.values()), pubtime
        if (len(looked_at) == LOOKED_AT and pubtime == looked_at[-1][1]) or min(len(updated), len(new)) >= SHOWN:
            break
        found = [_update(news, name, vers, pubtime) for name in names if (vers := news.highest(name, pubtime))]
        for kind, is_new in ((new, True), (updated, False)):
            some = {update.name: update for update in found if (pubtime == news.about(update.name).created) is is_new}
            if len(kind | some) <= SHOWN:
                kind.update((name, update) for name, update in some.items() if name not in kind)
    return tuple(updated.values()), tuple(new.values()), ""


def _releases(news: News) -> Iterator[Update]:
    """Give the releases published last; of what came together, a crate's highest version first."""
    for (pubtime, name), rows in groupby(news.releases(FEED_ENTRIES), key=lambda row: (row[2], row[0])):
        for vers in sorted((vers for _, vers, _ in rows), key=version_key, reverse=True):
            yield _update(news, name, vers, pubtime)


def _update(news: News, name: str, vers: str, pubtime: str) -> Update:
    return Update(name=name, vers=vers, pubtime=pubtime, description=news.about(name).description)
