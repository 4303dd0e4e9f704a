"""What the fuzzers begin with, and what chance makes of it, cargo takes and refuses as we do.

`scripts/test-long --only fuzzed` judges what fuzzing has kept.
"""

from collections import Counter

import pytest

from fuzz.targets import damaged, seeds
from tests.cargo.fuzzed import MANIFESTS, judge_archives, judge_manifests
from tests.crate.oracle import ArchiveOracle
from tests.tools import shared_folder

pytestmark = pytest.mark.cargo


@pytest.mark.parametrize("target", MANIFESTS)
def test_cargo_says_of_a_fuzzed_manifest_what_we_say(target: str) -> None:
    counts = Counter[str]()
    assert list(judge_manifests(target, [*list(seeds(target))[::17], *damaged(target, 30)], counts)) == []
    assert counts[f"{target}: taken by both"]
    assert counts[f"{target}: refused by both"]


def test_cargo_unpacks_of_fuzzed_archives_what_we_list(tmp_path_factory: pytest.TempPathFactory) -> None:
    counts = Counter[str]()
    oracle = ArchiveOracle(shared_folder(tmp_path_factory) / "archive-oracle")
    assert list(judge_archives([*seeds("archive"), *damaged("archive", 150)], oracle, counts)) == []
    assert counts["archive: taken by both"]
    assert counts["archive: refused by both"]
