"""Whether one crate of a tree is sound: its lines, and the archives and metadata that they name."""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator

from msgspec import UNSET, Struct
from msgspec.structs import replace

from cargo_static_index.crate.check import read_crate
from cargo_static_index.crate.limits import Limits
from cargo_static_index.crate.metadata import CrateMetadata, parse_metadata
from cargo_static_index.diagnostics.errors import InvalidDocument, InvalidIndexLine, StoreError
from cargo_static_index.diagnostics.problems import Finding, found
from cargo_static_index.protocol.index_entry import Dependency, Entry, format_entry, parse_entry, sort_dependencies
from cargo_static_index.protocol.index_file import IndexFile, Line
from cargo_static_index.protocol.manifest.manifest import entry_of
from cargo_static_index.protocol.names import index_path
from cargo_static_index.protocol.registries import CRATES_IO, Home, is_home
from cargo_static_index.protocol.semver import parse_version, without_build
from cargo_static_index.registry.options import HostShare
from cargo_static_index.registry.verify.work import NOTHING_OPENED, Opened
from cargo_static_index.store import Store, Stored
from cargo_static_index.tree import layout
from cargo_static_index.tree.documents import Delta
from cargo_static_index.tree.read import read_index_at, weight_of


def verify_crate(
    store: Store,
    home: Home,
    limits: Limits,
    path: str,
    file: IndexFile,
    *,
    quick: bool,
    deep: bool = True,
    addresses: bool = False,
) -> Iterator[Finding]:
    """Give what is wrong with the crate whose index file stands at `path`.

    `quick` looks at sizes and metadata only. Unless `deep` no archive is read either, and lines are held against the
    metadata. With `addresses` the archives are looked for at the addresses of their versions, too.
    """
    deep = deep and not quick
    yield from _Crate(store, home, limits, path, file, quick=quick, deep=deep).findings()
    if addresses:
        here = (line for line in file.releases if layout.index_file(line.name) == path)
        yield from (finding for line in here for finding in _check_address(store, line, deep=deep))


def verify_kept(
    store: Store,
    home: Home,
    limits: Limits,
    name: str,
    lines: Iterable[Line],
    *,
    quick: bool,
    deep: bool = True,
    addresses: bool = False,
) -> Iterator[Finding]:
    """Give what is wrong with what is kept of removed releases of a crate, as `verify_crate` does of those held.

    `lines` are those that they would have (`kept_releases`).
    """
    deep = deep and not quick
    crate = _KeptCrate(store, home, limits, layout.index_file(name), IndexFile(), quick=quick, deep=deep)
    for line in lines:
        for finding in crate.held_of(line):
            of_archive = finding.id in {"archive-missing", "archive-damaged"}
            yield replace(finding, way_out=_NO_LONGER_KEPT.format(name, line.vers)) if of_archive else finding
        if addresses:
            yield from _check_address(store, line, deep=deep)


def _check_address(store: Store, line: Line, *, deep: bool) -> Iterator[Finding]:
    """Hold what lies at the address of a version against its line, or against the size of its archive."""
    path = layout.version_address(line.name, line.vers)
    archive = store.size(layout.archive_file(line.name, line.cksum))
    size = store.size(path)
    stored = store.read(path) if deep and size is not None else None
    if size is None:
        message = f"The archive of {line.name} {line.vers} does not lie at the address of its version."
        yield found("address-missing", path, message, "write-address")
    elif size != (size if archive is None else archive) or (stored is not None and _sha256(stored) != line.cksum):
        message = f"What lies at the address of {line.name} {line.vers} is not its archive."
        yield found("address-wrong", path, message, "write-address")


_NO_LONGER_KEPT = (
    "Run `cargo-static-index verify --fix`, which puts it back if it still lies in the drop directory; else let the "
    "rest of this removed release go with `cargo-static-index remove {}@{} --now`."
)


class IndexCheck(Struct, frozen=True, kw_only=True):
    """Looks at index files and what they name, in this process or in another one.

    Archives are opened if `deep` and not `quick`, and only of the crates of a `share`, where one is given.
    """

    open_tree: Callable[[], Store]
    home: Home
    limits: Limits
    quick: bool
    deep: bool = True
    addresses: bool = False
    share: HostShare | None = None
    opened: Opened = NOTHING_OPENED

    def look(self, paths: list[str]) -> tuple[Delta, list[Finding], str]:
        """Give what index files count for in tree.json, what is wrong with their crates, and the last of them."""
        store, total, findings = self.open_tree(), Delta(), list[Finding]()
        for path in paths:
            index = read_index_at(store, path)
            total += weight_of(index)
            quick = self.quick or not (self.share is None or self.share.holds_name(path)) or self.opened.holds(path)
            findings += verify_crate(
                store, self.home, self.limits, path, index.value, quick=quick, deep=self.deep, addresses=self.addresses
            )
        return total, findings, paths[-1] if paths else ""


