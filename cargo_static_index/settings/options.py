"""The options of commands, made from the table of keys: what the command line shows for each and gives for all.

Variables are named in the help and read with the settings, not here, so that `--show-settings` can tell the two apart.
The application must be a `typer.Typer(rich_markup_mode=None)`: the help has square brackets that are no markup.
"""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Annotated, Any

import typer

from cargo_static_index.diagnostics.rules import RULES
from cargo_static_index.settings.keys import KEYS, LEVELS, RULES_OPTION, RULES_VARIABLE, Key

PANEL = "Settings"


def takes_settings(names: Iterable[str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options of these keys (`drop.path`, …; `rules` is `--rule`).

    The command gets them as its argument `options`: a mapping by key name for `load_settings`, None where not given.
    """
    parameters = {name: _rules_parameter() if name == "rules" else _parameter(KEYS[name]) for name in names}
    by_parameter = {parameter.name: name for name, parameter in parameters.items()}

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def run(**given: Any) -> Any:
            options = {name: given.pop(parameter) for parameter, name in by_parameter.items()}
            return command(options=options, **given)

        own = inspect.signature(command, eval_str=True)
        kept = [each for name, each in own.parameters.items() if name != "options"]
        signature = own.replace(parameters=[*kept, *parameters.values()])
        # Typer reads the signature for the order and the annotations for the types.
        vars(run)["__signature__"] = signature
        run.__annotations__ = {each.name: each.annotation for each in signature.parameters.values()}
        return run

    return decorate


def _parameter(key: Key) -> inspect.Parameter:
    kind = key.row.kind
    default = _default(key)
    names = [f"{key.option}/{key.off}" if kind.flag else key.option, *key.row.also]
    option = typer.Option(
        *names,
        help=f"{key.row.says} [env: {key.variable}]{default}",
        metavar=kind.metavar or None,
        show_default=False,
        rich_help_panel=PANEL,
        autocompletion=completing(lambda: kind.words) if kind.words else None,
    )
    return _keyword(key.name, bool if kind.flag else list[str] if kind.many else str, option)


def _rules_parameter() -> inspect.Parameter:
    says = f"Set the level of a rule that is policy to refuse, warn or allow. [env: {RULES_VARIABLE}]"
    option = typer.Option(
        RULES_OPTION,
        help=says,
        metavar="ID=LEVEL",
        show_default=False,
        rich_help_panel=PANEL,
        autocompletion=completing(_levels),
    )
    return _keyword("rules", list[str], option)


def _levels() -> Iterable[str]:
    return [f"{rule.id}={level}" for rule in RULES.values() if rule.policy for level in LEVELS]


def completing(words: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """Give what tells a shell the words that begin like what was typed."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in words() if word.startswith(incomplete)]

    return complete


def _keyword(name: str, kind: Any, option: Any) -> inspect.Parameter:
    parameter = "setting_" + name.replace(".", "_").replace("-", "_")
    annotation = Annotated[kind | None, option]
    return inspect.Parameter(parameter, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _default(key: Key) -> str:
    written = key.row.default
    return "" if written is None or written == () else f" [default: {str(written).lower()}]"
