"""One build: from files to a tree. Reading fills the state's table of incoming files, publishing empties it.

`build` does so for the drop directory, `add` for files given by name.
Reading comes before others are kept out; publishing keeps them out for one batch of crates after the other.
"""

import hashlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from cargo_static_index._version import __version__
from cargo_static_index.crate.candidate import Candidate, DropFile, FileStatus, Outcome
from cargo_static_index.crate.policy import Policy
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.registry.drop import Drop
from cargo_static_index.registry.events import Listener
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.scan import settled_by_stamps
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.registry.workers import Executor, Far, Result, few_collections, unbroken
from cargo_static_index.state.candidates import Packed
from cargo_static_index.store import Uploads
from cargo_static_index.store.local.folders import failure

if TYPE_CHECKING:  # loaded where something is read and published: most passes find nothing new
    from cargo_static_index.registry.publish import Publisher
    from cargo_static_index.registry.read import Reader
    from cargo_static_index.registry.remote import RemoteReader

_MARGIN = 0.1
"""Seconds that a build waits longer than files need to settle: it looks at the first of them a moment later."""

FILES_AT_ONCE = 64
"""How many files a worker reads before it answers."""

BYTES_AT_ONCE = 2 << 20
"""How many bytes of archives: with large ones, the workers would otherwise be far from ending at the same time."""

FAR_FILES, FAR_BYTES = 512, 32 << 20
"""The same on other machines: a call takes 5 to 27 ms to get there, which is not to count beside the reading."""

AHEAD = 8
"""How many batches may be under way at once: enough to keep workers busy, few enough to keep in memory."""

LOOK_AHEAD = 5000
"""How many files of the drop directory may be known before they are read: of as many a total is told at once."""


def read_drop(
    transaction: Transaction,
    drop: Drop,
    policy: Policy,
    options: Options,
    executor: Executor | None = None,
    far: Far | None = None,
) -> None:
    """Read and check what is new in the drop directory; nobody is kept out meanwhile."""
    transaction.state.drop_files.reopen_refused(judged_by(policy))
    with few_collections():
        _read(transaction, _dropped(transaction, drop, options), policy, options, executor, drop, far)
    if options.due is None:  # who looks again and again has said it once
        count = transaction.state.drop_files.refused_count()
        if count:
            count -= transaction.state.candidates.refused_count()  # changed since, and read once more
        if count:
            from cargo_static_index.registry.dispose import remembered

            transaction.listener.still_refused(count, remembered(transaction, drop))


def read_named(
    transaction: Transaction, files: Iterable[Path], policy: Policy, options: Options, executor: Executor | None = None
) -> None:
    """Read and check files given by name."""
    named = [DropFile(source=escape(str(path)), target=os.fsencode(path)) for path in files]
    transaction.listener.total("read", len(named))
    _read(transaction, named, policy, options, executor)


def take_read(transaction: Transaction, read: Iterable[tuple[Candidate, Path]]) -> None:
    """Take files that were read before, and staged in folders of other sessions, which they leave."""
    import shutil

    from cargo_static_index.registry.read import staged_metadata

    transaction.state.candidates.clear()
    for number, (candidate, folder) in enumerate(read):
        staged = str(number)
        for before, name in ((candidate.staged, staged), (staged_metadata(candidate.staged), staged_metadata(staged))):
            try:
                shutil.move(folder / before, transaction.stage / name)
            except OSError as error:
                raise failure("write", transaction.stage / name, error) from error
        transaction.state.candidates.add([replace(candidate, staged=staged)])


def publish_read(
    transaction: Transaction, drop: Drop | None, policy: Policy, options: Options, far: Far | None = None
) -> Iterator[None]:
    """Publish what was read, some crates at a time; where this yields, nothing is half done and others may come in.

    The transaction's listener hears what becomes of each file. Of files of a `drop` directory that is remembered.
    """
    yield from _dispose_all(transaction, drop, policy, options, far.uploads if far else None)


