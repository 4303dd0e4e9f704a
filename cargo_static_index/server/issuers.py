"""OpenID Connect, as far as trusted publishing needs it: the keys of an issuer, and what a token signed by one claims.

OpenID Connect Discovery 1.0; RFC 7515, 7517, 7519. A token's own words (`jku`, `x5u`, `jwk`) lead nowhere: the issuer
stands in the settings, its keys come from where it says over https, and a key says itself what it signs with.
"""

import time
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from threading import Lock
from typing import Any, Final

import jwt
import msgspec
from msgspec import Struct

from cargo_static_index._version import __version__
from cargo_static_index.diagnostics.errors import InvalidInput, StoreError
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.settings.trusted import is_safe

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a private key. Not `none`, and no HS256, for which a public key would do as the secret."""

LEEWAY: Final = 60
"""Seconds by which clocks may differ; crates.io takes as many."""

KEYS_LAST: Final = 3600.0
"""Seconds after which keys are fetched anew."""

PAUSE: Final = 30.0
"""Seconds before an issuer is asked again that could not answer, or did not know a key."""

FETCH_SECONDS: Final = 10.0
FETCH_BYTES: Final = 256 * 1024
"""GitHub's keys have 6 KB."""


class IssuerLost(StoreError):
    """An issuer that does not answer as it should; whoever asks may try again."""


Fetch = Callable[[str], bytes]


class _Discovery(Struct, frozen=True):
    issuer: str
    jwks_uri: str


class _KeySet(Struct, frozen=True):
    keys: tuple[dict[str, object], ...]


class Issuer:
    """An issuer and its keys, which are kept for an hour; `ticks` gives seconds of a clock that never jumps."""

    def __init__(self, url: str, fetch: Fetch, ticks: Callable[[], float] = time.monotonic) -> None:
        self.url = url
        self._fetch = fetch
        self._ticks = ticks
        self._lock = Lock()
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fresh_until = 0.0
        self._ask_from = 0.0
        self._lost = ""

    def key(self, key_id: str) -> jwt.PyJWK:
        """Give the key of this id; raises InvalidInput where there is none, IssuerLost where that cannot be told."""
        with self._lock:
            now = self._ticks()
            if now >= self._ask_from and (now >= self._fresh_until or key_id not in self._keys):
                self._ask(now)
            if key_id in self._keys and now < self._fresh_until:
                return self._keys[key_id]
            if self._lost:
                raise IssuerLost(self._lost)
            raise InvalidInput(f"{self.url} has no key {escape(key_id)!r}")

    def _ask(self, now: float) -> None:
        self._ask_from = now + PAUSE
        try:
            self._keys = self._fetched()
        except (OSError, HTTPException, msgspec.MsgspecError, ValueError) as error:
            self._lost = f"{self.url} does not say which keys it has: {escape(str(error))}; try again in a minute"
        else:
            self._lost, self._fresh_until = "", now + KEYS_LAST

    def _fetched(self) -> Mapping[str, jwt.PyJWK]:
        where = f"{self.url.rstrip('/')}/.well-known/openid-configuration"
        found = msgspec.json.decode(self._fetch(where), type=_Discovery)
        if found.issuer != self.url:
            raise ValueError(f"{where} is of {found.issuer!r}")
        key_set = msgspec.json.decode(self._fetch(found.jwks_uri), type=_KeySet)
        return {str(entry["kid"]): key for entry in key_set.keys if "kid" in entry and (key := _key_of(entry))}


