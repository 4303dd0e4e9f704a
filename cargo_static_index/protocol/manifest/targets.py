"""The targets of a package: library, programs, examples, tests (cargo's book: "Cargo Targets", on auto-discovery).

The rules are those of cargo's src/cargo/util/toml/targets.rs, for what a packaged manifest may leave to discovery.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct, field

from cargo_static_index.diagnostics.problems import Problem
from cargo_static_index.protocol.manifest.package import Package
from cargo_static_index.protocol.manifest.toml import Table, fault, read_fields, read_hyphened, read_table, wrong_type

OTHERS: Mapping[str, str] = {"example": "examples/", "test": "tests/", "bench": "benches/"}
"""The targets that no other crate uses, and where cargo finds them."""
FOLDERS = tuple(OTHERS.values())


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
    filename: str | None = None
    doc_scrape_examples: bool | None = None
    edition: str | None = None

    @property
    def kinds(self) -> tuple[str, ...] | None:
        """The crate types that are stated; the spelling with a hyphen wins over the one with an underscore."""
        return self.crate_type if self.crate_type is not None else self.crate_type_old


class Targets(Struct, frozen=True, kw_only=True):
    """The targets of a package, as its manifest has them and as cargo finds them."""

    lib: Target | None
    lib_name: str | None
    """As found: stated or by discovery, None without a library."""
    bins: tuple[Target, ...]
    bin_names: tuple[str, ...]
    """Of those stated and those found."""
    autobins: bool
    others: Mapping[str, tuple[Target, ...]]
    """The tables of OTHERS that are there."""
    without: Collection[str]
    """Those of OTHERS whose discovery is off."""


def find_targets(
    root: Table, package: Package, edition: str, files: Collection[str], problems: list[Problem]
) -> Targets:
    """Read the tables of targets, and find what cargo would add to them."""
    lib = _read_library(root, edition, problems)
    bins = _read_targets(root, "bin", problems)
    others = {kind: _read_targets(root, kind, problems) for kind in OTHERS if kind in root}
    # In edition 2015 a `[[bin]]` table turns the discovery of others off.
    autobins = package.autobins if package.autobins is not None else bins is None or edition != "2015"
    name = package.name or ""
    return Targets(
        lib=lib,
        lib_name=_find_library(name, lib, files, discover=package.autolib is not False),
        bins=bins or (),
        bin_names=_find_programs(name, bins or (), files, discover=autobins),
        autobins=autobins,
        others={kind: tables or () for kind, tables in others.items()},
        without=_without(package, edition, others),
    )


def _without(package: Package, edition: str, others: Mapping[str, tuple[Target, ...] | None]) -> list[str]:
    """Give the kinds of targets that cargo does not look for: told so, or, in edition 2015, where tables are given."""
    told = (("example", package.autoexamples), ("test", package.autotests), ("bench", package.autobenches))
    old = edition == "2015"
    return [kind for kind, auto in told if auto is False or (old and auto is None and others.get(kind) is not None)]


def find_others(targets: Targets, files: Collection[str]) -> Iterator[tuple[str, str]]:
    """Give kind and name of each example, test and benchmark, those stated and those that cargo would add."""
    for kind, tables in targets.others.items():
        yield from ((kind, target.name) for target in tables if target.name is not None)
    if len(targets.without) == len(OTHERS):
        return
    usual = [path for path in files if path.startswith(FOLDERS)]
    for kind, folder in OTHERS.items():
        if usual and kind not in targets.without:
            yield from _find_usual(kind, folder, targets.others.get(kind, ()), usual)


def _find_usual(kind: str, folder: str, tables: Iterable[Target], files: Iterable[str]) -> Iterator[tuple[str, str]]:
    names = {target.name for target in tables}
    paths = {target.path.removeprefix("./") for target in tables if target.path is not None}
    for path in files:
        if path.startswith(folder) and path not in paths:
            name = _usual_name(path, folder)
            if name is not None and name not in names:
                yield kind, name


def _read_library(root: Table, edition: str, problems: list[Problem]) -> Target | None:
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


def _find_library(package: str, lib: Target | None, files: Collection[str], *, discover: bool) -> str | None:
    """Give the library's name in code, or None where the package has no library."""
    if lib is None and not (discover and "src/lib.rs" in files):
        return None
    name = lib.name if lib is not None else None
    return (name or package).replace("-", "_")


def _find_programs(
    package: str, bins: tuple[Target, ...], files: Collection[str], *, discover: bool
) -> tuple[str, ...]:
    """Give the names of the programs, sorted: the `[[bin]]` tables', and those found at their usual places."""
    names = {target.name for target in bins if target.name is not None}
    if discover:
        taken = {target.path.removeprefix("./") for target in bins if target.path is not None}
        names.update(name for name, path in usual_programs(package, files) if path not in taken)
    return tuple(sorted(names))


def usual_programs(package: str, files: Collection[str]) -> Iterator[tuple[str, str]]:
    """Give name and path of the programs at their usual places."""
    for path in files:
        if path == "src/main.rs":
            yield package, path
        elif path.startswith("src/bin/"):
            name = _usual_name(path, "src/bin/")
            if name is not None:
                yield name, path


def _usual_name(path: str, folder: str) -> str | None:
    """Give the name of the target that cargo finds at a path of its usual folder, None where it finds none."""
    name, slash, rest = path.removeprefix(folder).partition("/")
    if name.startswith(".") or (rest != "main.rs" if slash else not name.endswith(".rs")):
        return None
    return name if slash else name.removesuffix(".rs")


def _read_targets(root: Table, key: str, problems: list[Problem]) -> tuple[Target, ...] | None:
    """Read the `[[bin]]` tables, or those of another key, None without any.

    One without a name is reported, since cargo refuses it.
    """
    tables = root.get(key)
    if tables is None:
        return None
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        problems.append(wrong_type(tables, key, "an array of tables"))
        return None
    found = tuple(read_fields(Target, table, key, problems) for table in tables)
    if any(target.name is None and "name" not in table for target, table in zip(found, tables, strict=True)):
        message = f"A `[[{key}]]` table has no `name`, which cargo asks for."
        problems.append(fault("manifest-shape", message, f"{key}.name"))
    return found
