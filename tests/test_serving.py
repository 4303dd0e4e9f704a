"""That the servers' configurations in docs/operations.md do what stands above them, with real servers."""

import gzip
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from cargo_static_index.tree.layout import archive_file
from tests.cargo.client import Cargo
from tests.crates import crate
from tests.servers import Nginx, caddy, get, open_folder
from tests.world import World

GUIDE = Path(__file__).parents[1] / "docs/operations.md"


def example(language: str) -> str:
    """Give the one block of code of a language in the guide."""
    (text,) = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return str(text)


@contextmanager
def nginx(root: Path) -> Iterator[str]:
    with Nginx(root, server=example("nginx").replace("listen 443 ssl", "listen 443")) as server:
        yield server.url


def serve(kind: str, root: Path) -> AbstractContextManager[str]:
    return nginx(root) if kind == "nginx" else caddy(root, example("caddy"))


@pytest.fixture
def world() -> Iterator[World]:
    with open_folder() as folder:
        yield World(folder, {"registry.pages": True})


@pytest.mark.parametrize("kind", ["nginx", "caddy"])
def test_a_server_set_up_as_the_guide_says_answers_as_it_says(kind: str, world: World) -> None:
    foo = crate("foo")
    world.put(foo)
    world.build()
    with serve(kind, world.tree) as base:
        line = get(f"{base}index/3/f/foo")
        assert (line.status, line.content) == (200, world.read("index/3/f/foo"))
        assert line.headers["Content-Type"].startswith("text/plain")
        assert line.headers["Cache-Control"] == "no-cache"
        assert get(f"{base}index/3/f/foo", If_None_Match=line.headers["ETag"]).status == 304
        archive = get(base + archive_file("foo", foo.cksum()), Accept_Encoding="gzip")
        assert (archive.status, archive.headers["Content-Encoding"]) == (200, None)
        assert archive.content == foo.build()
        assert archive.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        page = get(f"{base}crates/foo/")
        assert (page.status, page.content) == (200, world.read("crates/foo/index.html"))


@pytest.mark.parametrize("pages", [True, False])
@pytest.mark.parametrize("kind", ["nginx", "caddy"])
def test_what_is_absent_is_404_and_not_stored_and_people_get_a_page(kind: str, pages: bool, world: World) -> None:
    world.put(crate("foo"))
    world.build(options={"registry.pages": pages})
    with serve(kind, world.tree) as base:
        for path in ("index/3/b/bar", archive_file("bar", "0" * 64), "crates/bar/", "nowhere.html"):
            found = get(base + path)
            assert (path, found.status, found.headers["Cache-Control"]) == (path, 404, "no-store")
            for_people = pages and not path.startswith("index/") and not path.endswith(".crate")
            assert (path, b"There is no such page" in found.content) == (path, for_people)


def test_nginx_compresses_the_index(world: World) -> None:
    world.put(*(crate("foo", f"1.0.{number}") for number in range(20)))
    world.build()
    with serve("nginx", world.tree) as base:
        packed = get(f"{base}index/3/f/foo", Accept_Encoding="gzip")
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.content) == world.read("index/3/f/foo")
        assert get(f"{base}index/3/f/foo", Accept_Encoding="gzip", If_None_Match=packed.headers["ETag"]).status == 304


@pytest.mark.cargo
@pytest.mark.parametrize("kind", ["nginx", "caddy"])
def test_cargo_builds_from_a_server_set_up_as_the_guide_says(kind: str, world: World, tmp_path: Path) -> None:
    world.tree.mkdir()
    with serve(kind, world.tree) as base:
        world.put(crate("foo"))
        world.build(options={"registry.base-url": base})
        cargo = Cargo(tmp_path, {"acme": base})
        cargo.project('foo = { version = "1", registry = "acme" }', code="use foo as _;").run("build").ok()
        nothing = cargo.project('bar = { version = "1", registry = "acme" }', name="other")
        nothing.run("generate-lockfile").failed("no matching package named `bar` found")
