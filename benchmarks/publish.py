"""Publishing over HTTP: a real server as a process of its own, on loopback, by connections that are kept."""

import http.client
import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.bench import PYTHON, Bench
from benchmarks.generate import Shape, generate
from benchmarks.measure import spread, to_json
from cargo_static_index.server.private import PrivateFolder
from cargo_static_index.server.tokens import Token, change_tokens, make_token

TRIES = 40
"""Publishes whose median is told, after some that warm caches."""
LEFT_OUT = 4
CLIENTS = 8

_SETTINGS = """
[tree]
path = "tree"
[state]
path = "state"
[serve]
bind = "127.0.0.1:0"
"""


class Connection:
    """A connection that is kept, and how long its requests took, in seconds."""

    def __init__(self, port: int, token: str) -> None:
        self._token = token
        self._link = http.client.HTTPConnection("127.0.0.1", port)
        self.close = self._link.close

    def publish(self, file: Path) -> float:
        """Publish an archive; RuntimeError where it is not taken."""
        name, _, vers = file.name.removesuffix(".crate").rpartition("-")
        parts = (json.dumps({"name": name, "vers": vers}).encode(), file.read_bytes())
        return self._ask(
            "PUT", "/api/v1/crates/new", b"".join(len(part).to_bytes(4, "little") + part for part in parts)
        )

    def nothing(self) -> float:
        """Send a request that does nothing."""
        return self._ask("GET", "/live", None)

    def _ask(self, method: str, path: str, body: bytes | None) -> float:
        begun = time.perf_counter()
        self._link.request(method, path, body, {"Authorization": self._token})
        answer = self._link.getresponse()
        said = answer.read()
        took = time.perf_counter() - begun
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(said.decode())
        return took


@contextmanager
def serving(here: Bench) -> Iterator[tuple[int, str]]:
    """Serve the tree of a folder, flushed and with pages, and give the port and a token."""
    (here.base / "registry.toml").write_text(_SETTINGS)
    text, token_id, kept = make_token()
    change_tokens(
        PrivateFolder(here.base / "private"), lambda tokens: (*tokens, Token(id=token_id, user="bench", hash=kept))
    )
    command = [PYTHON, "-m", "cargo_static_index", "serve", "--publish"]
    env = os.environ | {"PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(
        command, cwd=here.base, env=env, stderr=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rstrip(b"/\n").rpartition(b":")[2])
        try:
            yield port, text
        finally:
            process.terminate()


def publishes(here: Bench) -> dict[str, Any]:
    """Publish one after the other, do nothing in between, then by several clients; and `add` the like in a process."""
    files = _made(here, "sent", TRIES + LEFT_OUT + 2 * CLIENTS * 10)
    one, rest = files[: TRIES + LEFT_OUT], files[TRIES + LEFT_OUT :]
    with serving(here) as (port, token):
        with closing(Connection(port, token)) as client:
            took = [(client.publish(file), client.nothing()) for file in one][LEFT_OUT:]
        alone, together = (_a_second(port, token, rest[start::2], clients) for start, clients in ((0, 1), (1, CLIENTS)))
    added = here.product("add", "--pages", "--flush", *map(str, _made(here, "added", TRIES))).printed[LEFT_OUT:]
    return {
        "publish": to_json(spread([each for each, _ in took])),
        "nothing": to_json(spread([each for _, each in took])),
        "add": to_json(spread(added)),
        "one client": alone,
        "clients": together,
        "flush": _flush(here.base),
    }


def _made(here: Bench, folder: str, names: int) -> list[Path]:
    first = {"sent": 5_000_000, "added": 6_000_000}[folder]
    generate(here.base / folder, Shape(names=names, versions=1, first=first))
    return sorted((here.base / folder).iterdir())


def _a_second(port: int, token: str, files: Sequence[Path], clients: int) -> float:
    """Give how many of the files so many clients together publish in a second."""

    def publish_all(share: Sequence[Path]) -> None:
        with closing(Connection(port, token)) as client:
            for file in share:
                client.publish(file)

    begun = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(publish_all, [files[start::clients] for start in range(clients)]))
    return len(files) / (time.perf_counter() - begun)


def _flush(folder: Path) -> float:
    """Give the seconds that flushing a small file takes here."""
    took = []
    for number in range(20):
        with (folder / f"flushed-{number}").open("wb") as file:
            file.write(bytes(4096))
            file.flush()
            begun = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - begun)
    return spread(took).median
