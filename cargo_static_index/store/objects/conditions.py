"""Whether a store keeps to conditions: found by trying, since some answer as if they did and overwrite all the same."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from uuid import uuid4

from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.store.objects.client import Client, ConditionFailed, Unsure
from cargo_static_index.store.paths import STAGE
from cargo_static_index.store.pauses import growing_pause, rest

_HEADERS: Final = {"Content-Type": "application/json", "Cache-Control": "no-store", "kept": "yes"}

_ATTEMPTS: Final = 100


def need_conditions(client: Client) -> None:
    """Make sure that the store keeps to conditions, or raise StoreError."""
    broken = list(broken_conditions(client))
    if broken:
        raise StoreError(
            f"{client.bucket}: this store does not keep to conditions: {'; '.join(broken)}. Two writers would lose "
            "each other's releases. Use a store that does, or say --single-writer where nobody else ever writes."
        )


def broken_conditions(client: Client) -> Iterator[str]:
    """Try each condition on an object of our own, and say which do not hold."""
    path = f"{STAGE}-try-{uuid4().hex}"
    client.put(path, b"1", _HEADERS)
    try:
        held = client.get(path)
        if held is None or held.metadata.get("kept") != "yes":
            yield "it keeps no metadata"
        if not _refuses(lambda: client.put(path, b"2", _HEADERS, expect="absent")):
            yield "it creates what is there already (If-None-Match: *)"
        if not _refuses(lambda: client.put(path, b"3", _HEADERS, expect=f'"{"0" * 32}"')):
            yield "it replaces what changed meanwhile (If-Match)"
        refused = _refuses(lambda: client.delete_if(path, f'"{"0" * 32}"'))
        if not refused or client.get(path) is None:
            yield "it deletes what changed meanwhile (DELETE with If-Match)"
    finally:
        client.delete(path)


def lost_in_race(client: Client, writers: int = 16) -> int:
    """Have so many write one object at the same time, each adding itself to it; give how many are not there then."""
    path = f"{STAGE}-race-{uuid4().hex}"
    client.put(path, b"", _HEADERS)
    try:
        with ThreadPoolExecutor(writers) as pool:
            list(pool.map(lambda number: _add_to(client, path, b"%d\n" % number), range(writers)))
        held = client.get(path)
        return writers - len(set(held.content.split()) if held else ())
    finally:
        client.delete(path)


def _add_to(client: Client, path: str, line: bytes) -> None:
    for number in range(_ATTEMPTS):
        held = client.get(path)
        if held is None or line in held.content.splitlines(keepends=True):
            return
        try:
            client.put(path, held.content + line, _HEADERS, expect=held.etag)
        except (ConditionFailed, Unsure):
            rest(growing_pause(number))
        else:
            return


def _refuses(request: Callable[[], None]) -> bool:
    try:
        request()
    except ConditionFailed:
        return True
    return False
