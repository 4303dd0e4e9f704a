"""The application: its routes, and what each answers.

Cargo's book: "Registry Web API". Failures are `{"errors": [{"detail": …}]}`, whose sentences cargo prints.
"""

import asyncio
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cargo_static_index.crate.candidate import Outcome
from cargo_static_index.crate.check import Policy, check_crate
from cargo_static_index.diagnostics.errors import (
    CargoStaticIndexError,
    InvalidConfig,
    NotHeld,
    StoreError,
)
from cargo_static_index.diagnostics.rules import Problem, level_of
from cargo_static_index.protocol.config import config_for, format_config, parse_config
from cargo_static_index.registry.registry import home_of, policy_of, store_of
from cargo_static_index.registry.withdraw import Spec
from cargo_static_index.server.address import Connection, base_url_asked
from cargo_static_index.server.files import NO_CACHE, NO_STORE, Found, TreeFiles, respond
from cargo_static_index.server.tokens import FILE, Scope, Token, TokenFile, given_token
from cargo_static_index.server.upload import InvalidUpload, UploadMetadata, UploadReader
from cargo_static_index.server.writer import Writer
from cargo_static_index.settings import Settings
from cargo_static_index.store.paths import tag_of
from cargo_static_index.tree import layout

CONFLICTS: Final = frozenset({"release-conflict", "build-metadata-conflict"})
"""Rules that say that another release is in the way: 409, where all others are 400."""


