"""What changed between two releases, as pages say it."""

import pytest

from cargo_static_index.protocol.index_entry import Dependency, Entry
from cargo_static_index.site.diff import Difference, differences, human_size


def entry(vers: str, *deps: Dependency, rust_version: str | None = None) -> Entry:
    return Entry(
        name="foo", vers=vers, deps=deps, cksum="ab" * 32, features={}, yanked=False, rust_version=rust_version
    )


def dependency(req: str, *features: str, optional: bool = False, default_features: bool = True) -> Dependency:
    return Dependency(
        name="bar",
        req=req,
        features=features,
        optional=optional,
        default_features=default_features,
        target=None,
        kind="normal",
    )


def test_each_thing_that_changed_of_a_dependency_is_said() -> None:
    old = entry("1.0.0", dependency("^1"), rust_version="1.70")
    new = entry("1.1.0", dependency("^2", "x", "y", optional=True, default_features=False))
    assert differences((old, None), (new, None)) == (
        Difference(about="Rust version", before="1.70"),
        Difference(about="Dependency bar", before="^1", after="^2, optional, without default features, with x, y"),
    )


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_949, "99.9 kB"),
        (100_000, "100 kB"),
        (999_949, "1000 kB"),
        (999_950, "1.0 MB"),
        (12_345_678, "12.3 MB"),
        (5_000_000_000_000, "5000 GB"),
    ],
)
def test_sizes_are_short_and_change_their_unit_in_time(size: int, said: str) -> None:
    assert human_size(size) == said
