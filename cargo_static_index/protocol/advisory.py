"""Advisories in the RustSec format: Markdown that begins with a block of TOML.

rustsec/advisory-db: README.md, "Advisory Format"; rustsec: src/advisory/parts.rs, src/osv/unaffected_range.rs.
"""

import re

import msgspec
import rtoml
from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidDocument, InvalidRequirement
from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.protocol.names import is_crate_name
from cargo_static_index.protocol.semver import Comparator, Requirement, Version, parse_requirement, precedence_key

_PARTS = pattern(r"\s*```toml\r?\n(.*?)\r?\n```[^\S\n]*(?:\n|\Z)(.*)", re.DOTALL)
_HEADING = pattern(r"^#[ \t]+(.+?)[ \t\r#]*$", re.MULTILINE)
_ID = pattern(r"[A-Z][A-Z0-9]{1,15}(?:-[A-Za-z0-9]{1,20}){1,4}")
_DATE = pattern(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_URL = pattern(r"https?://[^\s\"'<>]{1,2000}")

LONGEST_TITLE = 300
"""Characters of a title that are shown; the longest of rustsec's has some 150."""


class Advisory(Struct, frozen=True, kw_only=True):
    """What is known to be wrong with versions of a crate."""

    id: str
    """Such as `RUSTSEC-2021-0001`."""
    package: str
    date: str
    """When it was reported, `YYYY-MM-DD`."""
    title: str
    """One line, not escaped."""
    url: str | None = None
    informational: str | None = None
    """`unmaintained`, `unsound`, `notice`: what is no vulnerability."""
    aliases: tuple[str, ...] = ()
    patched: tuple[Requirement, ...] = ()
    unaffected: tuple[Requirement, ...] = ()
    source: str | None = None
    """The index URL of the registry whose crate is meant, where it is said."""
    withdrawn: bool = False

    def affects(self, version: Version) -> bool:
        """Whether a version is neither patched nor unaffected.

        Requirements are ranges here, as rustsec reads them: a pre-release stands where SemVer's order puts it, and
        `^1` ends before the pre-releases of 2.0.0.
        """
        return not any(
            all(_fits(comparator, version) for comparator in requirement.comparators)
            for requirement in (*self.patched, *self.unaffected)
        )


class _Head(Struct):
    id: str
    package: str
    date: str
    title: str = ""
    url: str | None = None
    informational: str | None = None
    aliases: tuple[str, ...] = ()
    source: str | None = None
    withdrawn: str | None = None


class _Versions(Struct):
    patched: tuple[str, ...] = ()
    unaffected: tuple[str, ...] = ()


class _Block(Struct):
    advisory: _Head
    versions: _Versions = msgspec.field(default_factory=_Versions)


def parse_advisory(content: bytes) -> Advisory:
    """Read an advisory's file, or raise InvalidDocument with what is wrong."""
    try:
        parts = _PARTS.match(content.decode())
    except UnicodeDecodeError as error:
        raise InvalidDocument("it is not UTF-8") from error
    if parts is None:
        raise InvalidDocument("it does not begin with a block of TOML, ```toml to ```")
    try:
        block = msgspec.convert(rtoml.loads(parts[1]), _Block)
        patched = tuple(map(parse_requirement, block.versions.patched))
        unaffected = tuple(map(parse_requirement, block.versions.unaffected))
    except (ValueError, RecursionError, InvalidRequirement) as error:
        raise InvalidDocument(str(error)) from error
    head = block.advisory
    _check(head)
    heading = _HEADING.search(parts[2])
    title = " ".join((head.title or (heading[1] if heading else "")).split()) or head.id
    return Advisory(
        id=head.id,
        package=head.package,
        date=head.date,
        title=title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1]}…",
        url=head.url if head.url and _URL.fullmatch(head.url) else None,
        informational=head.informational,
        aliases=tuple(alias for alias in head.aliases if _ID.fullmatch(alias)),
        patched=patched,
        unaffected=unaffected,
        source=head.source,
        withdrawn=head.withdrawn is not None,
    )


def _check(head: _Head) -> None:
    if not _ID.fullmatch(head.id):
        raise InvalidDocument(f"the id {quote(head.id)} is none; one is like RUSTSEC-2021-0001")
    if not is_crate_name(head.package):
        raise InvalidDocument(f"the package {quote(head.package)} is no crate's name")
    if not _DATE.fullmatch(head.date):
        raise InvalidDocument(f"the date {quote(head.date)} is none; one is like 2021-01-31")


def _fits(comparator: Comparator, version: Version) -> bool:
    lowest = Version(
        major=comparator.major, minor=comparator.minor or 0, patch=comparator.patch or 0, pre=comparator.pre
    )
    here, low = precedence_key(version), precedence_key(lowest)
    match comparator.op:
        case ">":
            return here > low
        case ">=":
            return here >= low
        case "<":
            return here < low
        case "<=":
            return here <= low
        case "=":
            return here == low
    return low <= here < precedence_key(_end(comparator))


def _end(comparator: Comparator) -> Version:
    """Give the first version that a comparator which says both ends leaves out: the lowest pre-release of the next."""
    major, minor, patch = comparator.major, comparator.minor, comparator.patch
    if minor is None or (comparator.op == "^" and major > 0):
        return Version(major=major + 1, minor=0, patch=0, pre="0")
    if patch is None or comparator.op != "^" or minor > 0:
        return Version(major=major, minor=minor + 1, patch=0, pre="0")
    return Version(major=0, minor=0, patch=patch + 1, pre="0")
