"""Whether a tree is sound: what clients read, held against what archives say, and nothing that nobody names.

Looking reads the tree as it stands, through no session and no catalogue, so that nothing is mended on the way; each
finding that can be mended without changing a release carries how. One crate at a time is held in memory.
"""

import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index import layout
from cargo_static_index.changes import archive_and_facts
from cargo_static_index.errors import InvalidConfig, InvalidDocument, InvalidIndexLine
from cargo_static_index.facts import Facts, format_facts, parse_facts
from cargo_static_index.limits import Limits
from cargo_static_index.protocol.config import base_url_of
from cargo_static_index.protocol.index import Dependency, Entry, IndexFile, Line, parse_entry, sort_dependencies
from cargo_static_index.protocol.manifest import entry_of
from cargo_static_index.protocol.names import index_path
from cargo_static_index.protocol.registries import CRATES_IO, Home, is_home
from cargo_static_index.protocol.versions import parse_version, without_build
from cargo_static_index.record import Delta
from cargo_static_index.recovery import finish_removal, reconcile
from cargo_static_index.release import Policy, read_release
from cargo_static_index.session import Session
from cargo_static_index.store import Delete, Put, Store
from cargo_static_index.tree import index_paths, read_config, read_index, read_index_at, read_record, read_tombstones

FindingId = Literal[
    "archive-damaged",
    "archive-missing",
    "archive-unread",
    "config-wrong",
    "facts-missing",
    "facts-wrong",
    "file-stray",
    "file-unnamed",
    "line-differs",
    "line-misplaced",
    "line-unreadable",
    "lines-unordered",
    "name-collision",
    "record-wrong",
    "removal-unfinished",
    "tombstones-unreadable",
    "version-duplicate",
]
Level = Literal["error", "warn"]
Mending = Literal["write-facts", "delete", "finish-removal", "recount"]

_WAYS_OUT: dict[FindingId, str] = {
    "archive-damaged": "Put the release's own archive back with `cargo-static-index add FILE`, or remove the release.",
    "archive-missing": "Put the release's own archive back with `cargo-static-index add FILE`, or remove the release.",
    "archive-unread": "Remove the release, or read its pages with care; newer rules may refuse what older ones took.",
    "config-wrong": "Run `cargo-static-index build`, which writes config.json; a foreign one needs `--move`.",
    "facts-missing": "Run `cargo-static-index verify --fix`, which reads them from the archive again.",
    "facts-wrong": "Run `cargo-static-index verify --fix`, which reads them from the archive again.",
    "file-stray": "Move the file out of the tree.",
    "file-unnamed": "Run `cargo-static-index verify --fix`, which deletes it; no client can ask for it.",
    "line-differs": "Run `cargo-static-index reindex`, which shows the difference and derives the line anew.",
    "line-misplaced": "Take the line out of this file; cargo ignores it there.",
    "line-unreadable": "Take the line out of the file if nobody needs it; cargo skips it or calls it invalid.",
    "lines-unordered": "None is needed: cargo does not mind.",
    "name-collision": "Remove one of the two crates.",
    "record-wrong": "Run `cargo-static-index verify --fix`, which counts anew.",
    "removal-unfinished": "Run `cargo-static-index verify --fix`, or any pass, which finishes it.",
    "tombstones-unreadable": "Bring the file back from a backup; without it removed releases can come back.",
    "version-duplicate": "Take one of the lines out of the file: cargo cannot tell them apart.",
}
_WARNINGS: frozenset[FindingId] = frozenset({"line-unreadable", "lines-unordered"})

_KINDS = (".crate", ".json", ".html", ".xml")
"""How the files below `crates/` end: archives, facts and tombstones, pages and feeds."""

_cksum_of = re.compile(r"([0-9a-f]{64})\.(crate|json)").fullmatch


class Finding(Struct, frozen=True, kw_only=True):
    """One thing found wrong in a tree: where, the whole sentence, and the way out.

    `mending` is what `mend` would do, None where only a person can decide; `fixed` says that it was done.
    """

    id: FindingId
    level: Level
    path: str
    message: str
    way_out: str
    mending: Mending | None = None
    fixed: bool = False


