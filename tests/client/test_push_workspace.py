"""`push --workspace`: thirty members that need each other, packaged by the real cargo, against our own endpoint."""

import json
from pathlib import Path

import pytest

from tests.cargo.client import Cargo
from tests.cli.program import run
from tests.jobs import Job, github_job, gitlab_job, make_workspace
from tests.server.serving import Served

MEMBERS = [f"m{number}" for number in range(30)]


@pytest.mark.cargo
def test_a_workspace_goes_up_whole_and_again_nothing_goes(tmp_path: Path) -> None:
    served = Served(tmp_path / "registry")
    workspace = make_workspace(tmp_path / "work", MEMBERS)
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
        assert held == set(MEMBERS)
        project = Cargo(tmp_path / "user", {"acme": served.url}).project('m29 = { version = "1", registry = "acme" }')
        project.run("generate-lockfile").ok()
        assert len(project.locked()) == len(MEMBERS)


@pytest.mark.cargo
@pytest.mark.parametrize("job", [github_job("pushing.md"), gitlab_job("pushing.md")], ids=["GitHub", "GitLab"])
def test_the_jobs_of_the_guide_publish_a_workspace(tmp_path: Path, job: Job) -> None:
    served = Served(tmp_path / "registry", "auth-required = true\n[tree]\nflush = false\n")
    token, workspace = served.token(), make_workspace(tmp_path / "work", ["first", "second"])
    assert [step["uses"] for step in job.uses] in ([], ["actions/checkout@v5"])
    masked = {"CARGO_REGISTRIES_ACME_TOKEN": token, "CARGO_REGISTRIES_ACME_CREDENTIAL_PROVIDER": "cargo:token"}
    with served.running("--publish"):
        job.run(served.url, workspace, {"secrets.ACME_TOKEN": token}, Cargo(tmp_path / "runner").environment() | masked)
    assert "first" in (held := served.run("list").ok())
    assert "second" in held
