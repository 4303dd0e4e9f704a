"""The command that shows the line of a file: entry."""

import sys
from pathlib import Path

from cargo_static_index.cli.command import command, sections
from cargo_static_index.cli.formats import print_json_line
from cargo_static_index.cli.options import FILE, argument
from cargo_static_index.cli.run import FOUND_WRONG, GOOD, Run
from cargo_static_index.crate.check import CheckedCrate, check_crate
from cargo_static_index.diagnostics.errors import InvalidDocument, NewerFormat, SettingsError
from cargo_static_index.diagnostics.problems import level_of
from cargo_static_index.protocol.index_entry import format_entry
from cargo_static_index.protocol.manifest.manifest import entry_of
from cargo_static_index.registry.configured import home_of, policy_of, store_of
from cargo_static_index.store import Store
from cargo_static_index.tree.read import read_record


@command(
    sections("registry", "tree", "rules", "dependencies", "manifest", "limits"),
    examples=("entry foo-1.0.0.crate", "entry foo-1.0.0.crate >> index/3/f/foo"),
)
@argument("file", type=FILE, metavar="FILE", says="The .crate file.")
def entry_command(run: Run, *, file: Path) -> int:
    """Print the index line of a file, and nothing else.

    The line is what `build` would write, less `pubtime`, which is not known before. What is wrong with the file goes
    to standard error; for a file that would be refused nothing is printed, and the exit code is 1.
    """
    settings = run.settings
    store = store_of(settings)
    _refuse_newer(store)
    home = home_of(settings, store)
    policy = policy_of(settings, home)
    try:
        with file.open("rb") as stream:
            reading = check_crate(stream, policy, file.name)
    except OSError as error:
        raise SettingsError(f"{str(file)!r} cannot be read: {error.strerror}") from error
    _say_problems(run, str(file), reading)
    if reading.refused or reading.metadata is None:
        return FOUND_WRONG
    entry = entry_of(reading.metadata.manifest, cksum=reading.metadata.cksum, home=home)
    print_json_line(format_entry(entry))
    return GOOD


def _refuse_newer(store: Store) -> None:
    """Raise NewerFormat for a tree of a later format: what its lines are made by is not known here."""
    try:
        read_record(store)
    except NewerFormat:
        raise
    except InvalidDocument:
        pass  # a damaged one says nothing, and the settings do


def _say_problems(run: Run, path: str, reading: CheckedCrate) -> None:
    for problem in reading.problems:
        level = level_of(problem, run.settings.levels)
        if level != "allow":
            place = f"{path}: {problem.place}" if problem.place else path
            shown = "error" if level == "refuse" else "warning"
            run.terminal.problem(shown, problem.rule, problem.message, place, problem.way_out, to=sys.stderr)
