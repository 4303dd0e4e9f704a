"""What pages do in a browser beyond being read, and what they never do: from a server, under a path, from a disk."""

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from cargo_static_index.protocol.semver import parse_requirement, parse_version
from tests.browser.registry import LONG, PAGES, Watch
from tests.crates import crate
from tests.registry.site.registries import HERE, OPTIONS, some_crates
from tests.servers import Nginx, open_folder
from tests.world import World

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()

PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"></svg>'

pytestmark = pytest.mark.browser

_FOREIGN = """() => {
  window.ran = 0;
  const add = (name, fields) => document.body.append(Object.assign(document.createElement(name), fields));
  add('script', {textContent: 'window.ran = 1'});
  add('a', {id: 'inline'});
  document.getElementById('inline').setAttribute('onclick', 'window.ran = 2');
  document.getElementById('inline').click();
  add('iframe', {src: 'https://elsewhere.example/'});
  add('script', {src: 'https://elsewhere.example/x.js'});
  add('link', {rel: 'stylesheet', href: 'https://elsewhere.example/x.css'});
  return window.ran;
}"""


@pytest.fixture
def open_world() -> Iterator[World]:
    """A registry in a folder that a server may read whatever other runs of pytest do with theirs."""
    with open_folder() as folder:
        yield World(folder, OPTIONS)


def test_pages_ask_nobody_else_and_leave_the_console_clean(context: BrowserContext, base: str) -> None:
    watch = Watch(context)
    for path in PAGES:
        # 404.html names absolute addresses: it may be shown at any path.
        if path != "404.html" or base.startswith("http"):
            watch.open(base + path)
    assert watch.wrong == []
    assert [url for url in watch.asked if not url.startswith(base)] == []


@pytest.mark.parametrize("path", ["index.html", "crates/acme-text/index.html"])
def test_a_policy_stops_what_is_not_ours(context: BrowserContext, server: Nginx, path: str) -> None:
    watch = Watch(context)
    watch.open(server.url + path)
    watch.page.on("requestfailed", lambda request: watch.wrong.append(f"{request.url}: {request.failure}"))
    assert watch.page.evaluate(_FOREIGN) == 0
    watch.page.wait_for_timeout(200)
    assert len([each for each in watch.wrong if "Content Security Policy" in each]) >= 4


@pytest.mark.parametrize(("path", "scripts"), [("index.html", 2), ("crates/many/index.html", 4)])
def test_pages_are_light(context: BrowserContext, server: Nginx, path: str, scripts: int) -> None:
    page = context.new_page()
    sizes: dict[str, int] = {}
    page.on("response", lambda response: sizes.update({response.url: len(response.body())}))
    page.goto(server.url + path, wait_until="networkidle")
    assert len(sizes) == 3 + scripts, "the page, its style, its icon, and its scripts"
    assert sum(sizes.values()) < 60_000


@pytest.mark.parametrize(
    ("path", "button", "text"),
    [
        ("index.html", "#use-local", '[registries.acme]\nindex = "sparse+{base}index/"\n'),
        ("crates/acme-text/index.html", ".install > :first-child", "cargo add acme-text --registry acme"),
        (
            "crates/acme-text/index.html",
            ".install > div:last-of-type",
            'acme-text = {{ version = "1.1.0", registry = "acme" }}',
        ),
    ],
)
def test_a_line_is_copied_whole(page: Page, server: Nginx, base: str, path: str, button: str, text: str) -> None:
    page.goto(base + path)
    page.click(f"{button} .copy-button")
    page.wait_for_selector(f"{button} .copy-button:text-is('Copied')")
    assert page.inner_text("#said") == "Copied"
    page.bring_to_front()
    copied = page.evaluate("navigator.clipboard.readText()") if base.startswith("http") else _pasted(page)
    assert copied == text.format(base=server.url)
    page.wait_for_selector(f"{button} .copy-button:text-is('Copy')")
    assert page.inner_text("#said") == ""


def _pasted(page: Page) -> str:
    """Give what the clipboard holds by pasting it: a page from a disk may not read it."""
    page.evaluate("document.body.append(document.createElement('textarea'))")
    page.focus("textarea")
    page.keyboard.press("Control+V")
    return page.input_value("textarea")


