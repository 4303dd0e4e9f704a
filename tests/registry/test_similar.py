"""What is said of a crate that is not held."""

import pytest

from cargo_static_index.diagnostics.errors import NotHeld
from cargo_static_index.registry.similar import hint_for, need_crates
from cargo_static_index.store import Put
from cargo_static_index.store.memory import MemoryStore
from tests.registry.trees import buried, line, tree_of


@pytest.fixture
def store() -> MemoryStore:
    held = tree_of({"Serde-Json": [line("Serde-Json")], "rand": [line("rand")], "empty": []})
    held.apply(Put(path=path, content=content) for path, content in buried("gone", "1.0.0", "1.1.0").items())
    return held


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("serde-json", "did you mean 'Serde-Json'?"),  # the same index file
        ("serd_json", "did you mean 'Serde-Json'?"),
        ("rnad", "did you mean 'rand'?"),
        ("tokio", "`list` shows what is held"),
        ("emptty", "`list` shows what is held"),  # nothing of it is left to mean
    ],
)
def test_a_name_that_is_nearly_held_is_suggested_in_its_own_spelling(store: MemoryStore, name: str, hint: str) -> None:
    assert hint_for(store, name) == hint


def test_of_a_crate_that_was_removed_that_is_said(store: MemoryStore) -> None:
    assert "gone 1.0.0" in hint_for(store, "gone")
    assert "removed" in hint_for(store, "gone")


def test_crates_that_the_tree_knows_are_needed_though_all_of_them_was_removed(store: MemoryStore) -> None:
    need_crates(store, ["rand", "empty", "gone"])
    with pytest.raises(NotHeld) as caught:
        need_crates(store, ["rand", "rnad"])
    assert str(caught.value) == "there is no crate 'rnad' in this registry; did you mean 'rand'?"
