"""Cargo's commands against a registry of ours, one by one."""

import pytest

from tests.cargo.client import Cargo
from tests.cargo.ours import Ours
from tests.crates import crate

pytestmark = pytest.mark.cargo


@pytest.fixture
def shelf(acme: Ours) -> Ours:
    """Give a registry with `foo`, which needs `bar`, each in two versions."""
    acme.publish(
        crate("bar", "1.0.0"),
        crate("bar", "1.1.0"),
        crate("foo", "1.0.0").dependency("bar", registry_index=acme.index),
        crate("foo", "1.2.0")
        .dependency("bar", registry_index=acme.index)
        .feature("fast")
        .package(rust_version="1.56", keywords=["shelf"], repository="https://git.example/foo")
        .readme("# Foo"),
    )
    return acme


def test_cargo_add_takes_the_newest_release_and_lists_its_features(shelf: Ours, cargo: Cargo) -> None:
    project = cargo.project(code="use foo as _;")
    done = project.run("add", "--registry", "acme", "foo").ok()
    assert "Adding foo v1.2.0 to dependencies" in done.stderr
    assert "- fast" in done.stderr
    project.run("build").ok()
    assert project.locked() == {"foo": "1.2.0", "bar": "1.1.0"}


def test_cargo_add_refuses_a_feature_that_a_release_has_not(shelf: Ours, cargo: Cargo) -> None:
    cargo.project().run("add", "--registry", "acme", "foo", "--features", "slow").failed("slow", "fast")


def test_cargo_info_shows_what_the_manifest_says(shelf: Ours, cargo: Cargo) -> None:
    shown = cargo.project().run("info", "--registry", "acme", "foo").ok().stdout
    for text in ("The crate foo", "version: 1.2.0", "license: MIT", "rust-version: 1.56", "#shelf", "git.example/foo"):
        assert text in shown


def test_cargo_info_passes_a_yanked_release_over(shelf: Ours, cargo: Cargo) -> None:
    shelf.yank("foo@1.2.0")
    assert "version: 1.0.0" in cargo.project().run("info", "--registry", "acme", "foo").ok().stdout


def test_cargo_update_to_a_precise_version_goes_back(shelf: Ours, cargo: Cargo) -> None:
    project = cargo.project(shelf.needs("foo"))
    project.run("generate-lockfile").ok()
    project.run("update", "bar", "--precise", "1.0.0").ok()
    assert project.locked() == {"foo": "1.2.0", "bar": "1.0.0"}


def test_cargo_fetch_locked_downloads_and_then_offline_builds(shelf: Ours, cargo: Cargo) -> None:
    project = cargo.project(shelf.needs("foo"), code="use foo as _;")
    project.run("generate-lockfile").ok()
    project.run("fetch", "--locked").ok()
    before = len(shelf.requests())
    project.run("build", "--offline", "--locked").ok()
    assert len(shelf.requests()) == before


@pytest.mark.case(10)
def test_a_locked_fetch_with_an_empty_cache_asks_for_config_and_archives_alone(shelf: Ours, cargo: Cargo) -> None:
    project = cargo.project(shelf.needs("foo"))
    project.run("generate-lockfile").ok()
    before = len(shelf.requests())
    project.run("fetch", "--locked").ok()
    asked = [each.path for each in shelf.requests()[before:]]
    assert len(asked) == 2
    assert all(path.startswith("crates/") and path.endswith(".crate") for path in asked)


def test_cargo_vendor_copies_what_then_builds_without_a_registry(shelf: Ours, cargo: Cargo) -> None:
    project = cargo.project(shelf.needs("foo"), code="use foo as _;")
    config = project.run("vendor").ok().stdout
    vendored = sorted(path.name for path in (project.folder / "vendor").iterdir())
    assert vendored == ["bar", "foo"]
    assert shelf.index in config
    (project.folder / ".cargo").mkdir()
    (project.folder / ".cargo" / "config.toml").write_text(config)
    before = len(shelf.requests())
    Cargo(cargo.folder / "elsewhere", {"acme": shelf.url}).run("build", "--frozen", cwd=project.folder).ok()
    assert len(shelf.requests()) == before


def test_cargo_install_builds_a_binary_from_the_registry(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("tool").file("src/main.rs", 'fn main() { println!("made by acme") }'))
    cargo.run("install", "tool", "--registry", "acme", "--root", str(cargo.folder / "installed")).ok()
    assert (cargo.folder / "installed" / "bin" / "tool").is_file()


def test_cargo_install_takes_the_index_url_alone(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("tool").file("src/main.rs", "fn main() {}"))
    cargo.configure({})
    cargo.run("install", "tool", "--index", acme.index, "--root", str(cargo.folder / "installed")).ok()


def test_cargo_tree_and_metadata_know_every_kind_of_dependency(acme: Ours, cargo: Cargo) -> None:
    acme.publish(
        crate("bar"),
        crate("foo")
        .package(build="build.rs")
        .file("build.rs", "fn main() {}")
        .dependency("bar", registry_index=acme.index)
        .dependency("bar", kind="build", target="cfg(unix)", registry_index=acme.index),
    )
    project = cargo.project(acme.needs("foo"))
    shown = project.run("tree", "--charset", "ascii", "--prefix", "depth").ok().stdout
    assert "1foo v1.0.0 (registry `acme`)" in shown
    assert "2bar v1.0.0 (registry `acme`)" in shown
    assert acme.index in project.run("metadata", "--format-version", "1").ok().stdout


def test_a_changed_archive_is_refused_by_cargo(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("foo"))
    archive = acme.tree / "crates" / "foo" / f"{crate('foo').cksum()}.crate"
    archive.write_bytes(crate("foo").file("src/evil.rs", "").build())
    cargo.project(acme.needs("foo")).run("fetch").failed("failed to verify the checksum of `foo v1.0.0")
