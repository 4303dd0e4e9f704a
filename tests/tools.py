"""Programs that tests drive: found by name, and run without root's privileges where those would hide a fault."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

# Debian has nginx outside the PATH of ordinary users, and what pip brought lies beside the interpreter.
_OURS = str(Path(sys.executable).parent)
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin", _OURS))


def need(*names: str) -> str:
    """Give the path of the first of these programs that is installed.

    Without any the test is skipped and the skip names the tool; where `CI` is set, the test fails instead.
    """
    for name in names:
        if found := shutil.which(name, path=_PATH):
            return found
    absent = f"not installed: {' or '.join(names)}"
    if os.environ.get("CI"):
        pytest.fail(f"{absent}; where CI is set, a test may not be skipped for that", pytrace=False)
    pytest.skip(absent)


def build_program(manifest: Path, target: Path) -> Path:
    """Build a Rust program of the tests below the folder `target`, and give its path.

    Workers that ask for the same folder share one build; cargo's own lock lets one of them do it.
    """
    command: list[str | Path] = [need("cargo"), "build", "--release", "--locked", "--quiet"]
    command += ["--manifest-path", manifest, "--target-dir", target]
    subprocess.run(command, check=True, timeout=300)
    return target / "release" / manifest.parent.name.replace("_", "-")


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """Give a folder that all workers of one run share."""
    temporary = factory.getbasetemp()
    return temporary.parent if "PYTEST_XDIST_WORKER" in os.environ else temporary


def unprivileged() -> tuple[str, ...]:
    """Give what goes before a command so that it runs without root's privileges, see `as_nobody`."""
    return () if os.geteuid() != 0 else (need("setpriv"), "--bounding-set=-all", "--inh-caps=-all", "--")


def from_npm(package: str) -> Path:
    """Give the folder of modules that a package of npm's, `NAME@VERSION`, brings; it is fetched once a checkout."""
    folder = Path(__file__).parents[1] / "target" / "npm" / package.replace("/", "-")
    done = folder / "done"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        options = ("--no-fund", "--no-audit", "--no-save", "--prefix", folder)
        subprocess.run([need("npm"), "install", *options, package], check=True, capture_output=True, timeout=300)
        done.touch()
    return folder / "node_modules"


def from_go(package: str) -> Path:
    """Give the program that a package of Go's, `PATH@VERSION`, is; it is built once a checkout."""
    folder = Path(__file__).parents[1] / "target" / "go" / package.replace("/", "-")
    program = folder / package.partition("@")[0].rpartition("/")[2]
    if not program.exists():
        command = [need("go"), "install", package]
        env = os.environ | {"GOBIN": str(folder)}
        subprocess.run(command, check=True, capture_output=True, timeout=900, env=env)
    return program


def as_nobody(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run a command as a user without privileges: root opens files of mode 0000, and a test would see no fault.

    Whoever is not root is such a user already. Root stays uid 0 but drops every capability: an owner like
    any other, who can still reach its own temp folders and interpreter below a home of mode 0700.
    """
    return subprocess.run(
        [*unprivileged(), *command],
        capture_output=True,
        text=True,
        check=False,
        env=env,
        cwd=cwd,
        timeout=timeout,
    )
