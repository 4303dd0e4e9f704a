"""Which lines an index file lost: what is proven to have been published, held against what the file says.

Only what stood in the index proves a release: the state's rows, and the crate's own `index.json`. An archive and its
metadata alone prove nothing, for they come before the line.
"""

from collections.abc import Callable, Collection, Iterable

from msgspec import Struct

from cargo_static_index.protocol.index_file import IndexFile, Line, parse_line

_YANKED = b'"yanked":'
"""What every line of ours has: where it is missing, the key is damaged."""

SLACK = 4
"""Bytes in which a damaged line may differ from the one that it was."""


class Known(Struct, frozen=True, kw_only=True):
    """A release that stood in the index, and what its line said that no archive says."""

    vers: str
    cksum: str
    yanked: bool = False
    pubtime: str | None = None


class Restoration(Struct, frozen=True, kw_only=True):
    """The index file as it is to be, the versions whose lines come back or are set right, and what cannot be."""

    file: IndexFile
    restored: tuple[str, ...] = ()
    lost: tuple[Known, ...] = ()


def restore_lines(
    name: str,
    file: IndexFile,
    known: Iterable[Known],
    removed: Collection[str],
    line_of: Callable[[Known], bytes | None],
) -> Restoration:
    """Say what the index file of the crate `name` is to be, given all that is `known` to have stood in it.

    That is less what was `removed`. A line whose checksum is right keeps its bytes, but for `yanked` and `pubtime`.
    `line_of` makes a line anew from what is stored of a release, None where that is not there. What is left of damaged
    lines goes, all else stays.
    """
    restored: list[str] = []
    lost: list[Known] = []
    new: list[Line] = []
    for release in known:
        line = file.find(release.vers)
        line = line if line is not None and line.name == name else None
        if release.vers in removed or (line is not None and says(line, release)):
            continue
        if line is not None and _YANKED in line.raw and (line.cksum, line.pubtime) == (release.cksum, release.pubtime):
            file = file.with_yanked(release.vers, yanked=release.yanked)
        elif (raw := line_of(release)) is None:
            lost.append(release)
            continue
        else:
            new.append(parse_line(raw))
        restored.append(release.vers)
    return Restoration(file=_replaced(file, new) if new else file, restored=tuple(restored), lost=tuple(lost))


def says(line: Line, known: Known) -> bool:
    """Whether a line says of a release what is known of it."""
    return (line.cksum, line.yanked, line.pubtime) == (known.cksum, known.yanked, known.pubtime)


def _replaced(file: IndexFile, new: list[Line]) -> IndexFile:
    """Put lines in, and take out what is left of them."""
    versions = {line.vers for line in new}
    checksums = {line.cksum for line in new}
    kept = (
        line
        for line in file.lines
        if line.vers not in versions
        and line.cksum not in checksums
        and (line.cksum or not any(_is_left_of(line.raw, whole.raw) for whole in new))
    )
    return IndexFile(lines=tuple(kept)).with_lines(new)


def _is_left_of(damaged: bytes, whole: bytes) -> bool:
    """Whether a line that nobody can read is what a cut, a changed byte or a lost newline made of a whole one."""
    if whole.startswith(damaged) or whole.endswith(damaged):
        return True
    return _common(damaged, whole) + _common(damaged[::-1], whole[::-1]) >= len(whole) - SLACK


def _common(one: bytes, other: bytes) -> int:
    """Give how many bytes two lines have in common at the start."""
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
