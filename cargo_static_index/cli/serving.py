"""What `serve` does around the server: the line that says where it is, and the rehearsal of one command."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from msgspec.structs import replace

from cargo_static_index.cli.output import PassOutput, from_here
from cargo_static_index.cli.run import GOOD, Run, existing_tree, need_drop, read_clock
from cargo_static_index.cli.watching import LinePrinter
from cargo_static_index.diagnostics.errors import CargoStaticIndexError
from cargo_static_index.registry.watch.watcher import Watcher
from cargo_static_index.server.private import private_place
from cargo_static_index.server.process import Server, address_of, inherited_socket, open_socket
from cargo_static_index.server.tokens import Token, change_tokens, make_token
from cargo_static_index.settings import Settings
from cargo_static_index.settings.trusted import SCOPES
from cargo_static_index.site.front import variable_part


def serve(run: Run, *, publish: bool, watches: bool, as_is: bool, grace: float) -> int:
    """Serve until a signal says to end, and give the exit code."""
    if not publish:
        existing_tree(run)
    if watches:
        need_drop(run)
    server = Server(
        run.settings,
        clock=lambda: read_clock(os.environ),
        warn=run.terminal.warn,
        publish=publish,
        as_is=as_is,
        grace=grace,
    )
    listener = inherited_socket(os.environ) or open_socket(run.settings.serve.bind)
    where = f"{from_here(str(run.settings.tree.path))} at {address_of(listener)}"
    with _watching(run, server) if watches else nullcontext():
        server.run(listener, lambda: _say(run, where))
    return GOOD


@contextmanager
def _watching(run: Run, server: Server) -> Iterator[None]:
    """Keep the drop directory published meanwhile; what ends that ends the serving, and is raised."""
    listener = PassOutput(run, LinePrinter(run.terminal, from_here(str(run.settings.drop.path))))
    watcher = Watcher(run.settings, listener, lambda: read_clock(os.environ), settings_file=run.loaded.file)
    failed: list[CargoStaticIndexError] = []

    def watch() -> None:
        try:
            watcher.run()
        except CargoStaticIndexError as error:
            failed.append(error)
            server.stop()

    thread = Thread(target=watch, name="watcher")
    thread.start()
    try:
        yield
    finally:
        watcher.stop()
        thread.join()
    if failed:
        raise failed[0]


def rehearse(run: Run, command: Sequence[str]) -> int:
    """Serve an empty registry to one command, and give the command's exit code; nothing is left of it."""
    with TemporaryDirectory(prefix="cargo-static-index-") as folder, open_socket("127.0.0.1:0") as listener:
        settings = ephemeral(run.settings, Path(folder), address_of(listener))
        server = Server(settings, clock=lambda: read_clock(os.environ), warn=run.terminal.warn, publish=True)
        _say(run, f"a registry for one command at {address_of(listener)}")
        return server.run_for(listener, command, {**os.environ, **_variables(settings)})


def ephemeral(settings: Settings, folder: Path, base_url: str) -> Settings:
    """Give the settings of a registry that lies in a temporary folder as a whole."""
    return replace(
        settings,
        registry=replace(settings.registry, base_url=base_url, name=settings.registry.name or "ephemeral"),
        drop=replace(settings.drop, path=folder / "drop"),
        tree=replace(settings.tree, path=folder / "public", flush=False),
        state=replace(settings.state, path=folder / "state"),
        publish=replace(settings.publish, url=None, trusted=(), private=folder / "private"),
    )


def _variables(settings: Settings) -> dict[str, str]:
    """Give the variables that tell cargo of the registry, with a token that is good for this one run."""
    text, token_id, kept = make_token()
    token = Token(id=token_id, user="rehearsal", hash=kept, scopes=SCOPES)
    change_tokens(private_place(settings.publish.private), lambda tokens: (*tokens, token))
    assert settings.registry.name is not None
    registry = f"CARGO_REGISTRIES_{variable_part(settings.registry.name)}"
    found = {f"{registry}_INDEX": f"sparse+{settings.registry.base_url}index/", f"{registry}_TOKEN": text}
    return found | ({f"{registry}_CREDENTIAL_PROVIDER": "cargo:token"} if settings.registry.auth_required else {})


def _say(run: Run, what: str) -> None:
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # in a pipe too: whoever reads it waits for the address
    run.terminal.did("Serving", what)
