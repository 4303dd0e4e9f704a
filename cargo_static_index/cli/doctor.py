"""The command that looks at a registry as cargo would: doctor."""

import os
from pathlib import Path
from typing import Literal

import click
from msgspec import Struct

from cargo_static_index.cli.command import command
from cargo_static_index.cli.formats import print_json
from cargo_static_index.cli.options import argument, json_lines
from cargo_static_index.cli.run import FOUND_WRONG, GOOD, Run
from cargo_static_index.client.config import CargoConfig, RemoteRegistry
from cargo_static_index.client.doctor import Diagnosis, diagnose
from cargo_static_index.diagnostics.errors import SettingsError


class DoctorDocument(Struct, frozen=True, kw_only=True):
    """What `doctor --json` says of a registry."""

    schema: Literal[1] = 1
    registry: str
    findings: tuple[Diagnosis, ...]


@command(examples=("doctor https://crates.example.com/index/", "doctor --registry acme --crate acme-log"))
@argument("url", nargs=1, required=False, metavar="[URL]", says="The registry's index URL, `sparse+` or not.")
@click.option("--registry", metavar="NAME", help="The registry, as cargo's configuration names it.")
@click.option("--crate", metavar="NAME", help="A crate that it holds; without it one of its front page's list.")
@json_lines
def doctor_command(run: Run, *, url: str | None, registry: str | None, crate: str | None, as_json: bool) -> int:
    """Look at a registry as cargo would, ours or not, and say what is wrong and the line that mends it.

    Address, config.json, missing crates, encodings, ETags, caches, archives, tokens, clocks: nothing is changed. The
    registry and the token are found as cargo finds them. The exit code is 1 where something stops cargo, or can.
    """
    cargo = CargoConfig(Path.cwd(), os.environ)
    target = cargo.registry(registry, None) if url is None else _named(url)
    found = list(diagnose(target, cargo, crate))
    if as_json:
        print_json(DoctorDocument(registry=target.index, findings=tuple(found)))
    else:
        _show(run, target, found)
    return FOUND_WRONG if any(diagnosis.level == "fault" for diagnosis in found) else GOOD


def _named(url: str) -> RemoteRegistry:
    """Give the registry of an index URL as somebody types it."""
    plain = url.removeprefix("sparse+")
    if not plain.startswith(("http://", "https://")):
        raise SettingsError(f"{url!r} is no index URL; give one such as https://crates.example.com/index/")
    if not plain.endswith("/"):
        raise SettingsError(f"{url!r} must end in a slash, as cargo wants it: {url}/")
    return RemoteRegistry(name=None, index=f"sparse+{plain}")


def _show(run: Run, target: RemoteRegistry, found: list[Diagnosis]) -> None:
    for diagnosis in found:
        level: Literal["error", "warning"] = "error" if diagnosis.level == "fault" else "warning"
        run.terminal.problem(level, diagnosis.level, diagnosis.says, diagnosis.url, diagnosis.mend)
    if not found:
        run.terminal.did("Good", f"{target.index}: nothing is wrong")
