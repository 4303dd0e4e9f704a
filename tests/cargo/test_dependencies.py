"""Dependencies of every kind: what cargo resolves and builds from the lines that we write."""

import pytest

from tests.cargo.client import Cargo
from tests.cargo.ours import Ours
from tests.crates import crate

pytestmark = pytest.mark.cargo


def test_a_chain_of_dependencies_is_built(acme: Ours, cargo: Cargo) -> None:
    acme.publish(
        crate("top").dependency("middle", registry_index=acme.index).file("src/lib.rs", "pub use middle::answer;"),
        crate("middle").dependency("bottom", registry_index=acme.index).file("src/lib.rs", "pub use bottom::answer;"),
        crate("bottom").file("src/lib.rs", "pub fn answer() -> u8 { 42 }"),
    )
    project = cargo.project(acme.needs("top"), code="pub fn f() -> u8 { top::answer() }")
    project.run("build").ok()
    assert sorted(project.locked()) == ["bottom", "middle", "top"]
    assert set(project.sources().values()) == {acme.index}


def test_a_renamed_dependency_is_built_under_its_new_name(acme: Ours, cargo: Cargo) -> None:
    acme.publish(
        crate("bar").file("src/lib.rs", "pub fn answer() -> u8 { 42 }"),
        crate("foo")
        .dependency("alias", package="bar", registry_index=acme.index)
        .file("src/lib.rs", "pub use alias::answer;"),
    )
    project = cargo.project(acme.needs("foo"), code="pub fn f() -> u8 { foo::answer() }")
    project.run("build").ok()
    assert sorted(project.locked()) == ["bar", "foo"]


@pytest.mark.case(28)
def test_two_aliases_of_one_crate_are_built_with_a_version_each(acme: Ours, cargo: Cargo) -> None:
    acme.publish(
        crate("bar", "1.0.0").file("src/lib.rs", "pub const V: u8 = 1;"),
        crate("bar", "2.0.0").file("src/lib.rs", "pub const V: u8 = 2;"),
        crate("foo")
        .dependency("bar1", "1", package="bar", registry_index=acme.index)
        .dependency("bar2", "2", package="bar", registry_index=acme.index)
        .file("src/lib.rs", "pub const SUM: u8 = bar1::V + bar2::V;"),
    )
    project = cargo.project(acme.needs("foo"), code="const _: () = assert!(foo::SUM == 3);")
    project.run("build").ok()


@pytest.mark.case(23)
@pytest.mark.parametrize(
    ("asked", "locked"), [("", {"foo"}), ('features = ["bar"]', {"foo", "bar"})], ids=["unused", "used"]
)
def test_an_optional_dependency_is_resolved_by_its_implicit_feature_alone(
    acme: Ours, cargo: Cargo, asked: str, locked: set[str]
) -> None:
    acme.publish(crate("bar"), crate("foo").dependency("bar", registry_index=acme.index, optional=True))
    assert "features2" not in acme.lines("foo")[0]
    project = cargo.project(acme.needs("foo", more=asked))
    project.run("generate-lockfile").ok()
    assert set(project.locked()) == locked


def test_an_optional_renamed_dependency_has_its_alias_for_a_feature(acme: Ours, cargo: Cargo) -> None:
    acme.publish(
        crate("bar"),
        crate("foo")
        .dependency("alias", package="bar", registry_index=acme.index, optional=True)
        .file("src/lib.rs", '#[cfg(feature = "alias")] pub use alias as it;'),
    )
    project = cargo.project(acme.needs("foo", more='features = ["alias"]'), code="use foo::it as _;")
    project.run("build").ok()
    other = cargo.project(acme.needs("foo", more='features = ["bar"]'), name="other")
    other.run("generate-lockfile").failed("`foo`", "bar")


@pytest.mark.case(48)
@pytest.mark.parametrize(
    ("target", "built"),
    [("cfg(unix)", True), ("cfg( any( unix , windows ) )", True), ("cfg(windows)", False), ("wasm32-wasip1", False)],
)
def test_a_target_dependency_is_locked_always_and_built_only_for_its_target(
    acme: Ours, cargo: Cargo, target: str, built: bool
) -> None:
    acme.publish(
        crate("bar").file("src/lib.rs", "pub const V: u8 = 1;" if built else 'compile_error!("built");'),
        crate("foo")
        .dependency("bar", target=target, registry_index=acme.index)
        .file("src/lib.rs", "pub const V: u8 = bar::V;" if built else ""),
    )
    project = cargo.project(acme.needs("foo"))
    project.run("build").ok()
    assert set(project.locked()) == {"foo", "bar"}


