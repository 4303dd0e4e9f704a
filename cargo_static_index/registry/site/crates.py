"""The pages of single crates: made from the index file as read back and the metadata, each crate by itself."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from io import BytesIO
from itertools import chain

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from cargo_static_index.crate.metadata import CrateMetadata, File
from cargo_static_index.crate.tar import read_files
from cargo_static_index.diagnostics.errors import InvalidDocument, InvalidIndexLine, StoreError
from cargo_static_index.protocol.index_entry import Entry, parse_entry, parse_needed
from cargo_static_index.protocol.index_file import Line
from cargo_static_index.registry.advisories import AdvisoryDatabase, notes_on
from cargo_static_index.registry.site.documents import dependents_at
from cargo_static_index.registry.site.output import Failures, written
from cargo_static_index.registry.site.rendering import Renderer
from cargo_static_index.registry.upstream import UpstreamIndex
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.crate_document import (
    CrateDocument,
    ReleaseSummary,
    Text,
    document_of,
    format_page_document,
    newest_of,
    older_dependencies,
    parse_crate_document,
    power_of_two,
    predecessors,
    summary_of,
    version_key,
)
from cargo_static_index.site.lists import dependents_list
from cargo_static_index.site.prose import Prose, Render, changelog_prose, readme_prose
from cargo_static_index.site.readme.images import image_name, images_in_question, names_of_held
from cargo_static_index.site.readme.text import ReadmeSource, Rendered
from cargo_static_index.site.rows import Rows, rows_of_crate
from cargo_static_index.site.seal import made_of
from cargo_static_index.site.search_rows import format_shown, words_of_readme
from cargo_static_index.site.source import (
    by_folder,
    files_shown,
    source_folder,
    source_page,
    source_text,
    source_view,
    text_of,
)
from cargo_static_index.site.templates import Templates
from cargo_static_index.site.theme import SiteInfo, Theme
from cargo_static_index.site.views import (
    NEWEST_SHOWN,
    StoredRelease,
    notes_of,
    release_view,
    version_groups,
    version_rows,
)
from cargo_static_index.store import Change, Delete, Store, Stored
from cargo_static_index.tree import layout
from cargo_static_index.tree.documents import Tombstone
from cargo_static_index.tree.owners import read_owners
from cargo_static_index.tree.read import known_metadata, read_index, read_indexes, read_tombstones, replaced

_SAID: Mapping[Text, str] = {"readme": "README", "changelog": "change log"}

ListedRow = tuple[str, str, bytes | None]
"""A list, a key, and the row that the list is to have there, or None for no row."""


FEED_ENTRIES = 50
"""Releases in the feed of a crate, the last first."""

MANY_VERSIONS = 100
"""Crates with more are made where they are written, page by page: nothing holds all of their pages at once."""


class MadePages(Struct, frozen=True, kw_only=True):
    """What was made of a crate in another process; no changes for a crate with many versions."""

    name: str
    listed_rows: tuple[ListedRow, ...] = ()
    changes: tuple[Change, ...] | None = None
    failures: dict[str, str] = {}
    """Why what could not be made, by path."""
    notes: tuple[str, ...] = ()


class PageMaker(Struct, frozen=True, kw_only=True):
    """What another process needs to make pages of crates: it reads the tree, and writes nothing but pages, if those.

    Where it `writes`, the crate's document comes back all the same: whoever builds notes what lists lose before it.
    """

    open_tree: Callable[[], Store]
    theme: Theme
    site: SiteInfo
    key: str
    """Tells makers with other templates or other settings apart."""
    whole: bool
    advisories: AdvisoryDatabase
    upstream: UpstreamIndex | None
    writes: bool = False

    def make(self, names: Sequence[str], expected: Mapping[str, int]) -> list[MadePages]:
        """Make the pages of some crates, of which so many crates are `expected` to depend on each."""
        store, templates = self.open_tree(), _templates_of(self)
        return [self._made(store, templates, name, expected.get(name, 0)) for name in names]

    def _made(self, store: Store, templates: Templates, name: str, expected: int) -> MadePages:
        failures = Failures()
        with failures.noted(addresses.crate_page(name)):
            crate = CratePages(
                *(store, templates, self.site, name, _RENDERER, failures),
                advisories=self.advisories,
                upstream=self.upstream,
                whole=self.whole,
                expected=expected,
            )
            if crate.has_many_versions:
                return MadePages(name=name)
            rows = tuple(crate.listed_rows())
            changes, notes = tuple(crate.changes()), tuple(crate.notes)
            if self.writes:
                changes = _written(store, name, changes)
            return MadePages(name=name, listed_rows=rows, changes=changes, failures=failures.reasons, notes=notes)
        return MadePages(name=name, changes=(), failures=failures.reasons)


def count_dependents(open_tree: Callable[[], Store], names: Sequence[str]) -> Counter[str]:
    """Count by crate how many of the crates `names` will be in the list of those that depend on it."""
    found = read_indexes(open_tree(), [layout.index_file(name) for name in names])
    return Counter(
        needed
        for name, index in zip(names, found, strict=True)
        for needed in {
            dep.crate
            for line in index.value.releases
            if line.name == name
            for dep in parse_needed(line.raw)
            if dep.registry is None
        }
    )


def _written(store: Store, name: str, changes: Sequence[Change]) -> tuple[Change, ...]:
    """Write the pages of a crate, and give what is left to do: its document, and what somebody else forestalled."""
    document = addresses.crate_document(name)
    lost = store.apply(change for change in changes if change.path != document)
    return (*lost, *(change for change in changes if change.path == document))


_RENDERER = Renderer()
"""Renders for all crates of this process; the process that it may start ends with this one."""


_TEMPLATES: dict[str, Templates] = {}


def _templates_of(maker: PageMaker) -> Templates:
    """Give the templates, loaded once a process."""
    if maker.key not in _TEMPLATES:
        _TEMPLATES.clear()
        _TEMPLATES[maker.key] = Templates(maker.theme, maker.site)
    return _TEMPLATES[maker.key]


class CratePages:
    """One crate: `listed_rows` are the rows that lists must change, `changes` what its own pages must."""

    def __init__(
        self,
        store: Store,
        templates: Templates,
        site: SiteInfo,
        name: str,
        renderer: Render,
        failures: Failures,
        *,
        advisories: AdvisoryDatabase,
        upstream: UpstreamIndex | None = None,
        whole: bool,
        expected: int = 0,
    ) -> None:
        self._store = store
        self._renderer = renderer
        self._templates = templates
        self._site = site
        self._name = name
        self._failures = failures
        self._advisories = advisories
        self._upstream = upstream
        self._whole = whole
        self._expected = expected
        """How many crates will depend on it once all lists are written."""
        self._metadata: dict[str, CrateMetadata | None] = {}
        self._rendered: dict[str, tuple[Prose, Prose]] = {}
        self._images: dict[str, Mapping[str, bytes]] = {}
        """The images that archives hold, by name, of releases whose README was just rendered, by checksum."""
        self._shown: set[str] = set()
        """Those that pages show."""
        self.notes: list[str] = []
        """What a person should know of it."""
        # Read before the index file: who writes both after this is noticed when the document is replaced (law 4).
        self._stored = store.read(addresses.crate_document(name))
        self._before = self._stored_document()
        self._owners = self._stored_owners()
        # Index file and tombstones are read back, as pages show what is published, whoever wrote it last (laws 3, 4).
        self._lines = {line.vers: line for line in read_index(store, name).value.releases if line.name == name}
        self._entries: dict[str, Entry] = {}
        self._stones = self._removed()
        self.document = self._document()
        summaries = self.document.versions if self.document else ()
        self._plain = {summary.vers: summary.plain for summary in summaries if summary.plain}

    @property
    def has_many_versions(self) -> bool:
        """Whether its pages are too many to be held at once."""
        return len(self._lines) > MANY_VERSIONS

    def listed_rows(self) -> Iterator[ListedRow]:
        """Give rows that lists are to have, and those that they are not to have any more."""
        new: Rows = rows_of_crate(self.document) if self.document else {}
        old: Rows = rows_of_crate(self._before) if self._before else {}
        for at, row in new.items():
            if self._whole or old.get(at) != row:
                yield *at, row
        for at in old:
            if at not in new:
                yield *at, None
        # The newest version decides what of the dependents' requirements is satisfied, and where there is none, their
        # list writes the page that stands there.
        if self._whole or _newest(self.document) != _newest(self._before) or (not self.document and self._stones):
            yield dependents_list(self._name), "", None

    def changes(self) -> Iterator[Change]:
        """Give what brings the crate's pages in step, the document that says so last."""
        document = self.document
        for path, make in chain(self._removed_pages(document), self._pages(document) if document else ()):
            with self._failures.noted(path):
                yield from written(path, make(), self._stored_page(path))
        yield from (Delete(path=path) for path in self._stale_paths(document))
        content = format_page_document(self._decided(document)) if document else None
        yield from replaced(addresses.crate_document(self._name), content, self._stored)

    def _decided(self, document: CrateDocument) -> CrateDocument:
        """Give the document with what was decided of texts while pages were made."""
        if not self.notes:
            return document
        versions = (replace(summary, plain=self._plain.get(summary.vers, UNSET)) for summary in document.versions)
        return replace(document, versions=tuple(versions))

    # Reading -----------------------------------------------------------------------------------------------

    def _stored_document(self) -> CrateDocument | None:
        try:
            return parse_crate_document(self._stored.content, self._name) if self._stored else None
        except InvalidDocument:
            self._whole = True
            return None

    def _stored_owners(self) -> tuple[str, ...]:
        before = self._before.owners if self._before else ()  # perhaps nothing else knows by now
        try:
            held = read_owners(self._store, self._name).value
        except InvalidDocument:
            return before
        return held.owners if held else before

    def _removed(self) -> tuple[Tombstone, ...]:
        try:
            stones = read_tombstones(self._store, self._name).value
        except InvalidDocument:
            return self._before.removed if self._before else ()  # perhaps nothing else knows by now
        return tuple(stone.plain for stone in stones.in_force(self._lines.keys()))

    def _document(self) -> CrateDocument | None:
        known = {release.vers: release for release in self._before.versions} if self._before else {}
        found = [row for line in self._lines.values() if (row := self._summary(line, known.get(line.vers)))]
        summaries = [self._dated(summary, known.get(summary.vers)) for summary in found]
        if not summaries:
            return None
        summaries.sort(key=lambda summary: version_key(summary.vers), reverse=True)
        newest = newest_of(summaries)
        release = self._release(newest.vers)
        others = (summary for summary in summaries if summary is not newest)
        older = older_dependencies(release.entry, others, lambda vers: self._lines[vers].raw)
        document = document_of(release.entry, release.metadata, tuple(summaries), tuple(older))
        notes = notes_on(self._advisories.of(self._name)[0], [summary.vers for summary in summaries])
        document = replace(document, owners=self._owners, removed=self._stones, advisories=notes)
        return replace(document, dependents=self._dependents(), words=self._words(document, release.metadata))

    def _words(self, document: CrateDocument, metadata: CrateMetadata | None) -> tuple[str, ...] | UnsetType:
        """Give the words of the newest version's README: those of the same archive are known."""
        before = self._before
        if before and before.words and not self._whole and before.release.cksum == document.release.cksum:
            return before.words
        readme = metadata.readme if metadata else None
        return words_of_readme(document, (readme.text if readme else "") or "") or UNSET

    def _dependents(self) -> int | UnsetType:
        """Give how many crates depend on it as its list says by now; whoever changes that sees to it that this runs."""
        new = self._before is None and self._expected
        return power_of_two(new or dependents_at(self._store, self._name)) or UNSET

    def _summary(self, line: Line, known: ReleaseSummary | None) -> ReleaseSummary | None:
        if known is not None and known.cksum != line.cksum:
            known = None
        if known is not None and not self._whole:
            return replace(known, yanked=line.yanked, pubtime=line.pubtime)
        entry = self._entry(line.vers)
        if entry is None:
            return None
        return replace(summary_of(entry, self._metadata_of(line)), plain=known.plain if known else UNSET)

    def _dated(self, summary: ReleaseSummary, known: ReleaseSummary | None) -> ReleaseSummary:
        """Say in a mirror whose time a release has; what was known of the same bytes and time stays so."""
        if not self._site.mirror:
            return summary
        if (
            known
            and known.pubtime_from == "crates.io"
            and (known.cksum, known.pubtime) == (summary.cksum, summary.pubtime)
        ):
            return replace(summary, pubtime_from="crates.io")
        line = self._upstream_lines.get((summary.vers, summary.cksum))
        theirs = line is not None and line.pubtime == summary.pubtime
        return replace(summary, pubtime_from="crates.io" if theirs else "here")

    @cached_property
    def _upstream_lines(self) -> Mapping[tuple[str, str], Line]:
        try:
            return self._upstream.lines_of(self._name) if self._upstream else {}
        except StoreError:
            return {}  # whoever takes times from there says so

    def _entry(self, vers: str) -> Entry | None:
        if vers not in self._entries:
            try:
                self._entries[vers] = parse_entry(self._lines[vers].raw)
            except InvalidIndexLine:
                return None  # somebody else's line, which cargo calls invalid
        return self._entries[vers]

    def _metadata_of(self, line: Line) -> CrateMetadata | None:
        if line.vers not in self._metadata:
            if len(self._metadata) > 2:
                self._metadata.pop(next(iter(self._metadata)))
            self._metadata[line.vers] = known_metadata(self._store, line)  # a page without it is better than none
        return self._metadata[line.vers]

    def _release(self, vers: str) -> StoredRelease:
        line = self._lines[vers]
        entry = self._entry(vers)
        assert entry is not None, "versions without an entry are not in the document"
        return StoredRelease(line=line.raw.decode(errors="replace"), entry=entry, metadata=self._metadata_of(line))

    def _texts(self, release: StoredRelease) -> tuple[Prose, Prose]:
        """Render README and change log once for the two pages of the newest version."""
        vers = release.entry.vers
        if vers not in self._rendered:
            metadata, site = release.metadata, self._site
            held = {path: name for path, (name, _) in self._images_of(metadata).items()} if metadata else {}
            readme = readme_prose(metadata, site, partial(self._render, vers, "readme"), held)
            changelog = changelog_prose(metadata, site, partial(self._render, vers, "changelog"))
            self._rendered = {vers: (readme, changelog)}
        return self._rendered[vers]

    def _render(self, vers: str, text: Text, source: ReadmeSource) -> Rendered | None:
        """Render a text, but for one that took too much before, to whatever writer: that is decided."""
        if text in self._plain.get(vers, ()):
            return None
        rendered = self._renderer(source)
        if rendered is None:
            self._plain[vers] = (*self._plain.get(vers, ()), text)
            self.notes.append(
                f"{self._name} {vers}: its {_SAID[text]} takes more time or memory to render than any may, "
                "so it is shown as plain text."
            )
        return rendered

    def _stored_page(self, path: str) -> Stored | None:
        # Without a document of the crate's there are no pages of it either; and in a bucket it costs no more to write
        # a page that hardly ever is the same than to look.
        looked_at = self._whole or (self._stored and not self._store.shared)
        return self._store.read(path) if looked_at else None

    # Writing -----------------------------------------------------------------------------------------------

    def _pages(self, document: CrateDocument) -> Iterator[tuple[str, Callable[[], bytes]]]:
        """Give the pages that may differ from what is there, by path, and what makes each."""
        name = self._name
        before = predecessors(document.versions)
        known = {} if self._whole or self._before is None else _inputs(self._before)
        inputs = _inputs(document)
        newest = document.release
        older = (summary for summary in reversed(document.versions) if summary is not newest)
        for summary in (*older, newest):  # the newest last, whose README is on the crate's page too
            if known.get(summary.vers) != inputs[summary.vers]:
                path = addresses.version_page(name, summary.vers)
                yield path, partial(self._release_page, path, summary, before[summary.vers], document)
                yield from self._image_files(summary.vers)
        shown = {summary.vers: summary.cksum for summary in self._before.versions} if known and self._before else {}
        for summary in document.versions:
            if shown.get(summary.vers) != summary.cksum:
                yield from self._source_pages(summary.vers)
        row = format_shown(document)
        if self._whole or self._before is None or row != format_shown(self._before):
            yield addresses.crate_row(name), lambda: row
        if not self._whole and self._before and _on_pages(self._before) == _on_pages(document):
            return
        path = addresses.crate_page(name)
        yield path, partial(self._release_page, path, newest, before[newest.vers], document)
        yield from self._version_lists(document)
        path = addresses.crate_feed(name)
        yield path, partial(self._feed, path, document)

    @cached_property
    def _sources(self) -> Mapping[str, bytes]:
        return sources_of_crate(self.document) if self.document else {}

    def _removed_pages(self, document: CrateDocument | None) -> Iterator[tuple[str, Callable[[], bytes]]]:
        """Give the pages of releases that were removed: they say so, when, and what to do."""
        known = {} if self._whole or self._before is None else {stone.vers: stone for stone in self._before.removed}
        for stone in self._stones:
            if known.get(stone.vers) != stone:
                path = addresses.version_page(self._name, stone.vers)
                yield path, partial(self._removed_page, path, stone, document)

    def _removed_page(self, path: str, stone: Tombstone, document: CrateDocument | None) -> bytes:
        context = {"name": self._name, "stone": stone, "held": document is not None}
        return self._templates.render("removed.html", path, context, made_of(stone))

    def _release_page(
        self, path: str, summary: ReleaseSummary, before: ReleaseSummary | None, document: CrateDocument
    ) -> bytes:
        """Make the page of a version, or the crate's own, which shows its newest version."""
        release = self._release(summary.vers)
        previous = self._release(before.vers) if before else None
        own = path != addresses.crate_page(self._name)
        readme, changelog = self._texts(release)
        shown = changelog if own else Prose()
        view = release_view(release, previous, document, self._site, readme, shown, own=own)
        return self._templates.render(
            "version.html" if own else "crate.html", path, {"crate": view}, self._sources[path]
        )

    def _images_of(self, metadata: CrateMetadata) -> Mapping[str, tuple[str, bytes]]:
        """Give the name in the tree and the content of the images that a README may show of its package, by path."""
        readme = metadata.readme
        if self._site.images == "none" or readme is None or not readme.text or readme.origin:
            return {}
        named = images_in_question(readme.text, {file.path: file.size for file in metadata.files})
        if not named:
            return {}
        held = {path: (image_name(content), content) for path, content in self._files(metadata, named).items()}
        found = {path: (name, content) for path, (name, content) in held.items() if name}
        self._images[metadata.cksum] = dict(found.values())
        return found

    def _image_files(self, vers: str) -> Iterator[tuple[str, Callable[[], bytes]]]:
        """Give the images that the README of a release shows of its archive, once that is rendered."""
        images = self._images.pop(self._lines[vers].cksum or "", {})
        readme = self._rendered[vers][0].html if images and vers in self._rendered else ""
        for name in sorted(names_of_held(readme) & images.keys()):
            path = f"{addresses.version_folder(self._name, vers)}/images/{name}"
            self._shown.add(path)
            yield path, partial(bytes, images[name])

    def _source_pages(self, vers: str) -> Iterator[tuple[str, Callable[[], bytes]]]:
        """Give the pages of a release's files, and the texts beside them."""
        metadata, files = self._files_shown(vers)
        if metadata is None or not files:
            return
        contents = self._files(metadata, {file.path for file in files})
        folders = by_folder(files)
        folder = source_folder(self._name, vers)
        for path, content in contents.items():
            if text_of(content) is not None:
                yield f"{folder}/{source_text(path)}", partial(bytes, content)
            page = f"{folder}/{source_page(path)}"
            yield page, partial(self._source_page, page, metadata, path, content, folders)

    def _files_shown(self, vers: str) -> tuple[CrateMetadata | None, tuple[File, ...]]:
        """Give a release's metadata and those of its files that have pages; no metadata is read where none have."""
        if self._site.source == "none":
            return None, ()
        metadata = self._metadata_of(self._lines[vers])
        return metadata, files_shown(metadata, self._site.source, self._site.source_bytes) if metadata else ()

    def _files(self, metadata: CrateMetadata, wanted: Collection[str]) -> Mapping[str, bytes]:
        """Give what files of a release hold; none where its archive is not there, which `verify` tells of."""
        stored = self._store.read(layout.archive_file(self._name, metadata.cksum))
        return read_files(BytesIO(stored.content), wanted) if stored else {}

    def _source_page(
        self, page: str, metadata: CrateMetadata, path: str, content: bytes, folders: Mapping[str, Sequence[str]]
    ) -> bytes:
        return self._templates.render("source.html", page, {"file": source_view(metadata, path, content, folders)})

    def _feed(self, path: str, document: CrateDocument) -> bytes:
        timed = (summary for summary in document.versions if summary.pubtime)
        by_time = sorted(timed, key=lambda summary: (summary.pubtime or "", version_key(summary.vers)), reverse=True)
        return self._templates.render(
            "crate-feed.xml", path, {"crate": document, "releases": by_time[:FEED_ENTRIES]}, self._sources[path]
        )

    def _version_lists(self, document: CrateDocument) -> Iterator[tuple[str, Callable[[], bytes]]]:
        if len(document.versions) <= NEWEST_SHOWN:
            return
        groups = version_groups(document.versions)
        before = self._before if not self._whole else None
        if before and len(before.versions) <= NEWEST_SHOWN:
            before = None  # it has none of these pages yet
        known = version_groups(before.versions) if before else {}
        notes, noted = document.advisories, before.advisories if before else ()
        path = addresses.versions_page(self._name)
        if len(groups) == 1:
            yield path, partial(self._version_group, path, document, next(iter(groups)), document.versions)
            return
        counts = {group: len(summaries) for group, summaries in groups.items()}
        context: dict[str, object] = {"crate": document, "groups": counts}
        yield path, partial(self._templates.render, "versions.html", path, context, self._sources[path])
        for group, summaries in groups.items():
            unlike = group not in known or version_rows(known[group], "", noted) != version_rows(summaries, "", notes)
            if unlike or len(known) == 1:
                path = addresses.versions_page(self._name, group)
                yield path, partial(self._version_group, path, document, group, summaries)

    def _version_group(
        self, path: str, document: CrateDocument, group: str, summaries: Sequence[ReleaseSummary]
    ) -> bytes:
        rows = version_rows(summaries, "../", document.advisories)
        context = {"crate": document, "group": group, "versions": rows}
        return self._templates.render("versions-group.html", path, context, self._sources[path])

    def _stale_paths(self, document: CrateDocument | None) -> Iterator[str]:
        """Give pages that may be there and are not to be, the crate's own but for those that stay in other hands."""
        wanted = set(paths_of_crate(document)) if document else set(paths_of_removed(self._name, self._stones))
        wanted |= self._shown
        if self._whole and document:
            wanted |= {path for summary in document.versions for path in self._source_paths(summary.vers)}
        if self._whole:
            found: Iterable[str] = (
                path for path in self._store.list(f"{layout.CRATES}/{self._name}") if _is_ours(path)
            )
        else:
            found = self._paths_before(document)
        for path in found:
            # What stands for a crate that is gone is for the list of its dependents to say.
            if path not in wanted and path != addresses.crate_page(self._name):
                yield path

    def _paths_before(self, document: CrateDocument | None) -> Iterator[str]:
        """Give the pages that were there as the last document says, with those of files of releases that went."""
        if self._before is None:
            return
        yield from paths_of_crate(self._before)
        held = {summary.vers for summary in document.versions} if document else set()
        for summary in self._before.versions:
            if summary.vers not in held:
                folder = addresses.version_folder(self._name, summary.vers)
                yield from (path for path in self._store.list(folder) if _is_ours(path))

    def _source_paths(self, vers: str) -> Iterator[str]:
        """Give the paths of all that a release's files have of pages and texts."""
        folder = source_folder(self._name, vers)
        for file in self._files_shown(vers)[1]:
            yield f"{folder}/{source_page(file.path)}"
            yield f"{folder}/{source_text(file.path)}"


