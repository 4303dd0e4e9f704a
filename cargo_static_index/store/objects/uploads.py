"""Files that machines stage in a bucket, below a prefix that only the tree's writers read."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Final
from uuid import uuid4

from msgspec import Struct

from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.store import Staged
from cargo_static_index.store.bucket import Bucket
from cargo_static_index.store.objects.client import Client
from cargo_static_index.store.objects.persistence import list_all, persisting
from cargo_static_index.store.paths import UPLOADS
from cargo_static_index.tree.headers import headers_of

CACHE_TAG: Final = "cache-tag"
"""The metadata that tags an object for caches. Azure takes identifiers only, so it is `cache_tag` there."""

ABANDONED: Final = timedelta(days=2)
"""After this nobody works with what was staged any more: far more than a build takes."""

DELETED_AT_ONCE: Final = 1000
"""Files whose deletion is under way together: a build of very many leaves as many behind."""

_TIME = "%Y%m%dT%H%M%SZ"


def new_uploads(bucket: Bucket, environment: Mapping[str, str] | None = None) -> "ObjectUploads":
    """Give a new place for a session's files, whose name begins with the time."""
    return ObjectUploads(bucket, environment, f"{datetime.now(UTC).strftime(_TIME)}-{uuid4().hex[:12]}")


def lasting_headers(bucket: Bucket, path: str, tags: tuple[str, ...]) -> dict[str, str]:
    """Give the headers that an object of the tree has, whoever wrote it."""
    headers = headers_of(path)
    return {
        "Content-Type": headers.content_type,
        "Cache-Control": headers.cache_control,
        CACHE_TAG.replace("-", "_") if bucket.scheme == "az" else CACHE_TAG: ",".join((*headers.cache_tags, *tags)),
    }


class ObjectUploads(Struct, frozen=True):
    """The files of one session, below the tree's own place in a bucket. It travels between machines.

    Each reaches the bucket with credentials of its own, unless an `environment` is given.
    """

    bucket: Bucket
    environment: Mapping[str, str] | None
    session: str

    def put(self, name: str, file: Path, *, path: str, tags: tuple[str, ...]) -> None:
        """Stage a file under a name, with the headers of what will lie at `path`; raises StoreError."""
        headers = {name: value for name, value in lasting_headers(self.bucket, path, tags).items() if value}
        client = self._client()
        persisting(lambda: client.put(self.staged(name), file, headers))

    def staged(self, name: str) -> Staged:
        """Give what is staged under a name, or raise InvalidInput where that has a `/`."""
        if "/" in name:
            raise InvalidInput(f"{name!r} must be a name without `/`")
        return Staged(f"{UPLOADS}/{self.session}/{name}")

    def clear(self) -> None:
        """Delete all that is staged here, and what was staged long ago by who never came to that."""
        client, oldest = self._client(), (datetime.now(UTC) - ABANDONED).strftime(_TIME)
        paths = (file.path for file in list_all(client, UPLOADS))
        old = (path for path in paths if (session := path.split("/")[1]) == self.session or session < oldest)
        while some := list(islice(old, DELETED_AT_ONCE)):
            persisting(partial(client.delete_all, some))

    def _client(self) -> Client:
        return _client_of(self.bucket, None if self.environment is None else tuple(sorted(self.environment.items())))


@lru_cache(maxsize=4)
def _client_of(bucket: Bucket, environment: tuple[tuple[str, str], ...] | None) -> Client:
    """Open a bucket once for all that is staged in it: a client keeps its connections."""
    return Client(bucket, os.environ if environment is None else dict(environment))
