"""`crates/NAME/index.json`: what the registry says of a crate, for programs, and for the next making of its pages."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from cargo_static_index._json import read_json
from cargo_static_index._pattern import pattern
from cargo_static_index.crate.metadata import CrateMetadata
from cargo_static_index.diagnostics.errors import InvalidDocument, InvalidVersion
from cargo_static_index.protocol.index_entry import Dependency, Entry, parse_entry, parse_needed
from cargo_static_index.protocol.names import is_crate_name
from cargo_static_index.protocol.semver import Version, is_prerelease, parse_version
from cargo_static_index.tree.documents import Digest, Tombstone

Text = Literal["readme", "changelog"]
"""A text of a release that its pages show."""


class ReleaseSummary(Struct, frozen=True, kw_only=True):
    """One version. `size` is the archive's in bytes and, like `unpacked`, None where there is no metadata."""

    vers: str
    cksum: str
    yanked: bool
    pubtime: str | None
    rust_version: str | None
    size: int | None = None
    unpacked: int | None = None
    license: str | None = None
    pubtime_from: Literal["here", "crates.io"] | UnsetType = UNSET
    """In a mirror: whether `pubtime` is when the release came here, or when crates.io published it."""
    plain: tuple[Text, ...] | UnsetType = UNSET
    """Texts that are shown as they were written, because rendering them took more time or memory than any may."""


class DependencyRow(Struct, frozen=True, kw_only=True):
    """One dependency: `crate` is the name of what it depends on, `name` how the code calls it.

    `registry` None means this registry, else it is an index URL.
    """

    crate: str
    name: str
    req: str
    kind: Literal["normal", "build", "dev"]
    target: str | None
    optional: bool
    default_features: bool
    features: tuple[str, ...]
    registry: str | None


class OlderDependency(Struct, frozen=True, kw_only=True):
    """What `vers` is the highest version to need of this registry; the newest version does not."""

    vers: str
    dependency: DependencyRow


class AdvisoryNote(Struct, frozen=True, kw_only=True):
    """A security advisory, and the versions here that it affects, in the order of the document.

    `informational` says what it is where it is no vulnerability: `unmaintained`, `unsound`, `notice`. `patched` are
    requirements.
    """

    id: str
    date: str
    title: str
    url: str | None = None
    informational: str | None = None
    aliases: tuple[str, ...] = ()
    patched: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()


class CrateDocument(Struct, frozen=True, kw_only=True):
    """A crate as of its `newest` version: the highest that is neither yanked nor a pre-release, else the next best.

    `versions` stand highest first, `earlier` is what only others than `newest` need, and `removed` are those that were
    removed for good, `advisories` what is known to be wrong with some. The rest is what the manifest of `newest` says.
    """

    schema: Literal[1] = 1
    name: str
    newest: str
    description: str | None = None
    created: str | None = None
    updated: str | None = None
    homepage: str | None = None
    documentation: str | None = None
    repository: str | None = None
    license: str | None = None
    rust_version: str | None = None
    edition: str | None = None
    keywords: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    lib: str | None = None
    proc_macro: bool = False
    bins: tuple[str, ...] = ()
    features: dict[str, tuple[str, ...]] = {}
    dependencies: tuple[DependencyRow, ...] = ()
    earlier: tuple[OlderDependency, ...] = ()
    versions: tuple[ReleaseSummary, ...]
    removed: tuple[Tombstone, ...] = ()
    advisories: tuple[AdvisoryNote, ...] = ()
    dependents: int | UnsetType = UNSET
    """How many crates here depend on it: the power of two that is not above that, so that it seldom changes."""
    words: tuple[str, ...] | UnsetType = UNSET
    """Stems that a search finds it by and that only its README has."""

    @property
    def release(self) -> ReleaseSummary:
        """The newest version's row."""
        return next(summary for summary in self.versions if summary.vers == self.newest)


Lines = Callable[[str], bytes]
"""Gives the line of a version."""

_VERSIONS = pattern(r"(?:[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]*(?: |\Z))+")

LISTED = 5
"""As many keywords and categories as crates.io takes."""

_encode = msgspec.json.Encoder().encode


def format_page_document(document: Struct) -> bytes:
    """Give a document's bytes: compact, one newline at the end."""
    return _encode(document) + b"\n"


PAGES_FORMAT = 4
"""Since 2, the lists of the search are in the order of what is worth reading, and crates have a `row.js`.

Since 3, `row.js` ends with a digest of the crate's document.
Since 4, the digest at the end of a page is also one of what the page was made of.
"""


CopiesHeld = Literal["some", "all"] | None
"""Whether pages have compressed copies beside them: perhaps some, all, or none."""


class PagesState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """pages.json: what the pages in the tree were made with, and the tree.json digest that they show.

    `sealed` says that every page ends with a digest of itself, which earlier versions did not write. `copies` says
    whether every page has compressed copies beside it, or some may have; without it none has. `front` are digests of
    the pages that tell of what was published last, and of those that hardly change, by path.
    """

    schema: int = PAGES_FORMAT
    fingerprint: str
    digest: Digest
    sealed: bool = False
    copies: CopiesHeld | UnsetType = UNSET
    front: dict[str, str] = {}


def parse_pages_state(content: bytes) -> PagesState:
    """Read pages.json, or raise InvalidDocument, also where an earlier version made pages of another format."""
    state = read_json(content, PagesState, "the state of pages")
    if state.schema < PAGES_FORMAT:
        raise InvalidDocument(f"pages of format {state.schema}, where {PAGES_FORMAT} is needed")
    return state


