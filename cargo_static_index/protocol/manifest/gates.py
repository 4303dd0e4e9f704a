"""What only nightly cargo reads: the features that `cargo-features` turns on (cargo: src/cargo/core/features.rs).

Not to be confused with the features of the crate.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from operator import attrgetter

from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.diagnostics.problems import Problem
from cargo_static_index.protocol.manifest.package import Package
from cargo_static_index.protocol.manifest.profiles import layers
from cargo_static_index.protocol.manifest.toml import Table, fault

STABLE = frozenset(
    (
        "test-dummy-stable alternative-registries edition rename-dependency profile-overrides "
        "default-run named-profiles resolver strip rust-version edition2021 "
        "workspace-inheritance edition2024"
    ).split()
)
UNSTABLE = frozenset(
    (
        "test-dummy-unstable metabuild public-dependency per-package-target codegen-backend "
        "different-binary-name profile-rustflags trim-paths open-namespaces path-bases "
        "unstable-editions multiple-build-scripts panic-immediate-abort"
    ).split()
)
REMOVED: Mapping[str, str] = {"publish-lockfile": "1.37"}
"""With the cargo that no longer knows it."""

OF_PROFILES = (("codegen-backend", "codegen-backend"), ("rustflags", "profile-rustflags"), ("trim-paths", "trim-paths"))
OF_PACKAGE = (
    ("im-a-teapot", "test-dummy-unstable"),
    ("default-target", "per-package-target"),
    ("forced-target", "per-package-target"),
    ("metabuild", "metabuild"),
)
"""Keys, and the feature that each needs."""
_unusual = attrgetter(*(key.replace("-", "_") for key, _ in OF_PACKAGE))
_USUAL = (None,) * len(OF_PACKAGE)


def check_gates(root: Table, package: Package) -> Iterator[Problem]:
    """Find the keys that stable cargo refuses, and names in `cargo-features` that it does, or that ask for nightly."""
    named = root.get("cargo-features")
    names = Counter(name for name in named if isinstance(name, str)) if isinstance(named, list) else {}
    if names:
        yield from _check_names(names)
    gated = list(_of_package(package))
    if "bin" in root:
        gated += _of_bins(root["bin"])
    if "profile" in root:
        gated += _of_profiles(root["profile"])
    for path, feature in gated:
        if feature not in names:
            message = f"`{path}` works with nightly cargo only, and with `{feature}` in `cargo-features`."
            yield fault("manifest-unusable", message, path)


def _check_names(names: Mapping[str, int]) -> Iterator[Problem]:
    place = "cargo-features"
    for name, count in names.items():
        if count > 1:
            yield fault("manifest-unusable", f"`cargo-features` names {quote(name)} more than once.", place)
        if name in REMOVED:
            message = f"`cargo-features` names {quote(name)}, which is gone since cargo {REMOVED[name]}."
            yield fault("manifest-unusable", message, place)
        elif name in UNSTABLE:
            yield fault("manifest-nightly", f"`cargo-features` names {quote(name)}, which is for nightly cargo.", place)
        elif name not in STABLE:
            yield fault("manifest-unusable", f"`cargo-features` names {quote(name)}, which no cargo knows.", place)


def _of_package(package: Package) -> Iterator[tuple[str, str]]:
    if _unusual(package) != _USUAL:
        stated = zip(OF_PACKAGE, _unusual(package), strict=True)
        yield from ((f"package.{key}", feature) for (key, feature), value in stated if value is not None)
    if isinstance(package.build, tuple):
        yield "package.build", "multiple-build-scripts"


def _of_bins(bins: object) -> Iterator[tuple[str, str]]:
    if isinstance(bins, list) and any(isinstance(target, dict) and "filename" in target for target in bins):
        yield "bin.filename", "different-binary-name"


def _of_profiles(profiles: object) -> Iterator[tuple[str, str]]:
    for path, profile in layers(profiles):
        yield from ((f"{path}.{key}", feature) for key, feature in OF_PROFILES if key in profile)
        if profile.get("panic") == "immediate-abort":
            yield f"{path}.panic", "panic-immediate-abort"
