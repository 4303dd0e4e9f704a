"""The decorator that makes a command of a function, and the options that some commands share."""

import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal

import typer

from cargo_static_index.cli.options import GLOBAL, common_of, show_version
from cargo_static_index.cli.run import Common, perform
from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.settings.keys import KEYS
from cargo_static_index.settings.options import takes_settings

# `yank` and `unyank` have a --version of their own, as cargo's.
ShortVersion = Annotated[
    bool,
    typer.Option("-V", callback=show_version, is_eager=True, help="Print the version.", rich_help_panel=GLOBAL),
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


_GLOBALS = inspect.signature(common_of).parameters


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
            common = common_of(**{name: given.pop(name) for name in _GLOBALS})
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
