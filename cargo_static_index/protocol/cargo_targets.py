"""The library and the programs of a package (cargo's book: "Cargo Targets", sections on auto-discovery).

The rules are those of cargo's src/cargo/util/toml/targets.rs, for what a packaged manifest may leave to discovery.
"""

from collections.abc import Collection, Iterator

from msgspec import Struct, field

from cargo_static_index.protocol.toml import Table, fault, read_fields, read_hyphened, read_table, wrong_type
from cargo_static_index.rules import Problem


class Target(Struct, frozen=True, kw_only=True, rename="kebab"):
    """What is read of a `[lib]` or `[[bin]]` table."""

    name: str | None = None
    path: str | None = None
    crate_type: tuple[str, ...] | None = None
    crate_type_old: tuple[str, ...] | None = field(name="crate_type", default=None)
    proc_macro: bool | None = None
    proc_macro_old: bool | None = field(name="proc_macro", default=None)


def read_library(root: Table, edition: str, problems: list[Problem]) -> Target | None:
    """Read the `[lib]` table, None without one."""
    if "lib" not in root:
        return None
    table = read_table(root, "lib", "", problems)
    for key in ("proc-macro", "crate-type"):
        read_hyphened(table, key, edition, "lib", problems)
    return read_fields(Target, table, "lib", problems)


def is_proc_macro(target: Target) -> bool:
    """Whether a `[lib]` is a procedural macro; the spelling with a hyphen wins over the one with an underscore."""
    for flag in (target.proc_macro, target.proc_macro_old):
        if flag is not None:
            return flag
    kinds = target.crate_type if target.crate_type is not None else target.crate_type_old
    return "proc-macro" in (kinds or ())


def find_library(package: str, lib: Target | None, files: Collection[str], *, discover: bool) -> str | None:
    """Give the library's name in code, or None where the package has no library."""
    if lib is None and not (discover and "src/lib.rs" in files):
        return None
    name = lib.name if lib is not None else None
    return (name or package).replace("-", "_")


def find_programs(package: str, bins: tuple[Target, ...], files: Collection[str], *, discover: bool) -> tuple[str, ...]:
    """Give the names of the programs, sorted: the `[[bin]]` tables', and those found at their usual places."""
    names = {each.name for each in bins if each.name is not None}
    if discover:
        taken = {each.path.removeprefix("./") for each in bins if each.path is not None}
        names.update(name for name, path in _usual_programs(package, files) if path not in taken)
    return tuple(sorted(names))


def _usual_programs(package: str, files: Collection[str]) -> Iterator[tuple[str, str]]:
    for path in files:
        if path == "src/main.rs":
            yield package, path
        elif path.startswith("src/bin/") and not path.startswith("src/bin/."):
            name, _, rest = path.removeprefix("src/bin/").partition("/")
            if rest == "main.rs":
                yield name, path
            elif not rest and name.endswith(".rs"):
                yield name.removesuffix(".rs"), path


def read_programs(root: Table, problems: list[Problem]) -> tuple[Target, ...] | None:
    """Read the `[[bin]]` tables, None without any; one without a name is reported, since cargo refuses it."""
    tables = root.get("bin")
    if tables is None:
        return None
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        problems.append(wrong_type(tables, "bin", "an array of tables"))
        return None
    found = tuple(read_fields(Target, each, "bin", problems) for each in tables)
    if any(each.name is None and "name" not in table for each, table in zip(found, tables, strict=True)):
        message = "A `[[bin]]` table has no `name`, which cargo asks for."
        problems.append(fault("manifest-shape", message, "bin.name"))
    return found
