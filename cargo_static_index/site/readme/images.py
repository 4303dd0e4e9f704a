"""Images of a README: which the archive holds itself, and which are badges."""

import re
from collections.abc import Mapping
from hashlib import sha256
from posixpath import basename, dirname, join, normpath
from typing import Final, Literal
from urllib.parse import unquote

from cargo_static_index._pattern import pattern

Images = Literal["all", "no-badges", "local", "none"]
"""Which images READMEs show: all, all but badges, those that the archive holds, or none."""

FETCHED: Final[frozenset[Images]] = frozenset({"all", "no-badges"})
"""With these, images of other hosts are shown."""

HELD: Final = "image-of-the-archive:"
"""Stands before the name of an image that lies in the tree, until it is known from which page it is shown."""

LARGEST: Final = 512 * 1024
"""Bytes of an image that is taken from an archive."""
MOST: Final = 2 * 1024 * 1024
"""Bytes of all images of one release."""

ENDINGS: Final = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".svg")

_NAMED = pattern(rf'(?<="){HELD}([0-9a-f]{{32}}\.[a-z]{{3,4}})|(?<=, ){HELD}([0-9a-f]{{32}}\.[a-z]{{3,4}})')
_STARTS: Final = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpg"), (b"GIF87a", "gif"), (b"GIF89a", "gif"))
_SVG = pattern(
    r"\s*(?:<\?xml[^<>]*\?>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*(?:<!DOCTYPE\s+svg[^<>\[\]]*>\s*)?<svg[\s>]", re.DOTALL
)
# An image runs nothing, but its address can be opened as a page, too: none is taken that could do more than be seen.
_ACTIVE = pattern(
    r"<\s*(?:[\w.-]+:)?(?:script|foreignobject|iframe|embed|object|handler|listener|a|audio|video)[\s/>]|\son\w+\s*=|"
    r"(?:java|vb)script:|<!entity|<\?xml-|xhtml|data:(?!image/(?:png|jpeg|gif|webp))|@import|\bfrom\s*=|\bto\s*=|\bvalues\s*=",
    re.IGNORECASE,
)
_BREAK = pattern(r"[\x00-\x1f]")
_CONTROL = pattern(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")

_BADGE_HOSTS: Final = (
    r"img\.shields\.io|shields\.io|badge\.fury\.io|badgen\.net|flat\.badgen\.net|badges\.gitter\.im|badge\.buildkite\.com|"
    r"(?:api\.)?travis-ci\.(?:org|com)|ci\.appveyor\.com|codecov\.io|coveralls\.io|isitmaintained\.com|deps\.rs|"
    r"meritbadge\.herokuapp\.com|bestpractices\.coreinfrastructure\.org|www\.bestpractices\.dev|app\.fossa\.(?:com|io)|"
    r"api\.codacy\.com|app\.codacy\.com|circleci\.com|dl\.circleci\.com|snyk\.io|www\.repostatus\.org|"
    r"repostatus\.org|readthedocs\.org|dev\.azure\.com|img\.badgesize\.io|build\.status\.im|api\.cirrus-ci\.com|"
    r"api\.securityscorecards\.dev|tokei\.rs|ghloc\.vercel\.app|bencher\.dev|repology\.org"
)
_BADGE_ADDRESS: Final = (
    rf"https://(?:(?:{_BADGE_HOSTS})/[^\"]*|docs\.rs/[^\"]*badge[^\"]*|[a-z0-9.-]+/[^\"]*/(?:badge\.svg|badges/)[^\"]*)"
)
_IMAGE: Final = rf'<img(?: [a-z-]+="[^"]*")*? src="{_BADGE_ADDRESS}"(?: [a-z-]+="[^"]*")*>'
_BADGE = pattern(rf'<a(?: [a-z-]+="[^"]*")*>\s*{_IMAGE}\s*</a>|{_IMAGE}')
_EMPTY = pattern(r"<p(?: [a-z-]+=\"[^\"]*\")*>(?:\s|<br>|&nbsp;)*</p>\n?")


def image_type(content: bytes) -> str | None:
    """Give the ending of an image's type, by what it holds, or None where it is none that pages show."""
    for start, ending in _STARTS:
        if content.startswith(start):
            return ending
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    if content[4:12] in (b"ftypavif", b"ftypavis"):
        return "avif"
    return "svg" if _is_harmless_svg(content) else None


def _is_harmless_svg(content: bytes) -> bool:
    try:
        text = content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        return False
    declared = re.search(r"encoding\s*=\s*[\"']([^\"']*)", text[:200])
    if (declared and declared[1].lower() != "utf-8") or _CONTROL.search(text) or not _SVG.match(text):
        return False
    from html import unescape

    # A browser reads what references in values stand for, and drops line breaks from addresses.
    return not _ACTIVE.search(text) and not _ACTIVE.search(_BREAK.sub("", unescape(text)))


def image_name(content: bytes) -> str | None:
    """Give the name of an image in the tree, by what it holds, or None where it is none that pages show."""
    ending = image_type(content)
    return f"{sha256(content).hexdigest()[:32]}.{ending}" if ending and len(content) <= LARGEST else None


def images_in_question(text: str, files: Mapping[str, int]) -> set[str]:
    """Give the images among a package's files, whose sizes these are, that its README may name; most name none."""
    found: set[str] = set()
    room = MOST
    for path, size in files.items():
        if path.lower().endswith(ENDINGS) and size <= min(room, LARGEST) and _may_name(text, basename(path)):
            found.add(path)
            room -= size
    return found


def _may_name(text: str, name: str) -> bool:
    return name in text or ("%" in text and name in unquote(text))


def path_inside(readme: str, url: str) -> str | None:
    """Give the path of the file in the package that a relative address in its README means; None outside of it."""
    path = normpath(join(dirname(readme), unquote(url.partition("?")[0].partition("#")[0]).lstrip("/")))
    return None if path.startswith("..") else path


def without_badges(html: str) -> str:
    """Take out of cleaned HTML the images of hosts that are known to serve badges, with the links around them."""
    return _EMPTY.sub("", _BADGE.sub("", html))


def names_of_held(html: str) -> set[str]:
    """Give the names of the images of the archive that are shown."""
    return {found[1] or found[2] for found in _NAMED.finditer(html)}


def width_css() -> str:
    """Give the rules for images whose width is given in percent of the column."""
    return "".join(f".w-{percent}{{width:{percent}%}}" for percent in range(1, 101))


def led_to(html: str, way: str) -> str:
    """Lead to the images of the archive, `way` being that from the page to their folder."""
    return html.replace(HELD, way) if HELD in html else html