def test_the_scheme_that_is_switched_to_stays(context: BrowserContext, base: str) -> None:
    page = context.new_page()
    page.goto(base + "index.html")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    assert page.inner_text(".theme") == "Auto"
    page.click(".theme")
    assert page.inner_text(".theme") == "Dark", "the first press shows something"
    assert page.inner_text("#said") == "Colour scheme: Dark"
    page.goto(base + "crates/acme-text/index.html")
    assert page.inner_text(".theme") == "Dark"
    page.reload()
    dark = page.evaluate(ground)
    assert dark != light
    other = context.new_page()
    other.goto(base + "browse/names.html")
    assert other.evaluate(ground) == dark
    other.click(".theme")
    assert other.inner_text(".theme") == "Light"
    page.wait_for_function("() => document.querySelector('.theme').textContent === 'Light'")
    assert page.evaluate(ground) == light, "a page that is open follows"
    page.click(".theme")
    assert page.inner_text(".theme") == "Auto"
    page.go_back()
    assert page.inner_text(".theme") == "Auto"


def test_what_is_not_held_is_marked_at_the_dependency_and_where_it_is_missing_to_install(
    context: BrowserContext, open_world: World
) -> None:
    world = open_world
    needy = crate("needy").dependency("absent", "2", registry_index=HERE)
    needy.dependency("acme-units", "0.4", registry_index=HERE, target="cfg(windows)")
    needy.dependency("acme-text", "1.0", registry_index=HERE).dependency(
        "acme-text", ">1.0.0", registry_index=HERE, kind="build"
    )
    needy.dependency("acme-git", "1", registry_index=HERE, kind="dev").dependency("serde", "1")
    world.put(*some_crates(), needy)
    world.build()
    world.yank("acme-text@1.1.0")
    with Nginx(world.tree) as nginx:
        watch = Watch(context)
        watch.open(nginx.url + "crates/needy/index.html")
        watch.page.locator(".not-asked").wait_for(state="detached")
        rows = watch.page.locator("#dependencies li").all_inner_texts()
        assert [row for row in rows if "here" in row] == [
            "absent ^2 not held here",
            "acme-units ^0.4 no such version here",
            "acme-text >1.0.0 no such version here",
            "acme-git ^1 no such version here",
        ]
        assert watch.page.locator(".lacking li").all_inner_texts() == [
            "Needs absent ^2: not held here.",
            "Needs acme-units ^0.4 on cfg(windows): no such version here.",
            "Needs acme-text >1.0.0: no such version here.",
        ]
        assert watch.wrong == []
    watch.open(f"{world.tree.as_uri()}/crates/needy/index.html")
    assert watch.page.locator(".not-asked").is_visible(), "nothing can be asked from a disk"


def test_a_browser_reads_requirements_as_cargo_does(page: Page, base: str) -> None:
    page.goto(f"{base}crates/acme-text/index.html")
    versions = "0.0.0 0.0.3 0.1.0 0.1.9 0.2.0-rc.1 0.2.0 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-2"
    versions += " 1.0.0 1.2.3 1.2.4+b 1.3.0 2.0.0 18446744073709551615.0.0"
    written = (
        "*;1;^0.0.3;^0.1;0;0.0;~1;~1.2;~1.2.3;=1;=1.2;=1.2.3;1.*;1.2.*;>1;>=1.2;<1.2.3;<=1;>1.0.0-alpha;^1.0.0-alpha.1;"
    )
    written += "=1.0.0-2;>=0.1.0, <2.0;>0.1.9,<1;1.0.0+x;<=18446744073709551615.0;~0.2.0-rc;^0.2.0-rc.1;>= 1.2.3"
    for req in written.split(";"):
        wanted = [vers for vers in versions.split() if parse_requirement(req).matches(parse_version(vers))]
        got = page.evaluate("([all, req]) => all.filter(vers => csiSatisfies(vers, req))", [versions.split(), req])
        assert got == wanted, req


