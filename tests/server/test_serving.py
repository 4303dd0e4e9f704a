"""What `serve` answers to those who read: the tree, config.json, health; and connections that do not behave."""

import gzip
import socket
import subprocess
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.cli.program import PROGRAM, environment, run
from tests.crates import crate
from tests.server.client import Answer, Client
from tests.server.serving import Served
from tests.servers import free_port


def test_config_json_names_the_address_that_was_asked(alice: Client, endpoint: Served) -> None:
    found = alice.ask("GET", "/index/config.json").json()
    assert found == {"dl": f"{endpoint.url}crates/{{crate}}/{{sha256-checksum}}.crate", "api": endpoint.url.rstrip("/")}
    other = alice.ask("GET", "/index/config.json", Host="crates.example.com", X_Forwarded_Proto="https").json()
    assert other["api"] == "https://crates.example.com"


@pytest.mark.case(89)
@pytest.mark.case(93)
def test_index_files_have_strong_tags_conditions_ranges_and_gzip(alice: Client) -> None:
    for number in range(8):
        alice.publish(crate("tagged", f"1.0.{number}")).ok()
    whole = alice.ask("GET", "/index/ta/gg/tagged").ok()
    tag = whole.headers["ETag"]
    assert (tag[0], whole.headers["Cache-Control"], whole.headers["Content-Type"]) == (
        '"',
        "no-cache",
        "text/plain; charset=utf-8",
    )
    assert alice.ask("GET", "/index/ta/gg/tagged", If_None_Match=tag).status == 304
    assert alice.ask("GET", "/index/ta/gg/tagged", If_None_Match=f'W/{tag}, "x"').status == 304
    assert alice.ask("GET", "/index/ta/gg/tagged", If_None_Match='"x"').status == 200
    since = whole.headers["Last-Modified"]
    assert alice.ask("GET", "/index/ta/gg/tagged", If_Modified_Since=since).status == 304
    assert alice.ask("GET", "/index/ta/gg/tagged", If_Modified_Since="yesterday").status == 200
    part = alice.ask("GET", "/index/ta/gg/tagged", Range="bytes=2-5")
    assert (part.status, part.content) == (206, whole.content[2:6])
    assert part.headers["Content-Range"] == f"bytes 2-5/{len(whole.content)}"
    assert alice.ask("GET", "/index/ta/gg/tagged", Range="bytes=-3").content == whole.content[-3:]
    assert alice.ask("GET", "/index/ta/gg/tagged", Range="bytes=999999-").status == 416
    packed = alice.ask("GET", "/index/ta/gg/tagged", Accept_Encoding="gzip")
    assert gzip.decompress(packed.content) == whole.content
    assert packed.headers["ETag"] != tag
    assert alice.ask("GET", "/index/ta/gg/tagged", If_None_Match=packed.headers["ETag"]).status == 304
    head = alice.ask("HEAD", "/index/ta/gg/tagged")
    assert (head.content, head.headers["Content-Length"]) == (b"", str(len(whole.content)))
    alice.yank("tagged", "1.0.0").ok()
    assert alice.ask("GET", "/index/ta/gg/tagged", If_None_Match=tag).status == 200


@pytest.mark.case(93)
def test_archives_are_immutable_and_never_encoded(alice: Client) -> None:
    foo = crate("archived").file("README.md", "text " * 1000)
    alice.publish(foo).ok()
    path = f"/crates/archived/{foo.cksum()}.crate"
    found = alice.ask("GET", path, Accept_Encoding="gzip").ok()
    assert (found.content, found.headers["Content-Encoding"]) == (foo.build(), None)
    assert found.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert alice.ask("GET", path, If_None_Match=found.headers["ETag"]).status == 304
    assert alice.ask("GET", path, Range="bytes=0-3").content == foo.build()[:4]


@pytest.mark.case(90)
@pytest.mark.case(91)
@pytest.mark.case(92)
@pytest.mark.parametrize(
    "path",
    ["/index/no/wh/nowhere", "/index/NO/wh/x", "/index/config.json/", "/index/..%2ftree.json", "/..%2f..%2fetc/passwd",
     "/crates/x/" + "0" * 64 + ".crate", "/.cargo-static-index-stage/x", "/nowhere.html", "/%00", "/index/no/"],
)  # fmt: skip
def test_what_is_missing_is_404_and_not_stored(alice: Client, path: str) -> None:
    found = alice.ask("GET", path)
    assert (found.status, found.headers["Cache-Control"]) == (404, "no-store")
    assert (found.content == b"") is (path.startswith("/index/") or path.endswith(".crate"))


def test_health_says_what_can_be_done_and_metrics_count(alice: Client) -> None:
    alice.publish(crate("counted")).ok()
    alice.publish(crate("counted").file("README.md", "other")).failed(409)
    for path in ("/live", "/ready", "/ready/publish"):
        assert alice.ask("GET", path).status == 200, path
    found = alice.ask("GET", "/metrics").ok().content.decode()
    assert 'cargo_static_index_requests_total{route="publish",status="200"}' in found
    assert 'cargo_static_index_refusals_total{rule="release-conflict"}' in found
    assert "cargo_static_index_releases " in found
    assert "alice" not in found


