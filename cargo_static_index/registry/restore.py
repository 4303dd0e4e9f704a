"""Bringing back lines that an index file lost: from what the state and the crate's own `index.json` know.

Whether anything was lost tree.json tells, whose digest sums up every index file. Where the index is what tree.json
says, nothing else is believed; so a build that broke off, a removal and a restored backup are not taken for damage.
"""

import hashlib
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, product
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.protocol.index_file import IndexFile, Line, parse_line
from cargo_static_index.protocol.registries import Home
from cargo_static_index.registry.drop import Drop
from cargo_static_index.registry.known import load_published
from cargo_static_index.registry.shared import IndexChange
from cargo_static_index.registry.tombstones import are_lost
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.state import Release
from cargo_static_index.store import Put, Store
from cargo_static_index.store.pauses import attempts
from cargo_static_index.tree import layout
from cargo_static_index.tree.documents import Delta, Tombstone, TreeRecord, difference, weight
from cargo_static_index.tree.read import (
    StoredValue,
    crates_with_tombstones,
    index_paths,
    is_whole,
    read_index,
    read_index_at,
    read_metadata,
    read_record,
    readable_tombstones,
    weight_of,
    whole_archive,
)
from cargo_static_index.tree.restore import SLACK, Known, Restoration, restore_lines, says

if TYPE_CHECKING:  # loaded when they are used: most commands read no metadata and no page's document
    from cargo_static_index.crate.metadata import CrateMetadata
    from cargo_static_index.site.crate_document import ReleaseSummary

Knowledge = Callable[[Store], Iterable[tuple[str, Sequence[Known]]]]
"""Gives, of a tree, each crate with the releases that are known to have stood in its index file."""

REMOVED_LOST = (
    "Tombstones of releases that were removed are lost or changed, and nothing tells which: these releases can come "
    "back. Bring the crates' `removed.json` back from a backup, or `remove` again what came back; then, or if that was "
    "meant, `rebuild` accepts the loss."
)

LOST = "The index lost the lines of releases that nobody removed: {number} of them."


def sound_index(transaction: Transaction, name: str) -> StoredValue[IndexFile]:
    """Read a crate's index file; where it lost what the state knows, the index is set right first, which is said.

    Only a state that knows the tree can tell; the tree's lock keeps out whoever could have changed the file since.
    """
    index = read_index(transaction.store, name)
    known = transaction.state.indexed.digest(index.path)
    if transaction.in_doubt or not transaction.store.locks or weight_of(index).digest == known:
        return index
    restore_index(transaction)
    recount(transaction)
    return read_index(transaction.store, name)


def restore_index(transaction: Transaction) -> None:
    """Put back all that the index lost, as far as it is known; what cannot be put back is said.

    A state that knows the tree is believed, but of files that a build was changing when it ended. Else the crates' own
    documents are, where the index is not what tree.json sums up, then the stored metadata, where these make it that.
    """
    if not transaction.in_doubt:
        changing = set(transaction.state.intents.unfinished())
        for name in list(transaction.state.published.names()):
            if not changing & {layout.index_file(name), layout.tombstones_file(name)}:
                _restore_known(transaction, name)
    elif missing_digests(transaction.store, _sum_of(transaction.store)) is not None:
        for name, releases in documented_releases(transaction.store):
            _restore(transaction, name, releases)
        _write_proven(transaction)


def trust_last_record(transaction: Transaction) -> None:
    """Where tree.json was lost or damaged, take what it said last, if what the state knows makes that very index.

    Then nobody changed the tree since, and the state is believed as ever.
    """
    last = transaction.last_record
    if last is None or not transaction.in_doubt:
        return
    total = _sum_of(transaction.store)
    for name in list(transaction.state.published.names()):
        index = read_index(transaction.store, name)
        total += IndexChange(index, _known_file(transaction, name, index).file).delta
    if _less(last.digest, total):
        return
    said, transaction.in_doubt = transaction.record, False
    transaction.update_record(lambda _: replace(last, mode=said.mode, aliases=said.aliases))
    restore_index(transaction)


