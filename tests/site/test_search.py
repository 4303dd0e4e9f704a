"""Finding crates: the one order, what is understood of what is typed, stems, and what a crate is found by."""

import pytest
from msgspec.structs import replace

from cargo_static_index.registry.search import HeldSearch
from cargo_static_index.site.crate_document import CrateDocument, DependencyRow, ReleaseSummary
from cargo_static_index.site.search import asked, distance, near, ranked
from cargo_static_index.site.search_rows import (
    MOST_README_STEMS,
    MOST_STEMS,
    SEARCH_WORDS,
    Field,
    found_by,
    search_rows,
    words_of_readme,
)
from cargo_static_index.site.words import readme_stems, stem, stems

RELEASE = ReleaseSummary(vers="1.0.0", cksum="0" * 64, yanked=False, pubtime=None, rust_version=None)


def told(name: str, description: str = "", *keywords: str, needs: tuple[str, ...] = ()) -> CrateDocument:
    """Describe a crate."""
    return CrateDocument(
        name=name,
        newest="1.0.0",
        description=description,
        keywords=keywords,
        versions=(RELEASE,),
        dependencies=tuple(_dependency(crate) for crate in needs),
    )


def _dependency(crate: str) -> DependencyRow:
    return DependencyRow(
        crate=crate,
        name=crate,
        req="^1",
        kind="normal",
        target=None,
        optional=False,
        default_features=True,
        features=(),
        registry=None,
    )


def yanked(crate: CrateDocument) -> CrateDocument:
    """Yank its only version."""
    return replace(crate, versions=(replace(RELEASE, yanked=True),))


def names(query: str, *crates: CrateDocument) -> list[str]:
    """Give the names of what a query finds."""
    return [found.name for found in ranked(query, HeldSearch(crates))]


def test_a_word_counts_by_where_it_is_found() -> None:
    crates = (
        told("unzipper"),
        replace(told("shown"), words=("zip",)),
        told("pack", "Makes zip files."),
        replace(told("sorted"), categories=("zip",)),
        told("archive", "", "zip"),
        told("zip-files"),
        told("zip"),
        told("other"),
    )
    assert names("zip", *crates) == ["zip", "zip-files", "archive", "pack", "sorted", "shown", "unzipper"]


def test_of_the_like_the_one_that_more_depend_on_comes_first_and_then_the_newer() -> None:
    needed = (told("one-json"), told("two-json"), *(told(f"u{number}", needs=("two-json",)) for number in range(3)))
    assert names("json", *needed)[:2] == ["two-json", "one-json"]
    dated = [replace(told(f"{each}-json"), updated=f"202{each}-01-01T00:00:00Z") for each in (1, 3, 2)]
    assert names("json", *dated) == ["3-json", "2-json", "1-json"]


def test_the_name_itself_comes_first_however_many_depend_on_others() -> None:
    crates = (told("json-serde"), *(told(f"u{number}", needs=("json-serde",)) for number in range(100)), told("json"))
    assert names("json", *crates)[:2] == ["json", "json-serde"]
    assert names("json_serde", *crates)[0] == "json-serde"


def test_a_crate_of_which_all_is_yanked_comes_last() -> None:
    assert names("zip", yanked(told("zip")), told("pack", "Makes zip files.")) == ["pack", "zip"]


def test_a_word_that_nobody_knows_lowers_and_does_not_empty() -> None:
    crates = (told("zip-files", "Packs."), told("zip"))
    assert names("zip qwertyuiop", *crates) == ["zip", "zip-files"]
    assert names("zip packing", *crates) == ["zip-files", "zip"], "a word in another form"
    assert names("qwertyuiop", *crates) == []
    assert names("zip fiels", *crates)[0] == "zip-files", "a mistake in one word of several"


def test_a_rarer_word_tells_more() -> None:
    common = (told(f"fast{number}", "fast") for number in range(50))
    assert names("fast lexing", *common, told("tokens", "lexing"))[0] == "tokens"


def test_what_is_typed_so_far_is_enough() -> None:
    crates = (told("tokio-util"), told("serde"))
    for query in ("t", "tok", "tokio-u", "tokio ut", "TOKIO_UT", "okio"):
        assert names(query, *crates) == ["tokio-util"]
    assert names("parsi", told("lexer", "A parser"))[:1] == ["lexer"], "as much of it as is known"


