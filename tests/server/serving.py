"""The program that serves, as a process of its own, in a folder with a registry."""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.cargo.client import Cargo
from tests.cli.program import PROGRAM, SPOKEN, Ended, environment, run
from tests.server.client import Client
from tests.servers import free_port


class Served:
    """A registry in `folder`, which `running` serves at `url`; cargo calls it `acme`.

    `base_url` is that of a web server in front, where there is one.
    """

    def __init__(self, folder: Path, settings: str = "", base_url: str = "") -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.tree = folder / "public"
        self.private = folder / "private"
        self.tokens: dict[str, str] = {}
        folder.mkdir(parents=True, exist_ok=True)
        head = f'[registry]\nname = "acme"\nbase-url = "{base_url or self.url}"\n'
        (folder / "registry.toml").write_text(f'{head}{settings}\n[serve]\nbind = "127.0.0.1:{self.port}"\n')

    def token(self, user: str = "alice", *more: str) -> str:
        """Make a token, and give its text."""
        return run("token", "create", "--user", user, *more, cwd=self.folder).ok().strip()

    def run(self, *arguments: str | Path) -> Ended:
        """Run another command on the registry, again where the endpoint has the tree at the moment."""
        while "another process is changing this tree" in (ended := run(*arguments, cwd=self.folder)).err:
            time.sleep(0.01)
        return ended

    def client(self, user: str | None = None) -> Client:
        """Give a plain client, with the token of a user that is in `tokens`."""
        return Client(self.url, self.tokens[user] if user else None)

    def start(self, *options: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start to serve, and give the process once it takes connections; what it says is in serve.log."""
        log = self.folder / "serve.log"
        with log.open("wb") as said:
            process = subprocess.Popen(
                [*PROGRAM, "serve", *options], cwd=self.folder, env=environment(env), stdout=said, stderr=said
            )
        await_text(log, "Serving", process)
        return process

    @contextmanager
    def running(self, *options: str, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """Serve until the `with` block ends; ending must go well."""
        process = self.start(*options, env=env)
        log = self.folder / "serve.log"
        try:
            yield process
            process.terminate()
            assert process.wait(timeout=30) == 0, log.read_text()
        finally:
            process.kill()
            process.wait()
        assert SPOKEN not in log.read_text()

    def cargo(self, folder: Path, token: str | None = None, config: str = "") -> Cargo:
        """Give a cargo that knows the registry, and the token where there is one."""
        cargo = Cargo(folder, {"acme": self.url}, config=config)
        if token:
            (cargo.home / "credentials.toml").write_text(f'[registries.acme]\ntoken = "{token}"\n')
        return cargo


def await_text(log: Path, text: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a process has said something."""
    end = time.monotonic() + 30
    while text not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.01)


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that comes soon after an answer: pages, say."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)
