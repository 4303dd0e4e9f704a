"""One pass: from files to a tree. Reading fills the catalogue's table of incoming files, publishing empties it.

`build` is the pass over the drop directory, `add` the same pass over files given by name.
"""

import gc
import hashlib
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path

import msgspec
from msgspec import Struct

from cargo_static_index._version import __version__
from cargo_static_index.crate.candidate import Incoming
from cargo_static_index.crate.check import Policy
from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.registry.dispose import Aftermath, Drop, remembered, shown
from cargo_static_index.registry.events import Listener
from cargo_static_index.registry.publish import Publisher, Settled, outcome_of
from cargo_static_index.registry.read import Bench, Task, is_waiting, read_files
from cargo_static_index.registry.scan import Found, Unfit, scan_drop
from cargo_static_index.registry.transaction import Session
from cargo_static_index.state.readings import Packed

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


def build(session: Session, drop: Drop, manner: Manner, executor: Executor | None = None) -> None:
    """Publish what is new in the drop directory; the session's listener hears what becomes of each file."""
    judged = judged_by(manner.policy)
    session.catalogue.drops.reopen_refused(judged)
    with _few_collections():
        _read(session, _dropped(session, drop), manner, executor)
        for outcome in remembered(session, drop):
            session.listener.file(outcome)
        _settle_all(session, manner, Aftermath(session, judged, drop))


def add(session: Session, files: Iterable[Path], manner: Manner, executor: Executor | None = None) -> None:
    """Publish files given by name, in the same way; nothing is remembered of them and they stay where they are."""
    tasks = (Task(path=str(path), source=shown(path), staged=str(number)) for number, path in enumerate(files))
    _read(session, tasks, manner, executor)
    _settle_all(session, manner, Aftermath(session, "", None))


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


def _dropped(session: Session, drop: Drop) -> Iterator[Task]:
    """Scan the drop directory: what can be read is given, what cannot is put down as refused."""
    numbers = count()
    for each in scan_drop(drop.path, session.catalogue, time.time_ns(), drop.ours):
        source = drop.shown(each.path)
        if isinstance(each, Found):
            yield Task(found=each, path=each.source, source=source, staged=str(next(numbers)))
        else:
            session.catalogue.readings.add([_unfit(each, source)])


def _unfit(unfit: Unfit, source: str) -> Incoming:
    return Incoming(
        source=source,
        folder=unfit.folder,
        file=unfit.file,
        fingerprint=unfit.fingerprint,
        problems=(unfit.problem,),
        refused=True,
    )


def _read(session: Session, tasks: Iterable[Task], manner: Manner, executor: Executor | None) -> None:
    bench = Bench(policy=manner.policy, stage=session.stage, pubtime=session.pubtime)
    session.catalogue.readings.clear()
    for batch in _batches_read(_told(tasks, session.listener), bench, executor):
        session.catalogue.readings.add_packed(batch)


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
    under_way: list[Future[list[Packed]]] = []
    try:
        for batch in batches:
            under_way.append(executor.submit(read_files, batch, bench))
            if len(under_way) >= AHEAD:
                yield under_way.pop(0).result()
        for future in under_way:
            yield future.result()
    except BrokenExecutor as error:
        raise StoreError(
            "a process that read crates was killed, perhaps for want of memory; "
            "nothing was published; run this again, with `--jobs 1` if it comes back"
        ) from error


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


def _settle_all(session: Session, manner: Manner, aftermath: Aftermath) -> None:
    """Settle what could not be read, then publish the rest crate by crate."""
    refused = False
    unreadable = map(_unreadable, session.catalogue.readings.without_release())
    while batch := list(islice(unreadable, FILES_AT_ONCE)):
        refused = refused or _any_refused(batch)
        aftermath.settle(batch)
    publisher = Publisher(
        session,
        manner.policy.levels,
        name=manner.policy.registry_name,
        restore=manner.restore,
        mend=aftermath.drop is None or aftermath.drop.takes_away,  # else the file stays there to be added
    )
    if manner.all_or_nothing and (refused or any(map(_any_refused, publisher.planned()))):
        for settled in publisher.planned():
            aftermath.settle([_held_back(each) for each in settled])
        return
    for settled in publisher.published():
        aftermath.settle(settled)


def _unreadable(incoming: Incoming) -> Settled:
    return incoming, outcome_of(incoming, "waiting" if is_waiting(incoming) else "refused")


def _any_refused(settled: Iterable[Settled]) -> bool:
    return any(outcome.became == "refused" for _, outcome in settled)


def _held_back(settled: Settled) -> Settled:
    incoming, outcome = settled
    return settled if outcome.became != "published" else (incoming, outcome_of(incoming, "held-back"))
