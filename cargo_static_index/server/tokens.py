"""Tokens: who may do what. Only hashes are kept, in TOML that people can read.

A token is `csi_ID_SECRET`; 256 bits of the secret are random, so a plain SHA-256 keeps it safe.
"""

import base64
import hashlib
import hmac
import secrets
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import Struct

from cargo_static_index._json import UNREADABLE, write_json
from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import NotHeld, SettingsError, StoreError
from cargo_static_index.server.private import PrivatePlace
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
    """Give the token of an Authorization header: as cargo sends it, `Bearer`, `Token`, or the password of `Basic`."""
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.lower() in {"bearer", "token"}:
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return authorization.strip()


# Files -----------------------------------------------------------------------------------------------------


def parse_tokens(content: bytes, where: str) -> Tokens:
    """Read a file of tokens, or raise SettingsError; a time without an offset is UTC."""
    try:
        tokens = msgspec.convert(tomllib.loads(content.decode()), _File).token
    except (ValueError, msgspec.ValidationError) as error:
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

    def __init__(self, place: PrivatePlace, name: str = TOKENS_FILE) -> None:
        self._place = place
        self._name = name
        self._seen: object = None
        self._tokens: Mapping[str, Token] = {}

    def tokens(self) -> Mapping[str, Token]:
        """Give all tokens by their hashes; raises SettingsError or StoreError."""
        seen = self._place.version(self._name)
        if seen is None or seen != self._seen:
            content = self._place.read(self._name)
            tokens = () if content is None else parse_tokens(content, self._place.describe(self._name))
            self._tokens = {token.hash: token for token in tokens}
            self._seen = seen
        return self._tokens


class TokenFiles:
    """The tokens of several files."""

    def __init__(self, files: Iterable[TokenFile]) -> None:
        self._files = tuple(files)

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


def change_tokens(private: PrivatePlace, change: Callable[[Tokens], Sequence[Token]]) -> None:
    """Change the tokens of a private place; raises StoreError."""

    def changed(content: bytes | None) -> bytes:
        before = parse_tokens(content, private.describe(TOKENS_FILE)) if content is not None else ()
        return format_tokens(change(before)).encode()

    private.change(TOKENS_FILE, changed)


def remove_token(private: PrivatePlace, token_id: str) -> None:
    """Forget a token, or raise NotHeld."""
    change_tokens(private, lambda tokens: [token for token in tokens if token is not _token_of(tokens, token_id)])


def rotate_token(private: PrivatePlace, token_id: str, *, now: int, overlap: int, lasting: int | None) -> str:
    """Make a token that is good for the same as another, which ends `overlap` seconds from now, and give its text.

    It is good for `lasting` seconds, or without an end. Raises NotHeld.
    """
    text, new_id, kept = make_token()

    def rotated(tokens: Tokens) -> list[Token]:
        old = _token_of(tokens, token_id)
        end = utc_time(now + overlap)
        ending = msgspec.structs.replace(old, expires=min(end, old.expires or end))
        expires = None if lasting is None else utc_time(now + lasting)
        new = msgspec.structs.replace(old, id=new_id, hash=kept, created=utc_time(now), expires=expires)
        return [*(ending if token is old else token for token in tokens), new]

    change_tokens(private, rotated)
    return text


def _token_of(tokens: Tokens, token_id: str) -> Token:
    for token in tokens:
        if token.id == token_id:
            return token
    raise NotHeld(f"there is no token {token_id!r}; `token list` shows them")


# Tokens that were exchanged ---------------------------------------------------------------------------------


def note_exchanged(private: PrivatePlace, what: str, *, ends: float, now: int) -> bool:
    """Note that a CI's token was exchanged, which `ends` by itself; False where it was noted before.

    Raises StoreError where what was noted cannot be read: then none can be taken.
    """
    key = hashlib.sha256(what.encode(errors="surrogatepass")).hexdigest()
    is_new = False

    def noted(content: bytes | None) -> bytes:
        nonlocal is_new
        try:
            before = msgspec.json.decode(content, type=dict[str, float]) if content is not None else {}
        except UNREADABLE as error:
            where = private.describe(EXCHANGED_FILE)
            raise StoreError(f"{where}: this does not say which tokens were used: {error}; delete it") from error
        is_new = key not in before
        left = {other: end for other, end in before.items() if end >= now} | ({key: ends} if is_new else {})
        return write_json(left)

    private.change(EXCHANGED_FILE, noted)
    return is_new


# When tokens were used last --------------------------------------------------------------------------------


def read_used(private: PrivatePlace) -> dict[str, str]:
    """Give when tokens were used last, by their ids; what cannot be read counts as nothing."""
    try:
        return _used_in(private.read(USED_FILE))
    except StoreError:
        return {}


def note_used(private: PrivatePlace, used: Mapping[str, str]) -> None:
    """Note when tokens were used; others may do so at the same time."""
    if not used:
        return

    def noted(content: bytes | None) -> bytes:
        before = _used_in(content)
        latest = {token_id: max(when, before.get(token_id, "")) for token_id, when in used.items()}
        return write_json({**before, **latest})

    private.change(USED_FILE, noted)


def _used_in(content: bytes | None) -> dict[str, str]:
    try:
        return msgspec.json.decode(content or b"{}", type=dict[str, str])
    except UNREADABLE:
        return {}
