"""What was published last, as it stands in a tree that several hosts write: they need not read the index to know it."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index._json import read_json
from cargo_static_index.site.crate_document import CrateDocument, version_key
from cargo_static_index.site.search_rows import short

KEPT = 100
"""Releases, and crates at one time, that are kept: twice what pages show, since removals take some away."""


class About(Struct, frozen=True, kw_only=True):
    """What the pages of the newest say of a crate, beside its release."""

    description: str
    created: str


def about(document: CrateDocument) -> About:
    """Give what is said of a crate, from its document."""
    return About(description=short(document.description or ""), created=document.created or "")


class RecentRelease(Struct, frozen=True, kw_only=True):
    """A release that was published lately."""

    name: str
    vers: str
    pubtime: str


class Recent(Struct, frozen=True, kw_only=True):
    """`recent.json`: the releases published last, the last first, and their crates."""

    schema: Literal[1] = 1
    releases: tuple[RecentRelease, ...] = ()
    crates: dict[str, About] = {}

    def changed_by(self, documents: Mapping[str, CrateDocument | None]) -> "Recent":
        """Give the same with what crates' documents say now in place of what was known of them."""
        kept = (release for release in self.releases if release.name not in documents)
        crates = {name: about for name, about in self.crates.items() if name not in documents}
        new = [document for document in documents.values() if document]
        crates |= {document.name: about(document) for document in new}
        releases = _newest([*kept, *(release for document in new for release in _releases_of(document))])
        named = {release.name for release in releases}
        return replace(self, releases=releases, crates={name: crates[name] for name in sorted(named)})


def parse_recent(content: bytes) -> Recent:
    """Read what was published last, or raise InvalidDocument."""
    return read_json(content, Recent, "a document of what was published last")


def format_recent(recent: Recent) -> bytes:
    """Give the bytes of that document."""
    return msgspec.json.encode(recent) + b"\n"


def _releases_of(document: CrateDocument) -> Iterable[RecentRelease]:
    return (
        RecentRelease(name=document.name, vers=summary.vers, pubtime=summary.pubtime)
        for summary in document.versions
        if summary.pubtime
    )


def _newest(releases: Iterable[RecentRelease]) -> tuple[RecentRelease, ...]:
    """Give the newest releases, and of the crates that had any lately the highest of each time."""
    ordered = sorted(releases, key=lambda release: (release.name, release.vers))
    ordered.sort(key=lambda release: release.pubtime, reverse=True)
    together = groupby(ordered, key=lambda release: (release.pubtime, release.name))
    highest = [max(some, key=lambda release: version_key(release.vers)) for _, some in together][:KEPT]
    wanted = {*ordered[:KEPT], *highest}
    return tuple(release for release in ordered if release in wanted)
