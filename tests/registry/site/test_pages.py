"""What holds of all pages."""

import re

from tests.crates import crate
from tests.registry.site.reading import dead_links, links_of, text_of
from tests.registry.site.registries import HERE, everything, some_crates, versions
from tests.world import BASE, World


def test_every_link_of_every_page_leads_somewhere_and_is_relative(world: World) -> None:
    needy = crate("foo", "1.0.0-rc.1+build.7").dependency("foo_bar", registry_index=HERE)
    world.put(*some_crates(), needy, *versions(120))
    (world.drop / "broken.crate").write_bytes(b"no archive")
    world.build()
    assert list(dead_links(everything(world))) == []
    world.yank("foo@1.0.0-rc.1+build.7")
    world.remove("acme-units", "many@0.1.7")
    assert list(dead_links(everything(world))) == []


def test_an_empty_registry_has_pages_that_help(world: World) -> None:
    world.build()
    assert "Nothing is published yet." in text_of(world.read("index.html"))
    assert "Nothing is published yet." in text_of(world.read("browse/names.html"))
    assert list(dead_links(everything(world))) == []


def test_front_page_and_crate_page_stay_small(world: World) -> None:
    world.put(*some_crates(), *versions(60))
    world.build()
    files = world.files()
    later = ("assets/search", "assets/compare", "assets/source", "assets/browse")
    loaded = [path for path in files if path.startswith("assets/") and not path.startswith(later)]
    assets = sum(len(files[path]) for path in loaded)
    for page in ("index.html", "crates/many/index.html", "crates/acme-text/index.html"):
        assert len(files[page]) + assets < 56_000


def test_no_page_loads_from_another_host_or_says_how_it_looks_inside(world: World) -> None:
    world.put(*some_crates())
    world.build()
    for path, content in world.files().items():
        if path.endswith(".html"):
            assert path == "404.html" or b'src="http' not in content
            assert b"<style" not in content
            assert b" style=" not in content
            assert b"Content-Security-Policy" in content


def test_only_what_must_hold_an_absolute_address_of_this_registry_does(world: World) -> None:
    world.put(*some_crates(), *versions(60))
    world.build()
    holding = {
        path
        for path, content in world.files().items()
        if BASE.encode() in content and path.endswith((".html", ".json", ".js", ".css", ".xml"))
    }
    facts = {path for path in holding if re.fullmatch(r"crates/[^/]+/[0-9a-f]{64}\.json", path)}  # of their manifests
    feeds = {path for path in holding if path.endswith("feed.xml")}
    sitemaps = {path for path in holding if path.startswith("sitemap")}
    assert holding - facts - feeds - sitemaps == {"404.html", "index.html", "index/config.json", "opensearch.xml"}
    assert BASE not in " ".join(links_of(world.read("index.html")))
