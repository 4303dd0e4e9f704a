"""The last steps from a cleaned README to what stands on a page: anchors, code in colour, tables that scroll.

The HTML is what `sanitize.Fence.clean` gives, whose one spelling a regular expression reads without doubt.
What is put in is made of our own tags, and of text that is escaped already.
"""

import re
from html import escape, unescape
from typing import Final
from unicodedata import category
from urllib.parse import unquote

from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.site.readme.highlight import highlight, language_of, name_character
from cargo_static_index.site.readme.images import FETCHED, HELD, Images, without_badges
from cargo_static_index.site.readme.sanitize import id_of
from cargo_static_index.site.readme.text import Heading

_TAG = pattern(r'<(/?)(a|h[1-6]|img|pre|table)((?: [a-z-]+="[^"]*")*)>')
_ATTRIBUTE = pattern(r' ([a-z-]+)="([^"]*)"')
_CODE = pattern(r'<pre><code(?: class="language-([^"]*)")?>([^<]*)</code></pre>')
# Attack: code that is copied is other than what is seen (Unicode's UTS 55). Prose may need such characters.
_REORDERING = pattern("[\u202a-\u202e\u2066-\u2069]")
_CODE_AT_ALL = pattern(r"<(code|pre)\b[^>]*>.*?</\1>", re.DOTALL)
_ANY_TAG = pattern(r'<img(?: [a-z-]+="[^"]*")*? alt="([^"]*)"[^>]*>|<[^>]*>')
_PICTURE = pattern(r"</?picture>|<source[^>]*>")
_EMPTY_HEADER = pattern(r"<th( [^>]*)?>\s*</th>")
_SOURCE = pattern(r'<source(?: [a-z-]+="[^"]*")*>')
_HELD_SOURCE = pattern(rf' srcset="{HELD}[^",]*(?:, {HELD}[^",]*)*"')
_ALIGNED = pattern(r'(<[a-z][a-z0-9]*(?: [a-z-]+="[^"]*")*?) align="([A-Za-z]+)"((?: [a-z-]+="[^"]*")*)>')
# What stands before an item of a list; counted, since that takes a hundredth of what searching for others does.
_BEFORE_ITEMS: Final = tuple(f"{tag}{space}<li" for tag in ("<ul>", "<ol>", "</li>") for space in ("\n", ""))
_LISTED = pattern(r"<(/?)(ul|ol|li|td|th|div|p|blockquote|section|dd)\b[^>]*>")
_NOT_IN_A_SLUG = pattern(r"[^a-z0-9_ -]")
_TABLE: Final = '<div class="scroll" role="group" aria-label="Table" tabindex="0">'
# Such images wait until they are scrolled to, and their hosts are not told which page shows them.
_LAZY: Final = ' loading="lazy" referrerpolicy="no-referrer"'
_UNSEEN: Final = '<small class="unseen">{}</small>'
"""What stands for an image in a link or a heading; pages do the same for one that does not come."""
_REL: Final = 'rel="nofollow noopener noreferrer"'

# How much code of one README is coloured, in characters; see highlight.py for what a lexer may cost.
_MOST_CODE: Final = 64 * 1024


class _Opened(Struct):
    """A tag whose end is not reached: its place in the parts, where its content starts, and its attributes."""

    part: int
    content: int
    attributes: dict[str, str]
    in_link: bool = False


