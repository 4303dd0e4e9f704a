"""Images of READMEs: those that the archive holds come from the tree, and what is no harmless image stays out of it."""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import pytest

from cargo_static_index.site.readme.images import image_type, path_inside, without_badges
from tests.crates import CrateBuilder, crate
from tests.registry.site.registries import OPTIONS
from tests.world import World

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>'
README = """# Seen

![here](docs/logo.png) ![drawn](./mark.svg) ![away](https://example.org/a.png) ![lost](lost.png)

[![CI](https://img.shields.io/x.svg)](https://ci.example.org/) ![build](https://github.com/o/r/workflows/CI/badge.svg)
"""


def seen(vers: str = "1.0.0", *, mark: bytes = SVG) -> CrateBuilder:
    made = crate("seen", vers).readme(README).file("docs/logo.png", PNG).file("mark.svg", mark)
    return made.package(repository="https://github.com/o/r").file("unused.png", PNG + b"1")


def built(tmp_path: Path, images: str, *crates: CrateBuilder) -> World:
    world = World(tmp_path, {**OPTIONS, "pages.images": images})
    world.put(*(crates or [seen()]))
    world.build()
    return world


def images_of(paths: Iterable[str]) -> set[str]:
    return {path for path in paths if "/images/" in path}


def name_of(content: bytes, ending: str) -> str:
    return f"images/{sha256(content).hexdigest()[:32]}.{ending}"


def test_an_image_that_the_archive_holds_is_shown_from_the_tree_on_both_pages(tmp_path: Path) -> None:
    world = built(tmp_path, "all")
    png, svg = name_of(PNG, "png"), name_of(SVG, "svg")
    assert images_of(world.files()) == {f"crates/seen/1.0.0/{png}", f"crates/seen/1.0.0/{svg}"}
    assert world.read(f"crates/seen/1.0.0/{png}") == PNG
    assert f'src="1.0.0/{png}"' in world.read("crates/seen/index.html").decode()
    own = world.read("crates/seen/1.0.0/index.html").decode()
    assert f'src="{png}"' in own
    assert f'src="{svg}"' in own
    assert 'src="https://github.com/o/r/raw/HEAD/lost.png"' in own
    assert 'src="https://example.org/a.png"' in own


@pytest.mark.parametrize(
    ("images", "here", "away", "badge"),
    [("all", True, True, True), ("no-badges", True, True, False), ("local", True, False, False), ("none", False, False, False)],  # noqa: E501
)  # fmt: skip
def test_the_setting_says_which_images_are_shown(
    tmp_path: Path, images: str, *, here: bool, away: bool, badge: bool
) -> None:
    world = built(tmp_path, images)
    page = world.read("crates/seen/1.0.0/index.html").decode()
    assert bool(images_of(world.files())) is here
    assert ('src="images/' in page) is here
    assert ('src="https://example.org/a.png"' in page) is away
    assert ('src="https://img.shields.io/x.svg"' in page) is badge
    assert ("img-src &#39;self&#39; https:" in page) is away
    assert ('href="https://ci.example.org/"' in page) is (images != "no-badges")


@pytest.mark.parametrize(
    ("readme", "kept", "lost"),
    [
        (
            '<picture><source media="(min-width: 9px)" srcset="mark.svg"><img src="docs/logo.png"></picture>',
            '<picture><source media="(min-width: 9px)" srcset="images/{svg}"><img src="images/{png}"',
            "",
        ),
        (
            '<picture><source srcset="https://example.org/a.png, mark.svg 2x"><img src="docs/logo.png"></picture>',
            '<picture><img src="images/{png}"',
            "<source",
        ),
        (
            '<picture><source srcset="mark.svg"><img alt="far" src="https://example.org/a.png"></picture>',
            '<small class="unseen">far</small></a>',
            "<picture",
        ),
        (
            '<picture><picture><img src="mark.svg"></picture></picture>',
            '<picture><img src="images/{svg}"',
            "<picture><pic",
        ),
    ],
    ids=["all here", "a source that is not", "an image that is not", "one in another"],
)
def test_a_picture_is_shown_as_far_as_the_archive_holds_it(tmp_path: Path, readme: str, kept: str, lost: str) -> None:
    page = built(tmp_path, "local", seen().readme(readme)).read("crates/seen/1.0.0/index.html").decode()
    names = {
        ending: name_of(content, ending).removeprefix("images/") for content, ending in ((PNG, "png"), (SVG, "svg"))
    }
    assert kept.format(**names) in page
    assert not lost or lost not in page
    assert page.count("<picture>") == page.count("</picture>")


