"""A private registry in a browser: nginx as `hosting` prints it asks the endpoint whether a password may read."""

import pytest
from playwright.sync_api import Browser

from tests.cli.program import run
from tests.crates import crate
from tests.server.client import Client
from tests.server.serving import Served, until
from tests.servers import Nginx, free_port, get, open_folder

pytestmark = pytest.mark.browser


def site(served: Served) -> str:
    """Give the site for nginx that is printed for a registry whose every page is private."""
    endpoint = f"127.0.0.1:{served.port}"
    return run("hosting", "nginx", "--private", "all", "--endpoint", endpoint, cwd=served.folder).ok()


def test_a_browser_reads_private_pages_with_a_token_as_password(browser: Browser) -> None:
    with open_folder() as folder:
        port = free_port()
        base = f"http://127.0.0.1:{port}/"
        served = Served(folder, f'auth-required = true\n[publish]\nurl = "{base.rstrip("/")}"\n', base)
        token = served.token()
        with served.running("--publish"), Nginx(served.tree, server=site(served), port=port):
            Client(base, token).publish(crate("foo").readme("# Read me in private")).ok()
            until((served.tree / "crates/foo/index.html").exists)
            assert get(f"{base}crates/foo/").status == 401
            reader = browser.new_page(http_credentials={"username": "anybody", "password": token})
            failed: list[str] = []
            reader.on("response", lambda found: failed.append(found.url) if found.status >= 400 else None)
            reader.goto(f"{base}crates/foo/")
            assert reader.get_by_role("heading", name="Read me in private").is_visible()
            assert [url for url in failed if not url.endswith("crates/foo/")] == []  # the first is asked without
            reader.close()