def parse_crate_document(content: bytes, name: str) -> CrateDocument:
    """Read the document of the crate `name`, or raise InvalidDocument.

    Its names and versions become paths, and where the tree was damaged or copied about they can be any.
    """
    document = read_json(content, CrateDocument, "a crate's document")
    versions = [summary.vers for summary in document.versions]
    needed = [row.crate for row in document.dependencies] + [older.dependency.crate for older in document.earlier]
    if document.name != name or document.newest not in versions:
        raise InvalidDocument(f"not the document of {name}: it is of {document.name} {document.newest}")
    versions += [stone.vers for stone in document.removed]
    if not (_VERSIONS.fullmatch(" ".join(versions)) and all(map(is_crate_name, needed))):
        raise InvalidDocument(f"not the document of {name}: a version or a dependency in it is none")
    return document


def summary_of(entry: Entry, metadata: CrateMetadata | None) -> ReleaseSummary:
    """Give the row of one version."""
    return ReleaseSummary(
        vers=entry.vers,
        cksum=entry.cksum,
        yanked=entry.yanked,
        pubtime=entry.pubtime,
        rust_version=entry.rust_version or (metadata.manifest.rust_version if metadata else None),
        size=metadata.packed_size if metadata else None,
        unpacked=metadata.unpacked_size if metadata else None,
        license=metadata.manifest.license if metadata else None,
    )


def newest_of(releases: Sequence[ReleaseSummary]) -> ReleaseSummary:
    """Choose what a crate's page shows of its versions, highest first: stable before pre-release before yanked."""
    # The first of equals.
    return max(releases, key=lambda summary: (not summary.yanked, not is_prerelease(summary.vers)))


def version_key(vers: str) -> Version:
    """Give a key that sorts versions; text that is none comes first, so that a foreign line never stops a page."""
    try:
        return parse_version(vers)
    except InvalidVersion:
        return Version(major=-1, minor=0, patch=0)


def older_dependencies(newest: Entry, releases: Iterable[ReleaseSummary], lines: Lines) -> Iterator[OlderDependency]:
    """Give what other versions than the newest need of this registry, each by the highest version that does.

    Their pages lead to it as well, so it must know. Lines are read whole only where they name something new.
    """
    known = {needed.crate for needed in map(dependency_row, newest.deps) if needed.registry is None}
    for summary in releases:
        raw = lines(summary.vers)
        new = {dep.crate for dep in parse_needed(raw) if dep.registry is None} - known
        if new:
            for row in map(dependency_row, parse_entry(raw).deps):
                if row.registry is None and row.crate in new:
                    yield OlderDependency(vers=summary.vers, dependency=row)
            known |= new


def document_of(
    entry: Entry,
    metadata: CrateMetadata | None,
    releases: tuple[ReleaseSummary, ...],
    earlier: tuple[OlderDependency, ...] = (),
) -> CrateDocument:
    """Give the crate's document; `entry` and `metadata` are those of the newest version."""
    times = sorted(summary.pubtime for summary in releases if summary.pubtime)
    common = CrateDocument(
        name=entry.name,
        newest=entry.vers,
        created=times[0] if times else None,
        updated=times[-1] if times else None,
        rust_version=entry.rust_version,
        features=features_of(entry),
        dependencies=tuple(map(dependency_row, entry.deps)),
        earlier=earlier,
        versions=releases,
    )
    if metadata is None:
        return common
    manifest = metadata.manifest
    return msgspec.structs.replace(
        common,
        description=one_line(manifest.description),
        homepage=manifest.homepage,
        documentation=manifest.documentation,
        repository=manifest.repository,
        license=manifest.license,
        edition=manifest.edition,
        keywords=listed(manifest.keywords),
        categories=listed(manifest.categories),
        authors=manifest.authors,
        lib=manifest.lib,
        proc_macro=manifest.proc_macro,
        bins=manifest.bins,
    )


def listed(names: Iterable[str]) -> tuple[str, ...]:
    """Give the keywords or categories that pages know a crate by: the first five.

    Each has a list of its own, so a crate with thousands would cost the tree a thousand times its size.
    """
    return tuple(dict.fromkeys(names))[:LISTED]


def power_of_two(number: int) -> int:
    """Give the highest power of two that is not above a number, 0 for 0."""
    return 1 << (number.bit_length() - 1) if number else 0


def one_line(text: str | None) -> str | None:
    """Give text without line breaks and what does not print, or None where nothing is left."""
    return " ".join((text or "").split()) or None


def features_of(entry: Entry) -> dict[str, tuple[str, ...]]:
    """Give all features of a line, `default` first, then by name."""
    features = entry.features | (entry.features2 or {})
    return {name: features[name] for name in sorted(features, key=lambda name: (name != "default", name))}


def dependency_row(dependency: Dependency) -> DependencyRow:
    """Give a line's dependency as documents have it."""
    return DependencyRow(
        crate=dependency.crate,
        name=dependency.name,
        req=dependency.req,
        kind=dependency.kind,
        target=dependency.target,
        optional=dependency.optional,
        default_features=dependency.default_features,
        features=dependency.features,
        registry=dependency.registry,
    )


def predecessors(versions: Iterable[ReleaseSummary]) -> dict[str, ReleaseSummary | None]:
    """Give for each version, highest first, the one that comes before it."""
    ordered = list(versions)
    return {summary.vers: before for summary, before in zip(ordered, [*ordered[1:], None], strict=True)}