def verify_tree(store: Store, home: Home, limits: Limits, *, quick: bool = False) -> Iterator[Finding]:
    """Look at a whole tree, and give what is wrong as it is found; nothing is changed.

    `quick` looks at presence and sizes only and opens no archive. While another process publishes, files that it has
    written already and not yet named are found too.
    """
    yield from check_config(store)
    yield from _check_tombstones(store)
    total = Delta()
    for path in index_paths(store):
        index = read_index_at(store, path)
        total += index.weight
        yield from _Crate(store, home, limits, path, index.file, quick=quick).findings()
    yield from _check_crates(store)
    yield from _check_strays(store)
    yield from _check_record(store, total)


def mend(session: Session, finding: Finding, limits: Limits) -> Finding:
    """Mend what a finding names where that changes no release, and say so; the session keeps other writers out."""
    name = finding.path.split("/")[1] if finding.path.startswith(f"{layout.CRATES}/") else ""
    if finding.mending == "write-facts":
        fixed = _write_facts(session, finding.path, limits)
    elif finding.mending == "delete":
        fixed = not session.apply([Delete(path=finding.path)])
    elif finding.mending == "finish-removal":
        fixed = finish_removal(session, name)
    elif finding.mending == "recount":
        reconcile(session)
        fixed = True
    else:
        fixed = False
    return replace(finding, fixed=fixed)


def _write_facts(session: Session, path: str, limits: Limits) -> bool:
    stored = session.store.read(path.removesuffix(".json") + ".crate")
    facts = _facts_in(stored.content, limits) if stored else None
    return facts is not None and not session.apply([Put(path=path, content=format_facts(facts))])


def _found(kind: FindingId, path: str, message: str, mending: Mending | None = None) -> Finding:
    level: Level = "warn" if kind in _WARNINGS else "error"
    return Finding(id=kind, level=level, path=path, message=message, way_out=_WAYS_OUT[kind], mending=mending)


def _facts_in(archive: bytes, limits: Limits) -> Facts | None:
    """Read the facts of an archive, whatever policies would say of it today; None where none can be made of it."""
    return read_release(io.BytesIO(archive), Policy(limits=limits)).facts


# One crate -------------------------------------------------------------------------------------------------