def test_a_private_registry_asks_for_a_token_first_and_serves_as_it_is_where_told(tmp_path: Path) -> None:
    admin = free_port()
    served = Served(tmp_path, "auth-required = true\n")
    served.tokens["alice"] = served.token()
    served.tokens["writer"] = served.token("writer", "--scope", "publish-new")
    with served.running("--publish", "--as-is", "--admin-bind", f"127.0.0.1:{admin}"):
        stranger, alice = served.client(), served.client("alice")
        for path in ("/index/config.json", "/index/no/wh/nowhere", "/", "/api/v1/auth"):
            refused = stranger.ask("GET", path).failed(401, "this needs a token")
            assert refused.headers["WWW-Authenticate"].endswith(f', Cargo login_url="{served.url}me"')
        assert stranger.ask("GET", "/me").status == 200
        assert served.client("writer").ask("GET", "/index/config.json").status == 403
        found = alice.ask("GET", "/index/config.json").ok()
        assert found.content == (served.tree / "index/config.json").read_bytes()
        assert found.json()["auth-required"] is True
        assert alice.ask("GET", "/api/v1/auth").status == 204
        assert alice.ask("GET", "/live").status == 404
        watcher = Client(f"http://127.0.0.1:{admin}/")
        assert (watcher.ask("GET", "/ready").status, watcher.ask("GET", "/index/config.json").status) == (200, 404)


def in_time(ask: Callable[[], Answer]) -> Answer:
    """Ask until one comes in time: on a busy machine this client is at times as slow as those that are sent away."""
    end = time.monotonic() + 60
    while True:
        try:
            if (answer := ask()).status != HTTPStatus.REQUEST_TIMEOUT or time.monotonic() > end:
                return answer
        except ConnectionError:
            if time.monotonic() > end:
                raise


def test_slow_requests_end_and_others_are_served_meanwhile(tmp_path: Path) -> None:
    served = Served(tmp_path, "[publish]\nuploads = 2\n")
    token = served.token()
    env = {"CARGO_STATIC_INDEX_SERVE_IDLE_TIMEOUT": "300ms", "CARGO_STATIC_INDEX_SERVE_REQUEST_TIMEOUT": "600ms"}
    with served.running("--publish", env=env):
        client = Client(served.url, token)
        idle, slow = [client.socket() for _ in range(50)], [client.socket() for _ in range(50)]
        head = f"PUT /api/v1/crates/new HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Length: 100\r\n\r\n"
        for connection in slow:
            connection.sendall(head.encode() + b"\x01")
        assert in_time(lambda: client.ask("GET", "/index/config.json")).status == 200
        begun = time.monotonic()
        assert all(connection.recv(100) == b"" for connection in idle)
        assert slow[0].recv(100).startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - begun < 20
        for connection in (*idle, *slow):
            connection.close()
        in_time(lambda: client.publish(crate("after"))).ok()


def ask_unix(path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(b"GET /index/config.json HTTP/1.1\r\nHost: crates.example.com\r\nConnection: close\r\n\r\n")
        return connection.makefile("rb").read()


def test_a_unix_socket_is_served_and_who_connects_to_it_believed(tmp_path: Path) -> None:
    served = Served(tmp_path)
    with served.running("--publish", "--bind", str(tmp_path / "s")):
        assert b'"api": "http://crates.example.com"' in ask_unix(tmp_path / "s")


def test_a_socket_that_systemd_hands_over_is_taken(tmp_path: Path) -> None:
    Served(tmp_path)
    (tmp_path / "drop").mkdir()
    run("build", cwd=tmp_path).ok()
    command = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&0 0</dev/null'
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        argv = ["sh", "-c", command, "sh", *PROGRAM, "serve"]
        given, env = listener.fileno(), environment()
        with subprocess.Popen(argv, cwd=tmp_path, env=env, stdin=given, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert str(tmp_path / "s").encode() in process.stdout.readline()
            assert b'"dl": "http://crates.example.com/crates/' in ask_unix(tmp_path / "s")
            process.terminate()
        assert process.returncode == 0


def test_elsewhere_than_on_loopback_it_starts_only_with_an_address_and_a_token(tmp_path: Path) -> None:
    command = ("serve", "--publish", "--bind", "0.0.0.0:0")
    run(*command, cwd=tmp_path).failed(2, "needs the URL that cargo shall use", "--publish-url")
    run(*command, "--publish-url", "https://x.example", cwd=tmp_path).failed(2, "needs a token", "token create")


def test_who_offers_http_2_is_answered_without_it_and_nothing_is_said_of_that(alice: Client, endpoint: Served) -> None:
    settings = "AAMAAABkAAQAoAAAAAIAAAAA"
    said = alice.ask(
        "GET", "/index/config.json", Connection="Upgrade, HTTP2-Settings", Upgrade="h2c", HTTP2_Settings=settings
    )
    assert said.status == 200
    assert "upgrade" not in (endpoint.folder / "serve.log").read_text().lower()
