"""What of a README's HTML may stand on our pages: the allow list, and where its links and images lead.

A README is written by whoever publishes the crate, and is read by those with access to everything else.
So nothing is let through that runs, loads from elsewhere than an https image, submits, restyles the page, or takes a
name that our own page uses (crates.io: crates/crates_io_markdown has the like list).
"""

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import cache
from hashlib import sha256
from posixpath import dirname
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.site.readme.forges import Repository
from cargo_static_index.site.readme.images import HELD, path_inside

if TYPE_CHECKING:
    import nh3

ID_PREFIX: Final = "user-content-"
"""Before every id that comes from a README, so that none meets an id of the page (DOM clobbering among others)."""

_TAGS: Final = frozenset(
    (
        "a abbr b bdi bdo blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption "
        "figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p picture pre q rp rt ruby s samp section small source "
        "span strong sub summary sup table tbody td tfoot th thead tr u ul var wbr"
    ).split()
)
_ATTRIBUTES: Final = {
    "a": {"href", "id", "title", "aria-label", "class"},
    "abbr": {"title"},
    "bdo": {"dir"},
    "code": {"class"},
    "col": {"span"},
    "colgroup": {"span"},
    "details": {"open"},
    "div": {"align", "class", "id"},
    "img": {"align", "alt", "height", "src", "title", "width"},
    "li": {"class", "id"},
    "ol": {"start"},
    "p": {"align", "class", "id"},
    "section": {"class"},
    "source": {"media", "srcset"},
    "span": {"id"},
    "sup": {"class"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan"},
} | {f"h{level}": {"align", "id"} for level in range(1, 7)}
# Their content is not text for people.
_DROPPED_WHOLE: Final = frozenset({"script", "style", "template", "math", "svg"})
_SCHEMES: Final = frozenset({"http", "https", "mailto", "irc", "ircs", "xmpp", "matrix"})

_CLASSES: Final = {
    "a": frozenset({"footnote-backref"}),
    "div": frozenset(f"markdown-alert{kind}" for kind in ("", "-note", "-tip", "-important", "-warning", "-caution")),
    "li": frozenset({"task"}),
    "p": frozenset({"markdown-alert-title"}),
    "section": frozenset({"footnotes"}),
    "sup": frozenset({"footnote-ref"}),
}
_LANGUAGE_CLASS = pattern(r"language-[^\s\"<>&]{1,60}")
_NOT_IN_AN_ID = pattern(r"[\s\"'<>&]")
_LONGEST_ID: Final = 200
_MOST_CANDIDATES: Final = 100
"""Of one `srcset`; pictures have a few."""
# What these attributes may hold; the first group is what is kept of it.
_VALUES: Final = {
    "align": pattern(r"(?i:left|center|right|top|middle|bottom)"),
    "aria-label": pattern(r"Back to reference [0-9-]{1,12}"),
    "colspan": pattern(r"[1-9][0-9]{0,2}"),
    "dir": pattern(r"(?i:ltr|rtl)"),
    "height": pattern(r"([0-9]{1,4})(?:px)?"),
    "media": pattern(r"\((?:prefers-color-scheme: ?(?:dark|light)|(?:min|max)-width: ?[0-9]{1,4}px)\)"),
    "open": pattern(r"()(?:open)?"),
    "rowspan": pattern(r"[1-9][0-9]{0,2}"),
    "span": pattern(r"[1-9][0-9]{0,2}"),
    "start": pattern(r"[0-9]{1,9}"),
    "width": pattern(r"([0-9]{1,4}(?=\Z|px)|[0-9]{1,3}(?:\.[0-9]{1,3})?%)(?:px)?"),
}
_CANDIDATE = pattern(r"\s*([^\s,]+)(\s+[0-9.]{1,6}[wx])?\s*")

# Of these endings the forge's page is no use; crates.io takes the bytes of the same ones.
_MEDIA_FILE = pattern(r"\.(?:svg|png|jpe?g|gif|mp4|webm|ogg|webp)$")
# Most addresses, told from the others at once.
_PLAIN = pattern(r"http(s)?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#][!-~]*)?")
_SCHEME = pattern(r"[A-Za-z][A-Za-z0-9+.-]*:")
# A browser drops these from inside a URL before it looks for the scheme (URL standard, "basic URL parser").
_INVISIBLE = pattern(r"[\t\n\r]|^[\x00-\x20]+|[\x00-\x20]+$")
_DOT = pattern(r"%2e", re.IGNORECASE)


class LinkBase(Struct, frozen=True, kw_only=True):
    """Where a README's relative links start from: a file of a repository at a commit, or nowhere."""

    repository: Repository | None
    path: str
    """Of the README, in the repository."""
    commit: str | None
    inside: str = ""
    """Of the README, in the package."""
    held: Mapping[str, str] = {}
    """The names in the tree of images that the package has, by their path in it."""

    def resolve(self, url: str, *, image: bool) -> str | None:
        """Give the absolute address that a link or image of the README means, or None where it leads nowhere.

        Relative ones start from the README's folder, those with a slash before them as well, and never leave the
        repository (crates.io: crates/crates_io_markdown, `SanitizeUrl`).
        """
        if (plain := _PLAIN.fullmatch(url)) and (not image or plain[1]):
            return url
        url = _INVISIBLE.sub("", url)
        if _SCHEME.match(url):
            return _absolute(url, image=image)
        if url[:2].replace("\\", "/") == "//":
            return _absolute(f"https:{url}", image=image)
        if image and self.held and (name := self.held.get(path_inside(self.inside, url) or "")):
            return f"{HELD}{name}"
        # rustdoc's paths (`::module`) mean nothing outside of rustdoc.
        if self.repository is None or not url or url.startswith(("::", "?", "#")):
            return None
        return self._in_repository(url, image=image)

    def _in_repository(self, url: str, *, image: bool) -> str | None:
        assert self.repository is not None
        end = _path_end(url)
        path = _normal(f"{dirname(self.path)}/{url[:end]}")
        media = _MEDIA_FILE.search(path.lower())
        raw = image or media is not None
        address = self.repository.file(path, commit=self.commit, raw=raw)
        query = self.repository.style.svg_query
        if media is not None and media[0] == ".svg" and query and end == len(url):
            return f"{address}?{query}"
        return _absolute(address + url[end:], image=image)


def _absolute(url: str, *, image: bool) -> str | None:
    end = _path_end(url)
    # A browser reads a backslash before the query as a slash, and so must whoever asks which host is meant.
    url = url[:end].replace("\\", "/") + url[end:]
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if image:
        return url if parts.scheme == "https" and parts.netloc else None
    if parts.scheme in {"http", "https"} and not parts.netloc:
        return None
    return url if parts.scheme in _SCHEMES else None


def _one_fragment(url: str) -> str:
    """Write a `#` inside a fragment (`https://matrix.to/#/#room`) as URLs may have it there."""
    before, mark, fragment = url.partition("#")
    return before + mark + fragment.replace("#", "%23")


def _path_end(url: str) -> int:
    """Give where the query or fragment begins, or the length where there is none."""
    return min((at for at in (url.find("?"), url.find("#")) if at >= 0), default=len(url))


def _normal(path: str) -> str:
    """Take `.` and `..` out as a browser would, which reads a backslash and `%2e` as a slash and a dot."""
    parts: list[str] = []
    for part in _DOT.sub(".", path.replace("\\", "/")).split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


class Fence:
    """The allow list for one README; after `clean`, `ids` holds the ids that it kept, each once, with their prefix."""

    def __init__(self, place: LinkBase) -> None:
        self.place = place
        self.ids: set[str] = set()
        self._rewritten: dict[str, Callable[[str], str | None]] = {
            "href": self._href,
            "id": self._id,
            "src": self._src,
            "srcset": self._srcset,
        }

    def clean(self, html: str) -> str:
        """Give what may stand on a page: well-formed, in one spelling, with every value in double quotes.

        Each `&`, `<` and `>` of texts and values is written as an entity, and so is `"` in values.
        """
        before = _FENCE.set(self)
        try:
            return _cleaner().clean(html)
        finally:
            _FENCE.reset(before)

    def attribute(self, tag: str, name: str, value: str) -> str | None:
        """Give the value that this attribute may have here, or None where it may not stand."""
        if name == "class":
            return _class(tag, value)
        rewrite = self._rewritten.get(name)
        if rewrite is not None:
            return rewrite(value)
        allowed = _VALUES.get(name)
        if allowed is None:
            return value
        found = allowed.fullmatch(value.strip())
        return (found[1] if found.re.groups else found[0]) if found else None

    def _href(self, value: str) -> str | None:
        value = _INVISIBLE.sub("", value)
        if value.startswith("#"):
            return f"#{value[1:]}"
        address = self.place.resolve(value, image=False)
        return _one_fragment(address) if address and address.count("#") > 1 else address

    def _src(self, value: str) -> str | None:
        return self.place.resolve(value, image=True)

    def _srcset(self, value: str) -> str | None:
        """Resolve each candidate of a `<source>`; one that is not to be loaded takes the whole list with it."""
        resolved = []
        if value.count(",") >= _MOST_CANDIDATES:
            return None
        for candidate in value.split(","):
            found = _CANDIDATE.fullmatch(candidate)
            url = self.place.resolve(found[1], image=True) if found else None
            if found is None or url is None:
                return None
            resolved.append(f"{url}{(found[2] or '').rstrip()}")
        return ", ".join(resolved)

    def _id(self, value: str) -> str | None:
        value = id_of(value)
        if value in self.ids or value == ID_PREFIX:
            return None
        self.ids.add(value)
        return value


_FENCE: ContextVar[Fence] = ContextVar("_FENCE")
"""The allow list of the README that is being cleaned."""


@cache
def _cleaner() -> "nh3.Cleaner":
    """Give what cleans all READMEs: to set one up takes longer than most of them do."""
    import nh3

    return nh3.Cleaner(
        tags=_TAGS,
        clean_content_tags=_DROPPED_WHOLE,
        attributes=_ATTRIBUTES,
        attribute_filter=lambda tag, name, value: _FENCE.get().attribute(tag, name, value),
        url_schemes=_SCHEMES,
        link_rel="nofollow noopener noreferrer",
    )


def id_of(name: str) -> str:
    """Give the id that stands on our page for one of a README: with our prefix, of a bounded length, in one spelling.

    What HTML writes in more than one way is percent-encoded, as comrak does it in the labels of footnotes.
    """
    name = _NOT_IN_AN_ID.sub(lambda found: f"%{ord(found[0]):02X}", name.removeprefix(ID_PREFIX))
    if len(name) > _LONGEST_ID:
        name = f"{name[:_LONGEST_ID]}-{sha256(name.encode()).hexdigest()[:12]}"
    return ID_PREFIX + name


def _class(tag: str, value: str) -> str | None:
    if tag == "code":
        return value if _LANGUAGE_CLASS.fullmatch(value) else None
    may_have = _CLASSES.get(tag, frozenset())  # asked for tags, too, that are then dropped whole
    return " ".join(name for name in value.split() if name in may_have) or None
