"""The program: its table of commands, each of which is imported only when it is asked for."""

import os
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import click

from cargo_static_index.cli.options import CONTEXT, global_options, take_common
from cargo_static_index.cli.run import GOOD, INTERRUPTED, UNUSABLE, perform
from cargo_static_index.cli.terminal import Terminal

if TYPE_CHECKING:  # loaded where a shell asks
    from click.shell_completion import CompletionItem

PROGRAM: Final = "cargo-static-index"
COMPLETION: Final = "_CARGO_STATIC_INDEX_COMPLETE"
"""The variable in which a shell asks what could follow; the answer comes before any command runs."""

TABLE: Final = {
    "init": ("init", "Write a commented registry.toml, and make the drop directory."),
    "build": ("build", "Publish what is new in the drop directory."),
    "watch": ("watch", "Keep the drop directory published until told to end."),
    "add": ("build", "Publish files given by name."),
    "check": ("build", "Read and check files, and publish nothing."),
    "entry": ("entry", "Print the index line of a file, and nothing else."),
    "yank": ("withdraw", "Keep releases from being chosen anew."),
    "unyank": ("withdraw", "Let releases be chosen again."),
    "remove": ("withdraw", "Take releases out for good."),
    "list": ("query", "List what is held."),
    "info": ("query", "Show what is known of a crate."),
    "missing": ("query", "List the dependencies that nothing held satisfies."),
    "advisories": ("advisories", "List the security advisories that affect what is held."),
    "search": ("query", "Find crates by name, description and keywords."),
    "serve": ("serve", "Serve the tree over HTTP; with --publish, take `cargo publish`."),
    "owner": ("withdraw", "Show or change who owns a crate."),
    "audit": ("audit", "Show who changed what."),
    "token create": ("token", "Make a token, and print it once."),
    "token list": ("token", "List the tokens."),
    "token revoke": ("token", "Take a token back."),
    "token rotate": ("token", "Make a token that takes the place of another."),
    "token hash": ("token", "Print the entry of a token for a file of tokens."),
    "status": ("status", "Say when the last build was, what waits, and what is refused."),
    "verify": ("maintain", "Look at the whole tree, and say what is wrong with it."),
    "reindex": ("maintain", "Derive index lines anew from what is stored."),
    "rebuild": ("maintain", "Make the catalogue anew from the tree alone."),
    "sync": ("sync", "Bring one tree in step with another."),
    "promote": ("sync", "Publish releases of one tree in another."),
    "push": ("push", "Publish ready archives to any registry."),
    "doctor": ("doctor", "Look at a registry as cargo would, and say what is wrong."),
    "hosting": ("hosting", "Print the configuration of a server or host for this registry."),
    "explain": ("help", "Explain a rule."),
    "check-settings": ("help", "Say whether the settings can be used."),
    "help": ("help", "Show the help of a command."),
    "generate-shell-completion": ("help", "Print the script that completes commands in a shell."),
}
"""Every command by its name: the module below `cli` that has it, and one sentence."""

GROUPS: Final = {"token": "Make, list and revoke tokens for the publish endpoint."}
"""What the first words of names of two words stand for."""

WORDS: Final = {word: GROUPS.get(word, says) for name, (_, says) in TABLE.items() for word in name.split()[:1]}
"""What may follow the program's name, each with one sentence."""


OTHER_WORDS: Final = {
    "delete": "remove",
    "fsck": "verify",
    "lint": "check",
    "ls": "list",
    "new": "init",
    "publish": "push",
    "rm": "remove",
    "show": "info",
    "sync": "watch",
    "upload": "push",
    "validate": "check",
}
"""Commands as other programs call them, by what they are called here."""

OTHER_OPTIONS: Final = {
    "--out": "--tree",
    "--out-dir": "--tree",
    "--output": "--tree",
    "--output-dir": "--tree",
    "--public": "--tree",
    "--in": "--drop",
    "--input": "--drop",
    "--url": "--base-url",
    "--token": "--tokens-file",
}
"""Options as other programs call them."""


