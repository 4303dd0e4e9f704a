"""Trusted publishing: a job of a CI exchanges the token that its CI has signed for one of 30 minutes.

The routes are crates.io's (`/api/v1/trusted_publishing/tokens`), so that what is made for it works here.
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cargo_static_index._json import UNREADABLE
from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.server.answers import RequestRefused, json_answer, read_body
from cargo_static_index.server.audit import AuditEntry, AuditFile, now_written
from cargo_static_index.server.auth import Gate
from cargo_static_index.server.documents import JobToken, TrustedToken
from cargo_static_index.server.issuers import Fetch, Issuer, fetch, issuer_of, verify
from cargo_static_index.server.private import private_place
from cargo_static_index.server.tokens import (
    Token,
    change_tokens,
    given_token,
    is_token,
    make_token,
    note_exchanged,
    utc_time,
)
from cargo_static_index.settings import Settings
from cargo_static_index.settings.trusted import NAMED, Claims, TrustedRule

LASTS: Final = 30 * 60
"""Seconds that a token is good for; crates.io's last as long."""

BODY_BYTES: Final = 64 * 1024
"""A token of GitHub's has 2 KB, one of GitLab's as many."""

FOREIGN_EVENTS: Final = frozenset({"pull_request_target", "workflow_run"})
"""GitHub's events that strangers cause, with the rights of the repository; crates.io refuses them too."""

KEPT: Final = tuple(("sub actor run_id sha event_name user_login pipeline_id job_id pipeline_source").split())
"""Claims that are kept beside those that the rule asks for, where a token has them."""


class TrustedPublishing:
    """The two routes; `get` fetches the documents of issuers."""

    def __init__(self, settings: Settings, gate: Gate, get: Fetch = fetch) -> None:
        self._gate = gate
        self._private = private_place(settings.publish.private)
        self._audit = AuditFile(self._private)
        self._rules = settings.publish.trusted
        self._audience = audience_of(settings.publish.url or "")
        self._issuers = {rule.issuer: Issuer(rule.issuer, get) for rule in self._rules}
        # One exchange at a time for each issuer: one that is slow to answer keeps no more than one thread.
        self._turns = {url: asyncio.Lock() for url in self._issuers}

    def routes(self) -> list[Route]:
        """Give the routes."""
        path = "/api/v1/trusted_publishing/tokens"
        return [Route(path, self.tokens, methods=["POST", "DELETE"]), Route(path, self.unread)]

    async def tokens(self, request: Request) -> Response:
        """Give a token, or end it; one route, so that `Allow` names both methods."""
        return await (self.exchange if request.method == "POST" else self.revoke)(request)

    async def unread(self, _: Request) -> Response:
        """Say that nothing is read here, which would be a 404 otherwise."""
        allowed = {"Allow": "POST, DELETE"}
        raise RequestRefused(HTTPStatus.METHOD_NOT_ALLOWED, "tokens are made here, and not shown", headers=allowed)

    async def exchange(self, request: Request) -> Response:
        """Give a token for one that a CI has signed, where a rule says so (crates.io: "Trusted Publishing")."""
        text = await _jwt_in(request)
        issuer = self._issuers.get(url := issuer_of(text))
        if issuer is None:
            raise InvalidInput(f"no rule of this registry trusts {escape(url)!r}")
        async with self._turns[url]:
            token = await run_in_threadpool(self._exchanged, text, issuer, self._gate.client(request))
        return json_answer(TrustedToken(token))

    def _exchanged(self, text: str, issuer: Issuer, client: str) -> str:
        now = self._gate.clock()
        verified = verify(text, issuer, self._audience, now)
        claims = named_claims(verified.claims)
        rule = self._rule_for(issuer.url, claims)
        if not note_exchanged(self._private, f"{issuer.url} {verified.id}", ends=verified.ends, now=now):
            raise InvalidInput("this token was used before; each is good for one exchange")
        secret, token = _token(rule, claims, now)
        change_tokens(
            self._private,
            lambda tokens: (*(other for other in tokens if not (other.is_trusted and other.is_expired(now))), token),
        )
        self._note(token, "exchange", client, about=", ".join(token.crates))
        return secret

    def _rule_for(self, issuer: str, claims: Claims) -> TrustedRule:
        event = claims.get("event_name")
        if event in FOREIGN_EVENTS:
            raise RequestRefused(
                HTTPStatus.BAD_REQUEST, f"jobs of the event {event} may not publish: strangers can cause it"
            )
        for rule in self._rules:
            if rule.issuer == issuer and rule.matches(claims):
                return rule
        said = ", ".join(f"{name} {escape(claims[name])!r}" for name in NAMED if name in claims)
        raise RequestRefused(
            HTTPStatus.BAD_REQUEST, f"no rule of this registry is for this job: its token says {said or '-'}"
        )

    async def revoke(self, request: Request) -> Response:
        """End a token of trusted publishing; one that has ended, or never was, is no more afterwards either."""
        text = given_token(request.headers.get("Authorization", ""))
        if not is_token(text):
            raise RequestRefused(HTTPStatus.UNAUTHORIZED, "this needs the token that is to end")
        await run_in_threadpool(self._revoke, text, self._gate.client(request))
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Cache-Control": "no-store"})

    def _revoke(self, text: str, client: str) -> None:
        token = self._gate.find(text)
        if token is None:
            return
        if not token.is_trusted:
            raise RequestRefused(
                HTTPStatus.FORBIDDEN,
                f"{token.id} is no token of trusted publishing; `cargo-static-index token revoke` ends it",
            )
        change_tokens(self._private, lambda tokens: [other for other in tokens if other.id != token.id])
        self._note(token, "revoke", client)

    def _note(self, token: Token, action: str, client: str, about: str = "") -> None:
        entry = AuditEntry(
            time=now_written(self._gate.clock()),
            user=token.user,
            token=token.id,
            action=action,
            about=about,
            client=client,
            claims=token.claims,
        )
        self._audit.append(entry)


