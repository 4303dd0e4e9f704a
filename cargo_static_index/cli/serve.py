"""The command that serves: the tree over HTTP, and the publish endpoint."""

from collections.abc import Sequence

import click

from cargo_static_index.cli.command import SERVING, command
from cargo_static_index.cli.options import argument, length_of_time
from cargo_static_index.cli.run import Run
from cargo_static_index.diagnostics.errors import SettingsError


@command(
    SERVING,
    examples=(
        "serve",
        "serve --publish",
        "serve --bind 127.0.0.1:9000",
        "serve --ephemeral --name acme -- cargo publish --workspace --registry acme",
    ),
)
@argument("command", nargs=-1, metavar="[-- COMMAND]", says="What to run with --ephemeral.")
@click.option("--watch", "watches", is_flag=True, help="Also keep the drop directory published, as `watch` does.")
@click.option("--as-is", is_flag=True, help="Answer config.json as it is, not with the address that was asked.")
@click.option("--publish", is_flag=True, help="Take `cargo publish`, `yank` and the like, with tokens.")
@click.option(
    "--grace", metavar="TIME", default="5s", show_default=True, help="How long accepted uploads may take at the end."
)
@click.option(
    "--ephemeral", is_flag=True, help="Serve an empty registry to one COMMAND, give its exit code, leave nothing."
)
def serve_command(
    run: Run, *, command: Sequence[str], publish: bool, watches: bool, ephemeral: bool, as_is: bool, grace: str
) -> int:
    """Serve the tree over HTTP, for trying it and for small teams.

    With --publish, cargo publishes into the tree: `token create` makes the tokens that it needs. Whoever stops this
    process stops publishing alone, where another web server serves the tree. SIGTERM and SIGINT (Ctrl-C) end it with
    exit code 0, once what was accepted is published.

    A socket that systemd hands over is taken in place of --bind.

    With --ephemeral, COMMAND gets a registry of its own to publish to: CARGO_REGISTRIES_NAME_INDEX and _TOKEN say
    where it is, NAME being the registry's name in capitals.
    """
    if ephemeral is not bool(command):
        raise SettingsError("--ephemeral goes with a COMMAND: `serve --ephemeral -- cargo publish --workspace`")
    try:
        from cargo_static_index.cli.serving import rehearse, serve
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"`serve` needs {error.name}: install it with `pip install 'cargo-static-index[server]'`"
        ) from error
    if command:
        return rehearse(run, command)
    seconds = length_of_time("--grace", grace) or 0.0
    return serve(run, publish=publish, watches=watches, as_is=as_is, grace=seconds)
