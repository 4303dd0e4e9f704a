"""Search without a server: what it finds, in which order, by which keys, from a server and from a disk."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from cargo_static_index.registry.search import TreeSearch
from cargo_static_index.site import search, search_rows, words
from cargo_static_index.site.search import near, ranked
from cargo_static_index.store.local.store import LocalStore
from tests.browser.registry import Watch, is_ready
from tests.servers import Nginx

pytestmark = pytest.mark.browser


def found_by(page: Page, query: str) -> list[str]:
    """Search on the page of results, and give the names found."""
    page.fill("#find", query)
    page.wait_for_function("q => document.getElementById('found').dataset.for === q", arg=query)
    return names_on(page)


def names_on(page: Page) -> list[str]:
    """Give the names on the page of results."""
    names: list[str] = page.eval_on_selector_all("#found .item-name", "all => all.map(each => each.textContent)")
    return names


def typed(page: Page, query: str) -> list[str]:
    """Type into the search of any other page, and give the names shown below it."""
    page.keyboard.press("/")
    page.keyboard.type(query)
    page.wait_for_selector(f".drop[data-for='{query}']")
    names: list[str] = page.eval_on_selector_all("[role=option] b", "all => all.map(each => each.textContent)")
    return names


_ORDER = (
    *("LESS_FOR_OTHER_WORDS", "BEGINS", "NEARLY", "EXACT"),
    *("LEFT_OF_WORD", "MOST_WORDS", "MOST_ROWS", "MOST_BEGINNING", "MOST_NEAR"),
)
NUMBERS = {
    "WEIGHT_OF_RANK": search_rows.WEIGHT_OF_RANK,
    **{name: getattr(search, name) for name in _ORDER},
    **{name: getattr(words, name) for name in ("LETTERS", "WRITTEN", "STEM")},
}


def test_the_browser_knows_the_lists_as_they_are_made() -> None:
    script = (Path(__file__).parents[2] / "site-template/assets/search.js").read_text()
    numbers = {name: re.search(rf"const {name} = ([\d.]+);", script) for name in NUMBERS}
    assert {name: float(found[1]) for name, found in numbers.items() if found} == NUMBERS
    weights = re.search(r"const WEIGHTS = \[([\d, ]+)\];", script)
    assert weights is not None
    assert tuple(map(int, weights[1].split(", "))) == search_rows.WEIGHTS


QUERIES = (
    *("wire", "wire json", "WIRE_J", "ire", "acme", "acme txt", "framework tale", "frameworks", "git", "a framework"),
    *(
        "x00",
        "json the",
        "m",
        "many versions",
        "acme-text::Units",
        "std::fmt acme",
        "acme v1",
        "words",
        "c++",
        "猫 parser",
    ),
    *(
        "nothing like it",
        "storys",
        "wirejson",
        "asyncwire",
        "acme-text@1.0.0",
        "cargo add wire",
        "हिन्दी",
        "tale dragons",
    ),
)


def test_the_browser_ranks_as_everybody_does(page: Page, server: Nginx, site: Path) -> None:
    page.goto(server.url + "search.html")
    is_ready(page)
    here = TreeSearch(LocalStore(site))
    for query in QUERIES:
        for find, there in ((ranked, "search"), (near, "near")):
            asked = "([find, query]) => csiSearch[find](query).then(all => all.map(each => each.name))"
            assert page.evaluate(asked, [there, query]) == [each.name for each in find(query, here)], query


def test_the_browser_stems_as_the_lists_are_made(page: Page, server: Nginx) -> None:
    page.goto(server.url + "search.html")
    is_ready(page)
    roots = (
        "pars",
        "serial",
        "cach",
        "librar",
        "log",
        "compress",
        "clas",
        "stat",
        "tre",
        "quer",
        "fil",
        "add",
        "us",
        "stor",
    )
    forms = [root + end for root in roots for end in (*words.ENDINGS, "", "s", "e", "ss", "y", "us", "ged", "ll", "x2")]
    assert page.evaluate("forms => forms.map(csiSearch.stem)", forms) == list(map(words.stem, forms))


def test_search_finds_and_ranks(context: BrowserContext, base: str) -> None:
    watch = Watch(context)
    watch.open(base + "search.html")
    page = watch.page
    assert found_by(page, "wire") == ["wire", "wire_json", "async-wire"], "the name, then how it begins, then a part"
    assert found_by(page, "wire-json")[0] == "wire_json"
    assert found_by(page, "WIRE_J") == ["wire_json", "wire", "async-wire"], "what has more of it first"
    assert set(found_by(page, "ire")) == {"wire", "wire_json", "async-wire"}, "a part of a word"
    assert found_by(page, "framework") == ["wire"], "a word of the description"
    assert found_by(page, "git") == ["acme-git"], "a keyword"
    assert found_by(page, "a framework") == ["wire"], "dull words tell nothing"
    assert found_by(page, "wire framework")[0] == "wire", "a word that only its name begins with"
    assert found_by(page, "frameworks qwertyuiop") == ["wire"], "a word that nobody knows takes nothing away"
    assert found_by(page, "acme-tet")[0] == "acme-text", "a mistake in one word of several"
    for query in ("dragons", "dragons sto", "win dragons", "the dragons"):
        assert found_by(page, query)[0] == "story", "words that rows do not show, too"
    for query in ("猫", "हिन्दी", "猫 parser"):
        assert found_by(page, query) == ["neko"], "words of other scripts"
    assert "json-for-the" in found_by(page, "json the"), "what is typed has dull words in it"
    assert watch.wrong == []


@pytest.mark.parametrize(("mistake", "meant"), [("wyre", "wire"), ("wrie", "wire")])
def test_where_nothing_is_found_names_are_offered_that_are_nearly_so(
    page: Page, server: Nginx, mistake: str, meant: str
) -> None:
    page.goto(server.url + f"search.html?q={mistake}")
    is_ready(page)
    assert page.inner_text("#found-count") == f"No crate for “{mistake}”. Did you mean:"
    assert names_on(page)[0] == meant
    page.goto(server.url + "index.html")
    assert typed(page, mistake)[0] == meant
    assert page.inner_text("#said").startswith(f"No crate found; {meant}")


def test_where_nothing_is_near_the_page_says_what_to_try(page: Page, server: Nginx) -> None:
    page.goto(server.url + "search.html?q=nothing+like+it")
    is_ready(page)
    assert page.inner_text("#found-count") == "No crate for “nothing like it”."
    assert "Try other words" in page.inner_text("#search-ways")
    page.keyboard.press("Enter")
    assert page.url.endswith("search.html?q=nothing+like+it")
    assert found_by(page, "wire") == ["wire", "wire_json", "async-wire"]
    assert not page.is_visible("#search-ways")


def test_what_is_typed_is_text_and_nothing_else(context: BrowserContext, server: Nginx) -> None:
    watch = Watch(context)
    for query in ("<img src=x onerror=alert(1)>", "%", "\\", "../..", "'\"", "😀", "中文", "a b c d e f g"):
        watch.page.goto(server.url + "search.html")
        is_ready(watch.page)
        found_by(watch.page, query)
        assert watch.page.locator("#found img").count() == 0
    assert [each for each in watch.wrong if "404" not in each] == []


def test_a_search_has_an_address_to_share(page: Page, server: Nginx) -> None:
    page.goto(server.url + "search.html?q=async")
    page.wait_for_selector("#found li")
    assert page.inner_text("#found-count") == "1 crate for “async”."
    assert page.title().startswith("async · Search")
    assert found_by(page, "wire_json")[0] == "wire_json"
    assert page.url == server.url + "search.html?q=wire_json"
    page.keyboard.press("Enter")
    page.wait_for_url(server.url + "crates/wire_json/index.html")


def test_the_way_back_leads_to_what_was_found(page: Page, server: Nginx) -> None:
    page.goto(server.url + "index.html")
    page.fill("main input", "wire")
    page.click("main button[type=submit]")
    page.wait_for_url(server.url + "search.html?q=wire")
    assert found_by(page, "async") == ["async-wire"]
    page.click("#found a")
    page.wait_for_url(server.url + "crates/async-wire/index.html")
    page.go_back()
    page.wait_for_function("() => document.getElementById('found')?.dataset.for === 'async'")
    assert page.input_value("#find") == "async"
    assert names_on(page) == ["async-wire"]
    page.go_back()
    page.wait_for_url(server.url + "index.html")


def test_arrows_lead_through_what_was_found_and_back(page: Page, server: Nginx) -> None:
    page.goto(server.url + "search.html?q=wire")
    is_ready(page)
    for key, where in (("ArrowDown", "wire"), ("ArrowDown", "wire_json"), ("ArrowUp", "wire"), ("ArrowUp", "")):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.querySelector('.item-name')?.textContent ?? ''") == where
    assert page.evaluate("document.activeElement.id") == "find"


def test_crates_are_found_as_one_types_by_keyboard(page: Page, base: str) -> None:
    page.goto(base + "crates/acme-text/1.1.0/index.html")
    assert typed(page, "wire") == ["wire", "wire_json", "async-wire"]
    assert page.inner_text("#said") == "3 crates found"
    field = page.locator("#find")
    assert field.get_attribute("aria-expanded") == "true"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    chosen = field.get_attribute("aria-activedescendant")
    assert page.inner_text(f"#{chosen} b") == "wire_json"
    page.keyboard.press("Enter")
    page.wait_for_url(base + "crates/wire_json/index.html")


def test_the_last_line_leads_to_all_that_was_found(page: Page, base: str) -> None:
    page.goto(base + "index.html")
    typed(page, "wire")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url(base + "search.html?q=wire")
    is_ready(page)
    assert names_on(page) == ["wire", "wire_json", "async-wire"]


def test_crates_are_found_by_mouse(page: Page, server: Nginx) -> None:
    page.goto(server.url + "index.html")
    typed(page, "wire")
    page.click("[role=option] >> text=wire_json")
    page.wait_for_url(server.url + "crates/wire_json/index.html")


def test_escape_closes_what_was_found(page: Page, server: Nginx) -> None:
    page.goto(server.url + "index.html")
    typed(page, "wire")
    page.keyboard.press("Escape")
    assert page.locator("[role=option]:visible").count() == 0
    assert page.locator("main input").get_attribute("aria-expanded") == "false"
    page.keyboard.press("/")
    assert page.input_value("main input").endswith("/"), "who types means the character"