class _Walk(Struct):
    """One pass over the tags that matter, from the first to the last."""

    html: str
    ids: set[str]
    images: Images
    below: int
    parts: list[str] = []
    headings: list[Heading] = []
    counts: dict[str, int] = {}
    link: _Opened | None = None
    heading: tuple[str, _Opened] | None = None
    above: list[tuple[int, int]] = []
    """The headings that the next one may be below: the level that each says, and the one that it has."""
    opened_headings: list[str] = []
    inner: list[_Opened] = []
    code_left: int = _MOST_CODE

    def run(self) -> str:
        at = 0
        while found := _TAG.search(self.html, at):
            self.parts.append(self.html[at : found.start()])
            at = self._tag(found)
        self.parts.append(self.html[at:])
        for link in self.inner:
            self.parts[link.part] = _open_a(self._target(link.attributes))
        return "".join(self.parts)

    def _tag(self, found: re.Match[str]) -> int:
        """Put this tag's successor among the parts and give where to go on."""
        closing, tag, _ = found.groups()
        if tag == "pre" and not closing:
            return self._pre(found)
        if tag == "a":
            self._close_a() if closing else self._open_a(found)
        elif tag == "img":
            self.parts.append(self._image(_attributes(found[3])))
        elif tag == "table":
            self.parts.append("</table></div>" if closing else f"{_TABLE}<table>")
        elif tag[0] == "h":
            self._close_heading(found) if closing else self._open_heading(found)
        else:
            self.parts.append(found[0])
        return found.end()

    def _pre(self, found: re.Match[str]) -> int:
        code = _CODE.match(self.html, found.start())
        # A wide block scrolls, and who has no mouse scrolls what has the focus (WCAG 2.1.1).
        if code is None:
            self.parts.append('<pre tabindex="0">')
            return found.end()
        info, text = code.groups()
        language = f' class="language-{info}"' if info else ""
        self.parts.append(f'<pre tabindex="0"><code{language}>{self._coloured(info, text)}</code></pre>')
        return code.end()

    def _coloured(self, info: str | None, text: str) -> str:
        language = language_of(unescape(info)) if info else None
        if language is None or len(text) > self.code_left:
            return text
        self.code_left -= len(text)
        return highlight(unescape(text), language) or text

    def _open_a(self, found: re.Match[str]) -> None:
        self.link = _Opened(len(self.parts), found.end(), _attributes(found[3]))
        if self.link.attributes.get("href", "").startswith("#"):
            self.inner.append(self.link)
        self.parts.append(_open_a(self.link.attributes))

    def _close_a(self) -> None:
        if self.link is not None and not "".join(self.parts[self.link.part + 1 :]).strip():
            # Nothing to click on and nothing to read out: only its id is of use.
            self.link.attributes.pop("href", None)
            self.parts[self.link.part] = _open_a(self.link.attributes)
        self.link = None
        self.parts.append("</a>")

    def _target(self, attributes: dict[str, str]) -> dict[str, str]:
        """Lead an in-page link to an id that is there, as forges do whatever its case, or nowhere."""
        href = unescape(attributes.get("href", ""))[1:]
        for name in (href, unquote(href), unquote(href).lower()):
            if (found := id_of(name)) in self.ids:
                return attributes | {"href": f"#{found}"}
        return {name: value for name, value in attributes.items() if name != "href"}

    def _image(self, attributes: dict[str, str]) -> str:
        source = attributes.get("src", "")
        if source and self._is_shown(source):
            # Without a description an image is an ornament, but for the one that a link may consist of.
            attributes["alt"] = attributes.get("alt") or (_file_name(source) if self.link is not None else "")
            if attributes.get("width", "").endswith("%"):
                # HTML allows whole pixels only, and the page's policy no style.
                width = f"w-{min(max(round(float(attributes.pop('width')[:-1])), 1), 100)}"
                attributes["class"] = f"{attributes['class']} {width}" if "class" in attributes else width
            return f"<img{_format(attributes)}{_LAZY}>"
        text = attributes.get("alt") or (_file_name(source) if source else "")
        if self.link is None and source:
            return f'<a href="{source}" {_REL}>{_UNSEEN.format(text or "image")}</a>'
        return _UNSEEN.format(text) if text and (self.link is not None or self.opened_headings) else text

    def _is_shown(self, source: str) -> bool:
        return self.images in FETCHED or (self.images == "local" and source.startswith(HELD))

    def _open_heading(self, found: re.Match[str]) -> None:
        opened = _Opened(len(self.parts), found.end(), _attributes(found[3]), in_link=self.link is not None)
        tag = f"h{self._level(int(found[2][1]))}"
        self.opened_headings.append(tag)
        if self.heading is None:
            self.heading = (tag, opened)
        self.parts.append(f"<{tag}{found[3]}>")

    def _close_heading(self, found: re.Match[str]) -> None:
        tag = self.opened_headings.pop()
        if self.heading is not None and not self.opened_headings:
            _, opened = self.heading
            self.heading = None
            text = " ".join(unescape(_ANY_TAG.sub(r"\1", self.html[opened.content : found.start()])).split())
            if text:
                self._anchor(tag, opened, text)
        self.parts.append(f"</{tag}>")

    def _level(self, said: int) -> int:
        """Give the level of a heading, so that none is left out: who listens to a page goes by them (WCAG 1.3.1)."""
        while self.above and self.above[-1][0] >= said:
            self.above.pop()
        level = min((self.above[-1][1] if self.above else self.below) + 1, 6)
        self.above.append((said, level))
        return level

    def _anchor(self, tag: str, opened: _Opened, text: str) -> None:
        name = opened.attributes.get("id") or self._new_id(text)
        self.headings.append(Heading(int(tag[1]), unescape(name), text))
        self.parts[opened.part] = f"<{tag}{_format(opened.attributes | {'id': name})}>"
        if not opened.in_link and self.link is None:
            label = escape(f"Link to “{text}”")
            self.parts.append(f'<a class="anchor" href="#{name}" aria-label="{label}"></a>')

    def _new_id(self, text: str) -> str:
        slug = id_of(slug_of(text))
        name = slug
        while name in self.ids:
            self.counts[slug] = self.counts.get(slug, 0) + 1
            name = f"{slug}-{self.counts[slug]}"
        self.ids.add(name)
        return name


