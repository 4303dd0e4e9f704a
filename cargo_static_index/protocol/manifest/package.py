"""The table `[package]` as cargo reads it (cargo's book: "The Manifest Format", "The `[package]` section")."""

from collections.abc import Mapping

from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.diagnostics.problems import Problem
from cargo_static_index.protocol.manifest.toml import Table, check_text, fault, read_fields, read_table
from cargo_static_index.protocol.names import parse_crate_name
from cargo_static_index.protocol.semver import parse_rust_version, parse_version

EDITIONS: Mapping[str, tuple[int, ...]] = {"2015": (1, 0), "2018": (1, 31), "2021": (1, 56), "2024": (1, 85)}
"""The first Rust of each edition."""

_SEPARATORS = pattern("[\x1c-\x1f]")


class Package(Struct, frozen=True, kw_only=True, rename="kebab"):
    """What cargo's `TomlPackage` reads of `[package]`, for the types' sake also what nothing here uses."""

    name: str | None = None
    version: str | None = None
    edition: str | None = None
    rust_version: str | None = None
    links: str | None = None
    authors: tuple[str, ...] | None = None
    description: str | None = None
    homepage: str | None = None
    documentation: str | None = None
    repository: str | None = None
    license: str | None = None
    license_file: str | None = None
    readme: str | bool | None = None
    keywords: tuple[str, ...] | None = None
    categories: tuple[str, ...] | None = None
    publish: tuple[str, ...] | bool | None = None
    autolib: bool | None = None
    autobins: bool | None = None
    autoexamples: bool | None = None
    autotests: bool | None = None
    autobenches: bool | None = None
    build: str | tuple[str, ...] | bool | None = None
    exclude: tuple[str, ...] | None = None
    include: tuple[str, ...] | None = None
    default_run: str | None = None
    resolver: str | None = None
    workspace: str | None = None
    metabuild: str | tuple[str, ...] | None = None
    default_target: str | None = None
    forced_target: str | None = None
    im_a_teapot: bool | None = None


def read_package(root: Table, problems: list[Problem]) -> Package:
    """Read `[package]`, or `[project]`, its name before Rust 1.0, with what has a grammar of its own checked."""
    key = "project" if "package" not in root and "project" in root else "package"
    if key not in root:
        problems.append(fault("manifest-shape", "Cargo.toml has no `[package]` table.", key))
        return Package()
    package = _read_table(root, key, problems)
    for name in ("name", "version"):
        table = root[key]
        if isinstance(table, dict) and name not in table:
            path = f"{key}.{name}"
            problems.append(fault("manifest-shape", f"`{path}` is missing.", path))
    if key == "package" and "project" in root:
        _read_table(root, "project", problems)  # which cargo reads, and then passes over
    return package


def _read_table(root: Table, key: str, problems: list[Problem]) -> Package:
    table = read_table(root, key, "", problems)
    package = read_fields(Package, table, key, problems)
    if "cargo-features" in table:
        message = f"`{key}.cargo-features` is at the wrong place; cargo reads it at the top of the file only."
        problems.append(fault("manifest-shape", message, f"{key}.cargo-features"))
    if package.name is not None:
        check_text("name-invalid", parse_crate_name, package.name, f"{key}.name", problems)
    if package.version is not None:
        check_text("version-invalid", parse_version, trimmed(package.version), f"{key}.version", problems)
    if package.rust_version is not None:
        check_text("rust-version-invalid", parse_rust_version, package.rust_version, f"{key}.rust-version", problems)
    return package


def trimmed(text: str) -> str:
    """Trim a text as Rust does, to whom the four separators of ASCII are no white space."""
    return text if _SEPARATORS.search(text) else text.strip()


def read_edition(root: Table, stated: str | None, problems: list[Problem]) -> str:
    """Give the edition whose rules hold: 2015 where none is stated, and where cargo would know of none."""
    if stated is None:
        return "2015"
    if stated not in EDITIONS:
        message = f"The edition is {quote(stated)}; cargo knows 2015, 2018, 2021 and 2024."
        problems.append(fault("edition-unknown", message, "package.edition"))
        return "2015"
    if stated >= "2024" and "project" in root:
        message = "`[project]` is spelled `[package]` from edition 2024 on."
        problems.append(fault("manifest-shape", message, "project"))
    return stated
