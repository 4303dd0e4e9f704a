"""The commands that read files and publish them: build, add, check."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from cargo_static_index.cli.command import CHECKING, EVERY, command
from cargo_static_index.cli.options import (
    FILE,
    Format,
    all_or_nothing,
    argument,
    as_json,
    dry_run,
    one_format,
    output_format,
    yes,
)
from cargo_static_index.cli.run import FOUND_WRONG, GOOD, Run, need_drop
from cargo_static_index.diagnostics.errors import InvalidConfig, InvalidDocument, PagesFailed, SettingsError

if TYPE_CHECKING:  # loaded when a command runs: help and what is wrong with a command line need none of it
    from cargo_static_index.cli.output import PassName, PassOutput
    from cargo_static_index.registry.sync import Synced
    from cargo_static_index.registry.transaction import Transaction
    from cargo_static_index.registry.workers import Executor, Far
    from cargo_static_index.settings import Settings
    from cargo_static_index.store import Store

_files = argument("files", type=FILE, nargs=-1, required=True, metavar="FILE...", says="The .crate files.")


@command(
    EVERY,
    examples=("build", "build --drop drop --tree public --base-url https://crates.example.com/", "build --dry-run"),
    outlives=True,
)
@click.option("--move", is_flag=True, help="Let the base URL change; the old one becomes an alias.")
@yes
@all_or_nothing
@click.option("--strict", is_flag=True, help="Exit with 1 also for files refused by earlier builds.")
@click.option("--must-exist", is_flag=True, help="Refuse to begin a new registry where the tree is empty.")
@click.option(
    "--previous", metavar="DIR|URL", help="Begin with all that this tree holds: a folder, a bucket, or its base URL."
)
@click.option(
    "--only-dropped", is_flag=True, help="Take over from --previous only the crates that dropped files are named after."
)
@click.option("--share", metavar="I/N", help="Read only the Ith of N shares of the files: N hosts build one bucket.")
@click.option(
    "--cluster",
    metavar="URL",
    help="Read files and make pages on the machines of Dask's scheduler at dask://HOST:PORT.",
)
@click.option("--keep-pages", is_flag=True, help="Keep pages as they are where only how they look has changed.")
@dry_run
@output_format
@as_json
def build_command(
    run: Run,
    *,
    move: bool,
    yes: bool,
    all_or_nothing: bool,
    strict: bool,
    must_exist: bool,
    previous: str | None,
    only_dropped: bool,
    share: str | None,
    cluster: str | None,
    keep_pages: bool,
    dry_run: bool,
    output_format: Format,
    as_json: bool,
) -> int:
    """Publish what is new in the drop directory.

    Every new .crate file is read and checked whole; what is good is published, what is not is reported with all that
    is wrong and stays out. Files refused by an earlier build are mentioned again until they are changed or taken away.
    With -v also every path of the tree that was written or deleted is listed. With --previous a clean machine goes on
    from a published tree, without its state: lines, times, yanks, owners and removals come along, as `sync` copies
    them. Over HTTP that tree must list its names, on pages, or --only-dropped says that the rest may go.
    """
    from cargo_static_index.registry.configured import store_of
    from cargo_static_index.registry.options import Options, parse_share
    from cargo_static_index.registry.registry import continuing, open_registry

    need_drop(run)
    teller = make_teller(run, "build", one_format(output_format, as_json=as_json), dry=dry_run)
    if move and not (yes or dry_run):
        _ask_before_moving_back(run.settings)
    part = parse_share(share) if share else None
    way = Options(now=run.now, dry=dry_run, move=move, keep_pages=keep_pages, must_exist=must_exist, share=part)
    before = _previous_tree(run, previous, only_dropped=only_dropped)
    settings, stopped = run.settings, False
    if before is not None:
        settings = continuing(before, store_of(settings), settings, previous or "")
    with (
        _reading(run, teller) as executor,
        _far(run, cluster, dry=dry_run) as far,
        open_registry(settings, teller, way) as registry,
    ):
        if before is None:
            _say_beginning(run, registry.transaction, teller)
        else:
            stopped = _take_over(registry.sync(before), previous or "", teller)
        registry.build(all_or_nothing=all_or_nothing, executor=executor, far=far)
    if not dry_run:
        _place_schema(run)
    return teller.finish(strict=strict, waits=True) or (FOUND_WRONG if stopped else GOOD)


@contextmanager
def _far(run: Run, url: str | None, *, dry: bool) -> "Iterator[Far | None]":
    """Give the machines that read, where some are asked for."""
    if url is None:
        yield None
        return
    if dry:
        raise SettingsError("--cluster is not for a dry run: the machines stage what they read in the bucket")
    from cargo_static_index.registry.cluster import opened_cluster

    read = (run.settings.drop.path, run.settings.mirror.upstream_index, run.settings.advisories.path)
    with opened_cluster(url, run.settings.tree.path, [path for path in read if isinstance(path, Path)]) as far:
        yield far


def _previous_tree(run: Run, previous: str | None, *, only_dropped: bool) -> "Store | None":
    """Open the tree to go on from; SettingsError where --only-dropped has nothing to choose from."""
    served = previous is not None and previous.startswith(("https://", "http://"))
    if only_dropped and not served:
        raise SettingsError("--only-dropped is for a tree that --previous names by its base URL")
    if previous is None:
        return None
    if served:
        from cargo_static_index.client.web_tree import WebTree
        from cargo_static_index.protocol.config import parse_base_url
        from cargo_static_index.registry.drop import possible_releases
        from cargo_static_index.registry.registry import drop_of

        files = drop_of(run.settings).file_names() if only_dropped else None
        names = None if files is None else (name for file in files for name, _ in possible_releases(file))
        return WebTree(parse_base_url(previous), names)
    from cargo_static_index.store.bucket import is_bucket_url, parse_bucket
    from cargo_static_index.store.open import open_tree

    return open_tree(parse_bucket(previous) if is_bucket_url(previous) else Path(previous).absolute())


def _take_over(synced: "Synced", previous: str, teller: "PassOutput") -> bool:
    """Say what came from the tree before, and whether some crate could not be taken over."""
    from cargo_static_index.cli.terminal import counted

    teller.note(f"{counted(len(synced.copied), 'release')} taken over from {previous}")
    for reason in synced.stopped.values():
        teller.warn(reason)
    return bool(synced.stopped)


def _ask_before_moving_back(settings: "Settings") -> None:
    """Ask before a move takes back an earlier one, as a base URL does that was left in the settings."""
    from cargo_static_index.cli.terminal import is_confirmed, is_interactive
    from cargo_static_index.protocol.config import base_url_of, parse_base_url
    from cargo_static_index.registry.configured import store_of
    from cargo_static_index.tree.read import read_config, read_record

    store, wanted = store_of(settings), settings.registry.base_url
    try:
        config, aliases = read_config(store), read_record(store).value.aliases
    except (InvalidConfig, InvalidDocument):
        return  # opening the tree says so
    now = base_url_of(config)
    if wanted is None or now is None or parse_base_url(wanted) not in aliases or parse_base_url(wanted) == now:
        return
    if not is_interactive():
        raise SettingsError(
            f"the tree was moved from {wanted} to {now}, and --move would move it back; set `base-url` in "
            f'`[registry]` of registry.toml to "{now}", or say --yes if moving back is meant'
        )
    if not is_confirmed(f"The registry was moved to {now}. Move it back to {wanted}?"):
        raise SettingsError("nothing was changed")


def _say_beginning(run: Run, transaction: "Transaction", teller: "PassOutput") -> None:
    """Say that a registry begins, or moves: both may be a mistake of the settings."""
    from cargo_static_index.cli.output import from_here

    if transaction.moved_from:
        teller.note(f"the registry moves from {transaction.moved_from} to {transaction.base_url}")
    if not transaction.is_new:
        return
    tree = run.settings.tree
    teller.note(f"a new registry begins in {from_here(str(tree.path))}, for {transaction.base_url}")
    umask = os.umask(0o077)  # it can only be read by setting it
    os.umask(umask)
    if isinstance(tree.path, Path) and umask & 0o005 and tree.file_mode is None and tree.dir_mode is None:
        teller.warn(
            f"the umask {umask:03o} keeps other users out of the tree, the web server's among them; "
            'set `file-mode = "0644"` and `dir-mode = "0755"` in `[tree]`, or another umask'
        )


def _place_schema(run: Run) -> None:
    """Put the schema back where editors find it by registry.toml's first line: whoever deletes the state loses it."""
    from cargo_static_index.settings.keys import SCHEMA_NAME

    if run.loaded.file and not (run.settings.state.path / SCHEMA_NAME).exists():
        from cargo_static_index.settings.template import place_schema
        from cargo_static_index.state.directory import state_folder

        with suppress(OSError), state_folder(run.settings.state.path) as opened:
            place_schema(opened)


