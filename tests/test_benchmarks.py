"""That what is measured is the same everywhere, that a miss is seen, and that documents say what was measured."""

from pathlib import Path

from benchmarks.generate import Release, Shape, archive, generate, releases
from benchmarks.report import in_readme, page
from benchmarks.results import read_results
from benchmarks.targets import missed


def test_the_same_shape_gives_the_same_bytes(tmp_path: Path) -> None:
    shape = Shape(names=2, versions=3, spread="crates.io")
    for folder in ("a", "b"):
        generate(tmp_path / folder, shape)
    first, second = ({path.name: path.read_bytes() for path in (tmp_path / each).iterdir()} for each in ("a", "b"))
    assert first == second
    assert len(first) == len(list(releases(shape)))


def test_two_releases_have_other_bytes() -> None:
    assert archive(Release("a", "1.0.0", 3, 4096, 1)) != archive(Release("a", "1.0.1", 3, 4096, 2))


def test_a_target_is_missed_by_what_its_rows_say_and_by_no_other() -> None:
    sizes = {f"one-{size}": {verb: {"median": 0.002} for verb in ("add", "yank", "remove")} for size in (1000, 10_000)}
    assert missed({"real": {"ratio": 2.9}, "start": {"ratio": 0.6}, **sizes}, times=2) == {}
    (said,) = missed({"real": {"ratio": 3.1}}, times=2)
    assert said == "cold, real crates ÷ floor: 3.10, where 3.00 is allowed"
    sizes["one-10000"]["yank"] = {"median": 0.007}
    ((said, rows),) = missed({"real": {"ratio": 2.9}, **sizes}, times=2).items()
    assert said == "yank one, pages off, largest ÷ smallest of all sizes: 3.50, where 3.00 is allowed"
    assert rows == set(sizes)


def test_a_target_that_is_known_to_be_missed_is_held_where_it_stands() -> None:
    assert missed({"small-10000": {"ratio": 5.5}}, times=2) == {}
    assert len(missed({"small-10000": {"ratio": 8.4}}, times=2)) == 1


def test_page_and_readme_say_what_was_measured() -> None:
    known = read_results()
    written = Path("docs/benchmarks.md").read_text()
    assert written == page(known), "write it anew: python -m benchmarks.report"
    assert "not measured" not in written
    assert in_readme(known) in Path("README.md").read_text()
