"""What the endpoint must hold through: kills, many hands on one tree, large uploads and passes beside, crowds.

    python -m tests.server.hold kills --count 36
    python -m tests.server.hold hands --crates 200
    python -m tests.server.hold beside --mib 100 --crates 10000
    python -m tests.server.hold crowd --connections 400

The last line that is printed is a JSON object of what was counted; times are milliseconds.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from threading import Event

from tests.cli.program import PROGRAM, environment, run
from tests.crates import crate
from tests.server.client import Answer, Client, body_of
from tests.server.serving import Served
from tests.servers import free_port

Figures = dict[str, object]
NEW = "/api/v1/crates/new"


def kills(folder: Path, count: int, seed: int = 1) -> Figures:
    """Kill the endpoint while four clients publish, again and again: what was answered with 200 must be there."""
    served, chance = Served(folder), random.Random(seed)
    client = Client(served.url, served.token())
    answered: set[str] = set()
    for turn in range(count):
        process = served.start("--publish")
        with ThreadPoolExecutor(4) as clients:
            for hand in range(4):
                clients.submit(_publish_until_refused, client, f"hand{hand}", turn, answered)
            wanted, end = len(answered) + chance.randrange(1, 8), time.monotonic() + 30
            while len(answered) < wanted and time.monotonic() < end:
                time.sleep(0.002)
            time.sleep(chance.uniform(0.0, 0.05))
            process.send_signal(signal.SIGKILL)
            process.wait()
    with served.running("--publish"):
        client.publish(crate("last")).ok()
    _is_whole(served, answered)
    return {"kills": count, "answered": len(answered)}


def _publish_until_refused(client: Client, name: str, turn: int, answered: set[str]) -> None:
    """Publish version after version to two crates, one of one's own and one of all, until nobody answers."""
    for number in range(1000):
        for each in (crate(name, f"{turn}.0.{number}"), crate("shared", f"{turn}.{name[-1]}.{number}")):
            try:
                client.publish(each).ok()
            except (OSError, AssertionError):
                return
            answered.add(f"{each.name}@{each.version}")


def _is_whole(served: Served, wanted: set[str]) -> None:
    held = set(served.run("list").ok().split())
    assert wanted <= held, f"answered, and lost: {sorted(wanted - held)}"
    done = served.run("verify")
    assert done.code == 0, done.out + done.err


