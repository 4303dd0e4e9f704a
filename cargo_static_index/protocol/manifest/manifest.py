"""The normalised Cargo.toml of a packaged crate, and the index line it gives (cargo's book: "The Manifest Format").

The model is what cargo reads of a *downloaded* crate's manifest, not what an author may write.
"""

from collections.abc import Collection, Iterator
from operator import attrgetter

from msgspec import Struct

from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.diagnostics.problems import Problem
from cargo_static_index.protocol.features import split_features
from cargo_static_index.protocol.index_entry import Dependency, Entry, sort_dependencies
from cargo_static_index.protocol.manifest.checks import find_refusals
from cargo_static_index.protocol.manifest.dependencies import ManifestDependency, read_dependencies
from cargo_static_index.protocol.manifest.package import Package, read_edition, read_package, trimmed
from cargo_static_index.protocol.manifest.profiles import as_table
from cargo_static_index.protocol.manifest.schema import check_tables
from cargo_static_index.protocol.manifest.targets import find_targets, is_proc_macro
from cargo_static_index.protocol.manifest.toml import (
    Table,
    fault,
    inherited,
    is_moment,
    join_path,
    read_table,
    read_toml,
    without_moments,
    wrong_type,
)
from cargo_static_index.protocol.registries import Home, registry_in_line

READMES = ("README.md", "README.txt", "README")
"""The names that cargo tries, in its order, where `readme` is not given (`DEFAULT_README_FILES`)."""


_LISTS = ("authors", "keywords", "categories", "bins")
_TEXTS = (
    "description", "homepage", "documentation", "repository", "license", "license_file", "readme", "links", "lib",
)  # fmt: skip
_lists, _texts = attrgetter(*_LISTS), attrgetter(*_TEXTS)


class Manifest(Struct, frozen=True, kw_only=True):
    """What cargo, crates.io and people want to know of a packaged manifest (cargo's book: "The Manifest Format").

    `name` is a crate's name, `version` SemVer, `rust_version` one to three numbers with dots between. What the
    manifest does not say is None or empty; `features` are as stated, in the manifest's order.
    """

    name: str
    version: str
    edition: str
    rust_version: str | None
    links: str | None
    authors: tuple[str, ...]
    description: str | None
    homepage: str | None
    documentation: str | None
    repository: str | None
    license: str | None
    license_file: str | None
    readme: str | None
    """Path inside the package, as stated or as cargo finds it; None where it says `false`, or none is there."""
    keywords: tuple[str, ...]
    categories: tuple[str, ...]
    publish: tuple[str, ...] | None
    """Registries that may hold it: None any, `()` none."""
    dependencies: tuple[ManifestDependency, ...]
    features: dict[str, tuple[str, ...]]
    lib: str | None
    """The library's name in code, None without a library."""
    proc_macro: bool
    bins: tuple[str, ...]


def read_manifest(
    content: bytes, files: Collection[str], *, max_dependencies: int, max_features: int, max_entries: int, max_text: int
) -> tuple[Manifest | None, tuple[Problem, ...]]:
    """Read a Cargo.toml and give every problem found in it; there is no manifest only where it has no name or version.

    `files` are the paths below the package's directory: what a manifest leaves to discovery depends on them.
    """
    problems: list[Problem] = []
    root = read_toml(content, problems)
    if root is None:
        return None, tuple(problems)
    manifest = _read(root, files, problems)
    if manifest is not None:
        problems.extend(_beyond_limits(manifest, max_dependencies, max_features))
        problems.extend(_too_long(manifest, max_entries, max_text, len(content)))
    return manifest, tuple(problems)


def _read(root: Table, files: Collection[str], problems: list[Problem]) -> Manifest | None:
    root = _as_serde(root)
    package = read_package(root, problems)
    edition = read_edition(root, package.edition, problems)
    dependencies = read_dependencies(root, edition, problems)
    features = _read_features(root, problems)
    lints = root.get("lints")
    if isinstance(lints, dict) and "workspace" in lints:
        problems.append(inherited("lints"))
    problems.extend(check_tables(root, package))
    targets = find_targets(root, package, edition, files, problems)
    if package.name is None or package.version is None:
        return None
    problems.extend(find_refusals(package, edition, targets, files))
    return Manifest(
        name=package.name,
        version=trimmed(package.version),
        edition=package.edition or "2015",
        rust_version=package.rust_version,
        links=package.links,
        authors=package.authors or (),
        description=package.description,
        homepage=package.homepage,
        documentation=package.documentation,
        repository=package.repository,
        license=package.license,
        license_file=package.license_file,
        readme=_readme(package, files),
        keywords=package.keywords or (),
        categories=package.categories or (),
        publish=_publish(package),
        dependencies=dependencies,
        features=features,
        lib=targets.lib_name,
        proc_macro=targets.lib is not None and is_proc_macro(targets.lib),
        bins=targets.bin_names,
    )


_LOOKED_INTO = ("patch", "replace", "workspace")
"""Tables in which more is looked at than types; `cargo package` leaves all of them out."""


