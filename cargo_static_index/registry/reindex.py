"""Deriving index lines anew from the metadata that are stored: after an alias came late, or the mode changed.

`pubtime`, `yanked` and keys that are not ours stay as they are in the line, and nothing moves, unless crates.io's own
lines were brought, which say otherwise. No archive is opened.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidDocument, NotHeld, SettingsError
from cargo_static_index.protocol.index_file import IndexFile, Line, derive_line, parse_line
from cargo_static_index.protocol.manifest.manifest import entry_of
from cargo_static_index.protocol.registries import Home, Mode
from cargo_static_index.registry.shared import IndexChange, crate_name
from cargo_static_index.registry.similar import hint_for
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.registry.withdraw import replace_index
from cargo_static_index.store import Store
from cargo_static_index.store.pauses import attempts
from cargo_static_index.tree import layout
from cargo_static_index.tree.read import index_paths, read_index, read_index_at, read_metadata


class LineChange(Struct, frozen=True, kw_only=True):
    """A line that would say something else: its file's path, and both lines without their newlines."""

    path: str
    name: str
    vers: str
    old: bytes
    new: bytes


class LineLeft(Struct, frozen=True, kw_only=True):
    """A line that is left as it is, and why, a sentence."""

    path: str
    name: str
    vers: str
    reason: str


Reindexed = LineChange | LineLeft


def home_for(transaction: Transaction, mode: Mode | None) -> Home:
    """Give the registry that lines are to be derived for: the transaction's, in another mode where one is asked for."""
    return replace(transaction.home, mode=mode or transaction.home.mode)


def plan_reindex(transaction: Transaction, home: Home, names: Iterable[str] = ()) -> Iterator[Reindexed]:
    """Give what would change in the lines of these crates, or of all; NotHeld for a crate that is not there."""
    for path in _paths(transaction.store, names):
        _, found = _derive_file(transaction, home, path, read_index_at(transaction.store, path).value)
        yield from found


def apply_reindex(transaction: Transaction, home: Home, names: Iterable[str] = ()) -> Iterator[Reindexed]:
    """Derive the lines of these crates, or of all, anew, and give what changed, crate by crate, once it is durable.

    Another mode is the whole registry's: SettingsError where it is asked for and names are given.
    """
    names = tuple(names)
    if names and home.mode != transaction.home.mode:
        raise SettingsError(
            f"the tree's lines were made in mode {transaction.home.mode!r}; deriving only some of them in mode "
            f"{home.mode!r} would mix both; run `reindex` without names"
        )
    for path in _paths(transaction.store, names):
        yield from _reindex(transaction, home, path)
    if home.mode != transaction.home.mode:
        transaction.update_record(lambda record: replace(record, mode=home.mode))
        transaction.home = home


def _reindex(transaction: Transaction, home: Home, path: str) -> list[Reindexed]:
    for _ in attempts(f"{path} is"):
        index = read_index_at(transaction.store, path)
        file, found = _derive_file(transaction, home, path, index.value)
        if file == index.value or replace_index(transaction, IndexChange(index, file), whole=True):
            break
    return found


def _paths(store: Store, names: Iterable[str]) -> Iterator[str]:
    """Give the index files of crates, all looked up before the first is given, or of the whole tree."""
    paths = []
    for name in names:
        if not any(line.name == name for line in read_index(store, name).value.releases):
            raise NotHeld(f"there is no crate {name!r} in this registry; {hint_for(store, name)}")
        paths.append(layout.index_file(name))
    return iter(paths) if paths else index_paths(store)


def _derive_file(transaction: Transaction, home: Home, path: str, file: IndexFile) -> tuple[IndexFile, list[Reindexed]]:
    lines = list(file.lines)
    found: list[Reindexed] = []
    name = crate_name(file)
    known = transaction.upstream.lines_of(name) if transaction.upstream and name else {}
    for place, line in enumerate(file.lines):
        upstream = known.get((line.vers, line.cksum), line)
        old = replace(line, yanked=upstream.yanked, pubtime=upstream.pubtime or line.pubtime)
        derived = _derive(transaction.store, home, old) if line.cksum else "Cargo cannot read the line."
        if isinstance(derived, str):
            found.append(LineLeft(path=path, name=line.name, vers=line.vers, reason=derived))
        elif derived != line.raw:
            found.append(LineChange(path=path, name=line.name, vers=line.vers, old=line.raw, new=derived))
            lines[place] = parse_line(derived)
    moved = [new for old, new in zip(file.lines, lines, strict=True) if old.pubtime != new.pubtime]
    kept = IndexFile(lines=tuple(line for line in lines if line not in moved))
    return kept.with_lines(moved), found


def _derive(store: Store, home: Home, line: Line) -> bytes | str:
    """Give the line that the stored metadata make, or why there is none."""
    try:
        metadata = read_metadata(store, line.name, line.cksum)
    except InvalidDocument:
        return "Its metadata cannot be read; `verify --fix` makes it anew."
    if metadata is not None and metadata.cksum != line.cksum:
        return "Its metadata is that of another archive; `verify --fix` makes it anew."
    if metadata is None:
        return "It has no metadata; `verify --fix` makes it from the archive."
    entry = entry_of(metadata.manifest, cksum=metadata.cksum, home=home)
    if (entry.name, entry.vers, entry.cksum) != (line.name, line.vers, line.cksum):
        return f"The archive that it names is that of {entry.name} {entry.vers}; `verify` says what helps."
    return derive_line(entry, line)
