"""The rows that a crate has in lists: where it is found by name, keyword, category, month, need and word."""

import unicodedata
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Literal

import msgspec
from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.site.crate_document import AdvisoryNote, CrateDocument, DependencyRow, ReleaseSummary
from cargo_static_index.site.paths import safe

SHORT = 160
"""Characters of a description that lists repeat."""

WORDS = 24
"""Words of a description that a search finds a crate by."""

LETTERS = 32
"""Letters of a word that lists hold; `search.js` cuts what is typed likewise."""

WRITTEN = 120
"""Characters that these letters have in the names of files: those of other alphabets take up to eight each."""

ADVISORIES = "advisories"
"""The list of the security advisories that affect a version here, by id."""

_WORD = pattern(r"[^\W_]+")
_STOP = "a an and are as at be by for from in is it its of on or that the this to with"
STOP_WORDS = frozenset(_STOP.split())
"""Words that no search needs; `search.js` leaves them out as well."""


class CrateRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A crate in a list."""

    name: str
    vers: str
    description: str = ""
    updated: str = ""
    yanked: bool = False


class ReleaseRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A release in the list of a month; the newest of a crate describes it."""

    name: str
    vers: str
    pubtime: str
    description: str = ""
    first: bool = False
    yanked: bool = False


class RequirementRow(Struct, frozen=True, kw_only=True, omit_defaults=True, array_like=True):
    """One way in which a crate depends on another."""

    req: str
    kind: Literal["normal", "build", "dev"]
    optional: bool = False
    satisfied: bool | None = None
    """Whether the newest version satisfies the requirement; None where there is none."""


class DependentRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A crate that depends on another in `vers`: its newest version, or the highest that does, if that is `older`.

    What describes the crate is its newest version: a row of an older one would change with every description.
    """

    name: str
    vers: str
    needs: tuple[RequirementRow, ...]
    description: str = ""
    older: bool = False


class AdvisoryRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A security advisory that affects so many versions of a crate; `newest` where that of its page is one."""

    id: str
    name: str
    title: str
    date: str
    affected: int
    newest: bool = False
    informational: str = ""


class SetRow(Struct, frozen=True, kw_only=True):
    """A keyword, category or month, and how many rows it has."""

    name: str
    total: int


Rows = dict[tuple[str, str], bytes]
"""Rows as JSON, by list and key."""

_encode = msgspec.json.Encoder().encode


def encode_row(row: Struct) -> bytes:
    """Give a row's JSON."""
    return _encode(row)


def rows_of_crate(document: CrateDocument) -> Rows:
    """Give all rows that lists have because of a crate."""
    description = short(document.description or "")
    key = collision_key(document.name)
    crate = _encode(
        CrateRow(
            name=document.name,
            vers=document.newest,
            description=description,
            updated=(document.updated or "")[:10],
            yanked=document.release.yanked,
        )
    )
    rows: Rows = {("names", key): crate}
    for keyword in document.keywords:
        rows["keyword/" + keyword.lower(), key] = crate
    for category in document.categories:
        rows["category/" + category.lower(), key] = crate
    timed = [summary for summary in document.versions if summary.pubtime]
    first = min(reversed(timed), key=lambda summary: summary.pubtime or "") if timed else None
    for release in timed:
        described = description if release.vers == document.newest else ""
        row = _month_row(document.name, release, described, first=release is first)
        rows[f"month/{(release.pubtime or '')[:7]}", f"{key} {release.vers}"] = row
    for name, (vers, needs) in _needs_here(document).items():
        older = vers != document.newest
        dependent = DependentRow(
            name=document.name, vers=vers, needs=needs, description="" if older else description, older=older
        )
        rows["dependents/" + name, key] = _encode(dependent)
    for note in document.advisories:
        rows[ADVISORIES, f"{note.id} {key}"] = _advisory_row(document, note)
    rows.update(_search_rows(document, key, description))
    return rows


def crate_of_row(list_name: str, key: str) -> str:
    """Give the collision key of the crate that a row of `rows_of_crate` is about."""
    if list_name in {"search/words", ADVISORIES}:
        return key.rpartition(" ")[2]
    return key.partition(" ")[0]


def short(text: str) -> str:
    """Cut a description for lists, between words where it can."""
    if len(text) <= SHORT:
        return text
    return text[:SHORT].rpartition(" ")[0] + "…" if " " in text[:SHORT] else text[: SHORT - 1] + "…"


def _month_row(name: str, release: ReleaseSummary, description: str, *, first: bool) -> bytes:
    return _encode(
        ReleaseRow(
            name=name,
            vers=release.vers,
            pubtime=release.pubtime or "",
            description=description,
            first=first,
            yanked=release.yanked,
        )
    )


def _advisory_row(document: CrateDocument, note: AdvisoryNote) -> bytes:
    return _encode(
        AdvisoryRow(
            id=note.id,
            name=document.name,
            title=note.title,
            date=note.date,
            affected=len(note.versions),
            newest=document.newest in note.versions,
            informational=note.informational or "",
        )
    )


def _needs_here(document: CrateDocument) -> Mapping[str, tuple[str, tuple[RequirementRow, ...]]]:
    found: dict[str, tuple[str, list[RequirementRow]]] = {}
    of_newest = ((document.newest, row) for row in document.dependencies if row.registry is None)
    for vers, row in (*of_newest, *((older.vers, older.dependency) for older in document.earlier)):
        found.setdefault(row.crate, (vers, []))[1].append(_requirement_row(row))
    return {name: (vers, tuple(dict.fromkeys(requirements))) for name, (vers, requirements) in found.items()}


def _requirement_row(needed: DependencyRow) -> RequirementRow:
    return RequirementRow(req=needed.req, kind=needed.kind, optional=needed.optional)


def _search_rows(document: CrateDocument, key: str, description: str) -> Iterator[tuple[tuple[str, str], bytes]]:
    row = _encode([document.name, description, " ".join(document.keywords)])
    yield ("search/names", key), row
    for word in sorted(words_of(document, key)):
        yield ("search/words", f"{word} {key}"), row


def words_of(document: CrateDocument, key: str) -> set[str]:
    """Give the words that find a crate: every ending of its name, its keywords, and the description's first words.

    Endings, so that `serde` and `erde` find `tokio-serde`: what begins inside a name begins one of its endings.
    """
    found = {key[at:] for at in range(1, len(key) - 2) if key[at] != "-"}
    for keyword in document.keywords:
        found.update(_words(keyword))
    described = [word for word in _words(document.description or "") if _is_telling(word)]
    found.update(list(dict.fromkeys(described))[:WORDS])
    return found


def _is_telling(word: str) -> bool:
    """Whether a word of a description leads anywhere; of scripts other than ours a single letter may be a word."""
    return (len(word) > 1 or not word.isascii()) and word not in STOP_WORDS


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).lower()
    if not plain.isascii():  # marks belong to the letters before them, as `search.js` has it
        plain = "".join(char if char.isalnum() or unicodedata.category(char)[0] == "M" else " " for char in plain)
        return [_cut(word) for word in plain.split()]
    return [word[:LETTERS] for word in _WORD.findall(plain)]


def _cut(word: str) -> str:
    """Cut a word where its letters are too many, or too long in the names of the files that a search asks for."""
    word = word[:LETTERS]
    lengths = accumulate(len(safe(letter)) for letter in word)
    return word[: sum(length <= WRITTEN for length in lengths)]