def _as_serde(root: Table) -> Table:
    """Put tables where serde with cargo's types finds them: in dates, and in arrays of the fields of some structs."""
    found = {key: without_moments(value) for key, value in root.items() if key in _LOOKED_INTO or is_moment(value)}
    profiles, hints = root.get("profile"), root.get("hints")
    if isinstance(profiles, dict):
        found["profile"] = {name: as_table(profile) for name, profile in profiles.items()}
    if isinstance(hints, list) and hints:
        found["hints"] = {"mostly-unused": hints[0]}
    return {**root, **found} if found else root


def _read_features(root: Table, problems: list[Problem]) -> dict[str, tuple[str, ...]]:
    features: dict[str, tuple[str, ...]] = {}
    for name, values in read_table(root, "features", "", problems).items():
        if isinstance(values, list) and all(isinstance(value, str) for value in values):
            features[name] = tuple(values)
        else:
            problems.append(wrong_type(values, join_path("features", name), "a list of strings"))
    return features


def _readme(package: Package, files: Collection[str]) -> str | None:
    """Give the README's path as cargo's `normalize_package_readme` does: stated, or the first of the usual names."""
    if isinstance(package.readme, str):
        return package.readme.removeprefix("./")
    if package.readme is None:
        return next((name for name in READMES if name in files), None)
    return READMES[0] if package.readme else None


def _publish(package: Package) -> tuple[str, ...] | None:
    if isinstance(package.publish, tuple):
        return package.publish
    return () if package.publish is False else None


def _beyond_limits(manifest: Manifest, max_dependencies: int, max_features: int) -> Iterator[Problem]:
    """Report more dependencies, features or values of one feature than crates.io's limits, or those set, allow."""
    count = len(manifest.dependencies)
    if count > max_dependencies:
        message = f"The manifest has {count} dependencies; the limit is {max_dependencies}."
        yield fault("too-many-dependencies", message, "dependencies")
    if len(manifest.features) > max_features:
        message = f"The manifest has {len(manifest.features)} features; the limit is {max_features}."
        yield fault("too-many-features", message, "features")
    for name, values in manifest.features.items():
        if len(values) > max_features:
            message = f"The feature {quote(name)} turns on {len(values)} others; the limit is {max_features}."
            yield fault("too-many-features", message, join_path("features", name))


def _too_long(manifest: Manifest, max_entries: int, max_text: int, size: int) -> Iterator[Problem]:
    """Report lists of more entries, and texts of more characters, than a page or a line should have to hold."""
    # No text of a manifest is longer than the manifest, of so many bytes; only programs are named after files.
    if size > max_text or manifest.bins or max(map(len, _lists(manifest))) > max_entries:
        yield from _too_long_fields(manifest, max_entries, max_text)
    targets = sum(len(dependency.target) for dependency in manifest.dependencies if dependency.target)
    if targets > max_text:
        message = f"The dependencies' targets have {targets} characters together; the limit is {max_text}."
        yield fault("field-too-long", message, "target")


def _too_long_fields(manifest: Manifest, max_entries: int, max_text: int) -> Iterator[Problem]:
    texts_alone = [(text,) if text else () for text in _texts(manifest)]
    for key, texts in zip((*_LISTS, *_TEXTS), (*_lists(manifest), *texts_alone), strict=True):
        if not texts:
            continue
        if len(texts) > max_entries:
            message = f"`{key}` has {len(texts)} entries; the limit is {max_entries}."
            yield fault("field-too-long", message, key)
        longest = max(map(len, texts))
        if longest > max_text:
            name = key.replace("_", "-")
            yield fault("field-too-long", f"`{name}` has {longest} characters; the limit is {max_text}.", name)


def entry_of(manifest: Manifest, *, cksum: str, home: Home, pubtime: str | None = None) -> Entry:
    """Give the index line of a release, in the form that crates.io writes, with the registries that `home` sees.

    `cksum` is the archive's SHA-256 in lower-case hex, `pubtime` UTC as `YYYY-MM-DDTHH:MM:SSZ`; both stand as given.
    Raises InvalidConfig where a dependency's index URL is none: `check_crate` gives no metadata of such a crate.
    """
    features, features2 = split_features(manifest.features)
    return Entry(
        name=manifest.name,
        vers=manifest.version,
        deps=sort_dependencies(_line_dependency(dep, home) for dep in manifest.dependencies),
        cksum=cksum,
        features=features,
        features2=features2 or None,
        yanked=False,
        links=manifest.links,
        rust_version=manifest.rust_version,
        pubtime=pubtime,
        v=2 if features2 else None,
    )


def _line_dependency(stated: ManifestDependency, home: Home) -> Dependency:
    return Dependency(
        name=stated.name,
        req=stated.req,
        features=stated.features,
        optional=stated.optional,
        default_features=stated.default_features,
        target=stated.target,
        kind=stated.kind,
        registry=registry_in_line(stated.registry_index, home),
        package=stated.package,
    )
