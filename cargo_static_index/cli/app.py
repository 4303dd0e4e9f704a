"""The program: its table of commands, each of which is imported and made only when it is asked for."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from cargo_static_index.cli import options

PROGRAM: Final = "cargo-static-index"

TABLE: Final = {
    "init": ("starting", "Write a commented registry.toml, and make the drop directory."),
    "build": ("publishing", "Publish what is new in the drop directory."),
    "add": ("publishing", "Publish files given by name."),
    "check": ("publishing", "Read and check files, and publish nothing."),
    "entry": ("reading", "Print the index line of a file, and nothing else."),
    "yank": ("changing", "Keep releases from being chosen anew."),
    "unyank": ("changing", "Let releases be chosen again."),
    "remove": ("changing", "Take releases out for good."),
    "list": ("showing", "List what is held."),
    "info": ("showing", "Show what is known of a crate."),
    "search": ("showing", "Find crates by name, description and keywords."),
    "status": ("tending", "Say when the last pass was, what waits, and what is refused."),
    "verify": ("tending", "Look at the whole tree, and say what is wrong with it."),
    "reindex": ("tending", "Derive index lines anew from what is stored."),
    "rebuild": ("tending", "Make the catalogue anew from the tree alone."),
    "explain": ("helping", "Explain a rule."),
    "check-settings": ("helping", "Say whether the settings can be used."),
    "help": ("helping", "Show the help of a command."),
    "generate-shell-completion": ("helping", "Print the script that completes commands in a shell."),
}
"""Every command by its name: the module below `cli` that has it, and one sentence."""


class Command(TyperCommand):
    """A command whose help shows its options in groups: its own, those of the settings, those of every command."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Give what stands behind the command's name in the usage line."""
        arguments = (each for each in self.get_params(ctx) if each.param_type_name == "argument")
        return ["[OPTIONS]", *(each.metavar or each.name or "" for each in arguments)]

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

    def list_commands(self, ctx: Any) -> list[str]:
        """Give the names, in the table's order."""
        del ctx
        return list(TABLE)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Give a command, made now."""
        del ctx
        return make_command(cmd_name) if cmd_name in TABLE else None

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
    small.command(name, cls=Command, epilog=_example(module, name))(function)
    return typer.main.get_command(small)


def _example(module: Any, name: str) -> str:
    lines = "\n".join(f"  {PROGRAM} {line}" for line in module.EXAMPLES[name])
    return f"\b\nExamples:\n{lines}"


def make_program() -> Any:
    """Make the program, with none of its commands."""
    app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
    app.callback(cls=Commands, invoke_without_command=True)(options.root)
    return typer.main.get_command(app)


def run_program(arguments: Sequence[str]) -> None:
    """Run the program and end the process with its exit code."""
    arguments = list(arguments)
    # As a subcommand of cargo's, its own name is the first argument (cargo's book: "Custom subcommands").
    if arguments[:1] == ["static-index"]:
        del arguments[0]
    make_program().main(args=arguments, prog_name=PROGRAM)
    sys.exit(0)
