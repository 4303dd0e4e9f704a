"""Whatever is lost or damaged of the pages is found, and made anew."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cargo_static_index.site import paths as addresses
from tests.registry.site.registries import copy_of, some_crates, versions
from tests.world import World


def test_verify_misses_every_page_that_is_lost_and_brings_it_back(world: World) -> None:
    world.put(*some_crates(), *versions(55))
    world.build()
    before = world.files()
    others = re.compile(r"index/.*|tree.json|pages.json|refused.html|crates/[^/]+/[0-9a-f]{64}.(crate|json)")
    pages = [path for path in before if path == addresses.ABOUT_INDEX or not others.fullmatch(path)]
    assert len(pages) > 100
    for path in pages:
        (world.tree / path).unlink()
        found = world.verified(quick=True)
        assert {each.fix for each in found} == {"make-pages"}, path
        assert {each.id for each in found} <= {"page-missing", "page-wrong"}, path
        (world.tree / path).write_bytes(before[path])
    for path in pages[::3]:
        (world.tree / path).unlink()
    assert all(each.fixed for each in world.verified(fix=True))
    assert world.files() == before


def test_a_style_that_is_damaged_is_found_and_written_anew(world: World) -> None:
    world.put(*some_crates())
    world.build()
    before = world.files()
    path = next(path for path in before if path.startswith("assets/site-"))
    (world.tree / path).write_bytes(b"?" + before[path][1:])
    (found,) = world.verified()
    assert (found.id, found.path) == ("page-wrong", path)
    assert all(each.fixed for each in world.verified(fix=True))
    assert world.files() == before


OF_CRATE = "crates/acme-text/index.json"


DAMAGES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "cut": (OF_CRATE, lambda content: content[:-20]),
    "another newest": (OF_CRATE, lambda content: content.replace(b'"newest":"1.1.0"', b'"newest":"9.9.9"')),
    "no version": (OF_CRATE, lambda content: content.replace(b'"vers":"1.0.0"', b'"vers":"1.0"')),
    "a version out of the tree": (OF_CRATE, lambda content: content.replace(b'"1.0.0"', b'"../../../x"')),
    "another name": (OF_CRATE, lambda content: content.replace(b'"name":"acme-text"', b'"name":"../../x"', 1)),
    "a need out of the tree": (OF_CRATE, lambda content: content.replace(b'"acme-units"', b'"../../b"')),
    "a version less": (OF_CRATE, lambda content: content.replace(b'"1.0.0"', b'"1.0.1"')),
    "not yanked": (OF_CRATE, lambda content: content.replace(b'"yanked":false', b'"yanked":true', 1)),
    "list cut": ("browse/names.json", lambda content: content[:-20]),
    "list of another": ("browse/names.json", lambda content: content.replace(b'"names"', b'"dependents/../../x"')),
    "lower part cut": ("browse/names/x.json", lambda content: content[:-20]),
    "fewer in a lower part": ("browse/names/x.json", lambda content: content.replace(b'"total":160', b'"total":159')),
    "row lost": ("browse/keyword/git.json", lambda content: re.sub(rb'"rows":{.*}}', b'"rows":{}', content)),
    "search cut": ("search/names.js", lambda content: content[:-20]),
    "words cut": ("search/words.js", lambda content: content[:-20]),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_of_the_pages_is_found_and_made_anew(
    small: World, large: World, tmp_path: Path, damage: str
) -> None:
    path, change = DAMAGES[damage]
    damaged = copy_of(large if path.startswith("browse/names") else small, tmp_path / "copy")
    before = damaged.files()
    content = change(before[path])
    assert content != before[path]
    (damaged.tree / path).write_bytes(content)
    found = damaged.verified(quick=True)
    assert {each.fix for each in found} == {"make-pages"}
    assert damaged.verified(fix=True)
    assert damaged.files() == before
    (damaged.tree / path).write_bytes(content)
    damaged.forget()
    damaged.build()
    assert damaged.files() == before


def test_a_page_that_was_replaced_is_found_by_what_it_holds_and_made_anew(world: World) -> None:
    world.put(*some_crates())
    world.build()
    before = world.files()
    other = before["crates/acme-units/index.html"]
    damages: dict[str, Callable[[bytes], bytes]] = {
        "crates/acme-text/1.0.0/index.html": lambda page: page[:-50],
        "browse/names.html": lambda page: page[:200] + b"~" + page[201:],
        "crates/acme-git/index.html": lambda _: other,
        "index.html": lambda _: b"<p>pwned</p>",
    }
    for path, damage in damages.items():
        (world.tree / path).write_bytes(damage(before[path]))
    assert "page-wrong" not in {finding.id for finding in world.verified(quick=True) if finding.path != "index.html"}
    assert {*damages} <= {finding.path for finding in world.verified()}
    assert all(finding.fixed for finding in world.verified(fix=True))
    assert world.files() == before
