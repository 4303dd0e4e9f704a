"""A tree in a bucket, where every shared file changes by compare and swap.

What it keeps to: other hosts write at the same time, and no lock keeps them out; an answer may get lost after the store
has done the work; every request may be the last. It knows nothing of what the files mean.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final
from uuid import uuid4

from cargo_static_index.diagnostics.errors import InvalidInput, StoreError, TreeBusy
from cargo_static_index.store import Change, Delete, Put, Store, Stored, Tag
from cargo_static_index.store.bucket import Bucket
from cargo_static_index.store.objects.client import Client, ConditionFailed, Object, Unsure
from cargo_static_index.store.objects.conditions import need_conditions
from cargo_static_index.store.objects.persistence import PAUSES, list_all, persisting
from cargo_static_index.store.objects.uploads import lasting_headers
from cargo_static_index.store.paths import check_path, is_path, is_upload
from cargo_static_index.store.pauses import rest

AT_ONCE: Final = 16
"""Requests under way at once: a store takes its time for each, and few of them would leave the line idle."""

WRITE: Final = "write"
"""The metadata that names the write which an object is of: whoever got no answer finds out by it what was done."""

CONDITIONS: Final = "conditions"
"""The metadata that names by which endpoint its writer found the store to keep to conditions."""

CHANGES: Final = "changes"
"""The metadata that lists the changes which an object's content comes from."""


