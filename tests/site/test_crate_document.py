"""What a crate's pages are made of: which version they show, and what stands before each."""

import pytest
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidDocument
from cargo_static_index.protocol.index_entry import Dependency, Entry, format_entry
from cargo_static_index.site.crate_document import (
    CrateDocument,
    PagesState,
    ReleaseSummary,
    document_of,
    format_page_document,
    newest_of,
    older_dependencies,
    parse_crate_document,
    parse_pages_state,
    power_of_two,
    predecessors,
    summary_of,
    version_key,
)


def entry(vers: str, *needs: str, yanked: bool = False) -> Entry:
    deps = tuple(
        Dependency(
            name=name,
            req="^1",
            features=(),
            optional=False,
            default_features=True,
            target=None,
            kind="normal",
        )
        for name in needs
    )
    return Entry(name="foo", vers=vers, deps=deps, cksum="0" * 64, features={}, yanked=yanked, pubtime=None)


def summaries(*versions: str) -> list[ReleaseSummary]:
    """Give releases, the highest first; one that ends with "!" is yanked."""
    entries = (entry(vers.rstrip("!"), yanked=vers.endswith("!")) for vers in versions)
    return [summary_of(release, None) for release in entries]


def test_a_text_that_is_no_version_comes_before_all_that_are() -> None:
    assert sorted(["1.10.0", "nightly", "0.0.1-a", "1.9.0"], key=version_key) == [
        "nightly",
        "0.0.1-a",
        "1.9.0",
        "1.10.0",
    ]


@pytest.mark.parametrize(
    ("versions", "newest"),
    [
        (("2.0.0-rc.1", "1.1.0", "1.0.0"), "1.1.0"),
        (("2.0.0", "1.1.0!"), "2.0.0"),
        (("2.0.0!", "2.0.0-rc.1", "1.0.0!"), "2.0.0-rc.1"),
        (("2.0.0!", "1.0.0!"), "2.0.0"),
    ],
)
def test_what_is_shown_is_stable_before_a_pre_release_before_what_is_yanked(
    versions: tuple[str, ...], newest: str
) -> None:
    assert newest_of(summaries(*versions)).vers == newest


def test_dependents_are_told_by_their_power_of_two() -> None:
    assert [power_of_two(number) for number in (0, 1, 2, 3, 4, 7, 8)] == [0, 1, 2, 2, 4, 4, 8]


def test_changes_are_those_since_the_version_before() -> None:
    before = predecessors(summaries("1.1.0", "1.0.1!", "1.0.0"))
    assert {vers: found.vers if found else None for vers, found in before.items()} == {
        "1.1.0": "1.0.1",
        "1.0.1": "1.0.0",
        "1.0.0": None,
    }


def test_what_only_older_versions_need_is_told_with_the_newest_of_them() -> None:
    lines = {vers: format_entry(entry(vers, *needs)) for vers, needs in (("1.1.0", ("a", "b")), ("1.0.0", ("b", "c")))}
    older = older_dependencies(entry("2.0.0", "a"), summaries("1.1.0", "1.0.0"), lines.__getitem__)
    assert [(found.vers, found.dependency.crate) for found in older] == [("1.1.0", "b"), ("1.0.0", "c")]


def document() -> CrateDocument:
    return document_of(entry("1.0.0", "bar"), None, tuple(summaries("1.0.0")), ())


def test_a_document_is_read_as_it_was_written() -> None:
    assert parse_crate_document(format_page_document(document()), "foo") == document()


@pytest.mark.parametrize(
    ("odd", "says"),
    [
        (replace(document(), name="fox"), "it is of fox 1.0.0"),
        (replace(document(), newest="1.0.1"), "it is of foo 1.0.1"),
        (
            replace(document(), newest="../x", versions=tuple(summaries("../x"))),
            "a version or a dependency in it is none",
        ),
        (
            replace(document(), dependencies=tuple(replace(row, crate="../x") for row in document().dependencies)),
            "a version or a dependency in it is none",
        ),
    ],
)
def test_what_would_lead_out_of_the_crates_folder_is_refused(odd: CrateDocument, says: str) -> None:
    with pytest.raises(InvalidDocument, match=says):
        parse_crate_document(format_page_document(odd), "foo")


def test_pages_of_an_earlier_format_are_refused() -> None:
    state = PagesState(fingerprint="f", digest="0" * 64)
    assert parse_pages_state(format_page_document(state)) == state
    with pytest.raises(InvalidDocument, match=r"pages of format 1, where \d+ is needed"):
        parse_pages_state(format_page_document(replace(state, schema=1)))
