"""That what the README and the documents say is true: commands, links, length.

The README's commands run as they stand in a copy of the checkout. The copy's environment sees the packages of this
one, so that only the program itself is installed anew.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_static_index.store.local.store import LocalStore
from tests.cargo.client import Cargo
from tests.servers import Nginx, open_folder
from tests.tools import need
from tests.world import contents

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCUMENTS = [
    README,
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "site-template").rglob("*.md")),
]

_fences = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_code = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_links = re.compile(r"\]\(([^)\s]+)\)")
_headings = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def blocks(language: str) -> list[str]:
    """Give the README's fenced blocks of a language."""
    return [text for tag, text in _fences.findall(README.read_text()) if tag == language]


def anchors(document: Path) -> set[str]:
    """Give the anchors of a document's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _headings.findall(text))
    return {heading.replace(" ", "-") for heading in plain}


def test_the_readme_is_read_in_one_go() -> None:
    assert len(README.read_text().splitlines()) <= 150


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    for link in _links.findall(_code.sub("", document.read_text())):
        path, _, anchor = link.partition("#")
        if ":" in path:
            continue
        target = document.parent / path if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_scripts_that_the_readme_names_can_be_run() -> None:
    for script in ("demo", "setup", "test", "test-long"):
        assert (ROOT / "scripts" / script).stat().st_mode & stat.S_IXUSR, script


def test_every_command_that_the_readme_lists_is_a_command() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "cargo_static_index", "--help"], capture_output=True, text=True, check=True
    ).stdout
    commands = set(re.findall(r"^  ([a-z][a-z-]+)  ", shown, re.MULTILINE))
    listed = {name for row in re.findall(r"^\| (`.*?) \|", README.read_text(), re.MULTILINE) for name in named(row)}
    assert len(listed) >= 9
    assert listed <= commands


def named(cell: str) -> list[str]:
    """Give the commands that a cell of the table names: the first word of each piece of code."""
    return [code.split()[0] for code in re.findall(r"`([^`]+)`", cell)]


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    """Copy what is kept of this checkout, with an environment that borrows this one's packages."""
    with open_folder() as folder:
        copy = folder / "checkout"
        copy_checkout(copy)
        subprocess.run([sys.executable, "-m", "venv", copy / ".venv"], check=True)
        borrow_packages(copy / ".venv")
        yield copy


