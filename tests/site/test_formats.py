"""What programs read: JSON documents, feeds, sitemaps; and HTML as a real validator sees it."""

import importlib
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from scripts.docs.site_schemas import FOLDER, REWRITE, schemas
from tests.crates import crate
from tests.registry.site.registries import HERE, OPTIONS, some_crates, versions
from tests.registry.site.validator import complaints
from tests.world import BASE, DAY, World

feedparser: Any = importlib.import_module("feedparser")  # neither has types
jsonschema: Any = importlib.import_module("jsonschema")

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, OPTIONS)


@pytest.mark.parametrize("name", schemas())
def test_the_schemas_are_those_of_the_types(name: str) -> None:
    assert (FOLDER / name).read_bytes() == schemas()[name], f"run `{REWRITE}`"


def test_documents_are_as_their_schemas_say(world: World) -> None:
    world.put(*some_crates(), *versions(160), *(crate(f"x{number:03}") for number in range(160)))
    world.build()
    validators = {name: jsonschema.Draft202012Validator(json.loads(text)) for name, text in schemas().items()}
    checked = 0
    for path, content in world.files().items():
        kind = kind_of(path)
        if kind:
            validators[f"page-{kind}.schema.json"].validate(json.loads(content))
            checked += 1
    assert checked > 160


def kind_of(path: str) -> str:
    if path == "index.json":
        return "front"
    if path.endswith(".json") and (path.startswith("browse/") or "/dependents" in path):
        return "list"
    return "crate" if path.startswith("crates/") and path.endswith("/index.json") else ""


def test_a_crates_document_says_what_its_page_says(world: World) -> None:
    world.put(*some_crates())
    world.build()
    document = json.loads(world.read("crates/acme-text/index.json"))
    assert [(each["vers"], each["yanked"]) for each in document["versions"]] == [("1.1.0", False), ("1.0.0", False)]
    assert document["newest"] == "1.1.0"
    assert document["dependencies"][1]["crate"] == "acme-units"
    assert document["dependencies"][1]["registry"] is None
    assert document["features"] == {"default": ["wide"], "wide": ["dep:serde"]}


def test_feeds_are_valid_and_tell_the_newest_releases_first(world: World) -> None:
    world.put(crate("foo").package(description="Less < more & \x07bells"), crate("bar"))
    world.build()
    world.now += DAY
    world.put(crate("foo", "1.1.0").package(description="Less < more & bells"))
    world.build()
    feed = feedparser.parse(world.read("feed.xml"))
    assert not feed.bozo
    assert feed.version == "atom10"
    assert feed.feed.title == "Crates of Acme: new releases"
    assert [entry.title for entry in feed.entries] == ["foo 1.1.0", "bar 1.0.0", "foo 1.0.0"]
    assert feed.entries[0].link == f"{BASE}crates/foo/1.1.0/index.html"
    assert feed.entries[0].updated == "2026-01-02T00:00:00Z"
    assert feed.entries[0].summary == "Less < more & bells"
    own = feedparser.parse(world.read("crates/foo/feed.xml"))
    assert (own.bozo, [entry.title for entry in own.entries]) == (False, ["foo 1.1.0", "foo 1.0.0"])
    assert len({entry.id for entry in feed.entries}) == 3


def test_the_sitemap_leads_to_every_crate(world: World) -> None:
    world.put(*some_crates(), *(crate(f"x{number:03}") for number in range(200)))
    world.build()
    parts = [part.text or "" for part in ET.fromstring(world.read("sitemap.xml")).iter(f"{SITEMAP}loc")]
    assert len(parts) > 1
    found = []
    for part in parts:
        assert part.startswith(BASE)
        found += [loc.text for loc in ET.fromstring(world.read(part.removeprefix(BASE))).iter(f"{SITEMAP}loc")]
    names = {"acme-text", "acme-units", "acme-git", *(f"x{number:03}" for number in range(200))}
    assert sorted(map(str, found)) == sorted(f"{BASE}crates/{name}/index.html" for name in names)


def test_a_browser_learns_how_to_search(world: World) -> None:
    world.build()
    root = ET.fromstring(world.read("opensearch.xml"))
    url = root.find("{http://a9.com/-/spec/opensearch/1.1/}Url")
    assert url is not None
    assert url.get("template") == f"{BASE}search.html?q={{searchTerms}}"


@pytest.mark.slow
def test_a_validator_accepts_every_kind_of_page(world: World) -> None:
    needy = crate("foo", "1.0.0-rc.1+build.7").dependency("foo_bar", registry_index=HERE).package(keywords=["a-b"])
    world.put(*some_crates(), needy, *versions(120))
    (world.drop / "broken.crate").write_bytes(b"no archive")
    world.build()
    world.yank("foo@1.0.0-rc.1+build.7")
    assert complaints(world.tree) == ""


def test_the_validator_would_find_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><html lang=en><title>a</title><p><li>b</li>")
    assert "Element “li” not allowed as child of element “body”" in complaints(tmp_path)
