"""The commands that read files and publish them: build, add, check."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from cargo_static_index.cli.looking import LookedAt
from cargo_static_index.cli.options import (
    EVERY,
    AllOrNothing,
    AsJson,
    DryRun,
    Format,
    OutputFormat,
    command,
    one_format,
)
from cargo_static_index.cli.running import Run
from cargo_static_index.cli.telling import PassName, Teller, make_printer
from cargo_static_index.errors import SettingsError
from cargo_static_index.jobs import reading_executor, usable_jobs
from cargo_static_index.registry import Registry, Way, open_registry, store_of
from cargo_static_index.session import DEFAULT_BASE_URL

EXAMPLES = {
    "build": ("build", "build --drop drop --tree public --base-url https://crates.example.com/", "build --dry-run"),
    "add": ("add target/package/foo-1.0.0.crate", "add --restore foo-1.0.0.crate"),
    "check": ("check target/package/*.crate", "check --output-format github *.crate"),
}

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="The .crate files.", show_default=False)]
Move = Annotated[bool, typer.Option("--move", help="Let the base URL change; the old one becomes an alias.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 also for files refused by earlier passes.")]
Restore = Annotated[bool, typer.Option("--restore", help="Bring removed releases back.")]


@command(EVERY)
def build_command(
    run: Run,
    *,
    move: Move = False,
    all_or_nothing: AllOrNothing = False,
    strict: Strict = False,
    dry_run: DryRun = False,
    output_format: OutputFormat = "text",
    as_json: AsJson = False,
) -> int:
    """Publish what is new in the drop directory.

    Every new .crate file is read and checked whole; what is good is published, what is not is reported with all that
    is wrong and stays out. Files refused by an earlier pass are mentioned again until they are changed or taken away.
    """
    teller = _teller(run, "build", one_format(output_format, as_json=as_json), dry=dry_run)
    way = Way(now=run.now, dry=dry_run, move=move)
    with _reading(run, teller) as executor, open_registry(run.settings, teller, way) as registry:
        registry.build(all_or_nothing=all_or_nothing, executor=executor)
    return teller.finish(strict=strict, waits=True)


@command(EVERY)
def add_command(
    run: Run,
    *,
    files: Files,
    restore: Restore = False,
    all_or_nothing: AllOrNothing = False,
    dry_run: DryRun = False,
    output_format: OutputFormat = "text",
    as_json: AsJson = False,
) -> int:
    """Publish files given by name.

    They are read and checked as `build` does, may lie anywhere, and stay where they are.
    """
    teller = _teller(run, "add", one_format(output_format, as_json=as_json), dry=dry_run)
    way = Way(now=run.now, dry=dry_run)
    with _reading(run, teller) as executor, open_registry(run.settings, teller, way) as registry:
        registry.add(_existing(files), restore=restore, all_or_nothing=all_or_nothing, executor=executor)
    return teller.finish()


@command(EVERY)
def check_command(run: Run, *, files: Files, output_format: OutputFormat = "text", as_json: AsJson = False) -> int:
    """Read and check files, and publish nothing.

    Where there is a tree, they are also held against what it holds: conflicts, removed releases, colliding names.
    """
    teller = _teller(run, "check", one_format(output_format, as_json=as_json), dry=True)
    with _reading(run, teller) as executor, _nothing_published(run, teller) as registry:
        registry.add(_existing(files), executor=executor)
    return teller.finish()


@contextmanager
def _reading(run: Run, teller: Teller) -> Iterator[Executor | None]:
    """Give what files are read with, and take the progress away at the end, whatever the end is."""
    try:
        with reading_executor(usable_jobs(run.settings.build.jobs)) as executor:
            yield executor
    finally:
        teller.stop()


@contextmanager
def _nothing_published(run: Run, teller: Teller) -> Iterator[Registry]:
    """Open the tree for a dry run that keeps nobody out, and wants to write neither into the tree nor the state."""
    settings = run.settings
    tree = store_of(settings)
    if settings.registry.base_url is None and not tree.root.exists():
        settings = replace(settings, registry=replace(settings.registry, base_url=DEFAULT_BASE_URL))
    with tempfile.TemporaryDirectory(prefix="cargo-static-index-") as state:
        if not os.access(settings.state.path, os.W_OK):
            settings = replace(settings, state=replace(settings.state, path=Path(state)))
        with open_registry(settings, teller, Way(now=run.now, dry=True), store=LookedAt(tree)) as registry:
            yield registry


def _teller(run: Run, name: PassName, output: Format, *, dry: bool) -> Teller:
    return Teller(run, make_printer(output, run, name, dry=dry))


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
