"""The application: its routes, and what those of them answer that read."""

from http import HTTPStatus

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cargo_static_index.diagnostics.errors import InvalidConfig, StoreError
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.protocol.config import config_for, format_config, parse_config
from cargo_static_index.registry.configured import store_of
from cargo_static_index.server import openapi
from cargo_static_index.server.answers import HANDLERS, answer_failure, json_answer
from cargo_static_index.server.api import WebApi
from cargo_static_index.server.auth import Gate
from cargo_static_index.server.connections import App
from cargo_static_index.server.files import NO_CACHE, NO_STORE, Found, TreeFiles, respond
from cargo_static_index.server.health import HealthRoutes, Metrics
from cargo_static_index.server.queries import Queries
from cargo_static_index.server.trusted import TrustedPublishing
from cargo_static_index.server.writer import Writer
from cargo_static_index.settings import Settings
from cargo_static_index.store.paths import tag_of
from cargo_static_index.tree import layout


def create_app(settings: Settings, gate: Gate, writer: Writer | None, *, as_is: bool = False) -> tuple[App, App]:
    """Make the application, and that for those who watch over it, which is part of the first where it is not apart.

    It takes changes where there is a `writer`; `as_is` has config.json answered as it is in the tree.
    """
    metrics = Metrics()
    health = HealthRoutes(settings, metrics, publishes=writer is not None).routes()
    pages = TreeRoutes(settings, gate, publishes=writer is not None, as_is=as_is)
    web = WebApi(settings, gate, writer, metrics) if writer else None
    changes = [*web.routes(), *TrustedPublishing(settings, gate).routes()] if web else []
    api = [*changes, *Queries(settings, gate, web.set_trusted_only if web else None).routes()]
    own = [] if settings.serve.admin_bind else health
    app = Starlette(routes=[*own, *api, *pages.routes()], exception_handlers=dict(HANDLERS))
    return metrics.around(app), Starlette(routes=health)


class TreeRoutes:
    """The routes that read: the tree, its config.json, how to get a token, and whether a token is good."""

    def __init__(self, settings: Settings, gate: Gate, *, publishes: bool, as_is: bool) -> None:
        self._settings = settings
        self._gate = gate
        self._publishes = publishes
        self._as_is = as_is
        self._files = TreeFiles(store_of(settings))

    def routes(self) -> list[Route]:
        """Give the routes; that of the tree takes every path, and so is the last."""
        return [
            Route("/me", self.me),
            Route("/api/v1/auth", self.auth),
            Route(openapi.PATH, self.description),
            Route("/api/{path:path}", self.nowhere),
            Route("/index/config.json", self.config),
            Route("/{path:path}", self.tree),
        ]

    async def tree(self, request: Request) -> Response:
        """Answer with a file of the tree."""
        await self._gate.reader(request)
        return await run_in_threadpool(self._files.answer, request.path_params["path"], request.headers)

    async def config(self, request: Request) -> Response:
        """Answer with config.json, rewritten to the address that the request came to."""
        await self._gate.reader(request)
        found = await run_in_threadpool(self._files.find, layout.CONFIG)
        if found is None or not isinstance(found.content, bytes):
            return self._files.absent(layout.CONFIG)
        if self._as_is:
            return respond(found, request.headers)
        content = self._rewritten(found.content, self._gate.base_url(request))
        rewritten = Found(content=content, tag=tag_of(content), media_type="application/json", cache=NO_CACHE)
        return respond(rewritten, request.headers)

    def _rewritten(self, content: bytes, base_url: str) -> bytes:
        try:
            config = parse_config(content)
        except InvalidConfig as error:
            raise StoreError(f"this tree's config.json cannot be used: {error}") from error
        api = base_url if self._publishes else config.api
        return format_config(config_for(base_url, api=api, auth_required=config.auth_required))

    async def auth(self, request: Request) -> Response:
        """Say to a web server in front whether a request has a token that may read."""
        await self._gate.checked(request)
        return Response(status_code=204, headers={"Cache-Control": NO_STORE})

    async def description(self, request: Request) -> Response:
        """Describe the web API."""
        await self._gate.reader(request)
        auth_required = self._gate.auth_required
        described = openapi.describe(
            self._gate.base_url(request), publishes=self._publishes, auth_required=auth_required
        )
        return json_answer(described)

    async def nowhere(self, request: Request) -> Response:
        """Answer for an address of the API at which there is nothing."""
        await self._gate.reader(request)
        return answer_failure(
            HTTPStatus.NOT_FOUND, f"there is nothing at {escape(request.url.path)}: see {openapi.PATH}"
        )

    async def me(self, request: Request) -> Response:
        """Say how to get a token: cargo prints this address."""
        name = self._settings.registry.name or "NAME"
        text = (
            f"{self._gate.base_url(request)}\n\n"
            "Ask whoever runs this registry for a token; they make it with\n\n"
            "    cargo-static-index token create --user YOU\n\n"
            f"Then run `cargo login --registry {name}`, and paste it.\n"
        )
        return Response(text, headers={"Cache-Control": NO_STORE}, media_type="text/plain")
