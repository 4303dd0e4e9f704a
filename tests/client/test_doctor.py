"""`doctor` against servers that are misconfigured on purpose, each in one of the ways that registries are."""

import gzip
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

from cargo_static_index.client.config import CargoConfig, RemoteRegistry
from cargo_static_index.client.doctor import Diagnosis, diagnose
from tests.buckets import liar, moto
from tests.cli.program import run
from tests.crates import crate
from tests.servers import Nginx, open_folder
from tests.world import World

FOO = crate("foo").build()
CKSUM = hashlib.sha256(FOO).hexdigest()
LINE = json.dumps(
    {"name": "foo", "vers": "1.0.0", "deps": [], "cksum": CKSUM, "features": {}, "yanked": False}
).encode()
TOKEN = "secret"


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    content: bytes


Wrong = Callable[[str, dict[str, str], Reply], Reply]
"""Changes the right reply to a request for a path with these headers."""


def right(path: str, headers: dict[str, str], base: str) -> Reply:
    """What a good registry answers."""
    if path == "/index/config.json":
        return Reply(200, {}, json.dumps({"dl": f"{base}/dl/{{sha256-checksum}}"}).encode())
    if path == "/index/3/f/foo":
        etag = '"1"'
        unchanged = headers.get("if-none-match") == etag
        return Reply(304 if unchanged else 200, {"ETag": etag, "Cache-Control": "no-cache"}, LINE + b"\n")
    if path == f"/dl/{CKSUM}":
        return Reply(200, {}, FOO)
    return Reply(404, {"Cache-Control": "no-store"}, b"")


@contextmanager
def serving(wrong: Wrong) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            base = f"http://127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]
            status, more, content = wrong(self.path, headers, right(self.path, headers, base))
            self.send_response_only(status)
            self.send_header("Date", more.pop("Date", formatdate(usegmt=True)))
            self.send_header("Content-Length", str(len(content)))
            for name, value in more.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def found(wrong: Wrong, *, name: str = "foo", token: str = "") -> list[Diagnosis]:
    environment = {"CARGO_HOME": "/nowhere", **({"CARGO_REGISTRIES_X_TOKEN": token} if token else {})}
    with serving(wrong) as base:
        registry = RemoteRegistry(name="x", index=f"sparse+{base}/index/")
        return list(diagnose(registry, CargoConfig(Path("/"), environment), name))


def on(part: str, change: Callable[[Reply], Reply]) -> Wrong:
    """Change the replies whose path has this part."""
    return lambda path, _, reply: change(reply) if part in path else reply


def config(**keys: object) -> Wrong:
    def change(reply: Reply) -> Reply:
        return reply._replace(content=json.dumps({**json.loads(reply.content), **keys}).encode())

    return on("config.json", change)


def status(part: str, number: int, **headers: str) -> Wrong:
    return on(part, lambda _: Reply(number, {name.replace("_", "-"): text for name, text in headers.items()}, b""))


def content(part: str, change: Callable[[bytes], bytes], **headers: str) -> Wrong:
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return on(part, lambda reply: Reply(reply.status, {**reply.headers, **more}, change(reply.content)))


def headers(part: str, **changed: str | None) -> Wrong:
    def change(reply: Reply) -> Reply:
        named = {name.replace("_", "-"): value for name, value in changed.items()}
        kept = {name: value for name, value in {**reply.headers, **named}.items() if value is not None}
        return reply._replace(headers=kept)

    return on(part, change)


def private(*, challenge: bool = True, said: bool = True, refuses: int = 401, accepts: str = TOKEN) -> Wrong:
    def wrong(path: str, asked: dict[str, str], reply: Reply) -> Reply:
        if asked.get("authorization") != accepts:
            return Reply(refuses, {"WWW-Authenticate": 'Cargo login_url="https://x"'} if challenge else {}, b"")
        return config(**{"auth-required": True})(path, asked, reply) if said else reply

    return wrong


