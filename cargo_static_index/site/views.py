"""What the page of a crate or release shows, as values that templates only have to set: no template decides."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index._pattern import pattern
from cargo_static_index.crate.metadata import CrateMetadata
from cargo_static_index.protocol.index_entry import Entry
from cargo_static_index.protocol.manifest.manifest import Manifest
from cargo_static_index.protocol.registries import CRATES_IO
from cargo_static_index.protocol.semver import is_prerelease
from cargo_static_index.protocol.spdx import license_words
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.crate_document import (
    AdvisoryNote,
    CrateDocument,
    DependencyRow,
    ReleaseSummary,
    dependency_row,
    listed,
    one_line,
    version_key,
)
from cargo_static_index.site.diff import Difference, differences, human_size
from cargo_static_index.site.features import FeatureView, feature_views
from cargo_static_index.site.prose import Prose
from cargo_static_index.site.readme.forges import compare_address, file_address, source_address, web_address
from cargo_static_index.site.readme.images import led_to
from cargo_static_index.site.source import files_shown, license_file, license_files, source_page
from cargo_static_index.site.theme import SiteInfo
from cargo_static_index.tree import layout

_MAIL = pattern(r"[\w.+-]+@[\w.-]+", re.ASCII)

NEWEST_SHOWN = 50
"""Versions on a crate's own page; the rest are on pages of their own."""

FILES_SHOWN = 1000
"""Files that a version's page lists."""

FEATURES_SHOWN = 2000
"""More than any real crate has: web-sys has 1,727."""

VALUES_SHOWN = 100
"""Of what one feature turns on."""


class StoredRelease(Struct, frozen=True, kw_only=True):
    """A release as it lies in the tree: its line and what the line says, and the archive's metadata if it is there."""

    line: str
    entry: Entry
    metadata: CrateMetadata | None


class Link(Struct, frozen=True, kw_only=True):
    """Something to follow; without an address it is text."""

    label: str
    address: str | None = None
    text: str = ""
    parts: tuple[tuple[str, str | None], ...] = ()
    """The text in parts, where some of them lead elsewhere than others."""


class Copy(Struct, frozen=True, kw_only=True):
    """A line to copy, and what it is for."""

    label: str
    text: str


class DependencyView(Struct, frozen=True, kw_only=True):
    """A dependency: `page` leads to it from this page, `notes` are short remarks.

    `here` is one on this registry, and `required` what nobody can do without who resolves the release.
    """

    name: str
    alias: str
    req: str
    page: str | None
    origin: str
    notes: tuple[str, ...]
    here: bool
    required: bool


class DependencyGroup(Struct, frozen=True, kw_only=True):
    """The dependencies of one kind and target."""

    title: str
    target: str
    dependencies: tuple[DependencyView, ...]


class VersionRow(Struct, frozen=True, kw_only=True):
    """A version in a list; `page` leads to it from the page that lists it."""

    vers: str
    page: str
    date: str
    since: bool
    """Whether the date is when it came here, in a mirror, and not when it was published."""
    size: str
    rust_version: str
    yanked: bool
    prerelease: bool
    advisories: tuple[str, ...] = ()
    """The ids of those that affect it."""


class ReleaseView(Struct, frozen=True, kw_only=True):
    """All that a page shows of a release. `own` is false on the crate's page, which shows its newest version."""

    name: str
    vers: str
    own: bool
    description: str
    yanked: bool
    prerelease: bool
    all_yanked: bool
    advisories: tuple[AdvisoryNote, ...]
    """Those that affect it."""
    date: str
    since: bool
    """Whether the date is when it came here, in a mirror, and not when it was published."""
    kind: str
    copies: tuple[Copy, ...]
    about: tuple[Link, ...]
    links: tuple[Link, ...]
    ways: tuple[Link, ...]
    """What people look for first, which a phone shows above the README: documentation, repository, license."""
    keywords: tuple[Link, ...]
    categories: tuple[Link, ...]
    authors: tuple[Link, ...]
    owners: tuple[str, ...]
    readme: Prose
    changelog: str
    dependencies: tuple[DependencyGroup, ...]
    dependencies_total: int
    asks: bool
    """Whether some of them are on this registry, which may hold them or not."""
    features: tuple[FeatureView, ...]
    more_features: int
    previous: str
    compare: str | None
    changes: tuple[Difference, ...]
    files: tuple[tuple[str, str, str], ...]
    """Paths and sizes, and where each can be read, or nothing."""
    more_files: int
    download: str
    cksum: str
    line: str
    versions: tuple[VersionRow, ...]
    versions_total: int


