"""Who needs whom, as index files say."""

from cargo_static_index.protocol.index_file import parse_index
from cargo_static_index.protocol.registries import CRATES_IO
from cargo_static_index.registry.dependents import Dependent, dependencies_on, dependents_of
from tests.registry.trees import line, tree_of


def test_crates_that_need_one_of_these_are_given_by_name_each_as_its_newest_release_says() -> None:
    store = tree_of(
        {
            "zz": [line("zz", "1.0.0", {"foo": "^1"})],
            "aa": [line("aa", "1.0.0", {"foo": "^1"}), line("aa", "2.0.0", {"bar": "^3", "baz": "*"})],
            "old": [line("old", "1.0.0", {"foo": "^1"}), line("old", "1.1.0")],
            "gone": [],
        }
    )
    found = [
        (one.name, one.version, one.needs, one.requirement, one.kind) for one in dependents_of(store, {"foo", "bar"})
    ]
    assert found == [("aa", "2.0.0", "bar", "^3", "normal"), ("zz", "1.0.0", "foo", "^1", "normal")]


def test_a_crate_of_the_same_name_in_another_registry_is_not_this_one() -> None:
    dependency = {"name": "foo", "req": "^1", "registry": CRATES_IO, "features": [], "optional": False}
    renamed = {"name": "other", "package": "foo", "req": "^1", "kind": "dev", "features": [], "optional": False}
    (release,) = parse_index(line("app", deps=[dependency, renamed])).releases
    assert [(one.name, one.kind) for one in dependencies_on(release, {"foo"})] == [("other", "dev")]


def test_a_dependent_takes_the_versions_that_its_requirement_allows() -> None:
    one = Dependent(name="app", version="1.0.0", needs="foo", requirement="^1.2", kind="normal")
    assert [vers for vers in ("1.1.0", "1.2.0", "1.9.3", "2.0.0", "1.3.0-beta") if one.takes(vers)] == [
        "1.2.0",
        "1.9.3",
    ]