WRONG: dict[str, tuple[Wrong, str, str]] = {
    "no config.json": (status("config.json", 404), "fault", "it answers 404"),
    "config.json is no JSON": (content("config.json", lambda _: b"<html>"), "fault", "config.json:"),
    "dl is no address": (config(dl="crates/"), "fault", "config.json: "),
    "api is no address": (config(api="crates.example.com"), "fault", "config.json: "),
    "403 for what is missing": (status("absent", 403), "fault", "answers 403, and cargo stops"),
    "a page for what is missing": (status("absent", 200), "fault", "answers 200"),
    "410 for what is missing": (status("absent", 410), "warning", "answers 410"),
    "500 for what is missing": (status("absent", 500), "fault", "answers 500"),
    "404 is kept": (status("absent", 404, Cache_Control="max-age=300"), "warning", "stays hidden"),
    "an index file is missing": (status("/f/foo", 404), "fault", "the index file of foo answers 404"),
    "an index file is a page": (content("/f/foo", lambda _: b"<html></html>\n"), "fault", "it is an HTML page"),
    "no newline at its end": (content("/f/foo", lambda text: text.rstrip()), "warning", "does not end in a newline"),
    "a line that cargo cannot read": (content("/f/foo", lambda text: b"{}\n" + text), "warning", "cannot read line 1"),
    "another spelling": (content("/f/foo", lambda text: text.replace(b"foo", b"Foo")), "fault", "lines of 'Foo'"),
    "brotli": (content("/f/foo", lambda text: text, Content_Encoding="br"), "fault", "Content-Encoding br"),
    "it says gzip": (content("/f/foo", lambda text: text, Content_Encoding="gzip"), "fault", "and is not"),
    "no ETag": (headers("/f/foo", ETag=None), "warning", "neither ETag nor Last-Modified"),
    "only a date": (headers("/f/foo", ETag=None, Last_Modified=formatdate(0)), "warning", "counts whole seconds"),
    "never 304": (on("/f/foo", lambda reply: reply._replace(status=200)), "warning", "where nothing changed"),
    "the index is kept": (headers("/f/foo", Cache_Control="max-age=600"), "warning", "kept for 600 seconds"),
    "an old copy": (headers("/f/foo", Age="900"), "warning", "kept for 900 seconds"),
    "no archive": (status("/dl/", 404), "fault", "the archive of foo 1.0.0 answers 404"),
    "another archive": (content("/dl/", lambda _: b"other"), "fault", "not the SHA-256"),
    "an encoded archive": (content("/dl/", gzip.compress, Content_Encoding="gzip"), "fault", "Content-Encoding gzip"),
    "a wrong clock": (headers("config.json", Date=formatdate(time.time() - 4000, usegmt=True)), "warning", "its clock"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_what_mends_it(name: str) -> None:
    wrong, level, says = WRONG[name]
    told = found(wrong)
    assert [(each.level, says in each.says, bool(each.mend)) for each in told if says in each.says][:1] == [
        (level, True, True)
    ], told


def test_of_a_good_registry_nothing_is_told() -> None:
    assert found(lambda _path, _headers, reply: reply) == []
    packed = content("/f/foo", gzip.compress, Content_Encoding="gzip")
    assert found(packed) == []


def test_addresses_that_hold_the_version_or_a_doubled_slash_are_told() -> None:
    for dl, says in (("{base}//dl/{{sha256-checksum}}", "a doubled slash"), ("{base}/{{version}}", "hold the version")):

        def wrong(path: str, asked: dict[str, str], reply: Reply, dl: str = dl) -> Reply:
            base = f"http://{asked['host']}"
            return config(dl=dl.format(base=base))(path, asked, reply)

        assert any(says in each.says for each in found(wrong))


def test_a_private_registry_is_asked_as_cargo_asks() -> None:
    assert found(private(), token=TOKEN) == []
    cases: list[tuple[Wrong, str, str]] = [
        (private(), "", "it asks for a token, and there is none"),
        (private(), "wrong", "it refuses the token"),
        (private(refuses=403), TOKEN, "cargo sends one only after 401"),
        (private(challenge=False), TOKEN, "does not say where a token comes from"),
        (private(said=False), TOKEN, "downloads go without one"),
    ]
    for wrong, token, says in cases:
        told = found(wrong, token=token)
        assert any(says in each.says for each in told), (says, told)


def test_a_url_has_the_token_of_its_name(tmp_path: Path) -> None:
    with serving(private()) as base:
        index = f"sparse+{base}/index/"
        env = {"CARGO_HOME": str(tmp_path), "CARGO_REGISTRY_TOKEN": TOKEN}
        assert "there is none" in run("doctor", index, cwd=tmp_path, env=env).out
        named = {"CARGO_REGISTRIES_ACME_INDEX": index, "CARGO_REGISTRIES_ACME_TOKEN": TOKEN}
        assert "there is none" not in run("doctor", index, cwd=tmp_path, env=env | named).ok()


def test_a_redirect_that_a_token_does_not_follow_is_told() -> None:
    def moves(path: str, asked: dict[str, str], reply: Reply) -> Reply:
        if path.endswith("config.json") and "authorization" in asked:
            return Reply(302, {"Location": f"{there}{path}"}, b"")
        return private()(path, asked, reply)

    with serving(private()) as there:
        told = found(moves, token=TOKEN)
    assert [f"it redirects to {there.removeprefix('http://')}" in each.says for each in told] == [True]


def test_etags_of_seconds_and_an_older_copy_are_told() -> None:
    at = 1_767_225_600
    wrong = headers("/f/foo", ETag=f'"{at:08x}-{len(LINE):x}"', Last_Modified=formatdate(at, usegmt=True))
    assert any("made of seconds and size" in each.says for each in found(wrong))

    def older(path: str, asked: dict[str, str], reply: Reply) -> Reply:
        if "/f/foo" not in path or "if-none-match" in asked or asked.get("cache-control") == "no-cache":
            return reply
        return reply._replace(headers={**reply.headers, "Age": "10"}, content=LINE.replace(b"false", b"true") + b"\n")

    assert any("another copy than the store's own" in each.says for each in found(older))


def test_the_network_is_used_as_cargo_is_told_to(tmp_path: Path) -> None:
    """A host's name that nobody knows can be asked for through a proxy alone."""
    asked: list[tuple[str, str]] = []

    def proxy(path: str, headers: dict[str, str], reply: Reply) -> Reply:
        asked.append((path, headers["user-agent"]))
        return Reply(404, {}, b"")

    with serving(proxy) as url:
        (tmp_path / "config.toml").write_text(f'[http]\nproxy = "{url}"\nuser-agent = "ours"\ntimeout = 7\n')
        registry = RemoteRegistry(name="x", index="sparse+http://crates.invalid/index/")
        told = list(diagnose(registry, CargoConfig(Path("/"), {"CARGO_HOME": str(tmp_path)})))
    assert asked == [("http://crates.invalid/index/config.json", "ours")]
    assert [each.says for each in told] == ["it answers 404"]
    known = CargoConfig(Path("/"), {"CARGO_HOME": str(tmp_path), "CARGO_HTTP_CAINFO": "/ours.pem"}).network
    assert (known.cainfo, known.seconds) == ("/ours.pem", 7)


def test_a_folder_is_looked_at_as_it_would_be_served(tmp_path: Path) -> None:
    world = World(tmp_path, {"tree.flush": False, "registry.base-url": "https://crates.example.com/"})
    world.put(crate("foo"))
    world.build()
    tree = str(world.tree)
    run("doctor", tree, cwd=tmp_path).ok()
    index = world.tree / "index/3/f/foo"
    index.chmod(0o600)
    ended = run("doctor", tree, cwd=tmp_path)
    assert (ended.code, "other users cannot read it (mode 0600)" in ended.out + ended.err) == (0, True)
    index.chmod(0o644)
    index.rename(index.with_name("Foo"))
    ended = run("doctor", tree, cwd=tmp_path)
    assert (ended.code, "finds this one nowhere" in ended.out + ended.err) == (1, True)
    run("doctor", str(tmp_path), cwd=tmp_path).failed(2, "holds no registry")


@pytest.mark.parametrize("pages", [True, False])
def test_a_crate_of_a_folder_is_looked_at_though_many_came_together(tmp_path: Path, pages: bool) -> None:
    world = World(tmp_path, {"registry.base-url": "https://crates.example.com/", "registry.pages": pages})
    world.put(*(crate(f"crate-{number}") for number in range(12)))
    world.build()
    assert "no crate is known" not in run("doctor", str(world.tree), cwd=tmp_path).ok()


def test_a_bucket_whose_store_does_not_keep_to_conditions_is_found_out(tmp_path: Path) -> None:
    with moto() as honest:
        run("doctor", "--race", str(honest.make()), cwd=tmp_path, env=honest.environment).ok()
    with liar("localbucket") as store:
        ended = run("doctor", str(store.make()), cwd=tmp_path, env=store.environment)
        assert (ended.code, "If-Match" in ended.out + ended.err) == (1, True)
    run("doctor", "--race", cwd=tmp_path).failed(2, "--race needs the bucket")


def test_nobody_there_is_told_too(tmp_path: Path) -> None:
    with serving(lambda _path, _headers, reply: reply) as base:
        pass
    ended = run("doctor", f"{base}/index/", cwd=tmp_path, env={"CARGO_HOME": str(tmp_path)})
    assert (ended.code, "no answer" in ended.out) == (1, True)
    run("doctor", "https://crates.example.com/index", cwd=tmp_path).failed(2, "must end in a slash")
    run("doctor", cwd=tmp_path, env={"CARGO_HOME": str(tmp_path)}).failed(2, "no registry is named")


def test_our_own_tree_behind_nginx_is_good(tmp_path: Path) -> None:
    with open_folder() as folder:
        world = World(folder, {"tree.flush": False})
        world.tree.mkdir()
        with Nginx(world.tree) as server:
            world.put(*(crate(f"crate-{number}") for number in range(12)))  # so many that none is told of as new
            world.build(options={"registry.base-url": server.url})
            assert json.loads((world.tree / "index.json").read_bytes())["new"] == []
            ended = run("doctor", f"{server.url}index/", "--json", cwd=tmp_path, env={"CARGO_HOME": str(tmp_path)})
            assert ended.document()["findings"] == []
