"""Manifests made key by key from cargo's own schema, with right and wrong values, and both verdicts of each.

`python -m tests.cargo.manifests` tries all of them, and prints the figures as JSON.

The schema is `manifest.schema.json` of the crate cargo-util-schemas. It says which keys there are and of which type;
what their texts may be it does not say, so each key is tried with what its kind of text makes right and wrong.
"""

import argparse
import io
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import rtoml
from msgspec import Struct

from cargo_static_index.crate.check import check_crate
from cargo_static_index.crate.policy import Policy
from cargo_static_index.diagnostics.problems import level_of
from cargo_static_index.protocol.registries import Home
from tests.cargo.localregistry import LocalRegistry
from tests.cargo.source import cargo_lock, crate_file
from tests.crates import crate

Table = dict[str, Any]
Schema = Mapping[str, Any]

POLICY = Policy(home=Home(mode="mirror"))

ANY: tuple[object, ...] = (
    "x", "", True, False, 0, 1, -1, 1 << 40, 1.5, date(2020, 1, 1), [], [""], ["x"], ["x", "x"], [1], [[]], {},
    {"x": 1}, {"x": "y"}, {"x": {}}, {"workspace": True}, {"workspace": False}, [{}], [{"name": "q"}],
)  # fmt: skip
"""A value of each type, which every key is tried with."""

NAMES = ("a", "a-b", "a_b", "_a", "1a", "é", "a.b", "a b", "a::b", "a/b", "🍺", "-a", "nul", "a" * 65)
VERSIONS = ("1.0.0", " 1.0.0 ", "1.0", "1", "01.0.0", "1.0.0-a+b", "v1.0.0", "1.0.0-", "\x1f1.0.0")
RUST_VERSIONS = (
    "1.85",
    "1.55.9",
    "1",
    "2",
    "2.0",
    "3.1",
    "10",
    "0.9",
    "1.31",
    "1.0.0",
    "1.70-nightly",
    "^1.60",
    "*",
    " 1.60 ",
)
EDITIONS = ("2015", "2018", "2021", "2024", "2020", "2027", "future")
PATHS = ("src/lib.rs", "./src/lib.rs", "absent.rs", "../x.rs", "/x.rs", ".", "..", "src", "a\\b", "x.txt")
REQUIREMENTS = ("1", "*", "^1", "=1.0.0", ">=1, <2", ">=1 <2", "1.0.0+meta", "1.x", "^^1", "1.0.0-rc.1")
URLS = (
    "https://e.example/", "https://e.example", "sparse+https://e.example/", "http://", "e.example", "file:///x",
    "ssh://g@e.example/x", "g@e.example:x.git", "https://e.example/?a", "https://e.example/#a", "x:y", "//e.example",
    "https://e .example/", "mailto:x", "https://[::1", "HTTPS://E.example:443/../x", "crates-io", "crates", "acme",
)  # fmt: skip
SPECS = (
    "a", "a@1", "a@1.0.0", "a:1.0.0", "a:1", "a@", "@1", "*", "a@x", "a@1.0.0-rc.1+b", "a@1.*", "é", "a b", "a/b",
    "https://e.example/a", "https://e.example/x#a", "https://e.example/x#a@1.0.0", "https://e.example/x#1.0.0",
    "https://e.example/x#1.x", "https://e.example/x#", "https://e.example/", "https://e.example/a?b",
    "git+https://e.example/a?rev=1", "sparse+https://e.example/a", "path+file:///a", "path+https://e.example/a",
    "registry+https://e.example/a", "odd+https://e.example/a", "https://e.example/é", "https://e.example/x#é",
    "https://e.example/x#é@1", "a::b@1.0.0", "a::1",
)  # fmt: skip
FEATURES = ("", "x", "a", "a/x", "a?/x", "dep:a", "dep:a/x", "a/", "/x", "foo/?bar", "a/-x", "a/dep:x", "a/🍺", "🍺",
            "-x", "x/y/z", "a/x y", "nothing", "dep:", "dep:nothing", "default", "1x", "x+y", "x.y", "é")  # fmt: skip
