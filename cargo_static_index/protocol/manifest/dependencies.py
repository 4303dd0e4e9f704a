"""The dependencies of a packaged manifest (cargo's book: "Specifying Dependencies").

What is refused is what cargo's `dep_to_dependency` (src/cargo/util/toml/mod.rs) refuses of a downloaded crate,
and what an index line could not say, or would say of another crate than the one that was meant.
"""

from collections.abc import Iterator
from functools import lru_cache
from operator import attrgetter
from typing import TypeVar

from msgspec import Struct, field

from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.diagnostics.problems import Problem
from cargo_static_index.protocol.features import PLAIN_FEATURE, is_feature_name
from cargo_static_index.protocol.index_entry import DependencyKind
from cargo_static_index.protocol.manifest.toml import (
    Table,
    check_text,
    fault,
    inherited,
    join_path,
    read_fields,
    read_hyphened,
    read_table,
    wrong_type,
)
from cargo_static_index.protocol.names import parse_crate_name, parse_dependency_name
from cargo_static_index.protocol.package_spec import is_url
from cargo_static_index.protocol.platform import parse_target
from cargo_static_index.protocol.registries import CRATES_IO, comes_from_crates_io, normalise_index_url
from cargo_static_index.protocol.semver import parse_requirement

T = TypeVar("T")

_KINDS: tuple[tuple[str, DependencyKind], ...] = (
    ("dependencies", "normal"),
    ("dev-dependencies", "dev"),
    ("build-dependencies", "build"),
)
_FROM_ITS_REGISTRY = (None,) * 6
_unusual = attrgetter(
    "registry", "registry_index_old", "base", "git", "branch", "tag", "rev", "artifact", "lib", "target"
)
_USUAL = (None,) * 10
"""What `_unusual` gives of nearly all dependencies: nothing that needs a look."""


class ManifestDependency(Struct, frozen=True, kw_only=True):
    """One dependency as the manifest states it. `registry_index` is an index URL, None for crates.io."""

    name: str
    """The key in the table: the alias where `package` is given."""
    req: str
    """The requirement as the `semver` crate prints it (`^1`, `>=1, <2`)."""
    features: tuple[str, ...]
    optional: bool
    default_features: bool
    target: str | None
    kind: DependencyKind
    registry_index: str | None
    package: str | None


class Detail(Struct, frozen=True, kw_only=True, rename="kebab"):
    """What cargo's `TomlDetailedDependency` reads, and crates.io's other spelling of `registry-index`."""

    version: str | None = None
    registry_index: str | None = None
    registry_index_old: str | None = field(name="registry_index", default=None)
    registry: str | None = None
    path: str | None = None
    base: str | None = None
    git: str | None = None
    branch: str | None = None
    tag: str | None = None
    rev: str | None = None
    features: tuple[str, ...] | None = None
    optional: bool | None = None
    default_features: bool | None = None
    default_features_old: bool | None = field(name="default_features", default=None)
    package: str | None = None
    public: bool | None = None
    artifact: str | tuple[str, ...] | None = None
    lib: bool | None = None
    target: str | None = None


class _Place(Struct, frozen=True):
    """Where a dependency stands, which prints as its path, and what its table says of it."""

    within: str
    name: str
    kind: DependencyKind
    target: str | None

    def __str__(self) -> str:
        return join_path(self.within, self.name)


def read_dependencies(root: Table, edition: str, problems: list[Problem]) -> tuple[ManifestDependency, ...]:
    """Read the tables at the root and under `[target.…]`, in the manifest's order; those without sense are left out."""
    found = list(_read_tables(root, None, "", edition, problems))
    for target, table in read_table(root, "target", "", problems).items():
        path = join_path("target", target)
        check_text("target-invalid", parse_target, target, path, problems)
        if isinstance(table, dict):
            found += _read_tables(table, target, path, edition, problems)
        else:
            problems.append(wrong_type(table, path, "a table"))
    if any(dep.registry_index is not None for dep in found):
        problems.extend(_check_one_source(found))
    return tuple(found)


def _check_one_source(dependencies: list[ManifestDependency]) -> Iterator[Problem]:
    """Report a name that stands for crates of two registries, be it in tables of two kinds or targets."""
    sources: dict[str, str] = {}
    for dep in dependencies:
        try:
            crates_io = comes_from_crates_io(dep.registry_index)
            source = normalise_index_url(CRATES_IO if crates_io else dep.registry_index or CRATES_IO)
        except InvalidInput:
            continue  # no registry at all, which is told elsewhere
        if sources.setdefault(dep.name, source) != source:
            message = f"The dependency {quote(dep.name)} comes from two registries: {sources[dep.name]} and {source}."
            yield fault("manifest-unusable", message, "dependencies")


def _read_tables(
    table: Table, target: str | None, within: str, edition: str, problems: list[Problem]
) -> Iterator[ManifestDependency]:
    for key, kind in _KINDS:
        value = table.get(key) if kind == "normal" else read_hyphened(table, key, edition, within, problems)
        if value is None:
            continue
        path = join_path(within, key)
        if not isinstance(value, dict):
            problems.append(wrong_type(value, path, "a table"))
            continue
        for name, stated in value.items():
            dependency = _read_dependency(stated, _Place(path, name, kind, target), edition, problems)
            if dependency is not None:
                yield dependency


