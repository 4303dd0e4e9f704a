"""The program: its table of commands, each of which is imported and made only when it is asked for."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from cargo_static_index.cli import options
from cargo_static_index.cli.run import GOOD, INTERRUPTED, UNUSABLE
from cargo_static_index.cli.terminal import Terminal

PROGRAM: Final = "cargo-static-index"
COMPLETION: Final = "_CARGO_STATIC_INDEX_COMPLETE"
"""The variable in which a shell asks what could follow; typer answers before any command runs."""

TABLE: Final = {
    "init": ("init", "Write a commented registry.toml, and make the drop directory."),
    "build": ("build", "Publish what is new in the drop directory."),
    "watch": ("watch", "Keep the drop directory published until told to end."),
    "add": ("build", "Publish files given by name."),
    "check": ("build", "Read and check files, and publish nothing."),
    "entry": ("query", "Print the index line of a file, and nothing else."),
    "yank": ("withdraw", "Keep releases from being chosen anew."),
    "unyank": ("withdraw", "Let releases be chosen again."),
    "remove": ("withdraw", "Take releases out for good."),
    "list": ("query", "List what is held."),
    "info": ("query", "Show what is known of a crate."),
    "search": ("query", "Find crates by name, description and keywords."),
    "status": ("status", "Say when the last pass was, what waits, and what is refused."),
    "verify": ("maintain", "Look at the whole tree, and say what is wrong with it."),
    "reindex": ("maintain", "Derive index lines anew from what is stored."),
    "rebuild": ("maintain", "Make the catalogue anew from the tree alone."),
    "explain": ("help", "Explain a rule."),
    "check-settings": ("help", "Say whether the settings can be used."),
    "help": ("help", "Show the help of a command."),
    "generate-shell-completion": ("help", "Print the script that completes commands in a shell."),
}
"""Every command by its name: the module below `cli` that has it, and one sentence."""


_CONTEXT: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Command(TyperCommand):
    """A command whose help shows its options in groups: its own, those of the settings, those of every command."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Give all parameters, the help option too."""
        return [_light(each) for each in super().get_params(ctx)]

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Give what stands behind the command's name in the usage line."""
        arguments = (each for each in self.get_params(ctx) if each.param_type_name == "argument")
        return ["[OPTIONS]", *(each.metavar or each.name or "" for each in arguments)]

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples as they stand."""
        del ctx
        formatter.write(f"\nExamples:\n{self.epilog}")

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the help's lists of arguments and options."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            group, record = _help_of(parameter, ctx)
            if record is not None:
                groups.setdefault(group, []).append(record)
        for title in sorted(groups, key=_ORDER.index):
            with formatter.section(title):
                formatter.write_dl(groups[title])


def _help_of(parameter: Any, ctx: Any) -> tuple[str, tuple[str, str] | None]:
    """Give the group that a parameter belongs to, and what the help says of it."""
    if parameter.param_type_name == "argument":
        return "Arguments", (parameter.metavar, parameter.help)
    panel = getattr(parameter, "rich_help_panel", None)
    return panel if isinstance(panel, str) else "Options", parameter.get_help_record(ctx)


_ORDER = ("Arguments", "Options", "Settings", options.GLOBAL)


class Commands(TyperGroup):
    """The group of all commands, which are made when they are asked for."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        names: dict[str, Any] = dict.fromkeys(TABLE)
        self.commands = names  # suggestions are made from the names

    def get_params(self, ctx: Any) -> list[Any]:
        """Give all parameters, the help option too."""
        return [_light(each) for each in super().get_params(ctx)]

    def list_commands(self, ctx: Any) -> list[str]:
        """Give the names, in the table's order."""
        del ctx
        return list(TABLE)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Give a command, made now."""
        del ctx
        return make_command(cmd_name) if cmd_name in TABLE else None

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write how a registry begins."""
        del ctx
        formatter.write(f"\nExamples:\n  {PROGRAM} init --name acme\n  {PROGRAM} build\n  {PROGRAM} help build\n")

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the help's list of commands from the table."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, says) for name, (_, says) in TABLE.items()])


def make_command(name: str) -> Any:
    """Import a command and make it."""
    module = import_module(f"cargo_static_index.cli.{TABLE[name][0]}")
    function = getattr(module, f"{name.replace('-', '_')}_command")
    small = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
    small.command(name, cls=Command, epilog=_example(module, name), context_settings=_CONTEXT)(function)
    return typer.main.get_command(small)


def _example(module: Any, name: str) -> str:
    return "".join(f"  {PROGRAM} {line}\n" for line in module.EXAMPLES[name])


def make_program() -> Any:
    """Make the program, with none of its commands."""
    app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
    app.callback(cls=Commands, invoke_without_command=True, context_settings=_CONTEXT)(options.root)
    return typer.main.get_command(app)


def _light(parameter: Any) -> Any:
    """Have a parameter take its value as typed: typer loads pydantic for that, longer than most commands run."""
    if hasattr(parameter, "type_descriptor") and not isinstance(parameter.process_value, partial):
        parameter.process_value = partial(_process_value, parameter, parameter.process_value)
    return parameter


def _process_value(parameter: Any, by_typer: Callable[[Any, Any], Any], ctx: Any, value: Any) -> Any:
    """Give a value of one of the types that our commands use; what is missing or no choice is left to typer."""
    descriptor = parameter.type_descriptor
    many = parameter.multiple or parameter.nargs == -1
    wrong = descriptor.is_choice and value is not None and value not in descriptor.choices
    if wrong or (parameter.required and parameter.value_is_missing(value)):
        return by_typer(ctx, value)
    if value is None:
        value = () if many else None
    elif parameter.name in _PATHS:
        value = [Path(each) for each in value] if many else Path(value)
    return parameter.callback(ctx, parameter, value) if parameter.callback else value


_PATHS: Final = frozenset({"directory", "config", "file", "files"})
"""The parameters that are paths."""


def run_program(arguments: Sequence[str]) -> int:
    """Run the program, and give its exit code."""
    arguments = list(arguments)
    # As a subcommand of cargo's, its own name is the first argument (cargo's book: "Custom subcommands").
    if arguments[:1] == ["static-index"]:
        del arguments[0]
    if os.environ.get(COMPLETION):
        from typer.completion import get_completion_inspect_parameters

        get_completion_inspect_parameters()  # which makes the shells known to typer
    try:
        code: object = make_program().main(args=arguments, prog_name=PROGRAM, standalone_mode=False)
    except typer.Abort:
        return INTERRUPTED
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        return _say_misused(error)
    return code if isinstance(code, int) else GOOD


def _say_misused(error: Any) -> int:
    """Say as cargo does what is wrong with a command line, and give the exit code."""
    usage = f"\n\n{error.ctx.get_usage()}\n\nFor more information, try '--help'." if error.ctx else ""
    message = error.format_message().replace(": Value error, ", ": ")  # pydantic's words, which help nobody
    message = message.replace("\n\t", " ")  # where it lists choices
    Terminal().fail(f"{message[:1].lower()}{message[1:].rstrip('.')}{usage}")
    return UNUSABLE
