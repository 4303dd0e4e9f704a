"""The pages of real crates with all of their READMEs: every link leads somewhere, a validator accepts all of them."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import open_registry
from cargo_static_index.registry.workers import reading_executor
from tests import corpus
from tests.registry.site.reading import dead_links
from tests.registry.site.registries import OPTIONS
from tests.registry.site.validator import complaints
from tests.world import World


@pytest.fixture
def real(corpus_home: Path, tmp_path: Path) -> Iterator[World]:
    """A mirror of all crates of the corpus, its pages made by two processes."""
    world = World(tmp_path, OPTIONS | {"registry.mode": "mirror", "registry.name": "mirror"})
    for path in corpus.crates(corpus_home).values():
        shutil.copyfile(path, world.drop / path.name)
    with reading_executor(2) as executor, open_registry(world.settings(), Report(), Options(now=world.now)) as registry:
        registry.build(executor=executor)
    yield world
    for folder in (world.drop, world.tree):
        shutil.rmtree(folder)


def files_of(tree: Path) -> Mapping[str, bytes]:
    """Give a tree, what are no pages as nothing but names: links lead to them, and nobody reads them here."""
    found = {path.relative_to(tree).as_posix(): path for path in tree.rglob("*") if path.is_file()}
    return {name: path.read_bytes() if path.suffix == ".html" else b"" for name, path in found.items()}


def worth_validating(files: Mapping[str, bytes]) -> list[str]:
    """Leave out what shows the same again: a crate's page and that of its newest version have one README."""
    pages = sorted(path for path in files if path.endswith(".html"))
    return [
        path
        for number, path in enumerate(pages)
        if path.count("/") != 3 or b'class="prose changelog"' in files[path] or number % 10 == 0
        if not path.endswith("dependents.html") or number % 10 == 0
    ]


@pytest.mark.corpus
@pytest.mark.slow
def test_links_of_real_crates_lead_somewhere_anchors_too_and_a_validator_accepts_their_pages(
    real: World, corpus_home: Path
) -> None:
    files = files_of(real.tree)
    releases = corpus.crates(corpus_home)
    assert json.loads(real.read("index.json"))["releases"] == len(releases)
    assert {f"crates/{each.name}/{each.version}/index.html" for each in releases} < files.keys()
    assert sum(b'<div class="prose">' in page for path, page in files.items() if path.count("/") == 2) > 600
    assert list(dead_links(files)) == []
    some = worth_validating(files)
    assert len(some) > 1500
    assert complaints(*(real.tree / path for path in some)) == ""
