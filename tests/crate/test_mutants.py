"""What we accept of archives that chance has damaged, cargo unpacks into the files that we list.

A sample; `scripts/test-long --only archives` tries a million.
"""

import pytest

from tests.crate.mutants import DISAGREEMENTS, KINDS, figures, judged
from tests.crate.oracle import ArchiveOracle
from tests.crates import crate, tar_entry
from tests.tools import shared_folder

pytestmark = pytest.mark.cargo


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> ArchiveOracle:
    return ArchiveOracle(shared_folder(tmp_path_factory) / "archive-oracle")


def test_the_oracle_says_what_cargo_unpacks_and_why_not(oracle: ArchiveOracle) -> None:
    sound = crate().without("Cargo.toml").file("src/lib.rs", b"hello")
    outside = crate().entry(tar_entry("elsewhere/a"))
    assert oracle.judge([sound.build(), outside.build(), sound.build()[:-1200]]) == [
        {"src/lib.rs": (5, 0x3610A686)},
        "contains a file that is not under its directory",
        "unexpected end of file",
    ]


def test_what_we_accept_of_damaged_archives_cargo_unpacks_into_the_files_that_we_list(oracle: ArchiveOracle) -> None:
    found = figures(judged(range(150 * len(KINDS)), oracle))
    assert found["mutants"] == 150 * len(KINDS)
    assert isinstance(both := found["taken by both"], int)
    assert both > 150
    assert found[DISAGREEMENTS] == []
