"""Finding crates by words: one function says what is found and in which order, whoever asks."""

import threading
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from cargo_static_index.crate.metadata import CrateMetadata
from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.protocol.index_file import Line
from cargo_static_index.protocol.names import collision_key
from cargo_static_index.protocol.semver import is_prerelease, parse_version
from cargo_static_index.store import Store
from cargo_static_index.store.local.store import LocalStore
from cargo_static_index.tree.read import index_paths, read_index_at, read_metadata, read_record


class Described(Struct, frozen=True, kw_only=True):
    """A crate as its newest release describes it."""

    name: str
    version: str
    description: str | None = None
    keywords: tuple[str, ...] = ()


def ranked(query: Sequence[str], crates: Iterable[Described]) -> list[Described]:
    """Give the crates in which every word is found, in whatever case, the likeliest first; `-` and `_` are the same.

    First those of that very name, then those whose names begin with the words, then by name, keyword, description.
    """
    words = [word.lower() for text in query for word in text.split()]
    found = [(_rank(words, crate), crate.name, crate) for crate in crates if _is_found(words, crate)]
    return [crate for _, _, crate in sorted(found, key=lambda each: each[:2])]


def _is_found(words: Sequence[str], crate: Described) -> bool:
    text = " ".join((crate.name, crate.description or "", *crate.keywords)).lower()
    key = collision_key(crate.name)
    return all(word in text or collision_key(word) in key for word in words)


def _rank(words: Sequence[str], crate: Described) -> int:
    key, keywords = collision_key(crate.name), {keyword.lower() for keyword in crate.keywords}
    keys = list(map(collision_key, words))
    if [key] == keys or key == "-".join(keys):
        return 0
    if keys and key.startswith(keys[0]) and all(word in key for word in keys):
        return 1
    if all(word in key for word in keys):
        return 2
    return 3 if any(word in keywords for word in words) else 4


def described(store: Store) -> Iterator[Described]:
    """Describe every crate that is held."""
    for path in index_paths(store):
        crate = _describe(store, path)
        if crate is not None:
            yield crate


def newest(lines: Iterable[Line]) -> Line | None:
    """Give the release that people want to know of: the highest, rather neither yanked nor a pre-release."""
    return max(lines, key=_preference, default=None)


def _preference(line: Line) -> tuple[object, ...]:
    return not line.yanked, not is_prerelease(line.vers), parse_version(line.vers)


def known_metadata(store: Store, line: Line) -> CrateMetadata | None:
    """Give the metadata of a release, None where it is lost or damaged, which `verify` says."""
    try:
        return read_metadata(store, line.name, line.cksum)
    except InvalidDocument:
        return None


def _describe(store: Store, path: str) -> Described | None:
    line = newest(read_index_at(store, path).value.releases)
    if line is None:
        return None
    metadata = known_metadata(store, line)
    if metadata is None:
        return Described(name=line.name, version=line.vers)
    manifest = metadata.manifest
    return Described(
        name=line.name, version=line.vers, description=manifest.description, keywords=tuple(manifest.keywords)
    )


class SearchIndex:
    """All crates of a tree, described; looked through again where tree.json says that something changed.

    In a folder, index files that are as they were are not read again.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._digest = ""
        self._crates: dict[str, tuple[object, Described | None]] = {}

    def crates(self) -> list[Described]:
        """Give all crates."""
        with self._lock:
            digest = read_record(self._store).value.digest
            if digest != self._digest:
                paths = ((path, self._seen(path)) for path in index_paths(self._store))
                self._crates = {path: self._known(path, seen) for path, seen in paths}
                self._digest = digest
            return [crate for _, crate in self._crates.values() if crate is not None]

    def _known(self, path: str, seen: object) -> tuple[object, Described | None]:
        known = self._crates.get(path)
        return known if known is not None and known[0] == seen else (seen, _describe(self._store, path))

    def _seen(self, path: str) -> object:
        if not isinstance(self._store, LocalStore):
            return object()
        try:
            found = (self._store.root / path).stat()
        except OSError:
            return object()
        return found.st_ino, found.st_mtime_ns, found.st_size
