"""Who asks: the token of a request, and where the request came from."""

from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request

from cargo_static_index.server.address import Connection, base_url_asked, client_of
from cargo_static_index.server.answers import RequestRefused, crate_of
from cargo_static_index.server.permissions import Permissions, permissions_of, refuse_scope
from cargo_static_index.server.private import PrivateFolder, private_place
from cargo_static_index.server.tokens import Token, TokenFile, TokenFiles, given_token, note_used, utc_time
from cargo_static_index.settings import Settings
from cargo_static_index.settings.trusted import TokenScope

WARNED_BEFORE: Final = 14 * 86_400
"""Seconds before a token's end from which on cargo is told of it."""

_MINUTE: Final = 60

_USED_EVERY: Final = 60
"""Seconds: a token's last use is known as exactly as this."""


def token_files(settings: Settings) -> TokenFiles:
    """Give the files that tokens are in."""
    file = settings.publish.tokens_file
    mounted = [TokenFile(PrivateFolder(file.parent), file.name)] if file else []
    return TokenFiles([TokenFile(private_place(settings.publish.private)), *mounted])


class Gate:
    """Knows the tokens, and lets requests pass that have one; `clock` gives seconds since 1970."""

    def __init__(self, settings: Settings, clock: Callable[[], int]) -> None:
        publish = settings.publish
        self._private = private_place(publish.private)
        self._url = publish.url
        self._proxies = frozenset(settings.serve.trusted_proxies)
        self._tokens = token_files(settings)
        self.clock = clock
        self._limit = publish.changes_per_minute
        self._asked: dict[str, deque[int]] = {}
        """When tokens asked for changes last, by id; as many times as may be in a minute."""
        self._used: dict[str, str] = {}
        self._noted: dict[str, int] = {}
        self.auth_required = settings.registry.auth_required
        self.permissions: Permissions = permissions_of(settings)

    async def authenticated(self, request: HTTPConnection) -> Token:
        """Give the token of a request, or refuse with 401, never with 403: cargo asks for a token where it sees one."""
        text = given_token(request.headers.get("Authorization", ""))
        token = await run_in_threadpool(self._tokens.find, text) if text else None
        now = self.clock()
        if token is None or token.is_expired(now):
            raise self._unauthenticated(request, _why(text, token))
        await run_in_threadpool(self._note_use, token, now)
        return token

    def find(self, text: str) -> Token | None:
        """Give the token of this text, ended or not, or None."""
        return self._tokens.find(text)

    async def reader(self, request: HTTPConnection) -> Token | None:
        """Give the token of who reads, None where none is needed; 401 without a token, 403 where it may not read."""
        if not self.auth_required:
            return None
        token = await self.authenticated(request)
        if reason := refuse_scope(token, "read"):
            raise RequestRefused(HTTPStatus.FORBIDDEN, reason)
        return token

    async def checked(self, request: HTTPConnection) -> None:
        """Refuse with 401 what may not read, whether or not a token is needed here.

        A web server in front asks, and what it makes of a 403 is not for us to say: nginx answers as for a folder.
        """
        token = await self.authenticated(request)
        if reason := refuse_scope(token, "read"):
            raise self._unauthenticated(request, reason)

    async def changing(self, request: Request) -> Token:
        """Give the token of a request to change something, or refuse with 429 where it asked for too much just now."""
        token = await self.authenticated(request)
        if self._limit is not None:
            now = self.clock()
            asked = self._asked.setdefault(token.id, deque(maxlen=self._limit))
            if len(asked) == self._limit and now - asked[0] < _MINUTE:
                detail = f"this token has asked for {self._limit} changes within a minute, which is all that it may"
                headers = {"Retry-After": str(asked[0] + _MINUTE - now)}
                raise RequestRefused(HTTPStatus.TOO_MANY_REQUESTS, detail, headers=headers)
            asked.append(now)
        return token

    async def allowed(self, request: Request, scope: TokenScope) -> Token:
        """Give the token of a request to change a crate; 403 where the token by itself is not good for it."""
        token = await self.changing(request)
        if reason := refuse_scope(token, scope, crate_of(request)):
            raise RequestRefused(HTTPStatus.FORBIDDEN, reason)
        return token

    def users(self) -> frozenset[str]:
        """Give all users that are known: those with a token, in a team, or with all rights."""
        members = (user for users in self.permissions.teams.values() for user in users)
        return frozenset(
            {*(token.user for token in self._tokens.all() if not token.is_trusted), *members, *self.permissions.admins}
        )

    def warnings(self, token: Token) -> list[str]:
        """Give what is to be said of a token to who uses it: that it ends soon."""
        if token.is_trusted or token.expires is None or token.expires.timestamp() - self.clock() > WARNED_BEFORE:
            return []
        return [f"your token {token.id} ends on {token.expires:%Y-%m-%d}: ask for another one"]

    def base_url(self, request: HTTPConnection) -> str:
        """Give the base URL that a request came to."""
        return base_url_asked(_connection(request), request.headers, self._url, self._proxies)

    def client(self, request: HTTPConnection) -> str:
        """Give the address that a request came from, seen through trusted proxies."""
        return client_of(_connection(request), request.headers, self._proxies)

    def close(self) -> None:
        """Note the last uses that were not noted yet."""
        used, self._used = self._used, {}
        note_used(self._private, used)

    def _note_use(self, token: Token, now: int) -> None:
        if token.is_trusted:  # it lasts for minutes, and the audit file has what it was used for
            return
        self._used[token.id] = f"{utc_time(now):%Y-%m-%dT%H:%M:%SZ}"
        if now - self._noted.get(token.id, 0) >= _USED_EVERY:
            self._noted[token.id] = now
            self.close()

    def _unauthenticated(self, request: HTTPConnection, why: str) -> RequestRefused:
        login = f"{self.base_url(request)}me"
        # In one line, since nginx passes on one only; `Basic` first, since Chromium looks no further.
        challenges = f'Basic realm="{self.base_url(request)}", Cargo login_url="{login}"'
        return RequestRefused(
            HTTPStatus.UNAUTHORIZED, f"{why}; {login} says how to get one", headers={"WWW-Authenticate": challenges}
        )


def _why(text: str, token: Token | None) -> str:
    if token is not None and token.expires is not None:
        return f"this token ended on {token.expires:%Y-%m-%d}"
    return "this token is not known here" if text else "this needs a token"


def _connection(request: HTTPConnection) -> Connection:
    server, port = request.scope.get("server") or ("", None)
    client = request.client.host if request.client else None
    return Connection(server=server, port=port, client=client, scheme=request.scope["scheme"])
