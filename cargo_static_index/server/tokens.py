"""Tokens: who may do what. Only hashes are kept, in TOML that people can read.

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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import NotHeld, SettingsError, StoreError
from cargo_static_index.settings.template import toml_value
from cargo_static_index.settings.trusted import SCOPES, TokenScope
from cargo_static_index.tree.owners import TEAM

PREFIX: Final = "csi_"
TOKENS_FILE: Final = "tokens.toml"
EXCHANGED_FILE: Final = "tokens-exchanged.json"
USED_FILE: Final = "tokens-used.json"

Tokens = tuple["Token", ...]


class Token(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is known of a token; `hash` is the SHA-256 of its whole text."""

    id: str
    user: str
    hash: str
    scopes: tuple[TokenScope, ...] = SCOPES
    crates: tuple[str, ...] = ()
    """Patterns of names that it is good for; none mean all."""
    team: str | None = None
    """The team that it acts for: what it publishes first belongs to the team, in place of its user."""
    owner: str | None = None
    """Who owns what it publishes first, in place of its user or team."""
    created: datetime | None = None
    expires: datetime | None = None
    claims: dict[str, str] = {}
    """What the CI's token claimed that it was exchanged for; of a token that a person holds, nothing."""

    @property
    def is_trusted(self) -> bool:
        """Whether it is of trusted publishing: a rule of the settings says which crates it may change."""
        return bool(self.claims)

    @property
    def first_owner(self) -> str:
        """Who owns what it publishes first."""
        return self.owner or (f"{TEAM}{self.team}" if self.team else self.user)

    def is_expired(self, now: int) -> bool:
        """Whether it is good no more."""
        return self.expires is not None and self.expires.timestamp() <= now


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    token: Tokens = ()


def utc_time(seconds: int) -> datetime:
    """Give seconds since 1970 as a file of tokens writes them."""
    return datetime.fromtimestamp(seconds, UTC)


def parse_scopes(names: Iterable[str]) -> tuple[TokenScope, ...]:
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


def is_token(text: str) -> bool:
    """Whether a text could be one of our tokens, good or not."""
    return _TOKEN.fullmatch(text) is not None


_TOKEN = pattern(f"{PREFIX}[0-9a-f]{{8}}_[0-9a-f]{{64}}")


def hash_of(text: str) -> str:
    """Give what is kept of a token."""
    return f"sha256:{hashlib.sha256(text.encode(errors='surrogateescape')).hexdigest()}"


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


# Files -----------------------------------------------------------------------------------------------------


def parse_tokens(text: str, where: str) -> Tokens:
    """Read a file of tokens, or raise SettingsError; a time without an offset is UTC."""
    try:
        tokens = msgspec.convert(tomllib.loads(text), _File).token
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{where}: this is no file of tokens: {error}") from error
    return tuple(map(_in_utc, tokens))


def _in_utc(token: Token) -> Token:
    if token.expires is None or token.expires.tzinfo is not None:
        return token
    return msgspec.structs.replace(token, expires=token.expires.replace(tzinfo=UTC))


def format_tokens(tokens: Sequence[Token]) -> str:
    """Write a file of tokens."""
    return "\n".join(map(format_token, tokens))


def format_token(token: Token) -> str:
    """Write one token as a file of tokens has it."""
    rows = msgspec.to_builtins(token, builtin_types=(datetime,))
    return "[[token]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in rows.items())


def _toml(value: object) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else toml_value(value)


class TokenFile:
    """The tokens of one file, read again whenever it has changed; a file that is not there has none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, ...] | None = None
        self._tokens: Mapping[str, Token] = {}

    def tokens(self) -> Mapping[str, Token]:
        """Give all tokens by their hashes; raises SettingsError or StoreError."""
        try:
            found = self._path.stat()
            seen = (found.st_ino, found.st_mtime_ns, found.st_size)
            if seen != self._seen:
                tokens = parse_tokens(self._path.read_text(encoding="utf-8"), str(self._path))
                self._tokens, self._seen = {token.hash: token for token in tokens}, seen
        except FileNotFoundError:
            self._tokens, self._seen = {}, None
        except OSError as error:
            raise StoreError(f"{self._path}: the tokens cannot be read: {error.strerror}") from error
        return self._tokens


class TokenFiles:
    """The tokens of several files."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._files = tuple(map(TokenFile, paths))

    def find(self, text: str) -> Token | None:
        """Give the token of this text, or None."""
        wanted = hash_of(text)
        for file in self._files:
            token = file.tokens().get(wanted)
            if token and hmac.compare_digest(token.hash, wanted):
                return token
        return None

    def all(self) -> list[Token]:
        """Give all tokens."""
        return [token for file in self._files for token in file.tokens().values()]


