"""The pages of lists: what a list is called, where the files of its nodes lie, and what the page of a node shows."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.protocol.semver import parse_requirement
from cargo_static_index.protocol.spdx import license_name
from cargo_static_index.site import paths as addresses
from cargo_static_index.site import search_rows
from cargo_static_index.site.crate_document import version_key
from cargo_static_index.site.radix import END, Node, format_node, parse_node
from cargo_static_index.site.rows import (
    ADVISORIES,
    AdvisoryRow,
    CrateRow,
    DependentRow,
    ReleaseRow,
    RequirementRow,
    SetRow,
    encode_row,
)
from cargo_static_index.site.seal import made_of
from cargo_static_index.site.theme import SINGULAR, month_name
from cargo_static_index.tree.documents import Tombstone

if TYPE_CHECKING:  # loaded with the first page that is made
    from cargo_static_index.site.templates import Templates

NAMES = "names"
SETS: Mapping[str, str] = {
    "keyword": "sets/keywords",
    "category": "sets/categories",
    "license": "sets/licenses",
    "month": "sets/months",
}
"""The list that names each list of a kind."""

ALWAYS = (NAMES, search_rows.SEARCH_NAMES, search_rows.SEARCH_WORDS, *SETS.values())
"""Lists that are there even while they are empty."""

_PART = pattern(rb"(sitemap/[^/<]+[.]xml)</loc>")
_ESCAPED = pattern(r"_([0-9a-f]+)_")

NAMES_AT_ONCE = 1500
"""Names that a page shows together although its list is cut: some forty small files for a browser to read."""

_TITLES = {
    "names": "All crates",
    "keywords": "Keywords",
    "categories": "Categories",
    "licenses": "Licenses",
    "months": "Releases by month",
    ADVISORIES: "Advisories",
}
_ROWS: Mapping[str, type[Struct]] = {
    "names": CrateRow,
    "keyword": CrateRow,
    "category": CrateRow,
    "license": CrateRow,
    "month": ReleaseRow,
    "sets": SetRow,
    "dependents": DependentRow,
    ADVISORIES: AdvisoryRow,
}


class ChildView(Struct, frozen=True, kw_only=True):
    """A node below the one that is shown: `label` is what its names begin with."""

    label: str
    page: str
    total: int


class ListView(Struct, frozen=True, kw_only=True):
    """What the page of a node shows. `kind` says what the rows are; `begins` is what all of its names begin with."""

    kind: str
    title: str
    name: str
    begins: str
    total: int
    rows: tuple[Any, ...]
    children: tuple[ChildView, ...]
    whole: str
    """The way to the whole list's page."""
    document: str
    newest: str
    """Of a crate whose dependents are listed: its newest version, empty while it is not held."""
    at_once: str
    """Where the names of the parts lead, where they are few enough to be shown together by a script, or nothing."""


DEPENDENTS = "dependents/"


def dependents_list(crate: str) -> str:
    """Give the list of those that depend on a crate."""
    return DEPENDENTS + crate


def is_script(name: str) -> bool:
    """Whether a list is for the search in the browser: scripts, so that they can be read from a disk too."""
    return name.startswith("search/")


def record_path(name: str, prefix: str) -> str:
    """Give the path of a node's record: what the next change of the list reads."""
    return search_rows.part_path(name, prefix) if is_script(name) else addresses.node_path(name, prefix) + ".json"


def format_record(node: Node) -> bytes:
    """Give a record's bytes."""
    content = format_node(node)
    return search_rows.as_script(content) if is_script(node.list) else content


def parse_record(name: str, content: bytes) -> Node:
    """Read a record, or raise InvalidDocument."""
    return search_rows.parse_part(content) if is_script(name) else parse_node(content)


def read_node(path: str, kind: str, content: bytes) -> Node | None:
    """Read the record at a path, or give None for what cannot be read or belongs elsewhere."""
    try:
        node = parse_record(kind, content)
    except InvalidDocument:
        return None
    return node if record_path(node.list, node.prefix) == path else None


def list_of_path(path: str) -> str | None:
    """Give the list that a record may belong to by its path, as far as its kind is concerned; None for other files."""
    folder, _, rest = path.partition("/")
    if folder == "search":
        return "search/"
    if folder == "browse" and path.endswith(".json"):
        return "browse/"
    below = rest.partition("/")[2]
    if folder == "crates" and path.endswith(".json") and below.startswith(("dependents.", "dependents/")):
        return "dependents/"
    return None


