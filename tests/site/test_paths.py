"""Where pages lie: under names that every file system holds, whatever the texts are that they are made from."""

from hypothesis import given
from hypothesis import strategies as st

from cargo_static_index.site.crate_document import CrateDocument, ReleaseSummary
from cargo_static_index.site.lists import pages_of
from cargo_static_index.site.paths import NAME_BYTES, safe
from cargo_static_index.site.rows import rows_of_crate

TEXTS = st.text(max_size=400) | st.sampled_from(["a" * 500, "ß" * 300, "漢" * 200, "🦀" * 90, "." * 255, "A" * 241])
LISTS = st.sampled_from(["keyword", "category", "month"])


def longest(paths: tuple[str, ...]) -> int:
    return max(len(part.encode()) for path in paths for part in path.split("/"))


@given(TEXTS, TEXTS, LISTS)
def test_no_name_of_a_page_is_longer_than_a_file_system_holds(name: str, prefix: str, kind: str) -> None:
    assert longest(pages_of(f"{kind}/{name}", prefix)) <= 255
    assert longest(pages_of("names", prefix)) <= 255


@given(TEXTS, TEXTS)
def test_other_texts_never_give_the_same_name_on_a_disk_without_case(one: str, other: str) -> None:
    assert (safe(one).lower() == safe(other).lower()) == (one == other)


@given(TEXTS, TEXTS, TEXTS)
def test_no_name_that_the_search_asks_for_is_longer(description: str, keyword: str, more: str) -> None:
    release = ReleaseSummary(vers="1.0.0", cksum="", yanked=False, pubtime=None, rust_version=None)
    document = CrateDocument(
        name="x" * 64,
        newest="1.0.0",
        description=f"{description} {more}",
        keywords=(keyword,),
        versions=(release,),
    )
    for name, key in rows_of_crate(document):
        if name.startswith("search/"):
            assert longest(pages_of(name, key + "!")) <= 255


def test_a_name_that_is_cut_is_none_that_is_not() -> None:
    long = "." * 200
    assert len(safe(long)) == NAME_BYTES
    assert "~" in safe(long)
    assert safe(safe(long)) != safe(long)
