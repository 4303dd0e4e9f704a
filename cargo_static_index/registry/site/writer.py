"""What is derived from the registry and written beside it: which pages to write, when, and from what.

Each change of an index file makes its crate stale, in the state, before the change counts as done. Pages are then
made from the index file as read back: a crate's own first, with the rows that lists are to have put down on disk;
then the lists; then front page and feeds. What breaks off is found there by the next build.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cached_property, partial
from hashlib import blake2b
from itertools import groupby, islice
from typing import TYPE_CHECKING

from msgspec import UNSET
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.registry.advisories import AdvisoryDatabase, notes_on
from cargo_static_index.registry.recover import know_others
from cargo_static_index.registry.shared import ChangeLog
from cargo_static_index.registry.site.documents import read_crate_document
from cargo_static_index.registry.site.front import FrontPages
from cargo_static_index.registry.site.lists import ListDamaged, ListWriter, read_nodes
from cargo_static_index.registry.site.news import KnownNews, SharedNews
from cargo_static_index.registry.site.output import Copies, Output, written
from cargo_static_index.registry.site.refused import RefusedFiles
from cargo_static_index.registry.site.theme import read_theme, renderer, site_info_of, unused_files
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.registry.workers import Executor, spread, unbroken
from cargo_static_index.settings import Settings
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.crate_document import (
    CopiesHeld,
    CrateDocument,
    PagesState,
    format_page_document,
    parse_crate_document,
    parse_pages_state,
)
from cargo_static_index.site.lists import ALWAYS, dependents_list, list_view, pages_of
from cargo_static_index.site.rows import ADVISORIES, rows_of_crate
from cargo_static_index.site.theme import SiteInfo, Theme, assets_of, fingerprint_of
from cargo_static_index.state import Remaking
from cargo_static_index.store import Change, Delete, Put, Stored
from cargo_static_index.store.pauses import attempts
from cargo_static_index.tree import layout
from cargo_static_index.tree.documents import sum_digests
from cargo_static_index.tree.read import crates_with_tombstones, read_record, replaced

if TYPE_CHECKING:  # loaded with the first page that is made: most builds find nothing new
    from cargo_static_index.registry.site.crates import CratePages, ListedRow
    from cargo_static_index.registry.site.rendering import Renderer
    from cargo_static_index.site.templates import Templates

CRATES_AT_ONCE = 128
"""Crates whose pages are made before the next are asked for."""

CRATES_A_TASK = 16
"""Crates that a process makes the pages of before it answers."""

CRATES_COUNTED = 1000
"""Crates whose dependencies a process counts before it answers."""

_KILLED = "made pages was killed, perhaps for want of memory; run this again"

FAR_CRATES_AT_ONCE, FAR_CRATES_A_TASK = 2048, 32
"""The same on other machines, which a call takes its time to get to."""

REMEMBERED = 100_000
"""Keys of rows that are kept in memory until a change of a shared tree is done: those of some two thousand crates."""

FAR_FILES_A_TASK = 64
"""Files of lists that another machine writes before it answers: a call then takes a tenth of what they do."""


class SiteWriter:
    """The pages of a transaction's tree. `keep` puts off remaking all of them because of how they look."""

    def __init__(self, transaction: Transaction, settings: Settings, *, keep: bool = False) -> None:
        self._transaction = transaction
        self._copies = Copies(transaction, wanted=settings.pages.precompress)
        self._output = Output(transaction, self._copies, self._carry_out)
        self._assets_are_there = False
        self._queue = transaction.state.pages
        self._theme: Theme = read_theme(settings)
        self._plain_site = site_info_of(transaction, settings)
        self._fingerprint = fingerprint_of(self._theme, self._plain_site, renderer())
        self._advisories = AdvisoryDatabase(folder=settings.advisories.path, home=transaction.home)
        self.executor: Executor | None = None
        """Makes pages in other processes, where there is one."""
        self.far = False
        """Whether these run on other machines, which write the pages, too, but for the document that says so."""
        self._keep = keep
        self._remade = False
        self._front_digests: dict[str, str] = {}
        self._changed: set[str] = set()
        """The crates of a shared tree whose pages were made."""
        self._listed: set[tuple[str, str]] = set()
        """The first keys of rows that were noted for them, by list."""
        self._stored_state: Stored | None = None
        self._moved_to = settings.drop.refused
        self._state: PagesState | None = None
        if settings.pages.templates:
            self._templates.check()  # before anything is published that would then have no page
            for text in unused_files(self._theme):
                transaction.listener.warn(text)

    def begin(self) -> None:
        """Look, once what an earlier process began is finished, whether the pages are those of this tree."""
        others = self._transaction.others
        self._queue.adopt(others)
        if not self._queue.idle:
            self._transaction.others_came = True  # since what is left to do was noted
        self._state = self._read_state()
        self._copies.held = (self._state.copies or None) if self._state else None
        if self._copies.held and not self._queue.idle:
            self._copies.held = "some"  # whoever broke off may have written pages, and not their copies
        site = self._transaction.state.site
        if self._transaction.log:
            # Who changed the tree makes the pages of that change, or whoever takes it over.
            if self._state is None or site.remaking:
                self._state = None
                self.remake()
            return
        if self._state is None:
            lost = not (others and site.remaking)  # else another session makes all of them
        elif self._in_step:
            lost = site.unknown and self._lack_some
        else:
            # Somebody changed the tree, and what is left to do for its pages is not known here, or not all of it:
            # who did may be at it, and else it is all to do.
            lost = (site.unknown or self._queue.empty) and not others
        if lost:
            self._state = None
            self.remake()
        elif site.unknown and not others:
            self._transaction.state.site = replace(site, unknown=False)

    def catch_up(self) -> None:
        """Have all pages of a shared tree made anew where they show another tree, and nobody is at work on that.

        That others are not was looked at after tree.json was read, and before this.
        """
        seen = self._transaction.record.digest
        if self._transaction.others_at_work or self._transaction.taken_over or self._state is None:
            return
        state = self._read_state()
        if state and state.digest != seen and read_record(self._transaction.store).value.digest == seen:
            self._transaction.listener.note("The pages do not show what the index holds, so all of them are made anew.")
            self.remake()

    def make_crates(self) -> Iterator[None]:
        """Make the pages of crates that changed, and the lists that name them; where it yields, others may come in."""
        if self._queue.idle:
            return
        self._put_assets()
        remaking = self._transaction.state.site.remaking
        self._lists.trusting, self._lists.first = remaking is None, remaking is not None and remaking.first
        try:
            with unbroken(_KILLED), closing(self._renderer):
                while any(self._queue.stale(1)) or self._queue.next_list():
                    yield from self._make_stale_crates()
                    yield from self._lists.bring_in_step(searched=False)
                    if not any(self._queue.stale(1)):  # nobody's rank in searches changed by that
                        yield from self._lists.bring_in_step(searched=True)
        except ListDamaged as error:
            self._transaction.listener.note(f"{error}; so all pages are made anew.")
            self.remake()
            yield from self.make_crates()

    def _make_stale_crates(self) -> Iterator[None]:
        self._expect_dependents()
        for crates in self._queue.stale(FAR_CRATES_AT_ONCE if self.far else CRATES_AT_ONCE):
            remaking = self._transaction.state.site.remaking
            all_whole = remaking is not None and not remaking.first
            for whole in (False, True):
                names = [name for name, is_whole in crates.items() if (is_whole or all_whole) is whole]
                self._make_some(names, whole=whole)
            yield

    def _expect_dependents(self) -> None:
        """Count before the first pages how many crates will depend on each, so that hardly any is made twice for that.

        What comes otherwise is noticed when lists are written.
        """
        remaking = self._transaction.state.site.remaking
        if remaking is None or not remaking.first or self._lists.expected:
            return
        from cargo_static_index.registry.site.crates import count_dependents

        store = self._transaction.store
        open_tree = store.opener()
        executor = self.executor if open_tree else None
        count = partial(count_dependents, open_tree or (lambda: store))
        names = self._transaction.state.published.names()
        for counted in spread(count, names, executor, at_once=CRATES_COUNTED, what=_KILLED):
            self._lists.expected.update(counted)

    def _write_front(self) -> None:
        if not self._shared_news:
            self._front_digests = self._front.write(self._lists, KnownNews(self._transaction))
            return
        remaking = self._transaction.state.site.remaking is not None
        if remaking:
            self._shared_news.remake()
        self._front_digests = self._front.write(self._lists, self._shared_news.news(), all_of_them=remaking)

    def finish(self, *, scanned: bool) -> Iterator[None]:
        """Bring all pages in step; `scanned` says that the drop directory was looked at."""
        if self._needs_remake(scanned=scanned):
            self.remake()
        elif scanned:
            self._look_at_advisories()
        elif self._queue.idle and self._in_step:
            return
        changed = not (self._queue.idle and self._in_step)
        yield from self.make_crates()
        self._put_refused(scanned=scanned)
        if changed:
            self._put_assets()
            self._write_front()
            if self._transaction.state.site.advisories_stale:
                self._front.write_advisories(self._lists)
        remaking = self._transaction.state.site.remaking
        if remaking is not None and self._queue.empty:
            if not remaking.first:
                self._sweep()
            self._transaction.state.site = replace(self._transaction.state.site, remaking=None)
            self._remade = True
        self._write_state()
        if self._remade or (scanned and not self._copies.in_step):
            self._bring_copies_in_step()

    def _bring_copies_in_step(self) -> None:
        """Write the copies of all pages, or delete them: as long as that takes, pages.json says that some may be."""
        if self._copies.is_none:
            return
        self._note_copies("some")
        self._copies.bring_in_step()
        self._note_copies("all" if self._copies.wanted else None)

    def _note_copies(self, held: CopiesHeld) -> None:
        for _ in attempts(f"{addresses.STATE} is"):
            stored = self._transaction.store.read(addresses.STATE)
            state = _parsed(stored)
            if state is None:
                return  # other pages are about to be made, and these copies come with them
            content = format_page_document(replace(state, copies=held or UNSET))
            if self._transaction.write(addresses.STATE, content, stored):
                break
        self._copies.held = held

    @property
    def failures(self) -> Mapping[str, str]:
        """Why what could not be made, by path."""
        return self._output.failures.reasons

    def remake(self) -> None:
        """Make all pages stale; what an earlier process began is gone on with."""
        remaking = self._transaction.state.site.remaking
        if remaking and remaking.fingerprint == self._fingerprint and not self._queue.empty:
            return
        if self._transaction.record.releases and self._theme_differs:
            self._transaction.listener.note("How pages look has changed, so all of them are made anew.")
        know_others(self._transaction)
        first = self._has_no_pages()
        if not first and self._state is None:
            self._copies.held = "some"  # for all that is known
        self._assets_are_there = False
        with self._transaction.state.writing():
            self._queue.clear()
            self._queue.list_rows((name, "", None) for name in self._lists.always)
            self._queue.make_stale(self._transaction.state.published.names())
            if self._transaction.record.removed:
                self._queue.make_stale(crates_with_tombstones(self._transaction.store))
            if not first:
                self._forget_lists()
                self._queue.make_stale(self._paged_names())
            remaking = Remaking(fingerprint=self._fingerprint, first=first)
            self._transaction.state.site = replace(
                self._transaction.state.site,
                remaking=remaking,
                sitemap_stale=True,
                advisories=self._advisories.digest(),
                advisories_stale=True,
            )

    def _look_at_advisories(self) -> None:
        """Make stale the crates that advisories speak of otherwise than their pages do, once files of them changed."""
        digest = self._advisories.digest()
        if digest == self._transaction.state.site.advisories:
            return
        listed = {row.name for node in self._lists.nodes_of(ADVISORIES) for row in list_view(node).rows}
        named = {collision_key(name): name for name in self._advisories.names()}
        held = self._transaction.names_of(named, named)
        names = sorted(listed | {name for key, name in held.items() if named[key] == name})
        with self._transaction.state.writing():
            self._queue.make_stale(name for name in names if self._speak_otherwise(name))
            self._transaction.state.site = replace(self._transaction.state.site, advisories=digest)

    def _speak_otherwise(self, name: str) -> bool:
        document = read_crate_document(self._transaction.store, name)
        found, unread = self._advisories.of(name)
        for path, reason in unread.items():
            self._transaction.listener.warn(f"{path}: this advisory is left out: {reason}")
        versions = [summary.vers for summary in document.versions] if document else []
        return document is not None and notes_on(found, versions) != document.advisories

    # What is there -----------------------------------------------------------------------------------------

    @property
    def _lack_some(self) -> bool:
        from cargo_static_index.registry.site.check import check_pages

        return any(True for _ in check_pages(self._transaction.store, quick=True))

    @property
    def _in_step(self) -> bool:
        if self._transaction.log:
            return self._state is not None and not self._transaction.log.deltas
        return self._state is not None and self._state.digest == self._transaction.record.digest

    def _needs_remake(self, *, scanned: bool) -> bool:
        """Whether all pages are to be made, as a build finds that they look otherwise by now."""
        if not scanned or not self._theme_differs:
            return False
        if self._keep:
            self._transaction.listener.note(
                "How pages look has changed; they are kept until a build without --keep-pages."
            )
        return not self._keep

    @property
    def _looks_as_before(self) -> bool:
        """Whether a shared tree has pages that look as they are to: what never changes is not looked for then."""
        fine = self._state is not None and not self._theme_differs
        return fine and self._transaction.log is not None and self._transaction.state.site.remaking is None

    @property
    def _theme_differs(self) -> bool:
        return self._state is not None and self._state.fingerprint != self._fingerprint

    def _read_state(self) -> PagesState | None:
        self._stored_state = self._transaction.store.read(addresses.STATE)
        return _parsed(self._stored_state)

    def _write_state(self) -> None:
        """Say in pages.json which tree the pages show.

        Its digest is that of tree.json, less what others have still to make: so everybody adds what was his to make.
        Where nobody else is at work nothing is left, whatever the sums say.
        """
        site = self._transaction.state.site
        if not self._queue.empty:
            return  # another process has rows in the same state, and comes to this when they are done
        if self._transaction.log:
            self._write_shared_state(self._transaction.log)
            return
        for _ in attempts(f"{addresses.STATE} is"):
            # Read again: since this build began others may have added what they made (law 4).
            stored = self._transaction.store.read(addresses.STATE)
            before = _parsed(stored)
            others = self._transaction.others
            if before is None and others and not self._remade:
                return  # they make all pages, and say so
            kept = before if before and not self._remade else None
            state = PagesState(
                fingerprint=kept.fingerprint if kept else self._fingerprint,
                digest=sum_digests(before.digest, site.owed) if before and others else self._transaction.record.digest,
                sealed=kept.sealed if kept else True,
                copies=self._copies.held or UNSET,
                front=self._front_of(kept),
            )
            if self._transaction.write(addresses.STATE, format_page_document(state), stored):
                break
        self._state = state
        self._transaction.state.site = replace(site, unknown=site.unknown and bool(others), owed="")

    def _write_shared_state(self, log: ChangeLog) -> None:
        """Say in pages.json which tree the pages show: each change is added once, by its writer or who took it over."""
        for attempt in attempts(f"{addresses.STATE} is"):
            if attempt and self._shared_news:
                # Somebody else came to his end since this began: his front page may lie under ours, or ours under his.
                self._stored_state = self._transaction.store.read(addresses.STATE)
                self._list_again()
                self._shared_news.look_again()
                told = self._front.write(self._lists, self._shared_news.news(), all_of_them=False)
                self._front_digests |= told
            stored = self._stored_state
            before = _parsed(stored)
            if before is None or self._remade:
                # Changes that tree.json counts by now are in its digest, and those who add them later see that.
                held = read_record(self._transaction.store)
                ids = held.stored.changes if held.stored else ()
                state = PagesState(
                    fingerprint=self._fingerprint, digest=held.value.digest, sealed=True, front=self._front_of(None)
                )
            else:
                seen = stored.changes if stored else ()
                new = {nonce: delta for nonce, delta in log.deltas.items() if nonce not in seen}
                added = f"{sum(delta.digest for delta in new.values()) % (1 << 256):064x}"
                ids = (*new, *seen)
                state = replace(before, digest=sum_digests(before.digest, added), front=self._front_of(before))
            if not self._transaction.apply(replaced(addresses.STATE, format_page_document(state), stored, changes=ids)):
                break
        self._state = state

    def _list_again(self) -> None:
        """Bring the lists in step with the documents of the crates of this change, since others were at work, too.

        Whoever replaced such a document after this change may have written its rows before ours. Of all who change a
        crate at once, the last to come to his end finds the document that stays (law 4).
        """
        for name in sorted(self._changed):
            document = read_crate_document(self._transaction.store, name)
            rows = rows_of_crate(document) if document else {}
            self._queue.list_rows([*((*at, row) for at, row in rows.items()), (dependents_list(name), "", None)])
        self._queue.list_if_new((*at, None) for at in self._listed)
        self._lists.others_wrote = True
        for _ in self.make_crates():
            continue

    def _front_of(self, before: PagesState | None) -> dict[str, str]:
        """Give the digests of the pages that tell of what is published, as they are or were written last."""
        return {**(before.front if before else {}), **self._front_digests}

    def _paged_names(self) -> Iterator[str]:
        """Give the crates that have pages, held or not."""
        for path in self._transaction.store.list(layout.CRATES):
            if path.count("/") == 2 and path.endswith(("/index.html", "/index.json")):
                yield path.split("/")[1]

    def _has_no_pages(self) -> bool:
        """Whether nothing of ours is in the tree yet, so that nothing needs to be compared or taken away."""
        folders = ("assets", "browse", "search")
        return not any(True for folder in folders for _ in self._transaction.store.list(folder)) and not any(
            True for _ in self._paged_names()
        )

    def _forget_lists(self) -> None:
        """Note every row of every list as one that is not to be; what crates give takes its place."""
        for _, _, node in read_nodes(self._transaction.store):
            if node is not None:
                self._queue.list_if_new([(node.list, "", None), *((node.list, key, None) for key in node.rows)])

    # What is made ------------------------------------------------------------------------------------------

    @cached_property
    def _assets(self) -> tuple[dict[str, str], dict[str, bytes]]:
        return assets_of(self._theme)

    @cached_property
    def _site(self) -> SiteInfo:
        return replace(self._plain_site, assets=self._assets[0])

    @cached_property
    def _renderer(self) -> "Renderer":
        from cargo_static_index.registry.site.rendering import Renderer

        return Renderer()

    @cached_property
    def _templates(self) -> "Templates":
        from cargo_static_index.site.templates import Templates

        return Templates(self._theme, self._site)

    @cached_property
    def _lists(self) -> ListWriter:
        always = (*ALWAYS, ADVISORIES) if self._plain_site.advisories else ALWAYS
        return ListWriter(self._transaction, self._output, self._templates, always)

    @cached_property
    def _shared_news(self) -> SharedNews | None:
        return SharedNews(self._transaction) if self._transaction.log else None

    @cached_property
    def _front(self) -> FrontPages:
        return FrontPages(self._transaction, self._output, self._templates, self._site)

    def _carry_out(self, changes: Sequence[Change]) -> tuple[Change, ...]:
        """Have the store carry out changes, or where others work on a build, those of many files by them."""
        store = self._transaction.store
        open_tree = store.opener() if self.far and len(changes) > FAR_FILES_A_TASK else None
        if open_tree is None:
            return store.apply(changes)
        from cargo_static_index.registry.remote import carry_out

        work, lost = partial(carry_out, open_tree), list[Change]()
        for _, some in groupby(sorted(changes, key=_stage), key=_stage):
            for left in spread(work, some, self.executor, at_once=FAR_FILES_A_TASK, what=_KILLED):
                lost += left
        return tuple(lost)

    def _put_assets(self) -> None:
        """Write styles and scripts before the first page that names them."""
        if self._assets_are_there or self._looks_as_before:
            return
        look_inside = self._transaction.state.site.remaking is not None  # else names tell contents
        wanted = (path for path in self._assets[1] if look_inside or self._transaction.store.size(path) is None)
        self._output.put((path, self._assets[1][path]) for path in wanted)
        self._assets_are_there = True

    def _put_refused(self, *, scanned: bool) -> None:
        """Write the page of refused files: whoever did not look at the drop directory leaves one that is there."""
        if not scanned and self._looks_as_before:
            return
        stored = self._transaction.store.read(addresses.REFUSED)
        if not self._plain_site.refused:
            self._output.apply([Delete(path=addresses.REFUSED)] if stored else [])
            return
        if not scanned and stored is not None and stored.content:
            return
        self._put_assets()
        seen = self._transaction.options.now if scanned else self._transaction.state.site.last_build or 0
        files = RefusedFiles(self._transaction, self._moved_to, seen)
        made_of = files.digest() + self._fingerprint.encode()
        if stored is not None and self._transaction.state.site.refused_page == _sum(made_of, stored.content):
            return
        page = self._front.refused(files)
        self._output.apply(written(addresses.REFUSED, page, stored))
        self._transaction.state.site = replace(self._transaction.state.site, refused_page=_sum(made_of, page))
        if stored is not None and not self._theme_differs:  # else they are of all other pages too
            from cargo_static_index.registry.site.check import assets_named

            old = assets_named(stored.content) - assets_named(page)
            self._output.apply(Delete(path=path) for path in sorted(old))

    def _make_some(self, names: Sequence[str], *, whole: bool) -> None:
        again = list(names)
        if not again:
            return
        news = self._shared_news if self._transaction.state.site.remaking is None else None
        for attempt in attempts("crates are"):
            lost: set[str] = set()
            documents: dict[str, CrateDocument | None] = {}
            crates = {addresses.crate_document(name): name for name in again}
            if news:
                news.expect()
            if self._transaction.log:
                self._changed.update(again)
            taken_over = not self._transaction.taken_over.isdisjoint(again)
            for rows, changes in self._made(again, whole=whole or taken_over or attempt > 0):
                self._queue.list_rows(rows)
                if self._transaction.log:
                    self._transaction.log.note_gone([(name, key) for name, key, row in rows if row is None and key])
                    room = max(0, REMEMBERED - len(self._listed))
                    self._listed.update((name, key) for name, key, _ in islice(rows, room))
                lost |= self._output.apply(_noted(changes, crates, documents) if news else changes)
            done = [name for name in again if addresses.crate_document(name) not in lost]
            if news:
                news.change(done, documents)
            self._queue.settle(done)
            again = [name for name in again if name not in done]
            if not again:
                return

    def _made(self, names: Sequence[str], *, whole: bool) -> "Iterator[tuple[list[ListedRow], Iterator[Change]]]":
        """Make the pages of some crates, here or in the processes that read crates; give rows and changes together."""
        open_tree = self._transaction.store.opener()
        if self.executor is None or len(names) <= CRATES_A_TASK or open_tree is None:
            yield self._made_here(names, whole=whole)
            return
        from cargo_static_index.registry.site.crates import PageMaker

        maker = PageMaker(
            open_tree=open_tree,
            theme=self._theme,
            site=self._site,
            key=self._fingerprint,
            whole=whole,
            writes=self.far,
            advisories=self._advisories,
            upstream=self._transaction.upstream,
        )
        at_once = FAR_CRATES_A_TASK if self.far else CRATES_A_TASK
        expected = self._lists.expected
        tasks = [
            self.executor.submit(maker.make, some, {name: expected[name] for name in some})
            for some in (names[at : at + at_once] for at in range(0, len(names), at_once))
        ]
        for task in tasks:
            made = task.result()
            for crate in made:
                self._output.failures.reasons.update(crate.failures)
                self._note(crate.notes)
            yield (
                [row for crate in made for row in crate.listed_rows],
                (change for crate in made for change in crate.changes or ()),
            )
            for name in (crate.name for crate in made if crate.changes is None):
                yield self._made_here([name], whole=whole)

    def _made_here(self, names: Sequence[str], *, whole: bool) -> "tuple[list[ListedRow], Iterator[Change]]":
        from cargo_static_index.registry.site.crates import CratePages

        crates: list[CratePages] = []
        rows: list[ListedRow] = []
        store, failures = self._transaction.store, self._output.failures
        for name in names:
            with failures.noted(addresses.crate_page(name)):
                crate = CratePages(
                    *(store, self._templates, self._site, name, self._renderer, failures),
                    advisories=self._advisories,
                    upstream=self._transaction.upstream,
                    whole=whole,
                    expected=self._lists.expected[name],
                )
                rows += crate.listed_rows()
                crates.append(crate)
        return rows, self._changes(crates)

    def _changes(self, crates: "Iterable[CratePages]") -> Iterator[Change]:
        for crate in crates:
            yield from crate.changes()
            self._note(crate.notes)

    def _note(self, texts: Iterable[str]) -> None:
        for text in texts:
            self._transaction.listener.note(text)

    def _sweep(self) -> None:
        """Delete what no page leads to after all were remade: old assets, and nodes that lists have let go.

        The page of refused files may still be the old one: only who looks at the drop directory makes it anew.
        """
        from cargo_static_index.registry.site.check import assets_named

        seen = read_record(self._transaction.store).value
        stored = self._transaction.store.read(addresses.REFUSED)
        kept = self._assets[1].keys() | assets_named(stored.content if stored else b"")
        old = [path for path in self._transaction.store.list("assets") if path not in kept]
        loose = [
            page
            for path, _, node in read_nodes(self._transaction.store)
            if node is None or not self._lists.is_reached(node)
            for page in ([path] if node is None else pages_of(node.list, node.prefix))
        ]
        if self._transaction.changes_of_others() or read_record(self._transaction.store).value != seen:
            return  # what looks let go may be what another host is about to name
        self._output.apply(Delete(path=path) for path in [*old, *loose])


def _noted(
    changes: Iterable[Change], crates: Mapping[str, str], documents: dict[str, CrateDocument | None]
) -> Iterator[Change]:
    """Give changes, and note the documents of crates, which are named by path, that they bring."""
    for change in changes:
        name = crates.get(change.path)
        if name and isinstance(change, Put) and isinstance(change.content, bytes):
            documents[name] = parse_crate_document(change.content, name)
        yield change


def _stage(change: Change) -> int:
    """Give when a change is carried out among others: first what expects nothing, then what does, then deletions."""
    return 2 if isinstance(change, Delete) else int(change.expect != "any")


def _sum(made_of: bytes, page: bytes) -> bytes:
    return blake2b(made_of + page, digest_size=16).digest()


def _parsed(stored: Stored | None) -> PagesState | None:
    try:
        return parse_pages_state(stored.content) if stored else None
    except InvalidDocument:
        return None
