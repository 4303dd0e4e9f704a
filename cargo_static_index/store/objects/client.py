"""The client library, and nothing else of it anywhere: single requests on the objects of one prefix.

What a request failed of is told by kind; what may be tried again, and whether a write landed, whoever calls decides.
"""

import base64
import hashlib
import http.client
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus, urlsplit
from xml.etree import ElementTree

from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import SettingsError, StoreError, extra_missing
from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.store.bucket import Bucket
from cargo_static_index.store.objects.identity import VARIABLES, Identity, Keys, resigned, with_profile

try:
    import obstore
    from obstore import exceptions as failures
    from obstore.store import AzureStore, GCSStore, S3Store
except ImportError as error:
    raise extra_missing("buckets need", "object-store") from error

PART_BYTES = 8 << 20
"""Larger contents go up in parts of this size, some at a time; S3 takes 10,000 parts of 5 MiB or more."""

_CHUNK = 1 << 20
"""Bytes that are read of an object at once."""

_NO_PATH = pattern(r'invalid path: [^"]*"((?:[^"\\]|\\.)*)"')
"""What the library says of a key that it cannot ask for."""

_ODD = pattern(r"(?:^|/)\.{0,2}(?:/|$)|[\x00-\x1f\x7f]")
"""Keys that the library cannot ask for: with an empty part, one that is `.` or `..`, or a control character."""

_SECONDS = 120
_SIGNED_FOR = timedelta(minutes=5)
_TIMEOUTS = {"connect_timeout": "10s", "timeout": f"{_SECONDS}s"}
_LOOPBACK = pattern(r"localhost|127(?:\.[0-9]+){3}|::1")


class ConditionFailed(Exception):
    """The store says that a condition does not hold: which may be true, or an answer to a request made twice."""


class Unsure(StoreError):
    """Whether the store has done it is not known: no answer came, or one that says to try again."""


class _OddKey(Exception):
    """A listing holds a key that the library takes for no path."""


class Object(Struct, frozen=True, kw_only=True):
    """An object as read: its bytes, its ETag, and the metadata that it was written with."""

    content: bytes
    etag: str
    metadata: Mapping[str, str]


class Listed(Struct, frozen=True, kw_only=True, gc=False):
    """An object as the store tells of it: its path, its bytes, and its ETag, "" where it gives none.

    The ETag is always quoted: Azure's listings leave that out, and its other answers do not.
    """

    path: str
    size: int
    etag: str


