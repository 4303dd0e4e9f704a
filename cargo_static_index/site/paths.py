"""Where every page lies, and how pages name each other: relative, naming `index.html`, so that a disk serves too."""

from hashlib import sha256
from urllib.parse import quote

from cargo_static_index._pattern import pattern

_UNSAFE = pattern(r"[^a-z0-9-]")
_PLAIN = pattern(r"[A-Za-z0-9_.~/-]*")

NAME_BYTES = 240
"""Of a file name that pages make, without its ending: file systems hold 255 (`NAME_MAX`)."""

FRONT = "index.html"
DOCUMENT = "index.json"
ABOUT_INDEX = "index/index.html"
SEARCH_PAGE = "search.html"
REFUSED = "refused.html"
NOT_FOUND = "404.html"
FEED = "feed.xml"
SITEMAP = "sitemap.xml"
OPENSEARCH = "opensearch.xml"
STATE = "pages.json"
RECENT = "recent.json"
ADVISORIES_FEED = "advisories.xml"


def safe(text: str) -> str:
    """Give any text as a file name of at most `NAME_BYTES`: other texts never give the same, without case too.

    What would be longer is cut, and a digest takes the place of the rest; no name that is not cut has a `~` in it.
    """
    written = _UNSAFE.sub(lambda found: f"_{ord(found[0]):x}_", text)
    if len(written) <= NAME_BYTES:
        return written
    digest = sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
    return f"{written[: NAME_BYTES - 33]}~{digest}"


def href(path: str) -> str:
    """Give a path of the tree as an address names it; `+` is written so that no server takes it for a blank."""
    return path if _PLAIN.fullmatch(path) else quote(path, safe="/~")


def up(path: str) -> str:
    """Give what leads from the page at `path` to the root: `../` for every folder."""
    return "../" * path.count("/")


def relative(page: str, target: str) -> str:
    """Give the address by which the page at one path names what lies at another."""
    return up(page) + href(target)


def crate_page(name: str) -> str:
    """Give the page of a crate."""
    return f"crates/{name}/index.html"


def crate_document(name: str) -> str:
    """Give the JSON document of a crate."""
    return f"crates/{name}/index.json"


def crate_row(name: str) -> str:
    """Give the script that says what is shown of a crate where a search finds it."""
    return f"crates/{name}/row.js"


def crate_feed(name: str) -> str:
    """Give the Atom feed of a crate."""
    return f"crates/{name}/feed.xml"


def version_folder(name: str, vers: str) -> str:
    """Give the folder of what pages have of a release by itself."""
    return f"crates/{name}/{vers}"


def version_page(name: str, vers: str) -> str:
    """Give the page of a release."""
    return f"{version_folder(name, vers)}/index.html"


def versions_page(name: str, group: str = "") -> str:
    """Give the page that lists a crate's versions, or one group of them."""
    return f"crates/{name}/versions/{group or 'index'}.html"


def node_path(list_name: str, prefix: str) -> str:
    """Give the path of one part of a list, without ending. `list_name` is the list's id, `prefix` "" for its root."""
    kind, _, name = list_name.partition("/")
    part = f"/{safe(prefix)}" if prefix else ""
    if kind == "dependents":
        return f"crates/{name}/dependents{part}"
    if kind == "search":
        return f"search/{name}{part}"
    if kind == "sets":
        return f"browse/{name}{part}"
    return f"browse/{kind}/{safe(name)}{part}" if name else f"browse/{kind}{part}"
