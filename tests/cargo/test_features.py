"""Features: what cargo makes of our split into `features` and `features2`."""

import pytest

from tests.cargo.client import Cargo
from tests.cargo.ours import Ours
from tests.crates import CrateBuilder, crate

pytestmark = pytest.mark.cargo


def foo(acme: Ours) -> CrateBuilder:
    """Begin a crate with the optional dependency `bar`, which has a feature `extra`."""
    acme.publish(crate("bar").feature("extra").file("src/lib.rs", 'pub const EXTRA: bool = cfg!(feature = "extra");'))
    return crate("foo").dependency("bar", registry_index=acme.index, optional=True)


def locked(acme: Ours, cargo: Cargo, *features: str) -> set[str]:
    """Ask for features of `foo`, and give the names that cargo locks."""
    project = cargo.project(acme.needs("foo", more=f"features = {list(features)}"))
    project.run("generate-lockfile").ok()
    return set(project.locked())


def refused(acme: Ours, cargo: Cargo, feature: str) -> None:
    """Claim that cargo finds no such feature of `foo`."""
    project = cargo.project(acme.needs("foo", more=f'features = ["{feature}"]'))
    project.run("generate-lockfile").failed("foo", feature)


@pytest.mark.case(19)
@pytest.mark.case(24)
def test_dep_turns_a_dependency_on_and_takes_its_implicit_feature_away(acme: Ours, cargo: Cargo) -> None:
    acme.publish(foo(acme).feature("with-bar", ["dep:bar"]).feature("plain"))
    line = acme.lines("foo")[0]
    assert (line["features"], line["features2"], line["v"]) == ({"plain": []}, {"with-bar": ["dep:bar"]}, 2)
    assert locked(acme, cargo, "plain") == {"foo"}
    assert locked(acme, cargo, "with-bar") == {"foo", "bar"}
    refused(acme, cargo, "bar")


@pytest.mark.case(20)
def test_a_chain_of_features_that_ends_in_dep_is_followed(acme: Ours, cargo: Cargo) -> None:
    acme.publish(foo(acme).feature("a", ["b"]).feature("b", ["c"]).feature("c", ["dep:bar"]))
    assert locked(acme, cargo) == {"foo"}
    assert locked(acme, cargo, "a") == {"foo", "bar"}


@pytest.mark.case(21)
def test_a_feature_of_an_optional_dependency_turns_it_on(acme: Ours, cargo: Cargo) -> None:
    builder = foo(acme).feature("f", ["bar/extra"])
    acme.publish(builder.file("src/lib.rs", 'pub const EXTRA: bool = { #[cfg(feature = "f")] { bar::EXTRA } };'))
    assert "v" not in acme.lines("foo")[0]
    project = cargo.project(acme.needs("foo", more='features = ["f"]'), code="const _: () = assert!(foo::EXTRA);")
    project.run("build").ok()


@pytest.mark.case(22)
@pytest.mark.parametrize(
    ("features", "names"), [(["weak"], {"foo"}), (["weak", "on"], {"foo", "bar"})], ids=["alone", "with another"]
)
def test_a_weak_feature_does_not_turn_the_dependency_on(
    acme: Ours, cargo: Cargo, features: list[str], names: set[str]
) -> None:
    acme.publish(foo(acme).feature("weak", ["bar?/extra"]).feature("on", ["dep:bar"]))
    project = cargo.project(acme.needs("foo", more=f"features = {features}"))
    project.run("generate-lockfile").ok()
    # The lock file has what any set of features could use; what is used, the feature-wise tree says.
    tree = project.run("tree", "--prefix", "none", "--format", "{p} {f}").ok().stdout
    assert {line.split()[0] for line in tree.splitlines() if line} - {"consumer"} == names
    assert ("bar v1.0.0 (registry `acme`) extra" in tree) == ("on" in features)


@pytest.mark.case(59)
def test_a_feature_of_a_dev_dependency_is_no_fault(acme: Ours, cargo: Cargo) -> None:
    acme.publish(
        crate("tool").feature("x"),
        crate("foo").dependency("tool", kind="dev", registry_index=acme.index).feature("f", ["tool/x"]),
    )
    assert locked(acme, cargo, "f") == {"foo"}


@pytest.mark.case(18)
def test_a_feature_may_be_called_by_letters_outside_ascii(acme: Ours, cargo: Cargo) -> None:
    acme.publish(foo(acme).feature("größe", ["bar"]))
    assert "größe".encode() in acme.index_file("foo").read_bytes()
    assert locked(acme, cargo, "größe") == {"foo", "bar"}