def judged_by(policy: Policy) -> str:
    """Give the digest of all that judges a file: this program's version, the rules' levels and the settings."""
    encoded = msgspec.msgpack.encode(policy, order="sorted", enc_hook=_function_name)
    return hashlib.sha256(__version__.encode() + encoded).hexdigest()


def _function_name(function: object) -> str:
    """Give what stands for a function of rules of one's own; their `version` says when it has changed."""
    return f"{getattr(function, '__module__', '')}:{getattr(function, '__qualname__', type(function).__qualname__)}"


# Reading ---------------------------------------------------------------------------------------------------


def _dropped(transaction: Transaction, drop: Drop, options: Options) -> Iterator[DropFile]:
    """Scan the drop directory: what can be read is given, what cannot is put down as refused."""
    due = options.due or settled_by_stamps(drop.settle)
    for found in drop.scan(transaction.state, due):
        if options.share and not options.share.holds(found if isinstance(found, DropFile) else found.file):
            continue
        if not isinstance(found, DropFile):
            transaction.state.candidates.add([found])
        elif options.take is None or options.take(found):
            yield found
        else:
            return


def _read(
    transaction: Transaction,
    files: Iterable[DropFile],
    policy: Policy,
    options: Options,
    executor: Executor | None,
    drop: Drop | None = None,
    far: Far | None = None,
) -> None:
    # Files are waited for once a build at most, however many there are that do not look whole.
    waits = drop is not None and options.due is None
    until = time.monotonic() + drop.settle + _MARGIN if drop and waits else 0.0
    transaction.state.candidates.clear()
    files = iter(files)
    first = next(files, None)
    if first is None:
        return
    from cargo_static_index.registry.held import with_held
    from cargo_static_index.registry.read import Reader

    reader = Reader(
        policy=policy,
        stage=str(transaction.stage),
        pubtime=transaction.pubtime,
        drop=drop.path if drop else None,
        waits_until=until,
    )
    coming = _Coming(chain([first], files), transaction.listener, ahead=LOOK_AHEAD if waits else 0)
    # Where published files leave the drop directory, the archives in the tree are held against them as a whole.
    known = partial(with_held, transaction) if drop and not drop.takes_away else list
    if far is None:
        batches = _batches_read(_portions(coming), known, reader, executor, meanwhile=coming.look_ahead)
    else:
        from cargo_static_index.registry.remote import RemoteReader

        portions = _portions(map(_when_due, coming), FAR_FILES, FAR_BYTES)
        reads = RemoteReader(reader=replace(reader, waits_until=0.0), uploads=far.uploads)
        batches = _batches_read(portions, known, reads, far.executor, far.ahead, meanwhile=coming.look_ahead)
    for batch in batches:
        transaction.state.candidates.add_packed(batch)


def _when_due(file: DropFile) -> DropFile:
    """Wait for a file that may be only a part of what it is to be: another machine's clock says nothing of that."""
    time.sleep(max(0.0, file.due - time.monotonic()))
    return replace(file, due=0.0) if file.due else file


class _Coming:
    """Files on their way to be read; the listener hears of each, and how many there are once the last is found.

    To find it up to `ahead` files are kept in memory, looked for while others are read.
    """

    def __init__(self, files: Iterable[DropFile], listener: Listener, *, ahead: int) -> None:
        self._files = iter(files)
        self._listener = listener
        self._ahead = ahead
        self._found: deque[DropFile] = deque()
        self._count = 0

    def __iter__(self) -> Iterator[DropFile]:
        while file := self._found.popleft() if self._found else next(self._files, None):
            self._count += 1
            self._listener.reading(file.source)
            yield file

    def look_ahead(self) -> None:
        """Look for the last of the files."""
        if not self._ahead:
            return
        room = self._ahead - len(self._found)
        found = list(islice(self._files, room))
        self._found += found
        if len(found) < room:
            self._ahead = 0
            self._listener.total("read", self._count + len(self._found))


