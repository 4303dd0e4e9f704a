"""Pauses between two tries, so that writers who met do not come back together."""

import random
import time

LONGEST_PAUSE = 2.0
"""Seconds between two attempts: some stores take seconds where many write one file."""


def rest(seconds: float) -> None:
    """Wait for so long, less up to half of it."""
    time.sleep(seconds * random.uniform(0.5, 1))  # noqa: S311 - no secret


def growing_pause(number: int) -> float:
    """Give the seconds before the attempt of this number, which count from 1: longer each time."""
    return min(LONGEST_PAUSE, 0.01 * 2.0**number)
