"""The targets of `fuzz/` take their seeds, and seeds that chance has damaged.

A short run without a fuzzer; `scripts/test-long --only fuzz` fuzzes each for twenty minutes.
"""

import random

import pytest

from fuzz.__main__ import NAMES, figures
from fuzz.targets import TARGETS, seeds


@pytest.mark.parametrize("name", NAMES)
def test_a_target_only_returns(name: str) -> None:
    chance = random.Random(name)
    kept = list(seeds(name))
    assert kept
    for seed in kept:
        TARGETS[name](seed)
    for _ in range(100):
        damaged = bytearray(chance.choice(kept))
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        TARGETS[name](bytes(damaged))


def test_executions_are_added_up_and_what_failed_is_named() -> None:
    assert tuple(TARGETS) == NAMES
    assert figures({"cfg": 5}, {"cfg": 12, "index": 3}, ["target/fuzz/cfg/crash-1"]) == {
        "cfg": "5 executions, 12 in all",
        "failed": ["target/fuzz/cfg/crash-1"],
    }
