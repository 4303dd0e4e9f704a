"""What nothing held satisfies."""

from cargo_static_index.tree.missing import grouped, missing_of, satisfied


def test_versions_are_grouped_by_name_in_their_order() -> None:
    assert grouped([("foo", "1.0.0"), ("bar", "2.0.0"), ("foo", "0.9.0")]) == {
        "foo": ["1.0.0", "0.9.0"],
        "bar": ["2.0.0"],
    }


def test_any_version_may_satisfy_a_requirement() -> None:
    assert satisfied("^1.2", ["0.9.0", "1.3.0"])
    assert not satisfied("^1.2", ["1.1.9", "2.0.0"])
    assert not satisfied("^1.2", [])


def test_what_no_version_of_its_name_satisfies_is_missing() -> None:
    needed = [("foo", "^1"), ("foo", "^2"), ("gone", "*"), ("foo", "^2")]
    assert missing_of(needed, {"foo": ["1.0.0"], "other": ["2.0.0"]}) == {("foo", "^2"), ("gone", "*")}
