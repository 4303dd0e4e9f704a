"""What was published last: from the state, or where several hosts write, from what stands in the tree for it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Protocol

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.registry.site.documents import read_crate_document, read_crate_documents
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.crate_document import CrateDocument, version_key
from cargo_static_index.site.recent import KEPT, About, Recent, about, format_recent, parse_recent
from cargo_static_index.store import Stored
from cargo_static_index.store.pauses import attempts
from cargo_static_index.tree.documents import TreeRecord
from cargo_static_index.tree.read import read_record


class News(Protocol):
    """What the front page and the feed tell of."""

    record: TreeRecord
    """Counts of the tree."""

    def crates(self, limit: int) -> Iterator[tuple[str, str]]:
        """Give the names of the crates of which something was published last, with its `pubtime`."""

    def releases(self, limit: int) -> Iterator[tuple[str, str, str]]:
        """Give name, version and `pubtime` of the releases published last."""

    def highest(self, name: str, pubtime: str) -> str | None:
        """Give the highest of a crate's versions that were published at one time."""

    def about(self, name: str) -> About:
        """Give what is said of a crate."""


class KnownNews:
    """What the state and the crates' documents know."""

    def __init__(self, transaction: Transaction) -> None:
        self.record = transaction.record
        self._published = transaction.state.published
        self._store = transaction.store
        self._documents: dict[str, CrateDocument | None] = {}

    def crates(self, limit: int) -> Iterator[tuple[str, str]]:
        """Give the names of the crates of which something was published last, with its `pubtime`."""
        return iter(self._published.newest_crates(limit))

    def releases(self, limit: int) -> Iterator[tuple[str, str, str]]:
        """Give name, version and `pubtime` of the releases published last."""
        return ((name, release.vers, release.pubtime or "") for name, release in self._published.newest(limit))

    def highest(self, name: str, pubtime: str) -> str | None:
        """Give the highest of a crate's versions that were published at one time."""
        document = self.document(name)
        versions = document.versions if document else ()
        return next((summary.vers for summary in versions if summary.pubtime == pubtime), None)

    def about(self, name: str) -> About:
        """Give what is said of a crate."""
        document = self.document(name)
        return about(document) if document else About(description="", created="")

    def document(self, name: str) -> CrateDocument | None:
        """Give a crate's document as it lies in the tree by now, whoever wrote it last (law 4); it is read once."""
        if name not in self._documents:
            self._documents[name] = read_crate_document(self._store, name)
        return self._documents[name]


class RecentNews:
    """What `recent.json` says."""

    def __init__(self, recent: Recent, record: TreeRecord) -> None:
        self.record = record
        self._recent = recent

    def crates(self, limit: int) -> Iterator[tuple[str, str]]:
        """Give the names of the crates of which something was published last, with its `pubtime`."""
        together = groupby(self._recent.releases, key=lambda release: (release.name, release.pubtime))
        return (pair for pair, _ in zip((pair for pair, _ in together), range(limit), strict=False))

    def releases(self, limit: int) -> Iterator[tuple[str, str, str]]:
        """Give name, version and `pubtime` of the releases published last."""
        return ((release.name, release.vers, release.pubtime) for release in self._recent.releases[:limit])

    def highest(self, name: str, pubtime: str) -> str | None:
        """Give the highest of a crate's versions that were published at one time."""
        found = (
            release.vers for release in self._recent.releases if (release.name, release.pubtime) == (name, pubtime)
        )
        return max(found, key=version_key, default=None)

    def about(self, name: str) -> About:
        """Give what is said of a crate."""
        return self._recent.crates[name]


class SharedNews:
    """Keeps `recent.json` in step in a tree that several hosts write."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._ahead: tuple[Recent | None, Stored | None] | None = None
        self._seen: Recent | None = None
        self._record: TreeRecord | None = None

    def expect(self) -> None:
        """Read it before documents are written: what they are is known then, as long as nobody else replaces it."""
        self._ahead = self._read()

    def change(self, names: Sequence[str], written: Mapping[str, CrateDocument | None]) -> None:
        """Note what became of crates, whose documents are written; those `written` after `expect` are given."""
        for _ in attempts(f"{addresses.RECENT} is"):
            held, stored = self._ahead or self._read()
            known, self._ahead = (written if self._ahead else {}), None
            if held is None:
                held = self._from_state()
            # Read after it: who is in it already has written those documents before.
            unread = [name for name in names if name not in known]
            documents = dict(zip(unread, read_crate_documents(self._transaction.store, unread), strict=True))
            recent = held.changed_by({name: known[name] if name in known else documents[name] for name in names})
            if self._transaction.write(addresses.RECENT, format_recent(recent), stored):
                self._seen = recent
                return

    def remake(self) -> None:
        """Make it anew from the state, which must know the whole tree."""
        for _ in attempts(f"{addresses.RECENT} is"):
            _, stored = self._read()
            recent = self._from_state()
            if self._transaction.write(addresses.RECENT, format_recent(recent), stored):
                self._seen = recent
                return

    def news(self) -> News:
        """Give what was published last, as this one wrote or saw it."""
        if self._seen is None:
            self.look_again()
        return RecentNews(self._seen or Recent(), self._record or self._transaction.record)

    def look_again(self) -> None:
        """See what others made of it."""
        self._seen, _ = self._read()
        self._record = read_record(self._transaction.store).value

    def _read(self) -> tuple[Recent | None, Stored | None]:
        stored = self._transaction.store.read(addresses.RECENT)
        try:
            return (parse_recent(stored.content) if stored else None), stored
        except InvalidDocument:
            return None, stored

    def _from_state(self) -> Recent:
        known = KnownNews(self._transaction)
        names = {name for name, _ in known.crates(KEPT)} | {name for name, _, _ in known.releases(KEPT)}
        return Recent().changed_by({name: known.document(name) for name in names})
