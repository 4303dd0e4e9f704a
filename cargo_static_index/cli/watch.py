"""The command that keeps a drop directory published: watch."""

import click

from cargo_static_index.cli.command import EVERY, command
from cargo_static_index.cli.options import length_of_time
from cargo_static_index.cli.run import Run


@command(EVERY, examples=("watch", "watch --drop /srv/drop --tree /srv/crates", "watch --exit-when-idle 10"))
@click.option("--exit-when-idle", metavar="SECONDS", help="End once nothing has come for so long, and nothing waits.")
def watch_command(run: Run, *, exit_when_idle: str | None) -> int:
    """Keep the drop directory published until told to end.

    Everything that is there is published first, and then whatever comes, as `build` does it. One line is printed a
    change. SIGTERM and SIGINT (Ctrl-C) let the pass at hand end, and then the command, with exit code 0.
    """
    from cargo_static_index.cli.watching import watch

    return watch(run, idle=length_of_time("--exit-when-idle", exit_when_idle))
