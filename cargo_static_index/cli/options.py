"""Options: those that every command takes, those made from the table of settings, and those that some commands share.

Variables are named in the help and read with the settings, not here, so that `--show-settings` can tell the two apart.
"""

from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from cargo_static_index.cli.run import Common
from cargo_static_index.diagnostics.errors import InvalidInput, SettingsError

if TYPE_CHECKING:  # loaded where a shell asks
    from click.shell_completion import CompletionItem

Format = Literal["text", "json", "github", "gitlab", "sarif"]

CONTEXT: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""How every command reads its line and writes its help."""

FILE: Final = click.Path(readable=False, path_type=Path)
"""The type of options and arguments that are paths."""


class GlobalOption(click.Option):
    """An option that every command takes."""

    group = "Global options"


class SettingOption(click.Option):
    """An option that sets a key of the settings."""

    group = "Settings"


class Argument(click.Argument):
    """An argument that the help explains."""

    group = "Arguments"

    def __init__(self, names: Sequence[str], *, says: str, **more: Any) -> None:
        super().__init__(names, **more)
        self.says = says

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """Give what the help says of it."""
        return self.make_metavar(ctx), self.says

    def make_metavar(self, *_: Any) -> str:
        """Give the metavar as it stands, whether or not it may be left out."""
        return self.metavar or ""


def argument(name: str, **more: Any) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give the decorator that adds an argument."""
    return click.argument(name, cls=Argument, **more)


def completing(words: Callable[[], Iterable[str]]) -> Callable[..., "list[CompletionItem]"]:
    """Give what tells a shell the words that begin like what was typed."""

    def complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem

        return [CompletionItem(word) for word in words() if word.startswith(incomplete)]

    return complete


# What every command takes ----------------------------------------------------------------------------------


def _show_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's
    if value:
        from cargo_static_index._version import __version__

        click.echo(f"cargo-static-index {__version__}")
        context.exit()


def global_options(*version: str) -> list[click.Parameter]:
    """Give the options of every command; `version` are the names of the one that prints the version."""
    return [
        GlobalOption(["-C", "--directory"], type=FILE, metavar="DIR", help="Go to this folder first."),
        GlobalOption(["--config"], type=FILE, metavar="PATH", help="Read this file instead of registry.toml."),
        GlobalOption(["-v", "--verbose"], count=True, help="Say more; -vv says all."),
        GlobalOption(["-q", "--quiet"], count=True, help="Say only what is wrong; -qq, only errors."),
        GlobalOption(
            ["--color"],
            type=click.Choice(["auto", "always", "never"]),
            metavar="auto|always|never",
            help="When to use colours.",
        ),
        GlobalOption(["--no-progress"], is_flag=True, help="Show no progress."),
        GlobalOption(["--show-settings"], is_flag=True, help="Print every setting and where it comes from, and end."),
        GlobalOption(
            ["program_version", *version],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
            help="Print the version.",
        ),
    ]


def take_common(given: MutableMapping[str, Any]) -> Common:
    """Take what the options of every command gave out of all that was given."""
    directory = given.pop("directory")
    return Common(
        directories=(directory,) if directory else (),
        **{name: given.pop(name) for name in ("config", "verbose", "quiet", "color", "no_progress", "show_settings")},
    )


# What some commands share ----------------------------------------------------------------------------------

output_format = click.option(
    "--output-format",
    type=click.Choice(["text", "json", "github", "gitlab", "sarif"]),
    metavar="text|json|github|gitlab|sarif",
    default="text",
    show_default=True,
    help="How to print what is found.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Short for --output-format json.")
json_lines = click.option("--json", "as_json", is_flag=True, help="Print one JSON document a line.")
dry_run = click.option("-n", "--dry-run", is_flag=True, help="Print what would change, and change nothing.")
all_or_nothing = click.option("--all-or-nothing", is_flag=True, help="Publish none where one is refused.")
yes = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


def one_format(output: Format, *, as_json: bool) -> Format:
    """Give the format that is asked for, or raise SettingsError where two are."""
    if as_json and output not in {"text", "json"}:
        raise SettingsError(f"--json is short for --output-format json, and --output-format {output} is given too")
    return "json" if as_json else output


def length_of_time(option: str, text: str) -> float:
    """Read the seconds that an option gives, or raise SettingsError."""
    from cargo_static_index.settings.kinds import parse_duration

    try:
        return parse_duration(text)
    except InvalidInput as error:
        raise SettingsError(f"{option}: {error}") from error


# What is made from the table of settings -------------------------------------------------------------------


def setting_options(names: Iterable[str]) -> Iterator[SettingOption]:
    """Make the options of these keys of the settings (`drop.path`, …; `rules` is `--rule`)."""
    from cargo_static_index.settings.keys import KEYS, RULES_OPTION, RULES_VARIABLE

    for name in names:
        if name == "rules":
            says = f"Set the level of a rule that is policy to refuse, warn or allow. [env: {RULES_VARIABLE}]"
            yield _setting(name, [RULES_OPTION], says, "ID=LEVEL", _levels, multiple=True)
            continue
        key, kind = KEYS[name], KEYS[name].row.kind
        written = key.row.default
        default = "" if written is None or written == () else f" [default: {str(written).lower()}]"
        says = f"{key.row.says} [env: {key.variable}]{default}"
        if kind.flag:
            yield _setting(name, [f"{key.option}/{key.off}", *key.row.also], says, None, None, is_flag=True)
        else:
            words = (lambda kind=kind: kind.words) if kind.words else None
            yield _setting(name, [key.option, *key.row.also], says, kind.metavar, words, multiple=kind.many)


def _setting(name: str, options: list[str], says: str, metavar: str | None, words: Any, **more: bool) -> SettingOption:
    return SettingOption(
        [parameter_of(name), *options],
        help=says,
        metavar=metavar,
        default=None,
        shell_complete=completing(words) if words else None,
        **more,
    )


def parameter_of(name: str) -> str:
    """Give the name of the parameter that a key's option sets."""
    return "setting_" + name.replace(".", "_").replace("-", "_")


def _levels() -> Iterable[str]:
    from cargo_static_index.diagnostics.rule import LEVELS
    from cargo_static_index.diagnostics.rules import RULES

    return [f"{rule.id}={level}" for rule in RULES.values() if rule.policy for level in LEVELS]
