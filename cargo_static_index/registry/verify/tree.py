"""Whether a tree is sound: what clients read, held against what archives say, and nothing that nobody names.

Looking reads the tree as it stands, through no transaction and no state, so that nothing is mended on the way; each
finding that can be mended without changing a release carries how. One crate at a time is held in memory.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import groupby

from msgspec import UNSET, Struct
from msgspec.structs import replace

from cargo_static_index._pattern import pattern
from cargo_static_index.crate.limits import Limits
from cargo_static_index.crate.metadata import format_metadata
from cargo_static_index.diagnostics.errors import InvalidConfig, InvalidDocument, NewerFormat
from cargo_static_index.diagnostics.problems import Finding, found
from cargo_static_index.protocol.config import base_url_of
from cargo_static_index.protocol.index_file import IndexFile
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.protocol.registries import Home
from cargo_static_index.registry.drop import Drop
from cargo_static_index.registry.kept import check_kept, restore_kept
from cargo_static_index.registry.owners import check_owners_files, restore_owners
from cargo_static_index.registry.restore import (
    Knowledge,
    Rival,
    documented_releases,
    is_left,
    kept_releases,
    made_of_metadata,
    missing_digests,
    named_releases,
    proven_paths,
    put_back_archive,
    recount,
    restoration,
    restore_index,
    rival_of,
    set_lines_right,
    sound_index,
    without_restored,
)
from cargo_static_index.registry.shared import IndexChange, stamp
from cargo_static_index.registry.site.check import check_pages
from cargo_static_index.registry.tombstones import are_lost, restore_tombstones, summed_tombstones
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.registry.verify.crates import IndexCheck, metadata_in, verify_kept
from cargo_static_index.registry.verify.work import HERE, Work
from cargo_static_index.site.compressed import original_of
from cargo_static_index.store import Delete, Put, Store
from cargo_static_index.tree import layout
from cargo_static_index.tree.documents import Delta, Tombstone
from cargo_static_index.tree.kept import first_to_go
from cargo_static_index.tree.read import (
    crates_with_tombstones,
    index_paths,
    is_whole,
    read_config,
    read_index,
    read_index_at,
    read_record,
    read_tombstones,
    readable_tombstones,
)
from cargo_static_index.tree.restore import Known

_KINDS = (".crate", ".json", ".html", ".xml")
"""How the files below `crates/` end: archives, metadata and tombstones, pages and feeds."""

_SHOWN = pattern(r"[^/]+/(?:source/[^/]+\.txt|images/[0-9a-f]{32}\.[a-z]{3,4})")
"""What pages show of the archive of a release."""

_DOCUMENTS = ("index.json", "owners.json", "owners-copy.json", "removed.json")
"""The JSON documents beside a crate's metadata, but for the list of its dependents."""

_LINES_LOST = (
    "Bring the index file back from a backup, or `add` the archive, which writes its line again, and verify once more. "
    "`cargo-static-index rebuild` accepts the loss; `verify --fix` then deletes what no line names."
)

_RECORD_DAMAGED = (
    "Run `cargo-static-index verify --fix`, which makes it anew from what the state knows; where that is lost, too, "
    "set `mode`, and `aliases` if the registry was moved, in `[registry]` first."
)

_CKSUM = pattern(r"([0-9a-f]{64})\.(crate|json)")


