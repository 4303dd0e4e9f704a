"""A proxy before a store that breaks what it is told to, below HTTP's own promises, and keeps a list of what was asked.

Clients sign the host that they talk to, so the proxy passes their `Host` on as it is.
"""

import http.client
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

Fault = Literal["pass", "lose-answer", "cut", "half", "busy", "late", "blank"]
"""What becomes of a request: passed on; done, and the answer lost; cut off before it is passed on, or with half of its
body passed on; answered with 503; passed on a moment later; passed on with every `+` of its path read as a blank.
"""


class Asked(Struct, frozen=True):
    """One request: its method, its path with bucket and query, and the condition and the SHA-256 that it carried."""

    method: str
    path: str
    condition: str
    checksum: str = ""

    @property
    def kind(self) -> str:
        """The kind that a bill names: a listing is a GET of a bucket."""
        return "LIST" if self.method == "GET" and "list-type=2" in self.path else self.method


class Proxy:
    """Passes requests on to a server; `fault` says what to do with each."""

    def __init__(self, upstream: str) -> None:
        at = urlsplit(upstream)
        assert at.hostname is not None
        self.upstream = (at.hostname, at.port or 80)
        self.asked: list[Asked] = []
        self.fault: Callable[[Asked, int], Fault] = lambda _asked, _number: "pass"
        self.lock = Lock()
        self.url = ""

    def kinds(self) -> Counter[str]:
        """Count the requests so far by kind."""
        return Counter(each.kind for each in self.asked)

    def forget(self) -> None:
        """Begin to count anew."""
        self.asked.clear()

    def told(self, asked: Asked) -> Fault:
        """Note a request, and say what becomes of it."""
        with self.lock:
            self.asked.append(asked)
            return self.fault(asked, len(self.asked))


@contextmanager
def proxied(upstream: str) -> Iterator[Proxy]:
    """Run a proxy on a port of its own."""
    proxy = Proxy(upstream)

    class Handler(_Handler):
        ours = proxy

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    ours: Proxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        condition = self.headers.get("If-Match") or self.headers.get("If-None-Match") or ""
        fault = self.ours.told(Asked(self.command, self.path, condition, self.headers.get("x-amz-checksum-sha256", "")))
        if fault == "cut":
            self._hang_up()
        elif fault == "busy":
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif fault == "half":
            self._pass_half(body)
            self._hang_up()
        else:
            if fault == "late":
                time.sleep(0.3)
            self._pass(body, keep=fault != "lose-answer", blank=fault == "blank")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815 - http.server's names

    def _pass(self, body: bytes, *, keep: bool, blank: bool) -> None:
        path = self.path.replace("+", "%20") if blank else self.path
        onward = http.client.HTTPConnection(*self.ours.upstream, timeout=30)
        try:
            onward.putrequest(self.command, path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                onward.putheader(name, value)
            onward.endheaders(body)
            answer = onward.getresponse()
            content = answer.read()
            if keep:
                self._send(answer, content)
            else:
                self._hang_up()
        finally:
            onward.close()

    def _send(self, answer: http.client.HTTPResponse, content: bytes) -> None:
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        if length is not None and answer.status not in {204, 304}:
            self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)

    def _pass_half(self, body: bytes) -> None:
        with socket.create_connection(self.ours.upstream, timeout=30) as onward:
            head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
            onward.sendall(f"{self.command} {self.path} HTTP/1.1\r\n{head}\r\n".encode() + body[: len(body) // 2])

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
