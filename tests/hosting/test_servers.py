"""What `hosting` prints for servers does what it says: one table of requests, the same right answers of each."""

import base64
import gzip
import http.client
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from cargo_static_index.hosting.apache import apache
from cargo_static_index.hosting.caddy import caddy
from cargo_static_index.hosting.nginx import nginx
from cargo_static_index.hosting.place import Place, Private
from cargo_static_index.site.theme import CSP
from cargo_static_index.tree.layout import archive_file, metadata_file, version_address
from tests.cargo.client import Cargo
from tests.crates import crate
from tests.server.serving import Served, until
from tests.servers import Apache, Nginx, free_port, get, open_folder, serve_caddy
from tests.tools import need
from tests.world import World

PATH = "/team/crates/"
FOO = crate("foo").readme("# Foo")
TOKEN = "a-token-of-forty-characters-and-no-less-"
OF_FOO = (archive_file("foo", FOO.cksum()), version_address("foo", "1.0.0"))
SERVERS = ("nginx", "caddy", "apache")


def printed(kind: str, place: Place) -> str:
    made: dict[str, Callable[[Place], str]] = {"nginx": nginx, "caddy": caddy, "apache": apache}
    return made[kind](place).replace('TOKEN"', f'{TOKEN}"').replace("TOKEN$", f"{TOKEN}$")


@contextmanager
def served(
    kind: str,
    root: Path,
    *,
    private: Private = "no",
    endpoint: str | None = None,
    port: int = 0,
    precompressed: bool = False,
) -> Iterator[str]:
    """Serve a tree below PATH as `hosting` says, and give its base URL."""
    port = port or free_port()
    base = f"http://127.0.0.1:{port}{PATH}"
    place = Place(base_url=base, root=str(root), policy=CSP, private=private, endpoint=endpoint)
    text = printed(kind, replace(place, precompressed=precompressed))
    starts: dict[str, Callable[[], AbstractContextManager[object]]] = {
        "nginx": lambda: Nginx(root, server=text, port=port),
        "caddy": lambda: serve_caddy(text, port),
        "apache": lambda: Apache(text, port),
    }
    with starts[kind]():
        yield base


@pytest.fixture(scope="module")
def tree() -> Iterator[World]:
    with open_folder() as folder:
        base_url = f"https://crates.example.com{PATH}"
        world = World(folder, {"registry.base-url": base_url, "tree.version-addresses": True})
        world.put(FOO, *(crate("long", f"1.0.{number}") for number in range(30)))
        world.build()
        (world.tree / ".hidden").write_text("not published")
        yield world


@pytest.mark.parametrize("kind", SERVERS)
def test_every_server_gives_the_same_right_answers(kind: str, tree: World) -> None:
    with served(kind, tree.tree) as base:
        line = get(f"{base}index/3/f/foo")
        assert (line.status, line.content) == (200, tree.read("index/3/f/foo"))
        assert line.headers["Content-Type"].startswith("text/plain")
        assert line.headers["Cache-Control"] == "no-cache"
        assert line.headers["X-Content-Type-Options"] == "nosniff"
        assert get(f"{base}index/3/f/foo", If_None_Match=line.headers["ETag"]).status == 304
        assert get(f"{base}index/config.json").headers["Content-Type"].startswith("application/json")
        packed = get(f"{base}index/lo/ng/long", Accept_Encoding="gzip")
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.content) == tree.read("index/lo/ng/long")

        archive = get(base + archive_file("foo", FOO.cksum()), Accept_Encoding="gzip")
        assert (archive.status, archive.headers["Content-Encoding"], archive.content) == (200, None, FOO.build())
        assert archive.headers["Content-Type"] == "application/gzip"
        assert archive.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        by_version = get(base + version_address("foo", "1.0.0"), Accept_Encoding="gzip")
        assert (by_version.status, by_version.content) == (200, FOO.build())
        for name in ("Content-Encoding", "Content-Type", "Cache-Control"):
            assert by_version.headers[name] == archive.headers[name]
        part = get(base + archive_file("foo", FOO.cksum()), Range="bytes=2-5")
        assert (part.status, part.content) == (206, FOO.build()[2:6])
        assert "immutable" in get(base + metadata_file("foo", FOO.cksum())).headers["Cache-Control"]

        page = get(f"{base}crates/foo/")
        assert (page.status, page.content) == (200, tree.read("crates/foo/index.html"))
        assert page.headers["Content-Type"].startswith("text/html")
        assert page.headers["Content-Security-Policy"] == CSP
        assert "max-age=60" in page.headers["Cache-Control"]
        assert get(f"{base}index/foo").content == page.content  # by a redirect