def copy_checkout(copy: Path) -> None:
    """Copy every file that git knows or would add."""
    kept = subprocess.run(
        [need("git"), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for path in filter(None, kept.split("\0")):
        if (ROOT / path).is_file():
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, copy / path)


def borrow_packages(environment: Path) -> None:
    """Let an environment see the packages of this one, the program itself left out."""
    borrowed = environment / "borrowed"
    borrowed.mkdir()
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if "cargo_static_index" not in package.name:
            (borrowed / package.name).symlink_to(package)
    [packages] = (environment / "lib").glob("python*/site-packages")
    (packages / "borrowed.pth").write_text(f"{borrowed}\n")


def shell(text: str, checkout: Path) -> str:
    """Run a block of the README in the copy, with the copy's environment active."""
    path = os.pathsep.join((str(checkout / ".venv/bin"), os.environ["PATH"]))
    done = subprocess.run(
        [need("bash"), "-euo", "pipefail", "-c", text],
        cwd=checkout,
        env=os.environ | {"PATH": path, "VIRTUAL_ENV": str(checkout / ".venv")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def test_the_last_command_is_what_passes_the_tests() -> None:
    # Run here it would begin all over again; .ci/run runs it.
    demo, use, test = blocks("sh")
    assert (demo, test) == ("scripts/demo\n", "scripts/test\n")
    begun = [line.split()[0] for line in (ROOT / ".ci" / "run").read_text().splitlines() if line.strip()]
    assert begun[-1] == test.strip()
    assert "init" in use


@pytest.mark.cargo
@pytest.mark.slow
def test_the_first_command_builds_a_registry_that_cargo_uses_as_the_readme_says(checkout: Path, tmp_path: Path) -> None:
    shell(blocks("sh")[0], checkout)
    [config] = blocks("toml")
    [url] = [registry["index"] for registry in tomllib.loads(config)["registries"].values()]
    [(command, name)] = re.findall(r"`cargo (add --registry acme ([\w-]+))`", README.read_text())
    with Nginx(checkout / "public") as server:
        # The tree is made for one port, which may be taken here: a proxy answers for it.
        proxy = {"http_proxy": server.url, "NO_PROXY": "", "no_proxy": ""}
        cargo = Cargo(tmp_path / "cargo", config=config)
        project = cargo.project(code=f"use {name.replace('-', '_')} as _;")
        project.run(*command.split(), env=proxy).ok()
        project.run("build", env=proxy).ok()
    assert name in project.locked()
    assert set(project.sources().values()) == {url}


@pytest.mark.slow
def test_the_commands_of_use_build_a_registry_from_crates_that_are_copied(checkout: Path) -> None:
    shutil.rmtree(checkout / "public", ignore_errors=True)
    shutil.copytree(checkout / "examples/drop", checkout / "somewhere")
    shell("pip install --quiet .", checkout)
    shell(blocks("sh")[1], checkout)
    dropped = {path.name.rpartition("-")[0] for path in (checkout / "somewhere").iterdir()}
    assert {path.name for path in (checkout / "public/crates").iterdir() if path.is_dir()} == dropped
    assert "https://crates.example.com/crates/" in (checkout / "public/index/config.json").read_text()
    # The same without registry.toml, over what is there: nothing changes.
    [again] = re.findall(r"`cargo-static-index (build --drop [^`]+)`", README.read_text())
    before = contents(LocalStore(checkout / "public"))
    (checkout / "registry.toml").rename(checkout / "registry.off")
    shell(f"cargo-static-index {again}", checkout)
    after = contents(LocalStore(checkout / "public"))
    changed = {Path(path) for path, content in after.items() if before.get(path) != content}
    # Pages say the registry's name, which only registry.toml has.
    made_for_it = {Path("index.json"), Path("pages.json")}
    assert {path for path in changed if path.suffix not in {".html", ".xml"}} <= made_for_it


def test_each_boundary_of_the_page_on_security_names_tests_that_are_there() -> None:
    page = (ROOT / "docs/security.md").read_text()
    named = re.findall(r"`(tests/[^`]+)`", page)
    assert len(named) > 10
    assert [path for path in named if not (ROOT / path).exists()] == []


INSTALLED_BY = ("uv tool install .", "pipx install .", "uvx --from . cargo-static-index build")
"""The ways that the README names to have the command without a virtual environment of one's own."""


@pytest.mark.slow
@pytest.mark.parametrize("line", INSTALLED_BY)
def test_the_command_can_be_had_as_the_readme_says(checkout: Path, tmp_path: Path, line: str) -> None:
    assert f"`{line}`" in README.read_text()
    programs = tmp_path / "bin"
    settings = {
        "UV_TOOL_DIR": str(tmp_path / "tools"),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "UV_TOOL_BIN_DIR": str(programs),
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
        "PIPX_HOME": str(tmp_path / "pipx"),
        "PIPX_BIN_DIR": str(programs),
        "PIPX_DEFAULT_PYTHON": sys.executable,
    }
    shutil.copytree(checkout, tmp_path / "clone", ignore=shutil.ignore_patterns(".venv", "public"))
    program, *arguments = line.split()
    begun = [need(program), *arguments]
    here = tmp_path / "clone"
    (here / "drop").mkdir(exist_ok=True)
    env = os.environ | settings
    subprocess.run(begun, cwd=here, env=env, check=True, capture_output=True, text=True, timeout=300)
    if "build" in arguments:
        assert (here / "public/index/config.json").is_file()
    else:
        said = subprocess.run(
            [programs / "cargo-static-index", "--version"], check=True, capture_output=True, text=True
        )
        assert said.stdout.startswith("cargo-static-index")