def release_view(
    release: StoredRelease,
    before: StoredRelease | None,
    document: CrateDocument,
    site: SiteInfo,
    readme: Prose,
    changelog: Prose,
    *,
    own: bool,
) -> ReleaseView:
    """Give what a page shows of a release; `before` is the next lower version, `readme` and `changelog` its texts."""
    entry, metadata = release.entry, release.metadata
    manifest = metadata.manifest if metadata else None
    here = addresses.version_page(entry.name, entry.vers) if own else addresses.crate_page(entry.name)
    features = feature_views(entry, VALUES_SHOWN)
    pages = _source_pages(metadata, site) if metadata else {}
    about, links = tuple(_about(release, pages, own=own)), tuple(_links(release, site))
    groups = tuple(_dependency_groups(map(dependency_row, entry.deps), addresses.up(here)))
    files = metadata.files if metadata and own else ()
    listed_files = [file for at, file in enumerate(files) if at < FILES_SHOWN or file.path in pages]
    return ReleaseView(
        name=entry.name,
        vers=entry.vers,
        own=own,
        description=one_line(manifest.description if manifest else None) or "",
        yanked=entry.yanked,
        prerelease=is_prerelease(entry.vers),
        all_yanked=not own and all(summary.yanked for summary in document.versions),
        advisories=notes_of(entry.vers, document.advisories),
        date=(entry.pubtime or "")[:10],
        since=any(summary.pubtime_from == "here" for summary in document.versions if summary.vers == entry.vers),
        kind=kind_of(metadata),
        copies=tuple(_copies(release, site, own=own)),
        about=about,
        links=links,
        ways=tuple(_ways(about, links)),
        keywords=_set_links("keyword", listed(manifest.keywords) if manifest else (), here, own=own),
        categories=_set_links("category", listed(manifest.categories) if manifest else (), here, own=own),
        authors=tuple(map(_author, manifest.authors)) if manifest else (),
        owners=() if own else document.owners,
        readme=replace(readme, html=led_to(readme.html, "images/" if own else f"{addresses.href(entry.vers)}/images/")),
        changelog=changelog.html,
        dependencies=groups,
        dependencies_total=len(entry.deps),
        asks=any(dependency.registry is None for dependency in entry.deps),
        features=features[:FEATURES_SHOWN],
        more_features=max(0, len(features) - FEATURES_SHOWN),
        previous=before.entry.vers if before else "",
        compare=_compare(release, before),
        changes=differences((before.entry, before.metadata), (entry, metadata)) if before and own else (),
        files=tuple((file.path, human_size(file.size), pages.get(file.path, "")) for file in listed_files),
        more_files=len(files) - len(listed_files),
        download=addresses.up(here) + layout.archive_file(entry.name, entry.cksum),
        cksum=entry.cksum,
        line=release.line,
        versions=version_rows(document.versions[:NEWEST_SHOWN], "", document.advisories) if not own else (),
        versions_total=0 if own else len(document.versions),
    )


def _source_pages(metadata: CrateMetadata, site: SiteInfo) -> dict[str, str]:
    """Give where the files can be read that have pages, from the page of the version, by path."""
    shown = files_shown(metadata, site.source, site.source_bytes)
    return {file.path: addresses.href(f"source/{source_page(file.path)}") for file in shown}


def kind_of(metadata: CrateMetadata | None) -> str:
    """Say what a crate is: a library, a procedural macro, a program, or several of these."""
    if metadata is None:
        return ""
    manifest = metadata.manifest
    words = ["Procedural macro"] if manifest.proc_macro else ["Library"] if manifest.lib else []
    if manifest.bins:
        words.append("program" + "s" * (len(manifest.bins) > 1) + " " + ", ".join(manifest.bins))
    text = " and ".join(words)
    return text[:1].upper() + text[1:]


def notes_of(vers: str, advisories: Iterable[AdvisoryNote]) -> tuple[AdvisoryNote, ...]:
    """Give the advisories that affect a version, without the other versions that they affect."""
    return tuple(replace(note, versions=(vers,)) for note in advisories if vers in note.versions)


def version_rows(
    releases: Iterable[ReleaseSummary], way: str, advisories: Iterable[AdvisoryNote] = ()
) -> tuple[VersionRow, ...]:
    """Give rows for versions; `way` leads from the listing page to the crate's folder."""
    affecting: dict[str, list[str]] = {}
    for note in advisories:
        for vers in note.versions:
            affecting.setdefault(vers, []).append(note.id)
    return tuple(
        VersionRow(
            vers=summary.vers,
            page=f"{way}{addresses.href(summary.vers)}/index.html",
            date=(summary.pubtime or "")[:10],
            since=summary.pubtime_from == "here",
            size=human_size(summary.size) if summary.size is not None else "",
            rust_version=summary.rust_version or "",
            yanked=summary.yanked,
            prerelease=is_prerelease(summary.vers),
            advisories=tuple(affecting.get(summary.vers, ())),
        )
        for summary in releases
    )


