"""The advisories of a folder in the layout of rustsec/advisory-db: `crates/NAME/ID.md`."""

import os
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from cargo_static_index.diagnostics.errors import InvalidConfig, InvalidDocument, InvalidVersion, SettingsError
from cargo_static_index.protocol.advisory import Advisory, parse_advisory
from cargo_static_index.protocol.names import is_crate_name
from cargo_static_index.protocol.registries import Home, comes_from_crates_io, is_home
from cargo_static_index.protocol.semver import parse_version
from cargo_static_index.site.crate_document import AdvisoryNote
from cargo_static_index.store.local.system import read_at

_RUSTSEC = "https://rustsec.org/advisories/"

LARGEST = 1 << 20
"""Bytes of an advisory that is read; rustsec's largest has some 20,000."""

MOST = 1000
"""Advisories of one crate that are read; rustsec has some 20 of the crate that has most."""


class AdvisoryDatabase(Struct, frozen=True, kw_only=True):
    """Such a folder, as the registry that is `home` reads it; without a folder it knows nothing.

    An advisory with a `source` counts for the registry that this names alone, one without counts by its crate's name.
    """

    folder: Path | None = None
    home: Home = Home()

    def names(self) -> Iterator[str]:
        """Give the crates that it has a folder for, in no order, or raise SettingsError where there is no database."""
        if self.folder is None:
            return
        try:
            with os.scandir(self.folder / "crates") as entries:
                yield from (entry.name for entry in entries if is_crate_name(entry.name))
        except OSError as error:
            where = f"advisories.path: {str(self.folder)!r} holds no advisories: `crates` in it cannot be listed"
            raise SettingsError(f"{where}: {error.strerror}; name a checkout of an advisory database") from error

    def of(self, name: str) -> tuple[list[Advisory], dict[str, str]]:
        """Give the advisories of a crate, the newest first, and why what cannot be read is left out, by path."""
        found: list[Advisory] = []
        unread: dict[str, str] = {}
        for path in (Path(file.path) for file in self._files(name)):
            try:
                content = read_at(path, LARGEST)
                advisory = parse_advisory(content) if content is not None else None
            except (InvalidDocument, OSError) as error:
                unread[str(path)] = error.strerror or "" if isinstance(error, OSError) else str(error)
                continue
            if advisory and advisory.package == name and not advisory.withdrawn and self._is_meant(advisory):
                found.append(advisory)
        found.sort(key=lambda advisory: (advisory.date, advisory.id), reverse=True)
        return found, unread

    def digest(self) -> str:
        """Give what differs once a file came, went or changed; "" without a folder. Nothing is read."""
        if self.folder is None:
            return ""
        digest = sha256()
        for name in sorted(self.names()):
            for file in self._files(name):
                about = file.stat()
                digest.update(f"{name}/{file.name} {about.st_size} {about.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def _files(self, name: str) -> list[os.DirEntry[str]]:
        if self.folder is None:
            return []
        try:
            with os.scandir(f"{self.folder}/crates/{name}") as entries:
                files = [entry for entry in entries if entry.name.endswith(".md") and entry.is_file()]
        except OSError:
            return []  # there is none of this crate
        return sorted(files, key=lambda file: file.name)[:MOST]

    def _is_meant(self, advisory: Advisory) -> bool:
        if advisory.source is None:
            return True
        url = advisory.source.removeprefix("registry+")
        try:
            return is_home(url, self.home) or (self.home.mode == "mirror" and comes_from_crates_io(url))
        except InvalidConfig:
            return False


def notes_on(advisories: Iterable[Advisory], versions: Sequence[str]) -> tuple[AdvisoryNote, ...]:
    """Give what pages say: the advisories that affect some of a crate's versions, and which."""
    notes = (_note(advisory, versions) for advisory in advisories)
    return tuple(note for note in notes if note.versions)


def _note(advisory: Advisory, versions: Iterable[str]) -> AdvisoryNote:
    return AdvisoryNote(
        id=advisory.id,
        date=advisory.date,
        title=advisory.title,
        url=f"{_RUSTSEC}{advisory.id}.html" if advisory.id.startswith("RUSTSEC-") else advisory.url,
        informational=advisory.informational,
        aliases=advisory.aliases,
        patched=tuple(requirement.format() for requirement in advisory.patched),
        versions=tuple(vers for vers in versions if _affects(advisory, vers)),
    )


def _affects(advisory: Advisory, vers: str) -> bool:
    try:
        return advisory.affects(parse_version(vers))
    except InvalidVersion:
        return False  # somebody else's line, which cargo calls invalid
