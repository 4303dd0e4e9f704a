"""Which file of an archive a manifest names, and where cargo took a README or a licence from."""

import io

import pytest
from msgspec import UNSET

from cargo_static_index.crate.check import check_crate
from cargo_static_index.crate.documents import find_file, origin_of, package_as_written
from cargo_static_index.crate.metadata import CrateMetadata, Document, format_metadata, parse_metadata
from cargo_static_index.crate.policy import Policy
from tests.crates import CrateBuilder, crate


def metadata_of(builder: CrateBuilder) -> CrateMetadata:
    metadata = check_crate(io.BytesIO(builder.build()), Policy()).metadata
    assert metadata is not None
    return metadata


def readme_of(builder: CrateBuilder) -> Document:
    readme = metadata_of(builder).readme
    assert readme is not None
    return readme


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
    assert origin_of("README.md", package_as_written(as_written.encode()).get("readme")) == origin


def test_what_was_copied_remembers_its_place_and_nothing_else_is_written_for_others() -> None:
    plain = crate().package(readme="README.md").readme("# A")
    copied = (
        crate().package(readme="README.md").readme("# A").file("Cargo.toml.orig", '[package]\nreadme = "../README.md"')
    )
    assert readme_of(copied).origin == "../README.md"
    assert not readme_of(plain).origin


@pytest.mark.parametrize(
    ("as_written", "origin"),
    [
        ('license-file = "../../LICENSE"', "../../LICENSE"),
        ("license-file.workspace = true", "/LICENSE"),
        ("[package.license-file]\nworkspace = true", "/LICENSE"),
        ('license-file = "LICENSE"\nreadme.workspace = true', None),
    ],
)
def test_a_licence_that_was_copied_remembers_its_place_too(as_written: str, origin: str | None) -> None:
    copied = crate().package(license=None, license_file="LICENSE").file("LICENSE")
    written = f"[package]\n{as_written}" if not as_written.startswith("[") else as_written
    assert (metadata_of(copied.file("Cargo.toml.orig", written)).license_origin or None) == origin


def test_a_change_log_was_copied_only_where_it_is_the_readme() -> None:
    copied = crate().package(readme="CHANGELOG.md").file("CHANGELOG.md", "# 1.0.0")
    changelog = metadata_of(copied.file("Cargo.toml.orig", '[package]\nreadme = "../CHANGELOG.md"')).changelog
    assert changelog is not None
    assert changelog.origin == "../CHANGELOG.md"
    own = crate().package(readme="README.md").readme("# A").file("CHANGELOG.md", "# 1.0.0")
    changelog = metadata_of(own.file("Cargo.toml.orig", "[package]\nreadme.workspace = true")).changelog
    assert changelog is not None
    assert not changelog.origin


def test_metadata_says_where_a_licence_was_only_where_cargo_copied_it() -> None:
    """So what is written is what earlier versions wrote, and they pass over the key where it is there."""
    own = crate().package(license=None, license_file="LICENSE").file("LICENSE")
    assert b"license_origin" not in format_metadata(metadata_of(own))
    copied = metadata_of(own.file("Cargo.toml.orig", '[package]\nlicense-file = "../LICENSE"'))
    written = format_metadata(copied)
    assert parse_metadata(written) == copied
    assert parse_metadata(written.replace(b"license_origin", b"license_unknown")).license_origin is UNSET
