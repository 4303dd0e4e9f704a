"""The commands about tokens: who may publish, and what."""

import re
from collections.abc import Sequence

import click

from cargo_static_index.cli.command import command
from cargo_static_index.cli.run import GOOD, Run
from cargo_static_index.diagnostics.errors import SettingsError


@command(
    ["publish.private"],
    examples=("token create --user alice", "token create --user ci --crates 'team-*' --scope publish-update"),
)
@click.option("--user", metavar="USER", required=True, help="Who it is for.")
@click.option(
    "--scope",
    "scopes",
    metavar="publish-new|publish-update|yank|owners|read",
    multiple=True,
    help="What it is good for; without it, everything.",
)
@click.option("--crates", metavar="PATTERN", multiple=True, help="Only for crates of these names, such as `team-*`.")
@click.option("--expires", metavar="DAYSd|never", default="365d", show_default=True, help="How long it is good for.")
def token_create_command(run: Run, *, user: str, scopes: Sequence[str], crates: Sequence[str], expires: str) -> int:
    """Make a token, and print it once: only a hash is kept."""
    from cargo_static_index.server.tokens import Token, change_tokens, make_token, parse_scopes

    text, token_id, kept = make_token()
    token = Token(
        id=token_id,
        user=user,
        hash=kept,
        scopes=parse_scopes(scopes),
        crates=tuple(crates),
        created=run.now,
        expires=_end(expires, run.now),
    )
    change_tokens(run.settings.publish.private, lambda tokens: (*tokens, token))
    run.terminal.say(f"the token {token_id} of {user}, shown this once:")
    run.terminal.result(text)
    return GOOD


def _end(expires: str, now: int) -> int | None:
    if expires == "never":
        return None
    days = re.fullmatch(r"([1-9][0-9]{0,4})d", expires)
    if not days:
        raise SettingsError(f"--expires {expires!r}: write a number of days such as `365d`, or `never`")
    return now + int(days[1]) * 86_400
