"""The package as a library: its names, its types, and the examples of docs/library.md, which run as they stand."""

import contextlib
import inspect
import io
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

import cargo_static_index

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/library.md"

_blocks = re.compile(r"^```(python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[str, str]]:
    """Give the examples, each with what the page says that it prints."""
    found = _blocks.findall(PAGE.read_text(encoding="utf-8"))
    assert [kind for kind, _ in found] == ["python", "text"] * (len(found) // 2)
    return [(code, said) for (_, code), (_, said) in zip(found[::2], found[1::2], strict=True)]


def test_the_examples_print_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples/drop", tmp_path / "examples/drop")
    monkeypatch.chdir(tmp_path)
    program = ModuleType("example")
    monkeypatch.setitem(sys.modules, "example", program)  # as `python example.py` has it
    for code, said in examples():
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(PAGE), "exec"), vars(program))
        assert printed.getvalue() == said, code


@pytest.mark.slow
def test_the_examples_keep_to_the_types(tmp_path: Path) -> None:
    program = tmp_path / "example.py"
    program.write_text("".join(code for code, _ in examples()), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_package_says_that_it_has_types() -> None:
    assert (ROOT / "cargo_static_index/py.typed").is_file()


VALUES = {"__version__", "RULES", "STORE_CHECKS"}
ALIASES = {
    "Access",
    "Change",
    "Doing",
    "Due",
    "FileStatus",
    "Fix",
    "Level",
    "Mode",
    "OwnCheck",
    "Reindexed",
    "Severity",
}
"""Names of types that have no docstring of their own: the source has it behind them."""


@pytest.mark.parametrize("name", sorted(set(cargo_static_index.__all__) - VALUES - ALIASES))
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    found = getattr(cargo_static_index, name)
    own = found.__dict__.get("__doc__") if inspect.isclass(found) else found.__doc__
    assert own
    public = (each for key, each in vars(found).items() if inspect.isclass(found) and not key.startswith("_"))
    for each in public:
        target = each.fget if isinstance(each, property) else getattr(each, "__func__", each)
        if inspect.isfunction(target):
            assert target.__doc__, f"{name}.{target.__name__}"
            assert "return" in target.__annotations__, f"{name}.{target.__name__}"


def test_public_functions_say_every_type() -> None:
    for name in cargo_static_index.__all__:
        found = getattr(cargo_static_index, name)
        if inspect.isfunction(inspect.unwrap(found)):
            signature = inspect.signature(found)
            assert all(each.annotation is not inspect.Parameter.empty for each in signature.parameters.values()), name
            assert signature.return_annotation is not inspect.Signature.empty, name


def test_every_type_that_something_public_takes_or_gives_is_public() -> None:
    public = {getattr(cargo_static_index, name) for name in cargo_static_index.__all__ if name not in VALUES}
    hidden = {
        f"{name}: {type_.__qualname__}"
        for name in cargo_static_index.__all__
        for annotated in annotated_in(getattr(cargo_static_index, name))
        for hint in hints_of(annotated).values()
        for type_ in classes_of(hint)
        if type_ not in public
    }
    assert hidden == set()


def annotated_in(found: object) -> Iterator[Any]:
    """Give what says types of a public name: a function, or a class with its public methods."""
    if inspect.isclass(found):
        yield found
        members = (member for name, member in vars(found).items() if not name.startswith("_"))
        yield from filter(inspect.isfunction, (getattr(member, "fget", member) for member in members))
    elif inspect.isfunction(found):
        yield inspect.unwrap(found)


def hints_of(annotated: Any) -> dict[str, Any]:
    """Give the types that are said; those of modules that are loaded late are known by their public names."""
    late = {name: getattr(cargo_static_index, name) for name in cargo_static_index.__all__}
    return get_type_hints(annotated, vars(sys.modules[annotated.__module__]), late)


def classes_of(hint: object) -> Iterator[type]:
    """Give the classes of ours in a type."""
    for part in get_args(hint):
        for inner in part if isinstance(part, list) else [part]:
            yield from classes_of(inner)
    if inspect.isclass(hint) and hint.__module__.startswith("cargo_static_index."):
        yield hint


def test_public_values_are_frozen() -> None:
    for name in cargo_static_index.__all__:
        found = getattr(cargo_static_index, name)
        if inspect.isclass(found) and issubclass(found, msgspec.Struct):
            assert found.__struct_config__.frozen, name


def test_what_is_listed_is_what_can_be_loaded() -> None:
    assert set(cargo_static_index.__all__) <= set(dir(cargo_static_index))
    assert len(set(cargo_static_index.__all__)) == len(cargo_static_index.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing_of_ours'"):
        cargo_static_index.nothing_of_ours  # noqa: B018 - asking is the test


def test_importing_the_package_loads_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import cargo_static_index; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "['cargo_static_index', 'cargo_static_index._version']\n"
