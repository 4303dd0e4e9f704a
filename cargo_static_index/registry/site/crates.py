"""The pages of single crates: made from the index file as read back and the facts, each crate by itself."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index.crate.metadata import CrateMetadata
from cargo_static_index.diagnostics.errors import InvalidDocument, InvalidIndexLine
from cargo_static_index.protocol.index_entry import Entry, parse_entry
from cargo_static_index.protocol.index_file import Line
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.crate_document import (
    CrateDocument,
    Release,
    document_of,
    earlier_needs,
    format_document,
    newest_of,
    parse_crate_document,
    predecessors,
    release_of,
    version_key,
)
from cargo_static_index.site.prose import Prose
from cargo_static_index.site.rows import Rows, rows_of_crate
from cargo_static_index.site.templates import Templates
from cargo_static_index.site.theme import Look, Sources
from cargo_static_index.site.views import NEWEST_SHOWN, Held, readme_of, release_view, version_groups, version_rows
from cargo_static_index.store import Change, Delete, Put, Store
from cargo_static_index.tree import layout
from cargo_static_index.tree.read import read_index, read_metadata

Listing = tuple[str, str, bytes | None]
"""A list, a key, and the row that the list is to have there, or None for no row."""


MANY_VERSIONS = 100
"""Crates with more are made where they are written, page by page: nothing holds all of their pages at once."""


class Made(Struct, frozen=True, kw_only=True):
    """What was made of a crate in another process; nothing for a crate with many versions."""

    name: str
    listings: tuple[Listing, ...] = ()
    changes: tuple[Change, ...] | None = None


class Maker(Struct, frozen=True, kw_only=True):
    """What another process needs to make pages of crates: it reads the tree, and writes nothing."""

    open_tree: Callable[[], Store]
    sources: Sources
    look: Look
    key: str
    """Tells makers with other templates or another look apart."""
    whole: bool
    compiled: str
    """A folder that keeps templates compiled."""

    def make(self, names: Sequence[str]) -> list[Made]:
        """Make the pages of some crates."""
        store = self.open_tree()
        crates = (OneCrate(store, _templates_of(self), self.look, name, whole=self.whole) for name in names)
        return [_made(crate) for crate in crates]


def _made(crate: "OneCrate") -> Made:
    if crate.has_many_versions:
        return Made(name=crate.name)
    return Made(name=crate.name, listings=tuple(crate.listings()), changes=tuple(crate.changes()))


_TEMPLATES: dict[str, Templates] = {}


def _templates_of(maker: Maker) -> Templates:
    """Give the templates, compiled once a process."""
    if maker.key not in _TEMPLATES:
        _TEMPLATES.clear()
        _TEMPLATES[maker.key] = Templates(maker.sources, maker.look, maker.compiled)
    return _TEMPLATES[maker.key]


class OneCrate:
    """One crate: `listings` are the rows that lists must change, `changes` what its own pages must."""

    def __init__(self, store: Store, templates: Templates, look: Look, name: str, *, whole: bool) -> None:
        self._store = store
        self._templates = templates
        self._look = look
        self._name = name
        self._whole = whole
        self._facts: dict[str, CrateMetadata | None] = {}
        self._readmes: dict[str, Prose] = {}
        # Read before the index file: who writes both after this is noticed when the document is replaced.
        self._stored = store.read(addresses.crate_document(name))
        self._before = self._stored_document()
        self._lines = {line.vers: line for line in read_index(store, name).value.releases if line.name == name}
        self._entries: dict[str, Entry] = {}
        self.document = self._document()

    @property
    def name(self) -> str:
        """The crate's name."""
        return self._name

    @property
    def has_many_versions(self) -> bool:
        """Whether its pages are too many to be held at once."""
        return len(self._lines) > MANY_VERSIONS

    def listings(self) -> Iterator[Listing]:
        """Give rows that lists are to have, and those that they are not to have any more."""
        new: Rows = rows_of_crate(self.document) if self.document else {}
        old: Rows = rows_of_crate(self._before) if self._before else {}
        for at, row in new.items():
            if self._whole or old.get(at) != row:
                yield *at, row
        for at in old:
            if at not in new:
                yield *at, None
        # The newest version decides what of the dependents' requirements is satisfied.
        if self._whole or _newest(self.document) != _newest(self._before):
            yield f"dependents/{self._name}", "", None

    def changes(self) -> Iterator[Change]:
        """Give what brings the crate's pages in step, the document that says so last."""
        document = self.document
        written: set[str] = set()
        for path, content in self._pages(document) if document else ():
            written.add(path)
            yield from self._put(path, content)
        for path in self._stale_paths(document):
            if path not in written:
                yield Delete(path=path)
        path = addresses.crate_document(self._name)
        if document:
            content = format_document(document)
            if self._stored is None or self._stored.content != content:
                yield Put(path=path, content=content, expect=self._stored.tag if self._stored else "absent")
        elif self._stored:
            yield Delete(path=path, expect=self._stored.tag)

    # Reading -----------------------------------------------------------------------------------------------

    def _stored_document(self) -> CrateDocument | None:
        try:
            return parse_crate_document(self._stored.content, self._name) if self._stored else None
        except InvalidDocument:
            self._whole = True
            return None

    def _document(self) -> CrateDocument | None:
        known = {} if self._whole or self._before is None else {each.vers: each for each in self._before.versions}
        releases = [row for line in self._lines.values() if (row := self._release(line, known.get(line.vers)))]
        if not releases:
            return None
        releases.sort(key=lambda each: version_key(each.vers), reverse=True)
        newest = newest_of(releases)
        held = self._held(newest.vers)
        others = (each for each in releases if each is not newest)
        earlier = earlier_needs(held.entry, others, lambda vers: self._lines[vers].raw)
        return document_of(held.entry, held.facts, tuple(releases), tuple(earlier))

    def _release(self, line: Line, known: Release | None) -> Release | None:
        if known is not None and known.cksum == line.cksum:
            return replace(known, yanked=line.yanked, pubtime=line.pubtime)
        entry = self._entry(line.vers)
        return release_of(entry, self._facts_of(line)) if entry else None

    def _entry(self, vers: str) -> Entry | None:
        if vers not in self._entries:
            try:
                self._entries[vers] = parse_entry(self._lines[vers].raw)
            except InvalidIndexLine:
                return None  # somebody else's line, which cargo calls invalid
        return self._entries[vers]

    def _facts_of(self, line: Line) -> CrateMetadata | None:
        if line.vers not in self._facts:
            if len(self._facts) > 2:
                self._facts.pop(next(iter(self._facts)))
            try:
                self._facts[line.vers] = read_metadata(self._store, self._name, line.cksum)
            except InvalidDocument:
                self._facts[line.vers] = None  # `verify` says so; a page without them is better than none
        return self._facts[line.vers]

    def _held(self, vers: str) -> Held:
        line = self._lines[vers]
        entry = self._entry(vers)
        assert entry is not None, "versions without an entry are not in the document"
        return Held(line=line.raw.decode(errors="replace"), entry=entry, facts=self._facts_of(line))

    def _readme(self, held: Held) -> Prose:
        """Render a README once for the two pages of the newest version."""
        if held.entry.vers not in self._readmes:
            self._readmes = {held.entry.vers: readme_of(held, self._look)}
        return self._readmes[held.entry.vers]

    # Writing -----------------------------------------------------------------------------------------------

    def _pages(self, document: CrateDocument) -> Iterator[tuple[str, bytes]]:
        before = predecessors(document.versions)
        known = {} if self._whole or self._before is None else _inputs(self._before)
        inputs = _inputs(document)
        for each in reversed(document.versions):
            if each.vers != document.newest and known.get(each.vers) != inputs[each.vers]:
                yield self._version_page(each, before[each.vers], document)
        newest = document.release
        if known.get(newest.vers) != inputs[newest.vers]:
            yield self._version_page(newest, before[newest.vers], document)
        if not self._whole and self._before == document:
            return
        yield self._crate_page(newest, before[newest.vers], document)
        yield from self._version_lists(document)
        path = addresses.crate_feed(self._name)
        recent = sorted((each for each in document.versions if each.pubtime), key=_by_time, reverse=True)
        yield path, self._templates.render("crate-feed.xml", path, {"crate": document, "releases": recent[:50]})

    def _version_page(self, release: Release, before: Release | None, document: CrateDocument) -> tuple[str, bytes]:
        held = self._held(release.vers)
        view = release_view(
            held, self._held(before.vers) if before else None, document, self._look, self._readme(held), own=True
        )
        path = addresses.version_page(self._name, release.vers)
        return path, self._templates.render("version.html", path, {"crate": view})

    def _crate_page(self, newest: Release, before: Release | None, document: CrateDocument) -> tuple[str, bytes]:
        held = self._held(newest.vers)
        view = release_view(
            held, self._held(before.vers) if before else None, document, self._look, self._readme(held), own=False
        )
        path = addresses.crate_page(self._name)
        return path, self._templates.render("crate.html", path, {"crate": view})

    def _version_lists(self, document: CrateDocument) -> Iterator[tuple[str, bytes]]:
        if len(document.versions) <= NEWEST_SHOWN:
            return
        groups = version_groups(document.versions)
        known = version_groups(self._before.versions) if self._before and not self._whole else {}
        index = addresses.versions_page(self._name)
        counts = {group: len(rows) for group, rows in groups.items()}
        yield index, self._templates.render("versions.html", index, {"crate": document, "groups": counts, "group": ""})
        for group, releases in groups.items():
            if known.get(group) != releases:
                path = addresses.versions_page(self._name, group)
                context = {"crate": document, "group": group, "versions": version_rows(releases, "../")}
                yield path, self._templates.render("versions-group.html", path, context)

    def _stale_paths(self, document: CrateDocument | None) -> Iterator[str]:
        """Give pages that may be there and are not to be, the crate's own but for those that stay in other hands."""
        wanted = set(paths_of_crate(document)) if document else set()
        if self._whole:
            found: Iterable[str] = (
                path for path in self._store.list(f"{layout.CRATES}/{self._name}") if _is_ours(path)
            )
        else:
            found = paths_of_crate(self._before) if self._before else ()
        for path in found:
            # What stands for a crate that is gone is for the list of its dependents to say.
            if path not in wanted and path != addresses.crate_page(self._name):
                yield path

    def _put(self, path: str, content: bytes) -> Iterator[Change]:
        # Without a document of the crate's there are no pages of it either, and nothing need be looked at.
        held = self._store.read(path) if self._stored or self._whole else None
        if held is None or held.content != content:
            yield Put(path=path, content=content)