PROFILES = (
    "dev", "release", "test", "bench", "doc", "custom", "debug", "Debug", "build", "check", "clean", "config", "fetch",
    "fix", "install", "metadata", "package", "publish", "report", "root", "run", "rust", "rustc", "rustdoc", "target",
    "tmp", "uninstall", "cargo", "cargo-x", "CARGO", "build-override", "é", "a b", "a.b", "", "²", "_", "-",
)  # fmt: skip
CARGO_FEATURES = (
    "test-dummy-stable", "test-dummy-unstable", "alternative-registries", "edition", "rename-dependency",
    "publish-lockfile", "profile-overrides", "default-run", "metabuild", "public-dependency", "named-profiles",
    "resolver", "strip", "rust-version", "edition2021", "per-package-target", "codegen-backend",
    "different-binary-name", "profile-rustflags", "workspace-inheritance", "edition2024", "trim-paths",
    "open-namespaces", "path-bases", "unstable-editions", "multiple-build-scripts", "panic-immediate-abort",
    "offline", "avoid-dev-deps", "metabuilds", "public_dependency",
)  # fmt: skip

TEXTS: Mapping[str, tuple[str, ...]] = {
    "name": NAMES,
    "version": (*VERSIONS, *REQUIREMENTS),
    "edition": EDITIONS,
    "rust-version": RUST_VERSIONS,
    "resolver": ("1", "2", "3", "4"),
    "path": PATHS,
    "filename": ("x",),
    "build": PATHS,
    "links": ("z", "é"),
    "default-run": ("foo", "b", "q"),
    "default-target": ("x86_64-unknown-linux-gnu", "x.json"),
    "forced-target": ("x86_64-unknown-linux-gnu",),
    "metabuild": ("a",),
    "readme": ("README.md", "absent.md"),
    "workspace": ("..",),
    "registry": ("crates-io", "acme", "é", "1a", "a b"),
    "registry-index": URLS,
    "git": URLS,
    "base": ("workspace", "a b"),
    "package": NAMES,
    "crate-type": ("lib", "rlib", "dylib", "cdylib", "staticlib", "proc-macro", "bin", "odd"),
    "artifact": ("bin", "odd"),
    "opt-level": ("0", "1", "2", "3", "s", "z", "4"),
    "lto": ("true", "false", "thin", "fat", "off", "n", "odd"),
    "debug": ("none", "limited", "full", "line-tables-only", "line-directives-only", "0", "true"),
    "panic": ("unwind", "abort", "immediate-abort", "odd"),
    "strip": ("none", "debuginfo", "symbols", "odd"),
    "inherits": ("dev", "release", "debug", "odd", ""),
    "trim-paths": ("none", "all", "diagnostics", "macro", "object", "odd"),
    "split-debuginfo": ("off", "odd"),
    "level": ("forbid", "deny", "warn", "allow", "expect"),
    "features": FEATURES,
    "required-features": FEATURES,
    "cargo-features": CARGO_FEATURES,
}
"""Texts for keys, by their names."""