class _Crate:
    """An index file, and the archives and facts that its lines name."""

    def __init__(self, store: Store, home: Home, limits: Limits, path: str, file: IndexFile, *, quick: bool) -> None:
        self._store = store
        self._home = home
        self._limits = limits
        self._path = path
        self._file = file
        self._quick = quick

    def findings(self) -> Iterator[Finding]:
        yield from self._check_lines()
        for line in self._file.releases:
            if self._is_here(line):
                yield from self._check_quickly(line) if self._quick else self._check_wholly(line)

    def _is_here(self, line: Line) -> bool:
        return f"{layout.INDEX}/{index_path(line.name)}" == self._path

    def _check_lines(self) -> Iterator[Finding]:
        seen: set[str] = set()
        for number, line in enumerate(self._file.lines, 1):
            if not line.cksum:
                yield _found("line-unreadable", self._path, f"Cargo cannot read line {number}.")
            elif not self._is_here(line):
                message = f"Line {number} is of {line.name!r}, for which cargo never asks here."
                yield _found("line-misplaced", self._path, message)
            if line.vers and without_build(line.vers) in seen:
                message = f"Line {number} is a second line of version {without_build(line.vers)}."
                yield _found("version-duplicate", self._path, message)
            seen.add(without_build(line.vers))
        names = {line.name for line in self._file.releases if self._is_here(line)}
        if len(names) > 1:
            message = f"The lines are of crates that differ only in case: {', '.join(sorted(names))}."
            yield _found("line-misplaced", self._path, message)
        yield from self._check_names(names)
        places = [(line.pubtime or "", parse_version(line.vers)) for line in self._file.releases]
        if places != sorted(places):
            message = "The lines do not stand in order of publication and version."
            yield _found("lines-unordered", self._path, message)

    def _check_names(self, names: Iterable[str]) -> Iterator[Finding]:
        """Find a crate whose name is the same but for `-` and `_`, of those that cargo would look for."""
        for name in names:
            for other in {name.replace("-", "_"), name.replace("_", "-")}:
                path = layout.index_file(other)
                if path < self._path and self._store.size(path) is not None:
                    message = f"There are both `{other}` and `{name}`; cargo takes one for a misspelling of the other."
                    yield _found("name-collision", self._path, message)

    def _check_quickly(self, line: Line) -> Iterator[Finding]:
        archive, facts_path = archive_and_facts(line.name, line.cksum)
        size = self._store.size(archive)
        stored = self._store.read(facts_path)
        if size is None:
            yield _archive_missing(line, archive)
        if stored is None:
            yield _facts_missing(line, facts_path, mendable=size is not None)
            return
        facts = _parsed(stored.content)
        if facts is None or facts.cksum != line.cksum:
            yield _facts_wrong(line, facts_path, mendable=size is not None)
        elif size not in {None, facts.packed_size}:
            message = f"The archive of {line.name} {line.vers} has {size} bytes instead of {facts.packed_size}."
            yield _found("archive-damaged", archive, message)

    def _check_wholly(self, line: Line) -> Iterator[Finding]:
        archive, facts_path = archive_and_facts(line.name, line.cksum)
        held = self._store.read(facts_path)
        facts = _parsed(held.content) if held else None
        stored = self._store.read(archive)
        read = None
        if stored is None:
            yield _archive_missing(line, archive)
        elif (cksum := hashlib.sha256(stored.content).hexdigest()) != line.cksum:
            message = f"The archive of {line.name} {line.vers} has SHA-256 {cksum} instead of {line.cksum}."
            yield _found("archive-damaged", archive, message)
        elif (read := _facts_in(stored.content, self._limits)) is None:
            message = f"Nothing can be said of the archive of {line.name} {line.vers}: it breaks rules of today."
            yield _found("archive-unread", archive, message)
        if held is None:
            yield _facts_missing(line, facts_path, mendable=read is not None)
        elif facts is None or (read is not None and not _same(facts, read)):
            yield _facts_wrong(line, facts_path, mendable=read is not None)
        if (says := read or facts) is not None and self._differs(line, says):
            message = f"The line of {line.name} {line.vers} does not say what the archive says."
            yield _found("line-differs", self._path, message)

    def _differs(self, line: Line, facts: Facts) -> bool:
        """Whether a line says something else than its archive, what only the registry says of it aside."""
        try:
            found = parse_entry(line.raw)
        except InvalidIndexLine:
            return True
        expected = entry_of(facts.manifest, cksum=facts.cksum, home=self._home, pubtime=found.pubtime)
        return self._comparable(found) != self._comparable(expected)

    def _comparable(self, entry: Entry) -> Entry:
        # A line made before this registry moved, or before an alias was set, may name the registry itself.
        deps = sort_dependencies(self._of_home(each) for each in entry.deps)
        return replace(entry, deps=deps, yanked=False)

    def _of_home(self, dependency: Dependency) -> Dependency:
        url = dependency.registry
        at_home = url is not None and url != CRATES_IO and is_home(url, self._home)
        return replace(dependency, registry=None) if at_home else dependency


def _archive_missing(line: Line, path: str) -> Finding:
    return _found("archive-missing", path, f"The archive of {line.name} {line.vers} is not there.")


def _facts_missing(line: Line, path: str, *, mendable: bool) -> Finding:
    message = f"The facts of {line.name} {line.vers} are not there."
    return _found("facts-missing", path, message, "write-facts" if mendable else None)


def _facts_wrong(line: Line, path: str, *, mendable: bool) -> Finding:
    message = f"The facts of {line.name} {line.vers} are not what its archive says."
    return _found("facts-wrong", path, message, "write-facts" if mendable else None)


def _parsed(content: bytes) -> Facts | None:
    try:
        return parse_facts(content)
    except InvalidDocument:
        return None


