"""How the server does: whether it can read, whether it can write, and its numbers as Prometheus reads them."""

import os
import shutil
import time
from http import HTTPStatus
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cargo_static_index.diagnostics.errors import CargoStaticIndexError
from cargo_static_index.registry.configured import store_of
from cargo_static_index.server.connections import App, Message, Receive, Scope, Send
from cargo_static_index.settings import Settings
from cargo_static_index.tree.read import read_record

_NO_STORE: Final = {"Cache-Control": "no-store"}
_OURS: Final = "cargo_static_index"


class Metrics:
    """The numbers that are kept; nothing in them names a user or a token."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(f"{_OURS}_requests", "Requests answered.", ["route", "status"], registry=self.registry)
        self.seconds = Histogram(
            f"{_OURS}_request_seconds", "From a request's head to its answer.", ["route"], registry=self.registry
        )
        self.publishes = Counter(f"{_OURS}_publishes", "Releases published.", registry=self.registry)
        self.refusals = Counter(f"{_OURS}_refusals", "Publishes refused, by rule.", ["rule"], registry=self.registry)
        self.received = Counter(f"{_OURS}_received_bytes", "Bytes of archives that came in.", registry=self.registry)
        self.releases = Gauge(f"{_OURS}_releases", "Releases held.", registry=self.registry)

    def around(self, app: App) -> App:
        """Count and time what an application answers, by the name of the route that answered."""

        async def run(scope: Scope, receive: Receive, send: Send) -> None:
            begun, status = time.monotonic(), 0

            async def send_seen(message: Message) -> None:
                nonlocal status
                status = message.get("status", status)
                await send(message)

            try:
                await app(scope, receive, send_seen)
            finally:
                route = getattr(scope.get("endpoint"), "__name__", "none")
                self.requests.labels(route, str(status or 500)).inc()
                self.seconds.labels(route).observe(time.monotonic() - begun)

        return run


class HealthRoutes:
    """The routes for those who watch over the server."""

    def __init__(self, settings: Settings, metrics: Metrics, *, publishes: bool) -> None:
        self._settings = settings
        self._metrics = metrics
        self._publishes = publishes
        self._store = store_of(settings)

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [
            Route("/live", self.live),
            Route("/ready", self.ready),
            Route("/ready/publish", self.ready_to_publish),
            Route("/metrics", self.metrics),
        ]

    async def live(self, _: Request) -> Response:
        """Say that the process answers."""
        return PlainTextResponse("live\n", headers=_NO_STORE)

    async def ready(self, _: Request) -> Response:
        """Say whether the tree can be read."""
        return _answer(await run_in_threadpool(self._unreadable))

    async def ready_to_publish(self, _: Request) -> Response:
        """Say whether the tree can be read and changed."""
        return _answer(await run_in_threadpool(lambda: self._unreadable() or self._unwritable()))

    async def metrics(self, _: Request) -> Response:
        """Give the numbers."""
        await run_in_threadpool(self._unreadable)
        return Response(generate_latest(self._metrics.registry), headers=_NO_STORE, media_type=CONTENT_TYPE_LATEST)

    def _unreadable(self) -> str:
        """Say why the tree cannot be read; nothing where it can be."""
        try:
            held = read_record(self._store)
        except CargoStaticIndexError as error:
            return str(error)
        self._metrics.releases.set(held.value.releases)
        return "" if held.stored else "there is no tree yet"

    def _unwritable(self) -> str:
        if not self._publishes:
            return "this server takes no publishes: it runs without --publish"
        folder = self._store.folder
        if folder is None:
            return ""
        if not os.access(folder, os.W_OK):
            return "there is no right to write into the tree"
        if shutil.disk_usage(folder).free < self._settings.limits.packed_bytes:
            return "the disk has no room for an archive of the largest size"
        return ""


def _answer(reason: str) -> Response:
    status = HTTPStatus.SERVICE_UNAVAILABLE if reason else HTTPStatus.OK
    return PlainTextResponse(f"{reason or 'ready'}\n", status, headers=_NO_STORE)