KEYS: Mapping[str, tuple[str, ...]] = {
    "profile": PROFILES,
    "profile.*.package": SPECS,
    "features": FEATURES,
    "dependencies": NAMES,
    "target": ("cfg(unix)", "x86_64-unknown-linux-gnu", "cfg(", "cfg(a)", "", "a b", "cfg(é)", "cfg(any())"),
    "patch": URLS,
    "patch.*": NAMES,
    "replace": SPECS,
    "workspace.dependencies": NAMES,
    "lints": ("rust", "clippy", "rustdoc", "cargo", "odd", "é"),
    "lints.*": ("x", "rust::x", "clippy::x", "odd::x", "unexpected_cfgs", "workspace"),
    "badges": ("x",),
}  # fmt: skip
"""The names of entries, where a table may have any, by the table's place."""
USUAL_KEY: Mapping[str, str] = {
    "profile": "release",
    "profile.*.package": "a",
    "dependencies": "a",
    "dev-dependencies": "a",
    "build-dependencies": "a",
    "target": "cfg(unix)",
    "patch": "crates-io",
    "patch.*": "a",
    "replace": "a@1.0.0",
    "workspace.dependencies": "a",
    "workspace.lints": "rust",
    "lints": "rust",
}
ENTRIES: Mapping[str, object] = {
    "profile": {"opt-level": 1},
    "profile.*.package": {"opt-level": 1},
    "dependencies": "1",
    "target": {"dependencies": {"a": "1"}},
    "patch": {"a": {"path": "x"}},
    "patch.*": {"path": "x"},
    "replace": {"path": "x"},
    "workspace.dependencies": "1",
    "lints": {"x": "warn"},
    "lints.*": "warn",
    "badges": {"x": "y"},
}
"""What an entry of such a table holds where only its name is tried."""
BESIDE: Mapping[str, Table] = {
    "dependencies.*": {"version": "1"},
    "workspace.dependencies.*": {"version": "1"},
    "patch.*.*": {"path": "x"},
    "replace.*": {"path": "x"},
    "bin": {"name": "q", "path": "src/main.rs"},
    "example": {"name": "q", "path": "src/main.rs"},
    "test": {"name": "q", "path": "src/main.rs"},
    "bench": {"name": "q", "path": "src/main.rs"},
    "lints.*.*": {"level": "warn"},
}
"""What stands beside the key that is tried, by the place of the table."""
PAIRS: tuple[Table, ...] = (
    {"package": {"workspace": ".."}, "workspace": {}},
    {"package": {"resolver": "2"}, "workspace": {"resolver": "2"}},
    {"patch": {}, "replace": {}},
    {"patch": {"crates-io": {}}, "replace": {"a@1.0.0": {"path": "x"}}},
    {"package": {"edition": "2021", "rust-version": "2"}},
    {"package": {"edition": "2024", "rust-version": "1.84"}},
    {"package": {"edition": "2018", "rust-version": "1.30.9"}},
    {"package": {"edition": "2015", "rust-version": "2"}},
    {"package": {"links": "z", "build": False}},
    {"package": {"metabuild": "a", "build": "build.rs"}, "build-dependencies": {"a": "1"}},
    {"workspace": {"dependencies": {"a": {"version": "1", "optional": True}}}},
    {"workspace": {"dependencies": {"a": {"version": "1", "public": True}}}},
    {"workspace": {"lints": {"rust": {"clippy::x": "warn"}}}},
    {"lints": {"rust": {"unexpected_cfgs": {"level": "warn", "check-cfg": ["cfg(a)"]}}}},
    {"lints": {"rust": {"unexpected_cfgs": {"level": "warn", "check-cfg": "cfg(a)"}}}},
    {"lints": {"rust": {"unexpected_cfgs": {"level": "warn", "check-cfg": [1]}}}},
    {"lints": {"odd": {"odd::x": "warn"}}},
    {"profile": {"release": {"package": {"a": {"build-override": {}}}}}},
    {"profile": {"release": {"package": {"a": {"package": {}}}}}},
    {"profile": {"release": {"build-override": {"build-override": {}}}}},
    {"profile": {"release": {"build-override": {"package": {}}}}},
    {"profile": {"custom": {"inherits": "release"}}},
    {"profile": {"custom": {"inherits": "odd"}}},
    {"dependencies": {"a": {"git": "https://e.example/", "branch": "b", "tag": "t"}}},
    {"dependencies": {"a": {"git": "https://e.example/", "rev": "r"}}},
    {"dependencies": {"a": {"git": "https://e.example/", "path": "x"}}},
    {"dependencies": {"a": {"git": "https://e.example/", "registry-index": "https://e.example/"}}},
    {"dependencies": {"a": {"registry": "acme", "registry-index": "https://e.example/"}}},
    {"dependencies": {"a": {"version": "1", "base": "x", "path": "y"}}},
    {"dependencies": {"a": {"version": "1", "artifact": "bin", "lib": True, "target": "target"}}},
    {"dependencies": {"a": {"path": "x"}}},
    {"dependencies": {"a": {}}},
    {"dependencies": {"a": {"version": "1", "optional": True}}, "features": {"f": ["a?/x", "a/x", "dep:a"]}},
    {"dev-dependencies": {"a": {"version": "1", "optional": True}}},
    {"dev-dependencies": {"a": {"version": "1", "public": True}}},
    {"dev-dependencies": {"a": {"path": "x"}}},
    {"dev-dependencies": {"a": {"git": "https://e.example/"}}},
)
"""Keys that only together are right or wrong."""
GATED: Mapping[str, Table] = {
    "test-dummy-unstable": {"package": {"im-a-teapot": True}},
    "metabuild": {"package": {"metabuild": "a"}, "build-dependencies": {"a": "1"}},
    "public-dependency": {"dependencies": {"a": {"version": "1", "public": True}}},
    "per-package-target": {"package": {"default-target": "x86_64-unknown-linux-gnu"}},
    "codegen-backend": {"profile": {"release": {"codegen-backend": "x"}}},
    "different-binary-name": {"bin": [{"name": "q", "path": "src/main.rs", "filename": "x"}]},
    "profile-rustflags": {"profile": {"release": {"rustflags": ["-x"]}}},
    "trim-paths": {"profile": {"release": {"trim-paths": "all"}}},
    "path-bases": {"dependencies": {"a": {"version": "1", "base": "x", "path": "y"}}},
    "unstable-editions": {"package": {"edition": "future"}},
    "multiple-build-scripts": {"package": {"build": ["build.rs"]}},
    "panic-immediate-abort": {"profile": {"release": {"panic": "immediate-abort"}}},
}
"""What nightly cargo takes with the feature's name in `cargo-features`, and stable cargo never."""

