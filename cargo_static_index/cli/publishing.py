"""The commands that read files and publish them: build, add, check."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from cargo_static_index.cli.options import EVERY, AllOrNothing, AsJson, DryRun, Format, OutputFormat, command
from cargo_static_index.cli.running import Run
from cargo_static_index.cli.telling import PassName, Teller, make_printer
from cargo_static_index.errors import SettingsError
from cargo_static_index.registry import Registry, Way, open_registry, store_of
from cargo_static_index.store.memory import MemoryStore

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
    teller = _teller(run, "build", _format(output_format, as_json=as_json), dry=dry_run)
    with open_registry(run.settings, teller, Way(now=run.now, dry=dry_run, move=move)) as registry:
        registry.build(all_or_nothing=all_or_nothing)
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
    teller = _teller(run, "add", _format(output_format, as_json=as_json), dry=dry_run)
    with open_registry(run.settings, teller, Way(now=run.now, dry=dry_run)) as registry:
        registry.add(_existing(files), restore=restore, all_or_nothing=all_or_nothing)
    return teller.finish()


@command(EVERY)
def check_command(run: Run, *, files: Files, output_format: OutputFormat = "text", as_json: AsJson = False) -> int:
    """Read and check files, and publish nothing.

    Where there is a tree, they are also held against what it holds: conflicts, removed releases, colliding names.
    """
    teller = _teller(run, "check", _format(output_format, as_json=as_json), dry=True)
    with _nothing_published(run, teller) as registry:
        registry.add(_existing(files))
    return teller.finish()


@contextmanager
def _nothing_published(run: Run, teller: Teller) -> Iterator[Registry]:
    """Open the tree for a dry run; where there is none yet, an empty one in memory."""
    way = Way(now=run.now, dry=True)
    if store_of(run.settings).read("tree.json") is not None:
        with open_registry(run.settings, teller, way) as registry:
            yield registry
        return
    with tempfile.TemporaryDirectory(prefix="cargo-static-index-") as state:
        registry_section = replace(
            run.settings.registry, base_url=run.settings.registry.base_url or "http://127.0.0.1:8000/"
        )
        settings = replace(run.settings, state=replace(run.settings.state, path=Path(state)), registry=registry_section)
        with open_registry(settings, teller, way, store=MemoryStore()) as registry:
            yield registry


def _teller(run: Run, name: PassName, output: Format, *, dry: bool) -> Teller:
    return Teller(run, make_printer(output, run, name, dry=dry))


def _format(output: Format, *, as_json: bool) -> Format:
    if as_json and output not in {"text", "json"}:
        raise SettingsError(f"--json is short for --output-format json, and --output-format {output} is given too")
    return "json" if as_json else output


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