def version_groups(releases: Sequence[ReleaseSummary], most: int = 200) -> dict[str, list[ReleaseSummary]]:
    """Cut versions by what they say: by major number, by minor too where that is many, then by hundreds of patches."""
    groups: dict[str, list[ReleaseSummary]] = {}
    for major, some in _cut(releases, lambda summary: f"{version_key(summary.vers).major}"):
        if len(some) <= most:
            groups[major] = some
            continue
        for minor, fewer in _cut(
            some, lambda summary: f"{version_key(summary.vers).major}.{version_key(summary.vers).minor}"
        ):
            if len(fewer) <= most:
                groups[minor] = fewer
                continue
            for hundred, few in _cut(fewer, lambda summary: f"{version_key(summary.vers).patch // 100 * 100}"):
                groups[f"{minor}.{hundred}"] = few
    return groups


def _cut(
    releases: Iterable[ReleaseSummary], key: Callable[[ReleaseSummary], str]
) -> Iterator[tuple[str, list[ReleaseSummary]]]:
    found: dict[str, list[ReleaseSummary]] = {}
    for summary in releases:
        found.setdefault(key(summary), []).append(summary)
    return iter(found.items())


def _copies(release: StoredRelease, site: SiteInfo, *, own: bool) -> Iterator[Copy]:
    entry, metadata = release.entry, release.metadata
    registry = "" if site.mirror else f" --registry {site.registry}"
    exact = f"@{entry.vers.partition('+')[0]}" if own or is_prerelease(entry.vers) else ""
    manifest = metadata.manifest if metadata else None
    if manifest is None or manifest.lib or not manifest.bins:
        yield Copy(label="Add it to your project", text=f"cargo add {entry.name}{exact}{registry}")
        yield Copy(label="Or write it into Cargo.toml", text=toml_line(entry, site))
    if manifest and _is_to_be_installed(manifest):
        only = f" --version {entry.vers.partition('+')[0]}" if exact else ""
        label = "Install the program" if len(manifest.bins) == 1 else "Install the programs"
        yield Copy(label=label, text=f"cargo install {entry.name}{only}{registry}")


def _is_to_be_installed(manifest: Manifest) -> bool:
    """Whether programs are what people install: beside a library, many are examples or serve its tests."""
    if not manifest.lib or "command-line-utilities" in manifest.categories:
        return bool(manifest.bins)
    plain = manifest.name.replace("_", "-").removesuffix("-cli").removesuffix("-bin")
    return any(name.startswith("cargo-") or name.replace("_", "-") in (plain, manifest.name) for name in manifest.bins)


def toml_line(entry: Entry, site: SiteInfo) -> str:
    """Give the line of `[dependencies]` that asks for a release."""
    vers = entry.vers.partition("+")[0]
    if site.mirror:
        return f'{entry.name} = "{vers}"'
    return f'{entry.name} = {{ version = "{vers}", registry = "{site.registry}" }}'


def _about(release: StoredRelease, pages: Mapping[str, str], *, own: bool) -> Iterator[Link]:
    entry, metadata = release.entry, release.metadata
    manifest = metadata.manifest if metadata else None
    if kind := kind_of(metadata):
        yield Link(label="Kind", text=kind)
    rust_version = entry.rust_version or (manifest.rust_version if manifest else None)
    if rust_version:
        yield Link(label="Rust version", text=f"{rust_version} or later")
    if metadata and manifest:
        yield Link(label="Edition", text=manifest.edition)
        text = manifest.license or (f"see {file}" if (file := license_file(metadata)) else "not stated")
        yield Link(label="License", text=text, parts=license_words(manifest.license) if manifest.license else ())
    if metadata and (texts := tuple(_license_texts(release, metadata, pages, own=own))):
        parts = tuple(part for link in texts for part in ((", ", None), link))[1:]
        yield Link(label="License text", text=", ".join(path for path, _ in texts), parts=parts)
    if metadata:
        yield Link(
            label="Size", text=f"{human_size(metadata.packed_size)}, {human_size(metadata.unpacked_size)} unpacked"
        )
    if entry.links:
        yield Link(label="Links to", text=entry.links)