def verify_tree(
    store: Store,
    home: Home,
    limits: Limits,
    *,
    known: Knowledge | None = None,
    quick: bool = False,
    deep: bool = True,
    pages: bool = True,
    addresses: bool = False,
    work: Work = HERE,
    names: Collection[str] | None = None,
) -> Iterator[Finding]:
    """Look at a whole tree, and give what is wrong as it is found; nothing is changed.

    `known` tells what is known to have stood in the index; without it the crates' own documents do.

    `quick` looks at presence and sizes only and opens no archive; nor is one opened unless `deep`. `pages` are looked
    at where they are wanted, and so are the `addresses` of versions.
    While another process publishes, files that it has written already and not yet named are found too. `work` says
    which archives are opened, in which processes, and who hears how far it is. Of `names`, only these crates are looked
    at, and nothing that sums up all of them.
    """
    check = IndexCheck(
        open_tree=work.opener(store),
        home=home,
        limits=limits,
        quick=quick,
        deep=deep,
        addresses=addresses,
        share=work.share,
        opened=work.opened,
    )
    if names is not None:
        yield from _verify_named(store, check, names)
        if pages:
            yield from check_pages(store, quick=quick, names=names)
        return
    yield from check_config(store)
    with_tombstones = list(crates_with_tombstones(store))
    yield from _check_tombstones(store, map(layout.tombstones_file, with_tombstones))
    yield from check_kept(store, with_tombstones)
    yield from _check_kept_archives(check, store, with_tombstones)
    buried = summed_tombstones(store, with_tombstones)
    total = Delta()
    for weight, findings, last in work.done(store, check.look, index_paths(store)):
        total += weight
        work.seen(last, findings)
        yield from findings
    lines_lost: list[Finding] = []
    missing = missing_digests(store, total)
    if missing is not None:
        # Listed before the first is told: what mends one of them mends all.
        lines_lost = list(_check_lost_lines(store, home, (known or documented_releases)(store), missing))
    yield from lines_lost
    told = {finding.path for finding in lines_lost}
    total += buried
    yield from _check_removed(store, total)
    lost = _lines_are_lost(store, total)
    unnamed = 0
    strays: list[Finding] = []
    files = _FilesCheck(open_tree=work.opener(store), told=frozenset(told), lost=lost, addresses=addresses)
    for findings, odd in work.judged(store, files.look, _files_of_crates(store, strays)):
        unnamed += sum(finding.fix is None for finding in findings)
        strays += odd
        yield from findings
    yield from _check_index_strays(store)
    # In their order, however far ahead of the processes the tree was listed.
    yield from sorted(strays, key=lambda stray: stray.path)
    yield from _check_record(store, total, lost=lost and unnamed > 0)
    if pages:
        yield from check_pages(store, quick=quick, work=work)


def _verify_named(store: Store, check: IndexCheck, names: Collection[str]) -> Iterator[Finding]:
    """Look at single crates: at their lines and what these name, and at what lies beside that."""
    files = [path for name in sorted(names) for path in store.list(f"{layout.CRATES}/{name}")]
    yield from _check_tombstones(store, files)
    yield from check.look(sorted({layout.index_file(name) for name in names}))[1]
    yield from _check_kept_archives(check, store, sorted(names))
    yield from _check_crates(store, files, (), lost=False, addresses=check.addresses)


def mend(transaction: Transaction, finding: Finding, limits: Limits, drop: Drop) -> Finding:
    """Mend what a finding names where that changes no release, and say so; the transaction keeps other writers out.

    Lost archives are taken from the `drop` directory, where the very bytes lie there.
    """
    if finding.fix == "write-metadata":
        fixed = _write_metadata(transaction, finding.path, limits)
    elif finding.id in {"archive-missing", "archive-damaged"}:
        fixed = put_back_archive(transaction, finding.path, drop)
    elif finding.fix == "write-address":
        fixed = _write_address(transaction, finding.path)
    elif finding.fix == "delete":
        fixed = not transaction.apply([Delete(path=finding.path)])
    elif finding.fix == "restore-owners":
        fixed = restore_owners(transaction, finding.path.split("/")[1])
    elif finding.fix == "restore-kept":
        restore_kept(transaction)
        fixed = True
    elif finding.fix == "restore-tombstones":
        restore_tombstones(transaction)
        fixed = read_record(transaction.store).value.counts_removed(summed_tombstones(transaction.store))
    elif finding.fix in {"restore-lines", "set-line-right", "write-proven"}:
        fixed = _mend_lines(transaction, finding)
    else:
        fixed = False
    return replace(finding, fixed=fixed)