class Client:
    """Requests on the objects below a bucket's prefix; each is made once."""

    def __init__(self, bucket: Bucket, environment: Mapping[str, str] = os.environ) -> None:
        self.bucket = bucket
        environment = with_profile(environment) if bucket.scheme == "s3" else environment
        self.id = hashlib.sha256(f"{_endpoint(environment)} {bucket}".encode()).hexdigest()[:16]
        """Tells this way to this bucket from others."""
        self._identity = Identity(environment)
        self._store = _opened(bucket, environment)
        self._whole: Callable[[], Any] = lambda: _opened(bucket.whole, environment)

    def get(self, path: str) -> Object | None:
        """Read one object; None where there is none."""
        try:
            found = obstore.get(self._store, path)
            content = bytes(found.bytes())
        except FileNotFoundError as error:
            self._need_bucket(error)
            return None
        except failures.BaseError as error:
            raise self._failure("read", path, error) from None
        attributes = {str(name).lower(): str(value) for name, value in found.attributes.items()}
        return Object(content=content, etag=str(found.meta["e_tag"]), metadata=attributes)

    def opened(self, path: str) -> tuple[Listed, Iterator[bytes]] | None:
        """Give what the store says of one object, and the object in parts; None where there is none."""
        try:
            found = obstore.get(self._store, path)
        except FileNotFoundError as error:
            self._need_bucket(error)
            return None
        except failures.BaseError as error:
            raise self._failure("read", path, error) from None
        return _listed(found.meta), self._parts(path, found)

    def _parts(self, path: str, found: Any) -> Iterator[bytes]:
        try:
            yield from map(bytes, found.stream(min_chunk_size=_CHUNK))
        except failures.BaseError as error:
            raise self._failure("read", path, error) from None

    def copy(self, path: str, to: str) -> None:
        """Copy one object inside the store; raise ConditionFailed where it is gone."""
        try:
            obstore.copy(self._store, path, to)
        except FileNotFoundError:
            raise ConditionFailed from None
        except failures.BaseError as error:
            raise self._failure("copy", path, error) from None

    def size(self, path: str) -> int | None:
        """Give the bytes of one object; None where there is none."""
        found = self.head(path)
        return found.size if found else None

    def head(self, path: str) -> Listed | None:
        """Give what the store says of one object; None where there is none."""
        try:
            return _listed(obstore.head(self._store, path))
        except FileNotFoundError:
            return None
        except failures.BaseError as error:
            raise self._failure("read", path, error) from None

    def digest(self, path: str) -> str | None:
        """Give the SHA-256 that the store keeps of one object; None where it keeps none, or of its parts only.

        The library cannot ask for it, so its signed URL is signed once more; None where that cannot be. Unsure where
        the store does not answer.
        """
        keys = self._identity.keys() if self.bucket.scheme == "s3" else None
        if keys is None:
            return None
        headers = {"x-amz-checksum-mode": "ENABLED"}
        url = resigned("HEAD", self.signed("HEAD", path), keys, headers=headers)
        answer = _answer("HEAD", url, headers)
        if answer.is_unsure:
            raise Unsure(f"{self.bucket / path}: cannot read this: {answer.said}. Try again later.")
        return _hex_of(answer.headers.get("x-amz-checksum-sha256") or "") if answer.status == 200 else None

    def put(self, path: str, content: bytes | Path, headers: Mapping[str, str], *, expect: str = "any") -> None:
        """Write one object; ConditionFailed where `expect`, "any", "absent" or an ETag, does not hold there."""
        mode: Any = {"any": "overwrite", "absent": "create"}.get(expect) or {"e_tag": expect}
        try:
            obstore.put(
                self._store,
                path,
                content,
                attributes=dict(headers),
                mode=mode,
                chunk_size=PART_BYTES,
                max_concurrency=4,
            )
        except (failures.AlreadyExistsError, failures.PreconditionError):
            raise ConditionFailed from None
        except FileNotFoundError as error:
            self._need_bucket(error)
            raise ConditionFailed from None  # some stores say 404 to If-Match where nothing is
        except failures.BaseError as error:
            raise self._failure("write", path, error) from None

    def delete(self, path: str) -> None:
        """Delete one object; deleting nothing is fine."""
        try:
            obstore.delete(self._store, path)
        except FileNotFoundError as error:
            self._need_bucket(error)
        except failures.BaseError as error:
            raise self._failure("delete", path, error) from None

    def delete_all(self, paths: Sequence[str]) -> None:
        """Delete some objects, many at the same time; deleting nothing is fine."""
        try:
            obstore.delete(self._store, paths)
        except FileNotFoundError:  # one of them was gone: the others may be there
            for path in paths:
                self.delete(path)
        except failures.BaseError as error:
            raise self._failure("delete", paths[0], error) from None

    def delete_if(self, path: str, etag: str) -> None:
        """Delete one object while it has that ETag, or raise ConditionFailed; deleting nothing is fine.

        The library knows no such request, but it signs one, and `If-Match` need not be signed.
        """
        answer = _answer("DELETE", self.signed("DELETE", path), {"If-Match": etag})
        if answer.status in {409, 412}:
            raise ConditionFailed
        if not (answer.is_done or answer.status == 404):
            kind = Unsure if answer.is_unsure else StoreError
            raise kind(f"{self.bucket / path}: cannot delete this: {answer.said}. Try again later.")

    def list(self, prefix: str = "", *, after: str | None = None) -> Iterator[Listed]:
        """List the objects below a folder, in the order of their keys' bytes; `is_odd` tells which cannot be read."""
        try:
            for found in self._list_paths(prefix, after):
                after = found.path
                yield found
        except _OddKey as odd:
            keys = self._identity.keys() if self.bucket.scheme == "s3" else None
            if keys is None:
                raise StoreError(
                    f"{self.bucket}: the key {quote(str(odd))} is no path that can be asked for, so nothing here can "
                    "be listed. Delete that object."
                ) from None
            yield from self._list_keys(prefix, after or "", keys)

    def _list_paths(self, prefix: str, after: str | None) -> Iterator[Listed]:
        if after is not None and is_odd(after):
            raise _OddKey(after)
        try:
            for chunk in obstore.list(self._store, f"{prefix}/" if prefix else None, offset=after):
                yield from map(_listed, chunk)
        except failures.BaseError as error:
            if found := _NO_PATH.search(str(error)):
                raise _OddKey(found[1]) from None
            raise self._failure("list", prefix, error) from None

    def _list_keys(self, prefix: str, after: str, keys: Keys) -> Iterator[Listed]:
        """List as the library does not: with keys that it takes for no paths (S3: "ListObjectsV2")."""
        start, whole, more = self.bucket.key(""), self._whole(), True
        asked = {"list-type": "2", "encoding-type": "url", "prefix": start + (f"{prefix}/" if prefix else "")}
        while more:
            signed = str(obstore.sign(whole, "GET", "", _SIGNED_FOR))
            query = asked | ({"start-after": start + after} if after else {})
            answer = _answer("GET", resigned("GET", signed, keys, query=query), {})
            if answer.status != 200:
                kind = Unsure if answer.is_unsure else StoreError
                raise kind(f"{self.bucket}: cannot list this: {answer.said}. Try again later.")
            found, more = _objects_of(answer.content)
            for listed in found:
                after = listed.path.removeprefix(start)
                yield replace(listed, path=after)
            more = more and bool(found)

    def signed(self, method: Any, path: str) -> str:
        """Give a URL that lets whoever has it make one request for some minutes."""
        return str(obstore.sign(self._store, method, path, _SIGNED_FOR))

    def _need_bucket(self, error: Exception) -> None:
        if _code_of(error) in {"NoSuchBucket", "ContainerNotFound"}:
            raise StoreError(f"{self.bucket}: there is no such bucket; make it, or mend the name") from None

    def _failure(self, verb: str, path: str, error: Exception) -> StoreError:
        """Say what went wrong, in words that hold no credential: the library's own show the request that was signed."""
        self._need_bucket(error)
        status, code = _status_of(error), _code_of(error)
        where = self.bucket / path if path else str(self.bucket)
        said = " ".join(filter(None, [str(status or ""), code])) or "no answer came"
        if status in {401, 403} or isinstance(error, failures.PermissionDeniedError | failures.UnauthenticatedError):
            return StoreError(
                f"{where}: the store does not let us {verb} this ({said}). "
                "Give these credentials the right, or this process other ones."
            )
        kind = Unsure if status is None or status in {408, 409, 425, 429} or status >= 500 else StoreError
        return kind(f"{where}: cannot {verb} this: {said}. Try again later.")