def _on_pages(document: CrateDocument) -> CrateDocument:
    """Give a document without what only searches ask for."""
    return replace(document, dependents=UNSET, words=UNSET)


def _newest(document: CrateDocument | None) -> str:
    return document.newest if document else ""


def _inputs(document: CrateDocument) -> Mapping[str, Sequence[object]]:
    """Give for each version what its page depends on beside its own archive."""
    before = predecessors(document.versions)
    return {
        summary.vers: (
            *(summary.cksum, summary.yanked, summary.pubtime, summary.pubtime_from or None),
            *((previous.vers, previous.cksum) if previous else ()),
            *notes_of(summary.vers, document.advisories),
        )
        for summary in document.versions
        for previous in (before[summary.vers],)
    }


def paths_of_crate(document: CrateDocument) -> Iterator[str]:
    """Give the paths of all pages of a crate but its JSON documents."""
    name = document.name
    yield addresses.crate_page(name)
    yield addresses.crate_row(name)
    yield addresses.crate_feed(name)
    for summary in document.versions:
        yield addresses.version_page(name, summary.vers)
    yield from paths_of_removed(name, document.removed)
    if len(document.versions) > NEWEST_SHOWN:
        yield addresses.versions_page(name)
        groups = version_groups(document.versions)
        yield from (addresses.versions_page(name, group) for group in groups if len(groups) > 1)


