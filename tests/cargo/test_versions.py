"""Versions: which of them cargo chooses from our index files."""

import json

import pytest

from tests.cargo.client import Cargo
from tests.cargo.ours import Ours
from tests.crates import crate

pytestmark = pytest.mark.cargo


def test_the_newest_version_that_fits_is_chosen_whatever_the_order_of_lines(acme: Ours, cargo: Cargo) -> None:
    for version in ("1.0.10", "1.0.9", "2.0.0", "1.0.2"):
        acme.publish(crate("foo", version))
    project = cargo.project(acme.needs("foo"))
    project.run("generate-lockfile").ok()
    assert project.locked() == {"foo": "1.0.10"}


@pytest.mark.case(36)
def test_a_pre_release_is_chosen_only_by_who_asks_for_it(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("foo", "1.0.0"), crate("foo", "1.1.0-rc.1"))
    for req, chosen in (("1", "1.0.0"), ("1.1.0-rc", "1.1.0-rc.1")):
        project = cargo.project(acme.needs("foo", req), name=f"asks-{chosen.replace('.', '-')}")
        project.run("generate-lockfile").ok()
        assert project.locked() == {"foo": chosen}


@pytest.mark.case(36)
def test_a_crate_with_pre_releases_only_is_not_found_by_an_ordinary_requirement(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("foo", "1.0.0-rc.1"))
    cargo.project(acme.needs("foo")).run("generate-lockfile").failed("foo", "1.0.0-rc.1")


@pytest.mark.case(35)
@pytest.mark.case(10)
def test_a_version_with_build_metadata_is_built_and_its_plus_is_in_no_url(acme: Ours, cargo: Cargo) -> None:
    builder = crate("foo", "1.0.0+build.5")
    acme.publish(builder)
    project = cargo.project(acme.needs("foo"), code="use foo as _;")
    project.run("build").ok()
    assert project.locked() == {"foo": "1.0.0+build.5"}
    assert [each.path for each in acme.requests() if each.path.endswith(".crate")] == [
        f"crates/foo/{builder.cksum()}.crate"
    ]


def test_a_release_that_needs_a_newer_rust_is_passed_over(acme: Ours, cargo: Cargo) -> None:
    acme.publish(
        crate("foo", "1.0.0").package(rust_version="1.56"), crate("foo", "1.1.0").package(rust_version="1.9999")
    )
    project = cargo.project(acme.needs("foo"), package='rust-version = "1.70"\nresolver = "3"')
    project.run("generate-lockfile").ok()
    assert project.locked() == {"foo": "1.0.0"}


def test_a_release_that_needs_a_newer_rust_is_refused_by_the_build(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("foo").package(rust_version="1.9999"))
    cargo.project(acme.needs("foo")).run("build").failed("foo@1.0.0 requires rustc 1.9999")


@pytest.mark.case(37)
def test_a_line_for_newer_cargos_is_kept_and_cargo_says_what_it_requires(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("foo", "1.0.0"))
    newer = {**acme.lines("foo")[0], "vers": "2.0.0", "v": 3, "from_the_future": {"a": [1]}}
    text = json.dumps(newer, indent=None, separators=(" , ", " : "))
    with acme.index_file("foo").open("a") as file:
        file.write(text + "\n")
    acme.publish(crate("foo", "1.1.0"))
    assert text in acme.index_file("foo").read_text().splitlines()
    cargo.project(acme.needs("foo", "2")).run("generate-lockfile").failed(
        "version 2.0.0 requires a Cargo version that supports index version 3"
    )
    project = cargo.project(acme.needs("foo"), name="old")
    project.run("generate-lockfile").ok()
    assert project.locked() == {"foo": "1.1.0"}


@pytest.mark.case(38)
def test_a_release_whose_line_has_foreign_keys_is_still_resolved(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("foo"))
    file = acme.index_file("foo")
    file.write_text(file.read_text().replace("{", '{"foreign":["key"],', 1))
    acme.publish(crate("foo", "0.1.0"))
    assert '{"foreign":["key"],"name":"foo"' in file.read_text()
    project = cargo.project(acme.needs("foo"))
    project.run("fetch").ok()
    assert project.locked() == {"foo": "1.0.0"}
