"""What cargo refuses of a manifest whose every field has its type: nothing could be built with such a crate.

The rules are those of cargo's src/cargo/util/toml/mod.rs (`to_real_manifest`) and targets.rs. What only an unstable
key would make right is not asked: such a crate is for nightly cargo, and says so itself.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.diagnostics.problems import Problem
from cargo_static_index.protocol.manifest.overrides import RESOLVERS
from cargo_static_index.protocol.manifest.package import EDITIONS, Package
from cargo_static_index.protocol.manifest.targets import Target, Targets, find_others, usual_programs
from cargo_static_index.protocol.manifest.toml import fault

FUTURE = "future"
"""The edition that is being made: cargo takes it of a target, whatever rustc then says; of a package nightly does."""
FORBIDDEN = frozenset({"build", "deps", "examples", "incremental"})
"""Names of programs that would meet cargo's own folders below `target/`."""


def find_refusals(package: Package, edition: str, targets: Targets, files: Collection[str]) -> Iterator[Problem]:
    """Find all for which cargo would refuse the manifest; `files` are the paths below the package's directory.

    `edition` is the one whose rules hold; the package has a name.
    """
    if package.rust_version is not None:
        yield from _check_rust_version(package.rust_version, edition)
    if package.resolver is not None and package.resolver not in RESOLVERS:
        message = f"The resolver is {quote(package.resolver)}; cargo knows '1', '2' and '3'."
        yield _refusal(message, "package.resolver")
    if package.build is not None or package.links is not None:
        yield from _check_build_script(package, files)
    if targets.lib is not None:
        yield from _check_library(targets.lib, targets.lib_name or "", edition, files)
    name = package.name or ""
    if targets.bin_names or targets.bins:
        yield from _check_programs(name, edition, targets, files)
    elif targets.lib_name is None and not any(found for _, found in find_others(targets, files)):
        message = "The package has no library, no program and nothing else that cargo could build."
        yield _refusal(message, "package")
    if package.default_run is not None and package.default_run not in targets.bin_names:
        message = f"`default-run` is {quote(package.default_run)}, which is no program of the package."
        yield _refusal(message, "package.default-run")
    yield from _check_others(targets, files)
    yield from _check_editions(targets)


def _refusal(message: str, path: str) -> Problem:
    return fault("manifest-unusable", message, path)


def _check_rust_version(rust_version: str, edition: str) -> Iterator[Problem]:
    """Hold it against the edition as cargo does: a Rust of another major version is compatible with none."""
    first = EDITIONS[edition]
    numbers = rust_version.split(".")[:2]
    stated = len(rust_version) < 20 and all(map(str.isdecimal, numbers))  # anything else is told elsewhere
    if not stated or edition == "2015":
        return
    if tuple(map(int, numbers)) < first or int(numbers[0]) > first[0]:
        needed = ".".join(map(str, first))
        message = f"`rust-version` is {quote(rust_version)}, but edition {edition} needs Rust {needed} or a later 1.x."
        yield _refusal(message, "package.rust-version")


def _check_build_script(package: Package, files: Collection[str]) -> Iterator[Problem]:
    build, links = package.build, package.links
    scripts = (build,) if isinstance(build, str) else build
    if isinstance(scripts, tuple) and not all(map(_names_file, scripts)):
        # The attack: cargo up to 1.97 panics at such a path.
        yield fault("manifest-shape", f"`package.build` is {quote(build)}, which is no file.", "package.build")
    if links is not None and (build is False or (build is None and "build.rs" not in files)):
        message = f"`links` is {quote(links)}, but the package has no build script."
        yield _refusal(message, "package.links")


def _names_file(path: str) -> bool:
    """Whether something is left of a path that cargo makes normal, other than the folder above."""
    left: list[str] = []
    for part in path.split("/"):
        if part == ".." and left:
            left.pop()
        elif part not in ("", "."):
            left.append(part)
    return left != [] and left[-1] != ".."


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


def _check_editions(targets: Targets) -> Iterator[Problem]:
    library = (targets.lib,) if targets.lib is not None else ()
    for kind, tables in (("lib", library), ("bin", targets.bins), *targets.others.items()):
        for target in tables:
            if target.edition is not None and target.edition not in (*EDITIONS, FUTURE):
                message = f"`{kind}.edition` is {quote(target.edition)}; cargo knows 2015, 2018, 2021 and 2024."
                yield _refusal(message, f"{kind}.edition")


def _check_programs(name: str, edition: str, targets: Targets, files: Collection[str]) -> Iterator[Problem]:
    for program in targets.bin_names:
        if program in FORBIDDEN or not program.strip():
            reason = "meets a folder of cargo's own" if program else "is empty"
            yield _refusal(f"The name {quote(program)} of a program {reason}.", "bin.name")
    usual = list(usual_programs(name, files))
    yield from _check_unique(_all_programs(targets, usual), "bin")
    at_usual_places = {program for program, _ in usual}
    old = edition == "2015"
    for target in targets.bins:
        if target.path is None and target.name is not None and target.name not in at_usual_places:
            if old and any(path in files for path in (f"src/{target.name}.rs", "src/main.rs", "src/bin/main.rs")):
                continue
            message = f"The program {quote(target.name)} has no `path`, and there is none at a usual place."
            yield _refusal(message, "bin.path")


def _all_programs(targets: Targets, usual: Iterable[tuple[str, str]]) -> Iterator[str | None]:
    """Give the name of each program that is stated, and of each that cargo would add to them."""
    named = {target.name for target in targets.bins}
    paths = {target.path.removeprefix("./") for target in targets.bins if target.path is not None}
    yield from (target.name for target in targets.bins)
    if targets.autobins:
        yield from (program for program, path in usual if program not in named and path not in paths)


def _check_unique(names: Iterable[str | None], kind: str) -> Iterator[Problem]:
    names = list(names)
    if len(names) == len(set(names)):
        return
    for name, count in Counter(names).items():
        if count > 1 and name is not None:
            yield _refusal(f"The name {quote(name)} stands in `[[{kind}]]` or is found {count} times.", f"{kind}.name")


def _check_others(targets: Targets, files: Collection[str]) -> Iterator[Problem]:
    found: dict[str, list[str | None]] = {}
    for kind, name in find_others(targets, files):
        found.setdefault(kind, []).append(name)
    for kind, names in found.items():
        yield from _check_unique(names, kind)
        if any(name is not None and not name.strip() for name in names):
            yield _refusal(f"The name of a `[[{kind}]]` is empty.", f"{kind}.name")
