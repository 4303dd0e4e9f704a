"""The options that commands share, and the decorator that makes a command of a function."""

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cargo_static_index.cli.running import Common, perform
from cargo_static_index.cli.terminal import Color
from cargo_static_index.errors import SettingsError
from cargo_static_index.settings.keys import KEYS
from cargo_static_index.settings.options import takes_settings

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

Format = Literal["text", "json", "github", "gitlab", "sarif"]
OutputFormat = Annotated[
    Format,
    typer.Option(metavar="text|json|github|gitlab|sarif", help="How to print what is found.", show_default=True),
]
AsJson = Annotated[bool, typer.Option("--json", help="Short for --output-format json.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print one JSON document a line.")]
DryRun = Annotated[bool, typer.Option("-n", "--dry-run", help="Print what would change, and change nothing.")]
AllOrNothing = Annotated[bool, typer.Option("--all-or-nothing", help="Publish none where one is refused.")]
Yes = Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")]


def one_format(output: Format, *, as_json: bool) -> Format:
    """Give the format that is asked for, or raise SettingsError where two are."""
    if as_json and output not in {"text", "json"}:
        raise SettingsError(f"--json is short for --output-format json, and --output-format {output} is given too")
    return "json" if as_json else output


def show_version(value: bool) -> None:  # noqa: FBT001 - the shape of a callback of typer's
    """Print the version and end, where the option was given."""
    if value:
        from cargo_static_index import __version__

        typer.echo(f"cargo-static-index {__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "-V", "--version", callback=show_version, is_eager=True, help="Print the version.", rich_help_panel=GLOBAL
    ),
]
# `yank` and `unyank` have a --version of their own, as cargo's.
ShortVersion = Annotated[
    bool,
    typer.Option("-V", callback=show_version, is_eager=True, help="Print the version.", rich_help_panel=GLOBAL),
]


def _globals(  # the parameters that every command has
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


_GLOBALS = inspect.signature(_globals).parameters


def sections(*names: str) -> tuple[str, ...]:
    """Give the keys of these sections of the settings; `rules` is one of them."""
    keys = [name for name, key in KEYS.items() if key.section in names]
    return (*keys, "rules") if "rules" in names else tuple(keys)


EVERY = (*KEYS, "rules")
OF_A_TREE = sections("registry", "tree", "state")
"""The keys that say which tree is meant and what it is like."""


def command(
    keys: Iterable[str] = (), *, own_version: bool = False
) -> Callable[[Callable[..., int | None]], Callable[..., Any]]:
    """Make a command of a function that takes a Run, then parameters as typer reads them, and gives an exit code.

    The command takes the options of these keys of the settings, and the global ones.
    """

    def decorate(body: Callable[..., int | None]) -> Callable[..., Any]:
        def run(context: typer.Context, options: dict[str, object], **given: Any) -> None:
            common = _globals(**{name: given.pop(name) for name in _GLOBALS})
            earlier: Common = context.obj if isinstance(context.obj, Common) else Common()
            raise typer.Exit(perform(lambda started: body(started, **given), earlier.joined(common), options))

        own = list(inspect.signature(body).parameters.values())[1:]
        shared = [_short_version(each) if own_version else each for each in _GLOBALS.values()]
        first = list(inspect.signature(run).parameters.values())[:2]
        vars(run)["__signature__"] = inspect.Signature([*first, *_keyword_only(own), *shared])
        run.__doc__, run.__name__ = body.__doc__, body.__name__
        return takes_settings(keys)(run)

    return decorate


def _keyword_only(parameters: Iterable[inspect.Parameter]) -> list[inspect.Parameter]:
    return [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters]


def _short_version(parameter: inspect.Parameter) -> inspect.Parameter:
    return parameter.replace(annotation=ShortVersion) if parameter.name == "program_version" else parameter


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
    common = _globals(
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
