"""Features: their names, what their lists turn on, and how a line splits them (cargo's book: "Features").

The client's rules are those of cargo's src/workspace/summary.rs (`Summary::new`, `build_feature_map`);
the split is crates.io's (crates/crates_io_index/src/features.rs).
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidFeature
from cargo_static_index.diagnostics.problems import Problem, problem

Features = Mapping[str, tuple[str, ...]]

# crates.io gives up after as many rounds, which only a chain of more than a hundred features notices.
_SPLIT_ROUNDS = 100

PLAIN_FEATURE = pattern(r"[A-Za-z0-9_][A-Za-z0-9_+.-]*")
"""The names of nearly all features; those with letters of other scripts need a closer look."""
_DIGITS = frozenset("0123456789")
_BEYOND_XID = str.maketrans("", "", "-+.")


class FeatureValue(Struct, frozen=True, kw_only=True):
    """What one value of a feature's list turns on.

    `NAME` is a feature alone, `dep:NAME` a dependency alone, `NAME/FEATURE` a feature of a dependency;
    `weak` is the `?` of `NAME?/FEATURE`, which does not turn the dependency on.
    """

    feature: str | None = None
    dependency: str | None = None
    weak: bool = False


def parse_feature_name(text: str) -> str:
    """Give the name, or raise InvalidFeature (cargo-util-schemas: restricted_names.rs, `validate_feature_name`).

    Letters are those of Unicode as this Python knows it: some newer scripts are refused that the newest cargo accepts.
    """
    if PLAIN_FEATURE.fullmatch(text):
        return text
    if not text:
        raise InvalidFeature("a feature's name is empty; give it one")
    first = text[0]
    # isidentifier() is XID_Start or `_` for one character, and XID_Continue for those behind another.
    if not (first.isidentifier() or first in _DIGITS):
        raise InvalidFeature(f"the feature name {text!r} starts with {first!r}; start it with a letter, a digit or '_'")
    for char in text.translate(_BEYOND_XID):
        if not f"_{char}".isidentifier():
            raise InvalidFeature(
                f"the feature name {text!r} has {char!r} in it; use letters, digits, '_', '-', '+' and '.'"
            )
    return text


def is_feature_name(text: str) -> bool:
    """Whether `parse_feature_name` takes the text."""
    try:
        return bool(parse_feature_name(text))
    except InvalidFeature:
        return False


def parse_feature_value(text: str) -> FeatureValue:
    """Read one value of a feature's list, or raise InvalidFeature. Whether what it names exists is not asked here."""
    value = _read(text)
    fault = _fault(value)
    if fault:
        raise InvalidFeature(f"the feature value {text!r} {fault}")
    return value


def _read(text: str) -> FeatureValue:
    """Take a value apart as cargo does, which refuses nothing here."""
    dependency, slash, feature = text.partition("/")
    if slash:
        name = dependency.removesuffix("?")
        return FeatureValue(dependency=name, feature=feature, weak=name != dependency)
    if text.startswith("dep:"):
        return FeatureValue(dependency=text[4:])
    return FeatureValue(feature=text)


def _fault(value: FeatureValue) -> str:
    """Say what is wrong with the value itself, or nothing."""
    if value.dependency is not None and value.feature is not None:
        if "/" in value.feature:
            return "has more than one '/'; write DEPENDENCY/FEATURE"
        if value.dependency.startswith("dep:"):
            return "has both 'dep:' and '/'; remove 'dep:'"
        if value.feature and not is_feature_name(value.feature):
            return f"names {value.feature!r}, which no crate can have as a feature"
    if value.feature == "" or value.dependency == "":
        return "lacks a name; write FEATURE, dep:DEPENDENCY, DEPENDENCY/FEATURE or DEPENDENCY?/FEATURE"
    return ""


