"""The tables of a manifest that nothing here uses, but whose types cargo checks before it reads anything else.

The types are those of cargo's crates/cargo-util-schemas/src/manifest/mod.rs (`TomlManifest`).
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct, ValidationError, convert

from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.diagnostics.rules import Problem
from cargo_static_index.protocol.manifest.toml import Table, fault

Level = Literal["forbid", "deny", "warn", "allow"]
Debug = Literal["none", "limited", "full", "line-tables-only", "line-directives-only"]


class _Lint(Struct, frozen=True, kw_only=True):
    level: Level
    priority: Annotated[int, Meta(ge=-128, le=127)] = 0


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
    inherits: str | None = None
    strip: bool | str | None = None
    rustflags: tuple[str, ...] | None = None
    package: dict[str, "_Profile"] | None = None
    build_override: "_Profile | None" = None


Name = Annotated[str, Meta(pattern=r"\A[\w-]+\Z")]

_TABLES: Mapping[str, tuple[object, str]] = {
    "cargo-features": (tuple[str, ...], "a list of strings"),
    "badges": (dict[str, dict[str, str]], "tables of strings"),
    "lints": (dict[str, dict[str, Level | _Lint]], "tables of lints, each with a level"),
    "profile": (dict[Name, _Profile], "tables of the settings of profiles"),
    "patch": (dict[str, dict[str, str | dict[str, object]]], "tables of dependencies"),
    "replace": (dict[str, str | dict[str, object]], "a table of dependencies"),
    "workspace": (dict[str, object], "a table"),
    "hints": (dict[str, object], "a table"),
}


def check_tables(root: Table) -> Iterator[Problem]:
    """Find the tables that have other types than cargo reads."""
    if root.keys().isdisjoint(_TABLES):
        return
    for key, (type_, expected) in _TABLES.items():
        if key not in root:
            continue
        value = root[key]
        if key == "lints" and isinstance(value, dict) and "workspace" in value:
            continue  # inherited, which is told as that
        try:
            convert(value, type_)
        except ValidationError as error:
            where = str(error).partition("at `$")[2].rstrip("`")
            message = f"`{key}` is {quote(value)}, where cargo reads {expected}."
            yield fault("manifest-shape", message, f"{key}{where}")
