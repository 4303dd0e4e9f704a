"""What cargo refuses of a manifest whose every field has its type: nothing could be built with such a crate.

The rules are those of cargo's src/cargo/util/toml/mod.rs (`to_real_manifest`) and targets.rs. What only an unstable
key would make right is not asked: such a crate is for nightly cargo, and says so itself.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct

from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.diagnostics.rules import Problem
from cargo_static_index.protocol.manifest.targets import Target, usual_name, usual_programs
from cargo_static_index.protocol.manifest.toml import fault

EDITIONS: Mapping[str, tuple[int, ...]] = {"2015": (1, 0), "2018": (1, 31), "2021": (1, 56), "2024": (1, 85)}
"""The first Rust of each edition."""
RESOLVERS = ("1", "2", "3")
OTHERS: Mapping[str, str] = {"example": "examples/", "test": "tests/", "bench": "benches/"}
"""The targets that no other crate uses, and where cargo finds them."""
FOLDERS = tuple(OTHERS.values())
FORBIDDEN = frozenset({"build", "deps", "examples", "incremental"})
"""Names of programs that would meet cargo's own folders below `target/`."""


class Stated(Struct, frozen=True, kw_only=True):
    """What a manifest says, as far as its parts can contradict each other or the files of the package."""

    name: str
    edition: str
    rust_version: str | None
    resolver: str | None
    links: str | None
    build: str | tuple[str, ...] | bool | None
    default_run: str | None
    lib_name: str | None
    """As found: stated or by discovery, None without a library."""
    lib: Target | None
    bins: tuple[Target, ...]
    bin_names: tuple[str, ...]
    """Of those stated and those found."""
    autobins: bool
    others: Mapping[str, tuple[Target, ...]]
    """The tables of OTHERS that are there."""
    without: Collection[str]
    """Those of OTHERS whose discovery is off."""


def find_refusals(stated: Stated, files: Collection[str]) -> Iterator[Problem]:
    """Find all for which cargo would refuse the manifest; `files` are the paths below the package's directory."""
    if stated.rust_version is not None:
        yield from _check_rust_version(stated.rust_version, stated.edition)
    if stated.resolver is not None and stated.resolver not in RESOLVERS:
        message = f"The resolver is {quote(stated.resolver)}; cargo knows '1', '2' and '3'."
        yield _refusal(message, "package.resolver")
    if stated.build is not None or stated.links is not None:
        yield from _check_build_script(stated, files)
    if stated.lib is not None:
        yield from _check_library(stated.lib, stated.lib_name or "", stated.edition, files)
    if stated.bin_names or stated.bins:
        yield from _check_programs(stated, files)
    elif stated.lib_name is None and not any(name for _, name in _find_others(stated, files)):
        message = "The package has no library, no program and nothing else that cargo could build."
        yield _refusal(message, "package")
    if stated.default_run is not None and stated.default_run not in stated.bin_names:
        message = f"`default-run` is {quote(stated.default_run)}, which is no program of the package."
        yield _refusal(message, "package.default-run")
    yield from _check_others(stated, files)


def _refusal(message: str, path: str) -> Problem:
    return fault("manifest-unusable", message, path)


def _check_rust_version(rust_version: str, edition: str) -> Iterator[Problem]:
    first = EDITIONS[edition]
    numbers = rust_version.split(".")[:2]
    stated = len(rust_version) < 20 and all(map(str.isdecimal, numbers))  # anything else is told elsewhere
    if stated and edition != "2015" and tuple(map(int, numbers)) < first:
        needed = ".".join(map(str, first))
        message = f"`rust-version` is {quote(rust_version)}, but edition {edition} needs Rust {needed} or later."
        yield _refusal(message, "package.rust-version")


def _check_build_script(stated: Stated, files: Collection[str]) -> Iterator[Problem]:
    build, links = stated.build, stated.links
    scripts = (build,) if isinstance(build, str) else build
    if isinstance(scripts, tuple) and any(each.rstrip("/").rpartition("/")[2] in ("", "..") for each in scripts):
        # The attack: cargo up to 1.97 panics at such a path.
        yield fault("manifest-shape", f"`package.build` is {quote(build)}, which is no file.", "package.build")
    if links is not None and (build is False or (build is None and "build.rs" not in files)):
        message = f"`links` is {quote(links)}, but the package has no build script."
        yield _refusal(message, "package.links")


