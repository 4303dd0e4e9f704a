"""Requests that may be made twice, made until they are answered."""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from cargo_static_index.store.objects.client import Client, Listed, Unsure
from cargo_static_index.store.pauses import rest

PAUSES: Final = (0.1, 0.3, 1.0, 3.0, 9.0)
"""Seconds before each of the next tries, less up to half of it, so that writers do not come back together."""

T = TypeVar("T")


def persisting(request: Callable[[], T], pauses: tuple[float, ...] = PAUSES) -> T:
    """Make a request that may be made twice until it is answered, or raise what the last try failed of."""
    for pause in pauses:
        try:
            return request()
        except Unsure:
            rest(pause)
    return request()


def list_all(
    client: Client, prefix: str = "", *, after: str = "", pauses: tuple[float, ...] = PAUSES
) -> Iterator[Listed]:
    """List the objects below a folder; where that breaks off, go on after the last one that was seen."""
    tries = iter(pauses)
    while True:
        try:
            for listed in client.list(prefix, after=after or None):
                after, tries = listed.path, iter(pauses)
                yield listed
        except Unsure:
            pause = next(tries, None)
            if pause is None:
                raise
            rest(pause)
        else:
            return
