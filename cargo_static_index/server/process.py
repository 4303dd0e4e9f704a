"""The process that serves: its socket, its end."""

import logging
import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import uvicorn

from cargo_static_index.diagnostics.errors import SettingsError, StoreError
from cargo_static_index.registry.configured import store_of
from cargo_static_index.server.address import is_loopback
from cargo_static_index.server.app import create_app
from cargo_static_index.server.auth import Gate, token_files
from cargo_static_index.server.connections import App, Receive, Scope, Send, connection_class, with_whole_bodies
from cargo_static_index.server.writer import Writer
from cargo_static_index.settings import Settings
from cargo_static_index.tree import layout


class Server:
    """Serves a tree; with `publish`, also the web API that changes it.

    `clock` gives seconds since 1970, `warn` is told what a person should look after; `grace` is how many seconds
    uploads that were accepted may take at the end. Raises SettingsError where what
    is asked for would not be safe.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], int],
        warn: Callable[[str], None],
        publish: bool,
        as_is: bool = False,
        grace: float = 5.0,
    ) -> None:
        check_safety(settings, publish=publish)
        self._settings = settings
        self._clock = clock
        self._warn = warn
        self._publish = publish
        self._as_is = as_is
        self._grace = grace
        self._running: _Uvicorn | None = None
        self._stopped = False

    def stop(self) -> None:
        """End the serving as SIGTERM does, also where it has not begun yet; for other threads."""
        self._stopped = True
        if self._running is not None:
            self._running.should_exit = True

    def run(self, listener: socket.socket, began: Callable[[], None] = lambda: None) -> None:
        """Serve until SIGTERM or SIGINT; what was accepted is published before this ends.

        `began` is called once connections are taken, and signals end this well.
        """
        admin = self._settings.serve.admin_bind
        with ExitStack() as stack:
            listeners = [listener, *([stack.enter_context(open_socket(admin))] if admin else [])]
            server = stack.enter_context(self._served(listeners[-1] if admin else None))
            server.began = began
            server.run(sockets=listeners)

    def run_for(self, listener: socket.socket, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Serve while a command runs, and give its exit code; a signal that ends us ends the command."""
        with self._served() as server:
            thread = Thread(target=server.run, args=([listener],))
            thread.start()
            try:
                return _run_command(command, environment)
            finally:
                server.should_exit = True
                thread.join()

    @contextmanager
    def _served(self, admin: socket.socket | None = None) -> Iterator["_Uvicorn"]:
        serve = self._settings.serve
        gate = Gate(self._settings, self._clock)
        with ExitStack() as stack:
            stack.callback(gate.close)
            writer = Writer(self._settings, self._clock, self._warn) if self._publish else None
            if writer:
                stack.callback(writer.close)
                if store_of(self._settings).size(layout.CONFIG) is None:
                    writer.begun.wait()  # what an empty folder answers would be that there is no registry
            app, health = create_app(self._settings, gate, writer, as_is=self._as_is)
            if admin:
                app = _apart(app, health, admin)
            self._running = _Uvicorn(
                uvicorn.Config(
                    with_whole_bodies(app),
                    http=connection_class(idle=serve.idle_timeout, request=serve.request_timeout),
                    timeout_graceful_shutdown=int(self._grace),
                    timeout_keep_alive=int(serve.idle_timeout) + 1,
                    lifespan="off",
                    ws="none",
                    log_config=None,
                    access_log=False,
                    server_header=False,
                    proxy_headers=False,
                )
            )
            self._running.should_exit = self._stopped
            yield self._running


def _apart(app: App, health: App, admin: socket.socket) -> App:
    """Give what comes in by the socket for those who watch over the server to their application, and nothing else."""
    name = admin.getsockname()
    address = (name, None) if isinstance(name, str) else tuple(name[:2])

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        here = tuple(scope.get("server") or ()) == address
        await (health if here else app)(scope, receive, send)

    return run


class _Uvicorn(uvicorn.Server):
    began: Callable[[], None] = staticmethod(lambda: None)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take connections, and say so."""
        await super().startup(sockets)
        self.began()

    def handle_exit(self, sig: int, frame: object) -> None:
        """End well, and at the second signal at once: unlike uvicorn's own, this does not end the process by it."""
        del sig, frame
        if self.should_exit:
            self.force_exit = True
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # what is cut off now is no error
        self.should_exit = True


def _run_command(command: Sequence[str], environment: Mapping[str, str]) -> int:
    try:
        with subprocess.Popen(command, env=environment) as process:
            try:
                return process.wait()
            except BaseException:
                process.terminate()
                raise
    except OSError as error:
        raise SettingsError(f"{command[0]!r} cannot be run: {error.strerror}") from error


def open_socket(bind: str) -> socket.socket:
    """Listen at an address with a port, or on a Unix socket; raises StoreError where that is not possible."""
    try:
        if bind.startswith("/"):
            listener = socket.socket(socket.AF_UNIX)
            Path(bind).unlink(missing_ok=True)
            listener.bind(bind)
            listener.listen(1024)
            return listener
        host, _, port = bind.rpartition(":")
        family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
        return socket.create_server((host.strip("[]"), int(port)), family=family, backlog=1024)
    except OSError as error:
        raise StoreError(f"cannot listen at {bind}: {error.strerror}; name another address with --bind") from error


def inherited_socket(environment: Mapping[str, str]) -> socket.socket | None:
    """Give the socket that systemd has opened for this process (sd_listen_fds(3)), None where there is none."""
    if environment.get("LISTEN_PID") != str(os.getpid()) or environment.get("LISTEN_FDS", "0") == "0":
        return None
    return socket.socket(fileno=3)


def address_of(listener: socket.socket) -> str:
    """Give the address of a socket that listens, as a URL where it has a port."""
    name = listener.getsockname()
    if isinstance(name, str):
        return name
    return f"http://{f'[{name[0]}]' if ':' in name[0] else name[0]}:{name[1]}/"


def check_safety(settings: Settings, *, publish: bool) -> None:
    """Raise SettingsError where what is asked for would not be safe."""
    bind, publishing = settings.serve.bind, settings.publish
    if publish and publishing.trusted and publishing.url is None:
        raise SettingsError(
            "trusted publishing needs the URL that tokens are for: "
            'set `url` in `[publish]` (--publish-url), such as "https://crates.example.com"'
        )
    if not publish or is_loopback(bind if bind.startswith("/") else bind.rpartition(":")[0]):
        return
    if publishing.url is None:
        raise SettingsError(
            f"`serve --publish` at {bind} needs the URL that cargo shall use: "
            'set `url` in `[publish]` (--publish-url), such as "https://crates.example.com"'
        )
    if not token_files(settings).all():
        raise SettingsError(
            f"`serve --publish` at {bind} needs a token, for nobody could publish: `token create --user YOU` makes one"
        )