@pytest.mark.parametrize(
    ("query", "words", "whole"),
    [
        ("serde_json::Value", ("serde", "json"), "serde-json"),
        ("use itertools::Itertools;", ("itertools",), "itertools"),
        ("std::collections::HashMap", ("collections", "hashmap"), "collections-hashmap"),
        ("clap v4", ("clap",), "clap"),
        ("rand 0.10", ("rand",), "rand"),
        ("tokio@1.54.1", ("tokio",), "tokio"),
        ("foo =1.0.0-rc.1", ("foo",), "foo"),
        ("cargo add anyhow", ("anyhow",), "anyhow"),
        ("cargo add", ("cargo", "add"), "cargo-add"),
        ("c++", ("cpp",), "cpp"),
        ("C# bindings", ("csharp", "bindings"), "csharp-bindings"),
        ("quote!", ("quote",), "quote"),
        ("utf-8", ("utf8",), "utf8"),
        ("7zip", ("7zip",), "7zip"),
        ("the", ("the",), "the"),
        ("a json of the web", ("json", "web"), "a-json-of-the-web"),
        ("हिन्दी 猫", ("हिन्दी", "猫"), "हिन्दी-猫"),
        ("::", (), ""),
        (" ", (), ""),
    ],
)
def test_names_paths_versions_and_signs_are_understood(query: str, words: tuple[str, ...], whole: str) -> None:
    assert (asked(query).words, asked(query).whole) == (words, whole)


def test_signs_are_found_where_they_stand() -> None:
    assert names("c++", told("demangle", "Demangles C++ symbols"), told("c"), told("rust")) == ["demangle"]
    assert names("bitset", told("bit-set"), told("bit")) == ["bit-set"]
    assert names("walk dir", told("walkdir"), told("dir")) == ["walkdir", "dir"]


def test_where_nothing_fits_names_are_offered_that_are_nearly_so() -> None:
    search = HeldSearch((told("tokio"), told("tokei"), told("regex"), told("serde")))
    assert [found.name for found in near("tokoi", search)] == ["tokei", "tokio"]
    assert [found.name for found in near("reqgex", search)] == ["regex"]
    assert [found.name for found in near("esrde", search)] == ["serde"]
    assert near("xy", search) == near("something", search) == []


@pytest.mark.parametrize(
    ("one", "other", "letters"), [("", "abc", 3), ("abc", "acb", 1), ("serde", "sered", 1), ("ab", "cd", 2)]
)
def test_letters_are_counted_that_make_one_name_of_another(one: str, other: str, letters: int) -> None:
    assert distance(one, other) == distance(other, one) == letters


@pytest.mark.parametrize(
    "forms",
    [
        "parse parser parsers parsing parses parsed",
        "serialize serialization serializer serializers serializing serialized",
        "error errors",
        "library libraries",
        "cache caches cached caching",
        "embed embedded embedding",
        "log logs",
        "logger logging",
        "compress compression compressor compressed",
        "generate generator generated generators",
        "query queries",
        "type types",
        "file files",
        "class classes",
        "secure securely",
        "string strings",
        "key keys",
    ],
)
def test_the_forms_of_a_word_have_one_stem(forms: str) -> None:
    assert len(set(map(stem, forms.split()))) == 1


@pytest.mark.parametrize("word", ["sha256", "tls", "status", "猫", "x86", "json", "async"])
def test_what_is_no_english_word_stays(word: str) -> None:
    assert stem(word) == word


README = """\
[![build](https://ci.example.com/badge.svg)](https://ci.example.com)

# A wombat tamer

Catches **wombats** with [nets](https://example.com/nets) and
patience.

Later paragraphs say nothing.

## Feeding hours

### Deep

```
# ignored
```
"""


def test_a_readme_counts_by_its_headings_and_its_first_paragraph() -> None:
    assert list(readme_stems(README)) == ["wombat", "tamer", "catch", "wombat", "net", "patienc", "feed", "hour"]


def test_a_crate_has_forty_stems_at_most() -> None:
    many = " ".join(f"word{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(100))
    crate = told("name", many)
    found = [field for field in found_by(crate, "name").values() if field != Field.INSIDE]
    assert len(found) == MOST_STEMS
    assert words_of_readme(crate, many) == ()
    assert len(words_of_readme(told("name"), many)) == MOST_README_STEMS


def test_the_best_rows_of_a_word_are_its_first() -> None:
    crates = [
        replace(told("a-zip"), dependents=0),
        replace(told("b-zip"), dependents=64),
        replace(told("c", "zip"), dependents=1),
        yanked(told("d-zip")),
    ]
    keys = sorted(key for crate in crates for (name, key), _ in search_rows(crate) if name == SEARCH_WORDS)
    assert [key.rpartition(" ")[2] for key in keys if key.startswith("zip ")] == ["b-zip", "a-zip", "d-zip", "c"]


def test_a_row_changes_only_where_the_number_of_dependents_doubles() -> None:
    rows = [dict(search_rows(replace(told("zip"), dependents=number))) for number in (4, 8)]
    assert rows[0] != rows[1]
    search = [
        HeldSearch([told("zip"), *(told(f"u{each}", needs=("zip",)) for each in range(users))]) for users in (4, 7, 8)
    ]
    few, more, many = (dict(each.beginning(SEARCH_WORDS, "zip ", 1)[0]) for each in search)
    assert few == more != many


def test_words_of_any_script_lead_anywhere_and_dull_ones_nowhere() -> None:
    assert list(stems("The cat of a 猫 is x")) == ["cat", "猫"]
