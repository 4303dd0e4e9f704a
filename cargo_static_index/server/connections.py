"""Connections as uvicorn has them, with what it lacks: an end to every wait, and bodies that outlive their clients.

uvicorn ends no connection on which a byte comes now and then, and forgets what a client sent that has left since.
A middleware comes too late for both.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_LEFT: Final = "cargo_static_index.left"
"""Under this key a scope has what was not read yet of a body that came whole, when its client left."""


class _Connection(H11Protocol):
    """A connection on which a request comes within `idle` seconds, and is answered within `request` seconds."""

    idle = 0.0
    request = 0.0

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        self._timer: asyncio.TimerHandle | None = None
        self._timed: object = self
        super().connection_made(transport)
        self._keep_time()

    def data_received(self, data: bytes) -> None:
        """Take bytes; they put off no end."""
        super().data_received(data)
        self._keep_time()

    def _should_upgrade(self) -> bool:
        """Never: cargo asks plain HTTP for `h2c`, and may be answered without a word of it, in the log too."""
        return False

    def on_response_complete(self) -> None:
        """Begin to wait for the next request, where it is not there yet."""
        super().on_response_complete()
        self._keep_time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Keep the rest of a body that came whole for who is to read it."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.more_body:
            cycle.scope["state"][_LEFT] = bytes(cycle.body)
        self._stop_time()
        super().connection_lost(exc)

    def _keep_time(self) -> None:
        """Start the clock anew where another request is waited for, or worked on, than before."""
        cycle: RequestResponseCycle | None = self.cycle
        working = cycle if cycle is not None and not cycle.response_complete else None
        if working is self._timed or self.transport.is_closing():
            return
        self._stop_time()
        self._timed = working
        seconds = self.request if working else self.idle
        self._timer = self.loop.call_later(seconds, self._end)

    def _stop_time(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _end(self) -> None:
        """End the connection; a client whose request did not come whole is told so."""
        if self.transport.is_closing():
            return
        if self.conn.our_state is h11.SEND_RESPONSE and self.conn.their_state is h11.SEND_BODY:
            headers = [("content-length", "0"), ("connection", "close")]
            answer = h11.Response(status_code=HTTPStatus.REQUEST_TIMEOUT, headers=headers, reason=b"Request Timeout")
            self.transport.write(self.conn.send(answer) or b"")
            self.transport.close()
        else:
            self.transport.abort()


def connection_class(*, idle: float, request: float) -> type[H11Protocol]:
    """Give the class of connections that end where no request comes in `idle` seconds, or takes more than `request`.

    A request takes from its head to the last byte of its answer; that something comes in between puts nothing off.
    """
    return type("Connection", (_Connection,), {"idle": idle, "request": request})


def with_whole_bodies(app: App) -> App:
    """Let an application read bodies that came whole to their ends, also where their clients have left meanwhile."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        is_whole = False

        async def receive_whole() -> Message:
            nonlocal is_whole
            message = await receive()
            left = scope.get("state", {}).get(_LEFT)
            if message["type"] == "http.disconnect" and left is not None and not is_whole:
                message = {"type": "http.request", "body": left, "more_body": False}
            is_whole = is_whole or not message.get("more_body", False)
            return message

        await app(scope, receive_whole, send)

    return run
