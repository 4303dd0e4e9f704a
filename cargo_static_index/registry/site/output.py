"""Writing pages: what differs from what is there, in batches; what cannot be made is said and stops nothing else."""

import errno
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from cargo_static_index.diagnostics.errors import CargoStaticIndexError, InvalidInput, SettingsError, StoreError
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.site.compressed import compressed, copies_of, need_brotli, original_of
from cargo_static_index.site.crate_document import CopiesHeld
from cargo_static_index.store import Change, Delete, Put, Stored

AT_ONCE = 256
"""Files that share a batch, and so its flushes."""

_OF_ONE_PATH = frozenset(
    {errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EILSEQ, errno.EINVAL, errno.ELOOP, errno.EEXIST}
)
"""Why a disk refuses one file while nothing is wrong with the others."""


class Copies:
    """The compressed copies beside pages, which are `wanted` or not; SettingsError where they cannot be made.

    None of them ever says what its page does not: they are deleted before it changes, and written after it. What
    breaks off leaves a page without copies, which servers compress themselves.
    `held` says which are there: none, perhaps some, or those of all pages.
    """

    def __init__(self, transaction: Transaction, *, wanted: bool) -> None:
        if wanted:
            need_brotli()
            if transaction.store.shared:
                raise SettingsError(
                    "`precompress` in `[pages]` is for a tree in a folder: a bucket gives each object as it is"
                )
        self._transaction = transaction
        self.wanted = wanted
        self.held: CopiesHeld = None

    @property
    def is_none(self) -> bool:
        """Whether there is none, and none is wanted."""
        return not (self.held or self.wanted)

    @property
    def in_step(self) -> bool:
        """Whether all pages have copies, or none has, as it is wanted."""
        return self.held == ("all" if self.wanted else None)

    def take_away(self, changes: Iterable[Change]) -> None:
        """Delete the copies of files that are about to change."""
        if self.held:
            copies = (copy for change in changes for copy in copies_of(change.path))
            self._transaction.apply(Delete(path=copy) for copy in copies if self._transaction.store.size(copy))

    def put(self, changes: Iterable[Change], without: Collection[str]) -> None:
        """Write the copies of files that were changed, but for those whose change came to nothing."""
        if self.held and self.wanted:
            puts = (change for change in changes if isinstance(change, Put) and change.path not in without)
            done = ((put.path, put.content) for put in puts if isinstance(put.content, bytes))
            copies = (copy for path, content in done for copy in compressed(path, content))
            self._transaction.apply(Put(path=path, content=content) for path, content in copies)

    def bring_in_step(self) -> None:
        """Write the copies of all pages, where they are not as they are to be, or delete all copies there are."""
        changes = self._changes(list(self._transaction.store.list()))
        while some := list(islice(changes, AT_ONCE)):
            self._transaction.apply(some)

    def _changes(self, paths: Sequence[str]) -> Iterator[Change]:
        store, files = self._transaction.store, frozenset(paths)
        for path in paths:
            original = original_of(path)
            if original is not None and not (self.wanted and original in files):
                yield Delete(path=path)
            held = store.read(path) if self.wanted and copies_of(path) else None
            for copy, content in compressed(path, held.content) if held else ():
                there = store.read(copy)
                if there is None or there.content != content:
                    yield Put(path=copy, content=content)


def written(path: str, content: bytes, stored: Stored | None) -> tuple[Change, ...]:
    """Give the change that writes a page, unless it is there: it is made whole from what is published, as any later."""
    return () if stored and stored.content == content else (Put(path=path, content=content),)


class Failures:
    """What could not be made, by path: the first reasons are kept, the others counted."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}

    @contextmanager
    def noted(self, path: str) -> Iterator[None]:
        """Note what fails in here; what is no fault of one page alone is raised on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - one page must not stop the others, whatever mistake of ours it meets
            self.note(path, error)

    def note(self, path: str, error: Exception) -> None:
        """Note why a path could not be made, or raise on what is no fault of it alone."""
        if not is_of_one_path(error):
            raise error
        said = str(error) if isinstance(error, CargoStaticIndexError) else f"{type(error).__name__}: {error}"
        self.reasons.setdefault(path, said)


def is_of_one_path(error: Exception) -> bool:
    """Whether nothing is wrong with other pages: no disk is full, no template of the user's fails."""
    if isinstance(error, StoreError):
        return isinstance(error.__cause__, OSError) and error.__cause__.errno in _OF_ONE_PATH
    return not isinstance(error, SettingsError | MemoryError | OSError)


class Output:
    """Brings pages, and their copies, into the tree of a transaction; `carry_out` does what its store would do."""

    def __init__(
        self, transaction: Transaction, copies: Copies, carry_out: Callable[[Sequence[Change]], tuple[Change, ...]]
    ) -> None:
        self._transaction = transaction
        self._copies = copies
        self._carry_out = carry_out
        self.failures = Failures()

    def put(self, pages: Iterable[tuple[str, bytes]]) -> None:
        """Write those files that are not what they are to be."""
        self.apply(change for path, content in pages for change in self._changes(path, content))

    def _changes(self, path: str, content: bytes) -> Iterator[Change]:
        with self.failures.noted(path):
            yield from written(path, content, self._transaction.store.read(path))

    def apply(self, changes: Iterable[Change], at_once: int = AT_ONCE) -> set[str]:
        """Carry out changes in their order, and give the paths that somebody else forestalled."""
        waiting = iter(changes)
        lost: set[str] = set()
        while batch := list(islice(waiting, at_once)):
            self._copies.take_away(batch)
            lost |= self._apply(batch)
            self._copies.put(batch, without=lost | self.failures.reasons.keys())
        return lost

    def _apply(self, batch: list[Change]) -> set[str]:
        try:
            return {change.path for change in self._transaction.apply(batch, self._carry_out)}
        except (InvalidInput, StoreError) as error:
            if not is_of_one_path(error):
                raise
            if len(batch) == 1:
                self.failures.note(batch[0].path, error)
                return set()
        # What of the batch was carried out already is no change any more.
        return {path for change in batch for path in self._apply([change])}
