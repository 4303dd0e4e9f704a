"""What the page of a crate or release shows, as values that templates only have to set: no template decides."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.crate.documents import find_file
from cargo_static_index.crate.metadata import CrateMetadata
from cargo_static_index.protocol.index_entry import Entry
from cargo_static_index.protocol.registries import CRATES_IO
from cargo_static_index.protocol.semver import is_prerelease
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.crate_document import (
    CrateDocument,
    Needed,
    Release,
    features_of,
    needed_of,
    one_line,
    version_key,
)
from cargo_static_index.site.diff import Change, differences, human_size
from cargo_static_index.site.prose import Prose, changelog_prose, readme_prose
from cargo_static_index.site.source_links import compare_address, source_address, web_address
from cargo_static_index.site.theme import Look
from cargo_static_index.tree import layout

_MAIL = pattern(r"[\w.+-]+@[\w.-]+", re.ASCII)

NEWEST_SHOWN = 50
"""Versions on a crate's own page; the rest are on pages of their own."""

FILES_SHOWN = 1000
"""Files that a version's page lists."""


class Held(Struct, frozen=True, kw_only=True):
    """A release as it lies in the tree: its line and what the line says, and the archive's facts if they are there."""

    line: str
    entry: Entry
    facts: CrateMetadata | None


class Link(Struct, frozen=True, kw_only=True):
    """Something to follow; without an address it is text."""

    label: str
    address: str | None = None
    text: str = ""


class Copy(Struct, frozen=True, kw_only=True):
    """A line to copy, and what it is for."""

    label: str
    text: str


class NeededView(Struct, frozen=True, kw_only=True):
    """A dependency: `page` leads to it from this page, `notes` are short remarks."""

    name: str
    alias: str
    req: str
    page: str | None
    origin: str
    notes: tuple[str, ...]


class NeededGroup(Struct, frozen=True, kw_only=True):
    """The dependencies of one kind and target."""

    title: str
    target: str
    needed: tuple[NeededView, ...]


class VersionRow(Struct, frozen=True, kw_only=True):
    """A version in a list; `page` leads to it from the page that lists it."""

    vers: str
    page: str
    date: str
    size: str
    rust_version: str
    yanked: bool
    prerelease: bool


class FeatureView(Struct, frozen=True, kw_only=True):
    """A feature and what it turns on."""

    name: str
    enables: tuple[str, ...]
    default: bool


class ReleaseView(Struct, frozen=True, kw_only=True):
    """All that a page shows of a release. `own` is false on the crate's page, which shows its newest version."""

    name: str
    vers: str
    own: bool
    description: str
    yanked: bool
    prerelease: bool
    all_yanked: bool
    date: str
    kind: str
    copies: tuple[Copy, ...]
    facts: tuple[Link, ...]
    links: tuple[Link, ...]
    keywords: tuple[Link, ...]
    categories: tuple[Link, ...]
    authors: tuple[Link, ...]
    readme: Prose
    changelog: str
    needed: tuple[NeededGroup, ...]
    needed_total: int
    features: tuple[FeatureView, ...]
    previous: str
    compare: str | None
    changes: tuple[Change, ...]
    files: tuple[tuple[str, str], ...]
    """Paths and sizes."""
    more_files: int
    download: str
    cksum: str
    line: str
    versions: tuple[VersionRow, ...]
    versions_total: int