class Refused(Exception):
    """A request that is answered with a failure."""

    def __init__(self, status: int, *details: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(*details)
        self.status = status
        self.details = details
        self.headers = headers


def create_app(settings: Settings, writer: Writer | None, uploads: Path) -> Starlette:
    """Make the application; it takes changes where there is a `writer`. `uploads` is a folder for what comes in."""
    endpoint = Endpoint(settings, writer, uploads)
    routes = [
        Route("/index/config.json", endpoint.config),
        *(endpoint.web_api() if writer else []),
        Route("/{path:path}", endpoint.tree),
    ]
    handlers: dict[Any, Any] = {
        Refused: _answer_refusal,
        InvalidUpload: _answer_refusal,
        CargoStaticIndexError: _answer_error,
        HTTPException: _answer_http_error,
    }
    return Starlette(routes=routes, exception_handlers=handlers)


class Endpoint:
    """What the routes share: the tree, the tokens, and the one who writes."""

    def __init__(self, settings: Settings, writer: Writer | None, uploads: Path) -> None:
        self._settings = settings
        self._uploads = uploads
        self._writer = writer
        self._files = TreeFiles(store_of(settings))
        self._tokens = TokenFile(settings.publish.private / FILE)
        self._policy: Policy = policy_of(settings, home_of(settings))

    def web_api(self) -> list[Route]:
        """Give the routes of the web API."""
        release = "/api/v1/crates/{name}/{vers}"
        return [
            Route("/api/v1/crates/new", self.publish, methods=["PUT"]),
            Route(f"{release}/yank", self.yank, methods=["DELETE"]),
            Route(f"{release}/unyank", self.unyank, methods=["PUT"]),
            Route("/me", self.me),
        ]

    # The tree ----------------------------------------------------------------------------------------------

    async def tree(self, request: Request) -> Response:
        """Answer with a file of the tree."""
        path = request.path_params["path"]
        return await run_in_threadpool(self._files.answer, path, request.headers)

    async def config(self, request: Request) -> Response:
        """Answer with config.json, rewritten to the address that the request came to."""
        found = await run_in_threadpool(self._files.find, layout.CONFIG)
        if found is None or not isinstance(found.content, bytes):
            return self._files.absent(layout.CONFIG)
        base_url = self._base_url(request)
        try:
            config = parse_config(found.content)
        except InvalidConfig as error:
            raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, str(error)) from error
        api = base_url if self._writer else config.api
        content = format_config(config_for(base_url, api=api, auth_required=config.auth_required))
        rewritten = Found(content=content, tag=tag_of(content), media_type="application/json", cache=NO_CACHE)
        return respond(rewritten, request.headers)

    async def me(self, request: Request) -> Response:
        """Say how to get a token: cargo prints this address."""
        text = (
            f"{self._base_url(request)}\n\n"
            "Ask whoever runs this registry for a token. They make one with\n\n"
            "    cargo-static-index token create --user YOU\n\n"
            f"Then run: cargo login --registry {self._settings.registry.name or 'NAME'}\n"
        )
        return Response(text, headers={"Cache-Control": NO_STORE}, media_type="text/plain")

    # The web API -------------------------------------------------------------------------------------------

    async def publish(self, request: Request) -> Response:
        """Publish: answered once the new line can be read."""
        token = await self._authenticated(request)
        with self._upload() as folder:
            metadata, file = await self._receive(request, folder)
            self._allow(token, "publish-update", metadata.name)
            await run_in_threadpool(self._check, file, metadata)
            assert self._writer is not None
            outcome = await asyncio.shield(asyncio.wrap_future(self._writer.publish(file)))
        return self._answer_outcome(outcome)

    async def yank(self, request: Request) -> Response:
        """Keep a release from being chosen anew."""
        return await self._set_yanked(request, yanked=True)

    async def unyank(self, request: Request) -> Response:
        """Let a release be chosen again."""
        return await self._set_yanked(request, yanked=False)

    async def _set_yanked(self, request: Request, *, yanked: bool) -> Response:
        token = await self._authenticated(request)
        spec = Spec(request.path_params["name"], request.path_params["vers"])
        self._allow(token, "yank", spec.name)
        assert self._writer is not None
        await asyncio.shield(asyncio.wrap_future(self._writer.set_yanked(spec, yanked=yanked)))
        return _json({"ok": True})

    # Who asks ----------------------------------------------------------------------------------------------

    async def _authenticated(self, request: Request) -> Token:
        """Give the token of a request, or refuse with 401."""
        text = given_token(request.headers.get("Authorization", ""))
        token = await run_in_threadpool(self._tokens.find, text) if text else None
        if token is None:
            detail = "this token is not known here" if text else "this needs a token"
            login = f"{self._base_url(request)}me"
            challenge = f'Cargo login_url="{login}"'
            raise Refused(401, f"{detail}; {login} says how to get one", headers={"WWW-Authenticate": challenge})
        return token

    def _allow(self, token: Token, scope: Scope, name: str) -> None:
        if not token.may(scope, name):
            raise Refused(HTTPStatus.FORBIDDEN, f"this token is not good for {scope!r} of {name}")

    def _base_url(self, request: Request) -> str:
        server, client = request.scope.get("server") or ("", None), request.client
        connection = Connection(
            server=server[0], port=server[1], client=client.host if client else None, scheme=request.scope["scheme"]
        )
        return base_url_asked(connection, request.headers, self._settings.publish.url, ())

    # What comes in -----------------------------------------------------------------------------------------

    @contextmanager
    def _upload(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self._uploads) as folder:
            yield Path(folder)

    async def _receive(self, request: Request, folder: Path) -> tuple[UploadMetadata, Path]:
        """Stream a body to a file, and give its metadata and the file."""
        length = request.headers.get("Content-Length")
        reader = UploadReader(self._policy.limits.packed_bytes, int(length) if length else None)
        received = folder / "upload"
        with received.open("wb") as file:
            async for chunk in request.stream():
                if archive := reader.feed(chunk):
                    await run_in_threadpool(file.write, archive)
        metadata = reader.finish()
        named = folder / f"{metadata.name}-{metadata.vers}.crate"
        received.rename(named)
        return metadata, named

    def _check(self, file: Path, metadata: UploadMetadata) -> None:
        """Read the archive, and refuse what is not the release that was announced, or breaks a rule."""
        with file.open("rb") as stream:
            reading = check_crate(stream, self._policy, file.name)
        if reading.name is not None and reading.name != metadata.name:
            raise Refused(400, f"metadata name `{metadata.name}` does not match manifest name `{reading.name}`")
        if reading.vers is not None and reading.vers != metadata.vers:
            raise Refused(400, f"metadata version `{metadata.vers}` does not match manifest version `{reading.vers}`")
        if reading.refused:
            raise Refused(400, *map(sentence, self._refusing(reading.problems)))

    def _answer_outcome(self, outcome: Outcome) -> Response:
        if outcome.status in {"published", "restored", "unchanged"}:
            warnings = [sentence(each) for each in outcome.problems if self._level(each) == "warn"]
            if outcome.status != "published":
                warnings.append(f"{outcome.name} {outcome.vers} was published before, with the same bytes")
            return _json({"warnings": {"invalid_categories": [], "invalid_badges": [], "other": warnings}})
        problems = self._refusing(outcome.problems)
        conflict = any(each.rule in CONFLICTS for each in problems)
        raise Refused(HTTPStatus.CONFLICT if conflict else HTTPStatus.BAD_REQUEST, *map(sentence, problems))

    def _refusing(self, problems: Sequence[Problem]) -> list[Problem]:
        return [each for each in problems if self._level(each) == "refuse"]

    def _level(self, problem: Problem) -> str:
        return level_of(problem, self._settings.rules)


def sentence(problem: Problem) -> str:
    """Write a problem as cargo prints it: the rule, where, what, the way out."""
    place = f"{problem.place}: " if problem.place and problem.place not in problem.message else ""
    return f"[{problem.rule}] {place}{problem.message} {problem.way_out}".rstrip()


def _json(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    shown = {"Cache-Control": NO_STORE, **(headers or {})}
    return Response(msgspec.json.encode(document), status, shown, "application/json")


def _errors(status: int, *details: str, headers: Mapping[str, str] | None = None) -> Response:
    return _json({"errors": [{"detail": detail} for detail in details]}, status, headers)


async def _answer_refusal(_: Request, error: Refused | InvalidUpload) -> Response:
    if isinstance(error, InvalidUpload):
        return _errors(error.status, str(error))
    return _errors(error.status, *error.details, headers=error.headers)


async def _answer_error(_: Request, error: CargoStaticIndexError) -> Response:
    if isinstance(error, NotHeld):
        return _errors(HTTPStatus.NOT_FOUND, str(error))
    if isinstance(error, StoreError):
        return _errors(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
    return _errors(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))


async def _answer_http_error(_: Request, error: HTTPException) -> Response:
    return _errors(error.status_code, error.detail, headers=error.headers)