def split_features(features: Features) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Give what a line says in `features` and in `features2`: both sorted by name, values in the manifest's order.

    `features2` has what cargo before 1.60 cannot read (`dep:x`, `x?/y`), and all that turns such a feature on.
    """
    old, new = dict(sorted(features.items())), {}
    moving = {name for name, values in old.items() for text in values if text.startswith("dep:") or "?/" in text}
    for _ in range(_SPLIT_ROUNDS + 1):
        if not moving:
            break
        for name in moving:
            new[name] = old.pop(name)
        moving = {name for name, values in old.items() if not new.keys().isdisjoint(values)}
    return old, dict(sorted(new.items()))


def check_features(features: Features, dependencies: Iterable[tuple[str, bool, str]]) -> tuple[Problem, ...]:
    """Find everything for which cargo would call a line with these features and dependencies invalid.

    `dependencies` are (name, optional, kind), where the name is the alias of one that is renamed.
    """
    optional: dict[str, bool] = {}
    problems: list[Problem] = []
    for name, may_be_off, kind in dependencies:
        optional[name] = optional.get(name, False) or may_be_off
        if may_be_off and kind == "dev":
            problems.append(_optional_dev_dependency(name))
    if not any(optional.values()) and _is_closed(features):
        return tuple(problems)
    values = {feature: [(text, _read(text)) for text in texts] for feature, texts in features.items()}
    named = {value.dependency for enabled in values.values() for _, value in enabled if value.feature is None}
    implicit = {name for name, off in optional.items() if off and name not in features and name not in named}
    problems += _check_names(features, implicit)
    for feature, enabled in values.items():
        for text, value in enabled:
            sentence = _wrong(value, features, optional, implicit)
            if sentence:
                message = f"The feature {feature!r} turns on {text!r}, {sentence}"
                problems.append(problem("feature-unknown-reference", message, place=f"Cargo.toml.features.{feature}"))
    used = {(value.dependency or "").removeprefix("dep:") for enabled in values.values() for _, value in enabled}
    problems += _check_reach(optional, implicit | used)
    return tuple(problems)


def _is_closed(features: Features) -> bool:
    """Whether features only turn on each other, and have plain names: then there is nothing to be wrong."""
    return all(map(PLAIN_FEATURE.fullmatch, features)) and features.keys() >= {
        text for texts in features.values() for text in texts
    }


def _optional_dev_dependency(name: str) -> Problem:
    message = f"The dev-dependency {name!r} is optional, which cargo refuses."
    return problem("optional-dev-dependency", message, place=f"Cargo.toml.dev-dependencies.{name}")


def _check_names(features: Iterable[str], implicit: Iterable[str]) -> Iterator[Problem]:
    """Check the names of features, and of the features that optional dependencies are by themselves."""
    for feature in (*features, *sorted(implicit)):
        try:
            parse_feature_name(feature)
        except InvalidFeature as error:
            sentence, _, way_out = str(error).partition("; ")
            yield problem(
                "feature-name-invalid",
                f"{sentence[0].upper()}{sentence[1:]}.",
                place=f"Cargo.toml.features.{feature}",
                way_out=f"{way_out[0].upper()}{way_out[1:]}.",
            )


def _wrong(value: FeatureValue, features: Features, optional: Mapping[str, bool], implicit: set[str]) -> str:
    """Say what is wrong with one value, as the end of a sentence, or nothing."""
    fault = _fault(value)
    if fault:
        return f"which {fault}."
    if value.dependency is None:
        name = value.feature or ""
        return "" if name in features or name in implicit else _wrong_feature(name, optional)
    name = value.dependency
    if name not in optional:
        return f"but {name!r} is not a dependency."
    if not optional[name] and (value.feature is None or value.weak):
        cure = "remove the '?'" if value.weak else "remove the value"
        return f"but the dependency {name!r} is not optional; {cure}, or make the dependency optional."
    return ""


def _wrong_feature(name: str, optional: Mapping[str, bool]) -> str:
    """Say why a plain name turns nothing on."""
    if name not in optional:
        return f"but {name!r} is neither a feature nor a dependency."
    if optional[name]:
        return f"but the dependency {name!r} is no feature, because 'dep:{name}' is used elsewhere; write 'dep:{name}'."
    return f"but the dependency {name!r} is not optional; remove the value, or make the dependency optional."


def _check_reach(optional: Mapping[str, bool], used: set[str]) -> Iterator[Problem]:
    """Check that every optional dependency can be turned on: only a feature of its name takes its own one away."""
    for name, off in optional.items():
        if off and name not in used:
            yield problem(
                "feature-dependency-unreachable",
                f"No feature turns on the optional dependency {name!r}, and the feature {name!r} takes its place.",
                place=f"Cargo.toml.features.{name}",
                way_out=f"Put 'dep:{name}' in the list of a feature, or make the dependency not optional.",
            )