ALIKE = (
    "project",
    "example",
    "test",
    "bench",
    "dev-dependencies",
    "dev_dependencies",
    "build-dependencies",
    "build_dependencies",
    "target",
)
"""Tables that are read as others are: of their values a few are tried."""
FEW = 5

FILES = ("src/lib.rs", "src/main.rs", "src/bin/b.rs", "build.rs", "README.md", "examples/e.rs", "tests/t.rs", "x.rs")


class Case(Struct, frozen=True, kw_only=True):
    """One manifest: what is tried in it, and its text."""

    name: str
    tries: str
    manifest: str

    def archive(self) -> bytes:
        """Give the crate around it."""
        builder = crate(self.name).manifest(self.manifest)
        for path in FILES:
            builder.file(path)
        return builder.build()


def cases(schema: Schema) -> Iterator[Case]:
    """Give a manifest for each key and value."""
    numbers = iter(range(1 << 30))
    for table in _tables(schema):
        name = f"case{next(numbers)}"
        package = {"name": name, "version": "1.0.0", **_package_of(table)}
        whole = {key: value for key, value in table.items() if not isinstance(value, dict | list)}
        whole |= {key: value for key, value in table.items() if key not in whole}
        whole["package"] = package if isinstance(table.get("package", {}), dict) else table["package"]
        yield Case(name=name, tries=repr(table), manifest=rtoml.dumps(whole))


def _package_of(table: Table) -> Table:
    package = table.get("package", {})
    return package if isinstance(package, dict) else {}


def _tables(schema: Schema) -> Iterator[Table]:
    """Give what is to stand in each manifest beside its name and version, nothing twice."""
    found: dict[str, Table] = {}
    for table in _all_tables(schema):
        found.setdefault(repr(table), table)
    return iter(found.values())


def _all_tables(schema: Schema) -> Iterator[Table]:
    for number, (place, key, beside) in enumerate(_places(schema, schema, ())):
        few = place and place[0] in ALIKE
        for value in list(_values(key))[number % FEW :: FEW] if few else _values(key):
            yield _within(place, {**beside, key: value})
    for pattern, names in KEYS.items():
        for name in names:
            yield _within(_usual(pattern), {name: ENTRIES.get(pattern, [])})
    yield from PAIRS
    for feature, table in GATED.items():
        yield table
        yield {"cargo-features": [feature], **table}
        yield {**table, "package": {**_package_of(table), "cargo-features": [feature]}}


def _places(
    schema: Schema, node: Schema, place: tuple[str, ...], within: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str, Table]]:
    """Give each key of the schema: the place of its table, its name, and what has to stand beside it."""
    for key, type_ in node.get("properties", {}).items():
        yield place, key, BESIDE.get(_pattern(place), {})
        for below, names in _inner(schema, type_, within):
            yield from _places(schema, below, (*place, key), names)
    entry = node.get("additionalProperties")
    if isinstance(entry, dict) and place:
        name = USUAL_KEY.get(_pattern(place), "x")
        yield place, name, {}
        for below, names in _inner(schema, entry, within):
            yield from _places(schema, below, (*place, name), names)


def _pattern(place: tuple[str, ...]) -> str:
    """Give a place with `*` for the names that are the author's."""
    found: list[str] = []
    for name in place:
        found.append("*" if USUAL_KEY.get(".".join(found)) == name else name)
    return ".".join(found)


def _usual(pattern: str) -> tuple[str, ...]:
    """Give the place that a pattern means, with usual names for the stars."""
    place: tuple[str, ...] = ()
    for name in pattern.split("."):
        place = (*place, USUAL_KEY[_pattern(place)] if name == "*" else name)
    return place


def _inner(schema: Schema, type_: Schema, within: tuple[str, ...]) -> Iterator[tuple[Schema, tuple[str, ...]]]:
    """Give the tables that a type may be, or its elements, and the names of the types around: a profile in a profile
    is looked at, but not one in that."""
    if not isinstance(type_, dict):
        return  # any value at all
    if "$ref" in type_:
        name = type_["$ref"].rpartition("/")[2]
        if within.count(name) < 2:
            yield from _inner(schema, schema["$defs"][name], (*within, name))
    for option in (*type_.get("anyOf", ()), type_.get("items", True)):
        yield from _inner(schema, option, within)
    if "properties" in type_ or isinstance(type_.get("additionalProperties"), dict):
        yield type_, within


