"""The commands between two trees: sync and promote."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from cargo_static_index.cli.build import make_teller
from cargo_static_index.cli.command import OF_A_TREE, command, sections
from cargo_static_index.cli.options import argument, as_json, dry_run
from cargo_static_index.cli.output import ChangeListener
from cargo_static_index.cli.run import FOUND_WRONG, GOOD, Run
from cargo_static_index.cli.terminal import counted
from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.registry.options import Options
from cargo_static_index.store.bucket import Bucket, is_bucket_url, parse_bucket

if TYPE_CHECKING:
    from cargo_static_index.registry.sync import Synced
    from cargo_static_index.settings import Settings


def _keys(*names: str) -> tuple[str, ...]:
    keys = dict.fromkeys((*OF_A_TREE, *sections(*names)))
    return tuple(key for key in keys if key not in {"tree.path", "state.path"})


@command(
    _keys("limits", "pages"), examples=("sync public s3://crates/acme", "sync s3://crates s3://mirror/crates --dry-run")
)
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

    come_from, go_to = _place(source), _place(target)
    if come_from == go_to:
        raise SettingsError(f"{source} cannot be brought in step with itself; name two trees")
    listener = ChangeListener(run, dry=dry_run)
    options = Options(now=run.now, dry=dry_run)
    with _settings_of(run, go_to) as settings:
        synced = sync_trees(come_from, settings, listener, options, delete=delete)
    return _report(run, synced, dry=dry_run)


@command(
    _keys("limits", "pages", "dependencies", "manifest"),
    examples=("promote staging acme-text@1.2.0 public", "promote s3://staging acme-text@1.2.0 acme-units s3://crates"),
)
@argument("source", metavar="FROM", says="The tree to take releases from: a folder, or the URL of a bucket.")
@argument("specs", nargs=-1, required=True, metavar="NAME[@VERSION]...", says="The releases, or all of a crate.")
@argument("target", metavar="TO", says="The tree to publish them in, which must be there.")
@dry_run
@as_json
def promote_command(run: Run, *, source: str, specs: Sequence[str], target: str, dry_run: bool, as_json: bool) -> int:
    """Publish releases of one tree in another, such as those of a staging registry in that for all.

    They are checked as `add` does, and keep the time of their publication and their yank. Dependencies that name the
    source mean the target there, whose base URL it becomes an alias of. What they need and the target does not hold
    is said: promote it as well.
    """
    from cargo_static_index.registry.registry import promote_releases, specs_of

    come_from, go_to = _place(source), _place(target)
    if come_from == go_to:
        raise SettingsError(f"{source} and {target} are the same tree; name two")
    teller = make_teller(run, "add", "json" if as_json else "text", dry=dry_run)
    with _settings_of(run, go_to) as settings:
        left = promote_releases(come_from, specs_of(specs), settings, teller, Options(now=run.now, dry=dry_run))
    for need in left:
        held = ", ".join(need.held[-5:])
        there = f"{source} has {held}: promote one as well" if held else "nor is it at the source"
        teller.warn(f"{need.name} {need.version} needs {need.needs} {need.requirement}, which {target} lacks; {there}")
    return teller.finish()


def _place(text: str) -> Path | Bucket:
    return parse_bucket(text) if is_bucket_url(text) else Path(text).absolute()


@contextmanager
def _settings_of(run: Run, tree: Path | Bucket) -> "Iterator[Settings]":
    """Give the settings for another tree, with a state that vanishes."""
    with tempfile.TemporaryDirectory(prefix="cargo-static-index-") as folder:
        settings = replace(run.settings, tree=replace(run.settings.tree, path=tree), shared_state=None)
        yield replace(settings, state=replace(settings.state, path=Path(folder) / "state"))


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
