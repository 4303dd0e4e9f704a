"""The audit file on the command line: what commands add to it, and the command that shows it."""

import getpass
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from cargo_static_index.cli.command import command
from cargo_static_index.cli.options import argument, json_lines
from cargo_static_index.cli.run import GOOD, Run

if TYPE_CHECKING:
    from cargo_static_index.server.audit import AuditEntry

_HERE = "command line"
"""Where what commands change comes from."""


@command(["publish.private"], examples=("audit", "audit foo", "audit --user alice --json"))
@argument("crate", required=False, metavar="[NAME]", says="Only what was done to this crate.")
@click.option("--user", metavar="USER", help="Only what this user did.")
@json_lines
def audit_command(run: Run, *, crate: str | None, user: str | None, as_json: bool) -> int:
    """Show who changed what, from where, and what came of it.

    The publish endpoint notes every change that it is asked for, and `yank`, `unyank`, `remove`, `owner` and `token`
    note theirs, in the private folder.
    """
    from cargo_static_index.cli.formats import print_json
    from cargo_static_index.server.audit import AuditFile
    from cargo_static_index.server.private import private_place

    for entry in AuditFile(private_place(run.settings.publish.private)).entries():
        if crate in {None, entry.crate} and user in {None, entry.user}:
            if as_json:
                print_json(entry)
            else:
                run.terminal.result(_row(entry))
    return GOOD


def _row(entry: "AuditEntry") -> str:
    release = f"{entry.crate}@{entry.version}" if entry.version else entry.crate
    token = f" (token {entry.token})" if entry.token else ""
    claims = [f"{name}={claim}" for name, claim in entry.claims.items()] if entry.action == "exchange" else []
    what = " ".join(filter(None, (entry.action, release, entry.about, *claims)))
    return f"{entry.time} {entry.user}{token} from {entry.client}: {what}: {entry.outcome}"


def note(run: Run, action: str, changes: Iterable[tuple[str, str, str]]) -> None:
    """Note changes (crate, version, what else), where there is a private place: who has no endpoint has no audit."""
    from cargo_static_index.server.audit import AuditEntry, AuditFile, now_written
    from cargo_static_index.server.private import private_place

    private = private_place(run.settings.publish.private)
    if not private.is_there():
        return
    file, time, user = AuditFile(private), now_written(run.now), _user()
    for crate, version, about in changes:
        entry = AuditEntry(time=time, user=user, action=action, crate=crate, version=version, about=about, client=_HERE)
        file.append(entry)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in containers
        return "unknown"
