"""The options that every command takes, before its name or after it, and what the program does without a command."""

from pathlib import Path
from typing import Annotated

import typer

from cargo_static_index.cli.run import Common, perform
from cargo_static_index.cli.terminal import Color
from cargo_static_index.diagnostics.errors import InvalidInput, SettingsError

GLOBAL = "Global options"

Directory = Annotated[
    Path | None,
    typer.Option("-C", "--directory", metavar="DIR", help="Go to this folder first.", rich_help_panel=GLOBAL),
]
Config = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="Read this file instead of registry.toml.", rich_help_panel=GLOBAL),
]
Verbose = Annotated[
    int,
    typer.Option(
        "-v", "--verbose", count=True, show_default=False, help="Say more; -vv says all.", rich_help_panel=GLOBAL
    ),
]
Quiet = Annotated[
    int,
    typer.Option(
        "-q",
        "--quiet",
        count=True,
        show_default=False,
        help="Say only what is wrong; -qq, only errors.",
        rich_help_panel=GLOBAL,
    ),
]
ColorOption = Annotated[
    Color | None,
    typer.Option("--color", metavar="auto|always|never", help="When to use colours.", rich_help_panel=GLOBAL),
]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="Show no progress.", rich_help_panel=GLOBAL)]
ShowSettings = Annotated[
    bool,
    typer.Option(
        "--show-settings", help="Print every setting and where it comes from, and end.", rich_help_panel=GLOBAL
    ),
]


def show_version(value: bool) -> None:  # noqa: FBT001 - the shape of a callback of typer's
    """Print the version and end, where the option was given."""
    if value:
        from cargo_static_index._version import __version__

        typer.echo(f"cargo-static-index {__version__}")
        raise typer.Exit


def length_of_time(option: str, text: str | None) -> float | None:
    """Read the seconds that an option gives, or raise SettingsError; None where it is not given."""
    from cargo_static_index.settings.kinds import parse_duration

    try:
        return None if text is None else parse_duration(text)
    except InvalidInput as error:
        raise SettingsError(f"{option}: {error}") from error


Version = Annotated[
    bool,
    typer.Option(
        "-V", "--version", callback=show_version, is_eager=True, help="Print the version.", rich_help_panel=GLOBAL
    ),
]


def common_of(
    *,
    directory: Directory = None,
    config: Config = None,
    verbose: Verbose = 0,
    quiet: Quiet = 0,
    color: ColorOption = None,
    no_progress: NoProgress = False,
    show_settings: ShowSettings = False,
    program_version: Version = False,
) -> Common:
    """Put together the options that every command takes; its signature is where they are declared."""
    del program_version
    return Common(
        directories=(directory,) if directory else (),
        config=config,
        verbose=verbose,
        quiet=quiet,
        color=color,
        no_progress=no_progress,
        show_settings=show_settings,
    )


def root(
    context: typer.Context,
    *,
    directory: Directory = None,
    config: Config = None,
    verbose: Verbose = 0,
    quiet: Quiet = 0,
    color: ColorOption = None,
    no_progress: NoProgress = False,
    show_settings: ShowSettings = False,
    program_version: Version = False,
) -> None:
    """Turn a folder of .crate files into a Cargo registry made of plain files."""
    common = common_of(
        directory=directory,
        config=config,
        verbose=verbose,
        quiet=quiet,
        color=color,
        no_progress=no_progress,
        show_settings=show_settings,
        program_version=program_version,
    )
    context.obj = common
    if context.invoked_subcommand is not None:
        return
    if common.show_settings:
        raise typer.Exit(perform(lambda _: None, common, {}))
    typer.echo(context.get_help(), err=True)
    raise typer.Exit(2)
