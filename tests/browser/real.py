"""The pages of real crates in a real Chromium: what axe finds on them, and pictures of each kind for people to look at.

    python -m tests.browser.real
    python -m tests.browser.real --pictures FOLDER

The first looks at so many pages of each kind (`--each`) in both schemes, and prints a JSON object of what was counted
as its last line. The second writes pictures of one page of each kind or two, in both schemes and in three widths.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, Page

from tests import corpus
from tests.advisories import advise
from tests.browser.conftest import chromium
from tests.browser.registry import is_ready
from tests.browser.test_reading import found_by_axe
from tests.registry.site.real import mirror
from tests.servers import Nginx, free_port, open_folder

SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
WIDTHS: Final = (320, 1280, 2560)


KINDS: Final[Mapping[str, str]] = {
    "crate": r"crates/[^/]+/index\.html",
    "version": r"crates/[^/]+/[^/]+/index\.html",
    "dependents": r"crates/[^/]+/dependents(/[^/]+)*\.html",
    "file": r"crates/[^/]+/[^/]+/source/[^/]+\.html",
    "keyword": r"browse/keyword/.+\.html",
    "category": r"browse/category/.+\.html",
    "license": r"browse/license/.+\.html",
    "names": r"browse/names(/.+)?\.html",
    "month": r"browse/month/.+\.html",
    "other": r".+\.html",
}
"""The path of a page of each kind; the first that fits says which it is."""

LARGEST: Final = 200_000
"""Bytes of a page that axe is asked about: of a larger one it takes minutes to say the same of each row again."""

SEARCHES: Final = ("json", "parallel iterator", "serde_json::Value", "nothing-like-it", "serd", "http")

SHOWN: Final = {
    "front": "index.html",
    "crate": "crates/chrono/index.html",
    "crate-large": "crates/tokio/index.html",
    "crate-many-features": "crates/web-sys/index.html",
    "crate-advised": "crates/time/index.html",
    "version": "crates/serde_json/{}/index.html",
    "dependents": "crates/serde/dependents.html",
    "file": "crates/anyhow/{}/source/src~lib.rs.html",
    "file-text": "crates/anyhow/{}/source/Cargo.toml.html",
    "search": "search.html?q=json",
    "search-none": "search.html?q=qqqq",
    "names": "browse/names.html",
    "keywords": "browse/keywords.html",
    "keyword": "browse/keyword/parser.html",
    "categories": "browse/categories.html",
    "licenses": "browse/licenses.html",
    "license": "browse/license/mit.html",
    "months": "browse/months.html",
    "advisories": "browse/advisories.html",
    "not-held": "crates/slab/index.html",
    "removed-version": "crates/base64/0.22.1/index.html",
    "refused": "refused.html",
    "lost": "404.html",
    "index": "index/index.html",
    "yanked": "crates/lazy_static/index.html",
    "older": "crates/hashbrown/0.14.5/index.html",
}
"""Pages of which pictures are made; `{}` stands for the crate's newest version."""


@contextmanager
def site() -> Iterator[tuple[Path, str]]:
    """Give tree and address of a mirror of the corpus that shows all that pages can: files, images, advisories."""
    port = free_port()
    with open_folder() as folder:
        database = folder / "advisory-db"
        advise(database, "time", patched='">= 99.0.0"', title="Potential segfault in the time crate")
        advise(database, "smallvec", "RUSTSEC-2026-0002", patched='">= 99.0.0"', more='informational = "unsound"')
        options = {
            "registry.base-url": f"http://127.0.0.1:{port}/",
            "registry.title": "Mirror of some of crates.io",
            "pages.source": "all",
            "pages.images": "local",
            "pages.links": ["Ask us https://chat.example.com/crates"],
            "advisories.path": database,
        }
        with mirror(folder, corpus.fetch(), options) as world:
            (world.drop / "broken.crate").write_bytes(b"no archive")
            world.build()
            world.remove(*_releases(world.tree, "slab"), "base64@0.22.1")
            world.yank(*_releases(world.tree, "lazy_static"))
            with Nginx(world.tree, port=port) as nginx:
                yield world.tree, nginx.url


def by_kind(tree: Path) -> dict[str, list[str]]:
    """Give the paths of all pages but the largest, in order, by kind."""
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    pages = (each for each in tree.rglob("*.html") if each.stat().st_size <= LARGEST)
    for path in sorted(each.relative_to(tree).as_posix() for each in pages):
        found[next(kind for kind, form in KINDS.items() if re.fullmatch(form, path))].append(path)
    return found


def some(paths: list[str], number: int) -> list[str]:
    """Give so many of these paths, from all over."""
    step = max(1, len(paths) // number)
    return paths[::step][:number]


def opened(browser: Browser, scheme: Literal["light", "dark"], width: int) -> Page:
    """Give a page in a browser that asks no other host."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    context.route(lambda address: "127.0.0.1" not in address, lambda route: route.abort())
    page = context.new_page()
    page.set_default_timeout(120_000)
    return page


def axe(browser: Browser, each: int) -> dict[str, object]:
    """Ask axe about so many pages of each kind in both schemes; the window is narrow for every other one."""
    looked: Counter[str] = Counter()
    wrong: list[str] = []
    with site() as (tree, url):
        pages = {kind: some(paths, each) for kind, paths in by_kind(tree).items()}
        pages["search"] = [f"search.html?q={query}" for query in SEARCHES]
        for scheme in SCHEMES:
            windows = [opened(browser, scheme, width) for width in (1280, 320)]
            for kind, paths in pages.items():
                for number, path in enumerate(paths):
                    window = windows[number % 2]
                    window.goto(url + path)
                    is_ready(window)
                    found = [f"{path} ({scheme}): {rule} {html[0][:200]}" for rule, html in found_by_axe(window)]
                    wrong += found
                    looked[kind] += 1
                    print(*found, sep="\n", end="\n" * bool(found), flush=True)
                print(scheme, kind, looked[kind], flush=True)
    return {**{f"{kind}: pages looked at": number for kind, number in looked.items()}, "found by axe": wrong}


def pictures(browser: Browser, folder: Path) -> None:
    """Write a picture of each page that is to be shown, in both schemes and three widths."""
    folder.mkdir(parents=True, exist_ok=True)
    with site() as (tree, url):
        for scheme in SCHEMES:
            for width in WIDTHS:
                window = opened(browser, scheme, width)
                for name, path in SHOWN.items():
                    window.goto(url + _newest(tree, path))
                    is_ready(window)
                    _picture(window, folder / f"{name}-{width}-{scheme}.png", width)
                window.goto(f"{url}crates/hashbrown/index.html")
                window.locator("form.compare button").click()
                window.wait_for_selector(".compared tbody tr")
                window.locator("#versions").screenshot(path=folder / f"compare-{width}-{scheme}.png")
                window.context.close()


def _releases(tree: Path, name: str) -> list[str]:
    document = json.loads((tree / "crates" / name / "index.json").read_bytes())
    return [f"{name}@{each['vers']}" for each in document["versions"]]


def _newest(tree: Path, path: str) -> str:
    if "{}" not in path:
        return path
    document = json.loads((tree / "crates" / path.split("/")[1] / "index.json").read_bytes())
    return path.format(document["newest"])


def _picture(page: Page, path: Path, width: int) -> None:
    height = min(int(page.evaluate("document.documentElement.scrollHeight")), 3000)
    page.screenshot(path=path, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=60)
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    given = parser.parse_args()
    with chromium() as browser:
        if given.pictures:
            pictures(browser, given.pictures)
        else:
            print(json.dumps(axe(browser, given.each)))


if __name__ == "__main__":
    _main()