def audience_of(url: str) -> str:
    """Give what tokens for a registry must name as their audience: as the official action, its URL without a scheme."""
    return url.partition("://")[2].rstrip("/")


async def _jwt_in(request: Request) -> str:
    try:
        return msgspec.json.decode(await read_body(request, BODY_BYTES), type=JobToken).jwt
    except UNREADABLE as error:
        raise InvalidInput(f'the body is not {{"jwt": "…"}}: {escape(str(error))}') from error


def named_claims(claims: Claims) -> dict[str, str]:
    """Give claims with what a rule may ask for by one name, however the CI calls it, in place of claims of that name.

    GitHub: "OpenID Connect reference"; GitLab: "ID token authentication", token payload.
    """
    if "repository" in claims:
        named = _of_github(claims)
    elif "project_path" in claims:
        named = _of_gitlab(claims)
    else:
        return dict(claims)
    return {**{name: text for name, text in claims.items() if name not in NAMED}, **named}


def _of_github(claims: Claims) -> Mapping[str, str]:
    # Not `workflow`, which is a title that anybody may give to their file.
    folder = f"{claims['repository']}/.github/workflows/"
    file = _file_of(claims.get("workflow_ref", ""), folder)
    return {"repository": claims["repository"], **file, **_those(claims, environment="environment", ref="ref")}


def _of_gitlab(claims: Claims) -> Mapping[str, str]:
    # `ref` alone does not tell a branch from a tag of the same name.
    uri = claims.get("ci_config_ref_uri", "")
    file = _file_of(uri, f"{uri.partition('//')[0]}//")
    return {**file, **_those(claims, repository="project_path", environment="environment", ref="ref_path")}


def _those(claims: Claims, **names: str) -> Mapping[str, str]:
    return {name: claims[claim] for name, claim in names.items() if claim in claims}


def _file_of(text: str, before: str) -> Mapping[str, str]:
    """Give the file of `FOLDER/FILE@REF`.

    Attack: a file `release.yml@x.yml` of a branch is not `release.yml`, so it is the last `@` that ends a name; a
    branch with an `@` matches nothing.
    """
    path, at, _ = text.rpartition("@")
    return {"workflow": path.removeprefix(before)} if at and path.startswith(before) else {}


def _token(rule: TrustedRule, claims: Claims, now: int) -> tuple[str, Token]:
    secret, token_id, kept = make_token()
    wanted = dict.fromkeys((*rule.wanted(), *NAMED, *KEPT))
    token = Token(
        id=token_id,
        user=claims.get("repository") or claims.get("sub") or rule.issuer,
        hash=kept,
        scopes=rule.scopes,
        crates=rule.crates,
        owner=rule.owner,
        created=utc_time(now),
        expires=utc_time(now + LASTS),
        claims={"iss": rule.issuer, **{name: claims[name] for name in wanted if name in claims}},
    )
    return secret, token
