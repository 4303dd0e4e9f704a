"""Hostile READMEs in a real Chromium: nothing runs, and nothing is loaded but images over https."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, Dialog, Frame, Page, Request, Route

from cargo_static_index.site.readme.markdown import render_readme
from cargo_static_index.site.readme.text import ReadmeSource
from cargo_static_index.site.theme import CSP, content_security_policy
from tests.advisories import advise
from tests.browser.registry import is_ready
from tests.crates import crate
from tests.hostile import HOSTILE
from tests.registry.site.registries import OPTIONS
from tests.servers import Nginx
from tests.world import World

pytestmark = pytest.mark.browser

_HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>README</title>{policy}'
    '<script src="probe.js"></script></head><body>'
)
_POLICY = '<meta http-equiv="Content-Security-Policy" content="{}">'
_OUR_PROBE = "window.ran = []; window.pwned = () => window.ran.push('pwned'); window.opened = 1;\n"

# What a reader may do to a page, short of following a link.
_POKE = """() => {
  for (const each of document.querySelectorAll('body *')) {
    for (const name of ['mouseover', 'mouseenter', 'pointermove', 'focus', 'toggle', 'animationstart'])
      each.dispatchEvent(new Event(name, {bubbles: true}));
    if ('open' in each) each.open = true;
    each.focus?.();
  }
}"""
_WHAT_IS_THERE = """() => ({
  ran: window.ran,
  pwned: typeof window.pwned,
  title: document.title,
  base: document.baseURI,
  tags: [...new Set([...document.querySelectorAll('body *')].map(each => each.localName))],
  handlers: [...document.querySelectorAll('*')].flatMap(each => each.getAttributeNames())
    .filter(name => name.startsWith('on') || name === 'style' || name === 'name' || name === 'action'),
  ids: [...document.querySelectorAll('body [id]')].map(each => each.id),
  links: [...document.querySelectorAll('[href]')].map(each => each.href),
})"""
_NEVER = {
    "script",
    "style",
    "iframe",
    "object",
    "embed",
    "form",
    "input",
    "button",
    "svg",
    "math",
    "link",
    "meta",
    "base",
}


@dataclass
class Watch:
    """A page whose requests, dialogs and messages are written down; no request leaves this machine."""

    page: Page
    home: str
    foreign: list[tuple[str, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def begin(self) -> None:
        self.page.route("**/*", self._route)
        self.page.on("dialog", self._dialog)
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("popup", lambda popup: self.said.append(f"popup: {popup.url}"))

    def open(self, url: str) -> None:
        self.foreign.clear()
        self.said.clear()
        self.page.goto(url, wait_until="load")
        for frame in self.page.frames:
            frame.evaluate(_POKE)

    def _dialog(self, dialog: Dialog) -> None:
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _route(self, route: Route, request: Request) -> None:
        if request.url.startswith(self.home):
            route.continue_()
            return
        self.foreign.append((request.resource_type, request.url))
        route.abort()


@pytest.fixture(scope="module")
def site() -> Iterator[Path]:
    """Every hostile README as a page: by its number, with the policy of our pages and without, and images off.

    The folder is not one of pytest's, which any other run of pytest closes to the server.
    """
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        _write_pages(root)
        yield root


def _write_pages(root: Path) -> None:
    (root / "probe.js").write_text(_OUR_PROBE)
    kinds: dict[str, tuple[str, bool]] = {
        "policy": (CSP, True),
        "bare": ("", True),
        "unseen": (content_security_policy(images=False), False),
    }
    for kind, (policy, images) in kinds.items():
        for number, source in enumerate(HOSTILE.values()):
            readme = ReadmeSource(
                text=source, path="README.md", repository="https://github.com/o/r", images="all" if images else "none"
            )
            html = render_readme(readme).html
            (root / f"{kind}-{number}.html").write_text(_page(html, policy), encoding="utf-8")
        for number, some in enumerate(_shown_at_once()):
            frames = "".join(f'<iframe src="{kind}-{each}.html"></iframe>' for each in some)
            (root / f"{kind}-frames-{number}.html").write_text(_page(frames, ""), encoding="utf-8")


def _shown_at_once() -> list[range]:
    """Give the numbers of the READMEs that one page shows, each in a frame, as opening pages takes long."""
    return [range(first, min(first + 20, len(HOSTILE))) for first in range(0, len(HOSTILE), 20)]


@pytest.fixture(scope="module")
def server(site: Path) -> Iterator[Nginx]:
    with Nginx(site) as nginx:
        yield nginx


@pytest.fixture
def watch(browser: Browser, server: Nginx) -> Iterator[Watch]:
    context = browser.new_context()
    watch = Watch(context.new_page(), server.url)
    watch.begin()
    yield watch
    context.close()


def _page(html: str, policy: str) -> str:
    return f"{_HEAD.format(policy=_POLICY.format(policy) if policy else '')}<main>{html}</main></body></html>"


def _noticed(watch: Watch, *, images: bool) -> list[str]:
    """List what a page loaded and said that it should not have."""
    harm = [
        f"loaded {kind} {url}" for kind, url in watch.foreign if not images or kind != "image" or url[:8] != "https://"
    ]
    # An image that we did not let through has an error of its own, which says no more than that.
    return harm + [said for said in watch.said if "ERR_FAILED" not in said]


def _harm(watch: Watch, frame: Frame) -> list[str]:
    """List what a hostile README got done in a page of its own, or in a frame."""
    seen = frame.evaluate(_WHAT_IS_THERE)
    harm = [f"ran {what}" for what in seen["ran"]]
    harm += [f"has <{tag}>" for tag in _NEVER.intersection(seen["tags"])]
    harm += [f"has {name}=" for name in seen["handlers"]]
    harm += [f"took the id {name}" for name in seen["ids"] if not name.startswith("user-content-")]
    harm += [f"leads to {link}" for link in seen["links"] if urlsplit(link).scheme not in {"http", "https", "mailto"}]
    if (seen["pwned"], seen["title"]) != ("function", "README") or not seen["base"].startswith(watch.home):
        harm.append(f"changed the page: {seen}")
    return harm


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "images", "every"), [("policy", True, 4), ("bare", True, 1), ("unseen", False, 3)])
def test_nothing_of_a_hostile_readme_runs_and_only_https_images_load(
    watch: Watch, server: Nginx, kind: str, images: bool, every: int
) -> None:
    """All of them without the policy of our pages, which takes more away: with it, some."""
    names, read = list(HOSTILE), 0
    for number, some in list(enumerate(_shown_at_once()))[::every]:
        watch.open(f"{server.url}{kind}-frames-{number}.html")
        assert _noticed(watch, images=images) == [], [names[each] for each in some]
        frames = watch.page.main_frame.child_frames
        assert [names[each] for each, frame in zip(some, frames, strict=True) if _harm(watch, frame)] == []
        read += len(frames)
    assert read > len(HOSTILE) / 5
    assert every > 1 or read == len(HOSTILE)


def test_an_https_image_is_asked_for_and_none_where_they_are_off(watch: Watch, server: Nginx, site: Path) -> None:
    source = "![a](https://example.org/a.png) ![b](b.png)"
    for name, images in (("on", True), ("off", False)):
        readme = ReadmeSource(
            text=source, path="README.md", repository="https://github.com/o/r", images="all" if images else "none"
        )
        html = render_readme(readme).html
        # Lazy images may stay unasked for; these are to be seen at once.
        html = html.replace(' loading="lazy"', "")
        (site / f"{name}.html").write_text(_page(html, content_security_policy(images=images)))

    watch.open(f"{server.url}on.html")
    assert sorted(watch.foreign) == [
        ("image", "https://example.org/a.png"),
        ("image", "https://github.com/o/r/raw/HEAD/b.png"),
    ]
    watch.open(f"{server.url}off.html")
    assert watch.foreign == []


def test_these_tests_see_an_attack_that_works_and_the_policy_stops_it(watch: Watch, server: Nginx, site: Path) -> None:
    attack = '<img src=x onerror="pwned()"><style>p{color:red}</style><a href="javascript:pwned()">x</a><p id=x>'
    (site / "open.html").write_text(_page(attack, ""))
    (site / "closed.html").write_text(_page(attack, CSP))

    watch.open(f"{server.url}open.html")
    watch.page.wait_for_function("window.ran.length > 0")
    assert set(_harm(watch, watch.page.main_frame)) >= {"ran pwned", "has <style>", "has onerror=", "took the id x"}

    watch.open(f"{server.url}closed.html")
    watch.page.wait_for_timeout(200)
    watch.page.evaluate("document.querySelector('a').click()")
    assert watch.page.evaluate("window.ran") == []
    assert any("Content Security Policy" in said for said in watch.said)


def test_a_page_opened_from_disk_runs_our_own_script_under_the_policy(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "probe.js").write_text(_OUR_PROBE)
    (tmp_path / "index.html").write_text(_page("<p>x</p><script>window.inline = 1</script>", CSP))
    page = browser.new_page()
    page.goto(f"file://{quote(str(tmp_path / 'index.html'))}")

    assert page.evaluate("[window.opened, window.inline ?? null]") == [1, None]
    page.close()


def test_an_in_page_link_scrolls_to_its_heading(watch: Watch, server: Nginx, site: Path) -> None:
    source = "[to the end](#The-End)\n\n" + "a\n\n" * 200 + "## The End\n"
    (site / "long.html").write_text(_page(render_readme(ReadmeSource(text=source, path="README.md")).html, CSP))

    watch.open(f"{server.url}long.html")
    watch.page.get_by_role("link", name="to the end").click()

    assert watch.page.url.endswith("#user-content-the-end")
    assert watch.page.evaluate("window.scrollY") > 1000


ATTACK = "\"'></title></script><img src=x onerror=pwned()><script>pwned()</script>{{7*7}}"


def test_what_manifests_paths_and_advisories_say_stays_text_without_the_policy_too(
    browser: Browser, tmp_path: Path
) -> None:
    allowed = [f"{rule}=allow" for rule in ("path-unportable", "url-invalid")]
    advise(tmp_path / "db", "evil", title=ATTACK, patched="")
    world = World(tmp_path, OPTIONS | {"advisories.path": tmp_path / "db", "pages.source": "all", "rules": allowed})
    evil = crate("evil").package(
        description=ATTACK,
        authors=[ATTACK, f"{ATTACK} <a@b.example>"],
        categories=["<img src=x onerror=pwned()>"],
        homepage=f"https://h.example/{ATTACK}",
        documentation="data:text/html,<script>pwned()</script>",
        repository="javascript:pwned()",
        license=ATTACK,
    )
    for path in ("<img src=x onerror=pwned()>", 'src/" onload="pwned().rs', "src/main.rs", "CHANGELOG.md"):
        evil = evil.file(path, f"# {ATTACK}\n")
    world.put(evil.readme(f"# {ATTACK}").vcs(path_in_vcs=ATTACK), crate("evil", "1.1.0"))
    (world.drop / '"><img src=x onerror=pwned()>.crate').write_bytes(b"no archive")
    assert {outcome.status for outcome in world.build().outcomes} == {"published", "refused"}
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    ran: list[str] = []
    page.expose_function("pwned", lambda: ran.append(page.url))
    page.on("pageerror", lambda error: ran.append(f"{page.url}: {error}"))
    looked = sorted(world.tree.rglob("*.html"))
    for each in looked:
        page.goto(each.as_uri())
        is_ready(page)
    page.goto(f"{(world.tree / 'search.html').as_uri()}?q=evil")
    page.locator("#found .item").first.wait_for()
    assert {each.relative_to(world.tree).parts[0] for each in looked} >= {"browse", "crates", "index.html"}
    assert ran == []
    context.close()
