"""READMEs and change logs as HTML that is safe on our pages, rendered as crates.io renders them.

comrak turns Markdown into HTML, `sanitize` keeps of it what is allowed, `postprocess` adds anchors and colours. Text
in, HTML out; what repositories and commits are called is the caller's knowledge.
"""

import re
from functools import cache
from html import escape
from posixpath import join, splitext
from typing import TYPE_CHECKING, Final

from cargo_static_index._pattern import pattern
from cargo_static_index.site.readme.forges import find_repository
from cargo_static_index.site.readme.postprocess import postprocess
from cargo_static_index.site.readme.sanitize import Fence, LinkBase
from cargo_static_index.site.readme.text import ReadmeSource, Rendered

if TYPE_CHECKING:
    from comrak import ExtensionOptions, RenderOptions

# The same endings as crates.io, which takes a name without one for Markdown too (crates/crates_io_markdown).
_MARKDOWN: Final = frozenset({"", ".md", ".markdown", ".mdown", ".mdwn", ".mkd", ".mkdn", ".mkdown"})

LONGEST: Final = 192 * 1024
"""Characters of a text that is rendered: comrak takes up to 600 bytes for each. What follows was measured with it."""
_FEW_TAGS: Final = 1000
"""Of so few tags no order costs the parser anything worth a check."""
_MOST_WORK: Final = 2_000_000
"""Tags times depth. An HTML parser looks through all open elements at many tags, and opens formatting elements
that were left open again in each paragraph: `<b a=1><b a=2>…` before many `<p>x` would fill the memory."""
_MOST_TAGS: Final = 100_000
"""Six times those of tokio's CHANGELOG, a long one; a page of more is slow to open."""
_MOST_ENTITIES: Final = 100_000
"""More take the HTML parser seconds: it copies what is before each."""
_MOST_DEFINITIONS: Final = 2000
"""More in one list take comrak seconds: it looks through the list at each."""
_MOST_ADDRESSES: Final = 1000
_MOST_ADDRESS_WORK: Final = 50_000_000
"""`@`s, and the same times the characters. Comrak goes one call deeper for each address that it makes a link of in a
paragraph, and copies the rest of it: 27,000 of them overran the stack, which ends the process."""
_MOST_LINK_WORK: Final = 50_000_000
"""Addresses of a paragraph times its characters: what is left open in it, comrak looks through at each."""
_MOST_CLOSING: Final = 200
"""Closing brackets in one word: at each that ends an address, comrak counts all of them."""
_DEEPEST: Final = 100
"""Quotes and lists that one line begins. Comrak looks through all of them at each line that follows."""

_NESTED = pattern(r"^(?:[ \t]*(?:>|[-+*](?=[ \t])|[0-9]{1,9}[.)](?=[ \t]))){" + str(_DEEPEST + 1) + "}", re.MULTILINE)
_BLANK = pattern(r"\n[ \t\r]*\n")
_WORD = pattern(r"[^ \t\n\r\f\v]+")
_DEFINITION = pattern(r"^ {0,3}: ", re.MULTILINE)
# GFM, "Disallowed Raw HTML". Comrak's own `tagfilter` takes the square of the tags of a block.
_FILTERED = pattern(r"<(?=/?(?:title|textarea|style|xmp|iframe|noembed|noframes|script|plaintext)\b)", re.IGNORECASE)
_TASK = pattern(r'<li>(\n<p>)?<input type="checkbox" (checked="" )?disabled="" />')
# What HTML has another name for now, or forbids where the other is allowed.
_RENAMED = pattern(r"<(/?)(center|tt|strike|acronym)\b|<a\s+name=", re.IGNORECASE)
_NEW_NAMES: Final = {"tt": "code", "strike": "s", "acronym": "abbr"}
_OPEN_OR_CLOSE = pattern(r"<(/?)(?!br|hr|img|input)[a-z]")


def render_readme(source: ReadmeSource) -> Rendered:
    """Render a text; whatever it holds, this gives safe HTML in bounded time."""
    if splitext(source.path)[1].lower() not in _MARKDOWN or len(source.text) > LONGEST:
        return render_plain(source.text)
    html = _to_html(source.text)
    if html is None:
        return render_plain(source.text)
    path = join(source.path_in_vcs, source.path)
    place = LinkBase(
        repository=find_repository(source.repository),
        path=path,
        commit=source.commit,
        inside=source.path,
        held=source.held if source.images != "none" else {},
    )
    fence = Fence(place=place)
    cleaned = fence.clean(_prepared(html))
    finished, headings = postprocess(cleaned, ids=fence.ids, images=source.images, below=source.below)
    return Rendered(html=finished, headings=headings)