def _newest(document: CrateDocument | None) -> str:
    return document.newest if document else ""


def _by_time(release: Release) -> tuple[str, object]:
    return release.pubtime or "", version_key(release.vers)


def _inputs(document: CrateDocument) -> Mapping[str, Sequence[object]]:
    """Give for each version what its page depends on beside its own archive."""
    before = predecessors(document.versions)
    return {
        each.vers: (each.cksum, each.yanked, each.pubtime, *((previous.vers, previous.cksum) if previous else ()))
        for each in document.versions
        for previous in (before[each.vers],)
    }


def paths_of_crate(document: CrateDocument) -> Iterator[str]:
    """Give the paths of all pages of a crate but its JSON documents."""
    name = document.name
    yield addresses.crate_page(name)
    yield addresses.crate_feed(name)
    for each in document.versions:
        yield addresses.version_page(name, each.vers)
    if len(document.versions) > NEWEST_SHOWN:
        yield addresses.versions_page(name)
        for group in version_groups(document.versions):
            yield addresses.versions_page(name, group)


def _is_ours(path: str) -> bool:
    """Whether a path below a crate's folder is one of the pages that `paths_of_crate` gives."""
    below = path.split("/", 2)[2]
    return path.endswith((".html", "feed.xml")) and not below.startswith(("dependents.", "dependents/"))