def _mend_lines(transaction: Transaction, finding: Finding) -> bool:
    if transaction.in_doubt:
        restore_index(transaction)
        recount(transaction)
    else:  # the first such finding mends all of them
        name = transaction.state.published.name_of(collision_key(finding.path.rpartition("/")[2]))
        sound_index(transaction, name or "")
    if finding.fix == "set-line-right":
        set_lines_right(transaction)
        recount(transaction)
    index = read_index_at(transaction.store, finding.path)
    return finding.fix != "write-proven" or made_of_metadata(transaction.store, transaction.home, index) == index.value


def _write_metadata(transaction: Transaction, path: str, limits: Limits) -> bool:
    stored = transaction.store.read(path.removesuffix(".json") + ".crate")
    metadata = metadata_in(stored.content, limits) if stored else None
    return metadata is not None and not transaction.apply([Put(path=path, content=format_metadata(metadata))])


def _write_address(transaction: Transaction, path: str) -> bool:
    """Put an archive that is there whole at the address of its version."""
    name, vers = layout.addressed_by(path) or ("", "")
    found = (line for line in named_releases(transaction.store, name) if line.vers == vers)
    lines = [line for line in found if is_whole(transaction.store, name, line.cksum)]
    transaction.put_addresses(lines)
    return bool(lines)


# The tree as a whole ---------------------------------------------------------------------------------------


def check_config(store: Store) -> Iterator[Finding]:
    """Give what is wrong with config.json."""
    try:
        config = read_config(store)
    except InvalidConfig as error:
        yield found("config-wrong", layout.CONFIG, f"{error}.")
        return
    if config is None:
        yield found("config-wrong", layout.CONFIG, "There is no config.json, so cargo cannot use the registry.")
    elif base_url_of(config) is None:
        message = f"config.json sends cargo to {config.dl!r} for archives, not to this tree."
        yield found("config-wrong", layout.CONFIG, message)


def _check_tombstones(store: Store, files: Iterable[str]) -> Iterator[Finding]:
    """Look at the tombstones among these files of crates."""
    for path in files:
        name = _crate_of(path)
        if name is None or path != layout.tombstones_file(name):
            continue
        try:
            stones = read_tombstones(store, name).value
        except InvalidDocument as error:
            yield found("tombstones-unreadable", path, f"{error}.", "restore-tombstones")
            continue
        file = read_index(store, name).value
        # Listed before the first is told: what mends one of a crate mends all of them.
        for stone in [removed for removed in stones.removed if _is_unfinished(store, file, name, removed)]:
            message = f"{name} {stone.vers} was {'brought back' if stone.lifted else 'removed'}, but not wholly."
            yield found("removal-unfinished", path, message, "finish-removal")


def _check_kept_archives(check: IndexCheck, store: Store, names: Iterable[str]) -> Iterator[Finding]:
    """Look at the archives of removed releases of these crates that stay for a while."""
    for name in names:
        yield from verify_kept(
            *(store, check.home, check.limits, name, kept_releases(store, name)),
            quick=check.quick,
            deep=check.deep,
            addresses=check.addresses,
        )


def _check_removed(store: Store, total: Delta) -> Iterator[Finding]:
    """Say where the tombstones are not those that tree.json counts."""
    try:
        record = read_record(store).value
    except InvalidDocument:
        return
    if are_lost(store, record, total):
        message = f"tree.json counts {record.removed} releases that were removed, with the digest {record.tombstones}; "
        there = f"the `removed.json` of the crates make {total.removed}, with {total.tombstones:064x}."
        yield found("tombstones-lost", layout.RECORD, message + there, "restore-tombstones")


def _is_unfinished(store: Store, file: IndexFile, name: str, stone: Tombstone) -> bool:
    """Whether a removed release has its line still, or files that no line names; or one brought back has its stone."""
    line = file.find(stone.vers)
    if line is not None and line.cksum == stone.cksum:
        return True
    named, lines = _named(file, name)
    done = stone.lifted or stone.kept or (stone.cksum in named or stone.cksum.encode() in lines)
    return not done and is_left(store, name, stone)


