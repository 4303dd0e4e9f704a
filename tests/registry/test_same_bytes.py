"""A sample of what `python -m tests.registry.same_bytes` does at length."""

from pathlib import Path

import pytest

from tests import corpus
from tests.buckets import moto
from tests.registry.same_bytes import WAYS, build_all, refusable


@pytest.mark.corpus
def test_every_order_number_of_workers_store_and_hash_seed_gives_the_same_bytes_and_documents(
    corpus_home: Path, tmp_path: Path
) -> None:
    real = list(corpus.crates(corpus_home).values())[::180]
    files = {path.name: path.read_bytes() for path in real} | dict(refusable(50))
    with moto() as buckets:
        first, *others = build_all(WAYS[:3], files, tmp_path, buckets)
    assert "refused.html" in first.tree
    assert [first.differences(made) for made in others] == [[], []]
