"""What a search loads in a real Chromium where there are as many crates as crates.io had in 2024, and what it finds.

    python -m tests.browser.scale --crates 150000

searches among so many crates, and prints a JSON object of what was counted as its last line.
"""

import argparse
import json
import random
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import accumulate, islice, product
from pathlib import Path
from urllib.parse import urlsplit

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
from tests.browser.conftest import chromium
from tests.registry.site.registries import OPTIONS
from tests.servers import Nginx, open_folder
from tests.world import World

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


def names(chance: random.Random, some: Callable[[int], list[str]], crates: int) -> Iterator[str]:
    """Give names of up to three words, some with a number behind them."""
    yield from filter(None, QUERIES.values())
    for number in range(crates * 2):
        yield "-".join(some(chance.randint(1, 3))) + chance.choice(("", "", str(number)))


def documents(crates: int) -> Iterator[CrateDocument]:
    """Give so many crates with a line of description, most of them about the same things."""
    chance = random.Random(1)
    some = words(chance)
    release = ReleaseSummary(vers="1.0.0", cksum="0" * 64, yanked=False, pubtime=None, rust_version=None)
    for name in islice(dict.fromkeys(names(chance, some, crates)), crates):
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


def search_files(crates: int) -> Iterator[tuple[str, bytes]]:
    """Give the parts that the queries may lead to: a list's shape depends on its keys, so the rest can be left out."""
    letters = tuple({part[0] for query in QUERIES for part in re.split("[-_ ]", query)})
    rows: dict[str, list[tuple[str, bytes | None]]] = {"search/names": [], "search/words": []}
    for document in documents(crates):
        for (name, key), row in search_rows(document):
            if name == "search/names" or key.startswith(letters):
                rows[name].append((key, row))
    assert len(rows["search/names"]) == crates
    for name, found in rows.items():
        parts: dict[str, Node] = {}
        for part in merge(name, sorted(found), parts.get).values():
            assert part is not None
            yield record_path(name, part.prefix), format_record(part)


@contextmanager
def searching(browser: Browser, folder: Path, files: Mapping[str, bytes]) -> Iterator[Page]:
    """Give a page of a site with this search, whose files stay in memory: they are tens of thousands."""
    world = World(folder, OPTIONS)
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


def search(page: Page, query: str) -> tuple[int, list[str]]:
    """Search for something; give the bytes that this loads, and the names that are found, the first first."""
    page.goto(f"/search.html?q={query}")
    page.wait_for_function("q => document.getElementById('found').dataset.for === q", arg=query)
    return sum(page.evaluate(LOADED)), page.evaluate(FOUND, query)


def wrongs(query: str, loaded: int, found: list[str], everybody: TreeSearch) -> Iterator[str]:
    """Give what is not as it must be of a search."""
    if found != [each.name for each in ranked(query, everybody)]:
        yield f"{query}: the browser finds others than everybody does"
    if bool(found) == (query == "szzq"):
        yield f"{query}: {len(found)} crates are found"
    if QUERIES[query] and found[:1] != [QUERIES[query]]:
        yield f"{query}: {found[:1]} stands first"
    if not 500 < loaded < MOST:
        yield f"{query}: {loaded} bytes are loaded"


def at_scale(browser: Browser, folder: Path, crates: int) -> dict[str, object]:
    """Search for each of the queries among so many crates, and give what was counted and what is wrong."""
    files = dict(search_files(crates))
    store = MemoryStore()
    store.apply(Put(path=path, content=content) for path, content in files.items())
    most = 0
    wrong: list[str] = []
    with searching(browser, folder, files) as page:
        for query in QUERIES:
            loaded, found = search(page, query)
            most = max(most, loaded)
            wrong += wrongs(query, loaded, found, TreeSearch(store))
    return {
        "crates": crates,
        "queries": len(QUERIES),
        "bytes that the largest search loads": most,
        "searches that load more than 100 kB, or find others than the program does": wrong,
    }


def main() -> None:
    """Search, and print what was counted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crates", type=int, default=150_000)
    crates = parser.parse_args().crates
    with open_folder() as folder, chromium() as browser:
        figures = at_scale(browser, folder, crates)
    print(json.dumps(figures))
    sys.exit(bool(figures["searches that load more than 100 kB, or find others than the program does"]))


if __name__ == "__main__":
    main()
