"""The command that looks at a registry as cargo would: doctor."""

import os
from collections.abc import Iterator
from functools import partial
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
from cargo_static_index.client.folder import asking, base_url_in, look_at, some_crate_in
from cargo_static_index.client.http import send
from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.store.bucket import Bucket, is_bucket_url, parse_bucket


class DoctorDocument(Struct, frozen=True, kw_only=True):
    """What `doctor --json` says of a registry."""

    schema: Literal[1] = 1
    registry: str
    findings: tuple[Diagnosis, ...]


@command(
    examples=(
        "doctor https://crates.example.com/index/",
        "doctor --registry acme",
        "doctor public",
        "doctor --race s3://crates",
    )
)
@argument(
    "place",
    nargs=1,
    required=False,
    metavar="[URL|DIR]",
    says="The registry's index URL, `sparse+` or not; or a tree: a folder, or a bucket such as `s3://BUCKET/PREFIX`.",
)
@click.option("--registry", metavar="NAME", help="The registry, as cargo's configuration names it.")
@click.option("--crate", metavar="NAME", help="A crate that it holds; without it one that its pages list.")
@click.option("--race", is_flag=True, help="Have 16 writers change one object of the bucket at the same time.")
@json_lines
def doctor_command(
    run: Run, *, place: str | None, registry: str | None, crate: str | None, race: bool, as_json: bool
) -> int:
    """Look at a registry as cargo would, ours or not, and say what is wrong and the line that mends it.

    Address, config.json, missing crates, encodings, ETags, caches, archives, tokens, clocks: nothing is changed. The
    registry, the token and the network are found as cargo finds them. A folder is looked at as a good web server would
    serve it. Of a bucket the conditions are tried that writers depend on, on an object that is deleted again. The exit
    code is 1 where something stops cargo, or can.
    """
    cargo = CargoConfig(Path.cwd(), os.environ)
    if race and not (place and is_bucket_url(place) and not _is_web(place)):
        raise SettingsError("--race needs the bucket whose writers are to race: `doctor --race s3://BUCKET/PREFIX`")
    if place is None or _is_web(place):
        target = cargo.registry(registry, None) if place is None else _named(place, cargo)
        name, found = target.index, list(diagnose(target, cargo, crate))
    elif is_bucket_url(place):
        name, found = place, list(_of_bucket(parse_bucket(place), race=race))
    else:
        name, found = place, list(_of_folder(Path(place), cargo, crate))
    if as_json:
        print_json(DoctorDocument(registry=name, findings=tuple(found)))
    else:
        for diagnosis in found:
            level: Literal["error", "warning"] = "error" if diagnosis.level == "fault" else "warning"
            run.terminal.problem(level, diagnosis.level, diagnosis.says, diagnosis.url, diagnosis.mend)
        if not found:
            run.terminal.did("Good", f"{name}: nothing is wrong")
    return FOUND_WRONG if any(diagnosis.level == "fault" for diagnosis in found) else GOOD


def _is_web(place: str) -> bool:
    return place.removeprefix("sparse+").startswith(("http://", "https://"))


def _of_folder(folder: Path, cargo: CargoConfig, crate: str | None) -> Iterator[Diagnosis]:
    """Look at a tree in a folder as a good web server would serve it at its base URL."""
    base_url = base_url_in(folder)
    registry = RemoteRegistry(name=None, index=f"sparse+{base_url}index/")
    get = asking(folder, base_url, partial(send, "GET", network=cargo.network))
    yield from diagnose(registry, cargo, crate or some_crate_in(folder), get)
    yield from look_at(folder)


def _of_bucket(bucket: Bucket, *, race: bool) -> Iterator[Diagnosis]:
    """Try the conditions that writers to a bucket depend on."""
    from cargo_static_index.store.objects.client import Client
    from cargo_static_index.store.objects.conditions import broken_conditions, lost_in_race

    client = Client(bucket)
    mend = "use a store that keeps to conditional writes, or say --single-writer where nobody else ever writes"
    for broken in broken_conditions(client):
        yield Diagnosis(level="fault", url=str(bucket), says=broken, mend=mend)
    if race and (lost := lost_in_race(client)):
        says = f"of 16 writers that changed one object at the same time {lost} were lost"
        yield Diagnosis(level="fault", url=str(bucket), says=says, mend=mend)


def _named(url: str, cargo: CargoConfig) -> RemoteRegistry:
    """Give the registry of an index URL as somebody types it."""
    plain = url.removeprefix("sparse+")
    if not plain.endswith("/"):
        raise SettingsError(f"{url!r} must end in a slash, as cargo wants it: {url}/")
    return cargo.registry(None, f"sparse+{plain}")