def _same(facts: Facts, read: Facts) -> bool:
    """Whether facts are the same; the limit for documents, which decides whose text is there, may have changed."""
    if facts == read:
        return True
    for field in ("readme", "changelog"):
        one, other = getattr(facts, field), getattr(read, field)
        if one and other and "too-large" in {one.missing, other.missing}:
            facts, read = replace(facts, **{field: None}), replace(read, **{field: None})
    return facts == read


# The tree as a whole ---------------------------------------------------------------------------------------


def check_config(store: Store) -> Iterator[Finding]:
    """Give what is wrong with config.json."""
    try:
        config = read_config(store)
    except InvalidConfig as error:
        yield _found("config-wrong", layout.CONFIG, f"{error}.")
        return
    if config is None:
        yield _found("config-wrong", layout.CONFIG, "There is no config.json, so cargo cannot use the registry.")
    elif base_url_of(config) is None:
        message = f"config.json sends cargo to {config.dl!r} for archives, not to this tree."
        yield _found("config-wrong", layout.CONFIG, message)


def _check_tombstones(store: Store) -> Iterator[Finding]:
    for path in store.list(layout.CRATES):
        name = _crate_of(path)
        if name is None or path != layout.tombstones_file(name):
            continue
        try:
            stones = read_tombstones(store, name).tombstones
        except InvalidDocument as error:
            yield _found("tombstones-unreadable", path, f"{error}.")
            continue
        file = read_index(store, name).file
        for stone in stones.removed:
            line = file.find(stone.vers)
            if line is not None and line.cksum == stone.cksum:
                message = f"{name} {stone.vers} was {'brought back' if stone.lifted else 'removed'}, but not wholly."
                yield _found("removal-unfinished", path, message, "finish-removal")


def _check_crates(store: Store) -> Iterator[Finding]:
    """Hold the files beside each crate's archives against its lines."""
    for name, paths in groupby(store.list(layout.CRATES), key=_crate_of):
        if name is None:
            continue  # `_check_strays` names them
        named, lines = _named(store, name)
        for path in paths:
            kind = _cksum_of(path.rpartition("/")[2])
            if kind is None or path.count("/") != 2 or kind[1] in named or kind[1].encode() in lines:
                continue
            what = "archive" if kind[2] == "crate" else "facts document"
            yield _found("file-unnamed", path, f"No line of {name} names this {what}.", "delete")


def _named(store: Store, name: str) -> tuple[frozenset[str], bytes]:
    """Give the checksums that a crate's lines name, and the lines that cannot be read, which may name some too."""
    file = read_index(store, name).file
    named = frozenset(line.cksum for line in file.releases if line.name == name)
    return named, b"".join(line.raw for line in file.lines if not line.cksum)


def _crate_of(path: str) -> str | None:
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else None


def _check_strays(store: Store) -> Iterator[Finding]:
    for path in store.list(layout.INDEX):
        name = path.rpartition("/")[2]
        page = path.count("/") < 2 and path.endswith((".json", ".html"))
        if not page and path != layout.index_file(name):
            yield _found("file-stray", path, "This is no crate's index file: cargo never asks for it.")
    for path in store.list():
        if path.endswith(".crate") and not _is_archive(path):
            yield _found("file-stray", path, "This archive lies where no line can name it.")
        elif path.startswith(f"{layout.CRATES}/") and not path.endswith(_KINDS):
            yield _found("file-stray", path, "This is neither an archive, nor facts, nor a page.")


def _is_archive(path: str) -> bool:
    name = _crate_of(path)
    return name is not None and path.startswith(f"{layout.CRATES}/") and bool(_cksum_of(path.split("/", 2)[2]))


def _check_record(store: Store, total: Delta) -> Iterator[Finding]:
    try:
        record = read_record(store).record
    except InvalidDocument as error:
        yield _found("record-wrong", layout.RECORD, f"{error}.")
        return
    counted = record.counting(total)
    if counted != record:
        message = (
            f"tree.json says {record.crates} crates, {record.releases} releases and digest {record.digest}; "
            f"the index has {counted.crates}, {counted.releases} and {counted.digest}."
        )
        yield _found("record-wrong", layout.RECORD, message, "recount")