@pytest.mark.parametrize("kind", SERVERS)
def test_what_is_not_there_is_404_and_kept_by_nobody(kind: str, tree: World) -> None:
    absent = (
        *("index/3/b/bar", "index/3/F/foo", "index/3/", "index/3/f/", "index/3/f"),
        *(archive_file("bar", "0" * 64), archive_file("foo", "0" * 64), ".hidden", "crates/bar/", "nowhere.html"),
    )
    with ExitStack() as stack:
        base = stack.enter_context(served(kind, tree.tree))
        for path in absent:
            found = get(base + path)
            assert (path, found.status, found.headers["Cache-Control"]) == (path, 404, "no-store")
        assert b"There is no such page" in get(f"{base}crates/bar/").content
        address = stack.enter_context(closing(http.client.HTTPConnection(base.split("/")[2])))
        for path in ("index/../../../../etc/passwd", "crates/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd"):
            address.request("GET", PATH + path)
            answer = address.getresponse()
            assert (answer.status, b"root:" in answer.read()) in {(status, False) for status in (400, 403, 404)}
        address.request("HEAD", f"{PATH}index/3/f/foo")
        answer = address.getresponse()
        assert (answer.status, answer.read()) == (200, b"")


@pytest.mark.parametrize("kind", SERVERS)
def test_a_change_of_the_same_size_within_a_second_is_seen(kind: str, tree: World, tmp_path: Path) -> None:
    with open_folder() as folder:
        world = World(shutil.copytree(tree.folder, folder / "here"), tree.options)
        with served(kind, world.tree) as base:
            world.yank("foo@1.0.0")
            before = get(f"{base}index/3/f/foo")
            world.yank("foo@1.0.0", yanked=False)
            world.yank("foo@1.0.0")
            world.yank("foo@1.0.0", yanked=False)
            after = get(f"{base}index/3/f/foo", If_None_Match=before.headers["ETag"])
            assert (after.status, after.content) == (200, world.read("index/3/f/foo"))


@pytest.mark.parametrize("kind", SERVERS)
def test_the_copies_beside_pages_and_assets_are_sent_as_they_are(kind: str) -> None:
    with open_folder() as folder:
        world = World(folder, {"registry.base-url": f"https://crates.example.com{PATH}", "pages.precompress": True})
        world.put(FOO, *(crate("long", f"1.0.{number}") for number in range(30)))
        world.build()
        (style,) = (path for path in world.files() if path.startswith("assets/site-") and path.endswith(".css"))
        with served(kind, world.tree, precompressed=True) as base:
            for path, file in (("crates/foo/", "crates/foo/index.html"), (style, style), ("feed.xml", "feed.xml")):
                for coding, ending in (("gzip", ".gz"), *([("br", ".br")] if kind != "nginx" else [])):
                    answer = get(base + path, Accept_Encoding=coding)
                    assert (answer.status, answer.headers["Content-Encoding"]) == (200, coding), (kind, path)
                    assert answer.content == world.read(file + ending)
                    assert answer.headers["Content-Type"] == get(base + path).headers["Content-Type"]
                    assert answer.headers["Cache-Control"] == get(base + path).headers["Cache-Control"]
                    assert "Accept-Encoding" in answer.headers["Vary"]
                assert get(base + path, Accept_Encoding="identity").content == world.read(file)
            assert get(f"{base}index/lo/ng/long", Accept_Encoding="identity").content == world.read("index/lo/ng/long")


@pytest.mark.parametrize("kind", SERVERS)
def test_a_private_registry_asks_for_a_token_as_cargo_and_browsers_understand(kind: str, tree: World) -> None:
    private = ("index/config.json", "index/3/f/foo", "index/3/b/bar", *OF_FOO)
    with served(kind, tree.tree, private="index") as base:
        for path in private:
            for headers in ({}, {"Authorization": "wrong"}, {"Authorization": f"{TOKEN}x"}):
                refused = get(base + path, **headers)
                assert (path, refused.status) == (path, 401)
                challenges = refused.headers.get_all("WWW-Authenticate") or []
                assert any(each.startswith("Cargo login_url=") for each in challenges), challenges
                assert any(each.startswith("Basic realm=") for each in challenges), challenges
            assert get(base + path, Authorization=TOKEN).status == (404 if path.endswith("bar") else 200)
        assert get(base + private[0], Authorization=f"Bearer {TOKEN}").status == 200
        assert get(f"{base}crates/foo/").status == 200
    with served(kind, tree.tree, private="all") as base:
        assert get(f"{base}crates/foo/").status == 401
        assert get(f"{base}crates/foo/", Authorization=TOKEN).status == 200