@command(EVERY, examples=("add target/package/foo-1.0.0.crate", "add --restore foo-1.0.0.crate"), outlives=True)
@_files
@click.option("--restore", is_flag=True, help="Bring removed releases back.")
@all_or_nothing
@dry_run
@output_format
@as_json
def add_command(
    run: Run,
    *,
    files: Sequence[Path],
    restore: bool,
    all_or_nothing: bool,
    dry_run: bool,
    output_format: Format,
    as_json: bool,
) -> int:
    """Publish files given by name.

    They are read and checked as `build` does, may lie anywhere, and stay where they are.
    """
    from cargo_static_index.registry.options import Options
    from cargo_static_index.registry.registry import open_registry

    teller = make_teller(run, "add", one_format(output_format, as_json=as_json), dry=dry_run)
    files, way = _existing(files), Options(now=run.now, dry=dry_run)
    with _reading(run, teller) as executor, open_registry(run.settings, teller, way) as registry:
        registry.add(files, restore=restore, all_or_nothing=all_or_nothing, executor=executor)
    return teller.finish()


@command(
    CHECKING,
    examples=("check target/package/*.crate", "check drop --against public", "check --output-format github *.crate"),
)
@argument(
    "files",
    type=FILE,
    nargs=-1,
    required=True,
    metavar="FILE|DIR...",
    says="The .crate files, or folders of them at any depth.",
)
@click.option("--against", type=FILE, metavar="TREE", help="Hold them against this tree, which must exist.")
@output_format
@as_json
def check_command(
    run: Run, *, files: Sequence[Path], against: Path | None, output_format: Format, as_json: bool
) -> int:
    """Read and check files, and publish nothing.

    Where there is a tree, they are also held against what it holds: conflicts, removed releases, colliding names.
    With --against the base URL and the mode are those of that tree.
    """
    from cargo_static_index.registry.options import Options
    from cargo_static_index.registry.registry import open_registry

    teller, files = make_teller(run, "check", one_format(output_format, as_json=as_json), dry=True), _in_folders(files)
    settings = run.settings if against is None else _against(run.settings, against)
    options = Options(now=run.now, must_exist=against is not None)
    with _reading(run, teller) as executor, open_registry(settings, teller, options, access="look") as registry:
        registry.add(files, executor=executor)
    return teller.finish()


