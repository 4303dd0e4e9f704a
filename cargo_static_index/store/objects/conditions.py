"""Whether a store keeps to conditions: found by behaviour, since some answer as if they did and overwrite all the same.

Once for each bucket and way to reach it: what was found good is noted in the bucket.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final
from uuid import uuid4

import msgspec
from msgspec import Struct

from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.store.objects.client import Client, Refused
from cargo_static_index.store.paths import STAGE

MARK: Final = f"{STAGE}-conditions.json"
"""Where a bucket notes by which endpoints it was found to keep to conditions; no part of the tree."""

_HEADERS: Final = {"Content-Type": "application/json", "Cache-Control": "no-store"}


class _Found(Struct, frozen=True, kw_only=True):
    """The endpoints by which conditions were kept: digests, as their names may be nobody's business."""

    schema: int = 1
    endpoints: tuple[str, ...] = ()


def need_conditions(client: Client) -> None:
    """Make sure that the store keeps to conditions, or raise StoreError; asked once, it is noted in the bucket."""
    endpoint = hashlib.sha256(client.endpoint.encode()).hexdigest()[:16]
    held = client.get(MARK)
    known = _parse(held.content) if held else _Found()
    if endpoint in known.endpoints:
        return
    broken = list(broken_conditions(client))
    if broken:
        raise StoreError(
            f"{client.bucket}: this store does not keep to conditions: {'; '.join(broken)}. Two writers would lose "
            "each other's releases. Use a store that does, or say --single-writer where nobody else ever writes."
        )
    found = _Found(endpoints=(*known.endpoints, endpoint)[-20:])
    with suppress(Refused):  # somebody else found the same just now; what is not noted is found out again
        client.put(MARK, msgspec.json.encode(found), _HEADERS, expect=held.etag if held else "absent")


def broken_conditions(client: Client) -> Iterator[str]:
    """Try each condition on an object of our own, and say which do not hold."""
    path = f"{STAGE}-try-{uuid4().hex}"
    client.put(path, b"1", _HEADERS)
    try:
        if not _refuses(lambda: client.put(path, b"2", _HEADERS, expect="absent")):
            yield "it creates what is there already (If-None-Match: *)"
        if not _refuses(lambda: client.put(path, b"3", _HEADERS, expect=f'"{"0" * 32}"')):
            yield "it replaces what changed meanwhile (If-Match)"
        refused = _refuses(lambda: client.delete_if(path, f'"{"0" * 32}"'))
        if not refused or client.get(path) is None:
            yield "it deletes what changed meanwhile (DELETE with If-Match)"
    finally:
        client.delete(path)


def _refuses(request: Callable[[], None]) -> bool:
    try:
        request()
    except Refused:
        return True
    return False


def _parse(content: bytes) -> _Found:
    try:
        return msgspec.json.decode(content, type=_Found)
    except msgspec.MsgspecError:
        return _Found()