def list_view(node: Node) -> ListView:
    """Give what the page of a node shows."""
    kind, _, name = node.list.partition("/")
    path = addresses.node_path(node.list, node.prefix)
    page = path + ".html"
    whole = addresses.node_path(node.list, "") + ".html" if node.prefix else page
    decode = _decoder(kind)
    return ListView(
        kind=kind,
        title=title_of(node.list),
        name=name,
        begins=node.prefix.rstrip(END),
        total=node.total,
        rows=tuple(map(decode, node.rows.values())),
        children=tuple(
            ChildView(
                label=prefix.rstrip(END),
                page=addresses.relative(page, addresses.node_path(node.list, prefix) + ".html"),
                total=total,
            )
            for prefix, total in node.children.items()
        ),
        whole=addresses.relative(page, whole),
        document=addresses.relative(page, path + ".json"),
        newest=node.about.get("newest", ""),
        at_once=_leading(kind, name) if node.children and node.total <= NAMES_AT_ONCE else "",
    )


@cache
def _decoder(kind: str) -> Callable[[Any], Any]:
    return msgspec.json.Decoder(_ROWS[kind]).decode


def _leading(kind: str, name: str) -> str:
    """Give the folder of the pages of what a list names: crates, keywords or categories; nothing for other lists."""
    if kind == "sets" and name in {"keywords", "categories"}:
        return f"browse/{SINGULAR[name]}/"
    return "crates/" if _ROWS[kind] is CrateRow else ""


def title_of(name: str) -> str:
    """Give the heading of a list."""
    kind, _, rest = name.partition("/")
    if kind in {"sets", NAMES, ADVISORIES}:
        return _TITLES[rest or kind]
    if kind == "month":
        return month_name(rest)
    if kind == "license":
        return f"License {license_name(rest)}"
    return f"Keyword “{rest}”" if kind == "keyword" else rest


def files_of_node(node: Node, templates: "Templates") -> dict[str, bytes | None]:
    """Give all files that a node may have, by path, as `pages_of` does; None for those that it has not."""
    path = record_path(node.list, node.prefix)
    files: dict[str, bytes | None] = {path: format_record(node)}
    if is_script(node.list):
        return files
    page = path.removesuffix(".json") + ".html"
    view = list_view(node)
    template = "dependents.html" if node.list.startswith(DEPENDENTS) else "list.html"
    sources = sources_of_node(node)
    files[page] = templates.render(template, page, {"list": view}, sources[page])
    if node.list == NAMES:
        sitemap = sitemap_path(node.prefix)
        names = {"names": [row.name for row in view.rows]}
        source = sources.get(sitemap)
        files[sitemap] = templates.render("sitemap-part.xml", sitemap, names, source) if source else None
    return files


def sources_of_node(node: Node) -> dict[str, bytes]:
    """Give what the pages of a node are made of (`site.seal`), by path."""
    if is_script(node.list):
        return {}
    shown = node if node.total else replace(node, about={})  # an empty list says nothing of the crate
    sources = {addresses.node_path(node.list, node.prefix) + ".html": made_of(format_record(shown))}
    if node.list == NAMES and node.rows:
        sources[sitemap_path(node.prefix)] = made_of(list(node.rows))
    return sources


def source_of_placeholder(root: Node, stones: Iterable[Tombstone]) -> bytes:
    """Give what the page of a crate that is not held is made of: the list of its dependents, and what was removed."""
    return made_of((format_record(root), [stone.plain for stone in stones]))


def sitemap_parts(content: bytes) -> list[str]:
    """Give the paths of the sitemaps that the sitemap of all names, as `sitemap.xml` made it."""
    return [unquote(found[1].decode()) for found in _PART.finditer(content)]


def in_order_of_names(parts: Iterable[str]) -> list[str]:
    """Sort the paths of sitemaps as the names that they hold are sorted."""
    return sorted(parts, key=lambda path: _ESCAPED.sub(lambda found: chr(int(found[1], 16)), path))


def sitemap_path(prefix: str) -> str:
    """Give the path of the sitemap of one node of the names."""
    return f"sitemap/{addresses.safe(prefix) or 'all'}.xml"


def pages_of(name: str, prefix: str) -> tuple[str, ...]:
    """Give the paths of all files that a node may have."""
    paths = [record_path(name, prefix)]
    if not is_script(name):
        paths.append(addresses.node_path(name, prefix) + ".html")
    if name == NAMES:
        paths.append(sitemap_path(prefix))
    return tuple(paths)


def with_satisfied(row: bytes, newest: str) -> bytes:
    """Say in a dependent's row which of its requirements the newest version satisfies."""
    dependent = msgspec.json.decode(row, type=DependentRow)
    needs = tuple(replace(need, satisfied=_satisfies(need, newest)) for need in dependent.needs)
    return encode_row(replace(dependent, needs=needs))


def _satisfies(need: RequirementRow, newest: str) -> bool | None:
    return parse_requirement(need.req).matches(version_key(newest)) if newest else None
