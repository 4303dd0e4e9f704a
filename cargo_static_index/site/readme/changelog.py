"""The part of a CHANGELOG that is about one version, found by its headings. Text in, text out."""

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from cargo_static_index._pattern import pattern

_FENCE = pattern(r" {0,3}(`{3,}|~{3,})")
_ATX = pattern(r" {0,3}(#{1,6})(?:[ \t]+(.*))?$")
_UNDERLINE = pattern(r" {0,3}(?:(=+)|-+)[ \t]*$")
_DEFINITION = pattern(r" {0,3}\[([^\[\]]{1,200})\]:[ \t]*\S")
_LABEL = pattern(r"\[([^\[\]]{1,200})\]")
_VERSION = pattern(r"(?<![\d.])\d+\.\d+\.\d+")
_ANY_VERSION = pattern(r"(?<![\d.])\d+\.\d+")
_JOINED_BEFORE = pattern(r"[\w.]")
_JOINED_AFTER = pattern(r"\w|[.+-]\w")
_MARKS = frozenset("#`~=-")
"""What lines begin with that make headings and fences. Most lines need no closer look."""

LONGEST_WHOLE = 64 * 1024
"""Characters of a CHANGELOG that is shown whole, with every version, because its headings name none."""


class _Heading(NamedTuple):
    """A heading: its first line and the line after it, counted from 0, its level and its text."""

    line: int
    after: int
    level: int
    text: str


def changelog_part(source: str, vers: str) -> str | None:
    """Give what to show of a CHANGELOG with a version: its section, or all of it where no heading names any version.

    None where the headings name others only, or where all of it would be long.
    """
    section = changelog_section(source, vers)
    if section is not None or len(source) > LONGEST_WHOLE:
        return section
    named = any(_ANY_VERSION.search(heading.text) for heading in _headings(source.splitlines()))
    return None if named or not source.strip() else source


def changelog_section(source: str, vers: str) -> str | None:
    """Give the Markdown under the heading of this version, without the heading, or None where there is none.

    Headings are those of Markdown: `## [1.2.3] - 2024-01-02`, `## v1.2.3`, `# foo 1.2.3`, or a line with `===` or
    `---` below. The first version in the heading must be this one. The section ends at the next heading of the same
    or a higher level, or, if it would be empty then, at the next that names a version. Link definitions that it uses
    and that stand elsewhere come at its end.
    """
    lines = source.splitlines()
    # A CHANGELOG seldom names build metadata, and some leave out a last number that is 0.
    plain = vers.partition("+")[0]
    short = plain if "-" in plain else plain.removesuffix(".0")
    for wanted in dict.fromkeys((vers, plain, short)):
        if wanted in source:
            headings = _headings(lines)  # as they are asked for: what is looked for mostly stands near the top
            own = next((heading for heading in headings if _first_version_is(heading.text, wanted)), None)
            if own is not None:
                return _body(lines, own, headings)
    return None


def _first_version_is(text: str, vers: str) -> bool:
    at = text.find(vers)
    while at >= 0:
        # A letter before it is the `v` of a tag or belongs to another word; a `-2` after it makes another version.
        begin = at - 1 if text[at - 1 : at] in {"v", "V"} else at
        if not _JOINED_BEFORE.match(text[begin - 1 : begin]) and not _JOINED_AFTER.match(text, at + len(vers)):
            return _VERSION.search(text, 0, begin) is None
        at = text.find(vers, at + 1)
    return False


def _headings(lines: list[str]) -> Iterator[_Heading]:
    fence = ""
    for at, line in enumerate(lines):
        if line.lstrip(" ")[:1] not in _MARKS:
            continue
        mark = _FENCE.match(line)
        if mark is not None and not fence:
            fence = mark[1]
        elif mark is not None and mark[1].startswith(fence) and not line[mark.end() :].strip():
            fence = ""
        elif not fence and (atx := _ATX.match(line)):
            yield _Heading(at, at + 1, len(atx[1]), atx[2] or "")
        elif not fence and at and lines[at - 1].strip() and (under := _UNDERLINE.match(line)):
            yield _Heading(at - 1, at + 1, 1 if under[1] else 2, lines[at - 1])


def _body(lines: list[str], own: _Heading, later: Iterator[_Heading]) -> str | None:
    """Give what stands between a heading and the next of the `later` ones that is not below it."""
    other = next((other for other in later if other.level <= own.level), None)
    if other is not None and not "".join(lines[own.after : other.line]).strip():
        other = next((other for other in chain((other,), later) if _ANY_VERSION.search(other.text)), None)
    end = len(lines) if other is None else other.line
    body = "\n".join(lines[own.after : end]).strip("\n")
    if not body.strip():
        return None
    used = {label.casefold() for label in _LABEL.findall(body)}
    elsewhere = [
        line
        for line in ((*lines[: own.line], *lines[end:]) if used else ())
        if "]:" in line and (found := _DEFINITION.match(line)) and found[1].casefold() in used
    ]
    return "\n".join((body, "", *elsewhere)) if elsewhere else body
