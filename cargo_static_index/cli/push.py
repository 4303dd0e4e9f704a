"""The command that publishes ready archives to any registry: push."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final, Literal

import click
from msgspec import Struct

from cargo_static_index.cli.command import command
from cargo_static_index.cli.formats import print_json
from cargo_static_index.cli.options import argument, dry_run, json_lines
from cargo_static_index.cli.run import FOUND_WRONG, GOOD, Run
from cargo_static_index.client.config import CargoConfig
from cargo_static_index.client.push import Pushed, Pusher, PushStatus, package_workspace, read_uploads
from cargo_static_index.diagnostics.errors import SettingsError

WORDS: Final[dict[PushStatus, str]] = {
    "published": "Published",
    "unchanged": "Unchanged",
    "refused": "Refused",
    "conflict": "Conflict",
    "skipped": "Skipped",
}


class PushDocument(Struct, frozen=True, kw_only=True):
    """What `push --json` says: what became of each archive, in the order in which they were sent."""

    schema: Literal[1] = 1
    registry: str
    dry_run: bool
    crates: tuple[Pushed, ...]


@command(examples=("push target/package/*.crate --registry acme", "push --workspace --registry acme --dry-run"))
@argument("files", nargs=-1, metavar="[FILE]...", says="The .crate files.", type=click.Path(path_type=Path))
@click.option("--workspace", is_flag=True, help="Package this workspace with cargo, and publish its members.")
@click.option("--registry", metavar="NAME", help="The registry, as cargo's configuration names it.")
@click.option("--index", metavar="URL", help="The registry's index URL, in place of a name.")
@click.option("--no-verify", is_flag=True, help="With --workspace: package without building.")
@click.option("--wait", metavar="SECONDS", default=600, help="How long to wait for a registry that is not able now.")
@dry_run
@json_lines
def push_command(
    run: Run,
    *,
    files: Sequence[Path],
    workspace: bool,
    registry: str | None,
    index: str | None,
    no_verify: bool,
    wait: int,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Publish ready archives to any registry that takes `cargo publish`, ours or not.

    What is there with the same bytes is left, dependencies go before what depends on them, and a registry that is not
    able just now is waited for: run again, it goes on from where it ended. The registry and the token are found as
    cargo finds them: variables, .cargo/config.toml, credentials.toml, credential providers.
    """
    if bool(files) is workspace:
        raise SettingsError("name the archives, or have them packaged with --workspace")
    cargo = CargoConfig(Path.cwd(), os.environ)
    target = cargo.registry(registry, index)
    more = ("--no-verify",) if no_verify else ()
    paths = package_workspace(Path.cwd(), target.name, more) if workspace else files
    pusher = Pusher(target, cargo, seconds=wait)
    tell = (lambda _: None) if as_json else partial(_tell, run, dry=dry_run)
    done = pusher.push(read_uploads(paths), dry=dry_run, tell=tell)
    if as_json:
        print_json(PushDocument(registry=target.index, dry_run=dry_run, crates=tuple(done)))
    return GOOD if all(pushed.status in {"published", "unchanged"} for pushed in done) else FOUND_WRONG


def _tell(run: Run, pushed: Pushed, *, dry: bool) -> None:
    word = "Would publish" if dry and pushed.status == "published" else WORDS[pushed.status]
    good = pushed.status in {"published", "unchanged"}
    run.terminal.did(word, f"{pushed.name} {pushed.vers}", *([] if good else ["bad"]))
    if pushed.says:
        run.terminal.fail(f"{pushed.name} {pushed.vers}: {pushed.says}")
    for warning in pushed.warnings:
        run.terminal.warn(warning)
