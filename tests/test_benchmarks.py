"""The smoke test of speed: ratios, never seconds, and twice what a row is to reach."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.generate import Release, Shape, archive, generate, releases

CHECKOUT = Path(__file__).parents[1]


def test_the_same_shape_gives_the_same_bytes(tmp_path: Path) -> None:
    shape = Shape(names=2, versions=3, spread="crates.io")
    for folder in ("a", "b"):
        generate(tmp_path / folder, shape)
    first, second = ({path.name: path.read_bytes() for path in (tmp_path / each).iterdir()} for each in ("a", "b"))
    assert first == second
    assert len(first) == len(list(releases(shape)))


def test_two_releases_have_other_bytes() -> None:
    assert archive(Release("a", "1.0.0", 3, 4096, 1)) != archive(Release("a", "1.0.1", 3, 4096, 2))


@pytest.mark.slow
@pytest.mark.corpus
@pytest.mark.parametrize("row", ["idle-10000", "real", "start"])
def test_no_pass_takes_more_than_twice_the_ratio_that_it_is_to_reach(corpus_home: Path, row: str) -> None:
    assert corpus_home.is_dir()
    command = (sys.executable, "-m", "benchmarks", row, "--turns", "3", "--check", "2")
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
