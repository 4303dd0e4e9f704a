"""A real Chromium for the tests of what browsers do with our pages."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.tools import need

# What a browser does of its own accord would look like requests of our pages.
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium that the system has, without a window; each test opens contexts of its own."""
    program = need("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=[*_QUIET])
        yield chromium
        chromium.close()
