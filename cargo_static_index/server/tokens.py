"""Tokens: who may do what. Only hashes are kept, in TOML that people can read, in the private folder.

A token is `csi_ID_SECRET`; 256 bits of the secret are random, so a plain SHA-256 keeps it safe.
"""

import base64
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Literal, get_args

import msgspec
from msgspec import Struct

from cargo_static_index.diagnostics.errors import SettingsError

PREFIX: Final = "csi_"
FILE: Final = "tokens.toml"

Scope = Literal["publish-new", "publish-update", "yank", "owners", "read"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)


class Token(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a token; `hash` is the SHA-256 of its whole text, times are seconds since 1970."""

    id: str
    user: str
    hash: str
    scopes: tuple[Scope, ...] = SCOPES
    crates: tuple[str, ...] = ()
    """Patterns of names that it is good for; none mean all."""
    team: str | None = None
    """The team that owns what this token publishes first, in place of its user."""
    created: int = 0
    expires: int | None = None

    def may(self, scope: Scope, name: str | None = None) -> bool:
        """Whether the token is good for something, and for a crate where one is named."""
        return scope in self.scopes and (
            name is None or not self.crates or any(fnmatchcase(name, pattern) for pattern in self.crates)
        )


class _File(Struct, frozen=True):
    token: tuple[Token, ...] = ()


def parse_scopes(names: Iterable[str]) -> tuple[Scope, ...]:
    """Read scopes, or raise SettingsError; none mean all."""
    names = tuple(names)
    for name in names:
        if name not in SCOPES:
            raise SettingsError(f"{name!r} is no scope; there are {', '.join(SCOPES)}")
    return tuple(scope for scope in SCOPES if not names or scope in names)


def make_token() -> tuple[str, str, str]:
    """Make a token, and give its text, its id and its hash."""
    token_id = secrets.token_hex(4)
    text = f"{PREFIX}{token_id}_{secrets.token_hex(32)}"
    return text, token_id, hash_of(text)


def hash_of(text: str) -> str:
    """Give what is kept of a token."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def given_token(authorization: str) -> str:
    """Give the token of an Authorization header: as cargo sends it, `Bearer`, or the password of `Basic`."""
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return authorization.strip()


def parse_tokens(text: str, where: str) -> tuple[Token, ...]:
    """Read a file of tokens, or raise SettingsError."""
    try:
        return msgspec.convert(tomllib.loads(text), _File).token
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{where}: this is no file of tokens: {error}") from error


def format_tokens(tokens: Sequence[Token]) -> str:
    """Write a file of tokens."""
    return "\n".join(map(format_token, tokens))


def format_token(token: Token) -> str:
    """Write one token as a file of tokens has it; JSON's strings, numbers and lists of strings are TOML's."""
    rows = (f"{key} = {json.dumps(value)}\n" for key, value in msgspec.to_builtins(token).items())
    return f"[[token]]\n{''.join(rows)}"


class TokenFile:
    """The tokens of one file, read again whenever it has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, ...] = ()
        self._tokens: dict[str, Token] = {}

    def find(self, text: str) -> Token | None:
        """Give the token of this text, or None."""
        token = self.tokens().get(text.removeprefix(PREFIX).partition("_")[0])
        return token if token and hmac.compare_digest(token.hash, hash_of(text)) else None

    def tokens(self) -> dict[str, Token]:
        """Give all tokens by id; none where there is no file."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return {}
        seen = (found.st_ino, found.st_mtime_ns, found.st_size)
        if seen != self._seen:
            tokens = parse_tokens(self.path.read_text(encoding="utf-8"), str(self.path))
            self._tokens, self._seen = {token.id: token for token in tokens}, seen
        return self._tokens


def change_tokens(private: Path, change: Callable[[tuple[Token, ...]], Sequence[Token]]) -> None:
    """Change the tokens of a private folder, made if missing, for its owner alone."""
    private.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = private / FILE
    with _locked(private):
        before = parse_tokens(path.read_text(encoding="utf-8"), str(path)) if path.exists() else ()
        new = private / f".{FILE}.new"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(format_tokens(change(before)))
            file.flush()
            os.fsync(descriptor)
        new.replace(path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
