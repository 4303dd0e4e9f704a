"""The command that reads one file and prints its line: entry."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cargo_static_index.cli.command import command, sections
from cargo_static_index.cli.run import FOUND_WRONG, GOOD, Run
from cargo_static_index.crate.check import Reading, read_release
from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.diagnostics.rules import level_of
from cargo_static_index.protocol.config import base_url_of, home_at
from cargo_static_index.protocol.index_file import format_entry
from cargo_static_index.protocol.manifest.manifest import entry_of
from cargo_static_index.protocol.registries import Home
from cargo_static_index.registry.registry import home_of, policy_of, store_of
from cargo_static_index.settings import Settings
from cargo_static_index.store import Store
from cargo_static_index.tree.read import read_config, read_record

EXAMPLES = {"entry": ("entry foo-1.0.0.crate", "entry foo-1.0.0.crate >> index/3/f/foo")}


@command(sections("registry", "tree", "rules", "dependencies", "manifest", "limits"))
def entry_command(
    run: Run,
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The .crate file.", show_default=False)],
) -> int:
    """Print the index line of a file, and nothing else.

    The line is what `build` would write, less `pubtime`, which is not known before. What is wrong with the file goes
    to standard error; for a file that would be refused nothing is printed, and the exit code is 1.
    """
    settings = run.settings
    home = _home(store_of(settings), settings)
    policy = policy_of(settings, home)
    try:
        with file.open("rb") as stream:
            reading = read_release(stream, policy, file.name)
    except OSError as error:
        raise SettingsError(f"{str(file)!r} cannot be read: {error.strerror}") from error
    _say_problems(run, str(file), reading)
    if reading.refused or reading.facts is None:
        return FOUND_WRONG
    entry = entry_of(reading.facts.manifest, cksum=reading.facts.cksum, home=home)
    sys.stdout.buffer.write(format_entry(entry) + b"\n")
    return GOOD


def _say_problems(run: Run, path: str, reading: Reading) -> None:
    for each in reading.problems:
        level = level_of(each, run.settings.rules)
        if level != "allow":
            place = f"{path}: {each.place}" if each.place else path
            shown = "error" if level == "refuse" else "warning"
            run.terminal.problem(shown, each.rule, each.message, place, each.way_out, to=sys.stderr)


def _home(store: Store, settings: Settings) -> Home:
    """Give the registry that the line is for: what the settings say, and where they are silent, what the tree says."""
    config = read_config(store)
    base_url = base_url_of(config) if config else None
    if base_url is None:
        return home_of(settings)
    record = read_record(store).record
    urls = dict.fromkeys(
        (settings.registry.base_url or base_url, base_url, *settings.registry.aliases, *record.aliases)
    )
    return home_at(settings.registry.mode or record.mode, urls)
