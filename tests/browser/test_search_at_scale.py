"""What a search loads where there are as many crates as crates.io had in 2024."""

import random
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from cargo_static_index.site.crate_document import CrateDocument, ReleaseSummary
from cargo_static_index.site.lists import format_record, record_path
from cargo_static_index.site.radix import Node, merge
from cargo_static_index.site.rows import rows_of_crate
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


def word(chance: random.Random) -> str:
    """Give a word as names and descriptions have it: one of the common ones, or any."""
    if chance.random() < 0.5:
        return COMMON[int(len(COMMON) * chance.random() ** 2)]
    return "".join(chance.choice("bcdfghklmnprstvz") + chance.choice("aeiou") for _ in range(chance.randint(1, 4)))


def names(chance: random.Random) -> Iterator[str]:
    """Give names of up to three words, some with a number behind them."""
    yield from filter(None, QUERIES.values())
    for number in range(CRATES * 2):
        yield "-".join(word(chance) for _ in range(chance.randint(1, 3))) + chance.choice(("", "", str(number)))


def documents() -> Iterator[CrateDocument]:
    """Give crates with a line of description, most of them about the same things."""
    chance = random.Random(1)
    release = ReleaseSummary(vers="1.0.0", cksum="0" * 64, yanked=False, pubtime=None, rust_version=None)
    for name in islice(dict.fromkeys(names(chance)), CRATES):
        yield CrateDocument(
            name=name,
            newest="1.0.0",
            description=" ".join(word(chance) for _ in range(chance.randint(4, 18))),
            keywords=tuple(dict.fromkeys(word(chance) for _ in range(chance.randint(0, 5)))),
            versions=(release,),
        )


def write_search(tree: Path) -> None:
    """Write the parts that the queries may lead to: a list's shape depends on its keys, so the rest can be left out."""
    letters = tuple({part[0] for query in QUERIES for part in query.split()})
    rows: dict[str, list[tuple[str, bytes | None]]] = {"search/names": [], "search/words": []}
    for document in documents():
        for (name, key), row in rows_of_crate(document).items():
            if name in rows and (name == "search/names" or key.startswith(letters)):
                rows[name].append((key, row))
    assert len(rows["search/names"]) == CRATES
    shutil.rmtree(tree / "search")
    for name, found in rows.items():
        parts: dict[str, Node] = {}
        for part in merge(name, sorted(found), parts.get).values():
            assert part is not None
            path = tree / record_path(name, part.prefix)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(format_record(part))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Nginx]:
    world = World(tmp_path, OPTIONS)
    world.build()
    write_search(world.tree)
    with Nginx(world.tree) as nginx:
        yield nginx
    shutil.rmtree(world.tree / "search")


LOADED = """performance.getEntriesByType("resource").filter(each => each.name.includes("/search/"))
    .map(each => each.decodedBodySize)"""
NAMES = "all => all.map(each => each.textContent)"


def test_a_search_among_150_000_crates_loads_less_than_100_kilobytes_and_finds_names_first(
    browser: Browser, server: Nginx
) -> None:
    loaded: dict[str, int] = {}
    first: dict[str, str] = {}
    for query, wanted in QUERIES.items():
        page = browser.new_page()
        page.goto(f"{server.url}search.html?q={query}")
        page.wait_for_function("q => document.getElementById('found').dataset.for === q", arg=query)
        loaded[query] = sum(page.evaluate(LOADED))
        found = page.eval_on_selector_all("#found .item-name", NAMES)
        first[query] = found[0] if wanted else ""
        assert bool(found) == (query != "szzq")
        page.close()
    assert first == QUERIES
    assert all(500 < size < MOST for size in loaded.values()), loaded