def sources_of_crate(document: CrateDocument) -> dict[str, bytes]:
    """Give what the pages of a crate are made of (`site.seal`), by path: whatever has them made anew."""
    name = document.name
    versions = tuple(replace(summary, plain=UNSET) for summary in document.versions)  # which their making decides
    whole = made_of(_on_pages(replace(document, versions=versions)))
    sources = {addresses.crate_page(name): whole, addresses.crate_feed(name): whole}
    sources |= {addresses.version_page(name, vers): made_of(inputs) for vers, inputs in _inputs(document).items()}
    sources |= sources_of_removed(name, document.removed)
    if len(document.versions) > NEWEST_SHOWN:
        sources[addresses.versions_page(name)] = whole
        groups = version_groups(document.versions)
        for group, summaries in groups.items() if len(groups) > 1 else ():
            rows = version_rows(summaries, "", document.advisories)
            sources[addresses.versions_page(name, group)] = made_of(rows)
    return sources


def sources_of_removed(name: str, stones: Iterable[Tombstone]) -> dict[str, bytes]:
    """Give what the pages of releases that were removed are made of, by path."""
    return {addresses.version_page(name, stone.vers): made_of(stone.plain) for stone in stones}


def paths_of_removed(name: str, stones: Iterable[Tombstone]) -> Iterator[str]:
    """Give the paths of the pages of releases that were removed."""
    return (addresses.version_page(name, stone.vers) for stone in stones)


def _is_ours(path: str) -> bool:
    """Whether a path below a crate's folder is one of the pages that `paths_of_crate` gives."""
    below = path.split("/", 2)[2]
    if "/source/" in below or "/images/" in below:
        return True
    return path.endswith((".html", "feed.xml", "/row.js")) and not below.startswith(("dependents.", "dependents/"))
