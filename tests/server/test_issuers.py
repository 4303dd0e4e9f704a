"""Tokens that issuers sign: which hold, which do not, and when keys are asked for."""

import base64
import hmac
import json
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.server.issuers import (
    FETCH_BYTES,
    KEYS_LAST,
    LEEWAY,
    PAUSE,
    Issuer,
    IssuerLost,
    Verified,
    fetch,
    issuer_of,
    verify,
)
from tests.server.issuer import AUDIENCE, EC, OTHER, RSA, FakeIssuer, public_keys, served_issuer, signed

NOW = 1_767_225_600


@pytest.fixture
def fake() -> FakeIssuer:
    return FakeIssuer(clock=lambda: NOW)


def verified(fake: FakeIssuer, text: str, now: int = NOW) -> Verified:
    return verify(text, Issuer(fake.url, fake.fetch), AUDIENCE, now)


def test_a_token_that_its_issuer_has_signed_holds(fake: FakeIssuer) -> None:
    claims = fake.github()
    found = verified(fake, signed(claims))
    assert (found.id, found.ends) == (claims["jti"], claims["exp"] + LEEWAY)
    assert found.claims["repository"] == "acme/crates"
    assert issuer_of(signed(claims)) == fake.url
    assert verified(fake, signed(fake.gitlab(), key=EC, kid="ec", algorithm="ES256")).claims["runner_id"] == "1"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"aud": "crates.io"}, "this token is for 'crates.io', and not for 'crates.example.com'"),
        ({"aud": [AUDIENCE, "crates.io"]}, "this token is for 'crates.example.com', 'crates.io'"),
        ({"aud": f"https://{AUDIENCE}"}, "this token is for 'https://"),
        ({"iss": "https://token.actions.githubusercontent.com"}, "this token is from"),
        ({"exp": NOW - LEEWAY - 1}, "this token has ended"),
        ({"nbf": NOW + LEEWAY + 2}, "this token is not good yet"),
        ({"iat": NOW + LEEWAY + 2}, "this token is not good yet"),
        ({"jti": ""}, "no `jti`"),
        ({"jti": None}, "does not hold"),
        ({"exp": "soon"}, "does not hold"),
    ],
)
def test_a_signed_token_that_is_not_for_us_now_is_refused(fake: FakeIssuer, changed: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        verified(fake, signed(fake.github(**changed)))


@pytest.mark.parametrize("missing", ["iss", "aud", "exp", "iat", "jti"])
def test_a_token_that_does_not_say_all_is_refused(fake: FakeIssuer, missing: str) -> None:
    claims = fake.github()
    del claims[missing]
    with pytest.raises(InvalidInput, match=missing):
        verified(fake, signed(claims))


def test_clocks_may_differ_by_a_minute(fake: FakeIssuer) -> None:
    late, early = fake.github(exp=NOW - LEEWAY), fake.github(iat=NOW + LEEWAY, nbf=NOW + LEEWAY)
    assert verified(fake, signed(late)).id == late["jti"]
    assert verified(fake, signed(early)).id == early["jti"]


def test_a_token_without_a_signature_is_refused(fake: FakeIssuer) -> None:
    none = signed(fake.github(), key=None, algorithm="none")
    with pytest.raises(InvalidInput, match="signed with 'none', which proves nothing"):
        verified(fake, none)
    head, body, _ = signed(fake.github()).split(".")
    with pytest.raises(InvalidInput, match="Signature verification failed"):
        verified(fake, f"{head}.{body}.")


def test_a_public_key_is_no_secret_to_sign_with(fake: FakeIssuer) -> None:
    public = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    body = ".".join(map(_part, ({"alg": "HS256", "kid": "rsa", "typ": "JWT"}, fake.github())))
    signature = base64.urlsafe_b64encode(hmac.digest(public, body.encode(), sha256)).rstrip(b"=").decode()
    with pytest.raises(InvalidInput, match="signed with 'HS256', which proves nothing"):
        verified(fake, f"{body}.{signature}")


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_key_signs_with_its_own_algorithm_alone(fake: FakeIssuer) -> None:
    with pytest.raises(InvalidInput, match="does not hold"):
        verified(fake, signed(fake.github(), algorithm="PS256"))  # the key says RS256
    with pytest.raises(InvalidInput, match="has no key 'secret'"):
        verified(fake, signed(fake.github(), kid="secret"))


def test_a_key_that_the_issuer_does_not_have_is_refused(fake: FakeIssuer) -> None:
    with pytest.raises(InvalidInput, match="Signature verification failed"):
        verified(fake, signed(fake.github(), key=OTHER))
    with pytest.raises(InvalidInput, match="has no key 'other'"):
        verified(fake, signed(fake.github(), key=OTHER, kid="other"))
    with pytest.raises(InvalidInput, match="does not say which key"):
        verified(fake, signed(fake.github(), kid=None))


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "e30.e30.", "\udc80.\udc80.x", "." * 1000])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="this is no token"):
        issuer_of(text)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_keys_are_kept_and_asked_for_anew_now_and_then(fake: FakeIssuer) -> None:
    clock = Clock()
    issuer = Issuer(fake.url, fake.fetch, clock)
    for _ in range(3):
        issuer.key("rsa")
    assert fake.asked == ["/.well-known/openid-configuration", "/keys"]
    clock.now += KEYS_LAST
    issuer.key("rsa")
    assert len(fake.asked) == 4


