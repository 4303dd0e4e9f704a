"""What a search loads and finds among many crates: a short sample of `tests.browser.scale`."""

import pytest
from playwright.sync_api import Browser

from cargo_static_index.registry.search import TreeSearch
from cargo_static_index.store.memory import MemoryStore
from tests.browser.scale import MOST, at_scale, wrongs
from tests.servers import open_folder

pytestmark = pytest.mark.browser

CRATES = 10_000


def test_a_search_among_many_crates_loads_little_and_finds_what_everybody_finds(browser: Browser) -> None:
    with open_folder() as folder:
        figures = at_scale(browser, folder, CRATES)
    assert figures.pop("searches that load more than 100 kB, or find others than the program does") == []
    assert figures["crates"] == CRATES
    assert figures["queries"] == 12


def test_a_search_that_is_not_as_it_must_be_is_seen() -> None:
    nothing = TreeSearch(MemoryStore())
    assert list(wrongs("s", 1000, ["serde"], nothing)) == ["s: the browser finds others than everybody does"]
    assert list(wrongs("szzq", 1000, [], nothing)) == []
    assert list(wrongs("szzq", MOST, [], nothing)) == ["szzq: 100000 bytes are loaded"]
    assert list(wrongs("serde", 1000, [], nothing)) == ["serde: 0 crates are found", "serde: [] stands first"]
