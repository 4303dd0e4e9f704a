"""A sample of what `tests/cargo/features.py` does for every crate of the corpus."""

from pathlib import Path

import pytest

from tests import corpus
from tests.cargo.features import WRONG, Added, compared

pytestmark = [pytest.mark.cargo, pytest.mark.corpus]


def test_pages_show_the_features_that_cargo_shows(corpus_home: Path, tmp_path: Path) -> None:
    found = compared(tmp_path, corpus_home, every=len(corpus.locked()) // 6)
    assert found[WRONG] == []
    assert found["features"] != 0


def test_what_cargo_says_is_told_from_what_it_does_not() -> None:
    named = Added(on=frozenset("a"), off=frozenset("b"), counts={})
    counted = Added(on=frozenset(), off=frozenset("x"), counts={"activated": 40})
    assert named.is_all({"a"}, {"b"})
    assert not named.is_all({"a", "b"}, set())
    assert counted.is_all({str(number) for number in range(40)}, {"x"})
    assert not counted.is_all({str(number) for number in range(39)}, {"x"})
