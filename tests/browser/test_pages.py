"""The pages in a real browser: for everybody to use, by hand and eye and ear, from a server and from a disk."""

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.crates import crate
from tests.pages.registries import HERE, OPTIONS, some_crates, versions
from tests.servers import Nginx, free_port
from tests.world import World

AXE = files("axe_playwright_python") / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

LONG = "a-very-long-name-that-somebody-found-useful-for-a-crate-of-theirs"[:64]
PAGES = (
    "index.html",
    "search.html?q=acme",
    "refused.html",
    "404.html",
    "index/index.html",
    "browse/names.html",
    "browse/names/x.html",
    "browse/keywords.html",
    "browse/keyword/git.html",
    "browse/categories.html",
    "browse/months.html",
    "browse/month/2026-01.html",
    "crates/acme-text/index.html",
    "crates/acme-text/1.1.0/index.html",
    "crates/acme-units/dependents.html",
    "crates/absent/index.html",
    "crates/many/index.html",
    "crates/many/versions/index.html",
    "crates/many/versions/0.html",
    f"crates/{LONG}/index.html",
    f"crates/{LONG}/1.0.0-rc.1%2Bbuild.7/index.html",
)


pytestmark = pytest.mark.browser

PREFIX = "/under/a/path/"


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, port: int) -> Path:
    """A registry with every kind of page, at every odd length, served where it says it is."""
    where: dict[str, object] = {
        "registry.base-url": f"http://127.0.0.1:{port}{PREFIX}",
        "registry.aliases": ["https://crates.example.com/"],
    }
    world = World(tmp_path_factory.mktemp("site"), OPTIONS | where)
    long = crate(LONG, "1.0.0-rc.1+build.7").package(
        description="Words " * 60, keywords=["internationalization"], categories=["development-tools::build-utils"]
    )
    long.dependency("absent", "2", registry_index=HERE, target='cfg(all(target_arch = "wasm32", not(windows)))')
    long.readme(
        "# A\n\n| a | b |\n|---|---|\n| " + "x" * 300 + " | c |\n\n```rust\nfn main() {" + " " * 200 + "}\n```\n"
    )
    world.put(*some_crates(), long, *versions(120), *(crate(f"x{number:03}") for number in range(160)))
    world.put(crate("wire").package(description="A framework"), crate("wire_json"), crate("async-wire"))
    (world.drop / "broken.crate").write_bytes(b"no archive")
    world.build()
    world.yank(f"{LONG}@1.0.0-rc.1+build.7")
    return world.tree


@pytest.fixture(scope="module")
def server(site: Path, port: int) -> Iterator[Nginx]:
    with Nginx(site, prefix=PREFIX, port=port) as nginx:
        yield nginx


