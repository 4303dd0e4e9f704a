"""The tables of a manifest that nothing here uses, but which cargo reads before it goes on.

The types are those of cargo's crates/cargo-util-schemas/src/manifest/mod.rs (`TomlManifest`).
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct, ValidationError, convert

from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.diagnostics.problems import Problem
from cargo_static_index.protocol.manifest.dependencies import Detail
from cargo_static_index.protocol.manifest.gates import check_gates
from cargo_static_index.protocol.manifest.overrides import check_overrides
from cargo_static_index.protocol.manifest.package import Package
from cargo_static_index.protocol.manifest.profiles import check_profiles
from cargo_static_index.protocol.manifest.toml import Table, fault, without_moments

_LintLevel = Literal["forbid", "deny", "warn", "allow"]
Debug = Literal["none", "limited", "full", "line-tables-only", "line-directives-only"]
Trimmed = Literal["diagnostics", "macro", "object"]


class _Lint(Struct, frozen=True, kw_only=True):
    level: _LintLevel
    priority: Annotated[int, Meta(ge=-128, le=127)] = 0


Lints = dict[str, dict[str, _LintLevel | _Lint]]


class _Profile(Struct, frozen=True, kw_only=True, rename="kebab"):
    opt_level: int | Literal["s", "z"] | None = None
    lto: bool | str | None = None
    codegen_backend: str | None = None
    codegen_units: Annotated[int, Meta(ge=0, lt=1 << 32)] | None = None
    debug: bool | Literal[0, 1, 2] | Debug | None = None
    split_debuginfo: str | None = None
    debug_assertions: bool | None = None
    rpath: bool | None = None
    panic: str | None = None
    overflow_checks: bool | None = None
    incremental: bool | None = None
    dir_name: str | None = None
    inherits: str | None = None
    strip: bool | str | None = None
    rustflags: tuple[str, ...] | None = None
    trim_paths: bool | Literal["none", "all"] | Trimmed | tuple[Trimmed, ...] | None = None
    hint_mostly_unused: bool | None = None
    package: dict[str, "_Profile"] | None = None
    build_override: "_Profile | None" = None


class _Inheritable(Struct, frozen=True, kw_only=True, rename="kebab"):
    version: str | None = None
    authors: tuple[str, ...] | None = None
    description: str | None = None
    homepage: str | None = None
    documentation: str | None = None
    readme: str | bool | None = None
    keywords: tuple[str, ...] | None = None
    categories: tuple[str, ...] | None = None
    license: str | None = None
    license_file: str | None = None
    repository: str | None = None
    publish: tuple[str, ...] | bool | None = None
    edition: str | None = None
    badges: dict[str, dict[str, str]] | None = None
    exclude: tuple[str, ...] | None = None
    include: tuple[str, ...] | None = None
    rust_version: str | None = None


class _Workspace(Struct, frozen=True, kw_only=True, rename="kebab"):
    members: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    default_members: tuple[str, ...] | None = None
    resolver: str | None = None
    package: _Inheritable | None = None
    dependencies: dict[str, str | Detail] | None = None
    lints: Lints | None = None


_TABLES: Mapping[str, tuple[object, str]] = {
    "cargo-features": (tuple[str, ...], "a list of strings"),
    "badges": (dict[str, dict[str, str]], "tables of strings"),
    "lints": (Lints, "tables of lints, each with a level"),
    "profile": (dict[str, _Profile], "tables of the settings of profiles"),
    "patch": (dict[str, dict[str, str | Detail]], "tables of dependencies"),
    "replace": (dict[str, str | Detail], "a table of dependencies"),
    "workspace": (_Workspace, "a table of what a workspace shares"),
    "hints": (dict[str, object], "a table"),
}
_TOOLS = ("cargo", "clippy", "rust", "rustdoc")
"""The tools whose lints cargo looks at."""


def check_tables(root: Table, package: Package) -> Iterator[Problem]:
    """Find all for which cargo would refuse what nothing here uses: other types, and what they may not say."""
    yield from check_gates(root, package)
    if root.keys().isdisjoint(_TABLES):
        return
    for key, (type_, expected) in _TABLES.items():
        if key in root:
            yield from _check_type(key, root[key], type_, expected)
    yield from check_profiles(root.get("profile"))
    yield from check_overrides(root, package)
    workspace = root.get("workspace")
    for path, lints in (
        ("lints", root.get("lints")),
        ("workspace.lints", workspace.get("lints") if isinstance(workspace, dict) else None),
    ):
        yield from _check_lints(lints, path)


def _check_type(key: str, value: object, type_: object, expected: str) -> Iterator[Problem]:
    if key == "lints" and isinstance(value, dict) and "workspace" in value:
        return  # inherited, which is told as that
    try:
        convert(value, type_)
    except ValidationError:
        try:
            convert(without_moments(value), type_)
        except ValidationError as error:
            where = str(error).partition("at `$")[2].rstrip("`")
            yield fault("manifest-shape", f"`{key}` is {quote(value)}, where cargo reads {expected}.", f"{key}{where}")


def _check_lints(lints: object, path: str) -> Iterator[Problem]:
    """Find the names of lints that cargo refuses (`verify_lints`), and the one setting that it reads."""
    if not isinstance(lints, dict):
        return
    for tool, named in lints.items():
        if not isinstance(named, dict) or tool not in _TOOLS:
            continue
        for name in named:
            if "::" in name:
                message = f"`{path}.{tool}` has {quote(name)}, where cargo reads names without `::`."
                yield fault("manifest-unusable", message, f"{path}.{tool}")
    rust = lints.get("rust")
    config = rust.get("unexpected_cfgs") if isinstance(rust, dict) else None
    check = config.get("check-cfg", []) if isinstance(config, dict) else []
    if not (isinstance(check, list) and all(isinstance(text, str) for text in check)):
        message = f"`check-cfg` is {quote(check)}, where cargo reads a list of strings."
        yield fault("manifest-shape", message, f"{path}.rust.unexpected_cfgs.check-cfg")