def _read_dependency(value: object, place: _Place, edition: str, problems: list[Problem]) -> ManifestDependency | None:
    if isinstance(value, str):
        stated = Detail(version=value)
    elif not isinstance(value, dict):
        problems.append(wrong_type(value, str(place), "a version requirement or a table"))
        return None
    elif "workspace" in value:
        problems.append(inherited(str(place)))
        return None
    else:
        stated = read_fields(Detail, value, place, problems)
        if stated.default_features_old is not None:
            read_hyphened(value, "default-features", edition, str(place), problems)
        if _unusual(stated) != _USUAL or not all(map(PLAIN_FEATURE.fullmatch, stated.features or ())):
            problems.extend(check_detail(stated, str(place)))
        if stated.version is None and "version" in value:
            return None  # its type is wrong, which is said already
    _check_names(place, stated.package, problems)
    return ManifestDependency(
        name=place.name,
        req=_read_requirement(stated, place, problems),
        features=tuple(filter(None, stated.features or ())),  # crates.io drops empty names
        optional=stated.optional is True,
        default_features=_first(stated.default_features, stated.default_features_old) is not False,
        target=place.target,
        kind=place.kind,
        registry_index=stated.registry_index,
        package=stated.package,
    )


def _first(hyphened: T | None, old: T | None) -> T | None:
    return old if hyphened is None else hyphened


def _check_names(place: _Place, package: str | None, problems: list[Problem]) -> None:
    """Check the crate's name, and the alias it has here if `package` is given."""
    if package is None:
        check_text("dependency-name-invalid", parse_crate_name, place.name, place, problems)
        return
    check_text("dependency-name-invalid", parse_dependency_name, place.name, place, problems)
    check_text("dependency-name-invalid", parse_crate_name, package, f"{place}.package", problems)


def check_detail(stated: Detail, path: str) -> Iterator[Problem]:
    """Report what is written beside the version that would make cargo fail, or take the crate from elsewhere."""
    if stated.registry is not None and stated.registry != "crates-io":
        # Left unread, the dependency would be taken from crates.io: the door of dependency confusion.
        message = f"`{path}.registry` is {quote(stated.registry)}, a name that only its author's cargo knows."
        yield fault("manifest-not-normalised", message, f"{path}.registry")
    if stated.registry_index_old is not None:
        # Read by crates.io, passed over by cargo: what cargo then takes from crates.io came from elsewhere.
        message = f"`{path}.registry_index` is spelled `registry-index`; cargo does not read it."
        yield fault("manifest-shape", message, f"{path}.registry_index")
    if (stated.registry, stated.base, stated.git, stated.branch, stated.tag, stated.rev) != _FROM_ITS_REGISTRY:
        yield from _check_sources(stated, path)
    if stated.artifact is not None:
        message = f"`{path}` asks for the artifact {quote(stated.artifact)}, which stable cargo cannot read."
        yield fault("artifact-dependency", message, f"{path}.artifact")
    elif stated.lib is not None or stated.target is not None:
        key = "target" if stated.lib is None else "lib"
        message = f"`{path}.{key}` stands without `artifact`, which cargo refuses."
        yield fault("manifest-shape", message, f"{path}.{key}")
    for feature in stated.features or ():
        if "/" in feature or feature.startswith("dep:"):
            message = f"`{path}.features` has {quote(feature)}; cargo refuses `/` and `dep:` there."
            yield fault("manifest-shape", message, f"{path}.features")
        elif feature and not is_feature_name(feature):
            message = f"`{path}.features` has {quote(feature)}, which no crate can have as a feature."
            yield fault("feature-name-invalid", message, f"{path}.features")


def _check_sources(stated: Detail, path: str) -> Iterator[Problem]:
    """Report two answers to the question where a dependency comes from, or one that is none."""
    sources = [key for key in ("git", "path", "registry", "registry_index") if getattr(stated, key) is not None]
    if ("git" in sources and len(sources) > 1) or sources[-2:] == ["registry", "registry_index"]:
        keys = " and ".join(f"`{key.replace('_', '-')}`" for key in sources)
        yield fault("manifest-unusable", f"`{path}` has {keys}, which say two things of where it comes from.", path)
    if stated.git is not None and not is_url(stated.git):
        yield fault("manifest-unusable", f"`{path}.git` is {quote(stated.git)}, which is no URL.", f"{path}.git")
    if stated.base is not None:
        message = f"`{path}.base` works with nightly cargo only, and beside `path`."
        yield fault("manifest-unusable", message, f"{path}.base")
    given = [key for key in ("branch", "tag", "rev") if getattr(stated, key) is not None]
    if given and (stated.git is None or len(given) > 1):
        keys = " and ".join(f"`{key}`" for key in given)
        message = f"`{path}` has {keys}, of which there can be one, beside `git`."
        yield fault("manifest-unusable", message, path)


def _read_requirement(stated: Detail, place: _Place, problems: list[Problem]) -> str:
    """Give the requirement as index lines have it, or the text as it stands where a problem says what is wrong.

    Cargo reads a dependency by path or git alone as `*`, and so does crates.io's index, which has some of 2014.
    Cargo before 1.8 left such a dev-dependency in the archive, later cargos leave it out.
    """
    text = stated.version
    if text is None:
        if stated.path is None and stated.git is None:
            message = f"`{place}` has no `version`, `path` or `git`, which cargo refuses."
            problems.append(fault("manifest-unusable", message, place))
            return "*"
        if place.kind != "dev":
            message = f"`{place}` has no `version`, so it would accept every version."
            problems.append(fault("dependency-without-version", message, place))
            return "*"
        text = "*"
    try:
        req = _normalise(text)
    except InvalidInput as error:
        problems.append(fault("requirement-invalid", f"`{place}`: {error}.", place))
        return text
    if req == "*":
        problems.append(fault("wildcard-requirement", f"`{place}` accepts every version.", place))
    return req


@lru_cache(maxsize=4096)
def _normalise(requirement: str) -> str:
    """Give the requirement as the `semver` crate prints it; most crates share a few."""
    return parse_requirement(requirement).format()
