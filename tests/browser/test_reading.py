"""The pages for everybody: by eye and ear, by keyboard, on a phone, on paper, without scripts."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.advisories import advise
from tests.browser.registry import LONG, PAGES, is_ready
from tests.crates import crate
from tests.servers import Nginx
from tests.world import World

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

pytestmark = pytest.mark.browser

_WIDE_IMAGE = """() => document.querySelector(".prose")?.insertAdjacentHTML("beforeend",
    "<img width=3000 height=9 alt='A picture'>")"""
_OUTLINE = """() => [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')]
  .filter(each => each.checkVisibility()).map(each => Number(each.localName[1]))"""
_FOCUS = """() => {
  const each = document.activeElement, style = getComputedStyle(each), box = each.getBoundingClientRect();
  return {
    name: each === document.body ? '' : each.outerHTML.slice(0, 80),
    ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}"""

_REACHABLE = """() => [...document.querySelectorAll('a[href], button, input, summary, [tabindex="0"]')]
  .filter(each => each.checkVisibility()).map(each => each.outerHTML.slice(0, 80))"""

# The boxes whose letters get below their button; a line's own height is more than that of its letters.
_UNDER_BUTTONS = """() => [...document.querySelectorAll('.copy')].filter(each => {
  if (!each.checkVisibility()) return false;
  const button = each.querySelector('button').getBoundingClientRect(), pre = each.querySelector('pre');
  const seen = pre.getBoundingClientRect(), range = document.createRange();
  range.selectNodeContents(pre.firstChild);
  return [...range.getClientRects()].some(line => Math.min(line.right, seen.right) > button.left
    && line.left < button.right && line.top + line.height / 6 < button.bottom && line.bottom > button.top);
}).map(each => each.textContent)"""


def found_by_axe(page: Page) -> list[tuple[str, list[str]]]:
    """Give what axe-core finds on a page, at WCAG 2.2 AA and by its best practice."""
    page.evaluate(AXE)
    options = json.dumps({"runOnly": {"type": "tag", "values": WCAG}, "resultTypes": ["violations"]})
    result = page.evaluate(f"axe.run(document, {options})")
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in result["violations"]]


# Every page in both schemes, and every page at both widths: neither changes what the other does.
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_axe_finds_nothing_on_any_kind_of_page(browser: Browser, server: Nginx, scheme: str, width: int) -> None:
    context = browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light", viewport={"width": width, "height": 900}, bypass_csp=True
    )
    page = context.new_page()
    found = {}
    for path in PAGES:
        page.goto(server.url + path)
        is_ready(page)
        found[path] = found_by_axe(page)
    for path in ("index.html", "crates/acme-text/index.html"):
        for query in ("wire", "wyre"):
            page.goto(server.url + path)
            page.keyboard.press("/")
            page.keyboard.type(query)
            page.wait_for_selector(f".drop[data-for={query}]")
            page.keyboard.press("ArrowDown")
            found[f"{path}, {query} searched"] = found_by_axe(page)
    context.close()
    assert {path: each for path, each in found.items() if each} == {}


@pytest.mark.parametrize("kind", ["empty", "private", "mirror", "advised"])
def test_axe_finds_nothing_in_other_kinds_of_registries(browser: Browser, tmp_path: Path, kind: str) -> None:
    options: dict[str, dict[str, object]] = {
        "empty": {},
        "private": {"registry.auth-required": True},
        "mirror": {"registry.mode": "mirror", "registry.name": None},
        "advised": {"advisories.path": advise(tmp_path / "advisory-db", "foo", patched="").parents[2]},
    }
    world = World(tmp_path, options[kind] | {"tree.flush": False})
    world.put(*([] if kind == "empty" else [crate("foo")]))
    world.build()
    context = browser.new_context(viewport={"width": 320, "height": 900}, bypass_csp=True)
    page = context.new_page()
    own = {"advised": ["browse/advisories.html", "crates/foo/index.html", "crates/foo/1.0.0/index.html"]}
    usual = ["index.html", "browse/names.html", "browse/keywords.html", "refused.html", "search.html"]
    for path in own.get(kind, usual):
        page.goto(f"{world.tree.as_uri()}/{path}")
        assert found_by_axe(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
    context.close()


def test_no_page_is_wider_than_the_window(page: Page, server: Nginx) -> None:
    for path in PAGES:
        page.goto(server.url + path)
        page.evaluate(_WIDE_IMAGE)
        for width in (320, 768, 1280, 2560):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


def test_no_line_to_copy_runs_below_its_button(page: Page, server: Nginx) -> None:
    for path in ("index.html", "index/index.html", "crates/acme-text/index.html", f"crates/{LONG}/index.html"):
        page.goto(server.url + path)
        for width in (320, 768, 1000, 1280, 2560):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(_UNDER_BUTTONS) == [], (path, width)


def test_headings_are_an_outline(page: Page, server: Nginx) -> None:
    for path in PAGES:
        page.goto(server.url + path)
        levels = page.evaluate(_OUTLINE)
        assert levels[0] == 1, path
        assert levels.count(1) == 1, path
        assert page.locator("main, body > header, body > footer").count() == 3, path
    page.goto(server.url + f"crates/{LONG}/index.html")
    below = "all => all.map(each => each.localName)"
    assert page.eval_on_selector_all(".prose :is(h1, h2, h3, h4)", below) == ["h2", "h3"], "the title is above them"


def test_the_keyboard_reaches_everything_and_shows_where_it_is(page: Page, server: Nginx) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(server.url + "crates/acme-text/1.1.0/index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = []
    for _ in range(200):
        focus = page.evaluate(_FOCUS)
        if not focus["name"]:
            break
        assert focus["ring"], focus
        assert focus["seen"], focus
        reached.append(focus["name"])
        page.keyboard.press("Tab")
    wanted = page.evaluate(_REACHABLE)
    assert reached == wanted


def test_who_skips_the_head_begins_behind_it(page: Page, server: Nginx) -> None:
    page.goto(server.url + "crates/acme-text/index.html")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_on_a_phone_a_crate_is_read_before_what_is_said_about_it(browser: Browser, server: Nginx) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 800})
    page = context.new_page()
    page.goto(server.url + "crates/acme-text/index.html")
    top = "selector => document.querySelector(selector).getBoundingClientRect().top"
    heights = [page.evaluate(top, each) for each in ("h1", ".install", ".tabs", "#readme", "#versions", "#about")]
    assert heights == sorted(heights)
    page.click(".tabs >> text=About")
    page.wait_for_function("() => document.querySelector('#about').getBoundingClientRect().top < 100")
    context.close()


def test_without_scripts_everything_is_read_and_search_shows_the_way_to_the_lists(
    browser: Browser, server: Nginx
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(server.url + "index.html")
    page.fill("main input", "text")
    page.keyboard.press("Enter")
    page.wait_for_url(server.url + "search.html?q=text")
    assert "Without it, find crates by name" in page.inner_text("main")
    page.click("noscript a:text-is('keyword')")
    assert page.inner_text("h1") == "Keywords"
    page.goto(server.url + "crates/acme-text/index.html")
    assert "cargo add acme-text --registry acme" in page.inner_text("main")
    assert page.locator(".copy-button:visible, .theme:visible").count() == 0
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_printed_is_dark_on_light_and_leaves_out_what_only_a_screen_can_use(
    browser: Browser, server: Nginx, scheme: str
) -> None:
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    page.goto(server.url + "crates/acme-text/index.html")
    page.click(".theme")
    page.emulate_media(media="print")
    assert page.locator(".top:visible, .foot:visible, .copy-button:visible, .tabs:visible").count() == 0
    assert page.locator("h1:visible").count() == 1
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf().startswith(b"%PDF-")
    context.close()


def test_jumps_inside_a_page_are_immediate_and_nothing_moves(browser: Browser, server: Nginx) -> None:
    for wish in ("reduce", "no-preference"):
        context = browser.new_context(reduced_motion="reduce" if wish == "reduce" else "no-preference")
        page = context.new_page()
        page.goto(server.url + "index.html")
        assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
        assert page.evaluate("document.getAnimations().length") == 0
        context.close()


def test_with_the_systems_few_colours_the_chosen_crate_still_stands_out(browser: Browser, server: Nginx) -> None:
    context = browser.new_context(forced_colors="active")
    page = context.new_page()
    page.goto(server.url + "index.html")
    page.keyboard.press("/")
    page.keyboard.type("wire")
    page.wait_for_selector("[role=option]")
    page.keyboard.press("ArrowDown")
    outline = "getComputedStyle(document.querySelector('[aria-selected=true]')).outlineStyle"
    assert page.evaluate(outline) == "solid"
    context.close()


def test_nothing_is_painted_in_the_other_scheme_first(context: BrowserContext, server: Nginx) -> None:
    page = context.new_page()
    page.goto(server.url + "index.html")
    page.click(".theme")
    # theme.js stands before everything that is painted, and is not deferred.
    page.goto(server.url + "browse/names.html")
    early = "document.querySelector('script[src*=\"theme-\"]')"
    assert page.evaluate(f"{early}.defer === false && {early}.parentElement === document.head")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
