"""What the front page tells people to write is what the real cargo takes."""

import html
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cargo.client import Cargo
from tests.cargo.ours import Ours
from tests.crates import crate

pytestmark = pytest.mark.cargo

_pre = re.compile(r"<pre\b[^>]*>(.*?)</pre>", re.DOTALL)


def shown(ours: Ours) -> list[str]:
    """Give the pieces of code on the front page, as a browser shows them."""
    page = (ours.tree / "index.html").read_text()
    return [html.unescape(re.sub(r"<[^>]+>", "", code)).strip() for code in _pre.findall(page)]


def config(ours: Ours) -> str:
    """Give what the front page says of cargo's config.toml."""
    [found] = [code for code in shown(ours) if "[registries." in code or "[source." in code]
    tomllib.loads(found)
    return found


@pytest.mark.case(14)
def test_the_configuration_on_the_front_page_makes_cargo_find_the_registry(acme: Ours, tmp_path: Path) -> None:
    acme.publish(crate("foo"))
    project = Cargo(tmp_path / "cargo", config=config(acme)).project(code="use foo as _;")
    project.run("add", "--registry", "acme", "foo").ok()
    project.run("build").ok()
    assert project.sources() == {"foo": acme.index}


def test_the_configuration_on_a_mirrors_front_page_puts_it_in_the_place_of_crates_io(
    found: Callable[..., Ours], tmp_path: Path
) -> None:
    mirror = found("mirror", registry_mode="mirror")
    mirror.publish(crate("foo"))
    project = Cargo(tmp_path / "cargo", crates_io=True, config=config(mirror)).project('foo = "1"')
    project.run("fetch").ok()
    assert project.sources() == {"foo": "registry+https://github.com/rust-lang/crates.io-index"}
    assert mirror.requests()[0].path == "index/config.json"