def test_what_the_setting_was_before_still_holds(tmp_path: Path) -> None:
    world = World(tmp_path, OPTIONS)
    assert world.settings({"pages.images": False}).pages.images == "none"
    assert world.settings({"pages.images": True}).pages.images == "all"


def test_badges_go_with_the_links_around_them_and_nothing_else_does() -> None:
    badge = '<img src="https://img.shields.io/a.svg" alt="a">'
    assert (
        without_badges(f'<p><a href="https://x.example">{badge}</a> {badge}\n</p>\n<p>Text {badge}</p>')
        == "<p>Text </p>"
    )
    kept = '<p><a href="https://x.example"><img src="https://x.example/shields.io/a.svg" alt=""></a></p>'
    assert without_badges(kept) == kept


@pytest.mark.parametrize(
    "content",
    [
        b"<svg><script>1</script></svg>",
        b"<svg onload = 'a()'/>",
        b'<svg xmlns:x="http://www.w3.org/2000/svg"><x:script/></svg>',
        b'<svg><a href="java&#115;cript:a()"/></svg>',
        b'<svg><use href="java&#10;script:a()"/></svg>',
        b"<svg><foreignObject/></svg>",
        b'<?xml-stylesheet href="a"?><svg/>',
        b'<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>',
        b'<?xml version="1.0" encoding="UTF-7"?><svg/>',
        '<?xml version="1.0"?><svg/>'.encode("utf-16"),
        b"<html><svg></svg></html>",
        b"\0<svg/>",
        b"text",
        b"",
    ],
)
def test_no_drawing_is_taken_that_could_run_something_where_it_is_opened_as_a_page(content: bytes) -> None:
    assert image_type(content) is None


def test_a_drawing_that_could_run_something_stays_at_its_forge(tmp_path: Path) -> None:
    world = built(tmp_path, "all", seen(mark=b"<svg><script>1</script></svg>"))
    assert images_of(world.files()) == {f"crates/seen/1.0.0/{name_of(PNG, 'png')}"}
    assert (
        'src="https://github.com/o/r/raw/HEAD/mark.svg?sanitize=true"' in world.read("crates/seen/index.html").decode()
    )


@pytest.mark.parametrize(
    ("content", "ending"),
    [
        (PNG, "png"), (b"\xff\xd8\xff\xe0", "jpg"), (b"GIF89a", "gif"), (b"RIFF\0\0\0\0WEBP", "webp"),
        (b"\0\0\0\x20ftypavif", "avif"), (SVG, "svg"), (b"<?xml version='1.0'?>\n<!-- a -->\n" + SVG, "svg"),
    ],
)  # fmt: skip
def test_an_image_is_told_by_what_it_holds(content: bytes, ending: str) -> None:
    assert image_type(content) == ending


@pytest.mark.parametrize(
    ("url", "path"),
    [("a.png", "docs/a.png"), ("../a.png?x#y", "a.png"), ("../../a.png", None), ("/a%20b.png", "docs/a b.png")],
)
def test_a_relative_address_means_a_file_beside_the_readme(url: str, path: str | None) -> None:
    assert path_inside("docs/README.md", url) == path


def test_images_go_with_their_release_and_lost_ones_are_found(tmp_path: Path) -> None:
    world = built(tmp_path, "all", seen(), crate("seen", "2.0.0"))
    whole = world.files()
    path = min(images_of(whole))
    assert world.verified() == []
    for content in (None, b"other"):
        if content is None:
            (world.tree / path).unlink()
        else:
            (world.tree / path).write_bytes(content)
        assert {finding.path for finding in world.verified()} == {path}
        world.verified(fix=True)
        assert world.files() == whole
    world.remove("seen@1.0.0")
    assert images_of(world.files()) == set()
