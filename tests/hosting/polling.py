"""`python -m tests.hosting.polling`: three web servers and rsync beside changes, removals and copies.

Clients ask as cargo does: with the ETag and the time that they were given last, and they believe a 304.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread

from msgspec import Struct

from cargo_static_index.protocol.index_file import parse_index
from cargo_static_index.protocol.names import index_path
from tests.crates import crate
from tests.servers import Nginx, caddy, free_port, get, open_folder
from tests.tools import need
from tests.world import World

NAMES = tuple(f"crate-{number}" for number in range(6))
PATHS = tuple(f"index/{index_path(name)}" for name in NAMES)
SITE = "x {\n    root * /\n    file_server\n}\n"


class Asked(Struct, frozen=True):
    """What a client took an index file to be, and how many contents it had had, at least, when it was asked for."""

    server: str
    path: str
    known: int
    content: bytes


class Registry:
    """A registry that changes; `contents` has all that each index file ever was, in order."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder, {"registry.pages": False, "tree.keep-removed": "1h"})
        self.world.put(*(crate(name, f"1.{number}.0") for name in NAMES for number in range(2)))
        self.world.build()
        self.contents: Mapping[str, list[bytes]] = {path: [self.world.read(path)] for path in PATHS}
        self.changes = 0
        self._newest = dict.fromkeys(NAMES, 1)

    def change(self, kind: str, name: str) -> None:
        """Make a change of one crate."""
        getattr(self, f"_{kind}")(name)
        self.changes += 1

    def _add(self, name: str) -> None:
        self._newest[name] += 1
        self.world.add(crate(name, f"1.{self._newest[name]}.0").write(self.world.folder / "more"))
        self._note(name)

    def _yank(self, name: str) -> None:
        for yanked in (True, False):
            self.world.yank(f"{name}@1.0.0", yanked=yanked)
            self._note(name)

    def _remove(self, name: str) -> None:
        self.world.remove(name)
        self._note(name)
        for vers in ("1.0.0", "1.1.0"):  # back within the second, as a watcher or an endpoint would have it
            self.world.add(self.world.drop / f"{name}-{vers}.crate", restore=True)
            self._note(name)

    def _note(self, name: str) -> None:
        path = f"index/{index_path(name)}"
        self.contents[path].append(self.world.read(path))


class Client:
    """A client of one server, which keeps what it was given."""

    def __init__(self, server: str, url: str, registry: Registry) -> None:
        self.server = server
        self._url = url
        self._registry = registry
        self._kept: dict[str, tuple[bytes, dict[str, str]]] = {}
        self.asked: list[Asked] = []
        self.missing: list[str] = []
        self.answers: Counter[int] = Counter()

    def ask(self, path: str) -> bytes:
        """Ask for an index file, and give what it is taken to be."""
        known = len(self._registry.contents[path])
        content, headers = self._kept.get(path, (b"", {}))
        answer = get(self._url + path, **headers)
        self.answers[answer.status] += 1
        if answer.status == 200:
            given = {"If_None_Match": answer.headers["ETag"], "If_Modified_Since": answer.headers["Last-Modified"]}
            content = answer.content
            self._kept[path] = (content, {name: value for name, value in given.items() if value})
        elif answer.status != 304:
            self.missing.append(f"{self.server}: {path}: {answer.status}")
        self.asked.append(Asked(self.server, path, known, content))
        return content

    def download(self, content: bytes) -> None:
        """Ask for the archive of the first release in an index file, as who has resolved it does."""
        for line in parse_index(content).releases[:1]:
            path = f"crates/{line.name}/{line.cksum}.crate"
            answer = get(self._url + path)
            self.answers[answer.status] += 1
            if answer.status != 200:
                self.missing.append(f"{self.server}: {path}: {answer.status}")


def wrong(registry: Registry, asked: Asked) -> str | None:
    """Say what is wrong with an answer: it is no content that the file ever had, or none that it had since then."""
    contents = registry.contents[asked.path]
    if asked.content not in contents:
        return f"{asked.server}: {asked.path} torn"
    if asked.content not in contents[asked.known - 1 :]:
        return f"{asked.server}: {asked.path} stale"
    return None


@contextmanager
def servers(root: Path) -> Iterator[dict[str, str]]:
    """Serve a folder by nginx, Caddy and Python's http.server, and give their URLs."""
    with ExitStack() as stack:
        nginx = stack.enter_context(Nginx(root))
        port = free_port()
        command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(root)]
        python = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        stack.callback(python.terminate)
        urls = {
            "nginx": nginx.url,
            "Caddy": stack.enter_context(caddy(root, SITE)),
            "http.server": f"http://127.0.0.1:{port}/",
        }
        until_answers(urls["http.server"])
        yield urls


def until_answers(url: str) -> None:
    """Wait until a server that was started takes connections."""
    end = time.monotonic() + 30
    while True:
        try:
            get(url)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


def copied(registry: Registry, copy: Path) -> list[str]:
    """Copy the index by rsync's quick check, while nobody changes it, and give the files that are not the same then."""
    command = [need("rsync"), "-a", "--delete", f"{registry.world.tree}/index/", f"{copy}/"]
    subprocess.run(command, check=True)
    return [path for path in PATHS if (copy / path.removeprefix("index/")).read_bytes() != registry.world.read(path)]


def polled(folder: Path, seconds: float) -> dict[str, object]:
    """Change a registry for so many seconds while clients ask, and give what was counted and found."""
    registry, over, differing, copies = Registry(folder), Event(), list[str](), 0
    chance = random.Random(1)
    with servers(registry.world.tree) as urls:
        clients = [Client(name, url, registry) for name, url in urls.items()]
        threads = [Thread(target=_poll, args=(client, over.is_set)) for client in clients]
        for thread in threads:
            thread.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            registry.change(chance.choice(("add", "yank", "remove")), chance.choice(NAMES))
            if registry.changes % 5 == 0:
                differing += copied(registry, folder / "copy")
                copies += 1
        over.set()
        for thread in threads:
            thread.join()
    told = [said for client in clients for asked in client.asked if (said := wrong(registry, asked))]
    answers = sum((client.answers for client in clients), Counter[int]())
    return {
        "changes of a crate": registry.changes,
        "contents of index files": sum(map(len, registry.contents.values())),
        "answers": answers.total(),
        "of these 304": answers[304],
        "copies by rsync": copies,
        "torn or stale answers": sorted(set(told)),
        "index files and archives that did not come": sorted({said for client in clients for said in client.missing}),
        "files that a copy had otherwise": sorted(set(differing)),
    }


def _poll(client: Client, is_over: Callable[[], bool]) -> None:
    while not is_over():
        for path in PATHS:
            client.download(client.ask(path))


def main() -> None:
    """Poll, and print the figures; ends with 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=180)
    given = parser.parse_args()
    with open_folder() as folder:
        figures = polled(folder, given.seconds)
    print(json.dumps(figures))
    sys.exit(any(isinstance(value, list) and value for value in figures.values()))


if __name__ == "__main__":
    main()
