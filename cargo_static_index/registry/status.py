"""How a registry is: when it was last built, what waits in its drop directory, and what is refused there.

Looking changes nothing, waits for nobody and needs no right to write: what has to be learned first is learned in a
copy of the state.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct

from cargo_static_index.crate.candidate import Candidate, Outcome
from cargo_static_index.protocol.config import base_url_of
from cargo_static_index.registry.configured import store_of
from cargo_static_index.registry.drop import Drop
from cargo_static_index.registry.known import load_published
from cargo_static_index.registry.on_change import COUNTED, Delivery, read_delivery
from cargo_static_index.registry.registry import copied_state, drop_of, known_state
from cargo_static_index.registry.scan import settled_by_stamps
from cargo_static_index.registry.watch.health import LastWord, read_health
from cargo_static_index.settings import Settings
from cargo_static_index.state import State, may_read, may_write, open_state
from cargo_static_index.store import Store
from cargo_static_index.tree.documents import TreeRecord, format_document
from cargo_static_index.tree.kept import kept_until
from cargo_static_index.tree.read import read_config, read_record

LOOKS = 3
"""How often the state is held against tree.json: a build writes the one a moment before the other."""

BETWEEN_LOOKS = 0.1
"""Seconds from one look to the next: longer than that moment, and nothing to what a copy costs in vain."""


class Status(Struct, frozen=True, kw_only=True):
    """How a registry is. `base_url` is None before the first build, or where config.json is not ours.

    `last_build` is when the last `build` came to its end, in seconds since 1970, None where none did. `waiting` are
    the paths of dropped files that the next `build` would look at, as `drop.path` leads to them. `refused` holds
    folders, too, that cannot be listed: their `file` is empty, and when that began is not known.
    `watch` is what the last watcher said of itself. `delivery` is how telling the command of `on-change` goes, where
    there is one, and `undelivered` how many paths it was not told of yet.
    `kept` has the removed releases, (name, version), whose archives are kept, each with the time until when.
    Where the state is there and may not be read (`state_readable`), it is not known when the last build ended, nor what
    was refused before.
    """

    base_url: str | None
    crates: int
    releases: int
    last_build: int | None
    state_readable: bool = True
    waiting: tuple[str, ...]
    refused: tuple[Outcome, ...]
    watch: LastWord | None = None
    delivery: Delivery | None = None
    undelivered: int = 0
    kept: Mapping[tuple[str, str], str] = MappingProxyType({})


def read_status(settings: Settings, *, store: Store | None = None) -> Status:
    """Say how a registry is; SettingsError where the drop directory cannot be listed.

    Nobody who works on the registry is waited for, and nobody waits.
    """
    tree = store or store_of(settings)
    config = read_config(tree)
    drop = drop_of(settings)
    folder = known_state(settings)
    with _knowing(folder, tree) as (state, record):
        waiting, closed = _looked_at(state, drop)
        return Status(
            base_url=base_url_of(config),
            crates=record.crates,
            releases=record.releases,
            last_build=state.site.last_build,
            state_readable=may_read(folder),
            waiting=tuple(waiting),
            refused=(*state.drop_files.refused(), *closed),
            watch=read_health(folder),
            delivery=read_delivery(folder) if settings.registry.on_change else None,
            undelivered=state.undelivered.count(COUNTED),
            kept=kept_until(tree),
        )


@contextmanager
def _knowing(folder: Path, tree: Store) -> Iterator[tuple[State, TreeRecord]]:
    """Give a state that knows the tree, to read from, and tree.json as it knows it.

    That is the registry's own as it is at one moment, and a copy only where that one must not be opened or does not
    know the tree. The copy learns the tree: the next build does it for good.
    """
    with ExitStack() as stack:
        own = _own(folder, tree, stack) if may_write(folder) else None
        if own is not None:
            yield own
            return
        state = stack.enter_context(open_state(copied_state(folder, stack)))
        record = read_record(tree).value
        if state.site.known_tree != format_document(record):
            load_published(state, tree)  # changed elsewhere, or an earlier tree that was restored
            state.drop_files.reopen_unpublished()
        yield state, record


def _own(folder: Path, tree: Store, stack: ExitStack) -> tuple[State, TreeRecord] | None:
    """Open the registry's own state; None where it does not know the tree, and looking again does not help."""
    for look in range(LOOKS):
        time.sleep(BETWEEN_LOOKS if look else 0)
        with ExitStack() as opened:
            state = opened.enter_context(open_state(folder))
            opened.enter_context(state.reading())
            known, record = state.site.known_tree, read_record(tree).value
            if known == format_document(record):
                stack.push(opened.pop_all())
                return state, record
    return None


def _looked_at(state: State, drop: Drop) -> tuple[list[str], list[Outcome]]:
    """Give what is new or changed in the drop directory, or held no more by the tree, and folders that are closed.

    A file that was judged in the moment of its change has no fingerprint, and is judged again; that is no news to
    wait for.
    """
    waiting: list[str] = []
    closed: list[Outcome] = []
    now = int(time.time())
    for found in drop.scan(state, settled_by_stamps(drop.settle), forget=False):
        file = found.file if isinstance(found, Candidate) else found
        known = state.drop_files.get(file.folder, file.file)
        if isinstance(found, Candidate) and not file.file:
            refused = Outcome(candidate=found, status="refused", problems=found.problems, first_seen=now, last_seen=now)
            closed.append(refused)
        elif known is None or known.status == "waiting" or known.candidate.file.seen:
            waiting.append(file.source)
    return waiting, closed