def _license_texts(
    release: StoredRelease, metadata: CrateMetadata, pages: Mapping[str, str], *, own: bool
) -> Iterator[tuple[str, str]]:
    """Give the files in which licences stand, with where each can be read: here, or else at the commit's forge."""
    way = "" if own else f"{addresses.href(release.entry.vers)}/"
    copied = {license_file(metadata): metadata.license_origin} if metadata.license_origin else {}
    for path in license_files(metadata):
        address = f"{way}{pages[path]}" if path in pages else file_address(metadata, copied.get(path) or path)
        if address:
            yield path, address


def _links(release: StoredRelease, site: SiteInfo) -> Iterator[Link]:
    metadata = release.metadata
    if metadata is not None:
        yield from _links_of(metadata, _filled(site.documentation, release.entry))
    if metadata is None or not metadata.manifest.authors:
        # Who knows whom to ask where a crate does not say: the registry's own people.
        yield from (Link(label="Contact", address=address, text=text) for text, address in site.links)


def _links_of(metadata: CrateMetadata, documentation: str) -> Iterator[Link]:
    manifest = metadata.manifest
    for label, address in (
        ("Documentation", manifest.documentation or documentation),
        ("Homepage", manifest.homepage),
        ("Repository", manifest.repository),
    ):
        if address:
            yield Link(label=label, address=web_address(address), text=_bare(address))
    commit = metadata.vcs.sha1 if metadata.vcs else None
    if commit:
        address = source_address(manifest.repository, commit, metadata.vcs.path_in_vcs if metadata.vcs else "")
        dirty = ", with changes not committed" if metadata.vcs and metadata.vcs.dirty else ""
        yield Link(label="Source", address=address, text=f"at {commit[:10]}{dirty}")


def _ways(about: Iterable[Link], links: Iterable[Link]) -> Iterator[Link]:
    yield from (link for link in links if link.label in {"Documentation", "Repository"} and link.address)
    yield from (Link(label=link.text, address=link.address) for link in about if link.label == "License")


def _author(text: str) -> Link:
    name, _, address = text.partition("<")
    address = address.rstrip("> ")
    return Link(label=name.strip() or address, address=f"mailto:{address}" if _MAIL.fullmatch(address) else None)


def _filled(template: str, entry: Entry) -> str:
    return template.replace("{crate}", entry.name).replace("{version}", addresses.href(entry.vers))


def _bare(address: str) -> str:
    return address.removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")


def _set_links(kind: str, names: Iterable[str], here: str, *, own: bool) -> tuple[Link, ...]:
    """Lead to the lists that name the crate: those of its newest version, so that only the crate's page does."""
    way = f"{addresses.up(here)}{{}}.html".format
    return tuple(
        Link(label=name, address=None if own else way(addresses.node_path(f"{kind}/{name.lower()}", "")))
        for name in dict.fromkeys(names)
    )


def _compare(release: StoredRelease, before: StoredRelease | None) -> str | None:
    if before is None or not (release.metadata and release.metadata.vcs and before.metadata and before.metadata.vcs):
        return None
    return compare_address(release.metadata.manifest.repository, before.metadata.vcs.sha1, release.metadata.vcs.sha1)


_KINDS = {"normal": "To build and run", "build": "For the build script", "dev": "For tests and examples"}


def _dependency_groups(rows: Iterable[DependencyRow], root: str) -> Iterator[DependencyGroup]:
    groups: dict[tuple[str, str], list[DependencyRow]] = {}
    for row in rows:
        groups.setdefault((row.kind, row.target or ""), []).append(row)
    for kind, title in _KINDS.items():
        for (found, target), members in sorted(groups.items()):
            if found == kind:
                yield DependencyGroup(
                    title=title, target=target, dependencies=tuple(_dependency_view(row, root) for row in members)
                )


def _dependency_view(row: DependencyRow, root: str) -> DependencyView:
    notes = []
    if row.optional:
        notes.append("optional")
    if not row.default_features:
        notes.append("no default features")
    if row.features:
        notes.append("features " + ", ".join(row.features))
    page, origin = _origin(row, root)
    return DependencyView(
        name=row.crate,
        alias=row.name if row.name != row.crate else "",
        req=row.req,
        page=page,
        origin=origin,
        notes=tuple(notes),
        here=row.registry is None,
        required=row.kind != "dev" and not row.optional,
    )


def _origin(row: DependencyRow, root: str) -> tuple[str | None, str]:
    """Say where a dependency leads, and what it is called where that is not this registry."""
    if row.registry is None:
        return root + addresses.href(addresses.crate_page(row.crate)), ""
    if row.registry == CRATES_IO:
        return f"https://crates.io/crates/{addresses.href(row.crate)}", "crates.io"
    return None, row.registry.removeprefix("sparse+")
