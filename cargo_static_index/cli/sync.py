"""The command that brings one tree in step with another: sync."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from cargo_static_index.cli.command import OF_A_TREE, command, sections
from cargo_static_index.cli.options import argument, dry_run
from cargo_static_index.cli.output import ChangeListener
from cargo_static_index.cli.run import FOUND_WRONG, GOOD, Run
from cargo_static_index.cli.terminal import counted
from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.registry.options import Options
from cargo_static_index.store.bucket import Bucket, is_bucket_url, parse_bucket

if TYPE_CHECKING:
    from cargo_static_index.registry.sync import Synced

_KEYS = tuple(key for key in (*OF_A_TREE, *sections("limits", "pages")) if key not in {"tree.path", "state.path"})


@command(_KEYS, examples=("sync public s3://crates/acme", "sync s3://crates s3://mirror/crates --dry-run"))
@argument("source", metavar="FROM", says="The tree to copy from: a folder, or the URL of a bucket.")
@argument("target", metavar="TO", says="The tree to bring in step with it.")
@click.option("--delete", is_flag=True, help="Remove releases that are only at the target.")
@dry_run
def sync_command(run: Run, *, source: str, target: str, delete: bool, dry_run: bool) -> int:
    """Bring one tree in step with another.

    Releases that the target lacks are copied, yanks, owners and removals come along, and pages are made there. Index
    files are merged line by line: what is only at the target stays, unless --delete is given. A crate of which both
    hold one version with other bytes is left as it is, and named; the exit code is then 1. A new target gets the base
    URL of the source, or what --base-url says. Doing it again goes on where it broke off.
    """
    from cargo_static_index.registry.registry import sync_trees

    come_from, go_to = place_of_tree(source), place_of_tree(target)
    if come_from == go_to:
        raise SettingsError(f"{source} cannot be brought in step with itself; name two trees")
    listener = ChangeListener(run, dry=dry_run)
    options = Options(now=run.now, dry=dry_run)
    with tempfile.TemporaryDirectory(prefix="cargo-static-index-") as state:
        settings = run.settings
        settings = replace(settings, tree=replace(settings.tree, path=go_to))
        settings = replace(settings, state=replace(settings.state, path=Path(state) / "state"), shared_state=None)
        synced = sync_trees(come_from, settings, listener, options, delete=delete)
    return _report(run, synced, dry=dry_run)


def place_of_tree(text: str) -> Path | Bucket:
    """Read where a tree lies: a folder, or the URL of a bucket."""
    return parse_bucket(text) if is_bucket_url(text) else Path(text).absolute()


def _report(run: Run, synced: "Synced", *, dry: bool) -> int:
    would = "Would " if dry else ""
    for did, specs in (
        ("copy" if dry else "Copied", synced.copied),
        ("yank" if dry else "Yanked", synced.yanked),
        ("unyank" if dry else "Unyanked", synced.unyanked),
        ("remove" if dry else "Removed", synced.removed),
    ):
        for spec in specs:
            run.terminal.did(f"{would}{did}", str(spec))
    for reason in synced.stopped.values():
        run.terminal.warn(reason)
    changed = len(synced.copied) + len(synced.yanked) + len(synced.unyanked) + len(synced.removed)
    stopped = f", {counted(len(synced.stopped), 'crate')} left as they are" if synced.stopped else ""
    run.terminal.say(f"{counted(changed, 'release')} brought in step{stopped}")
    return FOUND_WRONG if synced.stopped else GOOD
