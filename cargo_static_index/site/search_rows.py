"""What a search finds a crate by, and the rows that its two lists have because of that.

`search/names` has a row for each crate, by the key of its name; `search/words` one for each word that a crate is found
by, those of a word in the order in which they are worth reading. Neither says what changes with each version: that
is in the crate's own `row.js`, which is read of the crates that are shown.
"""

from collections.abc import Iterator
from enum import IntEnum
from hashlib import sha256
from typing import Final, Literal

import msgspec
from msgspec import Struct

from cargo_static_index._json import read_json
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.site.crate_document import CrateDocument, format_page_document
from cargo_static_index.site.paths import node_path
from cargo_static_index.site.radix import Node, parse_node
from cargo_static_index.site.words import first, readme_stems, stem, stems, words

SEARCH_NAMES: Final = "search/names"
SEARCH_WORDS: Final = "search/words"

MOST_STEMS = 40
"""Stems that a crate is found by at most; the endings of its name, where a hit counts least, come to them."""

MOST_README_STEMS = 12
"""Of these, those that only its README gives: each is one more file that the crate's next change may rewrite."""

SHORT = 160
"""Characters of a description that lists repeat."""

YANKED: Final = -1
"""The rank of a crate of which all versions are yanked."""

HIGHEST_RANK = 15


CrateKind = Literal["library", "program", "library and program", "macros", ""]
"""What a crate is: "" where its manifest does not say so."""


class Field(IntEnum):
    """Where a word was found, the most telling first."""

    NAME = 0
    KEYWORD = 1
    CATEGORY = 2
    DESCRIPTION = 3
    README = 4
    INSIDE = 5


WEIGHTS = (10, 8, 6, 6, 3, 2)
"""What a word counts that was found there, by field."""

WEIGHT_OF_RANK = 0.5
"""What it counts that twice as many crates depend on one as on another."""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

_SCRIPT = (b"csiPart(", b");\n")
_SEAL = b"// "

_encode = msgspec.json.Encoder().encode


class NameRow(Struct, frozen=True, array_like=True):
    """A crate in `search/names`.

    `rank` says how many crates depend on it, as a power of two; `year` is that of its newest release, 0 if not known:
    so neither changes often.
    """

    name: str
    rank: int
    year: int


class WordRow(Struct, frozen=True, array_like=True):
    """A crate in `search/words`; `field` says where the word is."""

    name: str
    field: int
    rank: int
    year: int


class ShownCrate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`row.js` of a crate: what is shown where it is found. `dependents` is a power of two, as in its document."""

    name: str
    vers: str
    description: str = ""
    updated: str = ""
    kind: CrateKind = ""
    yanked: bool = False
    keywords: tuple[str, ...] = ()
    dependents: int = 0


def part_path(name: str, prefix: str) -> str:
    """Give the path of a part of a list that browsers read, which is a script."""
    return node_path(name, prefix) + ".js"


def parse_part(script: bytes) -> Node:
    """Read a part, or raise InvalidDocument."""
    return parse_node(content_of_script(script))


def as_script(content: bytes) -> bytes:
    """Give JSON as a script that hands it over: browsers read no other file from a disk."""
    return _SCRIPT[0] + content.rstrip(b"\n") + _SCRIPT[1]


def content_of_script(script: bytes) -> bytes:
    """Give the JSON of a script."""
    return script.removeprefix(_SCRIPT[0]).removesuffix(_SCRIPT[1])


def shown(document: CrateDocument) -> ShownCrate:
    """Give what is shown of a crate where it is found."""
    return ShownCrate(
        name=document.name,
        vers=document.newest,
        description=short(document.description or ""),
        updated=(document.updated or "")[:10],
        kind=_kind_of(document),
        yanked=document.release.yanked,
        keywords=document.keywords,
        dependents=document.dependents or 0,
    )


def format_shown(document: CrateDocument) -> bytes:
    """Give the bytes of a crate's `row.js`, with a digest of the document behind them, by which `verify` knows it."""
    digest = sha256(format_page_document(document)).hexdigest()[:32]
    return as_script(_encode(shown(document))) + b"%s%s\n" % (_SEAL, digest.encode())


def parse_shown(content: bytes) -> ShownCrate:
    """Read a `row.js`, or raise InvalidDocument."""
    return read_json(content_of_script(content.rpartition(_SEAL)[0]), ShownCrate, "the row of a crate")


def _kind_of(document: CrateDocument) -> CrateKind:
    if document.proc_macro:
        return "macros"
    if document.lib and document.bins:
        return "library and program"
    return "library" if document.lib else "program" if document.bins else ""


def short(text: str) -> str:
    """Cut a description for lists, between words where it can."""
    if len(text) <= SHORT:
        return text
    return text[:SHORT].rpartition(" ")[0] + "…" if " " in text[:SHORT] else text[: SHORT - 1] + "…"


def rank_of(document: CrateDocument) -> int:
    """Give the rank of a crate: 0 where nothing depends on it, one more for each time that the number doubles."""
    if document.release.yanked:
        return YANKED
    return min((document.dependents or 0).bit_length(), HIGHEST_RANK)


def search_rows(document: CrateDocument) -> Iterator[tuple[tuple[str, str], bytes]]:
    """Give the rows that both lists have because of a crate, by list and key."""
    key, rank = collision_key(document.name), rank_of(document)
    year = int((document.updated or "0")[:4])
    yield (SEARCH_NAMES, key), _encode(NameRow(document.name, rank, year))
    for word, field in found_by(document, key).items():
        yield (SEARCH_WORDS, f"{word} {_place(field, rank)} {key}"), _encode(WordRow(document.name, field, rank, year))


def _place(field: Field, rank: int) -> str:
    """Give a digit that sorts by what counts of a row by itself, so that the first rows of a word are its best."""
    return _DIGITS[-1 - int(2 * (WEIGHTS[field] + WEIGHT_OF_RANK * rank))]


def found_by(document: CrateDocument, key: str) -> dict[str, Field]:
    """Give the words that a crate is found by, each with the field that counts most.

    Among stems there is its name without dashes, and after them come its endings, so that `erde` finds `tokio-serde`:
    what begins inside a name begins an ending of it.
    """
    found = _told_by_manifest(document, key)
    for word in document.words or ():
        found.setdefault(word, Field.README)
    for at in range(1, len(key) - 2):
        if key[at] != "-":
            found.setdefault(key[at:], Field.INSIDE)
    return found


def words_of_readme(document: CrateDocument, text: str) -> tuple[str, ...]:
    """Give the stems that a crate is found by because of its README alone."""
    known = _told_by_manifest(document, collision_key(document.name))
    new = (word for word in readme_stems(text) if word not in known)
    return tuple(first(new, min(MOST_README_STEMS, MOST_STEMS - len(known))))


def _told_by_manifest(document: CrateDocument, key: str) -> dict[str, Field]:
    joined = [key.replace("-", "")] if "-" in key else []
    found = dict.fromkeys([*map(stem, words(key)), *joined], Field.NAME)
    for field, text in (
        (Field.KEYWORD, " ".join(document.keywords)),
        (Field.CATEGORY, " ".join(document.categories)),
        (Field.DESCRIPTION, document.description or ""),
    ):
        for word in stems(text):
            if len(found) < MOST_STEMS:
                found.setdefault(word, field)
    return found
