"""How a registry is: when it was last built, what waits in its drop directory, and what is refused there.

Looking changes nothing and needs no right to write: what has to be learned first is learned in a copy of the catalogue.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct

from cargo_static_index.aftermath import Drop
from cargo_static_index.catalogue import Catalogue, Dropped, may_write, open_catalogue
from cargo_static_index.knowledge import learn_all
from cargo_static_index.protocol.config import base_url_of
from cargo_static_index.record import format_document
from cargo_static_index.registry import LAST_BUILD, copied_state, drop_of, store_of
from cargo_static_index.scan import scan_drop
from cargo_static_index.session import KNOWN_TREE
from cargo_static_index.settings import Settings
from cargo_static_index.store import Store
from cargo_static_index.tree import read_config, read_record


class Status(Struct, frozen=True, kw_only=True):
    """How a registry is. `base_url` is None before the first pass, or where config.json is not ours.

    `last_build` is when the last `build` came to its end, in seconds since 1970, None where none did. `waiting` are
    the paths of dropped files that the next `build` would look at, as `drop.path` leads to them.
    """

    base_url: str | None
    crates: int
    releases: int
    last_build: int | None
    waiting: tuple[str, ...]
    refused: tuple[Dropped, ...]


def read_status(settings: Settings, *, store: Store | None = None) -> Status:
    """Say how a registry is; SettingsError where the drop directory cannot be listed.

    A catalogue that does not know the tree as it is learns it in a copy: the next build does it for good.
    """
    tree = store or store_of(settings)
    config, record = read_config(tree), read_record(tree).record
    known = format_document(record)
    drop = drop_of(settings)
    with ExitStack() as stack:
        state = settings.state.path
        if not (may_write(state) and _knows(state, known)):
            state = copied_state(state, stack)
        catalogue = stack.enter_context(open_catalogue(state))
        last = catalogue.get(LAST_BUILD)
        with catalogue.taken_back():
            if catalogue.get(KNOWN_TREE) != known:
                learn_all(catalogue, tree)  # changed elsewhere, or an earlier tree that was restored
                catalogue.drops.reopen_unpublished()
            waiting = tuple(_waiting(catalogue, drop))
        return Status(
            base_url=base_url_of(config) if config else None,
            crates=record.crates,
            releases=record.releases,
            last_build=int(last) if last else None,
            waiting=waiting,
            refused=tuple(catalogue.drops.refused()),
        )


def _knows(state: Path, tree: bytes) -> bool:
    with open_catalogue(state) as catalogue:
        return catalogue.get(KNOWN_TREE) == tree


def _waiting(catalogue: Catalogue, drop: Drop) -> Iterator[str]:
    """Give the files of the drop directory that are new or changed, or that the tree holds no more.

    One that was judged while it was young has no fingerprint, and is judged again; that is no news to wait for.
    """
    for each in scan_drop(drop.path, catalogue, time.time_ns(), drop.ours):
        row = catalogue.drops.get(each.folder, each.file)
        if row is None or row.outcome == "waiting" or row.fingerprint:
            yield drop.shown(each.path)
