"""The features of a release as a dependent sees them: all that it may name, and what `default` turns on.

As cargo reads them (src/cargo/core/summary.rs, `build_feature_map`; core/resolver/features.rs, `activate_fv`).
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from cargo_static_index.protocol.index_entry import Entry
from cargo_static_index.site.crate_document import features_of


class FeatureView(Struct, frozen=True, kw_only=True):
    """A feature and what it turns on; `optional` where it is there only because a dependency is optional."""

    name: str
    enables: tuple[str, ...]
    more: int = 0
    """Values that are not shown."""
    default: bool
    optional: bool


def feature_views(entry: Entry, most: int = 1000) -> tuple[FeatureView, ...]:
    """Give all features that a dependent may name, `default` first, then by name, each with `most` of its values."""
    features = {name: tuple(values) for name, values in features_of(entry).items()}
    implicit = {name: (f"dep:{name}",) for name in _implicit(entry, features)}
    every = {**features, **implicit}
    reached = frozenset(_reached(every))
    return tuple(
        FeatureView(
            name=name,
            enables=every[name][:most],
            more=max(0, len(every[name]) - most),
            default=name in reached,
            optional=name in implicit,
        )
        for name in sorted(every, key=lambda name: (name != "default", name))
    )


def _implicit(entry: Entry, features: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Give the optional dependencies that are features too: no feature has their name, and no value says `dep:`."""
    named = {value for values in features.values() for value in values}
    for dependency in entry.deps:
        if dependency.optional and dependency.name not in features and f"dep:{dependency.name}" not in named:
            yield dependency.name


def _reached(features: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Give the features that `default` turns on, through others too."""
    waiting, seen = ["default"], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in features:
            continue
        seen.add(name)
        yield name
        waiting += [found for value in features[name] if (found := _turned_on(value))]


def _turned_on(value: str) -> str:
    """Give the feature that a value turns on, or "": `NAME/FEATURE` turns on the one that is called as its dependency.

    `dep:NAME` turns on the dependency alone, and `NAME?/FEATURE` not even that.
    """
    dependency, slash, _ = value.partition("/")
    if slash:
        return "" if dependency.endswith("?") else dependency
    return "" if value.startswith("dep:") else value