def release_view(
    held: Held, before: Held | None, document: CrateDocument, look: Look, readme: Prose | None = None, *, own: bool
) -> ReleaseView:
    """Give what a page shows of a release; `before` is the next lower version, `readme` what was rendered already."""
    entry, facts = held.entry, held.facts
    manifest = facts.manifest if facts else None
    here = addresses.version_page(entry.name, entry.vers) if own else addresses.crate_page(entry.name)
    groups = tuple(_needed_groups(map(needed_of, entry.deps), addresses.up(here)))
    files = facts.files if facts and own else ()
    return ReleaseView(
        name=entry.name,
        vers=entry.vers,
        own=own,
        description=one_line(manifest.description if manifest else None) or "",
        yanked=entry.yanked,
        prerelease=is_prerelease(entry.vers),
        all_yanked=not own and all(each.yanked for each in document.versions),
        date=(entry.pubtime or "")[:10],
        kind=kind_of(facts),
        copies=tuple(_copies(held, look, own=own)),
        facts=tuple(_facts(held)),
        links=tuple(_links(held, look)),
        keywords=_set_links("keyword", manifest.keywords if manifest else (), here, own=own),
        categories=_set_links("category", manifest.categories if manifest else (), here, own=own),
        authors=tuple(map(_author, manifest.authors)) if manifest else (),
        readme=readme or readme_of(held, look),
        changelog=changelog_prose(held.facts, look) if own and facts else "",
        needed=groups,
        needed_total=len(entry.deps),
        features=tuple(_features(entry)),
        previous=before.entry.vers if before else "",
        compare=_compare(held, before),
        changes=differences((before.entry, before.facts), (entry, facts)) if before and own else (),
        files=tuple((each.path, human_size(each.size)) for each in files[:FILES_SHOWN]),
        more_files=max(0, len(files) - FILES_SHOWN),
        download=addresses.up(here) + layout.archive_file(entry.name, entry.cksum),
        cksum=entry.cksum,
        line=held.line,
        versions=version_rows(document.versions[:NEWEST_SHOWN], "") if not own else (),
        versions_total=0 if own else len(document.versions),
    )


def kind_of(facts: CrateMetadata | None) -> str:
    """Say what a crate is: a library, a procedural macro, a program, or several of these."""
    if facts is None:
        return ""
    manifest = facts.manifest
    words = ["Procedural macro"] if manifest.proc_macro else ["Library"] if manifest.lib else []
    if manifest.bins:
        words.append("program" + "s" * (len(manifest.bins) > 1) + " " + ", ".join(manifest.bins))
    text = " and ".join(words)
    return text[:1].upper() + text[1:]


def readme_of(held: Held, look: Look) -> Prose:
    """Render the README of a release."""
    return readme_prose(held.facts, look)


def version_rows(releases: Iterable[Release], way: str) -> tuple[VersionRow, ...]:
    """Give rows for versions; `way` leads from the listing page to the crate's folder."""
    return tuple(
        VersionRow(
            vers=each.vers,
            page=f"{way}{addresses.href(each.vers)}/index.html",
            date=(each.pubtime or "")[:10],
            size=human_size(each.size) if each.size is not None else "",
            rust_version=each.rust_version or "",
            yanked=each.yanked,
            prerelease=is_prerelease(each.vers),
        )
        for each in releases
    )


def version_groups(releases: Sequence[Release], most: int = 200) -> dict[str, list[Release]]:
    """Cut versions by what they say: by major number, by minor too where that is many, then by hundreds of patches."""
    groups: dict[str, list[Release]] = {}
    for major, some in _cut(releases, lambda each: f"{version_key(each.vers).major}"):
        if len(some) <= most:
            groups[major] = some
            continue
        for minor, fewer in _cut(some, lambda each: f"{version_key(each.vers).major}.{version_key(each.vers).minor}"):
            if len(fewer) <= most:
                groups[minor] = fewer
                continue
            for hundred, few in _cut(fewer, lambda each: f"{version_key(each.vers).patch // 100 * 100}"):
                groups[f"{minor}.{hundred}"] = few
    return groups


def _cut(releases: Iterable[Release], key: Callable[[Release], str]) -> Iterator[tuple[str, list[Release]]]:
    found: dict[str, list[Release]] = {}
    for each in releases:
        found.setdefault(key(each), []).append(each)
    return iter(found.items())


def _copies(held: Held, look: Look, *, own: bool) -> Iterator[Copy]:
    entry, facts = held.entry, held.facts
    registry = "" if look.mirror else f" --registry {look.registry}"
    exact = f"@{entry.vers.partition('+')[0]}" if own or is_prerelease(entry.vers) else ""
    bins = facts.manifest.bins if facts else ()
    if bins:
        only = f" --version {entry.vers.partition('+')[0]}" if exact else ""
        label = "Install the program" if len(bins) == 1 else "Install the programs"
        yield Copy(label=label, text=f"cargo install {entry.name}{only}{registry}")
    if facts is None or facts.manifest.lib or not bins:
        yield Copy(label="Add it to your project", text=f"cargo add {entry.name}{exact}{registry}")
        yield Copy(label="Or write it into Cargo.toml", text=toml_line(entry, look))


