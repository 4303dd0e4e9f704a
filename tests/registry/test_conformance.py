"""The checks that anybody can run over a store of their own."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from cargo_static_index.registry.conformance import STORE_CHECKS
from cargo_static_index.store import Change, Put
from cargo_static_index.store.memory import MemoryStore


class Sizeless(MemoryStore):
    """Says of each file that it is empty."""

    def size(self, path: str) -> int | None:
        return None if super().size(path) is None else 0


class Backwards(MemoryStore):
    """Lists paths from the last to the first."""

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[str]:
        return reversed(list(super().list(prefix, after=after)))


class Forgetful(MemoryStore):
    """Does not look at what is expected."""

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        return super().apply(replace(change, expect="any") for change in changes)


class Keeping(MemoryStore):
    """Deletes nothing."""

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        return super().apply(change for change in changes if isinstance(change, Put))


class Copying(MemoryStore):
    """Leaves what was staged where it is."""

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        return super().apply(map(copied, changes))


def copied(change: Change) -> Change:
    if isinstance(change, Put) and isinstance(change.content, str):
        return replace(change, content=Path(change.content).read_bytes())
    return change


class Lossy(MemoryStore):
    """Loses what was removed."""

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        return super().apply(change for change in changes if not change.path.endswith("/removed.json"))


FAULTS: dict[str, tuple[type[MemoryStore], str]] = {
    "what_is_written_is_read": (Sizeless, "the size is that of the content"),
    "names_are_listed_in_order": (Backwards, "all paths are listed, sorted"),
    "what_is_expected_is_held_to": (Forgetful, "what did not find it absent is given back"),
    "what_is_deleted_is_gone": (Keeping, "what was deleted is gone"),
    "staged_files_are_taken": (Copying, "a staged file that was put is consumed"),
    "a_registry_works_in_it": (Lossy, "the tree is sound"),
}


@pytest.mark.parametrize("check", STORE_CHECKS)
def test_each_check_finds_out_a_store_that_does_not_keep_to_it(check: str) -> None:
    store, says = FAULTS[check]
    with pytest.raises(AssertionError, match=says):
        STORE_CHECKS[check](store())
