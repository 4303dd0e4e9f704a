"""What is published, as the index files say: found by collision key and by age, a few rows at a time."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from cargo_static_index.protocol.semver import parse_version
from cargo_static_index.state import schema
from cargo_static_index.state.database import StateRows, batches, json_list


class Release(Struct, frozen=True, kw_only=True):
    """A published release, as its index line says."""

    vers: str
    cksum: str
    yanked: bool
    pubtime: str | None


class Removed(Struct, frozen=True, kw_only=True):
    """A release that was removed, as its tombstone says."""

    vers: str
    cksum: str
    yanked: bool
    pubtime: str | None
    when: str | None = None


class CrateChange(Struct, frozen=True, kw_only=True):
    """What changed of a published crate: releases that came or changed, versions that went, and what was removed."""

    key: str
    name: str
    releases: tuple[Release, ...] = ()
    gone: tuple[str, ...] = ()
    removed: tuple[Removed, ...] = ()
    brought_back: tuple[str, ...] = ()


class Published(StateRows):
    """The crates and releases of the tree; a crate is known by its collision key."""

    def name_of(self, key: str) -> str | None:
        """Give the name that is published under a collision key."""
        name: str | None = self._database.value(schema.CRATE_NAME, (key,))
        return name

    def names_of(self, keys: Iterable[str]) -> dict[str, str]:
        """Give the names of those collision keys under which something is published."""
        return dict(self._database.all(schema.CRATE_NAMES, (json_list(keys),)))

    def names(self) -> Iterator[str]:
        """Give the names of all crates, by collision key; they may be written to meanwhile."""
        rows = self._database.pages(schema.CRATE_PAGE, ("",), lambda row: (row[0],))
        return (name for _, name in rows)

    def releases(self, name: str) -> list[Release]:
        """Give the releases of the crate of exactly that name, in the order of lines: (`pubtime`, SemVer)."""
        found = [_release(row) for row in self._database.all(schema.RELEASES_OF, (name,))]
        return sorted(found, key=lambda release: (release.pubtime or "", parse_version(release.vers)))

    def removed(self, name: str) -> list[Removed]:
        """Give what was removed of the crate of exactly that name, in the order of versions."""
        found = [_removed(row) for row in self._database.all(schema.REMOVED_OF, (name,))]
        return sorted(found, key=lambda release: parse_version(release.vers))

    def removed_names(self, keys: Iterable[str]) -> list[tuple[str, str]]:
        """Give key and name of the crates under those collision keys of which something was removed."""
        return self._database.all(schema.REMOVED_NAMES, (json_list(keys),))

    def crates_with_removed(self) -> Iterator[str]:
        """Give the names of all crates of which something was removed, in their order."""
        return (name for (name,) in self._database.pages(schema.REMOVED_CRATES, ("",), lambda row: row))

    def checksums_of(self, releases: Iterable[tuple[str, str]]) -> list[tuple[str, str, str]]:
        """Give name, version and checksum of those of these releases, (name, version), that are published."""
        return self._database.all(schema.CHECKSUMS_OF, (json_list(releases),))

    def versions_of(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """Give name and version of the releases of crates of exactly those names, less those that are yanked."""
        return self._database.all(schema.VERSIONS_OF, (json_list(names),))

    def newest(self, limit: int) -> list[tuple[str, Release]]:
        """Give name and release of those published last; what has no `pubtime` is left out."""
        return [(row[0], _release(row[1:])) for row in self._database.all(schema.RELEASES_NEWEST, (limit,))]

    def newest_crates(self, limit: int) -> list[tuple[str, str]]:
        """Give the names of the crates of which something was published last, with its `pubtime`."""
        return self._database.all(schema.CRATES_NEWEST, (limit,))

    def counts(self) -> tuple[int, int]:
        """Give how many crates and releases there are."""
        return self._database.tally("crates"), self._database.tally("releases")

    def update(self, changes: Iterable[CrateChange]) -> None:
        """Bring crates in step with changes of their index files: it costs what changed, not what the crate has."""
        with self._database.writing():
            for batch in batches(changes):
                self._update(batch)

    def clear(self) -> None:
        """Forget all that is published, so that it can be read anew from the tree."""
        statements = (schema.CRATE_CLEAR, schema.RELEASES_CLEAR, schema.REMOVED_CLEAR, schema.TALLY_ZERO)
        with self._database.writing():
            for statement in statements:
                self._database.run(statement)

    def _update(self, changes: list[CrateChange]) -> None:
        rows = [(change.name, *_row(release)) for change in changes for release in change.releases]
        gone = [(change.name, vers) for change in changes for vers in change.gone]
        changed = [(cksum, yanked, pubtime, name, vers) for name, vers, cksum, yanked, pubtime in rows]
        crates = [(change.key, change.name) for change in changes if change.releases or change.gone]
        removed = [(change.name, *_row(stone), stone.when) for change in changes for stone in change.removed]
        back = [(change.name, vers) for change in changes for vers in change.brought_back]
        self._database.run_many(schema.REMOVED_DELETE, back)
        self._database.run_many(schema.REMOVED_SET, removed)
        self._add("releases", -self._database.run_many(schema.RELEASE_DELETE, gone))
        inserted = self._database.run_many(schema.RELEASE_INSERT, rows)
        if inserted < len(rows):
            self._database.run_many(schema.RELEASE_UPDATE, changed)
        self._add("releases", inserted)
        self._add("crates", self._database.run_many(schema.CRATE_INSERT, crates))
        for change in changes:
            if change.gone and self._database.one(schema.RELEASE_ANY, (change.name,)) is None:
                self._add("crates", -self._database.run(schema.CRATE_DELETE, (change.key,)))

    def _add(self, what: str, number: int) -> None:
        self._database.run(schema.TALLY_ADD, (number, what))


def _release(row: tuple[str, str, int, str | None]) -> Release:
    vers, cksum, yanked, pubtime = row
    return Release(vers=vers, cksum=cksum, yanked=bool(yanked), pubtime=pubtime)


def _removed(row: tuple[str, str, int, str | None, str | None]) -> Removed:
    vers, cksum, yanked, pubtime, when = row
    return Removed(vers=vers, cksum=cksum, yanked=bool(yanked), pubtime=pubtime, when=when)


def _row(release: Release | Removed) -> tuple[str, str, bool, str | None]:
    return release.vers, release.cksum, release.yanked, release.pubtime
