"""The command that begins a registry: init."""

import os
from pathlib import Path

from cargo_static_index.cli.command import SERVING, command
from cargo_static_index.cli.options import dry_run
from cargo_static_index.cli.output import from_here
from cargo_static_index.cli.run import GOOD, Run
from cargo_static_index.diagnostics.errors import SettingsError, StoreError
from cargo_static_index.settings import Settings, find_settings_file, parse_settings


@command(
    SERVING,
    examples=(
        "init --name acme --base-url https://crates.example.com/",
        "init --mode mirror --base-url https://crates.example.com/ --rule vcs-dirty=refuse",
        "init --dry-run",
    ),
)
@dry_run
def init_command(run: Run, *, dry_run: bool) -> int:
    """Write a commented registry.toml, and make the drop directory.

    Both go to the working directory; a registry.toml that is there already is not touched. What settings are given
    as options stands in the file; all others stand there as comments.
    """
    here = Path.cwd()
    file = here / "registry.toml"
    settings = parse_settings(run.options, {}, here, None, "").settings
    if file.exists():
        raise SettingsError(f"{file} is there already: edit it, or begin in another folder")
    around = find_settings_file(here.parent)
    if around:
        run.terminal.say(f"note: {around} is for folders around this one; from here on, the new file counts")
    if not dry_run:
        _begin(run, file, settings)
    run.terminal.did("Would write" if dry_run else "Wrote", "registry.toml")
    drop = from_here(str(settings.drop.path))
    if isinstance(settings.drop.path, Path):
        run.terminal.did("Would make" if dry_run else "Made", f"{drop}{os.sep}")
    if not dry_run:
        run.terminal.say(f"Copy .crate files into {drop}{os.sep}, then run `cargo-static-index build`.")
    if not dry_run and (name := settings.registry.name):
        packed = f'Crates with `registry = "{name}"` can be packaged'
        run.terminal.say(f"{packed} once the registry answers: build and serve it empty.")
    return GOOD


def _begin(run: Run, file: Path, settings: Settings) -> None:
    """Make the folders, then the file, which says that all is there."""
    from cargo_static_index.settings.load import given_values
    from cargo_static_index.settings.template import place_schema, registry_toml
    from cargo_static_index.state.directory import state_folder

    given = given_values(run.options, file.parent)
    if settings.registry.base_url:
        given["registry.base-url"] = settings.registry.base_url
    content = registry_toml(given)
    try:
        if isinstance(settings.drop.path, Path):
            settings.drop.path.mkdir(parents=True, exist_ok=True)
        with state_folder(settings.state.path) as opened:
            place_schema(opened)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(content)
    except FileExistsError as error:
        raise SettingsError(f"{error.filename} is there already: move it away, or begin in another folder") from error
    except OSError as error:
        way_out = "Mend that, or begin in another folder."
        raise StoreError(f"{error.filename or file} cannot be written: {error.strerror}. {way_out}") from error
