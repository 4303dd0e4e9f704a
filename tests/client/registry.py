"""A plain registry over HTTP, not ours: it takes uploads, and fails as it is told to."""

import hashlib
import json
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cargo_static_index.protocol.names import index_path

Fault = Callable[["PlainRegistry", "Handler", bytes], bool]
"""Answers an upload in another way, or not at all, and says whether it did."""


class PlainRegistry:
    """What is published, as index lines by path; every upload that came, when, and which were taken.

    `faults` go wrong next, one for each upload; the next `unable` GETs are answered 503.
    """

    def __init__(self, token: str = "secret") -> None:
        self.token = token
        self.index: dict[str, list[dict[str, Any]]] = {}
        self.uploads: list[str] = []
        self.times: list[float] = []
        self.taken: list[str] = []
        self.unable = 0
        self.metadata: dict[str, dict[str, Any]] = {}
        self.faults: list[Fault] = []
        self.url = ""
        self._port = 0
        self._server: ThreadingHTTPServer | None = None

    def die(self) -> None:
        """Stop to listen; `running` brings it up again at the same address."""
        assert self._server
        self._server.shutdown()
        self._server.server_close()

    def publish(self, body: bytes) -> None:
        """Take an upload."""
        (length,) = struct.unpack_from("<I", body)
        metadata = json.loads(body[4 : 4 + length])
        archive = body[8 + length :]
        assert struct.unpack_from("<I", body, 4 + length) == (len(archive),)
        self.metadata[metadata["name"]] = metadata
        self.taken.append(metadata["name"])
        self.hold(metadata["name"], metadata["vers"], hashlib.sha256(archive).hexdigest())

    def hold(self, name: str, vers: str, cksum: str) -> None:
        """Have a line."""
        line = {"name": name, "vers": vers, "deps": [], "cksum": cksum, "features": {}, "yanked": False}
        self.index.setdefault(index_path(name), []).append(line)

    @contextmanager
    def running(self) -> Iterator["PlainRegistry"]:
        """Answer requests until the `with` block ends."""
        server = self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        server.registry = self  # type: ignore[attr-defined]
        self._port = server.server_port
        self.url = f"http://127.0.0.1:{self._port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        registry: PlainRegistry = self.server.registry  # type: ignore[attr-defined]
        path = self.path.removeprefix("/index/")
        if registry.unable:
            registry.unable -= 1
            self.answer(503, "")
        elif path == "config.json":
            self.answer(200, {"dl": f"{registry.url}/dl", "api": registry.url})
        elif path in registry.index:
            self.answer(200, "".join(json.dumps(line) + "\n" for line in registry.index[path]))
        else:
            self.answer(404, "")

    def do_PUT(self) -> None:
        registry: PlainRegistry = self.server.registry  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        (length,) = struct.unpack_from("<I", body)
        registry.times.append(time.monotonic())
        registry.uploads.append(json.loads(body[4 : 4 + length])["name"])
        if self.headers["Authorization"] != registry.token:
            self.answer(403, {"errors": [{"detail": "no such token"}]})
        elif not (registry.faults and registry.faults.pop(0)(registry, self, body)):
            registry.publish(body)
            self.answer(200, {"warnings": {"invalid_categories": [], "invalid_badges": [], "other": []}})

    def answer(self, status: int, content: object, **headers: str) -> None:
        """Answer with text, or with JSON."""
        data = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""
