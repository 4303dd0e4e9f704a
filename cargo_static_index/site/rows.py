"""The rows that a crate has in lists: where it is found by name, keyword, category, license, month, need and word."""

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from cargo_static_index.protocol.names import collision_key
from cargo_static_index.protocol.spdx import license_words
from cargo_static_index.site.crate_document import LISTED, AdvisoryNote, CrateDocument, ReleaseSummary
from cargo_static_index.site.search_rows import SEARCH_WORDS, search_rows, short

ADVISORIES = "advisories"
"""The list of the security advisories that affect a version here, by id."""


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
    """A keyword, category, license or month, and how many rows it has."""

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
    for name in licenses_of(document.license):
        rows[f"license/{name}", key] = crate
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
    rows.update(search_rows(document))
    return rows


def licenses_of(expression: str | None) -> list[str]:
    """Give the licences of an expression that SPDX's list names, in small letters, as many as keywords."""
    words = license_words(expression) if expression else ()
    return list(dict.fromkeys(word.lower() for word, address in words if address))[:LISTED]


def crate_of_row(list_name: str, key: str) -> str:
    """Give the collision key of the crate that a row of `rows_of_crate` is about."""
    if list_name in {SEARCH_WORDS, ADVISORIES}:
        return key.rpartition(" ")[2]
    return key.partition(" ")[0]


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
        found.setdefault(row.crate, (vers, []))[1].append(
            RequirementRow(req=row.req, kind=row.kind, optional=row.optional)
        )
    return {name: (vers, tuple(dict.fromkeys(requirements))) for name, (vers, requirements) in found.items()}
