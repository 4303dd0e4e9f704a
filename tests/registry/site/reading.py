"""How tests read pages: as the text that people see, and as links that must lead somewhere."""

import posixpath
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

_BLOCKS = frozenset(
    [
        *("article", "aside", "blockquote", "dd", "details", "div", "dl", "dt", "footer", "form", "h1", "h2", "h3"),
        *("h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "summary", "table"),
        *("tbody", "td", "th", "thead", "title", "tr", "ul", "button"),
    ]
)
_VOID = frozenset(["br", "hr", "img", "input", "link", "meta", "wbr"])
_SILENT = frozenset(["script", "style", "noscript"])

OUTWARD = frozenset(["https", "http", "mailto", "irc", "ircs", "xmpp", "matrix"])
"""Schemes of addresses that lead to somebody else."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = [""]
        self.links: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.lines.append("")
        for name, value in attrs:
            if name in {"href", "src", "action"} and value:
                self.links.append(value)
            if name == "id" and value:
                self.ids.append(value)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass
        if tag in _BLOCKS:
            self.lines.append("")

    def handle_data(self, data: str) -> None:
        if not _SILENT & set(self.open):
            self.lines[-1] += data


def _read(page: bytes) -> _Reader:
    reader = _Reader()
    reader.feed(page.decode())
    return reader


def text_of(page: bytes) -> str:
    """Give what a page says between its head and its foot, a block a line."""
    html = page.decode()
    main = html[html.index("<main") : html.index("</main>")]
    lines = (" ".join(line.split()) for line in _read(main.encode()).lines)
    return "\n".join(line for line in lines if line) + "\n"


def links_of(page: bytes) -> list[str]:
    """Give all addresses that a page names."""
    return _read(page).links


def dead_links(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """Give the pages and their addresses that lead to no file of the tree, or to no place on the page they lead to.

    Addresses must be relative, but for those that lead to other hosts and for 404.html, which may be served anywhere.
    """
    places = {path: (path, links, ids) for path, links, ids in map(_places, _pages(files))}
    for path, links, _ in places.values():
        for link in links:
            if not _leads(path, link, files, places):
                yield path, link


def _pages(files: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    return ((path, content) for path, content in files.items() if path.endswith(".html") and path != "404.html")


Places = tuple[str, list[str], frozenset[str]]
"""A page's path, the addresses that it names, and its ids."""


def _places(page: tuple[str, bytes]) -> Places:
    path, content = page
    reader = _read(content)
    return path, list(dict.fromkeys(reader.links)), frozenset(reader.ids)


def _leads(path: str, link: str, files: Mapping[str, bytes], places: Mapping[str, Places]) -> bool:
    url = urlsplit(link)
    if url.scheme in OUTWARD:
        return True
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(url.path))) if url.path else path
    if url.scheme or url.netloc or target not in files or url.path.startswith("/"):
        return False
    return not url.fragment or target not in places or unquote(url.fragment) in places[target][2]