def hands(folder: Path, crates: int) -> Figures:
    """Publish by two endpoints, a watcher in one of them, and commands, on one tree: nothing may be lost."""
    first = Served(folder)
    token = first.token()
    other, bind = Client(f"http://127.0.0.1:{(port := free_port())}/", token), f"127.0.0.1:{port}"
    (folder / "drop").mkdir()
    (folder / "named").mkdir()
    with first.running("--publish", "--watch"), _second(first, "--bind", bind, "--state", "other-state"):
        clients = (Client(first.url, token), other)
        with ThreadPoolExecutor(4) as pool:
            sent = [
                pool.submit(clients[number % 2].publish, crate(name, f"1.0.{number}"))
                for number in range(crates)
                for name in ("shared", f"web{number % 3}")
            ]
            for number in range(crates // 10):
                crate("dropped", f"1.0.{number}").write(folder / "drop")
                first.run("add", crate("named", f"1.0.{number}").write(folder / "named")).ok()
            for each in sent:
                each.result().ok()
        until_held(first, f"dropped@1.0.{crates // 10 - 1}")
    first.run("build").ok()  # lists may be behind where writers have states of their own, until the next pass
    wanted = {f"{name}@1.0.{number}" for number in range(crates) for name in ("shared", f"web{number % 3}")}
    wanted |= {f"{name}@1.0.{number}" for number in range(crates // 10) for name in ("dropped", "named")}
    _is_whole(first, wanted)
    return {"published": len(sent), "dropped_and_added": 2 * (crates // 10)}


@contextmanager
def _second(served: Served, *options: str) -> Iterator[None]:
    """Run another endpoint on the same tree, with a state of its own."""
    command = [*PROGRAM, "serve", "--publish", *options]
    with subprocess.Popen(command, cwd=served.folder, env=environment(), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.terminate()


def until_held(served: Served, release: str) -> None:
    """Wait until a release is held."""
    end = time.monotonic() + 60
    while release not in served.run("list").ok().split():
        assert time.monotonic() < end, f"{release} is not held"
        time.sleep(0.1)


def beside(folder: Path, mib: int, crates: int) -> Figures:
    """Read and publish small crates while a large one uploads and is checked, and while another process has a pass."""
    served = Served(folder, "[limits]\npacked-bytes = 209715200\n")
    client = Client(served.url, served.token())
    with served.running("--publish"):
        client.publish(crate("small", "0.0.0")).ok()
        alone = _while(client, "alone", lambda: time.sleep(1))
        large = crate("large").file("noise", os.urandom(mib << 20)).compressed(0)
        during = _while(client, "upload", lambda: client.publish(large).ok())
        (folder / "drop").mkdir()
        for number in range(crates):
            crate(f"passed{number:05}").write(folder / "drop")
        passing = _while(client, "pass", lambda: run("build", cwd=folder, patience=900).ok())
    _is_whole(served, {"large@1.0.0"})
    return {"alone": alone, "while_a_large_one_comes": during, "while_a_pass_goes_on": passing}


def _while(client: Client, name: str, work: Callable[[], object]) -> Figures:
    done, begun = Event(), time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        working.add_done_callback(lambda _: done.set())
        found = _tried(client, name, done)
        working.result()
    return {"seconds": round(time.monotonic() - begun, 1), **found}


def _tried(client: Client, name: str, done: Event) -> Figures:
    """Read and publish in turn until something is done, and say how long the slowest of each took."""
    reads: list[float] = []
    publishes: list[float] = []
    while not (reads and done.is_set()):
        each = crate(f"small-{name}", f"1.0.{len(reads)}")
        reads.append(_timed(partial(client.ask, "GET", "/index/sm/al/small")))
        publishes.append(_timed(partial(client.publish, each)))
    return {"reads": _figures(reads), "publishes": _figures(publishes)}


def _timed(ask: Callable[[], Answer]) -> float:
    begun = time.monotonic()
    ask().ok()
    return (time.monotonic() - begun) * 1000


def _figures(times: list[float]) -> Figures:
    return {"count": len(times), "median": round(statistics.median(times), 1), "most": round(max(times), 1)}


def crowd(folder: Path, connections: int) -> Figures:
    """Open many idle and slow connections, claim gigabytes, send nonsense: memory stays, and the next is served."""
    served = Served(folder)
    token = served.token()
    client = Client(served.url, token)
    head = f"PUT {NEW} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
    body = body_of(crate("slow"))
    with served.running("--publish") as process, ExitStack() as stack:
        client.publish(crate("before")).ok()
        _nonsense(client, head, 20)
        before = _memory(process.pid)
        for number in range(connections):
            connection = stack.enter_context(client.socket())
            if number % 2:
                connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[: number % 200])
        _nonsense(client, head, connections)
        assert client.ask("GET", "/index/be/fo/before").status == 200
        after = _memory(process.pid)
    return {"connections": connections, "mib_before": before, "mib_after": after}


def _nonsense(client: Client, head: str, count: int) -> None:
    """Send what is no publish, again and again; each is an error, and none is waited for."""
    wrong = (
        (b"Content-Length: 9000000000\r\n\r\n", b"HTTP/1.1 413 "),
        (b"Content-Length: 12\r\n\r\n\xff\xff\xff\xff12345678", b"HTTP/1.1 413 "),
        (b"Content-Length: 12\r\n\r\n\x04\x00\x00\x00{{{{\x00\x00\x00\x00", b"HTTP/1.1 400 "),
        (b"Transfer-Encoding: chunked\r\n\r\n4\r\n\x00\x00\x00\x00\r\n0\r\n\r\n", b"HTTP/1.1 400 "),
        (b"Content-Length: abc\r\n\r\n", b"HTTP/1.1 400 "),
    )
    for number in range(count):
        sent, status = wrong[number % len(wrong)]
        with client.socket() as connection:
            connection.sendall(head.encode() + sent)
            answer = connection.makefile("rb").readline()
            assert answer.startswith(status), (sent, answer)


def _memory(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return round(int(status.partition("VmRSS:")[2].split()[0]) / 1024, 1)


def main() -> int:
    """Run one of them, and print what was counted."""
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    for name, options in {
        "kills": {"count": 36},
        "hands": {"crates": 200},
        "beside": {"mib": 100, "crates": 10_000},
        "crowd": {"connections": 400},
    }.items():
        command = commands.add_parser(name)
        for option, default in options.items():
            command.add_argument(f"--{option}", type=int, default=default)
    given = vars(parser.parse_args())
    runs: dict[str, Callable[..., Figures]] = {"kills": kills, "hands": hands, "beside": beside, "crowd": crowd}
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(runs[given.pop("command")](Path(folder), **given)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