def postprocess(html: str, *, ids: set[str], images: Images, below: int = 1) -> tuple[str, tuple[Heading, ...]]:
    """Make a cleaned README ready for a page, and give its headings in their order.

    `ids` are those that are in the HTML. Each image that is not shown becomes a link with its description as the text.
    `below` is the level of the page's own heading that it is to stand below.
    """
    if not html.isascii() and _REORDERING.search(html):
        html = _CODE_AT_ALL.sub(lambda found: _REORDERING.sub(name_character, found[0]), html)
    if ' align="' in html:
        html = _ALIGNED.sub(_aligned, html)
    if "<th" in html:
        html = _EMPTY_HEADER.sub(r"<td\1></td>", html)  # what says nothing heads nothing
    if images == "no-badges":
        html = without_badges(html)
    elif images == "local":
        before, *pictures = html.split("<picture>")
        html = before + "".join(map(_held_picture, pictures))
    elif images not in FETCHED:
        html = _PICTURE.sub("", html)
    if html.count("<li") > sum(map(html.count, _BEFORE_ITEMS)):
        html = _gathered(html)
    walk = _Walk(html, ids, images, below)
    return walk.run(), tuple(walk.headings)


def slug_of(text: str) -> str:
    """Give the name of a heading's anchor as GitHub and comrak form it, so that links written for those work here."""
    text = text.lower()
    if text.isascii():
        return _NOT_IN_A_SLUG.sub("", text).replace(" ", "-")
    kept = (char for char in text if char in "-_ " or char.isalnum() or category(char)[0] in "MN")
    return "".join(kept).replace(" ", "-")


def _held_picture(text: str) -> str:
    inside, closing, rest = text.partition("</picture>")
    rest = rest.replace("</picture>", "")
    if closing and inside.count("<img") == inside.count(f' src="{HELD}') == 1:
        return f"<picture>{_SOURCE.sub(_if_held, inside)}</picture>{rest}"
    return _SOURCE.sub("", inside) + rest


def _if_held(source: re.Match[str]) -> str:
    return source[0] if _HELD_SOURCE.search(source[0]) else ""


def _gathered(html: str) -> str:
    """Put a list around items that stand in none, as browsers show them."""
    parts: list[str] = []
    inside: list[str] = []
    at = 0
    for found in _LISTED.finditer(html):
        closing, tag = found.groups()
        between = html[at : found.start()]
        at = found.end()
        begins = tag == "li" and not closing
        if inside[-1:] == ["loose"] and (between.strip() or not begins):
            inside.pop()
            parts.append("</ul>")
        parts.append(between)
        if closing:
            del inside[-1:]
        elif begins and inside[-1:] not in (["ul"], ["ol"], ["loose"]):
            inside += ["loose", tag]
            parts.append("<ul>")
        else:
            inside.append(tag)
        parts.append(found[0])
    return "".join([*parts, "</ul>" if inside[-1:] == ["loose"] else "", html[at:]])


def _aligned(found: re.Match[str]) -> str:
    """Say with a class what `align` said, which is not HTML any more."""
    before, where, after = found.groups()
    where = where.lower()
    if where == "middle" and not before.startswith("<img"):
        where = "center"  # of a text it means that (HTML standard, "Rendering")
    own = "" if ' class="' in found[0] else f' class="align-{where}"'
    return f"{before}{own}{after}>"


def _attributes(text: str) -> dict[str, str]:
    return dict(_ATTRIBUTE.findall(text))


def _format(attributes: dict[str, str]) -> str:
    return "".join([f' {name}="{value}"' for name, value in attributes.items()])


def _open_a(attributes: dict[str, str]) -> str:
    """Form the tag; `rel` says something of where a link leads, and so it needs one that leads elsewhere."""
    leads_out = not attributes.get("href", "#").startswith("#")
    return f"<a{_format({name: value for name, value in attributes.items() if name != 'rel' or leads_out})}>"


def _file_name(source: str) -> str:
    return source.partition("?")[0].rstrip("/").rpartition("/")[2]
