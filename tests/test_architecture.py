"""Imports point inwards: every module has a ring, and may use its own and those inside it."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "cargo_static_index"

RINGS: tuple[frozenset[str], ...] = (
    frozenset({"diagnostics", "_json", "_pattern", "_version"}),
    frozenset({"protocol"}),
    frozenset({"crate", "tree", "site", "hosting"}),
    frozenset({"store", "state", "settings"}),
    frozenset({"registry"}),
    frozenset({"server", "client"}),
    frozenset({"cli", "__init__", "__main__"}),
)
"""The folders of the package, each in its ring: it uses its own ring and those before it."""

CONTRACT = "cargo_static_index.store"
"""What a store promises is a contract of values, which the tree's documents are read through: ring 2."""

NOT_IN_THE_PROTOCOL = frozenset(
    {"io", "logging", "os", "pathlib", "random", "shutil", "socket", "sqlite3", "subprocess", "tempfile", "time"}
)
"""The protocol takes values and gives values: it knows no file, socket, clock or environment."""

NOT_IN_DECIDING = frozenset({"logging", "random", "shutil", "socket", "sqlite3", "subprocess", "tempfile", "time"})
"""What decides reads what it is handed, and has no clock of its own."""


def modules() -> Iterator[Path]:
    """Give the files of the package."""
    return (ROOT / PACKAGE).rglob("*.py")


def part_of(module: Path) -> str:
    """Give the name that the ring lists."""
    return module.relative_to(ROOT / PACKAGE).parts[0].removesuffix(".py")


def place_of(module: Path, dependency: str) -> str:
    """Give the module that imports a dependency, or the folder where the whole folder may."""
    path = module.relative_to(ROOT / PACKAGE).with_suffix("").as_posix()
    return part_of(module) if part_of(module) in OTHERS.get(dependency, ()) else path


def ring_of(part: str) -> int:
    """Give the number of the ring."""
    return next(number for number, ring in enumerate(RINGS) if part in ring)


def imported(module: Path) -> Iterator[str]:
    """Give the absolute names of all modules that a file imports, wherever in the file."""
    inside = module.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*inside[: len(inside) - node.level]] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{name}.{alias.name}" for alias in node.names) if name == PACKAGE else [name]


@pytest.mark.parametrize("module", sorted(modules()), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_inwards(module: Path) -> None:
    ours = {name for name in imported(module) if name.startswith(f"{PACKAGE}.") and name != CONTRACT}
    parts = {part for name in ours if any((part := name.split(".")[1]) in ring for ring in RINGS)}
    outward = {part for part in parts if ring_of(part) > ring_of(part_of(module))}
    assert not outward, f"{module.name} uses {sorted(outward)}, which lies further out"


def test_the_protocol_does_no_input_or_output() -> None:
    for module in (ROOT / PACKAGE / "protocol").rglob("*.py"):
        used = {name.split(".")[0] for name in imported(module)} & NOT_IN_THE_PROTOCOL
        assert not used, f"{module.name} imports {sorted(used)}"


def test_what_decides_has_no_clock_and_no_database() -> None:
    for module in modules():
        if ring_of(part_of(module)) == 2:
            used = {name.split(".")[0] for name in imported(module)} & NOT_IN_DECIDING
            assert not used, f"{module.name} imports {sorted(used)}"


def test_every_module_has_a_ring_and_every_ring_its_modules() -> None:
    assert {part_of(module) for module in modules()} == frozenset().union(*RINGS)


OTHERS: dict[str, frozenset[str]] = {
    "brotli": frozenset({"site/compressed"}),
    "distributed": frozenset({"registry/cluster"}),
    "click": frozenset({"cli"}),
    "comrak": frozenset({"site/readme/markdown"}),
    "jwt": frozenset({"server/issuers"}),
    "jinja2": frozenset({"site/compiled", "site/templates"}),
    "markupsafe": frozenset({"site/templates"}),
    "nh3": frozenset({"site/readme/sanitize"}),
    "obstore": frozenset({"store/objects/client"}),
    "pygments": frozenset({"site/readme/highlight", "site/readme/rustlexer"}),
    "rich": frozenset({"cli"}),
    "rtoml": frozenset({"protocol/advisory", "protocol/manifest/toml", "settings/layers"}),
    "h11": frozenset({"server"}),
    "prometheus_client": frozenset({"server"}),
    "starlette": frozenset({"server"}),
    "uvicorn": frozenset({"server"}),
    "watchdog": frozenset({"registry/watch/doorbell"}),
    "zlib_ng": frozenset({"crate/gzip"}),
}
"""Where each dependency may be imported, so that it can be exchanged in one place; msgspec is everywhere."""


def test_every_dependency_is_imported_where_it_belongs_and_nowhere_else() -> None:
    used: dict[str, set[str]] = {}
    for module in modules():
        for name in imported(module):
            if (top := name.split(".")[0]) not in {*sys.stdlib_module_names, PACKAGE, "msgspec"}:
                used.setdefault(top, set()).add(place_of(module, top))
    assert used == OTHERS


def defined(module: Path) -> Iterator[str]:
    """Give the public names that a file defines for the whole package: classes, functions, types and constants."""
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name) and target.id != "T")


