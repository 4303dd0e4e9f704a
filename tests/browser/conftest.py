"""A real Chromium, and a registry with every kind of page, for the tests of what browsers do with our pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.registry import PREFIX, every_kind_of_page
from tests.servers import Nginx, free_port, open_folder
from tests.tools import need

# What a browser does of its own accord would look like requests of our pages.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""What a Chromium is called, the first first that has no window at all: it opens a page in a third of the time."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the Chromium that the system has, without a window."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=need(*PROGRAMS), args=[*QUIET])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium; each test opens contexts of its own."""
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def port() -> int:
    """Where the registry says that it is."""
    return free_port()


@pytest.fixture(scope="session")
def site(port: int) -> Iterator[Path]:
    """The tree of a registry with every kind of page."""
    with open_folder() as folder:
        yield every_kind_of_page(folder, port)


@pytest.fixture(scope="session")
def server(site: Path, port: int) -> Iterator[Nginx]:
    """The registry served where it says that it is, under a path."""
    with Nginx(site, prefix=PREFIX, port=port) as nginx:
        yield nginx


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that allows the clipboard."""
    opened = browser.new_context()
    opened.grant_permissions(["clipboard-read", "clipboard-write"])
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """One page in it."""
    return context.new_page()


@pytest.fixture(params=["server", "disk"])
def base(request: pytest.FixtureRequest, server: Nginx, site: Path) -> str:
    """The registry's address, served and opened from a disk."""
    return server.url if request.param == "server" else f"{site.as_uri()}/"
