"""Real web servers on the loopback interface, each with a configuration and a temp folder of its own."""

import grp
import json
import os
import pwd
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Final, NamedTuple, Self

from msgspec import Struct

from tests.tools import need

_CONF = """\
daemon off;
worker_processes 1;
pid {work}/nginx.pid;
error_log {work}/error.log info;
{user}
events {{ worker_connections 256; }}
http {{
  log_format requests escape=json '["$request_method","$request_uri",$status,"$http_if_none_match"]';
  access_log {work}/access.log requests;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy; fastcgi_temp_path {work}/fastcgi;
  uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  types {{ text/html html; application/json json; text/css css; application/javascript js; image/svg+xml svg; }}
  default_type text/plain;
  etag on;
  {server}
}}
"""

_SERVER = """\
server {{
  listen 127.0.0.1:{port};
  server_name _;
  error_page 404 @absent;
  location @absent {{ internal; add_header Cache-Control no-store always; return 404; }}
  location {prefix} {{ alias {root}/; index index.html; }}
  location ~ ^{prefix}(?<below>.+\\.crate)$ {{
    alias {root}/$below;
    types {{ }}
    default_type application/gzip;
    add_header Cache-Control "public, max-age=31536000, immutable";
  }}
  {extra}
}}
"""


class Request(Struct, frozen=True, array_like=True):
    """One request as the server's log has it; `if_none_match` is empty where the client sent none."""

    method: str
    path: str
    status: int
    if_none_match: str


class Nginx:
    """A real nginx that serves the folder `root` at `url` for as long as the `with` block lasts.

    `prefix` is the path of the base URL (begins and ends with `/`); `conf_extra` goes into the `server` block, and
    `server` takes the place of all of it, but for `listen`, `server_name` and `root`, which become this server's.
    Index files are text/plain, archives immutable, what is absent 404 and not to be stored; ETags are nginx's own.
    `root` must be open to everybody, as what tests make is; only pytest's folders above it are opened here.
    Where root runs it, workers are `nobody`: a file of mode 0600 answers 403 as it does on a real host.
    """

    def __init__(self, root: Path, *, prefix: str = "/", conf_extra: str = "", server: str = "", port: int = 0) -> None:
        self.root = root
        self.prefix = prefix
        self.conf_extra = conf_extra
        self.server = server
        self.port = port or free_port()
        self._marks = 0
        self._work = Path()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The base URL, with a slash at its end."""
        return f"http://127.0.0.1:{self.port}{self.prefix}"

    def __enter__(self) -> Self:
        program = need("nginx")
        self._work = Path(tempfile.mkdtemp(prefix="nginx-"))
        self._work.chmod(0o755)
        open_the_way(self.root)
        conf = self._work / "nginx.conf"
        conf.write_text(self._conf())
        self._process = subprocess.Popen([program, "-p", self._work, "-e", "error.log", "-c", conf])
        self._await()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._work)

    def stop(self) -> None:
        """End the server, so that clients are refused; its port stays its own."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None

    def requests(self) -> list[Request]:
        """Give all requests that were answered so far, oldest first."""
        if self._process is None:
            return self._logged()
        # Its one worker answers first and writes the line then: what came before a request that is logged is logged.
        self._marks += 1
        mark = f"/mark-{self._marks}"
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as ask:
            ask.sendall(f"GET {mark} HTTP/1.0\r\n\r\n".encode())
            while mark not in {each.path for each in self._logged()}:
                time.sleep(0.001)
        return [each for each in self._logged() if not each.path.startswith("/mark-")]

    def access_log(self) -> list[str]:
        """Give the paths of all requests so far, oldest first."""
        return [request.path for request in self.requests()]

    def _logged(self) -> list[Request]:
        log = self._work / "access.log"
        # A line that is still being written is not one yet.
        lines = log.read_text().rpartition("\n")[0].splitlines() if log.exists() else []
        return [Request(*json.loads(line)) for line in lines]

    def _conf(self) -> str:
        user = f"user nobody {_group_of_nobody()};" if os.geteuid() == 0 else ""
        server = _SERVER.format(root=self.root, port=self.port, prefix=self.prefix, extra=self.conf_extra)
        if self.server:
            own = {"server_name": "_", "root": self.root}
            server = re.sub(r"(?m)^( *(server_name|root) ).*;$", lambda at: f"{at[1]}{own[at[2]]};", self.server)
            server = re.sub(r"(?m)^ *listen \[::\].*\n", "", server)
            server = re.sub(r"(?m)^( *listen )[^ ;]+", rf"\g<1>127.0.0.1:{self.port}", server)
        return _CONF.format(work=self._work, user=user, server=server)

    def _await(self) -> None:
        assert self._process is not None
        if not _answers(self._process, self.port):
            log = self._work / "error.log"
            raise RuntimeError(f"nginx did not start: {log.read_text() if log.exists() else 'it wrote no log'}")


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until a server that was started takes connections, and say whether it does."""
    for _ in range(1000):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.01)
    return False


@contextmanager
def serve_caddy(text: str, port: int) -> Iterator[None]:
    """Run a real Caddy with a Caddyfile's sites, on a loopback port."""
    text = re.sub(r"(?m)^(http://127\.0\.0\.1) \{", rf"\1:{port} {{", text)
    with tempfile.TemporaryDirectory(prefix="caddy-") as work:
        conf = Path(work) / "Caddyfile"
        conf.write_text(f"{{\n    admin off\n}}\n{text}")
        command: list[str | Path] = [need("caddy"), "run", "--config", conf, "--adapter", "caddyfile"]
        env = os.environ | {"HOME": work, "XDG_DATA_HOME": work, "XDG_CONFIG_HOME": work}
        with (Path(work) / "log").open("wb") as log, subprocess.Popen(command, stderr=log, env=env) as process:
            try:
                if not _answers(process, port):
                    raise RuntimeError(f"caddy did not start: {(Path(work) / 'log').read_text()}")
                yield
            finally:
                process.terminate()


