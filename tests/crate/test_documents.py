"""Which file of an archive a manifest names, and where cargo took a README from."""

import io

import pytest

from cargo_static_index.crate.check import Policy, check_crate
from cargo_static_index.crate.documents import find_file, readme_origin
from cargo_static_index.crate.metadata import Document
from tests.crates import CrateBuilder, crate


def readme_of(builder: CrateBuilder) -> Document:
    metadata = check_crate(io.BytesIO(builder.build()), Policy()).metadata
    assert metadata is not None
    assert metadata.readme is not None
    return metadata.readme


@pytest.mark.parametrize(
    ("stated", "files", "found"),
    [
        ("README.md", ["README.md", "Readme.md"], "README.md"),
        ("README.md", ["Readme.md", "src/readme.md"], "Readme.md"),
        ("docs//README.md", ["docs/README.md"], "docs/README.md"),
        ("docs/../README.md", ["README.md"], "README.md"),
        ("./a/./b.md", ["a/b.md"], "a/b.md"),
        ("docs\\README.md", ["docs/README.md"], "docs/README.md"),
        ("../README.md", ["README.md"], "README.md"),
        ("../../docs/INTRO.md", ["INTRO.md", "docs/INTRO.md"], "INTRO.md"),
        ("/etc/passwd", ["etc/passwd"], None),
        ("/README.md", ["README.md"], "README.md"),
        ("a/../../README.md", ["README.md"], "README.md"),
        ("README.md", ["docs/README.md"], None),
        ("", ["README.md"], None),
        ("..", ["README.md"], None),
    ],
)
def test_a_file_is_found_as_cargo_of_today_would_name_it(stated: str, files: list[str], found: str | None) -> None:
    assert find_file(stated, files) == found


@pytest.mark.parametrize("stated", ["../README.md", "docs/../README.md", ".//README.md"])
def test_a_readme_is_shown_however_its_path_is_spelled(stated: str) -> None:
    found = readme_of(crate().package(readme=stated).file("README.md", "# Shown"))
    assert (found.path, found.text) == ("README.md", "# Shown")


@pytest.mark.parametrize(
    ("as_written", "origin"),
    [
        ('[package]\nreadme = "../../README.md"', "../../README.md"),
        ('package.readme = "../README.md"', "../README.md"),
        ("[package]\nreadme.workspace = true", "/README.md"),
        ("[package]\nreadme = { workspace = true }", "/README.md"),
        ("[package.readme]\nworkspace = true", "/README.md"),
        ('[package]\nreadme = "README.md"\nversion.workspace = true', None),
        ('[package]\nreadme = "docs/../README.md"', None),
        ('[package]\nreadme = "docs/../../README.md"', "../README.md"),
        ('[package]\nreadme = "../OTHER.md"', None),
        ("[package]\nreadme = [1, '..']", None),
        ("readme..", None),
        ("package = 1 # readme ..", None),
        ("", None),
    ],
)
def test_where_a_readme_was_copied_from_stands_in_the_manifest_as_it_was_written(
    as_written: str, origin: str | None
) -> None:
    assert readme_origin("README.md", as_written.encode()) == origin


def test_what_was_copied_remembers_its_place_and_nothing_else_is_written_for_others() -> None:
    plain = crate().package(readme="README.md").readme("# A")
    copied = (
        crate().package(readme="README.md").readme("# A").file("Cargo.toml.orig", '[package]\nreadme = "../README.md"')
    )
    assert readme_of(copied).origin == "../README.md"
    assert not readme_of(plain).origin