def _values(key: str) -> Iterator[object]:
    yield from ANY
    texts = TEXTS.get(key.replace("_", "-"), ())
    yield from texts
    for text in texts:
        yield [text]


def _within(place: tuple[str, ...], table: Table) -> Table:
    for key in reversed(place):
        table = {key: [table] if key in ("bin", "example", "test", "bench") else table}
    return table


# both verdicts

AS_CARGO = frozenset({"manifest-shape", "manifest-unusable", "manifest-nightly", "edition-unknown"})
"""The rules that say what stable cargo says; the others protect clients, the index, or who depends on the crate."""


class Verdicts(Struct, frozen=True, kw_only=True):
    """What we say of a manifest, and what cargo does: `ours` are the rules by which we refuse it, or say that stable
    cargo does; `cargos` is what cargo says that reads it as a dependency, empty where it takes it."""

    case: Case
    ours: frozenset[str]
    cargos: str

    @property
    def disagree(self) -> bool:
        """Whether one takes what the other does not; where we refuse for clients' sake, cargo need not."""
        return bool(self.ours) != bool(self.cargos) and not self.ours - AS_CARGO


def _ours(content: bytes) -> frozenset[str]:
    checked = check_crate(io.BytesIO(content), POLICY)
    return frozenset(
        problem.rule
        for problem in checked.problems
        if problem.rule in AS_CARGO or level_of(problem, POLICY.levels) == "refuse"
    )


def verdicts(cases: Sequence[Case], folder: Path) -> list[Verdicts]:
    """Ask cargo for all that we take at once, and for each that we refuse by itself."""
    archives = {case.name: case.archive() for case in cases}
    ours = {name: _ours(content) for name, content in archives.items()}
    local = LocalRegistry(folder, archives)
    cargos = _of_all(local, [name for name, rules in ours.items() if not rules])
    refused = [name for name, rules in ours.items() if rules]
    with ThreadPoolExecutor(2) as pool:
        cargos |= dict(zip(refused, pool.map(lambda name: _of_one(local, name), refused), strict=True))
    return [Verdicts(case=case, ours=ours[case.name], cargos=cargos[case.name]) for case in cases]


def _of_one(local: LocalRegistry, name: str) -> str:
    outcome = local.metadata([name], project=f"of-{name}")
    return outcome.stderr if outcome.code else ""


def _of_all(local: LocalRegistry, names: list[str]) -> dict[str, str]:
    """Let cargo read all of these, and again without the first that it refuses, until it takes the rest."""
    found = dict.fromkeys(names, "")
    left = list(names)
    while left and (outcome := local.metadata(left)).code:
        refused = re.search(r"/(case\d+)-1\.0\.0/Cargo\.toml", outcome.stderr)
        assert refused, outcome.show()
        found[refused[1]] = outcome.stderr
        left.remove(refused[1])
    return found


def figures(found: Iterable[Verdicts]) -> dict[str, object]:
    """Count the verdicts, and list the disagreements."""
    kinds = ("manifests", "taken by both", "refused by both", "refused by us for clients' sake")
    counts, wrong = dict.fromkeys(kinds, 0), []
    for each in found:
        counts["manifests"] += 1
        counts["taken by both"] += not each.ours and not each.cargos
        counts["refused by both"] += bool(each.ours and each.cargos)
        counts["refused by us for clients' sake"] += bool(each.ours - AS_CARGO) and not each.cargos
        if each.disagree:
            wrong.append(f"{each.case.tries}: ours {sorted(each.ours)}, cargo's {each.cargos or 'taken'}")
    return {**counts, DISAGREEMENTS: wrong}


DISAGREEMENTS = "disagreements"


def cargo_schema() -> tuple[str, Schema]:
    """Give the schema of the cargo that is installed, and its version."""
    cargo, lock = cargo_lock()
    version = lock["cargo-util-schemas"]
    return f"cargo-util-schemas {version} of cargo {cargo}", json.loads(
        crate_file("cargo-util-schemas", version, "manifest.schema.json")
    )


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="try only one of so many")
    given = parser.parse_args()
    version, schema = cargo_schema()
    with TemporaryDirectory() as folder:
        found = figures(verdicts(list(cases(schema))[:: given.every], Path(folder)))
    print(json.dumps({"schema": version, **found}))
    sys.exit(bool(found[DISAGREEMENTS]))


if __name__ == "__main__":
    _main()