_APACHE_MODULES = (
    *("mpm_event", "authz_core", "alias", "headers", "rewrite", "filter", "deflate", "mime", "dir", "env"),
    *("proxy", "proxy_http"),
)


@contextmanager
def Apache(text: str, port: int) -> Iterator[None]:  # noqa: N802 - called as the others are
    """Run a real Apache with a site, on a loopback port."""
    program = need("apache2")
    modules = Path("/usr/lib/apache2/modules")
    with tempfile.TemporaryDirectory(prefix="apache-") as work:
        lines = [
            f"ServerRoot {work}",
            f"PidFile {work}/pid",
            f"ErrorLog {work}/error.log",
            f"Listen 127.0.0.1:{port}",
            "ServerName localhost",
            "TypesConfig /etc/mime.types" if Path("/etc/mime.types").exists() else "TypesConfig /dev/null",
            *(f"LoadModule {name}_module {modules}/mod_{name}.so" for name in _APACHE_MODULES),
            "User nobody" if os.geteuid() == 0 else "",
            f"Group {_group_of_nobody()}" if os.geteuid() == 0 else "",
            re.sub(r"<VirtualHost \*:\d+>", f"<VirtualHost *:{port}>", text),
        ]
        conf = Path(work) / "apache.conf"
        conf.write_text("\n".join(lines))
        log = Path(work) / "error.log"
        with subprocess.Popen([program, "-X", "-f", conf], stderr=subprocess.PIPE) as process:
            try:
                if not _answers(process, port):
                    process.terminate()
                    said = process.stderr.read().decode() if process.stderr else ""
                    raise RuntimeError(f"apache did not start: {said}{log.read_text() if log.exists() else ''}")
                yield
            finally:
                process.terminate()


@contextmanager
def caddy(root: Path, site: str) -> Iterator[str]:
    """Serve the folder `root` with a real Caddy as a Caddyfile's one site says, and give the base URL.

    The site's address and its root become this server's.
    """
    port = free_port()
    site = re.sub(r"^\S+ \{", "http://127.0.0.1 {", site, count=1)
    with serve_caddy(re.sub(r"(?m)^( *root \*) .*$", rf"\1 {root}", site), port):
        yield f"http://127.0.0.1:{port}/"


@contextmanager
def tunnel(port: int) -> Iterator[str]:
    """Run a proxy that leads whoever wants to connect to any host over TLS to a loopback port, and give its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _tunnels_to(port)) as proxy:
        thread = Thread(target=proxy.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{proxy.server_port}"
        finally:
            proxy.shutdown()
            thread.join()


def _tunnels_to(port: int) -> type[BaseHTTPRequestHandler]:
    class Tunnel(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as server:
                self.send_response(200)
                self.end_headers()
                ends = {self.connection: server, server: self.connection}
                while ready := select.select(list(ends), [], [], 60)[0]:
                    for end in ready:
                        if not (data := end.recv(65536)):
                            return
                        ends[end].sendall(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Tunnel


class Answer(NamedTuple):
    """What a server answered, errors too."""

    status: int
    headers: Message
    content: bytes


def get(url: str, **headers: str) -> Answer:
    """Ask for a URL; `_` in a header's name stands for `-`."""
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


@contextmanager
def open_folder() -> Iterator[Path]:
    """Give a temp folder that everybody may enter, and take it away afterwards.

    pytest closes the folder above all of its own whenever a transaction begins, even while another one is under way.
    """
    with tempfile.TemporaryDirectory(prefix="served-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def make_certificate(folder: Path, host: str) -> Path:
    """Make a certificate for a host (`DNS:…` or `IP:…`) that is signed by itself, and give it; privkey.pem is beside.

    It may sign, since Python from 3.13 on takes no other as an authority.
    """
    folder.mkdir(parents=True)
    certificate = folder / "fullchain.pem"
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-days", "2"]
    openssl += ["-addext", f"subjectAltName={host}", "-addext", "keyUsage=critical,digitalSignature,keyCertSign"]
    openssl += ["-keyout", str(folder / "privkey.pem"), "-out", str(certificate)]
    subprocess.run(openssl, check=True, capture_output=True)
    return certificate


def _ports() -> Iterator[int]:
    """Give ports below those that the system gives to clients, each worker of a run others, in a circle."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 7
    first = os.getpid() * 7  # so that another run on this machine is likely to be elsewhere
    return (11_000 + 3_000 * worker + number % 3_000 for number in count(first))


_PORTS: Final = _ports()


def free_port() -> int:
    """Give a loopback port that nothing listens on now, and that nobody else in this run is given soon."""
    for port in _PORTS:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError  # there is no end of them


def open_the_way(folder: Path) -> None:
    """Let everybody pass through the temp folders above `folder`, which pytest makes for their owner alone.

    Only folders below the system's temp folder are touched, and what is inside `folder` stays as it is.
    """
    top = Path(tempfile.gettempdir()).resolve()
    for parent in folder.resolve().parents:
        if top not in parent.parents:
            return
        parent.chmod(parent.stat().st_mode | 0o011)


def _group_of_nobody() -> str:
    return grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name
