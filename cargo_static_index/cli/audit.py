"""The command that shows the audit file."""

import click

from cargo_static_index.cli.command import command
from cargo_static_index.cli.options import argument, json_lines
from cargo_static_index.cli.run import Run


@command(["publish.private"], examples=("audit", "audit foo", "audit --user alice --json"))
@argument("crate", required=False, metavar="[NAME]", says="Only what was done to this crate.")
@click.option("--user", metavar="USER", help="Only what this user did.")
@json_lines
def audit_command(run: Run, *, crate: str | None, user: str | None, as_json: bool) -> int:
    """Show who changed what, from where, and what came of it.

    The publish endpoint notes every change that it is asked for, and `yank`, `unyank`, `remove`, `owner` and `token`
    note theirs, in the private folder.
    """
    from cargo_static_index.cli.auditing import show_audit

    return show_audit(run, crate=crate, user=user, as_json=as_json)
