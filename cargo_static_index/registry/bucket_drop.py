"""A drop directory in a bucket: every `.crate` object below a prefix.

An object is there as a whole or not at all, so none is waited for. It is known by its key, its size and its ETag.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import blake2b
from itertools import chain, count, islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from cargo_static_index.crate.candidate import Candidate, DropFile
from cargo_static_index.diagnostics.errors import InvalidInput, StoreError
from cargo_static_index.diagnostics.escape import escape, quote
from cargo_static_index.diagnostics.problems import Problem, problem
from cargo_static_index.registry.scan import ROWS_HELD, changed_rows, unfit
from cargo_static_index.state import State
from cargo_static_index.state.files import NOTHING, DropFiles, SeenRow, add_fingerprints
from cargo_static_index.store.bucket import Bucket
from cargo_static_index.store.local import system
from cargo_static_index.store.local.folders import failure
from cargo_static_index.store.local.system import write_all
from cargo_static_index.store.objects.client import Client, ConditionFailed, Listed, Unsure, is_odd
from cargo_static_index.store.objects.persistence import list_all, persisting

AT_ONCE = 16
"""Requests under way at once: a store takes its time for each."""

T = TypeVar("T")

_JSON = {"Content-Type": "application/json", "Cache-Control": "no-cache"}


class BucketDrop:
    """The dropped files below a place in a bucket, by their paths there. Methods raise StoreError."""

    def __init__(self, place: Bucket, environment: Mapping[str, str] = os.environ) -> None:
        self.place = place
        self._client = Client(place.whole, environment)

    def scan(self, state: State, skip: Iterable[Bucket] = (), *, forget: bool = True) -> Iterator[DropFile | Candidate]:
        """Give, by path, what is new, changed or still to be judged, but for what lies below the places to skip.

        What is no longer there is forgotten, unless without `forget`. All of it counts as the files of one folder.
        """
        files = state.drop_files
        for name, seen, _, _, size, _, found in self._changed(files, tuple(skip), forget=forget):
            source = escape(self.place / name.decode())
            file = DropFile(source=source, target=name, file=name, seen=seen, size=size)
            yield unfit(file, found) if found is not None else file
        if forget:
            for folder in files.subfolders(b""):
                files.forget_folder(folder)

    def _changed(self, files: DropFiles, skip: tuple[Bucket, ...], *, forget: bool) -> Iterable[SeenRow]:
        rows = self._rows(skip)
        first, more = list(islice(rows, ROWS_HELD)), list(islice(rows, 1))
        total = sum(int.from_bytes(row[1], "big") for row in chain(first, more, rows))
        if add_fingerprints(NOTHING, total) == files.digest(b""):
            return ()
        return changed_rows(files, b"", self._rows(skip) if more else first, forget=forget)

    def _rows(self, skip: tuple[Bucket, ...]) -> Iterator[SeenRow]:
        start = len(self.place.key(""))
        for found in list_all(self._client, self.place.prefix):
            path = found.path[start:]
            place = Bucket(self.place.scheme, self.place.name, found.path)
            if _is_crate(path) and not any(map(place.is_below, skip)):
                what = msgspec.json.encode(_odd(self.place / path)) if is_odd(path) else None
                yield path.encode(), _fingerprint(path, found), 0, 1, found.size, None, what

    def together(self, call: Callable[..., T], *arguments: Iterable[Any]) -> list[T]:
        """Do what `map` does, some calls at the same time."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(call, *arguments))

    def fetch(self, file: DropFile, to: Path, limit: int) -> bool:
        """Write a file that a scan gave to a path, its first `limit` bytes; False where it is another one by now.

        InvalidInput where the store does not give this one out.
        """
        try:
            return persisting(lambda: self._fetch(file, to, limit))
        except OSError as error:
            raise failure("write", to, error) from error
        except Unsure:
            raise
        except StoreError as error:
            raise InvalidInput(str(error)) from error

    def _fetch(self, file: DropFile, to: Path, limit: int) -> bool:
        found = self._client.opened(self.place.key(file.path))
        if found is None or _fingerprint(file.path, found[0]) != file.seen:
            return False
        opened = system.open_file(to, system.ANEW, system.PRIVATE)
        try:
            for chunk in found[1]:
                write_all(opened, chunk[:limit])
                limit -= len(chunk)
                if limit <= 0:
                    break
        finally:
            os.close(opened)
        return True

    def paths(self) -> Iterator[str]:
        """Give the paths of all crates."""
        return (row[0].decode() for row in self._rows(()) if row[6] is None)

    def try_listing(self) -> None:
        """Raise StoreError where the files cannot be listed."""
        next(list_all(self._client, self.place.prefix), None)

    def documents(self) -> tuple[list[str], bytes]:
        """Give the paths of the documents that have their file beside them, and what sums up what all of it is."""
        start = len(self.place.key(""))
        found = {found_object.path[start:]: found_object for found_object in list_all(self._client, self.place.prefix)}
        named = (path for path in found if path.endswith(".crate.json") and not is_odd(path))
        paths = [path for path in named if path.removesuffix(".json") in found]
        return sorted(paths), b"".join(_fingerprint(path, found[path]) for path in sorted(paths))

    def content(self, path: str) -> bytes | None:
        """Read a file; None where it is not there."""
        found = persisting(lambda: self._client.get(self.place.key(path)))
        return found.content if found else None

    def holds(self, path: str) -> bool:
        """Whether a file is there."""
        return persisting(lambda: self._client.head(self.place.key(path))) is not None

    def delete(self, file: DropFile) -> bool:
        """Delete a file; False where it is another one by now."""
        held = self._as_seen(file)
        return held is not None and self._delete(held)

    def move(self, file: DropFile, to: Bucket, document: bytes | None = None) -> bool:
        """Move a file to a place in the same bucket, over nothing that is there; False where it is another one by now.

        A document that is given stands beside its place, with `.json` behind the name, before the file comes there.
        """
        held = self._as_seen(file)
        if held is None:
            return False
        key = self._free(to.key(file.path))
        try:
            if document is not None:
                persisting(lambda: self._client.put(f"{key}.json", document, _JSON))
            persisting(lambda: self._client.copy(held.path, key))
        except ConditionFailed:
            return False
        return self._delete(held)

    def _free(self, key: str) -> str:
        """Give the first name like it that is free: `foo-1.0.0.crate`, then `foo-1.0.0.2.crate`."""
        stem = key.removesuffix(".crate")
        names = chain([key], (f"{stem}.{number}.crate" for number in count(2)))
        return next(name for name in names if persisting(partial(self._client.head, name)) is None)

    def _delete(self, held: Listed) -> bool:
        try:
            persisting(lambda: self._client.delete_if(held.path, held.etag))
        except ConditionFailed:
            return False
        return True

    def _as_seen(self, file: DropFile) -> Listed | None:
        """Give what the store says of a file that a scan gave; None where it is another one by now, or gone."""
        held = persisting(lambda: self._client.head(self.place.key(file.path)))
        return held if held is not None and _fingerprint(file.path, held) == file.seen else None


def _is_crate(path: str) -> bool:
    """Whether a path is that of a crate, neither hidden nor in a hidden folder."""
    return path.endswith(".crate") and not path.startswith(".") and "/." not in path


def _odd(key: str) -> Problem:
    why = "a part of it is empty, `.` or `..`, or holds a control character"
    message = f"{quote(key)} cannot be asked for by its key: {why}."
    return problem("file-unreadable", message, way_out="Copy the object to another key, and delete this one.")


def _fingerprint(path: str, found: Listed) -> bytes:
    return blake2b(f"{path}\n{found.size}\n{found.etag}".encode(), digest_size=16).digest()