def change_tokens(private: Path, change: Callable[[Tokens], Sequence[Token]]) -> None:
    """Change the tokens of a private folder, made if missing, for its owner alone; raises StoreError."""
    path = private / TOKENS_FILE
    with private_folder(private):
        before = parse_tokens(path.read_text(encoding="utf-8"), str(path)) if path.exists() else ()
        _replace(path, format_tokens(change(before)))


def remove_token(private: Path, token_id: str) -> None:
    """Forget a token, or raise NotHeld."""
    change_tokens(private, lambda tokens: [token for token in tokens if token is not _held(tokens, token_id)])


def rotate_token(private: Path, token_id: str, *, now: int, overlap: int, lasting: int | None) -> str:
    """Make a token that is good for the same as another, which ends `overlap` seconds from now, and give its text.

    It is good for `lasting` seconds, or without an end. Raises NotHeld.
    """
    text, new_id, kept = make_token()

    def rotated(tokens: Tokens) -> list[Token]:
        old = _held(tokens, token_id)
        end = utc_time(now + overlap)
        ending = msgspec.structs.replace(old, expires=min(end, old.expires or end))
        expires = None if lasting is None else utc_time(now + lasting)
        new = msgspec.structs.replace(old, id=new_id, hash=kept, created=utc_time(now), expires=expires)
        return [*(ending if token is old else token for token in tokens), new]

    change_tokens(private, rotated)
    return text


def _held(tokens: Tokens, token_id: str) -> Token:
    for token in tokens:
        if token.id == token_id:
            return token
    raise NotHeld(f"there is no token {token_id!r}; `token list` shows them")


@contextmanager
def private_folder(private: Path) -> Iterator[None]:
    """Make the private folder where it is missing, for its owner alone, and keep other writers out of it."""
    try:
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(private, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StoreError(f"the private folder {str(private)!r} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    except OSError as error:
        raise StoreError(f"the private folder {str(private)!r} cannot be written: {error.strerror}") from error
    finally:
        os.close(descriptor)


def _replace(path: Path, text: str) -> None:
    """Replace a file of the private folder as a whole."""
    new = path.with_name(f".{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    new.replace(path)


# Tokens that were exchanged ---------------------------------------------------------------------------------


def note_exchanged(private: Path, what: str, *, ends: float, now: int) -> bool:
    """Note that a CI's token was exchanged, which `ends` by itself; False where it was noted before.

    Raises StoreError where what was noted cannot be read: then none can be taken.
    """
    key = hashlib.sha256(what.encode(errors="surrogatepass")).hexdigest()
    path = private / EXCHANGED_FILE
    with private_folder(private):
        try:
            before = msgspec.json.decode(path.read_bytes(), type=dict[str, float]) if path.exists() else {}
        except msgspec.MsgspecError as error:
            raise StoreError(f"{path}: this does not say which tokens were used: {error}; delete it") from error
        if key in before:
            return False
        left = {each: end for each, end in before.items() if end >= now}
        _replace(path, json.dumps({**left, key: ends}, indent=2) + "\n")
    return True


# When tokens were used last --------------------------------------------------------------------------------


def read_used(private: Path) -> dict[str, str]:
    """Give when tokens were used last, by their ids; what cannot be read counts as nothing."""
    try:
        return msgspec.json.decode((private / USED_FILE).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError):
        return {}


def note_used(private: Path, used: Mapping[str, str]) -> None:
    """Note when tokens were used; others may do so at the same time."""
    if not used:
        return
    with private_folder(private):
        before = read_used(private)
        latest = {token_id: max(when, before.get(token_id, "")) for token_id, when in used.items()}
        _replace(private / USED_FILE, json.dumps({**before, **latest}, indent=2) + "\n")