@contextmanager
def _reading(run: Run, teller: "PassOutput") -> "Iterator[Executor | None]":
    """Give what files are read with, and take the progress away at the end, whatever the end is.

    Where only pages failed, what was published is summed up before that is said.
    """
    from cargo_static_index.registry.site import MAKING
    from cargo_static_index.registry.workers import reading_executor, usable_jobs

    modules = MAKING if run.settings.registry.pages else ()
    try:
        with reading_executor(usable_jobs(run.settings.build.jobs), modules) as executor:
            yield executor
    except PagesFailed:
        teller.stop()
        teller.finish()
        raise
    finally:
        teller.stop()


def make_teller(run: Run, name: "PassName", output: Format, *, dry: bool) -> "PassOutput":
    """Give the listener that tells what a command publishes, in an output format."""
    from cargo_static_index.cli.output import PassOutput, make_printer

    return PassOutput(run, make_printer(output, run, name, dry=dry))


def _against(settings: "Settings", tree: Path) -> "Settings":
    """Give the settings by which files are held against another tree."""
    registry = replace(settings.registry, base_url=None, mode=None)
    return replace(settings, registry=registry, tree=replace(settings.tree, path=tree.absolute()))


def _in_folders(names: Sequence[Path]) -> Sequence[Path]:
    """Give the files, and those that lie in the folders, by name; raises SettingsError where there is none."""
    files: list[Path] = []
    for name in names:
        found = sorted(name.rglob("*.crate")) if name.is_dir() else [name]
        if not found:
            raise SettingsError(f"{str(name)!r} holds no .crate file")
        files += found
    return _existing(files)


def _existing(files: Sequence[Path]) -> Sequence[Path]:
    """Give the files, or raise before any is read: a name that does not exist is a mistake of the command."""
    missing = [str(file) for file in files if not file.exists()]
    if missing:
        raise SettingsError(
            f"there is no file {missing[0]!r}" + (f", nor {len(missing) - 1} others" if missing[1:] else "")
        )
    for file in files:
        if file.is_dir():
            raise SettingsError(
                f"{str(file)!r} is a folder; name files, or publish a whole folder with `build --drop {file}`"
            )
    return files
