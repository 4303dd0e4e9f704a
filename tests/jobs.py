"""Jobs of a CI as documents print them, whose commands are run on this machine.

What would change the machine stands in: `apt-get` does nothing, and `pipx run` runs the program that is tested. What
GitHub calls by `uses` is the test's to do.
"""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from tests.tools import need

DOCS = Path(__file__).parents[1] / "docs"
HOST = "https://crates.example.com/"
"""Where the registry is in documents."""

STANDS_IN = {"apt-get": "", "pipx": 'test "$1" = run\nshift\nexec "$@"\n'}


class Job(Struct, frozen=True, kw_only=True):
    """A job that publishes: its variables, its commands, and what it asks of others in front of them."""

    variables: dict[str, str]
    commands: list[str]
    uses: list[dict[str, Any]]

    def run(self, url: str, folder: Path, given: Mapping[str, str], env: Mapping[str, str]) -> None:
        """Run it in a folder against the registry at `url`, and claim that it succeeds.

        `given` are the values of GitHub's expressions, `env` is what the runner has.
        """
        programs = _stand_ins(folder.with_name(f"{folder.name}-bin"))
        variables = {name: _placed(value, url, given) for name, value in self.variables.items()}
        path = os.pathsep.join((str(programs), env["PATH"]))
        done = subprocess.run(
            [need("bash"), "-eo", "pipefail", "-c", "\n".join(self.commands)],
            cwd=folder,
            env={**env, **variables, "PATH": path, "CI": "true"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def github_job(document: str) -> Job:
    """Read the job of GitHub that a document prints."""
    job = next(block["jobs"]["publish"] for block in _blocks(document) if "jobs" in block)
    commands = [step for step in job["steps"] if "run" in step]
    variables = job["env"] | {name: value for step in commands for name, value in step.get("env", {}).items()}
    uses = [step for step in job["steps"] if "uses" in step]
    return Job(variables=variables, commands=[step["run"] for step in commands], uses=uses)


def gitlab_job(document: str) -> Job:
    """Read the job of GitLab that a document prints."""
    job = next(block["publish"] for block in _blocks(document) if "publish" in block)
    return Job(variables=job["variables"], commands=job["script"], uses=[])


def make_workspace(folder: Path, names: Sequence[str]) -> Path:
    """Write a workspace whose every member needs the one before it, all for the registry `acme`."""
    folder.mkdir()
    (folder / "Cargo.toml").write_text(f'[workspace]\nresolver = "2"\nmembers = {json.dumps(names)}\n')
    needs = ""
    for name in names:
        member = folder / name
        (member / "src").mkdir(parents=True)
        (member / "src/lib.rs").write_text("")
        (member / "Cargo.toml").write_text(
            f'[package]\nname = "{name}"\nversion = "1.0.0"\nedition = "2021"\npublish = ["acme"]\n'
            f'description = "Member {name}"\nlicense = "MIT"\n[dependencies]\n{needs}\n'
        )
        needs = f'{name} = {{ path = "../{name}", version = "1", registry = "acme" }}'
    return folder


def _blocks(document: str) -> list[dict[str, Any]]:
    return [yaml.safe_load(text) for text in re.findall(r"(?ms)^```yaml\n(.*?)^```$", (DOCS / document).read_text())]


def _placed(value: str, url: str, given: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ (\S+) \}\}", lambda at: given[at[1]], value).replace(HOST, url)


def _stand_ins(folder: Path) -> Path:
    folder.mkdir()
    (folder / "cargo-static-index").symlink_to(need("cargo-static-index"))
    for name, script in STANDS_IN.items():
        (folder / name).write_text(f"#!/bin/sh -e\n{script}")
        (folder / name).chmod(0o755)
    return folder
