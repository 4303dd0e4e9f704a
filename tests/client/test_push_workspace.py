"""`push --workspace`: thirty members that need each other, packaged by the real cargo, against our own endpoint."""

import json
from pathlib import Path

import pytest

from tests.cargo.client import Cargo
from tests.cli.program import run
from tests.server.serving import Served

MEMBERS = 30


def make_workspace(folder: Path) -> Path:
    """Write a workspace whose every member needs the one before it."""
    folder.mkdir()
    (folder / "Cargo.toml").write_text('[workspace]\nresolver = "2"\nmembers = ["m*"]\n')
    for number in range(MEMBERS):
        member = folder / f"m{number}"
        (member / "src").mkdir(parents=True)
        (member / "src/lib.rs").write_text("")
        needs = f'm{number - 1} = {{ path = "../m{number - 1}", version = "1", registry = "acme" }}' if number else ""
        (member / "Cargo.toml").write_text(
            f'[package]\nname = "m{number}"\nversion = "1.0.0"\nedition = "2021"\npublish = ["acme"]\n'
            f'description = "Member {number}"\nlicense = "MIT"\n[dependencies]\n{needs}\n'
        )
    return folder


@pytest.mark.cargo
def test_a_workspace_goes_up_whole_and_again_nothing_goes(tmp_path: Path) -> None:
    served = Served(tmp_path / "registry")
    workspace = make_workspace(tmp_path / "work")
    token = served.token()
    cargo = served.cargo(tmp_path / "cargo", token)
    env = {"CARGO_HOME": str(cargo.home)}
    with served.running("--publish"):
        run("push", "--workspace", "--no-verify", "--registry", "acme", cwd=workspace, env=env).ok()
        again = run(
            "push",
            "--json",
            *sorted((workspace / "target/package").glob("*.crate")),
            "--registry",
            "acme",
            cwd=workspace,
            env=env,
        )
        assert {each["status"] for each in again.document()["crates"]} == {"unchanged"}
        held = {json.loads(line)["name"] for line in run("list", "--json", cwd=served.folder).ok().splitlines()}
        assert held == {f"m{number}" for number in range(MEMBERS)}
        project = Cargo(tmp_path / "user", {"acme": served.url}).project('m29 = { version = "1", registry = "acme" }')
        project.run("generate-lockfile").ok()
        assert len(project.locked()) == MEMBERS