def _key_of(data: dict[str, object]) -> jwt.PyJWK | None:
    """Read a key; those of kinds that are not known here are left out, as RFC 7517 (5) asks."""
    if data.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK(data)
    except jwt.PyJWTError:
        return None
    return key if key.algorithm_name in ALGORITHMS else None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: an issuer says itself where its keys are."""

    def redirect_request(self, *_: Any) -> None:
        return None


def fetch(url: str) -> bytes:
    """Get a document of an issuer within FETCH_SECONDS and FETCH_BYTES; raises OSError, HTTPException or ValueError."""
    if not is_safe(url):
        raise ValueError(f"{url!r} is no https URL")
    end = time.monotonic() + FETCH_SECONDS
    request = urllib.request.Request(url, headers={"User-Agent": f"cargo-static-index/{__version__}"})  # noqa: S310
    content = bytearray()
    with urllib.request.build_opener(_NoRedirect).open(request, timeout=FETCH_SECONDS / 2) as answer:
        while chunk := answer.read1(FETCH_BYTES):
            content += chunk
            if len(content) > FETCH_BYTES:
                raise ValueError(f"{url} gives more than {FETCH_BYTES} bytes")
            if time.monotonic() > end:
                raise TimeoutError(f"{url} takes longer than {FETCH_SECONDS:.0f} seconds")
    return bytes(content)


# Tokens ----------------------------------------------------------------------------------------------------

_UNREADABLE: Final = (jwt.PyJWTError, msgspec.MsgspecError, ValueError, RecursionError)
_jws = jwt.PyJWS(options={"enforce_minimum_key_length": True})


class _Claims(Struct, frozen=True):
    """What every token must claim (RFC 7519, 4.1); times are seconds since 1970."""

    iss: str
    aud: str | tuple[str, ...]
    exp: float
    iat: float
    jti: str
    nbf: float = 0.0


class Verified(Struct, frozen=True):
    """A token that its issuer has signed, for us, and that is good now."""

    id: str
    ends: float
    """Until when it could be used again, in seconds since 1970."""
    claims: dict[str, str]
    """All claims that are a text, a number or a truth."""


def issuer_of(text: str) -> str:
    """Give who a token says it is from, which nothing has proven yet, or raise InvalidInput."""
    try:
        payload = _jws.decode_complete(text, options={"verify_signature": False})["payload"]
        return msgspec.json.decode(payload, type=_Claims).iss
    except _UNREADABLE as error:
        raise InvalidInput(f"this is no token of OpenID Connect: {escape(str(error))}") from error


def verify(text: str, issuer: Issuer, audience: str, now: int) -> Verified:
    """Verify a token, or raise InvalidInput with the reason against it; IssuerLost where its keys are not known."""
    header = _jws.get_unverified_header(text)
    key_id, algorithm = header.get("kid"), header.get("alg")
    if algorithm not in ALGORITHMS:
        raise InvalidInput(f"this token is signed with {escape(str(algorithm))!r}, which proves nothing here")
    if not isinstance(key_id, str):
        raise InvalidInput("this token does not say which key it is signed with")
    key = issuer.key(key_id)
    try:
        signed = _jws.decode_complete(text, key, algorithms=list(ALGORITHMS))["payload"]
        times = msgspec.json.decode(signed, type=_Claims)
        claims = msgspec.json.decode(signed, type=dict[str, object])
    except _UNREADABLE as error:
        raise InvalidInput(f"this token does not hold: {escape(str(error))}") from error
    _check(times, issuer.url, audience, now)
    texts = {name: shown for name, value in claims.items() if (shown := _text_of(value)) is not None}
    return Verified(times.jti, times.exp + LEEWAY, texts)


def _check(times: _Claims, issuer: str, audience: str, now: int) -> None:
    if times.iss != issuer:
        raise InvalidInput(f"this token is from {escape(times.iss)!r}, and not from {issuer!r}")
    # Attack: who gets a token that is for two registries could use it at the other one.
    if times.aud not in {audience, (audience,)}:
        raise InvalidInput(f"this token is for {_named(times.aud)}, and not for {audience!r}; ask for that audience")
    if now > times.exp + LEEWAY:
        raise InvalidInput("this token has ended; ask for it right before it is used")
    if now < max(times.nbf, times.iat) - LEEWAY:
        raise InvalidInput("this token is not good yet; one of the two clocks is wrong")
    if not times.jti:
        raise InvalidInput("this token has no `jti`")


def _named(audience: str | tuple[str, ...]) -> str:
    return escape(", ".join(map(repr, (audience,) if isinstance(audience, str) else audience)))


def _text_of(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int) else None
