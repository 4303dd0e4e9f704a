"""One pass: from files to a tree. reading fills the state's table of incoming files, publishing empties it.

`build` is the pass over the drop directory, `add` the same pass over files given by name.
"""

import gc
import hashlib
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path

import msgspec
from msgspec import Struct

from cargo_static_index._version import __version__
from cargo_static_index.crate.candidate import Candidate
from cargo_static_index.crate.check import Policy
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.registry.dispose import Disposal, Drop, remembered
from cargo_static_index.registry.events import Listener
from cargo_static_index.registry.publish import Publisher, Settled, outcome_of
from cargo_static_index.registry.read import Bench, Task, is_waiting, read_files
from cargo_static_index.registry.scan import Found, Unfit, scan_drop
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.registry.workers import Executor, Result, unbroken
from cargo_static_index.state.candidates import Packed

FILES_AT_ONCE = 64
"""How many files a worker reads before it answers."""

BYTES_AT_ONCE = 2 << 20
"""How many bytes of archives: with large ones, the workers would otherwise be far from ending at the same time."""

AHEAD = 8
"""How many batches may be under way at once: enough to keep workers busy, few enough to keep in memory."""


class Manner(Struct, frozen=True, kw_only=True):
    """How a pass goes about it.

    `restore` brings removed releases back; `all_or_nothing` publishes none where one is refused.
    """

    policy: Policy
    restore: bool = False
    all_or_nothing: bool = False


def build(transaction: Transaction, drop: Drop, manner: Manner, executor: Executor | None = None) -> None:
    """Publish what is new in the drop directory; the transaction's listener hears what becomes of each file."""
    judged = judged_by(manner.policy)
    transaction.state.drop_files.reopen_refused(judged)
    with _few_collections():
        _read(transaction, _dropped(transaction, drop), manner, executor)
        for outcome in remembered(transaction, drop):
            transaction.listener.file(outcome)
        _settle_all(transaction, manner, Disposal(transaction, judged, drop))


def add(transaction: Transaction, files: Iterable[Path], manner: Manner, executor: Executor | None = None) -> None:
    """Publish files given by name, in the same way; nothing is remembered of them and they stay where they are."""
    tasks = (Task(path=str(path), source=escape(str(path)), staged=str(number)) for number, path in enumerate(files))
    _read(transaction, tasks, manner, executor)
    _settle_all(transaction, manner, Disposal(transaction, "", None))


@contextmanager
def _few_collections() -> Iterator[None]:
    """Look for cycles less often: a pass makes hardly any, and looking for them took a twentieth of its time."""
    usual = gc.get_threshold()
    gc.set_threshold(20_000, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def judged_by(policy: Policy) -> str:
    """Give the digest of all that judges a file: this program's version, the rules' levels and the settings."""
    return hashlib.sha256(__version__.encode() + msgspec.msgpack.encode(policy, order="sorted")).hexdigest()


# Reading ---------------------------------------------------------------------------------------------------


def _dropped(transaction: Transaction, drop: Drop) -> Iterator[Task]:
    """Scan the drop directory: what can be read is given, what cannot is put down as refused."""
    numbers = count()
    for each in scan_drop(drop.path, transaction.state, time.time_ns(), drop.ours):
        source = drop.shown(each.path)
        if isinstance(each, Found):
            yield Task(found=each, path=each.source, source=source, staged=str(next(numbers)))
        else:
            transaction.state.candidates.add([_unfit(each, source)])


def _unfit(unfit: Unfit, source: str) -> Candidate:
    return Candidate(
        source=source,
        folder=unfit.folder,
        file=unfit.file,
        fingerprint=unfit.fingerprint,
        problems=(unfit.problem,),
        refused=True,
    )


def _read(transaction: Transaction, tasks: Iterable[Task], manner: Manner, executor: Executor | None) -> None:
    bench = Bench(policy=manner.policy, stage=transaction.stage, pubtime=transaction.pubtime)
    transaction.state.candidates.clear()
    for batch in _batches_read(_told(tasks, transaction.listener), bench, executor):
        transaction.state.candidates.add_packed(batch)


def _told(tasks: Iterable[Task], listener: Listener) -> Iterator[Task]:
    for task in tasks:
        listener.reading(task.source)
        yield task


def _batches_read(tasks: Iterable[Task], bench: Bench, executor: Executor | None) -> Iterator[list[Packed]]:
    """Read files, here or in an executor's processes, some at a time and never too many ahead."""
    batches = _portions(tasks)
    if executor is None:
        yield from (read_files(batch, bench) for batch in batches)
        return
    under_way: list[Result[list[Packed]]] = []
    with unbroken("read crates was killed, perhaps for want of memory; nothing was published; run this again"):
        for batch in batches:
            under_way.append(executor.submit(read_files, batch, bench))
            if len(under_way) >= AHEAD:
                yield under_way.pop(0).result()
        for future in under_way:
            yield future.result()


def _portions(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    """Cut what is to be read into portions that take about as long as each other."""
    portion: list[Task] = []
    size = 0
    for task in tasks:
        portion.append(task)
        size += task.found.size if task.found else 0
        if len(portion) == FILES_AT_ONCE or size >= BYTES_AT_ONCE:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


# Publishing ------------------------------------------------------------------------------------------------


def _settle_all(transaction: Transaction, manner: Manner, disposal: Disposal) -> None:
    """Settle what could not be read, then publish the rest crate by crate."""
    refused = False
    unreadable = map(_unreadable, transaction.state.candidates.without_release())
    while batch := list(islice(unreadable, FILES_AT_ONCE)):
        refused = refused or _any_refused(batch)
        disposal.settle(batch)
    publisher = Publisher(
        transaction,
        manner.policy.levels,
        name=manner.policy.registry_name,
        restore=manner.restore,
        mend=disposal.drop is None or disposal.drop.takes_away,  # else the file stays there to be added
    )
    if manner.all_or_nothing and (refused or any(map(_any_refused, publisher.planned()))):
        for settled in publisher.planned():
            disposal.settle([_held_back(each) for each in settled])
        return
    for settled in publisher.published():
        disposal.settle(settled)


def _unreadable(candidate: Candidate) -> Settled:
    return candidate, outcome_of(candidate, "waiting" if is_waiting(candidate) else "refused")


def _any_refused(settled: Iterable[Settled]) -> bool:
    return any(outcome.status == "refused" for _, outcome in settled)


def _held_back(settled: Settled) -> Settled:
    candidate, outcome = settled
    return settled if outcome.status != "published" else (candidate, outcome_of(candidate, "held-back"))