@pytest.mark.case(47)
def test_a_build_dependency_of_one_target_is_there_for_the_build_script(acme: Ours, cargo: Cargo) -> None:
    acme.publish(
        crate("maker").file("src/lib.rs", 'pub fn name() -> &\'static str { "made" }'),
        crate("foo")
        .package(build="build.rs")
        .dependency("maker", kind="build", target="cfg(unix)", registry_index=acme.index)
        .file("build.rs", 'fn main() { println!("cargo:rustc-env=MADE={}", maker::name()); }')
        .file("src/lib.rs", 'pub const MADE: &str = env!("MADE");'),
    )
    project = cargo.project(acme.needs("foo"), code="pub const MADE: &str = foo::MADE;")
    project.run("build").ok()


def test_a_dev_dependency_of_a_dependency_is_not_resolved(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("foo").dependency("nowhere", kind="dev", registry_index=acme.index))
    project = cargo.project(acme.needs("foo"))
    project.run("generate-lockfile").ok()
    assert set(project.locked()) == {"foo"}
    assert not [each for each in acme.requests() if "nowhere" in each.path]


@pytest.mark.case(27)
def test_a_dependency_of_all_kinds_and_under_two_targets_gets_the_features_of_each(acme: Ours, cargo: Cargo) -> None:
    bar = crate("bar")
    for feature in ("normal", "build", "dev", "unix", "windows"):
        bar.feature(feature)
    acme.publish(
        bar.file("src/lib.rs", 'pub const UNIX: bool = cfg!(feature = "unix") && !cfg!(feature = "windows");'),
        crate("foo")
        .package(build="build.rs")
        .dependency("bar", features=["normal"], registry_index=acme.index)
        .dependency("bar", features=["build"], kind="build", registry_index=acme.index)
        .dependency("bar", features=["dev"], kind="dev", registry_index=acme.index)
        .dependency("bar", features=["unix"], target="cfg(unix)", registry_index=acme.index)
        .dependency("bar", features=["windows"], target="cfg(windows)", registry_index=acme.index)
        .file("build.rs", "fn main() { let _ = bar::UNIX; }")
        .file("src/lib.rs", "pub const UNIX: bool = bar::UNIX;"),
    )
    kinds = [(each["kind"], each["target"], *each["features"]) for each in acme.lines("foo")[0]["deps"]]
    assert sorted(kinds, key=str) == [
        ("build", None, "build"),
        ("dev", None, "dev"),
        ("normal", "cfg(unix)", "unix"),
        ("normal", "cfg(windows)", "windows"),
        ("normal", None, "normal"),
    ]
    project = cargo.project(acme.needs("foo"), code="const _: () = assert!(foo::UNIX);", package='resolver = "2"')
    project.run("build").ok()
    tree = project.run("tree", "--edges", "features,normal", "--target", "all").ok().stdout
    assert 'bar feature "normal"' in tree
    assert 'bar feature "windows"' in tree
    assert 'bar feature "dev"' not in tree


def test_default_features_are_off_where_the_dependency_says_so(acme: Ours, cargo: Cargo) -> None:
    bar = crate("bar").feature("default", ["loud"]).feature("loud")
    acme.publish(
        bar.file("src/lib.rs", 'pub const LOUD: bool = cfg!(feature = "loud");'),
        crate("quiet")
        .dependency("bar", default_features=False, registry_index=acme.index)
        .file("src/lib.rs", "pub use bar::LOUD;"),
    )
    code = "const _: () = assert!(!quiet::LOUD);"
    cargo.project(acme.needs("quiet"), code=code).run("build").ok()


@pytest.mark.case(44)
def test_default_features_written_with_an_underscore_are_off_too(acme: Ours, cargo: Cargo) -> None:
    bar = crate("bar").feature("default", ["loud"]).feature("loud")
    table = f'[dependencies.bar]\nversion = "1"\nregistry-index = "{acme.index}"\ndefault_features = false'
    acme.publish(
        bar.file("src/lib.rs", 'pub const LOUD: bool = cfg!(feature = "loud");'),
        crate("quiet").toml(table).file("src/lib.rs", "pub use bar::LOUD;"),
    )
    code = "const _: () = assert!(!quiet::LOUD);"
    cargo.project(acme.needs("quiet"), code=code).run("build").ok()


@pytest.mark.case(41)
def test_two_crates_that_link_one_library_conflict(acme: Ours, cargo: Cargo) -> None:
    for name in ("one", "two"):
        acme.publish(crate(name).package(links="z", build="build.rs").file("build.rs", "fn main() {}"))
    project = cargo.project(acme.needs("one") + acme.needs("two"))
    project.run("generate-lockfile").failed("links to the native library `z`, but it conflicts")
