"""What the commands about tokens do."""

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from cargo_static_index.cli.audit import note
from cargo_static_index.cli.documents import TokenDocument
from cargo_static_index.cli.formats import print_json
from cargo_static_index.cli.options import length_of_time
from cargo_static_index.cli.run import GOOD, Run
from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.server.private import private_place
from cargo_static_index.server.tokens import (
    Token,
    TokenFile,
    change_tokens,
    format_token,
    hash_of,
    make_token,
    parse_scopes,
    read_used,
    remove_token,
    rotate_token,
    utc_time,
)
from cargo_static_index.tree.owners import parse_owner


def create(run: Run, **rights: Any) -> int:
    """Make a token, and print it once."""
    text, token_id, kept = make_token()
    token = _token(run, token_id, kept, **rights)
    change_tokens(private_place(run.settings.publish.private), lambda tokens: (*tokens, token))
    note(run, "create token", [("", "", f"{token_id} for {token.user}")])
    return _print_once(run, f"the token {token_id} of {token.user}", text)


def show_tokens(run: Run, *, as_json: bool) -> int:
    """List the tokens of the private folder."""
    private = private_place(run.settings.publish.private)
    used = read_used(private)
    for token in TokenFile(private).tokens().values():
        document = TokenDocument(
            id=token.id,
            user=token.user,
            team=token.team,
            scopes=token.scopes,
            crates=token.crates,
            created=_written(token.created),
            expires=_written(token.expires),
            used=used.get(token.id),
        )
        if as_json:
            print_json(document)
        else:
            run.terminal.result(_row(document, expired=token.is_expired(run.now)))
    return GOOD


def revoke(run: Run, token_id: str) -> int:
    """Take a token back."""
    remove_token(private_place(run.settings.publish.private), token_id)
    note(run, "revoke token", [("", "", token_id)])
    run.terminal.did("Revoked", token_id)
    return GOOD


def rotate(run: Run, token_id: str, *, overlap: str, expires: str) -> int:
    """Make a token that takes the place of another, and print it once."""
    text = rotate_token(
        private_place(run.settings.publish.private),
        token_id,
        now=run.now,
        overlap=int(length_of_time("--overlap", overlap) or 0),
        lasting=_lasting(expires),
    )
    note(run, "rotate token", [("", "", f"{token_id} to {text.split('_')[1]}")])
    return _print_once(run, f"the token that takes the place of {token_id}", text)


def write_entry(run: Run, **rights: Any) -> int:
    """Print the entry of the token on standard input, or of a new one, which is printed once."""
    text = "" if sys.stdin.isatty() else sys.stdin.read().strip()
    if not text:
        text, token_id, kept = make_token()
        run.terminal.say(f"the token {token_id}, shown this once: {text}")
    elif re.fullmatch(r"[!-~]{32,}", text) is None:
        raise InvalidInput("a token is one word of at least 32 ASCII characters: `openssl rand -hex 32` makes one")
    else:
        kept = hash_of(text)
        token_id = kept.removeprefix("sha256:")[:8]
    token = _token(run, token_id, kept, **rights)
    for line in format_token(token).splitlines():
        run.terminal.result(line)
    return GOOD


def _token(
    run: Run,
    token_id: str,
    kept: str,
    *,
    user: str,
    scopes: Sequence[str],
    crates: Sequence[str],
    team: str | None,
    expires: str,
) -> Token:
    lasting = _lasting(expires)
    return Token(
        id=token_id,
        user=parse_owner(user),
        hash=kept,
        scopes=parse_scopes(_words(scopes)),
        crates=tuple(_words(crates)),
        team=team,
        created=utc_time(run.now),
        expires=None if lasting is None else utc_time(run.now + lasting),
    )


def _words(given: Iterable[str]) -> Iterable[str]:
    return (word for text in given for word in text.split(","))


def _lasting(expires: str) -> int | None:
    return None if expires == "never" else int(length_of_time("--expires", expires) or 0)


def _print_once(run: Run, what: str, text: str) -> int:
    run.terminal.say(f"{what}, shown this once:")
    run.terminal.result(text)
    return GOOD


def _written(when: datetime | None) -> str | None:
    return None if when is None else when.strftime("%Y-%m-%dT%H:%M:%SZ")


def _row(token: TokenDocument, *, expired: bool) -> str:
    parts = [
        token.user + (f" for team:{token.team}" if token.team else ""),
        ",".join(token.scopes),
        f"crates {','.join(token.crates)}" if token.crates else "all crates",
        f"{'expired' if expired else 'until'} {token.expires}" if token.expires else "for ever",
        f"used {token.used}" if token.used else "never used",
    ]
    return f"{token.id}  {'; '.join(parts)}"