def render_plain(text: str) -> Rendered:
    """Give a text as it was written."""
    return Rendered(html=f'<pre class="plain" tabindex="0">\n{escape(text, quote=False)}</pre>\n', plain=True)


def _to_html(source: str) -> str | None:
    """Give comrak's HTML, with raw HTML in it, or as text where it is too much to parse; None where all of it is."""
    html = None if _NESTED.search(source) else _comrak(source, raw=True)
    if html is None or html.count("&") > _MOST_ENTITIES:
        return None
    tags = html.count("<")
    if tags <= _FEW_TAGS:
        return html
    if tags > _MOST_TAGS:
        return None
    own = _comrak(source, raw=False)
    if own is None:
        return None
    # Raw tags may be nested however they like, and hide their ends; comrak's own are well-formed.
    raw = tags - own.count("<")
    depth = _depth(own)
    if (depth + raw) * tags <= _MOST_WORK:
        return html
    return own if depth * own.count("<") <= _MOST_WORK and own.count("&") <= _MOST_ENTITIES else None


def _depth(html: str) -> int:
    """Give how deep the elements of well-formed HTML are nested."""
    depth = deepest = 0
    for closing in _OPEN_OR_CLOSE.findall(html):
        depth += -1 if closing else 1
        deepest = max(deepest, depth)
    return deepest


def _comrak(source: str, *, raw: bool) -> str | None:
    """Render Markdown, or give None where comrak panics: one README stops nobody else's."""
    from comrak import render_markdown

    lists = ": " in source and len(_DEFINITION.findall(source)) <= _MOST_DEFINITIONS
    try:
        return render_markdown(source, _extensions(lists=lists, links=_may_link(source)), None, _rendering(raw=raw))
    except BaseException as error:
        # A panic of Rust code is no Exception, and its class has no name that can be imported.
        if type(error).__name__ != "PanicException":
            raise
        return None


def _may_link(source: str) -> bool:
    """Whether making links of plain addresses costs no more than reading the text."""
    mails = source.count("@")
    if mails > _MOST_ADDRESSES or mails * len(source) > _MOST_ADDRESS_WORK:
        return False
    addresses = _addresses(source)
    if not addresses:
        return True
    if addresses * len(source) > _MOST_LINK_WORK:
        paragraphs = _BLANK.split(source)
        if any(_addresses(paragraph) * len(paragraph) > _MOST_LINK_WORK for paragraph in paragraphs):
            return False
    return source.count(")") <= _MOST_CLOSING or not any(
        word.count(")") > _MOST_CLOSING for word in _WORD.findall(source)
    )


def _addresses(text: str) -> int:
    return text.count("://") + text.count("www.") + text.count("@")


@cache
def _extensions(*, lists: bool, links: bool) -> "ExtensionOptions":
    """Give the extensions that crates.io turns on, but for `tagfilter` and the anchors, which are ours."""
    from comrak import ExtensionOptions

    options = ExtensionOptions()
    options.alerts = True
    options.autolink = links
    options.description_lists = lists
    options.footnotes = True
    options.multiline_block_quotes = True
    options.strikethrough = True
    options.table = True
    options.tasklist = True
    return options


@cache
def _rendering(*, raw: bool) -> "RenderOptions":
    from comrak import RenderOptions

    options = RenderOptions()
    # Raw HTML is let through here and goes through the allow list after it.
    options.unsafe_ = raw
    options.escape = not raw
    return options


def _prepared(html: str) -> str:
    """Say in today's HTML what READMEs say in yesterday's. It goes through the allow list after this."""
    html = _FILTERED.sub("&lt;", html)
    if "<input " in html:
        html = _TASK.sub(_task, html)
    return _RENAMED.sub(_renamed, html)


def _task(found: re.Match[str]) -> str:
    return f'<li class="task">{found[1] or ""}{"☑" if found[2] else "☐"}'


def _renamed(found: re.Match[str]) -> str:
    closing, name = found.groups()
    if name is None:
        return "<a id="
    if name.lower() == "center":
        return "</div" if closing else '<div align="center"'
    return f"<{closing}{_NEW_NAMES[name.lower()]}"
