"""Imports point inwards: every module has a ring, and may use its own and those inside it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "cargo_static_index"

RINGS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "rules"}),
    frozenset({"protocol"}),
    frozenset(
        {
            *("archive", "archivepaths", "facts", "findings", "gzipstream", "limits", "release", "tarstream"),
            *("faults", "incoming", "layout", "plan", "record", "report"),
            *("changelog", "finish", "forges", "highlight", "markdown", "pages", "rustlexer", "sanitize"),
        }
    ),
    frozenset(
        {
            *("aftermath", "catalogue", "changes", "derived", "jobs", "knowledge", "locks", "moving", "passes"),
            *("publish", "reading", "recovery", "registry", "reindex", "scan", "session", "settings"),
            *("status", "store", "tree", "verify"),
            *("cratecheck", "cratepages", "frontpages", "pagecheck", "refusedfiles", "shelving", "sitesources"),
            *("__init__", "__main__", "cli"),
        }
    ),
)
"""Each module or package of ours, in the ring it belongs to. A new one must be named here."""

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
    ours = (name.split(".")[1] for name in imported(module) if name.startswith(f"{PACKAGE}."))
    parts = {part for part in ours if any(part in ring for ring in RINGS)}  # else a name of the package, not a module
    outward = {part for part in parts if ring_of(part) > ring_of(part_of(module))}
    assert not outward, f"{module.name} uses {sorted(outward)}, which lies further out"


def test_the_protocol_does_no_input_or_output() -> None:
    for module in (ROOT / PACKAGE / "protocol").glob("*.py"):
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
    "comrak": frozenset({"markdown"}),
    "isal": frozenset({"gzipstream"}),
    "jinja2": frozenset({"pages"}),
    "markupsafe": frozenset({"pages"}),
    "nh3": frozenset({"sanitize"}),
    "pygments": frozenset({"highlight", "rustlexer"}),
    "rich": frozenset({"cli"}),
    "rtoml": frozenset({"protocol", "settings"}),
    "typer": frozenset({"cli", "settings"}),
}
"""Where each dependency may be imported, so that it can be exchanged in one place; msgspec is everywhere."""


def test_every_dependency_is_imported_where_it_belongs_and_nowhere_else() -> None:
    used: dict[str, set[str]] = {}
    for module in modules():
        for name in imported(module):
            if (top := name.split(".")[0]) not in {*sys.stdlib_module_names, PACKAGE, "msgspec"}:
                used.setdefault(top, set()).add(part_of(module))
    assert used == OTHERS
