"""The commands about tokens: who may publish, and what."""

from collections.abc import Callable
from typing import Any, Final

import click

from cargo_static_index.cli.command import command
from cargo_static_index.cli.options import argument, json_lines
from cargo_static_index.cli.run import Run

_token_id = argument("token_id", metavar="ID", says="The token's id, as `token list` shows it.")
_expires = click.option(
    "--expires", metavar="TIME|never", default="365d", show_default=True, help="How long it is good for."
)

_RIGHTS: Final = (
    click.option("--user", metavar="USER", required=True, help="Who it is for."),
    click.option(
        "--scope",
        "scopes",
        metavar="SCOPE,...",
        multiple=True,
        help="What it is good for, of publish-new, publish-update, yank, owners and read; without it, everything.",
    ),
    click.option(
        "--crates", metavar="PATTERN,...", multiple=True, help="Only for crates of these names, such as `team-*`."
    ),
    click.option("--team", metavar="TEAM", help="The team that it acts for: what it publishes first is the team's."),
    _expires,
)


def _rights(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options that say what a token is good for."""
    for option in reversed(_RIGHTS):
        function = option(function)
    return function


@command(
    ["publish.private"],
    examples=(
        "token create --user alice",
        "token create --user ci --team tools --crates 'tools-*' --scope publish-new,publish-update",
    ),
)
@_rights
def token_create_command(run: Run, **rights: Any) -> int:
    """Make a token, and print it once: only a hash is kept."""
    from cargo_static_index.cli.tokens import create

    return create(run, **rights)


@command(["publish.private"], examples=("token list", "token list --json"))
@json_lines
def token_list_command(run: Run, *, as_json: bool) -> int:
    """List the tokens of the private folder: whose they are, what they are good for, and when they were used last."""
    from cargo_static_index.cli.tokens import show_tokens

    return show_tokens(run, as_json=as_json)


@command(["publish.private"], examples=("token revoke 1a2b3c4d",))
@_token_id
def token_revoke_command(run: Run, *, token_id: str) -> int:
    """Take a token back: from now on it is unknown."""
    from cargo_static_index.cli.tokens import revoke

    return revoke(run, token_id)


@command(["publish.private"], examples=("token rotate 1a2b3c4d --overlap 24h",))
@_token_id
@click.option("--overlap", metavar="TIME", default="24h", show_default=True, help="How long the old one goes on.")
@_expires
def token_rotate_command(run: Run, *, token_id: str, overlap: str, expires: str) -> int:
    """Make a token that is good for the same as another one, which ends soon, and print it once."""
    from cargo_static_index.cli.tokens import rotate

    return rotate(run, token_id, overlap=overlap, expires=expires)


@command([], examples=("token hash --user ci --scope publish-update < token >> tokens.toml",))
@_rights
def token_hash_command(run: Run, **rights: Any) -> int:
    """Print the entry of a token for a file of tokens (`--tokens-file`).

    The token is what stands on standard input, a long random text, or else a new one, which is shown once.
    """
    from cargo_static_index.cli.tokens import write_entry

    return write_entry(run, **rights)
