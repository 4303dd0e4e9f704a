"""Pauses between two tries, so that writers who met do not come back together."""

import time
from collections.abc import Iterator

from cargo_static_index.diagnostics.errors import StoreError

ATTEMPTS = 100
"""How often a compare-and-swap begins again before it gives up: other writers would have to win every time."""

LONGEST_PAUSE = 2.0
"""Seconds between two attempts: some stores take seconds where many write one file."""


def rest(seconds: float) -> None:
    """Wait for so long, less up to half of it."""
    import random

    time.sleep(seconds * random.uniform(0.5, 1))  # noqa: S311 - no secret


def growing_pause(number: int) -> float:
    """Give the seconds before the attempt of this number, which count from 1: longer each time."""
    return min(LONGEST_PAUSE, 0.01 * 2.0**number)


def attempts(what: str, most: int = ATTEMPTS) -> Iterator[int]:
    """Count attempts at a compare and swap, from 0; whoever comes through leaves the loop, else there is StoreError.

    Between them are pauses that grow and differ, so that writers do not come back together.
    """
    for number in range(most):
        if number:
            rest(growing_pause(number))
        yield number
    raise StoreError(f"{what} changed by somebody else all the time; try again later")
