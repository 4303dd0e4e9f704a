"""Whether a search finds what is wanted among the real crates, and what one more crate costs the search's files.

The mean reciprocal rank is the mean of 1 ÷ the place at which what is wanted stands, 0 where it is not found.
"""

import os
import random
import statistics
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.bench import Bench, real_crates
from benchmarks.measure import spread, to_json
from cargo_static_index.registry.search import MOST_ROWS, Searched, TreeSearch
from cargo_static_index.registry.site.documents import read_crate_document
from cargo_static_index.site.crate_document import CrateDocument
from cargo_static_index.site.lists import format_record, is_script
from cargo_static_index.site.radix import Node, merge
from cargo_static_index.site.rows import rows_of_crate
from cargo_static_index.site.search import near, ranked
from cargo_static_index.store import Store
from cargo_static_index.store.local.store import LocalStore

QUERIES = Path(__file__).with_name("search-queries.toml")
BESIDE = 20_000
"""Crates among which one more arrives: made of the words of the real ones, and of rare ones."""
ARRIVALS = 60

Find = Callable[[str], Sequence[str]]
"""Gives the names that a query finds, the likeliest first."""


class Query(Struct, frozen=True):
    """What is typed, and the crates of which one is wanted; `kind` is "name" or "purpose", `part` "train" or "test"."""

    kind: str
    part: str
    text: str
    wanted: frozenset[str]


def queries() -> Iterator[Query]:
    """Give all queries."""
    for kind, parts in tomllib.loads(QUERIES.read_text()).items():
        for part, asked in parts.items():
            for text, wanted in asked.items():
                yield Query(kind, part, text, frozenset([wanted] if isinstance(wanted, str) else wanted))


def mean_reciprocal_ranks(find: Find) -> dict[str, float]:
    """Give the mean for all queries, each kind, each part, and each part of each kind."""
    found: dict[str, list[float]] = {}
    for query in queries():
        place = next((place for place, name in enumerate(find(query.text), 1) if name in query.wanted), None)
        for group in ("all", query.kind, query.part, f"{query.kind} {query.part}"):
            found.setdefault(group, []).append(1 / place if place else 0)
    return {group: statistics.fmean(ranks) for group, ranks in found.items()}


def names_found(text: str, search: Searched) -> list[str]:
    """Give the names of what a query finds, or of what was perhaps meant where that is nothing."""
    return [crate.name for crate in ranked(text, search, MOST_ROWS) or near(text, search)]


def finding(turns: int) -> dict[str, Any]:
    """Measure the ranking, and the files under `search/` that one more crate rewrites."""
    del turns  # what is counted is the same each time
    with real_crates() as here:
        here.cold_product("--mirror", "--pages")
        store = _tree(here)
        search = TreeSearch(store)
        ranks = mean_reciprocal_ranks(lambda text: names_found(text, search))
        documents = [
            found
            for name in sorted(os.listdir(here.base / "tree" / "crates"))
            if (found := read_crate_document(store, name))
        ]
    return {"ranks": ranks, "queries": len(list(queries())), "crates": len(documents), **_rewritten(documents)}


def _tree(here: Bench) -> Store:
    return LocalStore(here.base / "tree")


def _rewritten(documents: Sequence[CrateDocument]) -> dict[str, Any]:
    """Have real crates arrive one by one among many more; give the files and bytes that each has written."""
    nodes: dict[tuple[str, str], Node] = {}
    _merge(nodes, list(_made(documents, BESIDE)))
    chance = random.Random(2)
    arrivals = [_merge(nodes, [document]) for document in chance.sample(documents, ARRIVALS)]
    return {
        "beside": BESIDE,
        "files": to_json(spread([files for files, _ in arrivals])),
        "bytes": to_json(spread([size for _, size in arrivals])),
    }


def _made(documents: Sequence[CrateDocument], number: int) -> Iterator[CrateDocument]:
    """Make crates whose names and texts are those of real ones in other words, a tenth of them rare."""
    chance = random.Random(1)
    words = [word for document in documents for word in (document.description or "").split()]
    names = [word for document in documents for word in document.name.replace("_", "-").split("-")]

    def some(text: str, pool: Sequence[str]) -> list[str]:
        return [chance.choice(pool) if chance.random() < 0.9 else _rare(chance) for _ in text.split()]

    for at in range(number):
        real = chance.choice(documents)
        name = "-".join([*some(real.name.replace("-", " ").replace("_", " "), names), str(at)])
        keywords = some(" ".join(real.keywords), names)
        yield replace(
            real, name=name, description=" ".join(some(real.description or "", words)), keywords=tuple(keywords)
        )


def _rare(chance: random.Random) -> str:
    return "".join(chance.choice("bcdfghklmnprstvz") + chance.choice("aeiou") for _ in range(chance.randint(2, 4)))


def _merge(nodes: dict[tuple[str, str], Node], documents: Sequence[CrateDocument]) -> tuple[int, int]:
    """Merge what a search finds crates by into its lists; give how many files that wrote, and their bytes."""
    rows: dict[str, list[tuple[str, bytes | None]]] = {}
    for document in documents:
        for (name, key), row in rows_of_crate(document).items():
            if is_script(name):
                rows.setdefault(name, []).append((key, row))
    files = size = 0
    for name, found in rows.items():
        changed = merge(name, sorted(found), partial(_load, nodes, name))
        for prefix, node in changed.items():
            if node is None:
                nodes.pop((name, prefix), None)
            elif nodes.get((name, prefix)) != node:
                nodes[name, prefix] = node
                files, size = files + 1, size + len(format_record(node))
    return files, size


def _load(nodes: Mapping[tuple[str, str], Node], name: str, prefix: str) -> Node | None:
    return nodes.get((name, prefix))