def recount(transaction: Transaction, *, agreed: bool = False) -> None:
    """Count the index, and again where somebody changed it meanwhile: a count of the past would undo his."""
    for _ in attempts("the tree is"):
        before = read_record(transaction.store)
        total = load_published(transaction.state, transaction.store)
        lost = _lost(transaction, before.value, total)
        kept = not agreed and are_lost(transaction.store, before.value, total)
        if read_record(transaction.store) == before and transaction.know(
            before, total, 0 if agreed else lost, kept=kept
        ):
            if agreed and lost:
                transaction.listener.note(f"{LOST.format(number=lost)} The index counts as it stands now.")
            if kept:
                transaction.listener.warn(REMOVED_LOST)
            return


def _lost(transaction: Transaction, before: TreeRecord, total: Delta) -> int:
    """Give how many releases were counted that are not there, but for those whose removal broke off or came since."""
    missing = before.releases + (before.lost or 0) - total.releases
    if missing <= before.removed_since(total):
        return 0
    left = sum(_removals_left(transaction, name) for name in crates_with_tombstones(transaction.store))
    return max(0, missing - max(left, before.removed_since(total)))


def _removals_left(transaction: Transaction, name: str) -> int:
    """Give how many of a crate's removals took the line and left files, and so perhaps did not come to tree.json."""
    lines = {line.cksum for line in read_index(transaction.store, name).value.releases}
    stones = readable_tombstones(transaction.store, name).removed
    return sum(not (stone.kept or stone.cksum in lines) and is_left(transaction.store, name, stone) for stone in stones)


def restoration(store: Store, home: Home, name: str, file: IndexFile, known: Iterable[Known]) -> Restoration:
    """Say what a crate's index file is to be, given what is known to have stood in it."""
    removed = {stone.vers for stone in readable_tombstones(store, name).removed}
    found = restore_lines(name, file, known, removed, partial(_line_of, store, home, name))
    return replace(found, file=_without_copies(store, name, found.file)) if found.restored else found


def proven_paths(store: Store, home: Home, paths: Iterable[str], missing: Collection[int]) -> list[str]:
    """Give which index files are to say what the stored metadata make, for that is just what is `missing`.

    These are one or two of those that say something else, or all of them (`missing_digests`).
    """
    wanted: dict[int, str] = {}
    for path in paths:
        index = read_index_at(store, path)
        wanted[difference(_weight(path, made_of_metadata(store, home, index)), weight_of(index)).digest] = path
    wanted.pop(0, None)
    for digest in missing:
        if digest in wanted:
            return [wanted[digest]]
    for whole, (digest, path) in product(missing, wanted.items()):
        other = wanted.get(_rest(whole, digest))
        if other not in {None, path}:
            return sorted(filter(None, (path, other)))
    together = sum((Delta(digest=digest) for digest in wanted), Delta()).digest
    return sorted(wanted.values()) if together in missing else []


def made_of_metadata(store: Store, home: Home, index: StoredValue[IndexFile]) -> IndexFile:
    """Give the index file that the stored metadata make: what has none, or is another crate's, stays as it is."""
    return IndexFile(lines=tuple(_made_anew(store, home, index.path, line) for line in index.value.lines))


def _made_anew(store: Store, home: Home, path: str, line: Line) -> Line:
    raw = (
        _line_of(store, home, line.name, _known(line)) if line.cksum and layout.index_file(line.name) == path else None
    )
    return line if raw is None else parse_line(raw)


def _weight(path: str, file: IndexFile) -> Delta:
    return weight(path, file.format(), len(file.releases))