def metadata_in(archive: bytes, limits: Limits) -> CrateMetadata | None:
    """Read the metadata of an archive, whatever policies would say of it today; None where none can be made of it."""
    return read_crate(io.BytesIO(archive), limits)[1]


def _sha256(stored: Stored) -> str:
    return hashlib.sha256(stored.content).hexdigest()


class _Crate:
    """An index file, and the archives and metadata that its lines name."""

    def __init__(
        self, store: Store, home: Home, limits: Limits, path: str, file: IndexFile, *, quick: bool, deep: bool
    ) -> None:
        self._store = store
        self._home = home
        self._limits = limits
        self._path = path
        self._file = file
        self._quick = quick
        self._deep = deep

    def findings(self) -> Iterator[Finding]:
        yield from self._check_lines()
        for line in self._file.releases:
            if self._is_here(line):
                yield from self.held_of(line)

    def held_of(self, line: Line) -> Iterator[Finding]:
        """Look at what a line names."""
        try:
            yield from self._check_wholly(line) if self._deep and not self._quick else self._check_quickly(line)
        except StoreError as error:  # the disk, or a right: the others can be looked at all the same
            archive, _ = layout.archive_and_metadata(line.name, line.cksum)
            message = f"What is held of {line.name} {line.vers} cannot be read."
            yield found("archive-unread", archive, message, way_out=str(error))

    def _is_here(self, line: Line) -> bool:
        return f"{layout.INDEX}/{index_path(line.name)}" == self._path

    def _check_lines(self) -> Iterator[Finding]:
        seen: set[str] = set()
        for number, line in enumerate(self._file.lines, 1):
            if not line.cksum:
                yield found("line-unreadable", self._path, f"Cargo cannot read line {number}.")
            elif not self._is_here(line):
                message = f"Line {number} is of {line.name!r}, for which cargo never asks here."
                yield found("line-misplaced", self._path, message)
            if line.vers and without_build(line.vers) in seen:
                message = f"Line {number} is a second line of version {without_build(line.vers)}."
                yield found("version-duplicate", self._path, message)
            seen.add(without_build(line.vers))
        names = {line.name for line in self._file.releases if self._is_here(line)}
        if len(names) > 1:
            message = f"The lines are of crates that differ only in case: {', '.join(sorted(names))}."
            yield found("line-misplaced", self._path, message)
        yield from self._check_names(names)
        places = [(line.pubtime or "", parse_version(line.vers)) for line in self._file.releases]
        if places != sorted(places):
            message = "The lines do not stand in order of publication and version."
            yield found("lines-unordered", self._path, message)

    def _check_names(self, names: Iterable[str]) -> Iterator[Finding]:
        """Find a crate whose name is the same but for `-` and `_`, of those that cargo would look for."""
        for name in names:
            for other in {name.replace("-", "_"), name.replace("_", "-")}:
                path = layout.index_file(other)
                if path < self._path and self._store.size(path):
                    message = f"There are both `{other}` and `{name}`; cargo takes one for a misspelling of the other."
                    yield found("crates-collide", self._path, message)

    def _check_quickly(self, line: Line) -> Iterator[Finding]:
        archive, metadata_path = layout.archive_and_metadata(line.name, line.cksum)
        size = self._store.size(archive)
        stored = self._store.read(metadata_path)
        if size is None:
            yield _archive_missing(line, archive)
        if stored is None:
            yield _metadata_missing(line, metadata_path, mendable=size is not None)
            return
        metadata = _metadata_of(line, stored.content)
        if metadata is None:
            yield _metadata_wrong(line, metadata_path, mendable=size is not None)
        elif size not in {None, metadata.packed_size}:
            message = f"The archive of {line.name} {line.vers} has {size} bytes instead of {metadata.packed_size}."
            yield found("archive-damaged", archive, message)
        elif not self._quick and (kept := self._store.digest(archive)) not in {None, line.cksum}:
            message = (
                f"The store has SHA-256 {kept} for the archive of {line.name} {line.vers} instead of {line.cksum}."
            )
            yield found("archive-damaged", archive, message)
        elif not self._quick:
            yield from self._check_line(line, metadata)

    def _check_wholly(self, line: Line) -> Iterator[Finding]:
        archive, metadata_path = layout.archive_and_metadata(line.name, line.cksum)
        held, stored = self._store.read_all([metadata_path, archive])
        metadata = _metadata_of(line, held.content) if held else None
        cksum, read = (None, None) if stored is None else read_crate(io.BytesIO(stored.content), self._limits)
        if stored is None:
            yield _archive_missing(line, archive)
        elif (cksum := cksum or _sha256(stored)) != line.cksum:
            message = f"The archive of {line.name} {line.vers} has SHA-256 {cksum} instead of {line.cksum}."
            yield found("archive-damaged", archive, message)
            read = None
        elif read is None:
            message = f"Nothing can be said of the archive of {line.name} {line.vers}: it breaks rules of today."
            yield found("archive-unread", archive, message)
        if held is None:
            yield _metadata_missing(line, metadata_path, mendable=read is not None)
        elif metadata is None or (read is not None and not _same(metadata, read)):
            yield _metadata_wrong(line, metadata_path, mendable=read is not None)
        if (says := read or metadata) is not None:
            yield from self._check_line(line, says)

    def _check_line(self, line: Line, says: CrateMetadata) -> Iterator[Finding]:
        release = f"{says.manifest.name} {says.manifest.version}"
        if release != f"{line.name} {line.vers}":
            message = f"The line of {line.name} {line.vers} names the archive of {release}."
            mendable = says.manifest.name == line.name and self._file.find(says.manifest.version) is None
            yield found("line-wrong", self._path, message, "set-line-right" if mendable else None)
        elif self._differs(line, says):
            message = f"The line of {line.name} {line.vers} does not say what the archive says."
            yield found("line-differs", self._path, message)

    def _differs(self, line: Line, metadata: CrateMetadata) -> bool:
        """Whether a line says something else than its archive, what only the registry says of it aside."""
        expected = entry_of(metadata.manifest, cksum=metadata.cksum, home=self._home, pubtime=line.pubtime)
        if line.raw == format_entry(replace(expected, yanked=line.yanked)):  # at a tenth of the cost
            return False
        try:
            found = parse_entry(line.raw)
        except InvalidIndexLine:
            return True
        return self._comparable(found) != self._comparable(expected)

    def _comparable(self, entry: Entry) -> Entry:
        # A line made before this registry moved, or before an alias was set, may name the registry itself.
        deps = sort_dependencies(self._of_home(dep) for dep in entry.deps)
        return replace(entry, deps=deps, yanked=False)

    def _of_home(self, dependency: Dependency) -> Dependency:
        url = dependency.registry
        at_home = url is not None and url != CRATES_IO and is_home(url, self._home)
        return replace(dependency, registry=None) if at_home else dependency


