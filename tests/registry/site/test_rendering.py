"""Texts that cost too much to render: what ends them, what is shown of them, and that it stays decided."""

import json
import os
import signal
from pathlib import Path
from typing import cast

import pytest

from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.registry.advisories import AdvisoryDatabase
from cargo_static_index.registry.site.crates import CratePages
from cargo_static_index.registry.site.output import Failures
from cargo_static_index.registry.site.rendering import Renderer
from cargo_static_index.registry.site.theme import read_theme
from cargo_static_index.site.readme.markdown import render_readme
from cargo_static_index.site.readme.text import ReadmeSource, Rendered
from cargo_static_index.site.templates import Templates
from cargo_static_index.site.theme import SiteInfo, assets_of
from cargo_static_index.store.local.store import LocalStore
from tests.crates import crate
from tests.registry.site.costly import LONG, Cost, cost_of, figures, in_bounds, texts
from tests.registry.site.reading import text_of
from tests.registry.site.registries import OPTIONS
from tests.world import BASE, World

TEXT = ReadmeSource(text="# A\n\n*b*\n" * 3000, path="README.md", repository="https://github.com/o/r")
COSTLY = ReadmeSource(text="|a|b|\n|-|-|\n" + "|a|b|\n" * 16_000, path="README.md")


def test_a_text_is_the_same_wherever_it_is_rendered() -> None:
    elsewhere = Renderer(small=0)
    assert elsewhere(TEXT) == render_readme(TEXT) == Renderer(small=len(TEXT.text))(TEXT)
    elsewhere.close()


def test_a_text_that_takes_too_much_time_is_ended_and_the_next_is_rendered() -> None:
    renderer = Renderer(small=0, seconds=0)  # so it may have what is left of a second
    assert any(renderer(COSTLY) is None for _ in range(50))
    assert renderer(ReadmeSource(text="a", path="README.md")) == Rendered(html="<p>a</p>\n")
    renderer.close()


def test_a_text_that_takes_too_much_memory_is_ended() -> None:
    renderer = Renderer(small=0, memory=1)
    assert renderer(COSTLY) is None
    renderer.close()


@pytest.mark.parametrize("name", ["attributes", "comments in code", "footnotes", "tables"])
def test_the_limits_are_twenty_times_what_the_costliest_texts_take(name: str) -> None:
    """`scripts/test-long --only rendering` tries some hundred more."""
    cost = cost_of(LONG[name])
    assert cost is not None
    assert in_bounds(cost), cost


def test_what_texts_cost_is_told_beside_the_limits() -> None:
    costs = {
        title: Cost(seconds=2.0, memory=100 << 20, added=50 << 20, plain=not at) for at, title in enumerate(("a", "b"))
    }
    told = figures({**costs, "c": None})
    assert told["shown as written"] == 1
    assert told["ended by a limit"] == ["c"]
    assert told["the limit of time is so many times that"] == 30
    assert len({text for _, text in texts(3, [])}) > len(LONG)


def test_that_somebody_else_ends_the_process_says_nothing_of_the_text() -> None:
    renderer = Renderer(small=0)
    renderer(TEXT)
    (child,) = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()[-1:]
    os.kill(int(child), signal.SIGKILL)
    with pytest.raises(StoreError, match="ended from outside"):
        renderer(TEXT)
    assert renderer(TEXT) == render_readme(TEXT)
    renderer.close()


def ended(source: ReadmeSource) -> Rendered | None:
    """Render as if a limit ended every text."""
    return None


def test_what_a_limit_ended_is_shown_as_it_was_written_and_stays_so_for_every_writer(tmp_path: Path) -> None:
    world = World(tmp_path, OPTIONS)
    world.put(crate().readme("# A *b*\n").file("CHANGELOG.md", "## 1.0.0\n\n*c*\n"), crate("bar").readme("*d*"))
    world.build()
    theme = read_theme(world.settings())
    site = SiteInfo(title="", registry="acme", base_url=BASE, index_url=BASE, assets=assets_of(theme)[0])
    store, failures = LocalStore(world.tree, flush=False), Failures()
    pages = CratePages(
        store, Templates(theme, site), site, "foo", ended, failures, advisories=AdvisoryDatabase(), whole=True
    )
    with store.session():
        assert store.apply(pages.changes()) == ()
    assert failures.reasons == {}
    assert [note.partition(":")[0] for note in pages.notes] == ["foo 1.0.0", "foo 1.0.0"]
    assert json.loads(world.read("crates/foo/index.json"))["versions"][0]["plain"] == ["readme", "changelog"]
    for forget in (False, True):
        if forget:
            world.forget()
        with world.opened() as registry:
            registry.remake_pages()
        page = text_of(world.read("crates/foo/1.0.0/index.html"))
        assert "# A *b*" in page
        assert "*c*" in page
        assert json.loads(world.read("crates/foo/index.json"))["versions"][0]["plain"] == ["readme", "changelog"]
    assert world.verified() == []
    assert "<em>d</em>" in world.read("crates/bar/index.html").decode()


def test_what_a_text_holds_decides_alike_on_every_machine(tmp_path: Path) -> None:
    world = World(tmp_path, OPTIONS)
    costly = "*a* www.a.b" + ")" * 180_000
    world.put(crate().readme(costly).file("CHANGELOG.md", f"## 1.0.0\n\n{costly}\n"), crate("bar").readme("*d*"))
    report = world.build()
    assert report.notes == []
    assert "plain" not in world.read("crates/foo/index.json").decode()
    assert world.read("crates/foo/1.0.0/index.html").count(b"<em>a</em> www.a.b))") == 2


def test_a_mistake_over_a_text_is_raised_where_it_was_asked_for_and_the_next_is_rendered() -> None:
    renderer = Renderer(small=0)
    with pytest.raises(UnicodeEncodeError):  # here, before it is sent
        renderer(ReadmeSource(text="\ud800", path="README.md"))
    with pytest.raises(RuntimeError, match="Expected `str`, got `int`"):  # there
        renderer(ReadmeSource(text="a", path=cast("str", 1)))
    assert renderer(ReadmeSource(text="a", path="README.md")) == Rendered(html="<p>a</p>\n")
    renderer.close()
