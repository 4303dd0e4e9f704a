"""The checks that anybody can run over a store of their own."""

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from cargo_static_index.registry.conformance import STORE_CHECKS
from cargo_static_index.store import Change
from cargo_static_index.store.memory import MemoryStore


def test_a_store_that_forgets_what_is_expected_is_found_out() -> None:
    class Forgetful(MemoryStore):
        def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
            return super().apply(replace(change, expect="any") for change in changes)

    with pytest.raises(AssertionError, match="what did not find it absent is given back"):
        STORE_CHECKS["what_is_expected_is_held_to"](Forgetful())
