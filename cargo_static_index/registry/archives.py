"""Archives that are given as values, and releases that go from one tree into another."""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index.crate.policy import Policy
from cargo_static_index.diagnostics.errors import InvalidIndexLine, InvalidInput, NotHeld, StoreError
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.protocol.index_entry import parse_entry, parse_pubtime
from cargo_static_index.protocol.index_file import Line
from cargo_static_index.registry.missing import needed_here, versions_held
from cargo_static_index.registry.read import Reader
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.registry.upstream import as_published
from cargo_static_index.registry.withdraw import Spec
from cargo_static_index.store import Store
from cargo_static_index.store.local.folders import failure
from cargo_static_index.tree import layout
from cargo_static_index.tree.missing import missing_of, satisfied
from cargo_static_index.tree.read import read_index, say_removed

_CHUNK = 1 << 20


class GivenArchive(Struct, frozen=True, kw_only=True):
    """An archive to publish: `content` is its bytes, the path of a file, or a binary stream, read from where it is.

    `name` is what its file would be called, which is held against what is in it; "" says nothing. `pubtime`
    (`YYYY-MM-DDTHH:MM:SSZ`) and `yanked` are for a release that was published elsewhere before; without a `pubtime`
    it is published at the clock of the registry's options.
    """

    content: bytes | Path | BinaryIO
    name: str = ""
    pubtime: str | None = None
    yanked: bool = False


def read_archives(transaction: Transaction, archives: Sequence[GivenArchive], policy: Policy) -> None:
    """Read and check archives, and stage them; InvalidInput for a `pubtime` or content that is none."""
    for archive in archives:
        _check_given(archive)
    reader = Reader(policy=policy, stage=str(transaction.stage), pubtime=transaction.pubtime)
    for number, archive in enumerate(archives):
        source = archive.name or (str(archive.content) if isinstance(archive.content, Path) else f"archive {number}")
        transaction.listener.reading(escape(source))
        staged = f"archive-{number}"
        _stage(archive.content, transaction.stage / staged, policy.limits.packed_bytes + 1)
        candidate = reader.read_staged(staged, archive.name or Path(source).name)
        candidate = replace(candidate, file=replace(candidate.file, source=escape(source)))
        if archive.pubtime is not None or archive.yanked:
            candidate = as_published(candidate, pubtime=archive.pubtime, yanked=archive.yanked)
        transaction.state.candidates.add([candidate])


def _check_given(archive: GivenArchive) -> None:
    if not (isinstance(archive.content, bytes | Path) or hasattr(archive.content, "read")):
        kind = type(archive.content).__name__
        raise InvalidInput(f"`content` is of the type `{kind}`, and must be bytes, a `Path` or a stream of bytes")
    try:
        if archive.pubtime is not None:
            parse_pubtime(archive.pubtime)
    except InvalidIndexLine as error:
        raise InvalidInput(f"{archive.pubtime!r} is no `pubtime`: write it as 2026-05-15T08:30:00Z") from error


def _stage(content: bytes | Path | BinaryIO, staged: Path, left: int) -> None:
    """Copy what can be read of an archive; one byte too many tells the reader that it is too large."""
    try:
        source = io.BytesIO(content) if isinstance(content, bytes) else content
        with staged.open("xb") as copy, source.open("rb") if isinstance(source, Path) else source as stream:
            while left > 0 and (chunk := stream.read(min(left, _CHUNK))):
                if not isinstance(chunk, bytes):
                    raise InvalidInput("the stream gives text, and must give bytes; open files with 'rb'")
                left -= len(chunk)
                copy.write(chunk)
    except OSError as error:
        raise failure("read", content if isinstance(content, Path) else staged, error) from error


def released_archives(store: Store, specs: Iterable[Spec]) -> list[GivenArchive]:
    """Give the archives of releases that a tree holds, of a whole crate where no version is named.

    Each has the time and the yank of its line. NotHeld for what is not there, StoreError for a lost archive.
    """
    return [_archive_of(store, line) for spec in specs for line in lines_of(store, spec)]


def lines_of(store: Store, spec: Spec) -> list[Line]:
    """Give the lines that are meant, or raise NotHeld."""
    lines = [line for line in read_index(store, spec.name).value.releases if line.name == spec.name]
    found = [line for line in lines if spec.vers in {"", line.vers}]
    if not found:
        held = ", ".join(line.vers for line in lines[-5:])
        hint = say_removed(store, spec.name, spec.vers) or (f"held: {held}" if held else "no version of it is held")
        raise NotHeld(f"there is no release {spec} to promote; {hint}")
    return found


def _archive_of(store: Store, line: Line) -> GivenArchive:
    stored = store.read(layout.archive_file(line.name, line.cksum))
    if stored is None:
        raise StoreError(f"the archive of {line.name} {line.vers} is missing at the source; `verify` it")
    name = f"{line.name}-{line.vers}.crate"
    return GivenArchive(content=stored.content, name=name, pubtime=line.pubtime, yanked=line.yanked)


class LeftBehind(Struct, frozen=True, kw_only=True):
    """What a promoted release needs and the target does not hold: `held` are the source's versions that would do."""

    name: str
    version: str
    needs: str
    requirement: str
    held: tuple[str, ...]


def left_behind(source: Store, target: Store, specs: Iterable[Spec]) -> list[LeftBehind]:
    """Give what else would have to come along: dependencies of the same registry that no version there satisfies.

    Those that are optional, or for tests, are left out: a client can do without.
    """
    lines = [line for spec in specs for line in lines_of(source, spec)]
    coming: dict[str, list[str]] = {}
    for line in lines:
        coming.setdefault(line.name, []).append(line.vers)
    found: list[LeftBehind] = []
    for line in lines:
        needs = needed_here(parse_entry(line.raw).deps)
        held = {name: [*coming.get(name, ()), *versions_held(target, name)] for name, _ in needs}
        for name, requirement in sorted(missing_of(needs, held)):
            would = tuple(vers for vers in versions_held(source, name) if satisfied(requirement, [vers]))
            found.append(LeftBehind(name=line.name, version=line.vers, needs=name, requirement=requirement, held=would))
    return found
