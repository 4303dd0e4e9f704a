"""A tree that writers on several hosts change, with no lock between them: what is found and noted in the tree itself.

One change costs a bounded number of requests, from a host that knows nothing: names are looked up one by one, and each
change is written down as an intent before the index files, and as a record once all is done. Each file is kept with the
ids of the changes that it comes from, so that whoever finishes another's change knows what of it was done, and counts
nothing twice.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice
from uuid import uuid4

from msgspec import UNSET, Struct
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.protocol.index_file import IndexFile, Line, parse_index
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.store import Delete, Put, Store, Stored
from cargo_static_index.store.ahead import ReadAhead
from cargo_static_index.tree import layout
from cargo_static_index.tree.changes import (
    BEFORE_ALL,
    BEGUN,
    CHANGES,
    ChangedFile,
    ChangeRecord,
    Claim,
    Weight,
    begun_file,
    change_file,
    change_id,
    delta_of,
    format_change,
    identity_of,
    name_file,
    nonce_of,
    parse_change,
    parse_claim,
    time_of,
)
from cargo_static_index.tree.documents import Delta, Tombstone, Tombstones, difference, weight
from cargo_static_index.tree.read import StoredValue, index_paths, weight_of


class IndexChange(Struct, frozen=True, dict=True):
    """An index file as it was read, what it is to be, and the tombstones beside it where releases go or come back."""

    before: StoredValue[IndexFile]
    after: IndexFile
    stones: Tombstones | None = None

    @cached_property
    def name(self) -> str:
        """The name of the crate; "" where no line can be read."""
        return crate_name(self.after) or crate_name(self.before.value) or ""

    @property
    def new(self) -> Iterator[Line]:
        """The lines of versions that were not there."""
        versions = self.after.versions - self.before.value.versions
        return (line for line in self.after.releases if line.vers in versions)

    @property
    def removed(self) -> tuple[Tombstone, ...]:
        """The tombstones that come to be in force."""
        return tuple(self._stones(self.before.value, self.after))

    @property
    def brought_back(self) -> tuple[str, ...]:
        """The versions whose tombstones come to be no more in force."""
        return tuple(stone.vers for stone in self._stones(self.after, self.before.value))

    @property
    def buried(self) -> Delta:
        """What it adds to tree.json's count of tombstones."""
        if self.stones is None or not self.stones.removed:
            return Delta()
        return difference(self.stones.weight(self.after.versions), self.stones.weight(self.before.value.versions))

    @property
    def delta(self) -> Delta:
        """What it adds to tree.json."""
        return difference(self.weight, weight_of(self.before)) + self.buried

    @cached_property
    def weight(self) -> Delta:
        """What the index file counts for after it."""
        return weight(self.before.path, self.after.format(), len(self.after.releases))

    @cached_property
    def written_down(self) -> ChangedFile:
        """What records of changes say of it."""
        buried = self.buried
        return ChangedFile(
            name=self.name,
            path=self.before.path,
            before=_weight(weight_of(self.before)),
            after=_weight(self.weight),
            removed=buried.removed,
            tombstones=f"{buried.tombstones:064x}" if buried.tombstones else "",
        )

    def _stones(self, held: IndexFile, gone: IndexFile) -> Iterator[Tombstone]:
        """Give the tombstones of what the one file holds and the other does not."""
        if self.stones is not None and self.stones.removed:
            versions = held.versions - gone.versions
            yield from (stone for stone in self.stones.removed if stone.vers in versions)


CLAIM_HOLDS = timedelta(hours=1)
"""How long a name is its claimer's without a line: far longer than from a claim to the line."""

PATIENCE = timedelta(minutes=5)
"""How long a change is its writer's to finish; after that, the next who looks finishes it."""

LATE = timedelta(minutes=10)
"""By how much clocks and puts may be late: whoever lists changes begins so much before the last one that was seen."""

REMEMBERED = timedelta(days=7)
"""How long records are kept; whoever looks less often reads the whole index."""

KEPT_RECORDS = 10_000
"""How many records are kept at most: whoever looks again after so many changes reads the whole index."""

AT_ONCE = 256
"""Files that are read together."""


Clock = Callable[[], float]
"""Gives the time, in seconds since 1970; a build may be dated otherwise."""


def moment(clock: Clock) -> datetime:
    """Give the time."""
    return datetime.fromtimestamp(clock(), UTC)


