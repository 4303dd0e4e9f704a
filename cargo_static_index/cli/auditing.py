"""The audit file on the command line: what commands add to it, and how it is shown."""

import getpass
from collections.abc import Iterable

from cargo_static_index.cli.formats import print_json
from cargo_static_index.cli.run import GOOD, Run
from cargo_static_index.server.audit import AuditEntry, AuditFile, now_written
from cargo_static_index.server.private import private_place


def note(run: Run, action: str, changes: Iterable[tuple[str, str, str]]) -> None:
    """Note changes (crate, version, what else), where there is a private place: who has no endpoint has no audit."""
    private = private_place(run.settings.publish.private)
    if not private.is_there():
        return
    file = AuditFile(private)
    for crate, version, about in changes:
        entry = AuditEntry(
            time=now_written(run.now),
            user=_user(),
            action=action,
            crate=crate,
            version=version,
            about=about,
            client="command line",
        )
        file.append(entry)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in containers
        return "unknown"


def show_audit(run: Run, *, crate: str | None, user: str | None, as_json: bool) -> int:
    """Print the entries that are asked for."""
    for entry in AuditFile(private_place(run.settings.publish.private)).entries():
        if crate in {None, entry.crate} and user in {None, entry.user}:
            if as_json:
                print_json(entry)
            else:
                run.terminal.result(_row(entry))
    return GOOD


def _row(entry: AuditEntry) -> str:
    release = f"{entry.crate}@{entry.version}" if entry.version else entry.crate
    token = f" (token {entry.token})" if entry.token else ""
    claims = [f"{name}={claim}" for name, claim in entry.claims.items()] if entry.action == "exchange" else []
    what = " ".join(filter(None, (entry.action, release, entry.about, *claims)))
    return f"{entry.time} {entry.user}{token} from {entry.client}: {what}: {entry.outcome}"
