"""A registry with every kind of page, at every odd length, and what tests in browsers ask of its pages."""

from pathlib import Path

from playwright.sync_api import BrowserContext, Page

from tests.crates import crate
from tests.registry.site.registries import HERE, OPTIONS, some_crates, versions
from tests.world import DAY, World

PREFIX = "/under/a/path/"
LONG = "a-very-long-name-that-somebody-found-useful-for-a-crate-of-theirs"[:64]
PAGES = (
    "index.html",
    "search.html?q=acme",
    "search.html?q=nothing-like-it",
    "refused.html",
    "404.html",
    "index/index.html",
    "browse/names.html",
    "browse/names/x.html",
    "browse/keywords.html",
    "browse/keyword/git.html",
    "browse/categories.html",
    "browse/licenses.html",
    "browse/license/mit.html",
    "browse/months.html",
    "browse/month/2026-01.html",
    "crates/acme-text/index.html",
    "crates/acme-text/1.1.0/index.html",
    "crates/acme-git/0.3.0/source/src~main.rs.html",
    "crates/acme-git/0.3.0/source/Cargo.toml.html",
    "crates/acme-units/dependents.html",
    "crates/absent/index.html",
    "crates/many/index.html",
    "crates/many/versions/index.html",
    "crates/many/versions/0.html",
    f"crates/{LONG}/index.html",
    f"crates/{LONG}/1.0.0-rc.1%2Bbuild.7/index.html",
)

_README = """\
# A

### Three levels down

| a | b |
|---|---|
| {} | c |

```rust
fn main() {{{}}}
```

עברית · العربية · {}
"""


def every_kind_of_page(folder: Path, port: int) -> Path:
    """Build the registry, and give its tree."""
    where: dict[str, object] = {"registry.base-url": f"http://127.0.0.1:{port}{PREFIX}"}
    where |= {"registry.aliases": ["https://crates.example.com/"], "pages.footer": "Ask in #rust."}
    where |= {"pages.source": "docs"}
    where |= {"pages.links": ["Ask us https://chat.example.com/crates"]}
    world = World(folder, OPTIONS | where)
    long = crate(LONG, "1.0.0-rc.1+build.7").package(
        description="Words " * 60, keywords=["internationalization"], categories=["development-tools::build-utils"]
    )
    wide = ["Win32_System_Diagnostics_Debug_Extensions_Of_All_Kinds", "Win32_Storage"]
    long.dependency(
        "absent", "2", features=wide, registry_index=HERE, target='cfg(all(target_arch = "wasm32", not(windows)))'
    )
    long.readme(_README.format("x" * 300, " " * 200, "这是一个很长的中文段落" * 20))
    world.put(*versions(120), crate("many", "1.0.0"), *(crate(f"x{number:03}") for number in range(160)))
    world.put(crate("wire").package(description="A framework"), crate("wire_json"), crate("async-wire"))
    world.put(crate("neko").package(description="猫 और हिन्दी parser"), crate("json-for-the"), crate("json-other"))
    world.put(crate("story").package(description="A tale that goes on and on. " * 8 + "In the end dragons win."))
    world.build()
    world.now += DAY
    world.put(*some_crates(), long)
    (world.drop / "broken.crate").write_bytes(b"no archive")
    world.build()
    world.yank(f"{LONG}@1.0.0-rc.1+build.7")
    return world.tree


def is_ready(page: Page) -> None:
    """Wait until a page of results shows them; all others are ready as soon as they are loaded."""
    if page.locator("#found").count():
        page.wait_for_selector("#found[data-for]", state="attached")


class Watch:
    """A page that keeps what went wrong in it, and what it asked of whom."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def open(self, address: str) -> None:
        """Open a page, and wait until it is ready."""
        self.page.goto(address)
        is_ready(self.page)