def stamp(moment: datetime) -> str:
    """Write a time as `pubtime` is written."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Names:
    """The names in a tree: which crate is published under a collision key, looked up where that is noted."""

    def __init__(self, store: ReadAhead, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._seen: dict[str, tuple[Claim | None, Stored | None]] = {}

    def names_of(self, keys: Iterable[str], likely: Mapping[str, str]) -> dict[str, str]:
        """Give the names of those collision keys under which something is published, or will be any moment.

        Their index files are read ahead: where that of a `likely` name holds releases, nobody else can have the key.
        In a tree that begins nothing is read: whoever claims a name that is noted meanwhile is told to begin again.
        """
        if likely and self._store.presume_absent([layout.index_file(name) for name in likely.values()]):
            self._seen = dict.fromkeys(likely, (None, None))
            return {}
        known = self._published(likely)
        return known | self._claimed_names(key for key in keys if key not in known)

    def _published(self, likely: Mapping[str, str]) -> dict[str, str]:
        indexes = self._store.expect([layout.index_file(name) for name in likely.values()])
        held = zip(likely.items(), indexes, strict=True)
        return {key: name for (key, name), index in held if index and _name_in(index) == name}

    def _claimed_names(self, keys: Iterable[str]) -> dict[str, str]:
        self._seen = self._claims(keys)
        claims = {key: claim for key, (claim, _) in self._seen.items() if claim}
        indexes = self._store.expect([layout.index_file(claim.name) for claim in claims.values()])
        held = zip(claims.items(), indexes, strict=True)
        return {key: claim.name for (key, claim), index in held if _has_releases(index) or self._is_fresh(claim)}

    def claim(self, names: Mapping[str, str]) -> set[str]:
        """Claim names before their first lines are written, and give the keys that somebody else claimed just now."""
        claims = self._claims(key for key in names if key not in self._seen) | self._seen
        self._seen = {}
        changes = (self._claimed(key, name, *claims[key]) for key, name in names.items())
        return {identity_of(change.path) for change in self._store.apply(asked for asked in changes if asked)}

    def _claimed(self, key: str, name: str, claim: Claim | None, stored: Stored | None) -> Put | None:
        """Give the change that claims a name; none is needed where it was claimed just now with that spelling."""
        if claim is not None and claim.name == name and self._is_fresh(claim):
            return None
        content = format_change(Claim(name=name, claimed=stamp(moment(self._clock))))
        return Put(path=name_file(key), content=content, expect=stored.tag if stored else "absent")

    def _is_fresh(self, claim: Claim) -> bool:
        return claim.claimed > stamp(moment(self._clock) - CLAIM_HOLDS)

    def _claims(self, keys: Iterable[str]) -> dict[str, tuple[Claim | None, Stored | None]]:
        keys = list(keys)
        return dict(zip(keys, map(_claim, self._store.read_all([name_file(key) for key in keys])), strict=True))


def _claim(stored: Stored | None) -> tuple[Claim | None, Stored | None]:
    try:
        return (parse_claim(stored.content) if stored else None), stored
    except InvalidDocument:
        return None, stored


def _has_releases(index: Stored | None) -> bool:
    return index is not None and _name_in(index) is not None


def _name_in(index: Stored) -> str | None:
    return next((line.name for line in parse_index(index.content).releases), None)


class _Open(Struct, frozen=True, kw_only=True):
    """A change under way: its id, and the record as far as it came."""

    identity: str
    record: ChangeRecord


class ChangeLog:
    """Writes down what a transaction changes, before and after."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._open: list[_Open] = []
        self._landed: set[str] = set()

    @property
    def nonce(self) -> str:
        """What files of the change that is under way are kept with; "" before the first."""
        return nonce_of(self._open[-1].identity) if self._open else ""

    def begin(self, files: Sequence[IndexChange]) -> None:
        """Write down what is about to become of index files."""
        begins = moment(self._clock)
        record = ChangeRecord(begun=stamp(begins), files=tuple(change.written_down for change in files))
        if self._open and self._open[-1].identity not in self._landed:
            begun = _Open(identity=self._open.pop().identity, record=record)  # nothing came of what it was to be
        else:
            begun = _Open(identity=change_id(begins, uuid4().hex[:12]), record=record)
        self._open.append(begun)
        self._store.apply([Put(path=begun_file(begun.identity), content=format_change(record))])

    def landed(self, files: Sequence[IndexChange]) -> None:
        """Note what of the change under way was written."""
        latest = self._open.pop()
        record = replace(latest.record, files=tuple(change.written_down for change in files))
        self._open.append(replace(latest, record=record))
        self._landed.add(latest.identity)

    @property
    def deltas(self) -> dict[str, Delta]:
        """Give what each change that is under way, or taken over, added to tree.json, by its nonce."""
        landed = (intent for intent in self._open if intent.identity in self._landed)
        return {nonce_of(intent.identity): total_of(intent.record.files) for intent in landed}

    def note_gone(self, rows: Sequence[tuple[str, str]]) -> None:
        """Write down rows (list, key) that lists lose by the change under way, before nothing else tells of them."""
        if not (rows and self._open):
            return
        first = self._open[0]
        record = replace(first.record, rows_gone=(*(first.record.rows_gone or ()), *rows))
        self._open[0] = replace(first, record=record)
        self._store.apply([Put(path=begun_file(first.identity), content=format_change(record))])

    def adopt(self, identity: str, record: ChangeRecord) -> None:
        """Take over another's change, of which all was done that could be."""
        self._open.insert(0, _Open(identity=identity, record=record))
        self._landed.add(identity)

    def of_others(self) -> list[tuple[str, ChangeRecord]]:
        """Give the changes that others have begun and not finished; one that cannot be read is passed over."""
        paths = list(self._begun_by_others())
        held = zip(paths, self._store.read_all(paths), strict=True)
        found = ((identity_of(path), _parsed(stored)) for path, stored in held)
        return [(identity, record) for identity, record in found if record]

    def finish(self) -> str:
        """Note that everything that these changes led to is done, and give the id of the last; "" where none was."""
        ends = moment(self._clock)
        done = [intent for intent in self._open if intent.identity in self._landed and intent.record.files]
        records = {
            change_file(change_id(ends, nonce_of(intent.identity))): replace(intent.record, rows_gone=UNSET)
            for intent in done
        }
        self._store.apply(Put(path=path, content=format_change(record)) for path, record in records.items())
        self._store.apply(Delete(path=begun_file(intent.identity)) for intent in self._open)
        self._open.clear()
        return max(map(identity_of, records), default="")

    @property
    def dead_began(self) -> bool:
        """Whether somebody, who must be dead where others are kept out, began a change and did not finish it."""
        return any(True for _ in self._begun_by_others())

    def forget_dead(self) -> None:
        """Delete what others began, where they are kept out: they are dead, and all that they did is known."""
        self._store.apply(Delete(path=path) for path in list(self._begun_by_others()))

    def _begun_by_others(self) -> Iterator[str]:
        own = {begun_file(intent.identity) for intent in self._open}
        return (path for path in self._store.list(BEGUN) if path not in own)