class _KeptCrate(_Crate):
    """A crate whose lines are gone, while what they named stays."""

    def _check_line(self, line: Line, says: CrateMetadata) -> Iterator[Finding]:
        del line, says
        return iter(())


def _archive_missing(line: Line, path: str) -> Finding:
    return found("archive-missing", path, f"The archive of {line.name} {line.vers} is not there.")


def _metadata_missing(line: Line, path: str, *, mendable: bool) -> Finding:
    message = f"The metadata of {line.name} {line.vers} is not there."
    return found("metadata-missing", path, message, "write-metadata" if mendable else None)


def _metadata_wrong(line: Line, path: str, *, mendable: bool) -> Finding:
    message = f"The metadata of {line.name} {line.vers} is not what its archive says."
    return found("metadata-wrong", path, message, "write-metadata" if mendable else None)


def _metadata_of(line: Line, content: bytes) -> CrateMetadata | None:
    """Read the metadata of a line's archive; None where they cannot be read, or are those of another."""
    try:
        metadata = parse_metadata(content)
    except InvalidDocument:
        return None
    return metadata if metadata.cksum == line.cksum else None


def _same(metadata: CrateMetadata, read: CrateMetadata) -> bool:
    """Whether metadata is the same; the limit for documents, which decides whose text is there, may have changed.

    Earlier versions did not say from where cargo copied a licence.
    """
    if metadata.license_origin is UNSET:
        read = replace(read, license_origin=UNSET)
    if metadata == read:
        return True
    for field in ("readme", "changelog"):
        one, other = getattr(metadata, field), getattr(read, field)
        if one and other and "too-large" in {one.missing, other.missing}:
            metadata, read = replace(metadata, **{field: None}), replace(read, **{field: None})
    return metadata == read