def _check_library(lib: Target, name: str, edition: str, files: Collection[str]) -> Iterator[Problem]:
    if lib.name is not None and ("-" in lib.name or not lib.name.strip()):
        yield _refusal(f"The library's name is {quote(lib.name)}; it cannot be empty or have a '-'.", "lib.name")
    if lib.path is None and "src/lib.rs" not in files and not (edition == "2015" and f"src/{name}.rs" in files):
        yield _refusal("There is a `[lib]` without `path`, but no src/lib.rs.", "lib")
    kinds = lib.kinds or ()
    if "dylib" in kinds and "cdylib" in kinds:
        yield _refusal("The library cannot be both `dylib` and `cdylib`.", "lib.crate-type")
    if "proc-macro" in kinds and len(kinds) > 1:
        yield _refusal("The library cannot be a procedural macro and something else.", "lib.crate-type")
    if lib.edition is not None and lib.edition not in EDITIONS:
        message = f"The library's edition is {quote(lib.edition)}; cargo knows 2015, 2018, 2021 and 2024."
        yield _refusal(message, "lib.edition")


def _check_programs(stated: Stated, files: Collection[str]) -> Iterator[Problem]:
    for name in stated.bin_names:
        if name in FORBIDDEN or not name.strip():
            reason = "meets a folder of cargo's own" if name else "is empty"
            yield _refusal(f"The name {quote(name)} of a program {reason}.", "bin.name")
    usual = dict(usual_programs(stated.name, files))
    yield from _check_unique(_all_programs(stated, files), "bin")
    old = stated.edition == "2015"
    for each in stated.bins:
        if each.path is None and each.name is not None and each.name not in usual:
            if old and any(path in files for path in (f"src/{each.name}.rs", "src/main.rs", "src/bin/main.rs")):
                continue
            message = f"The program {quote(each.name)} has no `path`, and there is none at a usual place."
            yield _refusal(message, "bin.path")


def _all_programs(stated: Stated, files: Collection[str]) -> Iterator[str | None]:
    """Give the name of each program that is stated, and of each that cargo would add to them."""
    named = {each.name for each in stated.bins}
    paths = {each.path.removeprefix("./") for each in stated.bins if each.path is not None}
    yield from (each.name for each in stated.bins)
    if stated.autobins:
        yield from (
            name for name, path in usual_programs(stated.name, files) if name not in named and path not in paths
        )


def _check_unique(names: Iterable[str | None], kind: str) -> Iterator[Problem]:
    names = list(names)
    if len(names) == len(set(names)):
        return
    for name, count in Counter(names).items():
        if count > 1 and name is not None:
            yield _refusal(f"The name {quote(name)} stands in `[[{kind}]]` or is found {count} times.", f"{kind}.name")


def _check_others(stated: Stated, files: Collection[str]) -> Iterator[Problem]:
    found: dict[str, list[str | None]] = {}
    for kind, name in _find_others(stated, files):
        found.setdefault(kind, []).append(name)
    for kind, names in found.items():
        yield from _check_unique(names, kind)


def _find_others(stated: Stated, files: Collection[str]) -> Iterator[tuple[str, str]]:
    """Give kind and name of each example, test and benchmark, those stated and those that cargo would add."""
    for kind, tables in stated.others.items():
        yield from ((kind, each.name) for each in tables if each.name is not None)
    if len(stated.without) == len(OTHERS):
        return
    usual = [path for path in files if path.startswith(FOLDERS)]
    for kind, folder in OTHERS.items():
        if usual and kind not in stated.without:
            yield from _find_usual(kind, folder, stated.others.get(kind, ()), usual)


def _find_usual(kind: str, folder: str, tables: Iterable[Target], files: Iterable[str]) -> Iterator[tuple[str, str]]:
    names = {each.name for each in tables}
    paths = {each.path.removeprefix("./") for each in tables if each.path is not None}
    for path in files:
        if path.startswith(folder) and path not in paths:
            name = usual_name(path, folder)
            if name is not None and name not in names:
                yield kind, name
