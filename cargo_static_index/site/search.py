"""Finding crates by what a person types: one order of what is found, whoever asks.

`site-template/assets/search.js` is the same search for browsers; a test holds the two against each other.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec
from msgspec import Raw, Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.site.radix import END
from cargo_static_index.site.search_rows import (
    SEARCH_NAMES,
    SEARCH_WORDS,
    WEIGHT_OF_RANK,
    WEIGHTS,
    YANKED,
    Field,
    NameRow,
    WordRow,
)
from cargo_static_index.site.words import STOP_WORDS, first, is_telling, stem, words

LESS_FOR_OTHER_WORDS = 0.5
"""What it costs that a name has a word which nobody asked for."""

BEGINS = 0.5
"""The part of a weight that counts where what is typed only begins the word,"""

NEARLY = 0.25
"""or where so much of it had to be left out that it does."""

LEFT_OF_WORD = 4
"""Letters of an unknown word that are looked for at least."""

MOST_WORDS = 6

MOST_ROWS = 600
"""Rows that a search in the browser reads of the words that are asked for, and"""

MOST_BEGINNING = 150
"""of those, and of the names, that begin with what is typed."""

_PASTED = pattern(r"^(?:cargo (?:add|install|info|search)|use|extern crate) +(?=[^ ])")
_VERSION = pattern(r"[v=^~]*[0-9]+(?:\.[0-9x*]+)*(?:-[0-9a-z.]+)?")
_AT_VERSION = pattern(r"@[v=^~]*[0-9].*")
_STANDARD = frozenset(("std", "core", "alloc", "crate", "self", "super"))

EXACT = 1000
"""What it counts that a crate has the very name."""

_name_row = msgspec.json.Decoder(NameRow).decode
_word_row = msgspec.json.Decoder(WordRow).decode


class Lists(Protocol):
    """The two lists, wherever they lie."""

    def beginning(self, name: str, start: str, most: int) -> tuple[Sequence[tuple[str, Raw | bytes]], int]:
        """Give the first rows whose keys begin so (`most`, or some more), by key, and how many there are in all."""
        ...  # pragma: no cover


class Match(Struct, frozen=True, order=True):
    """A crate that was found; what is likelier comes first where they are sorted."""

    yanked: bool
    less: float
    """The score, negative."""
    older: int
    """The year of its newest release, negative."""
    length: int
    key: str
    name: str


# What is typed ---------------------------------------------------------------------------------------------


class Asked(Struct, frozen=True):
    """What was typed, understood: its telling words, and what a crate of that very name is called, dashes or not."""

    words: tuple[str, ...]
    whole: str

    @property
    def joined(self) -> str:
        """The name without dashes."""
        return self.whole.replace("-", "")


def asked(query: str) -> Asked:
    """Understand a query: `use serde_json::Value`, `clap v4`, `cargo add tokio@1`, `c++`, `Tokio_Util`."""
    text = unicodedata.normalize("NFKC", query).lower().strip()
    parts = _PASTED.sub("", text).split()
    named = [_crate_of(part) for at, part in enumerate(parts) if at == 0 or not _VERSION.fullmatch(part)]
    every = words(" ".join(named).replace("_", "-"))
    telling = [word for word in every[:-1] if is_telling(word)]
    telling += [word for word in every[-1:] if word not in STOP_WORDS]  # one letter may be all of it so far
    return Asked(tuple(first(telling or every, MOST_WORDS)), "-".join(every))


def _crate_of(part: str) -> str:
    """Give what a path in Rust names: its crate; of the standard library, which is none, what stands behind."""
    head, *rest = _AT_VERSION.sub("", part).split("::")
    return " ".join(name for name in rest if name not in _STANDARD) if head in _STANDARD else head


# The order -------------------------------------------------------------------------------------------------


def ranked(query: str, lists: Lists, most: int = MOST_ROWS) -> list[Match]:
    """Give the crates that a query finds, the likeliest first; of the rows of the lists about so many are read.

    First the crate of that very name. Then counts for each word where it was found, more for a rarer word, and how
    many crates depend on the one found. A word that nothing is found by takes away from no crate.
    """
    wanted = asked(query)
    if not wanted.words:
        return []
    search = _Search(lists, wanted, most)
    hits = [search.hits(word, last=word == wanted.words[-1]) for word in wanted.words]
    if any(found.weights for found in hits) and not all(found.known for found in hits):
        hits.append(search.misspelled())
    return search.in_order(hits)


class _Hits(Struct, frozen=True):
    """What one word led to: a weight by key, how many crates it leads to, and whether it does as it was typed."""

    weights: dict[str, float]
    total: int
    known: bool = True


class _Search:
    def __init__(self, lists: Lists, wanted: Asked, most: int) -> None:
        self._lists = lists
        self._wanted = wanted
        self._most = most
        self._most_beginning = max(most * MOST_BEGINNING // MOST_ROWS, 1)
        self._crates: dict[str, NameRow] = {}
        """By key, all that was read."""
        self._exact: set[str] = set()
        self._all = lists.beginning(SEARCH_NAMES, "", 0)[1]
        self._begun = self._named()

    def hits(self, word: str, *, last: bool) -> _Hits:
        """Give what a word leads to; the `last` may not be typed to its end."""
        weights, total = self._with(f"{stem(word)} ", self._most // len(self._wanted.words), 1)
        if last:
            begun = self._with(word, self._most_beginning, BEGINS)[0] if is_telling(word) else {}
            weights = _best(weights, begun, dict.fromkeys(self._begun, BEGINS * WEIGHTS[Field.NAME]))
        known = bool(weights)
        least = max(LEFT_OF_WORD, (len(word) + 1) // 2)
        shorter = word
        while not weights and len(shorter) > least:
            shorter = shorter[:-1]
            weights, total = self._with(shorter, self._most_beginning, NEARLY)
        return _Hits(weights, total, known)

    def misspelled(self) -> _Hits:
        """Give the crates whose whole names are most nearly what was typed."""
        near_enough = _nearest(self._wanted.whole, self._lists)
        least = min((letters for letters, _, _ in near_enough), default=0)
        found = {key: row for letters, key, row in near_enough if letters == least}
        self._crates |= found
        return _Hits(dict.fromkeys(found, float(WEIGHTS[Field.NAME])), len(found))

    def in_order(self, hits: Sequence[_Hits]) -> list[Match]:
        """Give all that was found, in order."""
        telling = [self._telling(found.total) for found in hits]
        most = max(telling)
        scores = dict.fromkeys(self._exact, 0.0)
        for found, share in zip(hits, telling, strict=True):
            for key, weight in found.weights.items():
                scores[key] = scores.get(key, 0) + weight * share / most
        stemmed = set(map(stem, self._wanted.words))
        return sorted(self._found(key, score, stemmed) for key, score in scores.items())

    def _found(self, key: str, score: float, stemmed: set[str]) -> Match:
        crate = self._crates[key]
        others = sum(stem(word) not in stemmed for word in words(key))
        score += WEIGHT_OF_RANK * max(crate.rank, 0) - LESS_FOR_OTHER_WORDS * others
        if key in self._exact:
            score += EXACT
        return Match(crate.rank == YANKED, -score, -crate.year, len(key), key, crate.name)

    def _named(self) -> set[str]:
        """Learn which crates have the very name, and give those whose names begin with it."""
        wanted = self._wanted
        for start in dict.fromkeys((f"{wanted.whole}{END}", f"{wanted.joined}{END}")):
            self._exact.update(self._names(start, 1))
        self._exact.update(
            key for key in self._with(f"{wanted.joined} ", 1, 1)[0] if key.replace("-", "") == wanted.joined
        )
        return self._names(wanted.whole, self._most_beginning)

    def _names(self, start: str, most: int) -> set[str]:
        rows, _ = self._lists.beginning(SEARCH_NAMES, start, most)
        found = {key: _name_row(row) for key, row in rows}
        self._crates |= found
        return set(found)

    def _with(self, start: str, most: int, part: float) -> tuple[dict[str, float], int]:
        """Give part of the weights of what is found by words that begin so."""
        rows, total = self._lists.beginning(SEARCH_WORDS, start, most)
        weights: dict[str, float] = {}
        for at, raw in rows:
            key, row = at[at.rindex(" ") + 1 :], _word_row(raw)
            self._crates[key] = NameRow(row.name, row.rank, row.year)
            weights[key] = max(weights.get(key, 0), part * WEIGHTS[row.field])
        return weights, total

    def _telling(self, total: int) -> int:
        """Give how telling a word is: one more for each time that half as many crates are found by it."""
        return 1 + (self._all // (1 + total)).bit_length()


def _best(*weights: Mapping[str, float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for some in weights:
        for key, weight in some.items():
            found[key] = max(found.get(key, 0), weight)
    return found


# Mistakes --------------------------------------------------------------------------------------------------

MOST_NEAR = 3


def near(query: str, lists: Lists) -> list[Match]:
    """Give crates that were perhaps meant where nothing is found: their names begin alike, or with letters swapped."""
    found = sorted(
        Match(row.rank == YANKED, float(letters), -row.rank, len(key), key, row.name)
        for letters, key, row in _nearest(asked(query).whole, lists)
    )
    return found[:MOST_NEAR]


def _nearest(wanted: str, lists: Lists) -> list[tuple[int, str, NameRow]]:
    """Give the letters that make the difference, the key and the row of names that are nearly one."""
    if len(wanted) < 3:
        return []
    allowed = 1 if len(wanted) < 5 else 2
    a, b, c = wanted[0], wanted[1], wanted[2]
    for start in dict.fromkeys((a + b + c, a + c + b, b + a + c, a + b, a + c, a)):
        rows, _ = lists.beginning(SEARCH_NAMES, start, MOST_BEGINNING)
        close = [(distance(key, wanted), key, _name_row(row)) for key, row in rows]
        if near_enough := [name for name in close if name[0] <= allowed]:
            return near_enough
    return []


def distance(one: str, other: str) -> int:
    """Count the letters to put in, to leave out, to change, or to swap with the next, to make one of the other."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, its in enumerate(other, 1):
            row.append(min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != its)))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == its:
                row[j] = min(row[j], before[j - 2] + 1)
        before, last = last, row
    return last[-1]