def _check_lost_lines(
    store: Store, home: Home, known: Iterable[tuple[str, Sequence[Known]]], missing: Collection[int]
) -> Iterator[Finding]:
    """Give the crates whose index file lost lines that can be put back, or what lines said."""
    total, told = Delta(), set[str]()
    for name, releases in known:
        index = read_index(store, name)
        restored = restoration(store, home, name, index.value, releases)
        if restored.restored:
            total += IndexChange(index, restored.file).delta
            told.add(index.path)
            message = f"The index file of {name} lost the lines of {', '.join(restored.restored)}, or what they said."
            yield found("lines-lost", index.path, message, "restore-lines")
    others = (path for path in index_paths(store) if path not in told)
    for path in proven_paths(store, home, others, without_restored(missing, total)):
        message = "This index file is not the one that was summed up, and the metadata of its releases make that one."
        yield found("lines-lost", path, message, "write-proven")


def _lines_are_lost(store: Store, total: Delta) -> bool:
    """Whether the index holds fewer releases than tree.json counted: what no line names may be all that is left."""
    try:
        held = read_record(store)
    except InvalidDocument:
        return True
    return (
        held.stored is None
        or bool(held.value.lost)
        or total.releases + held.value.removed_since(total) < held.value.releases
    )


def _check_crates(
    store: Store, files: Iterable[str], told: Collection[str], *, lost: bool, addresses: bool
) -> Iterator[Finding]:
    """Hold the files of crates, sorted, against the lines of each; where lines are `lost`, none may be deleted.

    Index files whose lines can be put back are `told` of already.
    """
    for name, paths in groupby(files, key=_crate_of):
        if name is None or layout.index_file(name) in told:
            continue  # else `_check_strays` names them
        file = read_index(store, name).value
        named, lines = _named(file, name)
        for path in paths:
            if path == layout.owners_file(name) or (
                path == layout.owners_copy(name) and store.size(layout.owners_file(name)) is None
            ):
                yield from check_owners_files(store, name)
            if address := layout.addressed_by(path):
                yield from _check_address(store, file, *address, wanted=addresses)
                continue
            kind = _CKSUM.fullmatch(path.rpartition("/")[2])
            if kind is None or path.count("/") != 2 or kind[1] in named or kind[1].encode() in lines:
                continue
            if kind[1] in {stone.cksum for stone in _stones(store, name)}:
                continue  # `_check_tombstones` tells of the release
            what = "archive" if kind[2] == "crate" else "metadata"
            message = f"No line of {name} names this {what}"
            rival = rival_of(store, name, kind[1])
            if rival is not None:
                yield from _check_rival(rival, path, what)
            elif lost:
                yield found("file-unnamed", path, f"{message}, and lines are lost.", way_out=_LINES_LOST)
            else:
                yield found("file-unnamed", path, f"{message}.", "delete")


def _check_address(store: Store, file: IndexFile, name: str, vers: str, *, wanted: bool) -> Iterator[Finding]:
    """Say of an archive at the address of a version that this is not published, or that there are to be no such."""
    if vers in {stone.vers for stone in _stones(store, name)}:
        return  # `_check_tombstones` tells of the release
    path = layout.version_address(name, vers)
    if not wanted:
        yield found("address-unnamed", path, "This registry has no addresses by version.", "delete")
    elif file.find(vers) is None:
        yield found("address-unnamed", path, f"There is no line of {name} {vers}.", "delete")


def _check_rival(rival: Rival, path: str, what: str) -> Iterator[Finding]:
    """Say of an archive that its release has a line with another checksum, whose archive is not there whole."""
    release = f"{rival.line.name} {rival.line.vers}"
    if not rival.is_near:
        message = f"No line names this {what} of {release}, but the archive that its line names is not there whole."
        way_out = f"Put the archive with SHA-256 {rival.line.cksum} back with `cargo-static-index add FILE`, or remove "
        yield found("file-unnamed", path, message, way_out=f"{way_out}the release; then this file can go.")
    elif what == "archive":
        message = f"The line of {release} says {rival.line.cksum}, and the archive that is there has {rival.cksum}."
        yield found("line-wrong", layout.index_file(rival.line.name), message, "set-line-right")


