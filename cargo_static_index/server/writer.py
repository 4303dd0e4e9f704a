"""The one thread that changes the tree for the endpoint: what waits together shares a transaction and its flushes.

Publishing is a drop that waits: this is `add`, and the other commands, called from here and from nowhere else.
"""

import queue
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Final

from msgspec import Struct

from cargo_static_index.crate.candidate import Candidate, Outcome
from cargo_static_index.diagnostics.errors import CargoStaticIndexError, NotHeld, StoreError, TreeBusy
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.registry.configured import store_of
from cargo_static_index.registry.events import Listener
from cargo_static_index.registry.kept import KEPT_LOOK, has_archives_to_delete
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.owners import forget_owners, found_owners
from cargo_static_index.registry.registry import Registry, open_registry
from cargo_static_index.registry.withdraw import Spec
from cargo_static_index.server.permissions import OwnerNames, permissions_of
from cargo_static_index.server.tokens import Token
from cargo_static_index.settings import Settings
from cargo_static_index.settings.trusted import TokenScope
from cargo_static_index.state.directory import attending
from cargo_static_index.tree.owners import names_in
from cargo_static_index.tree.read import read_index, read_tombstones

AT_ONCE: Final = 64
"""Changes that share a transaction: more would make the first of them wait for the last."""

BUSY: Final = 60.0
"""Seconds to wait for another process that has the tree: a build of 10,000 crates takes less."""

_PAUSE: Final = 0.02


class Forbidden(CargoStaticIndexError):
    """What a token asks for is not for it to do."""


class Publish(Struct, frozen=True):
    """A release to publish, as it was read, and the folder it is staged in.

    What became of it is known once its line can be read.
    """

    token: Token
    candidate: Candidate
    folder: Path
    done: Future[Outcome]


class SetYanked(Struct, frozen=True):
    """A release to yank or unyank."""

    token: Token
    spec: Spec
    yanked: bool
    done: Future[None]


class ChangeOwners(Struct, frozen=True):
    """Owners to add to a crate or to remove, and how it may be published; those that it has then are given."""

    token: Token
    name: str
    add: OwnerNames
    remove: OwnerNames
    trusted_only: bool | None
    done: Future[OwnerNames]


_Change = Publish | SetYanked | ChangeOwners


class Writer:
    """Takes changes, and carries them out in the order they came; `close` waits for those that were taken.

    Every `look` seconds without a change, archives of removed releases are deleted whose time has come.
    """

    def __init__(
        self, settings: Settings, clock: Callable[[], int], warn: Callable[[str], None], *, look: float = KEPT_LOOK
    ) -> None:
        self._look = look
        self._settings = settings
        self._clock = clock
        self._warn = warn
        self._waiting: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self.begun = Event()
        """Set once what an earlier process began is finished, and the tree has its config.json."""
        self._thread = Thread(target=self._work, name="writer")
        self._thread.start()

    def publish(self, token: Token, candidate: Candidate, folder: Path) -> Future[Outcome]:
        """Publish what was read and is staged in a folder; the future raises Forbidden where the token may not."""
        done: Future[Outcome] = Future()
        self._waiting.put(Publish(token, candidate, folder, done))
        return done

    def set_yanked(self, token: Token, spec: Spec, *, yanked: bool) -> Future[None]:
        """Yank or unyank a release; the future raises NotHeld, or Forbidden."""
        done: Future[None] = Future()
        self._waiting.put(SetYanked(token, spec, yanked, done))
        return done

    def change_owners(
        self,
        token: Token,
        name: str,
        *,
        add: OwnerNames = (),
        remove: OwnerNames = (),
        trusted_only: bool | None = None,
    ) -> Future[OwnerNames]:
        """Change the owners of a crate; the future raises NotHeld, Forbidden or InvalidInput."""
        done: Future[OwnerNames] = Future()
        self._waiting.put(ChangeOwners(token, name, add, remove, trusted_only, done))
        return done

    def close(self) -> None:
        """Carry out what was taken, and end."""
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        with ExitStack() as stack:
            with suppress(CargoStaticIndexError):  # a state directory that cannot be used is told of below
                stack.enter_context(attending(self._settings.state.path))
            self._carry_out_all()

    def _carry_out_all(self) -> None:
        self._carry_out([])  # finishes what an earlier process began, and gives an empty folder its config.json
        self.begun.set()
        while (first := self._first()) is not None:
            batch, last = [first], False
            while len(batch) < AT_ONCE and not self._waiting.empty() and not last:
                change = self._waiting.get()
                last = change is None
                batch += [change] if change is not None else []
            self._carry_out(batch)
            if last:
                return

    def _first(self) -> _Change | None:
        """Wait for a change, or for the end."""
        while True:
            with suppress(queue.Empty):
                return self._waiting.get(timeout=self._look)
            with suppress(CargoStaticIndexError):  # the next look finds out
                if has_archives_to_delete(store_of(self._settings), time.time()):
                    self._carry_out([])

    def _carry_out(self, batch: Sequence[_Change]) -> None:
        """Carry out a batch; what goes wrong is told to all whose change is not done yet."""
        try:
            self._carry_out_when_free(batch)
        except Exception as error:  # noqa: BLE001 - the next batch must be carried out whatever became of this one
            left = [change for change in batch if not change.done.done()]
            for change in left:
                change.done.set_exception(error)
            if not left:
                self._warn(f"what was published stands, but then: {error}")

    def _carry_out_when_free(self, batch: Sequence[_Change]) -> None:
        end = time.monotonic() + BUSY
        while True:
            try:
                listener, options = _Listener(batch, self._warn), Options(now=self._clock())
                with open_registry(self._settings, listener, options) as registry:
                    _Batch(registry, self._settings).carry_out(batch)
            except TreeBusy:
                if time.monotonic() > end:
                    raise
                time.sleep(_PAUSE)
            else:
                break
        for change in batch:
            if not change.done.done():
                change.done.set_exception(StoreError("nothing became of this; try again"))


