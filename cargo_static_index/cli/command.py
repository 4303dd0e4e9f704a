"""What makes a command of a function: its options, its help, and how it is run."""

from collections.abc import Callable, Iterable
from typing import Any

import click

from cargo_static_index.cli.options import CONTEXT, global_options, parameter_of, setting_options, take_common
from cargo_static_index.cli.run import Common, perform
from cargo_static_index.settings.keys import KEYS


def sections(*names: str) -> tuple[str, ...]:
    """Give the keys of these sections of the settings; `rules` is one of them."""
    keys = [name for name, key in KEYS.items() if key.section in names]
    return (*keys, "rules") if "rules" in names else tuple(keys)


SERVING = (*KEYS, "rules")
"""All keys: `serve` takes them."""
EVERY = tuple(name for name in SERVING if not name.startswith(("serve.", "publish.")) or name == "publish.url")
"""The keys that have a part in what a build does."""
CHECKING = (
    *"registry.name registry.base-url registry.mode registry.aliases registry.own-rules tree.path state.path".split(),
    *sections("rules", "dependencies", "manifest", "limits"),
    "build.jobs",
)
"""The keys that have a part in judging a file."""
OF_A_TREE = (*sections("registry", "tree", "state"), "publish.private")
"""The keys that say which tree is meant and what it is like."""


class Command(click.Command):
    """A command whose help shows its options in groups: its own, those of the settings, those of every command."""

    def __init__(
        self,
        name: str,
        *,
        params: Iterable[click.Parameter],
        keys: Iterable[str],
        own_version: bool,
        outlives: bool = False,
        **more: Any,
    ) -> None:
        self._keys = tuple(keys)
        self._outlives = outlives
        self._version = ("-V",) if own_version else ("-V", "--version")
        self._own = tuple(params)
        super().__init__(name, context_settings=CONTEXT, **more)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Give the command's own parameters, those of the settings, and those of every command, made when asked for.

        Of a module's commands one is run.
        """
        if not self.params:
            self.params = [*self._own, *setting_options(self._keys), *global_options(*self._version)]
        return super().get_params(ctx)

    def invoke(self, ctx: click.Context) -> int:
        """Run the command, and give its exit code."""
        assert self.callback is not None
        body, given = self.callback, dict(ctx.params)
        options = {name: given.pop(parameter_of(name)) for name in self._keys}
        earlier: Common = ctx.obj if isinstance(ctx.obj, Common) else Common()
        return perform(
            lambda run: body(run, **given), earlier.joined(take_common(given)), options, outlives=self._outlives
        )

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Give what stands behind the command's name in the usage line."""
        arguments = [parameter for parameter in self.get_params(ctx) if isinstance(parameter, click.Argument)]
        return ["[OPTIONS]", *(argument.metavar or "" for argument in arguments)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help's lists of arguments and options."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                groups.setdefault(getattr(parameter, "group", "Options"), []).append(record)
        for title in sorted(groups, key=("Arguments", "Options", "Settings", "Global options").index):
            with formatter.section(title):
                formatter.write_dl(groups[title])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they stand."""
        lines = "".join(f"  {ctx.find_root().info_name} {line}\n" for line in (self.epilog or "").splitlines())
        formatter.write(f"\nExamples:\n{lines}")


def command(
    keys: Iterable[str] = (), *, examples: Iterable[str], own_version: bool = False, outlives: bool = False
) -> Callable[[Callable[..., int]], Command]:
    """Make a command of a function `NAME_command` that takes a Run, and then what its options and arguments give.

    The command takes the options of these keys of the settings, and the global ones. `own_version` says that its
    `--version` is an option of its own, `outlives` that it goes on where nobody reads its output any more, since it
    changes a registry. The function gives the exit code; its docstring is the help.
    """

    def decorate(body: Callable[..., int]) -> Command:
        name = body.__name__.removesuffix("_command").replace("_", "-")
        make = click.command(
            name, cls=Command, keys=keys, own_version=own_version, outlives=outlives, epilog="\n".join(examples)
        )
        return make(body)

    return decorate
