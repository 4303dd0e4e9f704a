"""The features that a page shows: all that a dependent may name, and what `default` reaches."""

from cargo_static_index.protocol.index_entry import parse_entry
from cargo_static_index.site.features import FeatureView, feature_views

LINE = b"""{"name":"foo","vers":"1.0.0","deps":[
{"name":"serde","req":"^1","features":[],"optional":true,"default_features":true,"target":null,"kind":"normal"},
{"name":"rand","req":"^1","features":[],"optional":true,"default_features":true,"target":null,"kind":"normal"},
{"name":"hidden","req":"^1","features":[],"optional":true,"default_features":true,"target":null,"kind":"normal"},
{"name":"always","req":"^1","features":[],"optional":false,"default_features":true,"target":null,"kind":"normal"}],
"cksum":"0000000000000000000000000000000000000000000000000000000000000000","v":2,
"features":{"default":["std"],"std":["alloc","rand/std","serde?/std"],"alloc":[],"other":["alloc"]},
"features2":{"uses":["dep:hidden"]},"yanked":false}""".replace(b"\n", b"")


def test_optional_dependencies_are_features_unless_one_names_them_with_dep() -> None:
    features = {feature.name: feature for feature in feature_views(parse_entry(LINE))}
    assert list(features) == ["default", "alloc", "other", "rand", "serde", "std", "uses"]
    assert features["serde"] == FeatureView(name="serde", enables=("dep:serde",), default=False, optional=True)
    assert features["uses"].enables == ("dep:hidden",)
    assert not features["uses"].optional


def test_default_reaches_what_its_features_turn_on_and_not_what_they_only_add_to() -> None:
    reached = [feature.name for feature in feature_views(parse_entry(LINE)) if feature.default]
    assert reached == ["default", "alloc", "rand", "std"]
