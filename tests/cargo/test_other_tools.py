"""The requests of other tools, replayed against a tree that a real nginx serves as `hosting` prints it."""

import json
from collections.abc import Iterator

import pytest

from cargo_static_index.hosting.nginx import nginx
from cargo_static_index.hosting.place import Place
from cargo_static_index.site.readme.markdown import CSP
from tests.crates import crate
from tests.servers import Nginx, free_port, get, open_folder
from tests.world import World

FOO = crate("foo")


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    with open_folder() as folder:
        world = World(folder, {"registry.base-url": url, "tree.version-addresses": True})
        world.put(FOO, crate("foo", "1.1.0"))
        world.build()
        text = nginx(Place(base_url=url, root=str(world.tree), policy=CSP))
        with Nginx(world.tree, server=text, port=port):
            yield url


def test_import_cargo_lock_of_nix_finds_an_archive_by_name_and_version(base: str) -> None:
    # extraRegistries."sparse+…/index/" = "…/crates", to which `/NAME/VERSION/download` is added.
    found = get(f"{base}crates/foo/1.0.0/download", User_Agent="curl/8.9 Nixpkgs/25.11", Accept="*/*")
    assert (found.status, found.content) == (200, FOO.build())
    assert found.headers["Content-Encoding"] is None


@pytest.mark.parametrize("tool", ["crane", "cargo-binstall"])
def test_tools_that_put_the_checksum_in_need_nothing_else(base: str, tool: str) -> None:
    config = json.loads(get(f"{base}index/config.json", User_Agent=tool).content)
    line = json.loads(get(f"{base}index/3/f/foo", User_Agent=tool).content.splitlines()[0])
    values = {"{crate}": "foo", "{version}": line["vers"], "{sha256-checksum}": line["cksum"]}
    url = config["dl"]
    for marker, value in values.items():
        url = url.replace(marker, value)
    found = get(url, User_Agent=tool)
    assert (found.status, found.content) == (200, FOO.build())


def test_renovate_finds_versions_with_their_dates_and_its_link_leads_to_the_page(base: str) -> None:
    said = get(f"{base}index/3/f/foo", User_Agent="RenovateBot/43", Accept="*/*")
    lines = [json.loads(line) for line in said.content.splitlines()]
    assert [(line["vers"], line["yanked"]) for line in lines] == [("1.0.0", False), ("1.1.0", False)]
    assert all(line["pubtime"] for line in lines)
    page = get(f"{base}index/foo")
    assert (page.status, page.content) == (200, get(f"{base}crates/foo/").content)
