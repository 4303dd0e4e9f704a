"""The compressed copies beside pages; none of them ever says what its page does not.

They are deleted before a page changes, and written after it: what breaks off leaves a page without copies, which
servers compress themselves. pages.json says whether there may be any, and whether every page has them.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.site.compressed import compressed, copies_of, need_brotli, original_of
from cargo_static_index.site.crate_document import CopiesHeld
from cargo_static_index.store import Change, Delete, Put

AT_ONCE = 256
"""Files that share a batch."""


class Copies:
    """The copies in a transaction's tree, which are `wanted` or not; SettingsError where they cannot be made.

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
            done = (change for change in changes if isinstance(change, Put) and change.path not in without)
            self._transaction.apply(put for change in done for put in _puts(change))

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


def _puts(change: Put) -> Iterator[Put]:
    if isinstance(change.content, bytes):
        yield from (Put(path=path, content=content) for path, content in compressed(change.path, change.content))
