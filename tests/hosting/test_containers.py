"""What runs in containers and in other people's CI: the steps of the files, as plain commands."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.program import environment, run
from tests.crates import crate
from tests.server.serving import Served, until
from tests.servers import Nginx, get, open_folder
from tests.users import as_root, run_as

ROOT = Path(__file__).parents[2]
BASE = "https://crates.example.com/"
ANYBODY = 54_321
"""A user without a name, as some clusters have them."""


def load(name: str) -> Any:
    """Read a YAML file of the checkout."""
    return yaml.safe_load((ROOT / name).read_text())


def container() -> dict[str, str]:
    """Give the variables that the Containerfile sets for the program."""
    text = (ROOT / "containers/Containerfile").read_text().replace("\\\n", " ")
    (line,) = re.findall(r"(?m)^ENV (.*)$", text)
    found = dict(pair.split("=", 1) for pair in line.split())
    return {name: value for name, value in found.items() if name.startswith("CARGO_STATIC_INDEX_")}


def in_bash(script: str, cwd: Path, env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run a step as the runner does, with this program in the place of the one that would be installed."""
    program = f'cargo-static-index() {{ {sys.executable} -m cargo_static_index "$@"; }}\n'
    env = environment({"PYTHONPATH": str(ROOT), **env})
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", program + script]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


@as_root
def test_any_user_without_a_name_or_home_can_run_it_where_all_but_its_folders_is_read_only(tmp_path: Path) -> None:
    with open_folder() as folder:
        (folder / "srv").mkdir()
        variables = {name: value.replace("/srv", f"{folder}/srv") for name, value in container().items()}
        for name in ("drop", "public", "state", "private", "tmp"):
            (folder / "srv" / name).mkdir()
            (folder / "srv" / name).chmod(0o1777)
        crate("foo").write(folder / "srv/drop")
        (folder / "srv/drop/foo-1.0.0.crate").chmod(0o644)
        env = {**variables, "CARGO_STATIC_INDEX_REGISTRY_BASE_URL": BASE, "HOME": "/", "TMPDIR": f"{folder}/srv/tmp"}
        ended = run_as(ANYBODY, "build", cwd=folder / "srv", env=env, writable=folder / "srv")
        assert "Published foo 1.0.0" in ended.err + ended.out
        create = ("token", "create", "--user", "ann")
        assert run_as(ANYBODY, *create, cwd=folder / "srv", env=env, writable=folder / "srv").ok().strip()
        assert (folder / "srv/public/index/3/f/foo").stat().st_uid == ANYBODY
        for name in ("state", "private"):
            assert not (folder / "srv" / name / "cargo-static-index").stat().st_mode & 0o022


def test_the_composed_services_publish_and_serve(tmp_path: Path) -> None:
    services = load("containers/compose.yaml")["services"]
    registry, server = services["registry"], services["nginx"]
    assert (registry["read_only"], registry["cap_drop"], registry["tmpfs"]) == (True, ["ALL"], ["/tmp"])
    mounts = {volume.split(":")[1] for volume in registry["volumes"]}
    assert mounts == {"/srv/drop", "/srv/public", "/srv/state", "/srv/private"}
    assert "./public:/srv/public:ro" in server["volumes"]
    with open_folder() as folder:
        served = Served(folder)
        served.tree.mkdir()
        (folder / "drop").mkdir()
        text = run("hosting", "nginx", "--root", served.tree, "--endpoint", f"127.0.0.1:{served.port}", cwd=folder).ok()
        with Nginx(served.tree, server=text) as nginx:
            env = dict.fromkeys(registry["environment"], nginx.url)
            command, *options = (option for option in registry["command"] if option not in {"--bind", "0.0.0.0:8000"})
            assert command == "serve"
            with served.running(*options, env=env):
                crate("foo").write(folder / "drop")
                until(lambda: get(f"{nginx.url}index/3/f/foo").status == 200)
                assert get(f"{nginx.url}index/config.json").content.count(nginx.url.rstrip("/").encode()) == 2
                assert get(f"{nginx.url}api/v1/crates/foo/owners", Authorization=served.token()).status == 200


def action(folder: Path, **inputs: str) -> "subprocess.CompletedProcess[str]":
    """Run the last step of the composite action with these inputs."""
    described = load("action.yml")
    given = {name: str(about.get("default", "")) for name, about in described["inputs"].items()}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    step = described["runs"]["steps"][-1]

    def filled(text: str) -> str:
        text = re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: given[found[1]], text)
        return text.replace("${{ runner.temp }}", str(folder / "temp"))

    script = filled(step["run"]).replace(
        '"$RUNNER_TEMP/cargo-static-index/bin/cargo-static-index"', "cargo-static-index"
    )
    return in_bash(script, folder, {name: filled(value) for name, value in step["env"].items()})


def test_the_action_makes_a_tree_of_crates_and_goes_on_from_it(tmp_path: Path) -> None:
    crate("foo").write(tmp_path / "drop")
    refused = action(tmp_path, base_url=BASE, must_exist="true")
    assert refused.returncode == 2
    assert "it must exist" in refused.stdout + refused.stderr
    assert action(tmp_path, base_url=BASE).returncode == 0
    line = (tmp_path / "public/index/3/f/foo").read_bytes()
    again = action(tmp_path, base_url=BASE, must_exist="true")
    assert (again.returncode, (tmp_path / "public/index/3/f/foo").read_bytes()) == (0, line)


def test_the_template_for_gitlab_makes_a_tree_of_crates_and_goes_on_from_it(tmp_path: Path) -> None:
    job = load("containers/gitlab-ci.yml")[".cargo-static-index"]
    assert job["resource_group"] == "registry"
    crate("foo").write(tmp_path / "drop")
    env = {**job["variables"], "CARGO_STATIC_INDEX_STATE_PATH": str(tmp_path / "state")}
    env["CARGO_STATIC_INDEX_REGISTRY_BASE_URL"] = BASE
    script = "\n".join(line for line in job["script"] if "pip install" not in line)
    for options in ("", "--must-exist"):
        ended = in_bash(script, tmp_path, {**env, "OPTIONS": options})
        assert ended.returncode == 0, ended.stderr
    assert (tmp_path / job["artifacts"]["paths"][0] / "index/3/f/foo").exists()


@pytest.mark.parametrize("name", ["action.yml", "containers/compose.yaml", "containers/gitlab-ci.yml"])
def test_the_files_name_options_and_settings_that_there_are(name: str) -> None:
    text = (ROOT / name).read_text()
    shown = run("build", "--help", cwd=ROOT).out + run("serve", "--help", cwd=ROOT).out
    variables = set(re.findall(r"CARGO_STATIC_INDEX_[A-Z_]+", text))
    assert variables
    assert all(variable in shown for variable in variables)
