"""Endings: by SIGKILL, after which what was answered stands, and by SIGTERM, before which what was accepted is done."""

import signal
import subprocess
import threading
from pathlib import Path

from tests.cli.program import run
from tests.crates import crate
from tests.server.client import Client, body_of
from tests.server.serving import Served, until


def test_what_was_answered_survives_a_kill_and_the_rest_is_there_wholly_or_not(tmp_path: Path) -> None:
    served = Served(tmp_path)
    token = served.token()
    answered: list[int] = []

    def publish_until_killed(process: subprocess.Popen[bytes]) -> None:
        client = Client(served.url, token)
        for number in range(1000):
            try:
                client.publish(crate("foo", f"1.0.{number}")).ok()
            except (OSError, AssertionError):
                return
            answered.append(number)
            if number == 3:
                process.send_signal(signal.SIGKILL)

    log = tmp_path / "serve.log"
    process = served.start("--publish")
    publish_until_killed(process)
    process.wait()
    assert "Serving" in log.read_text()
    held = run("list", "foo", cwd=tmp_path).ok().split()
    assert held[: len(answered)] == [f"foo@1.0.{number}" for number in answered]
    with served.running("--publish"):
        client = Client(served.url, token)
        client.publish(crate("foo", "1.0.999")).ok()
    assert run("verify", cwd=tmp_path).code == 0


def test_an_upload_that_was_accepted_is_finished_after_sigterm(tmp_path: Path) -> None:
    served = Served(tmp_path)
    token = served.token()
    body = body_of(crate("foo"))
    with served.running("--publish") as process:
        client = Client(served.url, token)
        head = (
            f"PUT /api/v1/crates/new HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Length: {len(body)}\r\n"
        )
        with client.socket() as connection:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:-10])
            until(lambda: client.ask("GET", "/live").status == 200)
            threading.Timer(0.3, connection.sendall, [body[-10:]]).start()
            process.terminate()
            assert connection.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"
        assert process.wait(timeout=30) == 0
    assert run("list", "foo", cwd=tmp_path).ok() == "foo@1.0.0\n"


def test_a_second_signal_ends_an_upload_that_would_be_waited_for(tmp_path: Path) -> None:
    served = Served(tmp_path)
    token, body = served.token(), body_of(crate("foo"))
    patient = {"CARGO_STATIC_INDEX_SERVE_REQUEST_TIMEOUT": "10m"}
    with served.running("--publish", "--grace", "10m", env=patient) as process:
        client = Client(served.url, token)
        head = f"PUT /api/v1/crates/new HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
        with client.socket() as connection:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:-10])
            until(lambda: client.ask("GET", "/live").status == 200)
            process.terminate()
            until(lambda: not listens(client))
            assert process.poll() is None
            process.terminate()
            assert process.wait(timeout=60) == 0
    run("verify", cwd=tmp_path).ok()


def listens(client: Client) -> bool:
    try:
        client.socket().close()
    except OSError:
        return False
    return True
