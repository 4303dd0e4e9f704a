"""A tree opened for a change, with its state, and in step with what is asked for.

Everything that changes a tree goes through a transaction. It keeps others out while it is held, which is for a batch
of crates at a time; each time it begins with tree.json as others left it. What an earlier process began, and a state
that does not know this tree, are for `recover` to make good.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from msgspec import UNSET
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import StateDamaged, StoreError
from cargo_static_index.protocol.index_file import Line
from cargo_static_index.registry.agreement import Agreement, agree, read_again
from cargo_static_index.registry.events import Listener
from cargo_static_index.registry.known import crate_change
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.shared import ChangeLog, IndexChange, Names, landed_files, total_of
from cargo_static_index.registry.upstream import UpstreamIndex
from cargo_static_index.settings import Settings
from cargo_static_index.state import State, discard_state, open_state, state_lock
from cargo_static_index.store import Change, Delete, Store, Stored
from cargo_static_index.store.ahead import ReadAhead
from cargo_static_index.store.local.flock import FairLock
from cargo_static_index.store.pauses import attempts
from cargo_static_index.tree import layout
from cargo_static_index.tree.changes import ChangedFile, ChangeRecord, nonce_of
from cargo_static_index.tree.documents import Delta, TreeRecord, format_document
from cargo_static_index.tree.missing import grouped
from cargo_static_index.tree.read import StoredValue, read_indexes, read_record, replaced

NONE: Mapping[str, str] = MappingProxyType({})


class Transaction:
    """A tree opened for a change by `open_transaction`; `options.now` is its only clock."""

    def __init__(
        self,
        store: Store,
        state: State,
        stage: Path,
        listener: Listener,
        options: Options,
        settings: Settings,
        state_lock: FairLock | None = None,
    ) -> None:
        self.options = options
        self.state = state
        self.records = ChangeLog(store, options.clock)
        """What is changed is written down in the tree itself, for writers whose states do not know of it."""
        self.log = self.records if store.shared else None
        """Where writers on several hosts share the tree, nothing else tells what was begun, and names lie there too."""
        self._ahead = ReadAhead(store) if store.shared else None
        self.store: Store = self._ahead or store
        self._lock = store.lock
        self._names = Names(self._ahead, options.clock) if self._ahead else None
        self.stage = stage
        self.listener = listener
        self.held = False
        """Whether others are kept out."""
        self.others_came = self._lock is None and not options.dry
        """Whether others may have changed the tree since it was opened, or since what is left to do was noted."""
        self.record = TreeRecord()
        self._as_read: StoredValue[TreeRecord] | None = None
        self.in_doubt = False
        """Whether the state does not know all of this tree."""
        self.notes_changes = bool(settings.registry.on_change) and not options.dry
        """Whether somebody is to be told of what changes: what is about to change is noted first."""
        self.others_at_work = False
        """Whether changes of a shared tree are under way that are not this one's to finish, as far as it looked."""
        self.taken_over: set[str] = set()
        """Crates of others' changes that are finished here: how far their pages came is not known."""
        self.failures: list[str] = []
        """What could not be done for single dropped files; whoever opened the transaction says so at its end."""
        self.taken_back: ExitStack | None = None
        """Where what happens to the state is to be taken back: what ends with the transaction."""
        folder = settings.mirror.upstream_index
        self.upstream = UpstreamIndex(folder) if folder else None
        """What crates.io says of releases, where somebody brought it."""
        self._settings = settings
        self._state_lock = state_lock
        self._agreement = self._agree()
        self.base_url, self.home = self._agreement.base_url, self._agreement.home
        if self._ahead and self.is_new:
            self._ahead.begin_new()
        self.take_record(self._agreement.held)
        self.state.pages.owner = self._lock.name if self._lock else ""

    @property
    def last_record(self) -> TreeRecord | None:
        """What tree.json said when the state last knew it, where it was lost or damaged since."""
        return self._agreement.last

    @property
    def in_step(self) -> bool:
        """Whether the state knows all of the tree, as far as can be seen, and nothing is begun and not finished."""
        return not self.in_doubt and not any(True for _ in self.state.intents.unfinished())

    @property
    def moved_from(self) -> str | None:
        """The base URL that the tree had before, where it moves."""
        before = self._agreement.before
        return before if before != self.base_url else None

    @property
    def is_new(self) -> bool:
        """Whether the tree was empty when it was opened, so that a new registry begins."""
        return self._agreement.is_new

    @property
    def others(self) -> frozenset[str]:
        """The names of the other sessions that are open on this machine."""
        return self._lock.others if self._lock else frozenset()

    @property
    def is_unfinished(self) -> bool:
        """Whether something was begun and not finished: as the state says, or by anybody, where others are kept out."""
        if any(True for _ in self.state.intents.unfinished()):
            return True
        return self.log is None and self.records.dead_began

    def take(self) -> None:
        """Keep others out, unless that is so already; waits for those who do, or raises TreeBusy.

        Raises SettingsError where the tree does not fit the settings, StoreError where it came to be another meanwhile.
        """
        if self.held:
            return
        if self._lock:
            self._lock.take(self.listener.note)
        self.held = True
        try:
            if self.taken_back:
                self.taken_back.enter_context(self.state.taken_back())
                self.taken_back = None
            if self._state_lock:
                self._state_lock.take(self._settings.tree.lock_timeout, self.listener.note)
            self._come_in_step()
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """Let others in."""
        if not self.held:
            return
        self.held = False
        if self._state_lock:
            self._state_lock.leave()
        if self._lock:
            self._lock.leave()

    def breathe(self) -> bool:
        """Let others in who wait, and say whether somebody was: then the tree may have changed."""
        wanted = (self._lock and self._lock.is_wanted) or (self._state_lock and self._state_lock.is_wanted)
        if not (self.held and wanted):
            return False
        self.leave()
        self.others_came = True
        self.take()
        return True

    def _come_in_step(self) -> None:
        """Take what others did meanwhile, and bring config.json and tree.json in step with what is asked for.

        Tree.json is read again, though it was before: until now nobody was kept out. Where nobody can be, compare and
        swap finds out.
        """
        again = read_again(self.store) if self._lock else None
        if again is not None:
            # Only a move changes the aliases.
            known = self._agreement.seen_to or self._agreement.held.stored is not None
            if not known or (again.value.mode, again.value.aliases) != (self.record.mode, self.record.aliases):
                self._agreement = self._agree()
                if (self._agreement.base_url, self._agreement.home) != (self.base_url, self.home):
                    raise StoreError("the registry was moved, or came to have another mode, meanwhile; run this again")
            self.take_record(again)
        if not self._agreement.seen_to:
            self._see_to(self._agreement)
            self._agreement = replace(self._agreement, seen_to=True)
        elif self.in_doubt:
            self.doubt()

    def _agree(self) -> Agreement:
        known = self.state.site.known_tree
        return agree(self.store, self._settings, self.options, known=known, note=self.listener.note)

    def _see_to(self, agreed: Agreement) -> None:
        if agreed.damaged is not None:
            self.apply([Delete(path=layout.RECORD, expect=agreed.damaged.tag)])
            self.take_record(agreed.held)
        if self._as_read is None or self._as_read.stored is None or not agreed.fits(self.record):
            # The state forgets what it knew only after tree.json says it: a lost one may be known nowhere else.
            self.update_record(agreed.agreed_record)
        elif self.in_doubt:
            self.doubt()
        self.write(layout.CONFIG, agreed.config, agreed.stored_config)

    @property
    def pubtime(self) -> str:
        """The clock as a line says it: `YYYY-MM-DDTHH:MM:SSZ`."""
        return datetime.fromtimestamp(self.options.now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def apply(
        self, changes: Iterable[Change], by: Callable[[Sequence[Change]], tuple[Change, ...]] | None = None
    ) -> tuple[Change, ...]:
        """Carry out a batch of changes, tell the listener, and give back those that somebody else forestalled.

        The store carries them out, or whoever is named in its stead.
        """
        changes = tuple(changes)
        if not changes:
            return ()
        if self.notes_changes:
            self.state.undelivered.add((change.path, isinstance(change, Delete)) for change in changes)
        lost = (by or self.store.apply)(changes)
        for change in changes:
            if change not in lost:
                tell = self.listener.deleted if isinstance(change, Delete) else self.listener.changed
                tell(change.path)
        return lost

    def write(self, path: str, content: bytes | None, stored: Stored | None) -> bool:
        """Make a file, as it was read, what it is to be (None is no file); False where somebody else was quicker."""
        return not self.apply(self.replaced(path, content, stored))

    def replaced(self, path: str, content: bytes | None, stored: Stored | None) -> tuple[Change, ...]:
        """Give the change that makes a file, as it was read, what it is to be; none where it is that."""
        nonce = self.log.nonce if self.log else ""
        return replaced(path, content, stored, changes=(nonce, *(stored.changes if stored else ())) if nonce else ())

    def expect(self, names: Sequence[str]) -> None:
        """Read index files and tombstones of crates together, where each would take its time."""
        if self._ahead:
            held = self._ahead.expect([layout.index_file(name) for name in names])
            published = (name for name, index in zip(names, held, strict=True) if index)
            self._ahead.expect([layout.tombstones_file(name) for name in published])

    def forget(self) -> None:
        """Forget what was read ahead, and not asked for."""
        if self._ahead:
            self._ahead.forget()

    def names_of(self, keys: Iterable[str], likely: Mapping[str, str] = NONE) -> Mapping[str, str]:
        """Give the names of those collision keys under which something is published, which are `likely` these."""
        self.forget()
        return self._names.names_of(keys, likely) if self._names else self.state.published.names_of(keys)

    def versions_of(self, names: Collection[str]) -> Mapping[str, Collection[str]]:
        """Give the versions that are held of crates of exactly those names, less those that are yanked."""
        if self.log is None:
            return grouped(self.state.published.versions_of(names))
        indexes = read_indexes(self.store, [layout.index_file(name) for name in names])
        lines = (line for index in indexes for line in index.value.releases if not line.yanked)
        return grouped((line.name, line.vers) for line in lines)

    def claim(self, names: Mapping[str, str]) -> Collection[str]:
        """Claim names, by key, that have no line yet; give the keys that somebody else claimed meanwhile."""
        return self._names.claim(names) if self._names else ()

    def changes_of_others(self) -> list[tuple[str, ChangeRecord]]:
        """Give the changes of a shared tree that other writers, dead or alive, have begun and not finished."""
        return self.log.of_others() if self.log else []

    def count_change(self, identity: str, record: ChangeRecord) -> Sequence[ChangedFile]:
        """Bring in step what is derived from another's change, as far as its files were written; they are given."""
        landed = landed_files(self.store, identity, record)
        if landed:
            self.count(total_of(landed), nonce_of(identity))
        self.state.pages.make_stale(file.name for file in landed if file.name)
        return landed

    def take_over(self, identity: str, record: ChangeRecord) -> None:
        """Finish another's change in its stead: tree.json is counted, and the pages are for the next who makes any."""
        assert self.log is not None
        landed = self.count_change(identity, record)
        self.log.adopt(identity, replace(record, files=tuple(landed)))
        self.taken_over.update(file.name for file in landed if file.name)
        self.state.pages.list_rows((name, key, None) for name, key in record.rows_gone or ())

    def finish(self) -> None:
        """Note in the tree that all is done which this transaction's changes led to."""
        self.records.finish()

    def begin(self, files: Sequence[IndexChange]) -> None:
        """Write down what index files are about to be, so that a crash leaves nothing that is not made good."""
        if not self.log:
            self.state.intents.begin(change.before.path for change in files)
        self.records.begin(files)

    def begin_archives(self, paths: Iterable[str]) -> None:
        """Write down which archives come to their places with their metadata: a crash leaves none without a line.

        Where writers on several hosts share the tree, only `verify` can tell that nobody is about to write the line.
        """
        if self.log is None:
            self.state.intents.begin(paths)

    def finish_archives(self, paths: Iterable[str]) -> None:
        """Note that archives have their lines, or are gone."""
        if self.log is None:
            self.state.intents.finish(paths)

    def changed(self, files: Sequence[IndexChange], *, whole: bool = False) -> None:
        """Bring in step what is derived from index files that were changed: tree.json, then the state.

        `whole`: lines say something else of releases that were there, which is on all pages of their crates.
        """
        delta = sum((change.delta for change in files), Delta())
        self.records.landed(files)
        self.count(delta, self.log.nonce if self.log else "")
        self.put_addresses(line for change in files for line in change.new)
        with self.state.writing():
            self.state.published.update(change for change in map(crate_change, files) if change)
            self.state.indexed.note((change.before.path, change.weight.digest) for change in files)
            self.state.pages.make_stale((change.name for change in files if change.name), whole=whole)
            self.state.site = self.state.site.owing(delta.digest)
            self.state.intents.finish(change.before.path for change in files)
        if not self.log:
            self._finish_records()  # nobody comes between, and what is left to do for the pages stands in the state

    @property
    def wants_addresses(self) -> bool:
        """Whether archives are to lie at the addresses of their versions, too; tree.json says whether they do."""
        return self._agreement.version_addresses

    def put_addresses(self, lines: Iterable[Line]) -> None:
        """Put the archives of lines at the addresses of their versions, where this tree has such."""
        if self.record.version_addresses is True:
            from cargo_static_index.registry.addresses import address_puts

            for puts in address_puts(self.store, lines):
                self.apply(puts)

    def _finish_records(self) -> None:
        last = self.records.finish()
        if last and not self.in_doubt:
            self.state.site = replace(self.state.site, followed=last)

    def count(self, delta: Delta, nonce: str = "") -> None:
        """Add a change of index files to tree.json, once: whoever finished it for its writer has done that."""

        def counted(held: StoredValue[TreeRecord]) -> TreeRecord:
            was = nonce != "" and held.stored is not None and nonce in held.stored.changes
            return held.value if was else held.value.changed_by(delta)

        self._update_record(counted, nonce)

    def take_record(self, held: StoredValue[TreeRecord]) -> None:
        """Take note of tree.json as it was read, so that it need not be read again before it is changed."""
        self.record, self._as_read = held.value, held
        self.in_doubt = self.state.site.known_tree != format_document(held.value)

    def update_record(self, change: Callable[[TreeRecord], TreeRecord]) -> None:
        """Change tree.json by compare and swap, and remember it in the state.

        Where somebody else changed the tree meanwhile, the state does not know all of it, and so forgets that
        it knows this tree: the next transaction reads it anew.
        """
        self._update_record(lambda held: change(held.value))

    def _update_record(self, change: Callable[[StoredValue[TreeRecord]], TreeRecord], nonce: str = "") -> None:
        for _ in attempts("tree.json is"):
            held = self._as_read or read_record(self.store)
            self._as_read = None
            self.in_doubt = self.in_doubt or held.value != self.record
            self.record = change(held)
            unchanged = held.stored is not None and self.record == held.value
            ids = (nonce, *(held.stored.changes if held.stored else ())) if nonce else ()
            if unchanged or not self.apply(replaced(held.path, format_document(self.record), held.stored, changes=ids)):
                self._note_known(None if self.in_doubt else self.record)
                return
            self.record = held.value

    def doubt(self, *, wholly: bool = False) -> None:
        """Note that the state does not know all of this tree; the next transaction follows what others changed.

        Where what it knows is in doubt `wholly`, that transaction reads the tree anew.
        """
        self.in_doubt = True
        if wholly:
            self.state.site = replace(self.state.site, followed="")
        self._note_known(None)

    def know_as_read(self, held: StoredValue[TreeRecord]) -> None:
        """Note that the state knows the whole tree, of which tree.json is as it was read."""
        self.record, self._as_read, self.in_doubt = held.value, held, False
        self._note_known(held.value)

    def know(self, held: StoredValue[TreeRecord], total: Delta, lost: int, *, kept: bool = False) -> bool:
        """Note that the state knows the whole tree, which sums up to `total`; False if tree.json changed.

        What tree.json says of tombstones is `kept` where they do not sum up to that, for they were lost.
        """
        record = replace(held.value.counting(total), lost=lost or UNSET)
        record = record.with_removed_of(held.value) if kept else record
        if record != held.value and not self.write(held.path, format_document(record), held.stored):
            return False
        self.record, self._as_read, self.in_doubt = record, None, False
        self._note_known(record)
        return True

    def _note_known(self, record: TreeRecord | None) -> None:
        self.state.site = replace(self.state.site, known_tree=format_document(record) if record else None)


@contextmanager
def open_transaction(
    store: Store, folder: Path, settings: Settings, listener: Listener, options: Options, *, shared: bool = False
) -> Iterator[Transaction]:
    """Open a tree for a change, or raise SettingsError or StoreError before anything is changed; it is not held yet.

    What is told to a dry transaction happens to an overlay; where the state is `shared` with others who write, what
    happens to it is taken back.
    """
    tree: Store = store
    if options.dry:
        from cargo_static_index.store.overlay import OverlayStore

        tree = OverlayStore(store)
    with ExitStack() as stack:
        stage = stack.enter_context(tree.session())
        lock = None if options.dry else stack.enter_context(state_lock(folder))
        state = stack.enter_context(_opened_state(folder))
        transaction = Transaction(tree, state, stage, listener, options, settings, lock)
        stack.callback(transaction.leave)
        if shared:
            transaction.taken_back = stack
        yield transaction


@contextmanager
def _opened_state(folder: Path) -> Iterator[State]:
    """Open the state; should it turn out to be damaged, throw it away, for the next transaction to make it anew."""
    try:
        with open_state(folder) as state:
            yield state
    except StateDamaged as error:
        discard_state(folder)
        raise StateDamaged(f"{error} It was thrown away: run this again.") from error
