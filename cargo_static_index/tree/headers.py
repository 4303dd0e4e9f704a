"""What an answer for a file of the tree says beside its bytes: its type, and for how long it may be kept.

For whoever serves the tree or puts it into a store that serves it. What changes is asked for again at every use, so
that nobody builds on an index of yesterday; what lies under a digest of its content, or
under a version, which is one release's for good, never changes.
"""

from collections.abc import Iterator

from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.tree import layout

IMMUTABLE = "public, max-age=31536000, immutable"
"""A year, and no question in between (RFC 9111; RFC 8246)."""
REVALIDATED = "no-cache"
"""Kept, and asked for at every use."""
SHORT = "public, max-age=60, must-revalidate"
"""Pages: a minute, so that a CDN before them carries the load of many readers."""

_TYPES = {
    "crate": "application/gzip",
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "xml": "application/xml",
    "svg": "image/svg+xml",
    "png": "image/png",
    "webp": "image/webp",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "avif": "image/avif",
}
_NAMED = {"feed.xml": "application/atom+xml", "opensearch.xml": "application/opensearchdescription+xml"}
_VERSION = pattern(r"[0-9]+\.[0-9]+\.[0-9]+")
_UNCHANGING = pattern(rf"{layout.CRATES}/[^/]+/(?:[0-9a-f]{{64}}\.(?:crate|json)|[^/]+/download)|assets/.*")


class Headers(Struct, frozen=True, kw_only=True):
    """The headers of one file; none has a `Content-Encoding`, which would have cargo unpack an archive twice."""

    content_type: str
    cache_control: str
    cache_tags: tuple[str, ...] = ()
    """What a cache may be told to let go of: `crate:NAME`, in small letters, and `release:NAME@VERSION`."""


def headers_of(path: str) -> Headers:
    """Give the headers of the file at a path of the tree."""
    return Headers(content_type=_type(path), cache_control=_cache(path), cache_tags=tuple(_tags(path)))


def release_tag(name: str, vers: str) -> str:
    """Give the tag of what belongs to one release."""
    return f"release:{name.lower()}@{vers}"


def _tags(path: str) -> Iterator[str]:
    folder, _, rest = path.partition("/")
    if folder == layout.INDEX and "/" in rest:
        yield f"crate:{rest.rpartition('/')[2]}"
    if folder == layout.CRATES:
        name, _, below = rest.partition("/")
        yield f"crate:{name.lower()}"
        vers, slash, _ = below.partition("/")
        if slash and _VERSION.match(vers):
            yield release_tag(name, vers)


def _type(path: str) -> str:
    name = path.rpartition("/")[2]
    if path.startswith(f"{layout.INDEX}/") and path.count("/") > 1:
        return "text/plain; charset=utf-8"  # an index file, whatever its crate is called
    if layout.addressed_by(path):
        return _TYPES["crate"]
    return _NAMED.get(name) or _TYPES.get(name.rpartition(".")[2], "text/plain; charset=utf-8")


def _cache(path: str) -> str:
    if _UNCHANGING.fullmatch(path):
        return IMMUTABLE
    is_page = not path.startswith(f"{layout.INDEX}/") and path not in {layout.RECORD, "pages.json"}
    return SHORT if is_page else REVALIDATED