def test_any_two_versions_are_compared_by_what_their_pages_hold(context: BrowserContext, open_world: World) -> None:
    old = crate("foo", "1.0.0").package(rust_version="1.70").dependency("bar", "1").dependency("tests", "1", kind="dev")
    middle = crate("foo", "1.1.0")
    new = (
        crate("foo", "2.0.0").package(rust_version="1.80").dependency("bar", "2", optional=True).dependency("baz", "1")
    )
    new.feature("wide", ["dep:bar"]).file("src/more.rs", "// More.")
    world = open_world
    world.put(old, middle, new)
    world.build()
    with Nginx(world.tree) as nginx:
        watch = Watch(context)
        watch.open(nginx.url + "crates/foo/index.html")
        watch.page.select_option(".compare [name=from]", "1.0.0")
        watch.page.click(".compare button")
        watch.page.locator(".compared").wait_for()
        rows = [row.split("\t") for row in watch.page.locator(".compared tbody tr").all_inner_texts()]
        assert [row for row in rows if row[0] not in {"Size", "File Cargo.toml"}] == [
            ["Feature wide", "—", "dep:bar"],
            ["Rust version", "1.70", "1.80"],
            ["Dependency bar", "^1", "^2, optional"],
            ["Dependency baz", "—", "^1"],
            ["Development dependency tests", "^1", "—"],
            ["File src/more.rs", "—", "8 B"],
        ]
        assert watch.page.url.endswith("#compare=1.0.0...2.0.0")
        watch.page.reload()
        watch.page.locator(".compared").wait_for()
        assert watch.page.input_value(".compare [name=from]") == "1.0.0"
        watch.page.emulate_media(color_scheme="dark")
        watch.page.evaluate(AXE)
        assert watch.page.evaluate("axe.run().then(found => found.violations.map(each => each.id))") == []
        assert watch.wrong == []


def test_code_of_a_readme_is_copied_whole(page: Page, base: str) -> None:
    page.goto(f"{base}crates/{LONG}/index.html")
    page.click(".prose .copy-button")
    page.wait_for_selector(".prose .copy-button:text-is('Copied')")
    page.bring_to_front()
    copied = page.evaluate("navigator.clipboard.readText()") if base.startswith("http") else _pasted(page)
    assert copied.startswith("fn main() {")
    assert copied.endswith("}\n")


def test_pictures_follow_the_switch_and_not_only_the_system(page: Page, tmp_path: Path) -> None:
    dark, light = "https://pictures.example/dark.png", "https://pictures.example/light.png"
    source = f'<source media="(prefers-color-scheme: dark)" srcset="{dark}">'
    world = World(tmp_path, OPTIONS)
    world.put(crate("foo").readme(f'<picture>{source}<img alt="A logo" src="{light}"></picture>'))
    world.build()
    page.route(re.compile("^https:"), lambda route: route.fulfill(body=PICTURE, content_type="image/svg+xml"))
    page.emulate_media(color_scheme="light")
    page.goto(f"{world.tree.as_uri()}/crates/foo/index.html")
    shown = "document.querySelector('.prose img').currentSrc"
    page.locator(".prose img").scroll_into_view_if_needed()
    page.wait_for_function(f"() => {shown} === '{light}'")
    page.click(".theme")
    page.wait_for_function(f"() => {shown} === '{dark}'")
    page.click(".theme")
    page.wait_for_function(f"() => {shown} === '{light}'")


@pytest.mark.parametrize("fails", ["before the script runs", "after it ran"])
def test_an_image_that_does_not_come_gives_way_to_its_text(page: Page, tmp_path: Path, fails: str) -> None:
    dark, light = "https://pictures.example/dark.svg", "https://pictures.example/light.svg"
    source = f'<source media="(prefers-color-scheme: dark)" srcset="{dark}">'
    world = World(tmp_path, OPTIONS)
    readme = f"""# Foo [![CI](https://ci.example/1.svg)](https://ci.example)

![An ornament](https://ci.example/2.svg) and ![](https://ci.example/3.svg)

<picture>{source}<img alt="A logo" src="{light}"></picture>
"""
    world.put(crate("foo").readme(readme))
    world.build()
    failed, scripts = list[str](), list[Route]()

    def keep(route: Route) -> None:
        scripts.append(route)

    page.route(re.compile("^https:"), lambda route: route.abort())
    page.route(dark, lambda route: route.fulfill(body=PICTURE, content_type="image/svg+xml"))
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.emulate_media(color_scheme="light")
    if fails == "before the script runs":
        page.route("**/site-*.js", keep)
    page.goto(f"{world.tree.as_uri()}/crates/foo/index.html", wait_until="commit")
    while len(failed) < 4:
        page.wait_for_event("requestfailed")
    for script in scripts:
        script.continue_()
    page.wait_for_function("document.querySelectorAll('.prose img[hidden]').length === 4")
    assert page.locator(".unseen").all_inner_texts() == ["CI", "An ornament", "A logo"]
    assert page.locator("h2 .unseen").evaluate("each => getComputedStyle(each).fontSize") == "14px"
    page.click(".theme")
    page.locator(".prose picture img").wait_for()
    assert page.locator(".unseen").all_inner_texts() == ["CI", "An ornament"]


