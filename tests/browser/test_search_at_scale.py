"""What a search loads where there are as many crates as crates.io had in 2024."""

import random
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import accumulate, islice, product
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from msgspec import UNSET
from playwright.sync_api import Browser, Page, Route

from cargo_static_index.registry.search import TreeSearch
from cargo_static_index.site.crate_document import CrateDocument, ReleaseSummary
from cargo_static_index.site.lists import format_record, record_path
from cargo_static_index.site.radix import Node, merge
from cargo_static_index.site.search import ranked
from cargo_static_index.site.search_rows import search_rows
from cargo_static_index.site.words import stem
from cargo_static_index.store import Put
from cargo_static_index.store.memory import MemoryStore
from tests.registry.site.registries import OPTIONS
from tests.servers import Nginx
from tests.world import World

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CRATES = 150_000
MOST = 100_000
"""Bytes that one search may load."""

QUERIES = {
    "serde": "serde",
    "s": "",
    "se": "se",
    "tokio_util": "tokio-util",
    "erde": "",
    "parser": "parser",
    "async server": "async-server",
    "a fast parser": "",
    "http": "http",
    "tokio serde http": "",
    "serde-tokio-parser-http": "",
    "szzq": "",
}
"""What is searched for, and what must then stand first; nothing where it makes no difference."""


COMMON = (
    *("serde", "tokio", "async", "parser", "json", "http", "client", "server", "macro", "derive", "rust", "web"),
    *("sys", "api", "core", "util", "utils", "cli", "tool", "wasm", "crypto", "hash", "test", "build", "config", "log"),
    *("data", "stream", "error", "fast", "simple", "types", "bindings", "embedded", "hal", "driver", "game", "engine"),
)


def words(chance: random.Random) -> Callable[[int], list[str]]:
    """Give what gives so many words as names and descriptions have them: the common ones, or any."""
    syllables = ["".join(pair) for pair in product("bcdfghklmnprstvz", "aeiou")]
    rare = ["".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(100_000)]
    often = [1 / (1 + at) for at in range(len(COMMON))]
    weights = list(accumulate([*often, *([sum(often) / len(rare)] * len(rare))]))
    known = [*COMMON, *rare]
    return lambda number: chance.choices(known, cum_weights=weights, k=number)


def names(chance: random.Random, some: Callable[[int], list[str]]) -> Iterator[str]:
    """Give names of up to three words, some with a number behind them."""
    yield from filter(None, QUERIES.values())
    for number in range(CRATES * 2):
        yield "-".join(some(chance.randint(1, 3))) + chance.choice(("", "", str(number)))


def documents() -> Iterator[CrateDocument]:
    """Give crates with a line of description, most of them about the same things."""
    chance = random.Random(1)
    some = words(chance)
    release = ReleaseSummary(vers="1.0.0", cksum="0" * 64, yanked=False, pubtime=None, rust_version=None)
    for name in islice(dict.fromkeys(names(chance, some)), CRATES):
        yield CrateDocument(
            name=name,
            newest="1.0.0",
            description=" ".join(some(chance.randint(4, 18))),
            keywords=tuple(dict.fromkeys(some(chance.randint(0, 5)))),
            categories=tuple(dict.fromkeys(some(chance.randint(0, 2)))),
            words=tuple(dict.fromkeys(map(stem, some(chance.randint(0, 12))))),
            versions=(release,),
            dependents=chance.choice((UNSET, 1, 2, 64)),
        )


def search_files() -> Iterator[tuple[str, bytes]]:
    """Give the parts that the queries may lead to: a list's shape depends on its keys, so the rest can be left out."""
    letters = tuple({part[0] for query in QUERIES for part in re.split("[-_ ]", query)})
    rows: dict[str, list[tuple[str, bytes | None]]] = {"search/names": [], "search/words": []}
    for document in documents():
        for (name, key), row in search_rows(document):
            if name == "search/names" or key.startswith(letters):
                rows[name].append((key, row))
    assert len(rows["search/names"]) == CRATES
    for name, found in rows.items():
        parts: dict[str, Node] = {}
        for part in merge(name, sorted(found), parts.get).values():
            assert part is not None
            yield record_path(name, part.prefix), format_record(part)


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """The files of this search, tens of thousands; they stay in memory, where they cost no disk."""
    return dict(search_files())


@pytest.fixture
def page(browser: Browser, tmp_path: Path, files: dict[str, bytes]) -> Iterator[Page]:
    """A page of a site with this search."""
    world = World(tmp_path, OPTIONS)
    world.build()

    def answer(route: Route) -> None:
        content = files.get(urlsplit(route.request.url).path.removeprefix("/"))
        route.fulfill(status=404) if content is None else route.fulfill(body=content, content_type="text/javascript")

    with Nginx(world.tree) as nginx, closing(browser.new_page(base_url=nginx.url)) as page:
        page.set_default_timeout(120_000)  # every file comes from this process, which may have little of a processor
        page.route("**/search/**", answer)
        yield page


LOADED = """performance.getEntriesByType("resource").filter(each => /[/]search[/]|row[.]js$/.test(each.name))
    .map(each => each.decodedBodySize)"""


FOUND = "query => csiSearch.search(query).then(found => found.map(each => each.name))"


def test_a_search_among_150_000_crates_loads_less_than_100_kilobytes_and_finds_what_everybody_finds(
    page: Page, files: dict[str, bytes]
) -> None:
    store = MemoryStore()
    store.apply(Put(path=path, content=content) for path, content in files.items())
    loaded: dict[str, int] = {}
    first: dict[str, str] = {}
    for query, wanted in QUERIES.items():
        page.goto(f"/search.html?q={query}")
        page.wait_for_function("q => document.getElementById('found').dataset.for === q", arg=query)
        loaded[query] = sum(page.evaluate(LOADED))
        found = page.evaluate(FOUND, query)
        assert found == [each.name for each in ranked(query, TreeSearch(store))], query
        first[query] = found[0] if wanted else ""
        assert bool(found) == (query != "szzq")
    assert first == QUERIES
    assert all(500 < size < MOST for size in loaded.values()), loaded
