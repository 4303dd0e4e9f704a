"""That what is measured is the same everywhere."""

from pathlib import Path

from benchmarks.generate import Release, Shape, archive, generate, releases


def test_the_same_shape_gives_the_same_bytes(tmp_path: Path) -> None:
    shape = Shape(names=2, versions=3, spread="crates.io")
    for folder in ("a", "b"):
        generate(tmp_path / folder, shape)
    first, second = ({path.name: path.read_bytes() for path in (tmp_path / each).iterdir()} for each in ("a", "b"))
    assert first == second
    assert len(first) == len(list(releases(shape)))


def test_two_releases_have_other_bytes() -> None:
    assert archive(Release("a", "1.0.0", 3, 4096, 1)) != archive(Release("a", "1.0.1", 3, 4096, 2))
