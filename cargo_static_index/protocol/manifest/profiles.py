"""What cargo refuses of `[profile]` whose fields have their types (cargo's book: "Profiles").

The rules are those of cargo's src/cargo/util/toml/mod.rs (`validate_profile`) and of `validate_profile_name` in
cargo-util-schemas.
"""

from collections.abc import Iterator

from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.diagnostics.problems import Problem
from cargo_static_index.protocol.manifest.toml import Table, fault, join_path
from cargo_static_index.protocol.package_spec import parse_package_spec

RESERVED = frozenset(
    (
        "debug build-override build check clean config fetch fix install metadata "
        "package publish report root run rust rustc rustdoc target tmp uninstall"
    ).split()
)
PANICS = ("unwind", "abort", "immediate-abort")
NOT_IN_OVERRIDES = ("package", "build-override", "panic", "lto", "rpath")


FIELDS = tuple(
    (
        "opt-level lto codegen-backend codegen-units debug split-debuginfo debug-assertions rpath "
        "panic overflow-checks incremental dir-name inherits strip rustflags package "
        "build-override trim-paths hint-mostly-unused"
    ).split()
)
"""The fields of cargo's `TomlProfile`, in their order."""


def as_table(profile: object) -> object:
    """Give a profile as a table, which cargo also reads of an array: its elements are the values of the fields.

    So does serde with every struct whose fields all have a default.
    """
    table = dict(zip(FIELDS, profile, strict=False)) if isinstance(profile, list) else profile
    if not isinstance(table, dict):
        return table
    packages = table.get("package")
    if isinstance(packages, dict):
        table = {**table, "package": {spec: as_table(own) for spec, own in packages.items()}}
    return {**table, "build-override": as_table(table["build-override"])} if "build-override" in table else table


def check_profiles(profiles: object) -> Iterator[Problem]:
    """Find all for which cargo would refuse the profiles; what is no table is told elsewhere."""
    if not isinstance(profiles, dict):
        return
    for name, profile in profiles.items():
        path = join_path("profile", name)
        yield from _check_name(name, path)
        if isinstance(profile, dict):
            yield from _check_profile(profile, path)
    for path, profile in layers(profiles):
        if profile.get("panic", "unwind") not in PANICS:
            message = f"`{path}.panic` is {quote(profile['panic'])}; cargo knows 'unwind' and 'abort'."
            yield fault("manifest-unusable", message, f"{path}.panic")


def layers(profiles: object) -> Iterator[tuple[str, Table]]:
    """Give path and table of each profile, and of what a profile says of build scripts and of single packages."""
    if not isinstance(profiles, dict):
        return
    for name, profile in profiles.items():
        if isinstance(profile, dict):
            yield join_path("profile", name), profile
            yield from _overrides(profile, join_path("profile", name))


def _overrides(profile: Table, path: str) -> Iterator[tuple[str, Table]]:
    override, packages = profile.get("build-override"), profile.get("package")
    if isinstance(override, dict):
        yield f"{path}.build-override", override
    if isinstance(packages, dict):
        for spec, table in packages.items():
            if isinstance(table, dict):
                yield join_path(f"{path}.package", spec), table


def _check_name(name: str, path: str) -> Iterator[Problem]:
    if not all(character.isalnum() or character in "_-" for character in name):
        message = f"The name {quote(name)} of a profile may have letters, digits, '_' and '-' only."
        yield fault("manifest-unusable", message, path)
    elif name.lower() in RESERVED or name.lower().startswith("cargo"):
        yield fault("manifest-unusable", f"The name {quote(name)} of a profile is one that cargo keeps.", path)


def _check_profile(profile: Table, path: str) -> Iterator[Problem]:
    if "dir-name" in profile:
        yield fault("manifest-unusable", f"`{path}.dir-name` is not allowed.", f"{path}.dir-name")
    if profile.get("inherits") == "debug":
        message = f"`{path}.inherits` is 'debug'; the profile is called 'dev'."
        yield fault("manifest-unusable", message, f"{path}.inherits")
    if profile.get("lto") in ("true", "false"):
        message = f"`{path}.lto` is the text {quote(profile['lto'])}; write it without quotes."
        yield fault("manifest-unusable", message, f"{path}.lto")
    for override, table in _overrides(profile, path):
        for key in NOT_IN_OVERRIDES:
            if key in table:
                message = f"`{override}` has `{key}`, which cargo takes for whole profiles only."
                yield fault("manifest-unusable", message, f"{override}.{key}")
    packages = profile.get("package")
    if isinstance(packages, dict):
        yield from _check_specs(packages, f"{path}.package")


def _check_specs(packages: Table, path: str) -> Iterator[Problem]:
    for spec in packages:
        try:
            if spec != "*":
                parse_package_spec(spec)
        except InvalidInput as error:
            yield fault("manifest-unusable", f"`{join_path(path, spec)}`: {error}.", join_path(path, spec))