def _batches_read(
    portions: Iterable[tuple[int, list[DropFile]]],
    known: Callable[[list[DropFile]], list[DropFile]],
    reader: "Reader | RemoteReader",
    executor: Executor | None,
    ahead: int = AHEAD,
    *,
    meanwhile: Callable[[], None],
) -> Iterator[list[Packed]]:
    """Read files, here or in an executor's processes, some at a time and never too many ahead.

    `known` says of each which published release it may be; `meanwhile` is done before results are waited for.
    """
    portions = ((first, known(portion)) for first, portion in portions)
    if executor is None:
        for first, portion in portions:
            meanwhile()
            yield reader.read_all(portion, first)
        return
    under_way: list[Result[list[Packed]]] = []
    with unbroken("read crates was killed, perhaps for want of memory; nothing was published; run this again"):
        for first, portion in portions:
            under_way.append(executor.submit(reader.read_all, portion, first))
            if len(under_way) >= ahead:
                meanwhile()
                yield under_way.pop(0).result()
        meanwhile()
        for future in under_way:
            yield future.result()


def _portions(
    files: Iterable[DropFile], files_at_once: int = FILES_AT_ONCE, bytes_at_once: int = BYTES_AT_ONCE
) -> Iterator[tuple[int, list[DropFile]]]:
    """Cut files into portions that take about as long as each other, each with the number of its first file."""
    portion: list[DropFile] = []
    first = size = 0
    for file in files:
        portion.append(file)
        size += file.size
        if len(portion) == files_at_once or size >= bytes_at_once:
            yield first, portion
            first, portion, size = first + len(portion), [], 0
    if portion:
        yield first, portion


# Publishing ------------------------------------------------------------------------------------------------


def _dispose_all(
    transaction: Transaction, drop: Drop | None, policy: Policy, options: Options, uploads: Uploads | None
) -> Iterator[None]:
    """Dispose of what could not be read, then publish the rest crate by crate."""
    files = transaction.state.candidates.count()
    transaction.listener.total("published", files)
    if not files:
        return
    from cargo_static_index.registry.dispose import Disposal
    from cargo_static_index.registry.publish import Publisher

    disposal = Disposal(transaction, judged_by(policy) if drop else "", drop)
    refused = False
    unreadable = map(_unreadable, transaction.state.candidates.without_release())
    while batch := list(islice(unreadable, FILES_AT_ONCE)):
        refused = refused or _any_refused(batch)
        disposal.dispose(batch)
        yield
    publisher = Publisher(
        transaction,
        policy.levels,
        name=policy.registry_name,
        restore=options.restore,
        mend=drop is None or drop.takes_away,  # else the file stays there to be added
        uploads=uploads,
    )
    if options.all_or_nothing:  # all at once, too: what others did between two batches may refuse one
        disposal.dispose(_all_or_none(publisher, refused=refused))
        return
    for outcomes in publisher.published():
        disposal.dispose(outcomes)
        yield


def _all_or_none(publisher: "Publisher", *, refused: bool) -> list[Outcome]:
    if refused or any(map(_any_refused, publisher.planned())):
        return [_not_published(outcome) for outcomes in publisher.planned() for outcome in outcomes]
    return [outcome for outcomes in publisher.published() for outcome in outcomes]


def _unreadable(candidate: Candidate) -> Outcome:
    from cargo_static_index.registry.read import is_waiting

    status: FileStatus = "waiting" if is_waiting(candidate) else "refused"
    return Outcome(candidate=candidate, status=status, problems=candidate.problems)


def _any_refused(outcomes: Iterable[Outcome]) -> bool:
    return any(outcome.status == "refused" for outcome in outcomes)


def _not_published(outcome: Outcome) -> Outcome:
    return outcome if outcome.status != "published" else replace(outcome, status="not-published")