class Watch:
    """A page that keeps what went wrong in it, and what it asked of whom."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context()
    opened.grant_permissions(["clipboard-read", "clipboard-write"])
    yield opened
    opened.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_kind_of_page(browser: Browser, server: Nginx, scheme: str) -> None:
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light", bypass_csp=True)
    page = context.new_page()
    found = {}
    for path in PAGES:
        page.goto(server.url + path)
        page.wait_for_load_state("networkidle")
        page.add_script_tag(content=AXE.read_text())
        options = json.dumps({"runOnly": {"type": "tag", "values": WCAG}})
        result = page.evaluate(f"axe.run(document, {options})")
        if result["violations"]:
            found[path] = [(each["id"], [node["html"] for node in each["nodes"]]) for each in result["violations"]]
    context.close()
    assert found == {}


@pytest.mark.parametrize("width", [320, 768, 1280, 2560])
def test_no_page_is_wider_than_the_window(browser: Browser, server: Nginx, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    for path in PAGES:
        page.goto(server.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()


def test_pages_ask_nobody_else_and_leave_the_console_clean(context: BrowserContext, server: Nginx) -> None:
    watch = Watch(context)
    for path in PAGES:
        watch.page.goto(server.url + path)
        watch.page.wait_for_load_state("networkidle")
    assert watch.wrong == []
    assert [url for url in watch.asked if not url.startswith(server.url)] == []


def found_by(page: Page, query: str) -> list[str]:
    """Search on the page of results, and give the names found."""
    page.fill("#find", query)
    page.wait_for_function("q => document.getElementById('found').dataset.for === q", arg=query)
    names: list[str] = page.eval_on_selector_all("#found .item-name", "all => all.map(each => each.textContent)")
    return names


@pytest.mark.parametrize("where", ["server", "disk"])
def test_search_finds_and_ranks(context: BrowserContext, server: Nginx, site: Path, where: str) -> None:
    watch = Watch(context)
    watch.page.goto((server.url if where == "server" else f"{site.as_uri()}/") + "search.html")
    page = watch.page
    assert found_by(page, "wire") == ["wire", "wire_json", "async-wire"]
    assert found_by(page, "wire-json") == ["wire_json"]
    assert found_by(page, "WIRE_J") == ["wire_json"]
    assert found_by(page, "ire") == ["wire", "wire_json", "async-wire"]
    assert found_by(page, "framework") == ["wire"]
    assert found_by(page, "git") == ["acme-git"]
    assert found_by(page, "nothing like it") == []
    assert page.inner_text("#found-count") == "No crate for “nothing like it”."
    assert watch.wrong == []


def test_a_search_has_an_address_to_share(context: BrowserContext, server: Nginx) -> None:
    page = context.new_page()
    page.goto(server.url + "search.html?q=async")
    page.wait_for_selector("#found li")
    assert page.inner_text("#found-count") == "1 crate for “async”."
    assert found_by(page, "wire_json") == ["wire_json"]
    assert page.url == server.url + "search.html?q=wire_json"
    page.keyboard.press("Enter")
    page.wait_for_url(server.url + "crates/wire_json/index.html")


def test_crates_are_found_as_one_types_by_keyboard(context: BrowserContext, server: Nginx) -> None:
    page = context.new_page()
    page.goto(server.url + "crates/acme-text/1.1.0/index.html")
    page.keyboard.press("/")
    page.keyboard.type("wire")
    page.wait_for_selector("[role=option]")
    assert page.eval_on_selector_all("[role=option] b", "all => all.map(each => each.textContent)")[:2] == [
        "wire",
        "wire_json",
    ]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(server.url + "crates/wire_json/index.html")


def test_escape_closes_what_was_found(context: BrowserContext, server: Nginx) -> None:
    page = context.new_page()
    page.goto(server.url + "index.html")
    page.keyboard.press("/")
    page.keyboard.type("wire")
    page.wait_for_selector("[role=option]")
    page.keyboard.press("Escape")
    assert page.locator("[role=option]:visible").count() == 0


def test_without_scripts_everything_is_read_and_search_shows_the_way_to_the_lists(
    browser: Browser, server: Nginx
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(server.url + "search.html?q=x")
    assert "Without it, find crates by name" in page.inner_text("main")
    page.goto(server.url + "crates/acme-text/index.html")
    assert "cargo add acme-text --registry acme" in page.inner_text("main")
    assert page.locator(".copy-button:visible, .theme:visible").count() == 0
    context.close()


def test_a_line_is_copied_whole(context: BrowserContext, server: Nginx) -> None:
    page = context.new_page()
    page.goto(server.url + "index.html")
    page.click("#use-local .copy-button")
    page.wait_for_function("document.querySelector('#use-local .copy-button').textContent === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()") == (
        f'[registries.acme]\nindex = "sparse+{server.url}index/"\n'
    )
    assert page.inner_text("#said") == "Copied"


@pytest.mark.parametrize("where", ["server", "disk"])
def test_the_scheme_that_is_switched_to_stays(context: BrowserContext, server: Nginx, site: Path, where: str) -> None:
    page = context.new_page()
    base = server.url if where == "server" else f"{site.as_uri()}/"
    page.goto(base + "index.html")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click(".theme")
    page.click(".theme")
    assert page.inner_text(".theme") == "Dark"
    page.goto(base + "crates/acme-text/index.html")
    assert page.inner_text(".theme") == "Dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.click(".theme")
    assert page.inner_text(".theme") == "Auto"


def test_pages_work_from_a_disk(context: BrowserContext, site: Path) -> None:
    watch = Watch(context)
    watch.page.goto(f"{site.as_uri()}/index.html")
    watch.page.click("text=acme-text")
    watch.page.click("text=Dependents")
    assert watch.page.inner_text("h1") == "Who depends on acme-text"
    watch.page.click(".brand")
    assert watch.page.inner_text("h1") == "Crates of Acme"
    assert watch.wrong == []


def test_what_is_printed_leaves_out_what_only_a_screen_can_use(context: BrowserContext, server: Nginx) -> None:
    page = context.new_page()
    page.emulate_media(media="print")
    page.goto(server.url + "crates/acme-text/index.html")
    assert page.locator(".top:visible, .foot:visible, .copy-button:visible, .tabs:visible").count() == 0
    assert page.locator("h1:visible").count() >= 1