def documented_releases(store: Store) -> Iterator[tuple[str, tuple[Known, ...]]]:
    """Give each crate that has an index.json, and the releases that it says are published."""
    from cargo_static_index.registry.site.documents import read_crate_document
    from cargo_static_index.site.paths import crate_document

    for path in store.list(layout.CRATES):
        name = path.split("/")[1]
        document = read_crate_document(store, name) if path == crate_document(name) else None
        if document is not None:
            yield name, tuple(map(_known, document.versions))


def known_to(transaction: Transaction) -> Knowledge:
    """Give what tells of a transaction's tree what stood in its index: the state, or the crates' own documents."""
    return documented_releases if transaction.in_doubt else lambda _: _in_state_all(transaction)


class Rival(Struct, frozen=True, kw_only=True):
    """A `line` whose archive is not there whole, and the checksum of an archive of the same release that is."""

    line: Line
    cksum: str

    @property
    def is_near(self) -> bool:
        """Whether the line's checksum is the archive's, but for damage: of another archive nearly no digit is."""
        return sum(one != other for one, other in zip(self.line.cksum, self.cksum, strict=False)) <= SLACK


def rival_of(store: Store, name: str, cksum: str) -> Rival | None:
    """Give the line that speaks of an archive's release and names one that is not there whole; None where none does."""
    metadata = _stored_metadata(store, name, cksum)
    line = (
        read_index(store, name).value.find(metadata.manifest.version)
        if metadata and metadata.manifest.name == name
        else None
    )
    if line is None or not line.cksum or line.cksum == cksum or is_whole(store, name, line.cksum):
        return None
    return Rival(line=line, cksum=cksum) if is_whole(store, name, cksum) else None


def missing_digests(store: Store, total: Delta) -> frozenset[int] | None:
    """Give what the index lacks of the digests of tree.json and of pages.json, modulo 2^256, so far as these tell.

    None where the index is what tree.json sums up. Where that is lost or older, the pages still say what they show.
    """
    from cargo_static_index.registry.site.documents import shown_digest

    try:
        digests = [read_record(store).value.digest]
    except InvalidDocument:
        digests = []
    if digests and not _less(digests[0], total):
        return None
    shown = shown_digest(store)
    return frozenset(_less(digest, total) for digest in [*digests, *([shown] if shown else [])]) - {0}


def _less(digest: str, total: Delta) -> int:
    return _rest(int(digest, 16), total.digest)


def _rest(digest: int, known: int) -> int:
    """Give what of a sum is left, modulo 2^256."""
    return difference(Delta(digest=digest), Delta(digest=known)).digest


def without_restored(missing: Collection[int], restored: Delta) -> frozenset[int]:
    """Give what is missing still (`missing_digests`) once something is `restored`."""
    return frozenset(_rest(digest, restored.digest) for digest in missing) - {0}


def _write_proven(transaction: Transaction) -> None:
    """Write all index files that are proven (`proven_paths`)."""
    store, home = transaction.store, transaction.home
    missing = missing_digests(store, _sum_of(store)) or ()
    for path in proven_paths(store, home, index_paths(store) if missing else (), missing):
        index = read_index_at(store, path)
        _put_back(
            transaction, index.value.releases[0].name, index, Restoration(file=made_of_metadata(store, home, index))
        )


def set_lines_right(transaction: Transaction) -> None:
    """Have lines say the version or checksum of the archive that they name, where damage can be the only reason."""
    for path in list(index_paths(transaction.store)):
        name = path.rpartition("/")[2]
        for crate in {line.name for line in read_index(transaction.store, name).value.releases}:
            _restore(transaction, crate, _right(transaction.store, crate))


