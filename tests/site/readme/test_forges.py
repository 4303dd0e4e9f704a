"""Where a repository's files can be read in a browser."""

import pytest

from cargo_static_index.site.readme.forges import find_repository

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OLDER = "76543210fedcba9876543210fedcba9876543210"


@pytest.mark.parametrize(
    ("repository", "blob", "raw"),
    [
        ("https://github.com/o/r", f"https://github.com/o/r/blob/{COMMIT}/a/b.md", f"https://github.com/o/r/raw/{COMMIT}/a/b.md"),
        ("https://gitlab.com/g/s/r", f"https://gitlab.com/g/s/r/-/blob/{COMMIT}/a/b.md", f"https://gitlab.com/g/s/r/-/raw/{COMMIT}/a/b.md"),
        ("https://bitbucket.org/o/r", f"https://bitbucket.org/o/r/src/{COMMIT}/a/b.md", f"https://bitbucket.org/o/r/raw/{COMMIT}/a/b.md"),
        ("https://codeberg.org/o/r", f"https://codeberg.org/o/r/src/commit/{COMMIT}/a/b.md", f"https://codeberg.org/o/r/raw/commit/{COMMIT}/a/b.md"),
        ("https://git.sr.ht/~o/r", f"https://git.sr.ht/~o/r/tree/{COMMIT}/item/a/b.md", f"https://git.sr.ht/~o/r/blob/{COMMIT}/a/b.md"),
        ("https://gitlab.acme.example/g/r", f"https://gitlab.acme.example/g/r/-/blob/{COMMIT}/a/b.md", f"https://gitlab.acme.example/g/r/-/raw/{COMMIT}/a/b.md"),
        ("http://gitea.lan:3000/o/r", f"http://gitea.lan:3000/o/r/src/commit/{COMMIT}/a/b.md", f"http://gitea.lan:3000/o/r/raw/commit/{COMMIT}/a/b.md"),
    ],
)  # fmt: skip
def test_a_file_is_at_its_forges_address(repository: str, blob: str, raw: str) -> None:
    found = find_repository(repository)

    assert found is not None
    assert found.file("a/b.md", commit=COMMIT) == blob
    assert found.file("a/b.md", commit=COMMIT, raw=True) == raw


@pytest.mark.parametrize("commit", [None, "", "main", COMMIT[:-1], "../../x", COMMIT.upper()])
def test_without_a_commit_a_file_is_at_head(commit: str | None) -> None:
    github = find_repository("https://github.com/o/r")
    codeberg = find_repository("https://codeberg.org/o/r")

    assert github is not None
    assert codeberg is not None
    assert github.file("a.md", commit=commit) == "https://github.com/o/r/blob/HEAD/a.md"
    assert codeberg.file("a.md", commit=commit) == "https://codeberg.org/o/r/src/HEAD/a.md"


@pytest.mark.parametrize(
    "repository",
    [
        "https://github.com/o/r",
        "http://github.com/o/r",
        "https://www.github.com/o/r/",
        "https://GitHub.com/o/r.git",
        "git+https://github.com/o/r.git",
        " https://github.com/o/r",
        "https://github.com/o/r/tree/main/crates/foo",
        "https://github.com/o/r/blob/main/README.md",
        "https://github.com/o/r#readme",
        "https://github.com/o/r?tab=readme",
        "https://github.com//o//r",
    ],
)
def test_all_spellings_of_a_repository_are_the_same(repository: str) -> None:
    found = find_repository(repository)

    assert found is not None
    assert found.url == "https://github.com/o/r"


@pytest.mark.parametrize(
    "repository",
    [
        None,
        "",
        "https://github.com",
        "https://github.com/o",
        "https://github.com/o/.git",
        "https://github.com/../..",
        'https://github.com/o/r"onmouseover=x',
        "https://example.org/o/r",
        "https://user:password@github.com/o/r",
        "git@github.com:o/r.git",
        "ssh://git@github.com/o/r",
        "javascript://github.com/o/r",
        "https://[github.com/o/r",
        "not an address",
    ],
)
def test_what_is_no_repository_of_a_known_forge_gives_none(repository: str | None) -> None:
    assert find_repository(repository) is None


def test_a_comparison_names_the_older_commit_first_in_the_forges_way() -> None:
    def compare(repository: str, old: str = OLDER, new: str = COMMIT) -> str | None:
        found = find_repository(repository)
        assert found is not None
        return found.compare(old, new)

    assert compare("https://github.com/o/r") == f"https://github.com/o/r/compare/{OLDER}...{COMMIT}"
    assert compare("https://gitlab.com/o/r") == f"https://gitlab.com/o/r/-/compare/{OLDER}...{COMMIT}"
    assert compare("https://bitbucket.org/o/r") == f"https://bitbucket.org/o/r/branches/compare/{COMMIT}..{OLDER}"
    assert compare("https://git.sr.ht/~o/r") is None
    assert compare("https://github.com/o/r", old="main") is None


def test_a_path_is_written_as_addresses_are() -> None:
    found = find_repository("https://github.com/o/r")

    assert found is not None
    assert found.file('a b"<é.md', commit=None) == "https://github.com/o/r/blob/HEAD/a%20b%22%3C%C3%A9.md"