class Program(click.Group):
    """The program, with none of its commands: each is imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names, in the table's order."""
        del ctx
        return list(WORDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Give a command, imported now."""
        del ctx
        if cmd_name in TABLE:
            return _import_command(cmd_name)
        return _make_group(cmd_name) if cmd_name in GROUPS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Give the command that is named first; click.UsageError with those that may have been meant."""
        if args[0] not in WORDS and not ctx.resilient_parsing:
            from difflib import get_close_matches

            close = [OTHER_WORDS[args[0]]] if args[0] in OTHER_WORDS else get_close_matches(args[0], WORDS)
            meant = ", ".join(map(repr, close))
            raise click.UsageError(f"No such command {args[0]!r}." + (f" Did you mean {meant}?" if meant else ""), ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Give the commands and options that begin like what was typed, with none of them imported."""
        from click.shell_completion import CompletionItem

        commands = [CompletionItem(word, help=says) for word, says in WORDS.items() if word.startswith(incomplete)]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help's lists of options, and of commands from the table."""
        click.Command.format_options(self, ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl(list(WORDS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write how a registry begins."""
        del ctx
        formatter.write(f"\nExamples:\n  {PROGRAM} init --name acme\n  {PROGRAM} build\n  {PROGRAM} help build\n")


def _import_command(name: str) -> click.Command:
    module = import_module(f"cargo_static_index.cli.{TABLE[name][0]}")
    found: click.Command = getattr(module, f"{name.replace('-', '_').replace(' ', '_')}_command")
    return found


def _make_group(word: str) -> click.Group:
    """Make the group of the commands whose names begin with a word."""
    names = [name for name in TABLE if name.startswith(f"{word} ")]
    commands = {name.removeprefix(f"{word} "): _import_command(name) for name in names}
    return click.Group(word, commands, help=GROUPS[word], context_settings=CONTEXT)


def make_program() -> Program:
    """Make the program."""
    return Program(
        PROGRAM,
        callback=_begin,
        params=global_options("-V", "--version"),
        help="Turn a folder of .crate files into a Cargo registry made of plain files.",
        invoke_without_command=True,
        subcommand_metavar="COMMAND [ARGS]...",
        context_settings=CONTEXT,
    )


@click.pass_context
def _begin(context: click.Context, /, **given: Any) -> None:
    """Keep what the options gave for the command; without a command say what there is, and end."""
    context.obj = take_common(given)
    if context.invoked_subcommand is not None:
        return
    if context.obj.show_settings:
        context.exit(perform(lambda _: None, context.obj, {}))
    click.echo(context.get_help(), err=True)
    context.exit(UNUSABLE)


def run_program(arguments: Sequence[str]) -> int:
    """Run the program, and give its exit code."""
    arguments = list(arguments)
    # As a subcommand of cargo's, its own name is the first argument (cargo's book: "Custom subcommands").
    if arguments[:1] == ["static-index"]:
        del arguments[0]
    if shell := os.environ.get(COMPLETION):
        from cargo_static_index.cli.completion import complete

        return complete(make_program(), shell)
    try:
        code: object = make_program().main(arguments, PROGRAM, standalone_mode=False)
    except click.Abort:
        return INTERRUPTED
    except click.UsageError as error:
        return _say_misused(error)
    return code if isinstance(code, int) else GOOD


def _say_misused(error: click.UsageError) -> int:
    """Say as cargo does what is wrong with a command line, and give the exit code."""
    usage = ["", *error.ctx.get_usage().splitlines(), "", "For more information, try '--help'."] if error.ctx else []
    message = error.format_message().replace("\n\t", " ")  # where it lists choices
    if isinstance(error, click.NoSuchOption):
        other = OTHER_OPTIONS.get(error.option_name)
        known = {name for parameter in error.ctx.command.params for name in parameter.opts} if error.ctx else set()
        possible = ", ".join([other] if other in known else sorted(error.possibilities or ()))
        message = f"no such option: {error.option_name}" + (f" (Possible options: {possible})" if possible else "")
    Terminal().fail(f"{message[:1].lower()}{message[1:].rstrip('.')}", *usage)
    return UNUSABLE
