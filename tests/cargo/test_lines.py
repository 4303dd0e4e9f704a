"""The real cargo says which lines it takes, calls invalid or skips; our reading says the same.

No server: cargo reads a git index from a folder, one crate for each line.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import InvalidIndexLine
from cargo_static_index.protocol.features import check_features
from cargo_static_index.protocol.index_entry import parse_entry
from cargo_static_index.protocol.index_file import parse_line
from cargo_static_index.protocol.names import index_path
from tests.tools import need

pytestmark = pytest.mark.cargo

OPTIONAL = ',"optional":true'


def line(text: str, deps: str = "[]", name: str = "NAME") -> str:
    return f'{{"name":"{name}","vers":"1.0.0","deps":{deps},"cksum":"{"ab" * 32}"{text}}}'


def on_helper(text: str, features: str = "") -> str:
    """Give a line with a dependency on the crate `helper`, with more keys behind."""
    return line(f',"features":{{{features}}}', deps=f'[{{"name":"helper","req":"*"{text}}}]')


TAKEN = [
    line(""),
    line(',"yanked":null,"v":0'),
    line(',"pubtime":"0000-01-01T00:00:00Z"'),
    line(',"pubtime":"2026-05-15T08:30:60Z"'),
    line(',"rust_version":"1.60"'),
    line(',"x":1,"x":2'),
    line(',"x":{"\udcff":"\udcff"}'),
    line(',"features":{"a":["b"],"a":[]}'),
    line(',"features":{"日":[],"0":[],"c++.1-a_":[]}'),
    on_helper(',"kind":"devel"'),
    on_helper(OPTIONAL),
    on_helper(OPTIONAL, '"f":["helper"]'),
    on_helper(OPTIONAL, '"f":["dep:helper"]'),
    on_helper(OPTIONAL, '"helper":["helper?/y"]'),
    on_helper(',"kind":"dev"', '"f":["helper/y"]'),
]
INVALID = [
    line(',"yanked":1'),
    line(',"yanked":false,"yanked":false'),
    line(',"features":{},"features":{}'),
    line(',"v":-1'),
    line(',"v":2.0'),
    line(',"v":4294967296'),
    line(',"pubtime":"2025-02-29T08:30:00Z"'),
    line(',"pubtime":"2026-05-15T08:30:00z"'),
    line(',"rust_version":"01"'),
    line(',"rust_version":"1.x"'),
    line("", deps="null"),
    line(',"features":{"f":["no"]}'),
    line(',"features":{"f":[""]}'),
    line(',"features":{"a/b":[]}'),
    line(',"features":{"a¼":[]}'),
    line(',"features":{"+a":[]}'),
    on_helper(',"features":null'),
    on_helper(',"req":"*"'),
    on_helper(',"kind":1'),
    on_helper(',"registry":""'),
    on_helper(',"registry":"acme"'),
    on_helper("", '"f":["dep:helper"]'),
    on_helper("", '"f":["helper"]'),
    on_helper("", '"f":["helper?/y"]'),
    on_helper(OPTIONAL, '"helper":[]'),
    on_helper(OPTIONAL, '"f":["dep:helper"],"g":["helper"]'),
    on_helper(OPTIONAL, '"f":["dep:helper/x"]'),
    on_helper(OPTIONAL, '"f":["helper/x/y"]'),
    on_helper(',"optional":true,"kind":"dev"'),
    on_helper(',"optio\udcffal":false'),
]
SKIPPED = [
    line(',"name":"NAME"'),
    line(',"\\u0076ers":"1.0.0"'),
    line(',"x\udcff":1'),
    line("").replace("1.0.0", "1.0"),
    line("")[:-1],
    f"\ufeff{line('')}",
]
CASES = [
    *((each, "taken") for each in TAKEN),
    *((each, "invalid") for each in INVALID),
    *((each, "skipped") for each in SKIPPED),
]


def run(*command: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=60)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes_of(text))


def bytes_of(text: str) -> bytes:
    """Give the bytes of a line, of which `\\udcNN` in the text is one that is no UTF-8."""
    return text.encode(errors="surrogateescape")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Give a folder with an index of all lines, and cargo's environment."""
    folder = tmp_path_factory.mktemp("lines")
    person = {f"GIT_{who}_{what}": "t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {**os.environ, **person, "CARGO_HOME": str(folder / "home"), "CARGO_NET_OFFLINE": "false"}
    index, git = folder / "index", need("git")
    write(index / "config.json", json.dumps({"dl": (folder / "dl").as_uri()}))
    write(index / index_path("helper"), line("", name="helper") + "\n")
    for number, (text, _) in enumerate(CASES):
        write(index / index_path(f"case{number}"), text.replace("NAME", f"case{number}") + "\n")
    for step in (["init", "-q"], ["add", "."], ["commit", "-qm", "lines"]):
        assert run(git, *step, cwd=index, env=env).returncode == 0
    return folder, env


def ours(raw: bytes) -> str:
    """Say what our reading makes of a line."""
    if not parse_line(raw).vers:
        return "skipped"
    try:
        entry = parse_entry(raw)
    except InvalidIndexLine:
        return "invalid"
    features = {**entry.features, **(entry.features2 or {})}
    problems = check_features(features, [(each.name, each.optional, each.kind) for each in entry.deps])
    return "invalid" if problems else "taken"


def cargos(registry: tuple[Path, dict[str, str]], name: str) -> str:
    """Say what cargo makes of it."""
    folder, env = registry
    package = folder / name
    write(package / "src/lib.rs", "")
    write(package / ".cargo/config.toml", f'[registries]\nr = {{ index = "{(folder / "index").as_uri()}" }}\n')
    needs = f'[dependencies]\n{name} = {{ version = "1", registry = "r" }}\n'
    write(package / "Cargo.toml", f'[package]\nname = "w"\nversion = "0.0.0"\nedition = "2021"\n{needs}')
    done = run(need("cargo"), "generate-lockfile", cwd=package, env=env)
    if done.returncode == 0:
        return "taken"
    says = {"index entry is invalid": "invalid", "no matching package": "skipped"}
    return next((outcome for text, outcome in says.items() if text in done.stderr), done.stderr)


@pytest.mark.case(25)
@pytest.mark.case(26)
@pytest.mark.case(40)
@pytest.mark.case(59)
@pytest.mark.parametrize("number", range(len(CASES)))
def test_cargo_and_we_make_the_same_of_a_line(registry: tuple[Path, dict[str, str]], number: int) -> None:
    text, outcome = CASES[number]
    raw = bytes_of(text.replace("NAME", f"case{number}"))
    assert (ours(raw), cargos(registry, f"case{number}")) == (outcome, outcome)