def is_odd(path: str) -> bool:
    """Whether a listed path is of a key that cannot be asked for."""
    return _ODD.search(path) is not None


class _Answer(Struct, frozen=True, kw_only=True):
    """What a server answered to a request that we made ourselves; `status` 0 is no answer."""

    status: int
    headers: Mapping[str, str] = {}
    content: bytes = b""

    @property
    def is_done(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_unsure(self) -> bool:
        return self.status in {0, 408, 425, 429} or self.status >= 500

    @property
    def said(self) -> str:
        return str(self.status or "no answer came")


def _answer(method: str, url: str, headers: Mapping[str, str]) -> _Answer:
    asked = urllib.request.Request(url, method=method, headers=dict(headers))  # noqa: S310 - the endpoint's scheme
    try:
        with urllib.request.urlopen(asked, timeout=_SECONDS) as answer:  # noqa: S310
            return _Answer(status=answer.status, headers=answer.headers, content=answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return _Answer(status=error.code)
    except (OSError, http.client.HTTPException):
        return _Answer(status=0)


def _objects_of(content: bytes) -> tuple[list[Listed], bool]:
    """Give what a listing in XML tells of, by whole keys, and whether there is more."""
    root = ElementTree.fromstring(content)  # noqa: S314 - the store's own answer
    space = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
    found = [
        Listed(
            path=unquote_plus(item.findtext(f"{space}Key") or ""),
            size=int(item.findtext(f"{space}Size") or 0),
            etag=item.findtext(f"{space}ETag") or "",
        )
        for item in root.iter(f"{space}Contents")
    ]
    return found, root.findtext(f"{space}IsTruncated") == "true"


def _listed(found: Any) -> Listed:
    etag = str(found["e_tag"] or "")
    quoted = etag if etag.endswith('"') or not etag else f'"{etag}"'
    return Listed(path=found["path"], size=int(found["size"]), etag=quoted)


def _hex_of(checksum: str) -> str | None:
    """Give a header's checksum in hexadecimal; None for that of an object's parts, which has `-N` behind."""
    try:
        found = base64.b64decode(checksum, validate=True).hex()
    except ValueError:
        return None
    return found if len(found) == 64 else None


def _status_of(error: Exception) -> int | None:
    found = re.search(r"status code: ([0-9]{3})", str(error))
    return int(found[1]) if found else None


def _code_of(error: Exception) -> str:
    found = re.search(r"<Code>([A-Za-z]+)</Code>", str(error))
    return found[1] if found else ""


def _opened(bucket: Bucket, environment: Mapping[str, str]) -> Any:
    options: Any = {**_TIMEOUTS, "allow_http": _may_be_plain(environment)}
    # None of its own: what may be tried again, and whether it was done, is for us to find out.
    common: Any = {"prefix": bucket.prefix or None, "client_options": options, "retry_config": {"max_retries": 0}}
    try:
        if bucket.scheme == "s3":
            return S3Store(bucket.name, config=_s3(environment), **common)
        if bucket.scheme == "gs":
            return GCSStore(bucket.name, **common)
        return AzureStore(bucket.name, config=_given(_OF_AZURE, environment), **common)
    except failures.BaseError as error:
        said = str(error).partition("\n")[0]
        raise SettingsError(f"{bucket} cannot be opened: {said}. {_ACCOUNTS[bucket.scheme]}") from None


_ACCOUNTS: Mapping[str, str] = {
    "s3": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "gs": "Set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account's key",
    "az": "Set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
"""What says whose the bucket is, by scheme."""


_OF_S3 = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    *VARIABLES,
)
"""What an environment that is handed in may say; all else the library takes from the process's own."""

_OF_AZURE = ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ENDPOINT")


def _s3(environment: Mapping[str, str]) -> Any:
    # The store takes nothing whose SHA-256 is not the one that we send.
    return {**_given(_OF_S3, environment), "disable_bulk_delete": True, "checksum_algorithm": "SHA256"}


def _given(names: tuple[str, ...], environment: Mapping[str, str]) -> Any:
    return {name.lower(): environment[name] for name in names if environment.get(name)}


def _endpoint(environment: Mapping[str, str]) -> str:
    """Give the URL that takes the place of the cloud's own, "" for none."""
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")
    return next((environment[name] for name in names if environment.get(name)), "")


def _may_be_plain(environment: Mapping[str, str]) -> bool:
    """Whether plain http is wanted: without a word only to this machine itself."""
    host = urlsplit(_endpoint(environment)).hostname or ""
    return _LOOPBACK.fullmatch(host) is not None or environment.get("AWS_ALLOW_HTTP", "").lower() == "true"