def test_links_of_images_that_are_not_shown_are_large_enough_to_be_hit(page: Page, tmp_path: Path) -> None:
    badges = "\n".join(f"[![{text}](https://x.example/{text}.svg)](https://{text}.example)" for text in "abcdefgh")
    world = World(tmp_path, OPTIONS | {"pages.images": "local"})
    world.put(crate("foo").readme(f"# Foo {badges}\n\n{badges}\n\n## Bar\n\n- {badges}\n"))
    world.build()
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{world.tree.as_uri()}/crates/foo/index.html")
        page.evaluate(AXE)
        found = page.evaluate("axe.run({runOnly: ['target-size']})")
        assert (found["violations"], found["incomplete"]) == ([], [])


def test_pages_lead_on_from_a_disk_and_under_a_path(context: BrowserContext, base: str) -> None:
    watch = Watch(context)
    watch.open(base + "index.html")
    watch.page.click("text=acme-text")
    watch.page.click("text=Dependents")
    assert watch.page.inner_text("h1") == "Who depends on acme-text"
    watch.page.click(".brand")
    assert watch.page.inner_text("h1") == "Crates of Acme"
    watch.page.click("text=GitHub Actions")
    assert watch.page.locator("#use-github").is_visible()
    watch.page.click("text=GitLab CI")
    watch.page.locator("#use-github").wait_for(state="hidden")
    assert watch.wrong == []


def test_an_old_version_says_which_is_newer_and_the_newest_says_nothing(page: Page, server: Nginx) -> None:
    page.goto(server.url + "crates/acme-text/1.0.0/index.html")
    page.get_by_text("1.1.0 is newer.").wait_for()
    page.get_by_role("link", name="1.1.0", exact=True).click()
    page.locator(".newest").wait_for(state="hidden")
    assert page.url == server.url + "crates/acme-text/1.1.0/index.html"


def test_a_file_is_coloured_and_each_line_has_an_address(page: Page, base: str) -> None:
    page.goto(f"{base}crates/acme-git/0.3.0/source/src~main.rs.html")
    expect(page.locator("pre.text .c-k")).to_have_text("fn")
    assert page.locator("pre.text").inner_text() == "fn main() {}"
    page.get_by_role("link", name="1", exact=True).click()
    expect(page).to_have_url(re.compile(r"#L1$"))
    with page.expect_response(re.compile(r"\.txt$")) as answered:
        page.get_by_role("link", name="As plain text").click()
    assert answered.value.headers["content-type"].startswith("text/plain")
    assert answered.value.text() == "fn main() {}"


def test_the_names_of_a_list_that_is_cut_are_shown_at_once(page: Page, server: Nginx) -> None:
    page.goto(f"{server.url}browse/names.html")
    expect(page.locator(".all-names a", has_text="acme-git")).to_have_attribute("href", "../crates/acme-git/index.html")
    page.locator(".all-names a", has_text="wire_json").click()
    expect(page.locator("h1")).to_contain_text("wire_json")


def test_of_many_keywords_those_come_first_that_most_crates_name(page: Page, open_world: World) -> None:
    some = [crate(f"c{number}").package(keywords=[f"k{number}", f"j{number}", f"c{number}"]) for number in range(60)]
    open_world.put(*some, crate("c60").package(keywords=["k7", "c++"]), crate("c61").package(keywords=["c++", "k7"]))
    open_world.build()
    with Nginx(open_world.tree) as server:
        page.goto(f"{server.url}browse/keywords.html")
        boxes = page.locator("ul.boxes").first.get_by_role("link")
        expect(boxes).to_have_count(60)
        assert [boxes.nth(number).inner_text().split() for number in (0, 1)] == [["k7", "3"], ["c++", "2"]]
        boxes.nth(1).click()
        expect(page.locator("h1")).to_have_text("Keyword “c++”")