def crate_name(file: IndexFile) -> str | None:
    """Give the name of the crate that an index file is about: that of its first readable line."""
    return next((line.name for line in file.lines if line.cksum), None)


def last_change(store: Store) -> str:
    """Give the id of the last change of which there is a record."""
    last = BEFORE_ALL
    for path in store.list(CHANGES):
        last = identity_of(path)
    return last


def read_changes(store: Store, paths: Sequence[str]) -> Iterator[ChangeRecord]:
    """Read records of changes in their order; what is none, or was pruned meanwhile, is passed over."""
    for at in range(0, len(paths), AT_ONCE):
        yield from (record for stored in store.read_all(paths[at : at + AT_ONCE]) if (record := _parsed(stored)))


def _weight(delta: Delta) -> Weight:
    return Weight(digest=f"{delta.digest:064x}" if delta.digest else "", releases=delta.releases)


def _parsed(stored: Stored | None) -> ChangeRecord | None:
    try:
        return parse_change(stored.content) if stored else None
    except InvalidDocument:
        return None


def is_due(identity: str, clock: Clock) -> bool:
    """Whether a change that is not done is no longer its writer's to finish."""
    begun = time_of(identity)
    return begun is None or begun < moment(clock) - PATIENCE


def landed_files(store: Store, identity: str, record: ChangeRecord) -> list[ChangedFile]:
    """Give those files of a change that were written, be they changed again since."""
    held = store.read_all([file.path for file in record.files])
    return [file for file, stored in zip(record.files, held, strict=True) if _has_landed(file, stored, identity)]


def _has_landed(file: ChangedFile, stored: Stored | None, identity: str) -> bool:
    if stored is None:
        return False
    if stored.changes:
        return nonce_of(identity) in stored.changes
    releases = len(parse_index(stored.content).releases)
    return _weight(weight(file.path, stored.content, releases)) == file.after  # other tools copied it without the ids


def total_of(files: Iterable[ChangedFile]) -> Delta:
    """Give what changes of index files add to tree.json."""
    return sum(map(delta_of, files), Delta())


def prune(store: Store, clock: Clock) -> None:
    """Delete records that are older than anybody remembers, and those of very many."""
    oldest = moment(clock) - REMEMBERED
    paths = list(store.list(CHANGES))
    many = set(paths[:-KEPT_RECORDS])
    old = (path for path in paths if path in many or (time_of(identity_of(path)) or oldest) < oldest)
    while some := list(islice(old, AT_ONCE)):
        store.apply(Delete(path=path) for path in some)


def name_all(store: Store, clock: Clock) -> int:
    """Note the names of all crates that are published, where they are not, and give how many were not."""
    paths, noted = index_paths(store), 0
    while some := list(islice(paths, AT_ONCE)):
        files = (parse_index(stored.content) for stored in store.read_all(some) if stored)
        names = {collision_key(line.name): line.name for file in files for line in file.releases[:1]}
        held = store.read_all([name_file(key) for key in names])
        missing = {key: name for (key, name), stored in zip(names.items(), held, strict=True) if stored is None}
        claims = {key: format_change(Claim(name=name, claimed=stamp(moment(clock)))) for key, name in missing.items()}
        store.apply(Put(path=name_file(key), content=content, expect="absent") for key, content in claims.items())
        noted += len(missing)
    return noted