class _Batch:
    """Changes that are carried out in one transaction."""

    def __init__(self, registry: Registry, settings: Settings) -> None:
        self._registry = registry
        self._store = registry.transaction.store
        self._permissions = permissions_of(settings)
        self._founded: dict[str, OwnerNames] = {}

    def carry_out(self, batch: Sequence[_Change]) -> None:
        admitted = [publish for publish in batch if isinstance(publish, Publish) and self._is_admitted(publish)]
        if admitted:
            self._registry.add_read([(publish.candidate, publish.folder) for publish in admitted])
        for name, owners in self._founded.items():
            if not self._is_known(name):
                forget_owners(self._registry.transaction, name, owners)
        for change in batch:
            if not isinstance(change, Publish):
                self._change(change)

    def _is_admitted(self, change: Publish) -> bool:
        """Whether a file may be published by who sent it; a crate gets its owners before its first line."""
        try:
            self._admit(change.token, change.candidate.name)
        except CargoStaticIndexError as error:
            change.done.set_exception(error)
        return not change.done.done()

    def _admit(self, token: Token, name: str) -> None:
        transaction = self._registry.transaction
        key = collision_key(name)
        if transaction.names_of([key], {key: name}).get(key, name) != name:
            return  # another crate stands in its way, which is for the rules to say
        held = self._registry.owners(name)
        owners = self._permissions.owners_of(name, names_in(held))
        is_new = held is None and not self._is_known(name)
        reason = self._permissions.refuse_publish(token, name, owners, is_new=is_new)
        if reason:
            raise Forbidden(reason)
        if held and held.trusted_only and not token.is_trusted:
            raise Forbidden(f"new versions of {name} are published by trusted publishing only; its owners wanted it so")
        if is_new:
            first = owners or (token.first_owner,)
            if found_owners(transaction, name, first):
                self._founded[name] = first
            else:
                self._admit(token, name)  # another endpoint was quicker: whose it is now decides

    def _is_known(self, name: str) -> bool:
        """Whether something is published of a crate, or was."""
        return bool(read_index(self._store, name).value.lines or read_tombstones(self._store, name).value.removed)

    def _change(self, change: SetYanked | ChangeOwners) -> None:
        try:
            if isinstance(change, SetYanked):
                self._allow(change.token, "yank", change.spec.name)
                self._registry.set_yanked([change.spec], yanked=change.yanked)
                change.done.set_result(None)
            else:
                change.done.set_result(self._change_owners(change))
        except CargoStaticIndexError as error:
            change.done.set_exception(error)

    def _change_owners(self, change: ChangeOwners) -> OwnerNames:
        self._allow(change.token, "owners", change.name)
        return self._registry.change_owners(
            change.name, add=change.add, remove=change.remove, trusted_only=change.trusted_only
        ).owners

    def _allow(self, token: Token, scope: TokenScope, name: str) -> None:
        held = self._registry.owners(name)
        if held is None and not self._is_known(name):
            raise NotHeld(f"there is no crate {name!r} in this registry")
        reason = self._permissions.refuse_change(token, scope, name, self._permissions.owners_of(name, names_in(held)))
        if reason:
            raise Forbidden(reason)


class _Listener(Listener):
    """Tells each change what became of its file, as soon as that is durable."""

    def __init__(self, batch: Sequence[_Change], warn: Callable[[str], None]) -> None:
        self._waiting = {change.candidate.source: change for change in batch if isinstance(change, Publish)}
        self._warn = warn

    def file(self, outcome: Outcome) -> None:
        """Tell whoever waits."""
        self._waiting[outcome.source].done.set_result(outcome)

    def warn(self, text: str) -> None:
        """Pass a warning on."""
        self._warn(text)