def taken(module: Path) -> Iterator[tuple[str, str]]:
    """Give the names that a file imports from our modules, each with its module."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)


def test_a_public_name_means_one_thing_in_the_whole_package() -> None:
    used = {pair for module in modules() for pair in taken(module)}
    meanings: dict[str, set[str]] = {}
    for module in modules():
        path = ".".join(module.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for name in defined(module):
            if not name.startswith("_") and (not name.isupper() or (path, name) in used):
                meanings.setdefault(name, set()).add(path)
    assert not {name: places for name, places in meanings.items() if len(places) > 1}


def test_loop_variables_are_called_after_what_they_hold() -> None:
    assert not [
        (str(module), node.lineno)
        for module in modules()
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Name) and node.id == "each"
    ]


def test_what_kind_of_store_it_is_nobody_asks_but_a_store() -> None:
    asked = re.compile(r"isinstance\([^()]*\b\w+Store\b")
    outside = (module for module in modules() if part_of(module) != "store")
    assert not [module for module in outside if asked.search(module.read_text())]


CREATES = re.compile(
    r"\.write_(?:text|bytes)\(|\.touch\(|(?<!fd)open\([^()]*[\"'][wa]b?[\"']|\bO_CREAT\b(?!.*O_NOFOLLOW)"
)
"""How a file is made by its path, so that a link that others put there would be followed."""

MAY_CREATE = {
    "registry/on_change.py",  # the file that the user names with --changed-urls
    "site/compiled.py",  # where the package is built
    "store/local/system.py",  # asks whether flags that it is given make a file
}


def test_nothing_that_is_kept_between_two_commands_is_code() -> None:
    """A state directory may have been made by somebody else (docs/security.md)."""
    codes = {"dbm", "marshal", "pickle", "shelve"}
    assert [path.name for path in modules() if codes & {name.partition(".")[0] for name in imported(path)}] == []


def test_files_are_made_so_that_no_link_is_followed() -> None:
    made = {path.relative_to(ROOT / PACKAGE).as_posix() for path in modules() if CREATES.search(path.read_text())}
    assert made == MAY_CREATE


FOLLOWED = ("registry/*.py", "registry/site/*.py", "registry/verify/*.py", "registry/watch/*.py", "tree/*.py")
"""Where each module has tests of its own, so that a fault is reported near its place."""


def test_tests_follow_the_modules() -> None:
    followed = (module for places in FOLLOWED for module in (ROOT / PACKAGE).glob(places) if module.stem != "__init__")
    tests = {
        module: ROOT / "tests" / module.relative_to(ROOT / PACKAGE).with_name(f"test_{module.name}")
        for module in followed
    }
    assert len(tests) > 50
    assert [module.name for module, test in tests.items() if not test.exists()] == []