def _right(store: Store, name: str) -> list[Known]:
    """Give what the lines of a crate are to say, of those whose archives tell another version, or have another sum."""
    file = read_index(store, name).value
    found: list[Known] = []
    for line in file.releases:
        metadata = _stored_metadata(store, name, line.cksum)
        vers = metadata.manifest.version if metadata and metadata.manifest.name == name else line.vers
        if vers != line.vers and file.find(vers) is None:
            found.append(Known(vers=vers, cksum=line.cksum, yanked=line.yanked, pubtime=line.pubtime))
    for path in store.list(f"{layout.CRATES}/{name}"):
        rival = (
            rival_of(store, name, path.rpartition("/")[2].removesuffix(".crate")) if path.endswith(".crate") else None
        )
        if rival is not None and rival.is_near:
            line = rival.line
            found.append(Known(vers=line.vers, cksum=rival.cksum, yanked=line.yanked, pubtime=line.pubtime))
    return found


def put_back_archive(transaction: Transaction, path: str, drop: Drop) -> bool:
    """Put an archive back that the tree lost or that was damaged, where another file has its bytes.

    That is a file in the drop directory, or the one at the address of its version.
    """
    _, name, file = path.split("/")
    cksum = file.removesuffix(".crate")
    line = next((line for line in named_releases(transaction.store, name) if line.cksum == cksum), None)
    if line is None:
        return False
    copy = transaction.store.read(layout.version_address(name, line.vers))
    dropped = (drop.content(source) for source in transaction.state.drop_files.of_release(name, line.vers))
    for content in chain([copy.content if copy else None], dropped):
        if content is not None and hashlib.sha256(content).hexdigest() == cksum:
            return not transaction.apply([Put(path=path, content=content)])
    return False


def named_releases(store: Store, name: str) -> Iterator[Line]:
    """Give the releases of a crate that have a line, then those that were removed and are kept."""
    yield from read_index(store, name).value.releases
    yield from kept_releases(store, name)


def kept_releases(store: Store, name: str) -> Iterator[Line]:
    """Give the releases of a crate that were removed and are kept, as lines that say no more than what they are."""
    for stone in readable_tombstones(store, name).removed:
        if stone.kept and not stone.lifted:
            yield Line(raw=b"", name=name, vers=stone.vers, cksum=stone.cksum)


def _without_copies(store: Store, name: str, file: IndexFile) -> IndexFile:
    """Leave out lines of other crates that stand in their own index files too: a file was copied over another."""
    kept = (
        line
        for line in file.lines
        if line.name in {"", name} or line.raw not in {other.raw for other in read_index(store, line.name).value.lines}
    )
    return IndexFile(lines=tuple(kept))


def _in_state_all(transaction: Transaction) -> Iterator[tuple[str, tuple[Known, ...]]]:
    for name in list(transaction.state.published.names()):
        yield name, _in_state(transaction, name)


def _in_state(transaction: Transaction, name: str) -> tuple[Known, ...]:
    return tuple(map(_known, transaction.state.published.releases(name)))


def _known(release: "Release | ReleaseSummary | Line") -> Known:
    return Known(vers=release.vers, cksum=release.cksum, yanked=release.yanked, pubtime=release.pubtime)


def _is_damaged(name: str, index: StoredValue[IndexFile], known: Iterable[Known]) -> bool:
    lines = {line.vers: line for line in index.value.releases if line.name == name}
    return not all(release.vers in lines and says(lines[release.vers], release) for release in known)


def _restore(transaction: Transaction, name: str, known: Sequence[Known]) -> None:
    """Write what is known of a crate back into its index file, and say so."""
    for _ in attempts(f"the index file of {name} is"):
        index = read_index(transaction.store, name)
        if not _is_damaged(name, index, known):
            return
        found = restoration(transaction.store, transaction.home, name, index.value, known)
        if not found.restored or _put_back(transaction, name, index, found):
            _say_lost(transaction, name, found)
            return