def toml_line(entry: Entry, look: Look) -> str:
    """Give the line of `[dependencies]` that asks for a release."""
    vers = entry.vers.partition("+")[0]
    if look.mirror:
        return f'{entry.name} = "{vers}"'
    return f'{entry.name} = {{ version = "{vers}", registry = "{look.registry}" }}'


def _facts(held: Held) -> Iterator[Link]:
    entry, facts = held.entry, held.facts
    manifest = facts.manifest if facts else None
    if kind := kind_of(facts):
        yield Link(label="Kind", text=kind)
    rust_version = entry.rust_version or (manifest.rust_version if manifest else None)
    if rust_version:
        yield Link(label="Rust version", text=f"{rust_version} or later")
    if manifest:
        yield Link(label="Edition", text=manifest.edition)
        yield Link(label="License", text=manifest.license or _license_file(held) or "not stated")
    if facts:
        yield Link(label="Size", text=f"{human_size(facts.packed_size)}, {human_size(facts.unpacked_size)} unpacked")
    if entry.links:
        yield Link(label="Links to", text=entry.links)


def _license_file(held: Held) -> str:
    stated = held.facts.manifest.license_file if held.facts else None
    if held.facts is None or not stated:
        return ""
    return f"see {find_file(stated, [file.path for file in held.facts.files]) or stated}"


def _links(held: Held, look: Look) -> Iterator[Link]:
    facts = held.facts
    if facts is None or not facts.manifest.authors:
        # Who knows whom to ask where a crate does not say: the registry's own people.
        yield from (Link(label="Contact", address=address, text=text) for text, address in look.links)
    if facts is None:
        return
    manifest = facts.manifest
    documentation = manifest.documentation or _filled(look.documentation, held.entry)
    for label, address in (
        ("Documentation", documentation),
        ("Homepage", manifest.homepage),
        ("Repository", manifest.repository),
    ):
        if address:
            yield Link(label=label, address=web_address(address), text=_bare(address))
    commit = facts.vcs.sha1 if facts.vcs else None
    if commit:
        address = source_address(manifest.repository, commit, facts.vcs.path_in_vcs if facts.vcs else "")
        dirty = ", with changes not committed" if facts.vcs and facts.vcs.dirty else ""
        yield Link(label="Source", address=address, text=f"at {commit[:10]}{dirty}")


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


def _compare(held: Held, before: Held | None) -> str | None:
    if before is None or not (held.facts and held.facts.vcs and before.facts and before.facts.vcs):
        return None
    return compare_address(held.facts.manifest.repository, before.facts.vcs.sha1, held.facts.vcs.sha1)


_KINDS = {"normal": "To build and run", "build": "For the build script", "dev": "For tests and examples"}


def _needed_groups(needed: Iterable[Needed], root: str) -> Iterator[NeededGroup]:
    groups: dict[tuple[str, str], list[Needed]] = {}
    for each in needed:
        groups.setdefault((each.kind, each.target or ""), []).append(each)
    for kind, title in _KINDS.items():
        for (found, target), members in sorted(groups.items()):
            if found == kind:
                yield NeededGroup(title=title, target=target, needed=tuple(_needed(each, root) for each in members))


def _needed(needed: Needed, root: str) -> NeededView:
    notes = []
    if needed.optional:
        notes.append("optional")
    if not needed.default_features:
        notes.append("no default features")
    if needed.features:
        notes.append("features " + ", ".join(needed.features))
    page, origin = _origin(needed, root)
    return NeededView(
        name=needed.crate,
        alias=needed.name if needed.name != needed.crate else "",
        req=needed.req,
        page=page,
        origin=origin,
        notes=tuple(notes),
    )


def _origin(needed: Needed, root: str) -> tuple[str | None, str]:
    """Say where a dependency leads, and what it is called where that is not this registry."""
    if needed.registry is None:
        return root + addresses.href(addresses.crate_page(needed.crate)), ""
    if needed.registry == CRATES_IO:
        return f"https://crates.io/crates/{addresses.href(needed.crate)}", "crates.io"
    return None, needed.registry.removeprefix("sparse+")


def _features(entry: Entry) -> Iterator[FeatureView]:
    features = features_of(entry)
    from_default = frozenset(features.get("default", ()))
    for name, values in features.items():
        if name == "default":
            continue
        yield FeatureView(name=name, enables=tuple(values), default=name in from_default)
