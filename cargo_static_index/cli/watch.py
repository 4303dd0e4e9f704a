"""The command that keeps a drop directory published: watch."""

from pathlib import Path
from typing import Literal

import click

from cargo_static_index.cli.command import EVERY, command
from cargo_static_index.cli.options import length_of_time
from cargo_static_index.cli.run import Run


@command(
    EVERY, examples=("watch", "watch --drop /srv/drop --tree /srv/crates", "watch --exit-when-idle 10"), outlives=True
)
@click.option("--exit-when-idle", metavar="SECONDS", help="End once nothing has come for so long, and nothing waits.")
@click.option(
    "--grace", metavar="SECONDS", default="5", show_default=True, help="End so long after a signal at the latest."
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Print lines for people, or a JSON document each.",
)
@click.option("--metrics-file", metavar="FILE", help="Keep a file up to date that Prometheus reads.")
def watch_command(
    run: Run, *, exit_when_idle: str | None, grace: str, log_format: Literal["text", "json"], metrics_file: str | None
) -> int:
    """Keep the drop directory published until told to end.

    Everything that is there is published first, and then whatever comes, as `build` does it. One line is printed a
    change. SIGTERM and SIGINT (Ctrl-C) let the batch at hand end, and then the command, with exit code 0; a second one
    ends it at once. docs/watching.md has more.
    """
    from cargo_static_index.cli.watching import watch

    idle = None if exit_when_idle is None else length_of_time("--exit-when-idle", exit_when_idle)
    metrics = None if metrics_file is None else Path(metrics_file)
    return watch(run, idle=idle, grace=length_of_time("--grace", grace), log=log_format, metrics=metrics)