def _restore_known(transaction: Transaction, name: str) -> None:
    """Have a crate's index file be the one that the state knows, as far as that can be made, and say so."""
    known = transaction.state.indexed.digest(layout.index_file(name))
    for _ in attempts(f"the index file of {name} is"):
        index = read_index(transaction.store, name)
        if weight_of(index).digest == known:
            return
        found = _known_file(transaction, name, index)
        if found.file != index.value and _adds_keys(index.value, found.file):
            return  # what another tool says beside stays, and counts as it stands
        if found.file == index.value or _put_back(transaction, name, index, found):
            break
    _say_lost(transaction, name, found)
    if _weight(index.path, found.file).digest != known and not found.lost:
        transaction.listener.warn(
            f"The index file of {name} was changed or damaged, and nothing tells what it said: bring it back from a "
            "backup. Until then it counts as it stands now."
        )


def _known_file(transaction: Transaction, name: str, index: StoredValue[IndexFile]) -> Restoration:
    """Give the index file that the state knows, as far as its lines and the stored metadata make it."""
    store, home, known = transaction.store, transaction.home, transaction.state.indexed.digest(index.path)
    found = restoration(store, home, name, index.value, _in_state(transaction, name))
    made = made_of_metadata(store, home, replace(index, value=found.file))
    is_known = _weight(index.path, found.file).digest != known == _weight(index.path, made).digest
    return replace(found, file=made) if is_known else found


def _adds_keys(file: IndexFile, known: IndexFile) -> bool:
    """Whether a file says all that it is known to have said, line by line, and has only more keys."""
    import json

    return len(file.lines) == len(known.lines) and all(
        line.raw == before.raw or (line.cksum and json.loads(before.raw).items() <= json.loads(line.raw).items())
        for line, before in zip(file.lines, known.lines, strict=True)
    )


def _put_back(transaction: Transaction, name: str, index: StoredValue[IndexFile], found: Restoration) -> bool:
    """Write an index file anew and say so; False where somebody else was quicker."""
    transaction.begin([IndexChange(index, found.file)])
    if not transaction.write(index.path, found.file.format(), index.stored):
        return False
    transaction.state.pages.make_stale([name])
    what = f"the lines of {', '.join(found.restored)} were" if found.restored else "what it said was"
    transaction.listener.warn(f"The index file of {name} was damaged: {what} put back.")
    return True


def _say_lost(transaction: Transaction, name: str, found: Restoration) -> None:
    for release in found.lost:
        was = f"published {release.pubtime or 'at a time that is not known'}{', and yanked' if release.yanked else ''}"
        transaction.listener.warn(
            f"The index file of {name} lost the line of {release.vers} (SHA-256 {release.cksum}, {was}), and neither "
            "archive nor metadata is there whole: `add` the archive again, which writes the line anew."
        )


def _sum_of(store: Store) -> Delta:
    return sum((weight_of(read_index_at(store, path)) for path in index_paths(store)), Delta())


def _line_of(store: Store, home: Home, name: str, known: Known) -> bytes | None:
    """Give the line that what is stored of a release makes; None where neither metadata nor archive is there whole."""
    from cargo_static_index.protocol.index_entry import format_entry
    from cargo_static_index.protocol.manifest.manifest import entry_of

    metadata = _stored_metadata(store, name, known.cksum)
    if metadata is None or (metadata.manifest.name, metadata.manifest.version) != (name, known.vers):
        return None
    entry = entry_of(metadata.manifest, cksum=metadata.cksum, home=home, pubtime=known.pubtime)
    return format_entry(replace(entry, yanked=known.yanked))


def _stored_metadata(store: Store, name: str, cksum: str) -> "CrateMetadata | None":
    try:
        metadata = read_metadata(store, name, cksum)
    except InvalidDocument:
        metadata = None
    if metadata is not None and metadata.cksum == cksum:
        return metadata
    archive = whole_archive(store, name, cksum)
    if archive is None:
        return None
    from cargo_static_index.crate.check import read_crate
    from cargo_static_index.crate.limits import Limits

    return read_crate(io.BytesIO(archive), Limits())[1]


def is_left(store: Store, name: str, stone: Tombstone) -> bool:
    """Whether anything of a removed release's files is still there."""
    return any(store.size(path) is not None for path in layout.files_of(name, stone.vers, stone.cksum))