def _stones(store: Store, name: str) -> tuple[Tombstone, ...]:
    """Give the tombstones of what was removed of a crate, and not brought back; none where they cannot be read."""
    return tuple(stone for stone in readable_tombstones(store, name).removed if not stone.lifted)


def _named(file: IndexFile, name: str) -> tuple[frozenset[str], bytes]:
    """Give the checksums that a crate's lines name, and the lines that cannot be read, which may name some too."""
    named = frozenset(line.cksum for line in file.releases if line.name == name)
    return named, b"".join(line.raw for line in file.lines if not line.cksum)


def _crate_of(path: str) -> str | None:
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else None


def _check_index_strays(store: Store) -> Iterator[Finding]:
    for path in store.list(layout.INDEX):
        name = path.rpartition("/")[2]
        page = path.count("/") < 2 and path.endswith((".json", ".html"))
        if not page and path != layout.index_file(name):
            yield found("file-stray", path, "This is no crate's index file: cargo never asks for it.")


def _files_of_crates(store: Store, strays: list[Finding]) -> Iterator[str]:
    """List the files below `crates/`, and find archives elsewhere."""
    for path in store.list():
        if path.startswith(f"{layout.CRATES}/"):
            yield path
        elif path.endswith(".crate"):
            strays.append(_stray_archive(path))


class _FilesCheck(Struct, frozen=True, kw_only=True):
    """Judges files below `crates/` by their names, in this process or in another one, as `_check_crates` says."""

    open_tree: Callable[[], Store]
    told: frozenset[str]
    lost: bool
    addresses: bool

    def look(self, paths: list[str]) -> tuple[list[Finding], list[Finding]]:
        """Give what is wrong with files of crates, and those that are of no kind that we write there."""
        findings = _check_crates(self.open_tree(), paths, self.told, lost=self.lost, addresses=self.addresses)
        return list(findings), list(_check_strays(paths))


def _check_strays(paths: Iterable[str]) -> Iterator[Finding]:
    for path in paths:
        if path.endswith(".crate") and not _is_archive(path):
            yield _stray_archive(path)
        elif not _is_known(path):
            yield found("file-stray", path, "This is neither an archive, nor metadata, nor a page.")


def _stray_archive(path: str) -> Finding:
    return found("file-stray", path, "This archive lies where no line can name it.")


def _is_archive(path: str) -> bool:
    """Whether a file below `crates/` lies where archives do."""
    name = _crate_of(path)
    return name is not None and bool(_CKSUM.fullmatch(path.split("/", 2)[2]))


def _is_known(path: str) -> bool:
    """Whether a file below `crates/` is of a kind that we write there."""
    below = path.split("/", 2)[-1]
    if below.endswith(".json") and not below.startswith(("dependents.", "dependents/")):
        return below in _DOCUMENTS or _CKSUM.fullmatch(below) is not None
    below = original_of(below) or below
    known = below == "row.js" or below.endswith(_KINDS) or layout.addressed_by(path) is not None
    return known or _SHOWN.fullmatch(below) is not None


def _check_record(store: Store, total: Delta, *, lost: bool) -> Iterator[Finding]:
    try:
        held = read_record(store)
    except NewerFormat as error:
        yield found("record-wrong", layout.RECORD, f"{error}.", way_out="Until then nothing else can be done here.")
        return
    except InvalidDocument as error:
        yield found("record-wrong", layout.RECORD, f"{error}.", way_out=_RECORD_DAMAGED)
        return
    record = held.value
    first = first_to_go(store)
    counted = replace(record.counting(total), keeps_until=stamp(first) if first else UNSET)
    if record.removed is UNSET or are_lost(store, record, total):
        counted = counted.with_removed_of(record)  # the one is counted by the next build, the other is told of
    if counted != record:
        message = (
            f"tree.json says {record.crates} crates, {record.releases} releases and digest {record.digest}; "
            f"the index has {counted.crates}, {counted.releases} and {counted.digest}."
        )
        yield found(
            "record-wrong", layout.RECORD, message, None if lost else "recount", way_out=_LINES_LOST if lost else ""
        )