def test_unknown_keys_ask_the_issuer_once_in_a_while_at_most(fake: FakeIssuer) -> None:
    clock = Clock()
    issuer = Issuer(fake.url, fake.fetch, clock)
    issuer.key("rsa")
    for number in range(20):
        with pytest.raises(InvalidInput, match="has no key"):
            issuer.key(f"made up {number}")
    assert len(fake.asked) == 2
    fake.keys = [{**public_keys()[0], "kid": "new"}]
    clock.now += PAUSE
    assert issuer.key("new").key_id == "new"
    with pytest.raises(InvalidInput, match="has no key 'rsa'"):  # taken back by the issuer
        issuer.key("rsa")


def test_a_lost_issuer_is_asked_again_after_a_pause(fake: FakeIssuer) -> None:
    clock = Clock()
    issuer = Issuer(fake.url, fake.fetch, clock)
    fake.is_lost = True
    for _ in range(5):
        with pytest.raises(IssuerLost, match="the network is down; try again in a minute"):
            issuer.key("rsa")
    assert len(fake.asked) == 1
    fake.is_lost = False
    clock.now += PAUSE
    issuer.key("rsa")
    fake.is_lost = True
    issuer.key("rsa")  # known for an hour
    clock.now += KEYS_LAST
    with pytest.raises(IssuerLost):
        issuer.key("rsa")


def test_an_issuer_that_says_it_is_another_is_not_believed(fake: FakeIssuer) -> None:
    issuer = Issuer("http://127.0.0.1:2", lambda _: fake.fetch("/.well-known/openid-configuration"))
    with pytest.raises(IssuerLost, match=r"is of 'http://127\.0\.0\.1:1'"):
        issuer.key("rsa")


def test_documents_come_by_https_and_whole_alone() -> None:
    with pytest.raises(ValueError, match="no https URL"):
        fetch("http://issuer.example/keys")
    with pytest.raises(ValueError, match="no https URL"):
        fetch("file:///etc/passwd")
    with served_issuer() as issuer:
        assert json.loads(fetch(f"{issuer.url}/keys")) == {"keys": public_keys()}
        issuer.keys = [{"kid": "x" * FETCH_BYTES}]
        with pytest.raises(ValueError, match=f"more than {FETCH_BYTES} bytes"):
            fetch(f"{issuer.url}/keys")
