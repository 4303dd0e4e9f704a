"""The pages of real crates: a sample of what `python -m tests.registry.site.real` validates."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import corpus
from tests.registry.site.reading import dead_links
from tests.registry.site.real import files_of, mirror, worth_validating
from tests.registry.site.validator import complaints
from tests.world import World

EVERY = 5
"""Of so many crates one is in the sample."""


@pytest.fixture
def real(corpus_home: Path, tmp_path: Path) -> Iterator[World]:
    with mirror(tmp_path, corpus_home, every=EVERY) as world:
        yield world


@pytest.mark.corpus
@pytest.mark.slow
def test_links_of_real_crates_lead_somewhere_anchors_too_and_a_validator_accepts_their_pages(
    real: World, corpus_home: Path
) -> None:
    files = files_of(real.tree)
    releases = list(corpus.crates(corpus_home))[::EVERY]
    assert json.loads(real.read("index.json"))["releases"] == len(releases)
    assert {f"crates/{each.name}/{each.version}/index.html" for each in releases} < files.keys()
    assert sum(b'<div class="prose">' in page for path, page in files.items() if path.count("/") == 2) > 100
    assert list(dead_links(files)) == []
    some = worth_validating(files)[::4]
    assert len(some) > 80
    assert complaints(*(real.tree / path for path in some)) == ""