class ObjectStore(Store):
    """Keep a tree in a bucket, which the variables of an environment tell how to reach, by default the process's own.

    It writes only where the store was found to keep to conditions, or where `single_writer` says that nobody else
    writes. What was found is noted in each object that is written, so that whoever has read one need not try.
    `pauses` are the seconds between tries.
    """

    shared = True

    def __init__(
        self,
        bucket: Bucket,
        environment: Mapping[str, str] | None = None,
        *,
        single_writer: bool = False,
        pauses: tuple[float, ...] = PAUSES,
    ) -> None:
        self._bucket = bucket
        self._environment = environment
        self._client = Client(bucket, os.environ if environment is None else environment)
        self._single_writer = single_writer
        self._pauses = pauses
        self._stage: Path | None = None
        self._keeps_conditions = False

    def read(self, path: str) -> Stored | None:
        """Read one file, or give None where there is none; its tag is the ETag."""
        check_path(path)
        found = self._get(path)
        return _stored(found) if found else None

    def read_all(self, paths: Sequence[str]) -> Sequence[Stored | None]:
        """Read several files at the same time."""
        for path in paths:
            check_path(path)
        if len(paths) < 2:
            return [self.read(path) for path in paths]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return [_stored(found) if found else None for found in pool.map(self._get, paths)]

    def size(self, path: str) -> int | None:
        """Give the bytes of one file without reading it, or None where there is none."""
        check_path(path)
        return persisting(lambda: self._client.size(path), self._pauses)

    def digest(self, path: str) -> str | None:
        """Give the SHA-256 of one file as the store itself keeps it; None where it keeps none, or tells us none."""
        check_path(path)
        return persisting(lambda: self._client.digest(path), self._pauses)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[str]:
        """List the paths of all files below a folder, sorted, that sort after one, without keys that are no path."""
        if prefix:
            check_path(prefix)
        found = list_all(self._client, prefix, after=after, pauses=self._pauses)
        return (file.path for file in found if is_path(file.path))

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Carry out changes, and give back those whose `expect` did not hold.

        Many are under way at once: first what expects nothing, then what does, then what is deleted. Changes of one
        path are carried out in the order given.
        """
        changes = tuple(changes)
        for change in changes:
            check_path(change.path)
            if isinstance(change, Put) and isinstance(change.content, str) and not is_upload(change.content):
                self._check_staged(Path(change.content))
        if not (self._single_writer or self._keeps_conditions):
            persisting(partial(need_conditions, self._client), self._pauses)
            self._keeps_conditions = True
        if len({change.path for change in changes}) < len(changes):
            return tuple(change for change in changes if not self._carry_out(change))
        lost: set[Change] = set()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for stage in range(3):
                some = [change for change in changes if _stage_of(change) == stage]
                held = pool.map(self._carry_out, some)
                lost.update(change for change, done in zip(some, held, strict=True) if not done)
        return tuple(change for change in changes if change in lost)

    @contextmanager
    def session(self) -> Iterator[Path]:
        """Give a temporary folder to stage files in; compare and swap is what keeps others from harm.

        TreeBusy where this store's session is open already.
        """
        if self._stage is not None:
            raise TreeBusy("this store's session is open already: end it before another begins")
        with tempfile.TemporaryDirectory(prefix="cargo-static-index-") as folder:
            self._stage = Path(folder)
            try:
                yield self._stage
            finally:
                self._stage = None

    def opener(self) -> Callable[[], Store]:
        """Give what opens this tree in another process."""
        return partial(ObjectStore, self._bucket, self._environment, single_writer=self._single_writer)

    def _check_staged(self, file: Path) -> None:
        if self._stage is None or file.parent != self._stage or file.is_symlink() or not file.is_file():
            raise InvalidInput(f"{str(file)!r} is not a file staged in the open session's folder: write it there")

    def _carry_out(self, change: Change) -> bool:
        """Carry out one change; False where what it expects is not so."""
        if isinstance(change, Delete):
            return self._delete(change)
        if not isinstance(change.content, str):
            return self._put(change, change.content)
        if is_upload(change.content):
            return self._copy(change, change.content)
        staged = Path(change.content)
        done = self._put(change, staged)
        if done:
            staged.unlink()
        return done

    def _copy(self, put: Put, staged: str) -> bool:
        """Copy what another machine staged: with the headers that it came with, and over whatever is there."""
        try:
            persisting(lambda: self._client.copy(staged, put.path), self._pauses)
        except ConditionFailed:
            raise StoreError(f"{self._bucket / put.path}: what was staged for it is gone; run this again") from None
        return True

    def _put(self, put: Put, content: bytes | Path) -> bool:
        """Write, and where the answer does not tell whether that was done, find out."""
        if self._single_writer and not self._is_as_expected(put.path, put.expect):
            return False
        expect = "any" if self._single_writer else put.expect
        mark = uuid4().hex
        sent = self._headers(put, mark)
        for pause in (*self._pauses, None):
            try:
                self._client.put(put.path, content, sent, expect=expect)
            except Unsure:
                if pause is None:
                    raise
            except ConditionFailed:
                # Perhaps of a second try of ours, made by something on the way: the first one may have been done.
                pass
            else:
                return True
            if expect != "any":
                held = self._get(put.path)
                if _is_of(held, mark, content):
                    return True
                if (held.etag if held else "absent") != expect:
                    return False
            rest(pause or 0)
        raise StoreError(f"{self._bucket / put.path}: the store refuses to write this, though nobody changed it")

    def _delete(self, delete: Delete) -> bool:
        if delete.expect == "any" or self._single_writer:
            if not self._is_as_expected(delete.path, delete.expect):
                return self._get(delete.path) is None
            persisting(lambda: self._client.delete(delete.path), self._pauses)
            return True
        for pause in (*self._pauses, None):
            try:
                self._client.delete_if(delete.path, delete.expect)
            except Unsure:
                if pause is None:
                    raise
                rest(pause)
            except ConditionFailed:
                return self._get(delete.path) is None
            else:
                return True
        return False

    def _is_as_expected(self, path: str, expect: str) -> bool:
        held = None if expect == "any" else self._get(path)
        return expect in {"any", held.etag if held else "absent"}

    def _get(self, path: str) -> Object | None:
        found = persisting(lambda: self._client.get(path), self._pauses)
        if found and found.metadata.get(CONDITIONS) == self._client.id:
            self._keeps_conditions = True
        return found

    def _headers(self, put: Put, mark: str) -> Mapping[str, str]:
        given = {
            **lasting_headers(self._bucket, put.path, put.tags),
            WRITE: mark,
            CONDITIONS: "" if self._single_writer else self._client.id,
            CHANGES: " ".join(put.changes),
        }
        return {name: value for name, value in given.items() if value}


def _stored(found: Object) -> Stored:
    return Stored(content=found.content, tag=found.etag, changes=tuple(found.metadata.get(CHANGES, "").split()))


def _stage_of(change: Change) -> int:
    if isinstance(change, Delete):
        return 2
    return int(change.expect != "any")


def _is_of(held: Object | None, mark: Tag, content: bytes | Path) -> bool:
    """Whether an object is of the write with that mark; where the store keeps no metadata, its content tells."""
    if held is None:
        return False
    if WRITE in held.metadata:
        return held.metadata[WRITE] == mark
    return held.content == (content if isinstance(content, bytes) else content.read_bytes())
