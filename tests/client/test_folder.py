"""A tree in a folder answers as a good web server would for it, and what a web server could not give out is told."""

import hashlib
from collections.abc import Mapping
from email.message import Message
from pathlib import Path

import pytest

from cargo_static_index.client.folder import asking, base_url_in, look_at, some_crate_in
from cargo_static_index.client.http import Answer
from cargo_static_index.diagnostics.errors import SettingsError
from tests.crates import crate
from tests.world import World

BASE = "https://crates.example.com/under/"
ELSEWHERE = Answer(status=418, headers=Message(), content=b"", url="https://elsewhere.example.com/")


def elsewhere(url: str, headers: Mapping[str, str]) -> Answer:
    return ELSEWHERE


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    world = World(tmp_path, {"registry.base-url": BASE, "registry.pages": False})
    world.put(crate("foo"))
    world.build()
    return world.tree


def test_it_says_where_it_is_served_and_a_crate_that_it_holds(tree: Path, tmp_path: Path) -> None:
    assert base_url_in(tree) == BASE
    assert some_crate_in(tree) == "foo"
    (tree / "index/3/f/foo").unlink()
    assert some_crate_in(tree) is None
    with pytest.raises(SettingsError, match=r"holds no registry: there is no index/config\.json"):
        base_url_in(tmp_path)
    (tree / "index/config.json").write_text('{"dl": "https://elsewhere.example.com/{crate}"}')
    with pytest.raises(SettingsError, match="was not written by this program"):
        base_url_in(tree)


def test_its_files_are_answered_with_a_tag_and_all_else_is_asked_for_elsewhere(tree: Path) -> None:
    get = asking(tree, BASE, elsewhere)
    content = (tree / "index/3/f/foo").read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()}"'
    first = get(f"{BASE}index/3/f/foo", {})
    assert (first.status, first.content, first.headers["etag"]) == (200, content, tag)
    again = get(f"{BASE}index/3/f/foo?a=b", {"If-None-Match": tag})
    assert (again.status, again.content) == (304, b"")
    assert get(f"{BASE}index/3/f/foo", {"If-None-Match": '"1"'}).status == 200
    (tree / "a b").write_bytes(b"c")
    assert get(f"{BASE}a%20b", {}).content == b"c"
    assert get(f"{BASE}index/3/b/bar", {}).status == get(f"{BASE}index", {}).status == 404
    assert get("https://other.example.com/index/3/f/foo", {}) is ELSEWHERE


def test_what_others_cannot_read_and_what_cargo_does_not_find_is_told_once_of_each_kind(tree: Path) -> None:
    assert list(look_at(tree)) == []
    (tree / "crates/foo").chmod(0o754)
    (tree / "index/3/f/foo").chmod(0o640)
    said = {found.url: (found.level, found.says) for found in look_at(tree)}
    assert said.keys() == {f"{tree}/index/3/f/foo", f"{tree}/crates/foo"}
    assert all(level == "warning" and "other users cannot read it (mode 0" in says for level, says in said.values())
    (tree / "crates/foo").chmod(0o755)
    (tree / "index/3/f/foo").chmod(0o644)
    (tree / "index/3/f/foo").rename(tree / "index/3/f/Foo")
    (found,) = look_at(tree)
    assert (found.level, found.url) == ("fault", f"{tree}/index/3/f/Foo")