@pytest.mark.cargo
@pytest.mark.parametrize("kind", SERVERS)
def test_a_private_registry_with_an_endpoint_asks_it_who_may_read(kind: str, tmp_path: Path) -> None:
    with open_folder() as folder, ExitStack() as stack:
        port = free_port()
        base = f"http://127.0.0.1:{port}{PATH}"
        endpoint = Served(folder, f'auth-required = true\n[publish]\nurl = "{base.rstrip("/")}"\n', base)
        token, writer = endpoint.token(), endpoint.token("writer", "--scope", "publish-new")
        stack.enter_context(endpoint.running("--publish"))
        address = f"127.0.0.1:{endpoint.port}"
        stack.enter_context(served(kind, endpoint.tree, private="all", endpoint=address, port=port))
        keeper = '[registry]\nglobal-credential-providers = ["cargo:token"]\n'
        cargo, env = Cargo(tmp_path, {"acme": base}, config=keeper), {"CARGO_REGISTRIES_ACME_TOKEN": token}
        foo = cargo.project(name="foo", package='publish = ["acme"]\ndescription = "Foo."\nlicense = "MIT"')
        foo.run("publish", "--no-verify", env=env).ok()
        cargo.project('foo = { version = "0.1", registry = "acme" }', code="use foo as _;").run("build", env=env).ok()
        assert "Foo." in cargo.run("search", "--registry", "acme", "foo", env=env).ok().stdout
        until((endpoint.tree / "crates/foo/index.html").exists)
        line = (endpoint.tree / "index/3/f/foo").read_bytes()
        archive = archive_file("foo", json.loads(line)["cksum"])
        basic = base64.b64encode(f"anybody:{token}".encode()).decode()
        for path in ("index/config.json", "index/3/f/foo", archive, "crates/foo/", "api/v1/crates?q=foo"):
            for wrong in ({}, {"Authorization": "csi_0_0"}):
                refused = get(base + path, **wrong)
                assert (path, refused.status) == (path, 401)
                challenge = ", ".join(refused.headers.get_all("WWW-Authenticate") or [])
                assert challenge == f'Basic realm="{base}", Cargo login_url="{base}me"'
            for right in (token, f"Bearer {token}", f"Basic {basic}"):
                assert (path, get(base + path, Authorization=right).status) == (path, 200)
        assert get(f"{base}index/3/f/foo", Authorization=writer).status in {401, 403}
        assert get(f"{base}index/3/b/bar", Authorization=token).status == 404
        assert get(f"{base}index/3/f/foo", Authorization=token).content == line
        assert (get(f"{base}me").status, get(f"{base}me").content.startswith(base.encode())) == (200, True)


@pytest.mark.cargo
@pytest.mark.parametrize("kind", SERVERS)
def test_cargo_builds_through_each_server(kind: str, tmp_path: Path) -> None:
    with open_folder() as folder:
        world = World(folder, {"tree.flush": False})
        world.tree.mkdir()
        with served(kind, world.tree) as base:
            world.put(crate("foo"))
            world.build(options={"registry.base-url": base})
            cargo = Cargo(tmp_path, {"acme": base})
            cargo.project('foo = { version = "1", registry = "acme" }', code="use foo as _;").run("build").ok()


def test_nginx_takes_what_is_printed_for_tls_an_endpoint_and_tokens(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    subprocess.run([*openssl, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    place = Place(base_url="https://crates.example.com/", root=str(tmp_path), policy=CSP)
    privates: tuple[Private, ...] = ("no", "index", "all")
    for private in privates:
        for endpoint in (None, "127.0.0.1:8000"):
            text = nginx(replace(place, private=private, endpoint=endpoint))
            text = text.replace("/etc/letsencrypt/live/crates.example.com/fullchain.pem", str(certificate))
            text = text.replace("/etc/letsencrypt/live/crates.example.com/privkey.pem", str(key))
            conf = tmp_path / "nginx.conf"
            conf.write_text(f"pid {tmp_path}/pid; error_log stderr; events {{ }} http {{ {text} }}")
            test = [need("nginx"), "-t", "-p", str(tmp_path), "-c", str(conf)]
            done = subprocess.run(test, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
