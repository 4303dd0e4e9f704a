"""The targets of a package: library, programs, examples, tests (cargo's book: "Cargo Targets", on auto-discovery).

The rules are those of cargo's src/cargo/util/toml/targets.rs, for what a packaged manifest may leave to discovery.
"""

from collections.abc import Collection, Iterator

from msgspec import Struct, field

from cargo_static_index.diagnostics.rules import Problem
from cargo_static_index.protocol.manifest.toml import Table, fault, read_fields, read_hyphened, read_table, wrong_type


class Target(Struct, frozen=True, kw_only=True, rename="kebab"):
    """What cargo's `TomlTarget` reads of a `[lib]` or `[[bin]]` table, for the types' sake also what is not used."""

    name: str | None = None
    path: str | None = None
    crate_type: tuple[str, ...] | None = None
    crate_type_old: tuple[str, ...] | None = field(name="crate_type", default=None)
    proc_macro: bool | None = None
    proc_macro_old: bool | None = field(name="proc_macro", default=None)
    test: bool | None = None
    doctest: bool | None = None
    bench: bool | None = None
    doc: bool | None = None
    harness: bool | None = None
    required_features: tuple[str, ...] | None = None
    edition: str | None = None

    @property
    def kinds(self) -> tuple[str, ...] | None:
        """The crate types that are stated; the spelling with a hyphen wins over the one with an underscore."""
        return self.crate_type if self.crate_type is not None else self.crate_type_old


def read_library(root: Table, edition: str, problems: list[Problem]) -> Target | None:
    """Read the `[lib]` table, None without one."""
    if "lib" not in root:
        return None
    table = read_table(root, "lib", "", problems)
    for key in ("proc-macro", "crate-type"):
        read_hyphened(table, key, edition, "lib", problems)
    return read_fields(Target, table, "lib", problems)


def is_proc_macro(target: Target) -> bool:
    """Whether a `[lib]` is a procedural macro: its crate types say so, if there are any, before the flag does."""
    if target.kinds is not None:
        return "proc-macro" in target.kinds
    return (target.proc_macro if target.proc_macro is not None else target.proc_macro_old) is True


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
        names.update(name for name, path in usual_programs(package, files) if path not in taken)
    return tuple(sorted(names))


def usual_programs(package: str, files: Collection[str]) -> Iterator[tuple[str, str]]:
    """Give name and path of the programs at their usual places."""
    for path in files:
        if path == "src/main.rs":
            yield package, path
        elif path.startswith("src/bin/"):
            name = usual_name(path, "src/bin/")
            if name is not None:
                yield name, path


def usual_name(path: str, folder: str) -> str | None:
    """Give the name of the target that cargo finds at a path of its usual folder, None where it finds none."""
    name, slash, rest = path.removeprefix(folder).partition("/")
    if name.startswith(".") or (rest != "main.rs" if slash else not name.endswith(".rs")):
        return None
    return name if slash else name.removesuffix(".rs")


def read_targets(root: Table, key: str, problems: list[Problem]) -> tuple[Target, ...] | None:
    """Read the `[[bin]]` tables, or those of another key, None without any.

    One without a name is reported, since cargo refuses it.
    """
    tables = root.get(key)
    if tables is None:
        return None
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        problems.append(wrong_type(tables, key, "an array of tables"))
        return None
    found = tuple(read_fields(Target, each, key, problems) for each in tables)
    if any(each.name is None and "name" not in table for each, table in zip(found, tables, strict=True)):
        message = f"A `[[{key}]]` table has no `name`, which cargo asks for."
        problems.append(fault("manifest-shape", message, f"{key}.name"))
    return found
