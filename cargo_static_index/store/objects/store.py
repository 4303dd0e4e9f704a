"""A tree in a bucket, where every shared file changes by compare and swap.

What it keeps to: other hosts write at the same time, and no lock keeps them out; an answer may get lost after the store
has done the work; every request may be the last. It knows nothing of what the files mean.
"""

import os
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from cargo_static_index.diagnostics.errors import InvalidInput, StoreError
from cargo_static_index.store import Change, Delete, Put, Store, Stored
from cargo_static_index.store.bucket import Bucket
from cargo_static_index.store.objects.client import Client, Refused, Unsure
from cargo_static_index.store.overlay import LookedAt
from cargo_static_index.store.paths import check_path
from cargo_static_index.tree.headers import headers_of

AT_ONCE = 16
"""Requests under way at once: a store takes its time for each, and few of them would leave the line idle."""

PAUSES = (0.1, 0.3, 1.0, 3.0, 9.0)
"""Seconds before each of the next tries, less up to half of it, so that writers do not come back together."""

T = TypeVar("T")


class ObjectStore:
    """Keep a tree in a bucket, which the variables of an environment tell how to reach."""

    locks = False

    def __init__(self, bucket: Bucket, environment: Mapping[str, str] = os.environ) -> None:
        self._bucket = bucket
        self._client = Client(bucket, environment)
        self._stage: Path | None = None

    def read(self, path: str) -> Stored | None:
        """Read one file, or give None where there is none; its tag is the ETag."""
        check_path(path)
        found = _persisting(lambda: self._client.get(path))
        return Stored(content=found.content, tag=found.etag) if found else None

    def size(self, path: str) -> int | None:
        """Give the bytes of one file without reading it, or None where there is none."""
        check_path(path)
        return _persisting(lambda: self._client.size(path))

    def list(self, prefix: str = "") -> Iterator[str]:
        """List the paths of all files below a folder, sorted."""
        if prefix:
            check_path(prefix)
        return (path for path, _ in self._client.list(prefix))

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Carry out changes, those that expect nothing together, and give back those whose `expect` did not hold."""
        changes = tuple(changes)
        for change in changes:
            check_path(change.path)
            if isinstance(change, Put) and isinstance(change.content, str):
                self._check_staged(Path(change.content))
        lost: list[Change] = []
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for free, some in groupby(changes, key=lambda change: isinstance(change, Put) and change.expect == "any"):
                together = list(some)
                held = pool.map(self._carry_out, together) if free else map(self._carry_out, together)
                lost += [change for change, done in zip(together, held, strict=True) if not done]
        return tuple(lost)

    @contextmanager
    def session(self) -> Iterator[Path]:
        """Give a temporary folder to stage files in; compare and swap is what keeps others from harm."""
        with tempfile.TemporaryDirectory(prefix="cargo-static-index-") as folder:
            self._stage = Path(folder)
            try:
                yield self._stage
            finally:
                self._stage = None

    def for_dry_run(self) -> Store:
        """Give this tree to be looked at."""
        return LookedAt(self)

    def opener(self) -> Callable[[], Store]:
        """Give what opens this tree in another process."""
        return partial(ObjectStore, self._bucket)

    def _check_staged(self, file: Path) -> None:
        if self._stage is None or file.parent != self._stage or file.is_symlink() or not file.is_file():
            raise InvalidInput(f"{str(file)!r} is not a file staged in the open session's folder: write it there")

    def _carry_out(self, change: Change) -> bool:
        """Carry out one change; False where what it expects is not so."""
        if isinstance(change, Delete):
            return self._delete(change)
        if isinstance(change.content, str):
            staged = Path(change.content)
            done = self._put(change, staged)
            if done:
                staged.unlink()
            return done
        return self._put(change, change.content)

    def _put(self, put: Put, content: bytes | Path) -> bool:
        headers = headers_of(put.path)
        sent = {"Content-Type": headers.content_type, "Cache-Control": headers.cache_control}
        for pause in (*PAUSES, None):
            try:
                self._client.put(put.path, content, sent, expect=put.expect)
            except Unsure:
                if pause is None:
                    raise
                time.sleep(_jittered(pause))
            except Refused:
                pass
            else:
                return True
            # Whether it landed the answer does not tell: it may be to a second try of what the first one did.
            if put.expect == "any":
                continue
            held = self.read(put.path)
            if held and held.content == (content if isinstance(content, bytes) else content.read_bytes()):
                return True
            if (held.tag if held else "absent") != put.expect:
                return False
        raise StoreError(f"{self._bucket / put.path}: the store refuses to write this, and nobody changed it")

    def _delete(self, delete: Delete) -> bool:
        if delete.expect != "any":
            held = self.read(delete.path)
            if held is None or held.tag != delete.expect:
                return held is None
        _persisting(lambda: self._client.delete(delete.path))
        return True


def _persisting(request: Callable[[], T]) -> T:
    """Make a request that may be made twice until it is answered, or raise what the last try failed of."""
    for pause in PAUSES:
        try:
            return request()
        except Unsure:
            time.sleep(_jittered(pause))
    return request()


def _jittered(pause: float) -> float:
    return pause * random.uniform(0.5, 1)  # noqa: S311 - no secret
