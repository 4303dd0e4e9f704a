"""Feature names and values, the split over two keys, and the client's own rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_static_index.diagnostics.errors import InvalidFeature
from cargo_static_index.protocol.features import (
    FeatureValue,
    check_features,
    parse_feature_name,
    parse_feature_value,
    split_features,
)

Dependencies = list[tuple[str, bool, str]]
Features = dict[str, tuple[str, ...]]


@pytest.mark.parametrize("name", ["a", "c++17", "128bit", "_foo", "feat-name", "v1.2", "é", "日本", "a\u0301", "_"])
def test_names_that_cargo_reads_are_accepted(name: str) -> None:
    assert parse_feature_name(name) == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "a feature's name is empty; give it one"),
        ("+a", "the feature name '+a' starts with '+'; start it with a letter, a digit or '_'"),
        ("-a", "the feature name '-a' starts with '-'; start it with a letter, a digit or '_'"),
        (".a", "the feature name '.a' starts with '.'; start it with a letter, a digit or '_'"),
        ("٣a", "the feature name '٣a' starts with '٣'; start it with a letter, a digit or '_'"),
        ("a/b", "the feature name 'a/b' has '/' in it; use letters, digits, '_', '-', '+' and '.'"),
        ("dep:a", "the feature name 'dep:a' has ':' in it; use letters, digits, '_', '-', '+' and '.'"),
        ("a?", "the feature name 'a?' has '?' in it; use letters, digits, '_', '-', '+' and '.'"),
        ("a¼", "the feature name 'a¼' has '¼' in it; use letters, digits, '_', '-', '+' and '.'"),
        ("a b", "the feature name 'a b' has ' ' in it; use letters, digits, '_', '-', '+' and '.'"),
        ("a\n", "the feature name 'a\\n' has '\\n' in it; use letters, digits, '_', '-', '+' and '.'"),
    ],
)
def test_names_that_cargo_refuses_are_refused(name: str, message: str) -> None:
    with pytest.raises(InvalidFeature) as caught:
        parse_feature_name(name)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("std", FeatureValue(feature="std")),
        ("dep:x", FeatureValue(dependency="x")),
        ("x/std", FeatureValue(dependency="x", feature="std")),
        ("x?/std", FeatureValue(dependency="x", feature="std", weak=True)),
    ],
)
def test_values_are_read(text: str, value: FeatureValue) -> None:
    assert parse_feature_value(text) == value


_LACKS = "lacks a name; write FEATURE, dep:DEPENDENCY, DEPENDENCY/FEATURE or DEPENDENCY?/FEATURE"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("dep:x/y", "has both 'dep:' and '/'; remove 'dep:'"),
        ("dep:x?/y", "has both 'dep:' and '/'; remove 'dep:'"),
        ("x/y/z", "has more than one '/'; write DEPENDENCY/FEATURE"),
        ("", _LACKS),
        ("dep:", _LACKS),
        ("/y", _LACKS),
        ("x/", _LACKS),
        ("?/y", _LACKS),
        *(
            (f"x/{part}", f"names {part!r}, which no crate can have as a feature")
            for part in ("?bar", "-x", "dep:x", "🍺", "a b")
        ),
    ],
)
def test_values_that_mean_nothing_are_refused(text: str, fault: str) -> None:
    with pytest.raises(InvalidFeature) as caught:
        parse_feature_value(text)
    assert str(caught.value) == f"the feature value {text!r} {fault}"


@pytest.mark.case(19)
@pytest.mark.case(22)
@pytest.mark.parametrize("value", ["dep:x", "x?/y"])
def test_new_syntax_goes_to_features2_and_the_rest_stays(value: str) -> None:
    assert split_features({"z": (), "b": (value, "z"), "a": ("z",)}) == ({"a": ("z",), "z": ()}, {"b": (value, "z")})


@pytest.mark.case(20)
def test_what_turns_on_a_feature_of_features2_goes_there_too() -> None:
    old, new = split_features({"c": ("dep:x",), "a": ("b",), "b": ("c",), "d": ("x/c",)})
    assert (list(old.items()), list(new)) == ([("d", ("x/c",))], ["a", "b", "c"])


@pytest.mark.case(21)
def test_a_strong_feature_of_a_dependency_moves_nothing() -> None:
    assert split_features({"a": ("x/y",)}) == ({"a": ("x/y",)}, {})


def test_features_are_sorted_by_their_bytes_and_values_are_not() -> None:
    old, _ = split_features({"é": (), "b": ("z", "a"), "Z": (), "z": (), "a": ()})
    assert list(old.items()) == [("Z", ()), ("a", ()), ("b", ("z", "a")), ("z", ()), ("é", ())]


def test_a_chain_is_followed_for_a_hundred_rounds_as_crates_io_does() -> None:
    chain: Features = {f"f{i:03}": (f"f{i + 1:03}",) for i in range(150)}
    old, new = split_features({**chain, "f150": ("dep:x",)})
    assert (len(old), len(new), min(new)) == (50, 101, "f050")


_names = st.sampled_from("abcd")
_values = st.one_of(_names, _names.map("dep:{}".format), st.sampled_from(["x?/y", "x/y"]))
_features = st.dictionaries(_names, st.lists(_values, max_size=3).map(tuple), max_size=4)


@given(_features)
def test_a_split_loses_nothing_and_leaves_nothing_new_behind(features: Features) -> None:
    old, new = split_features(features)
    assert {**old, **new} == features
    assert not old.keys() & new.keys()
    assert not [v for values in old.values() for v in values if v in new or v.startswith("dep:") or "?/" in v]


@pytest.mark.parametrize(
    ("features", "dependencies"),
    [
        ({}, []),
        ({"default": ("std",), "std": ()}, []),
        pytest.param({}, [("x", True, "normal")], marks=pytest.mark.case(23)),
        ({"f": ("x",)}, [("x", True, "normal")]),
        ({"f": ("dep:x",)}, [("x", True, "normal")]),
        ({"x": ("dep:x", "x/y")}, [("x", True, "normal")]),
        ({"x": ("x/y",)}, [("x", True, "normal")]),
        ({"x": ("x?/y",)}, [("x", True, "normal")]),
        ({"x": (), "f": ("x?/y",)}, [("x", True, "build")]),
        ({"f": ("x/y",)}, [("x", False, "normal")]),
        pytest.param({"f": ("x/y",)}, [("x", False, "dev")], marks=pytest.mark.case(59)),
        ({"f": ("dep:x",)}, [("x", False, "dev"), ("x", True, "normal")]),
        ({"x": ()}, [("x", False, "normal")]),
    ],
)
def test_what_cargo_accepts_has_no_problem(features: Features, dependencies: Dependencies) -> None:
    assert check_features(features, dependencies) == ()


_OPTIONAL: Dependencies = [("x", True, "normal")]
_REQUIRED: Dependencies = [("x", False, "normal")]
_OR_OPTIONAL = "or make the dependency optional."


@pytest.mark.case(25)
@pytest.mark.parametrize(
    ("features", "dependencies", "message"),
    [
        ({"f": ("no",)}, [], "The feature 'f' turns on 'no', but 'no' is neither a feature nor a dependency."),
        ({"f": ("dep:no",)}, [], "The feature 'f' turns on 'dep:no', but 'no' is not a dependency."),
        ({"f": ("no/y",)}, [], "The feature 'f' turns on 'no/y', but 'no' is not a dependency."),
        ({"f": ("no?/y",)}, [], "The feature 'f' turns on 'no?/y', but 'no' is not a dependency."),
        (
            {"f": ("x",)},
            _REQUIRED,
            f"The feature 'f' turns on 'x', but the dependency 'x' is not optional; remove the value, {_OR_OPTIONAL}",
        ),
        (
            {"f": ("dep:x",)},
            _REQUIRED,
            (
                f"The feature 'f' turns on 'dep:x', but the dependency 'x' is not optional; "
                f"remove the value, {_OR_OPTIONAL}"
            ),
        ),
        (
            {"f": ("x?/y",)},
            _REQUIRED,
            f"The feature 'f' turns on 'x?/y', but the dependency 'x' is not optional; remove the '?', {_OR_OPTIONAL}",
        ),
        pytest.param(
            {"f": ("dep:x",), "g": ("x",)},
            _OPTIONAL,
            "The feature 'g' turns on 'x', but the dependency 'x' is no feature, because 'dep:x' is used elsewhere; "
            "write 'dep:x'.",
            marks=pytest.mark.case(24),
        ),
        (
            {"f": ("dep:x/y",)},
            _OPTIONAL,
            "The feature 'f' turns on 'dep:x/y', which has both 'dep:' and '/'; remove 'dep:'.",
        ),
        (
            {"f": ("x/y/z",)},
            _OPTIONAL,
            "The feature 'f' turns on 'x/y/z', which has more than one '/'; write DEPENDENCY/FEATURE.",
        ),
        ({"f": ("",)}, [], f"The feature 'f' turns on '', which {_LACKS}."),
    ],
)
def test_a_value_that_turns_nothing_on_is_named(features: Features, dependencies: Dependencies, message: str) -> None:
    (found,) = check_features(features, dependencies)
    assert (found.rule, found.message, found.place) == (
        "feature-unknown-reference",
        message,
        f"Cargo.toml.features.{list(features)[-1]}",
    )


@pytest.mark.parametrize("features", [{"x": ()}, {"x": ("y",), "y": ()}])
def test_an_optional_dependency_behind_a_feature_of_its_name_is_unreachable(features: Features) -> None:
    (found,) = check_features(features, _OPTIONAL)
    assert found.rule == "feature-dependency-unreachable"
    assert found.message == "No feature turns on the optional dependency 'x', and the feature 'x' takes its place."
    assert found.way_out == "Put 'dep:x' in the list of a feature, or make the dependency not optional."


@pytest.mark.case(26)
def test_an_optional_dev_dependency_is_named() -> None:
    (found,) = check_features({}, [("x", True, "dev")])
    assert (found.rule, found.message) == (
        "optional-dev-dependency",
        "The dev-dependency 'x' is optional, which cargo refuses.",
    )


def test_names_of_features_and_of_optional_dependencies_are_checked() -> None:
    found = check_features({"a/b": ()}, [("c?", True, "normal")])
    assert [(each.rule, each.message, each.way_out) for each in found] == [
        (
            "feature-name-invalid",
            f"The feature name {name!r} has {odd!r} in it.",
            "Use letters, digits, '_', '-', '+' and '.'.",
        )
        for name, odd in [("a/b", "/"), ("c?", "?")]
    ]


def test_every_problem_is_found_at_once() -> None:
    found = check_features({"f": ("no", "dep:no"), "x": (), "": ()}, [("x", True, "normal"), ("y", True, "dev")])
    assert [each.rule for each in found] == [
        "optional-dev-dependency",
        "feature-name-invalid",
        "feature-unknown-reference",
        "feature-unknown-reference",
        "feature-dependency-unreachable",
    ]
