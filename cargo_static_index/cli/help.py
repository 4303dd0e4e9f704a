"""The commands that explain: explain, check-settings, help, generate-shell-completion."""

import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import click

from cargo_static_index.cli.command import EVERY, command
from cargo_static_index.cli.options import argument, completing
from cargo_static_index.cli.run import GOOD, Run, need_drop
from cargo_static_index.diagnostics.errors import SettingsError, StoreError
from cargo_static_index.settings import Settings
from cargo_static_index.state.directory import refuse_others
from cargo_static_index.store.bucket import Bucket

if TYPE_CHECKING:
    from cargo_static_index.diagnostics.rule import Rule


def _rules() -> Iterable[str]:
    from cargo_static_index.diagnostics.rules import RULES

    return RULES


def _commands() -> Iterable[str]:
    from cargo_static_index.cli.app import TABLE

    return TABLE


@command(("registry.own-rules",), examples=("explain path-outside-package", "explain"))
@argument(
    "rule",
    required=False,
    metavar="[RULE]",
    says="The id of a rule, or of a finding; without it, all are listed.",
    shell_complete=completing(_rules),
)
def explain_command(run: Run, *, rule: str | None) -> int:
    """Explain a rule, or what `verify` finds: what it is about, how grave it is, the way out."""
    from cargo_static_index.diagnostics.rules import explain, named
    from cargo_static_index.settings.layers import nearest

    if rule is None:
        run.terminal.result(*(f"{known.id}: {known.says}" for known in _rules_here(run).values()))
        return GOOD
    meant = named(rule)
    if not meant:
        rules = _rules_here(run)
        if rule not in rules:
            raise SettingsError(f"there is no rule {rule!r}{nearest(rule, rules) or '; `explain` lists all'}")
        meant = (rules[rule],)
    run.terminal.result(*explain(meant[0]).splitlines())
    for other in meant[1:]:
        run.terminal.say(f"note: `{other.id}` was called `{rule}` too: {other.says} See `explain {other.id}`.")
    return GOOD


def _rules_here(run: Run) -> "Mapping[str, Rule]":
    """Give every rule, the registry's own too unless the settings cannot be used: whoever mends them may ask."""
    from cargo_static_index.diagnostics.rules import RULES

    try:
        return run.rules
    except SettingsError as error:
        run.terminal.warn(f"the registry's own rules are not known: {error}")
        return RULES


@command(EVERY, examples=("check-settings", "check-settings --config /etc/acme/registry.toml"))
def check_settings_command(run: Run) -> int:
    """Say whether the settings can be used, fit the tree, and lead to folders that this user may use.

    For scripts and init containers: the exit code is 2 where the settings are wrong, 3 where a right is missing, and
    nothing is changed.
    """
    settings = run.settings
    need_drop(run)
    _try_rights(settings)
    _try_tree(run, settings)
    run.terminal.did("Good", str(run.loaded.file or "no registry.toml, the defaults hold"))
    return GOOD


def _try_rights(settings: Settings) -> None:
    """Raise StoreError where this user may not do what a build does; what is not there is made by a build.

    Of buckets only the drop prefix is tried: opening the tree tries the other.
    """
    from cargo_static_index.registry.drop import objects_of

    drop, tree = settings.drop, settings.tree.path
    away = [place for place in (drop.after_publish, drop.refused) if not isinstance(place, str | None)]
    emptied = drop.after_publish == "delete" or bool(away)
    for name, place, right, word in (
        ("drop directory", drop.path, os.R_OK, "read"),
        *([("drop directory", drop.path, os.W_OK, "take files from")] if emptied else []),
        *(("folder for dropped files", place, os.W_OK, "write to") for place in away),
        ("tree", tree, os.W_OK, "write to"),
        ("state directory", settings.state.path, os.W_OK, "write to"),
    ):
        if isinstance(place, Bucket):
            continue
        there = next(folder for folder in (place, *place.parents) if folder.exists())
        if not os.access(there, right | os.X_OK):
            raise StoreError(f"the {name} {str(place)!r}: this user may not {word} {str(there)!r}; give it the right")
    if isinstance(drop.path, Bucket):
        objects_of(drop.path).try_listing()
    refuse_others(settings.state.path)


def _try_tree(run: Run, settings: Settings) -> None:
    """Open the tree as a dry run would, or raise SettingsError where it does not fit the settings."""
    from cargo_static_index.cli.output import ChangeListener
    from cargo_static_index.registry.options import Options
    from cargo_static_index.registry.registry import open_registry
    from cargo_static_index.registry.site.theme import read_theme, site_info_of, unused_files
    from cargo_static_index.site.templates import Templates

    listener = ChangeListener(run, dry=True, silent=True)
    with open_registry(settings, listener, Options(now=run.now), access="look") as registry:
        if settings.registry.pages:
            theme = read_theme(settings)
            Templates(theme, site_info_of(registry.transaction, settings)).check()
            for text in unused_files(theme):
                run.terminal.warn(text)


@command(examples=("help build",))
@argument("name", required=False, metavar="[COMMAND]", says="The command's name.", shell_complete=completing(_commands))
def help_command(run: Run, *, name: str | None) -> int:
    """Show the help of a command."""
    from cargo_static_index.cli.app import PROGRAM, TABLE, WORDS, make_program
    from cargo_static_index.settings.layers import nearest

    del run
    if name is not None and name not in {**WORDS, **TABLE}:
        raise SettingsError(f"there is no command {name!r}{nearest(name, TABLE) or '; `help` lists all'}")
    sys.stdout.flush()
    program = make_program()
    arguments = [*(name or "").split(), "--help"]
    try:
        code: int = program.main(args=arguments, prog_name=PROGRAM, standalone_mode=False) or GOOD
    except click.Abort as interrupted:
        raise KeyboardInterrupt from interrupted
    return code


@command(
    examples=(
        "generate-shell-completion bash > ~/.local/share/bash-completion/completions/cargo-static-index",
        "generate-shell-completion fish > ~/.config/fish/completions/cargo-static-index.fish",
    )
)
@argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="bash|zsh|fish", says="The shell.")
def generate_shell_completion_command(run: Run, *, shell: str) -> int:
    """Print the script that completes commands and options in a shell."""
    from cargo_static_index.cli.completion import script_for

    run.terminal.result(*script_for(shell).splitlines())
    return GOOD
