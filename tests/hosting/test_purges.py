"""The scripts that purge CDNs: run as they are printed, against servers that note what they are asked."""

import json
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from msgspec import Struct

from tests.cli.program import environment, run
from tests.tools import need

BASE = "https://crates.example.com/"
INVALIDATION = """<?xml version="1.0"?>
<Invalidation xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Id>I1</Id><Status>Completed</Status>
<CreateTime>2026-01-01T00:00:00Z</CreateTime><InvalidationBatch><Paths><Quantity>0</Quantity></Paths>
<CallerReference>x</CallerReference></InvalidationBatch></Invalidation>"""


class Asked(Struct, frozen=True):
    method: str
    path: str
    headers: Mapping[str, str]
    body: str


@contextmanager
def cdn() -> Iterator[tuple[str, list[Asked]]]:
    """Serve what takes every request of a purge, and give its address and what it was asked."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            asked.append(Asked(self.command, self.path, dict(self.headers.items()), body))
            content = INVALIDATION.encode() if "invalidation" in self.path else b"{}"
            self.send_response(201 if "invalidation" in self.path and self.command == "POST" else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def purge(
    folder: Path, cdn_name: str, env: Mapping[str, str], *arguments: str, heard: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run the script that is printed for a CDN."""
    script = folder / "purge.sh"
    script.write_text(run("hosting", f"purge-{cdn_name}", "--base-url", BASE, cwd=folder).ok())
    command = ["sh", str(script), *arguments]
    return subprocess.run(command, env=environment(env), input=heard, capture_output=True, text=True, check=False)


def urls(folder: Path, number: int) -> str:
    """Write a file of so many changed URLs, some twice."""
    file = folder / "changed"
    lines = [f"{BASE}crates/Foo-{each}/index.html" for each in range(number)]
    file.write_text("\n".join([*lines, lines[0], f"{BASE}index/fo/o-/foo-0", f"{BASE}index.html"]) + "\n")
    return str(file)


def test_cloudflare_hears_of_30_urls_at_a_time(tmp_path: Path) -> None:
    with cdn() as (api, asked):
        env = {"CLOUDFLARE_API": api, "ZONE_ID": "zone", "API_TOKEN": "secret"}
        ended = purge(tmp_path, "cloudflare", env, urls(tmp_path, 64))
    assert ended.returncode == 0, ended.stderr
    told = [json.loads(each.body)["files"] for each in asked]
    assert [len(each) for each in told] == [30, 30, 6]
    assert len({url for each in told for url in each}) == 66
    assert {(each.path, each.headers["Authorization"]) for each in asked} == {
        ("/zones/zone/purge_cache", "Bearer secret")
    }


def test_fastly_hears_of_the_crates_by_tag(tmp_path: Path) -> None:
    with cdn() as (api, asked):
        env = {"FASTLY_API": api, "SERVICE_ID": "service", "API_TOKEN": "secret"}
        ended = purge(tmp_path, "fastly", env, urls(tmp_path, 300))
    assert ended.returncode == 0, ended.stderr
    tags = [each.headers["Surrogate-Key"].split() for each in asked]
    assert [len(each) for each in tags] == [256, 45]
    assert {tag for each in tags for tag in each} == {*(f"crate:foo-{each}" for each in range(300)), "pages"}
    assert {(each.path, each.headers["Fastly-Key"]) for each in asked} == {("/service/service/purge", "secret")}


def test_cloudfront_hears_of_paths_and_is_waited_for(tmp_path: Path) -> None:
    with cdn() as (api, asked):
        env = {
            "AWS_ENDPOINT_URL": api,
            "DISTRIBUTION_ID": "E1",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "PATH": f"{Path(need('aws')).parent}:{environment({})['PATH']}",
        }
        ended = purge(tmp_path, "cloudfront", env, urls(tmp_path, 2))
    assert ended.returncode == 0, ended.stderr
    created, waited = asked
    assert created.path.endswith("/distribution/E1/invalidation")
    assert all(f"<Path>/{path}</Path>" in created.body for path in ("crates/Foo-0/index.html", "index/fo/o-/foo-0"))
    assert created.body.count("<Path>") == 4
    assert waited.path.endswith("/distribution/E1/invalidation/I1")


@pytest.mark.parametrize("changed", [[], [f"{BASE}index/3/f/foo"]])
def test_what_on_change_tells_is_purged_too(tmp_path: Path, changed: list[str]) -> None:
    heard = json.dumps({"changed": [{"path": "x", "urls": [url], "deleted": False} for url in changed]})
    with cdn() as (api, asked):
        env = {"CLOUDFLARE_API": api, "ZONE_ID": "zone", "API_TOKEN": "secret"}
        ended = purge(tmp_path, "cloudflare", env, heard=heard)
    assert ended.returncode == 0, ended.stderr
    assert [url for each in asked for url in json.loads(each.body)["files"]] == changed


def test_a_purge_that_fails_ends_otherwise_than_with_0_so_that_it_is_told_again(tmp_path: Path) -> None:
    env = {"CLOUDFLARE_API": "http://127.0.0.1:1", "ZONE_ID": "zone", "API_TOKEN": "secret"}
    assert purge(tmp_path, "cloudflare", env, urls(tmp_path, 1)).returncode != 0
