"""The part of a CHANGELOG that is about one version."""

import pytest

from cargo_static_index.site.readme.changelog import LONGEST_WHOLE, changelog_part, changelog_section


@pytest.mark.parametrize(
    "heading",
    [
        "## 1.2.3",
        "## v1.2.3",
        "## [1.2.3] - 2024-01-02",
        "## [1.2.3](https://example.org/compare/1.2.2...1.2.3) (2024-01-02)",
        "# foo 1.2.3",
        "# foo-v1.2.3",
        "### Version 1.2.3 (January 2nd, 2024) ###",
        "## [v1.2.3]",
        "## 1.2.3 / 2024-01-02",
        "## 1.2.3, after 1.2.2",
        "##\t1.2.3",
        "   ## 1.2.3",
        "1.2.3\n=====",
        "1.2.3 (2024-01-02)\n---",
        "## Release **1.2.3**:",
    ],
)
def test_a_heading_that_names_the_version_begins_its_section(heading: str) -> None:
    assert changelog_section(f"# Changes\n\n{heading}\n\n- new\n", "1.2.3") == "- new"


@pytest.mark.parametrize(
    "heading",
    [
        "## 1.2.30",
        "## 11.2.3",
        "## 0.1.2.3",
        "## 1.2.3-alpha.1",
        "## 1.2.3.4",
        "## Since 1.2.2, as 1.2.3",
        "## Unreleased",
        "##1.2.3",
        "####### 1.2.3",
        "1.2.3",
        "    ## 1.2.3",
        "```\n## 1.2.3\n```",
        "~~~~\n```\n## 1.2.3\n~~~~",
    ],
)
def test_what_is_no_heading_of_the_version_begins_nothing(heading: str) -> None:
    assert changelog_section(f"{heading}\n\n- new\n", "1.2.3") is None


def test_a_section_ends_at_the_next_heading_that_is_not_below_its_own() -> None:
    source = "## 2.0.0\n- c\n\n## 1.2.3\n### Added\n- b\n#### Deep\n- d\n```\n## 9.9.9\n```\n## 1.2.2\n- a\n"

    assert changelog_section(source, "1.2.3") == "### Added\n- b\n#### Deep\n- d\n```\n## 9.9.9\n```"
    assert changelog_section(source, "1.2.2") == "- a"


def test_a_section_takes_along_the_link_definitions_that_it_uses() -> None:
    source = "## 1.2.3\n- see [#1], [#2]\n\n## 1.2.2\n- see [#3]\n\n[#1]: https://a\n[#2]: https://b\n[#3]: https://c\n"

    assert changelog_section(source, "1.2.3") == "- see [#1], [#2]\n\n[#1]: https://a\n[#2]: https://b"


def test_a_version_with_build_metadata_is_found_with_it_or_else_without() -> None:
    source = "## 1.2.3+b\nwith\n\n## 1.2.3\nwithout\n"

    assert changelog_section(source, "1.2.3+b") == "with"
    assert changelog_section(source, "1.2.3+c") == "without"
    assert changelog_section(source, "1.2.3") == "without"


@pytest.mark.parametrize("source", ["", "\n", "## 1.2.3", "## 1.2.3\n\n  \n## 1.2.2\n- a"])
def test_an_empty_section_counts_as_none(source: str) -> None:
    assert changelog_section(source, "1.2.3") is None


def test_a_heading_of_a_prerelease_belongs_to_that_prerelease() -> None:
    source = "## 1.2.3-rc.1\n- first\n\n## 1.2.3-rc.10\n- tenth\n"

    assert changelog_section(source, "1.2.3-rc.1") == "- first"
    assert changelog_section(source, "1.2.3-rc.10") == "- tenth"


def test_headings_of_the_same_level_belong_to_a_version_that_has_nothing_else() -> None:
    source = "# 1.1.0\n# Fixed\na\n# Added\nb\n# 1.0.0\nc"
    assert changelog_section(source, "1.1.0") == "# Fixed\na\n# Added\nb"


def test_a_heading_may_leave_out_a_last_number_that_is_nought() -> None:
    source = "# Version 1.1\na\n# Version 1.0.1\nb\n# 1.0\nc\n# 2.0.0-rc\nd"
    assert changelog_section(source, "1.1.0") == "a"
    assert changelog_section(source, "1.0.0") == "c"
    assert changelog_section(source, "2.0.0-rc.0") is None


@pytest.mark.parametrize("source", ["* **1.2.3**\n  * new\n", "# Changes\n\n1.2.3:\n new\n"])
def test_where_no_heading_names_a_version_all_is_shown(source: str) -> None:
    assert changelog_part(source, "1.2.3") == source
    assert changelog_part(source + "x" * LONGEST_WHOLE, "1.2.3") is None


@pytest.mark.parametrize("source", ["", "\n", "## 1.2.2\nold\n", "# From 0.38.x to 1.x\nold\n"])
def test_where_headings_name_other_versions_nothing_is_shown(source: str) -> None:
    assert changelog_part(source, "1.2.3") is None
