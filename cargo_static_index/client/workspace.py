"""The archives of a workspace, as cargo packages them."""

import json
import subprocess
from pathlib import Path

from cargo_static_index.diagnostics.errors import SettingsError


def package_workspace(folder: Path, registry: str | None, more: tuple[str, ...] = ()) -> list[Path]:
    """Have cargo package a workspace, and give the archives of the members that `registry` may hold.

    `more` are options of `cargo package`. SettingsError where cargo fails: it has said why.
    """
    members = json.loads(_cargo(folder, "metadata", "--no-deps", "--format-version", "1", quiet=True))
    wanted = [package for package in members["packages"] if _may_go(package["publish"], registry)]
    if not wanted:
        raise SettingsError("no member of this workspace may be published there: `package.publish` says so in each")
    chosen = [word for package in wanted for word in ("--package", package["name"])]
    _cargo(folder, "package", *chosen, *more)
    target = Path(members["target_directory"]) / "package"
    return [target / f"{package['name']}-{package['version']}.crate" for package in wanted]


def _may_go(publish: list[str] | None, registry: str | None) -> bool:
    """Whether `package.publish` lets a package go to a registry (cargo's book: "The publish field")."""
    return publish is None or registry in publish


def _cargo(folder: Path, *arguments: str, quiet: bool = False) -> str:
    out = subprocess.PIPE if quiet else None
    try:
        done = subprocess.run(["cargo", *arguments], cwd=folder, stdout=out, text=True, check=False)
    except FileNotFoundError as error:
        raise SettingsError("cargo is not installed: https://rustup.rs") from error
    if done.returncode != 0:
        raise SettingsError(f"`cargo {arguments[0]}` failed; mend what it says above, then run this again")
    return done.stdout or ""
