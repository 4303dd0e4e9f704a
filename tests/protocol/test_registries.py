"""Where a dependency comes from: the `registry` of lines, and the problems with it."""

import pytest

from cargo_static_index.diagnostics.errors import InvalidConfig
from cargo_static_index.protocol.registries import (
    CRATES_IO,
    Home,
    check_registry,
    comes_from_crates_io,
    is_crates_io,
    normalise_index_url,
    registry_in_line,
)

OWN = "sparse+https://crates.example.com/index/"
ALIAS = "sparse+http://10.0.0.1:8080/index/"
OTHER = "sparse+https://other.example/index/"
HOME = Home(urls=(OWN, ALIAS))
MIRROR = Home(mode="mirror", urls=(OWN,))

CRATES_IO_SPELLINGS = [
    CRATES_IO,
    f"{CRATES_IO}/",
    f"{CRATES_IO}.git",
    "https://GitHub.com/Rust-Lang/crates.io-index",
    "http://github.com/rust-lang/crates.io-index",
    "https://github.com:443/rust-lang/crates.io-index",
    pytest.param("sparse+https://index.crates.io/", marks=pytest.mark.case(54)),
    pytest.param("sparse+https://index.crates.io", marks=pytest.mark.case(54)),
    pytest.param("sparse+https://INDEX.crates.io:443/", marks=pytest.mark.case(54)),
]

OWN_SPELLINGS = [
    OWN,
    "sparse+https://crates.example.com/index",
    "SPARSE+HTTPS://Crates.Example.COM/index/",
    "sparse+https://crates.example.com:443/index/",
    ALIAS,
]


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        (OWN, "sparse+https://crates.example.com/index"),
        ("sparse+http://h.example:80/", "sparse+http://h.example"),
        ("sparse+http://h.example:443/", "sparse+http://h.example:443"),
        ("https://H.example/A.git", "https://h.example/A.git"),
        ("ssh://git@h.example:22/x", "ssh://git@h.example/x"),
        ("file:///srv/index/", "file:///srv/index"),
    ],
)
def test_urls_are_compared_without_what_does_not_matter(text: str, normal: str) -> None:
    assert normalise_index_url(text) == normal
    assert normalise_index_url(normal) == normal


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("acme", "the index URL 'acme' is not absolute; write it like 'https://crates.example.com/'"),
        ("", "the index URL '' is not absolute; write it like 'https://crates.example.com/'"),
        (
            "git@github.com:a/b",
            "the index URL 'git@github.com:a/b' is not absolute; write it like 'https://crates.example.com/'",
        ),
        (
            "https://[::1/",
            "the index URL 'https://[::1/' cannot be read: Invalid IPv6 URL; correct it",
        ),
    ],
)
def test_what_is_no_url_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        normalise_index_url(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("url", CRATES_IO_SPELLINGS)
def test_every_spelling_of_crates_io_is_written_as_one(url: str) -> None:
    assert is_crates_io(url)
    assert comes_from_crates_io(url)
    assert registry_in_line(url, HOME) == CRATES_IO
    assert registry_in_line(url, MIRROR) is None
    assert check_registry(url, HOME, ()) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://index.crates.io/",
        "sparse+https://github.com/rust-lang/crates.io-index",
        "ssh://git@github.com/rust-lang/crates.io-index",
        "https://github.com/someone/crates.io-index",
        "https://github.com/rust-lang/crates.io-index?x",
        OWN,
    ],
)
def test_what_is_not_crates_io_is_not_taken_for_it(url: str) -> None:
    assert not is_crates_io(url)
    assert registry_in_line(url, Home()) == url


@pytest.mark.case(50)
def test_an_absent_registry_means_crates_io() -> None:
    assert comes_from_crates_io(None)
    assert registry_in_line(None, HOME) == CRATES_IO
    assert registry_in_line(None, MIRROR) is None
    assert check_registry(None, HOME, ()) is None


@pytest.mark.case(51)
@pytest.mark.parametrize("url", OWN_SPELLINGS)
def test_our_own_url_becomes_null(url: str) -> None:
    assert registry_in_line(url, HOME) is None
    assert check_registry(url, HOME, ()) is None


@pytest.mark.case(52)
def test_our_own_url_without_sparse_is_another_registry_and_warned_of() -> None:
    url = "https://crates.example.com/index"
    assert registry_in_line(url, HOME) == url
    found = check_registry(url, HOME, (OWN,))
    assert found is not None
    assert (found.rule, found.message) == (
        "own-url-without-sparse",
        (
            "A dependency names 'https://crates.example.com/index', "
            "which for cargo is a git registry at this registry's address."
        ),
    )


@pytest.mark.case(53)
def test_a_third_registry_stands_as_it_is_written() -> None:
    assert (
        registry_in_line("sparse+https://Other.example:443/index/", HOME) == "sparse+https://Other.example:443/index/"
    )
    assert registry_in_line(OTHER, MIRROR) == OTHER


@pytest.mark.parametrize("url", [OTHER, "https://git.example/index.git"])
def test_a_registry_that_is_not_allowed_is_warned_of(url: str) -> None:
    found = check_registry(url, HOME, ())
    assert found is not None
    assert (found.rule, found.message) == (
        "foreign-registry",
        f"A dependency comes from the registry {url!r}, which `[dependencies] allowed` does not list.",
    )


def test_an_allowed_registry_is_fine_however_it_is_written() -> None:
    assert check_registry(OTHER, HOME, ("sparse+https://OTHER.example:443/index",)) is None


@pytest.mark.parametrize(
    ("url", "fault", "way_out"),
    [
        ("acme", "the index URL 'acme' is not absolute", "Write it like 'https://crates.example.com/'."),
        (
            "sparse+https://other.example/index",
            (
                "the index URL 'sparse+https://other.example/index' is a sparse one without a '/' at the end, "
                "which cargo refuses"
            ),
            "Add it.",
        ),
        (
            "sparse+file:///srv/index/",
            "the index URL 'sparse+file:///srv/index/' is a sparse one with the scheme 'file'",
            "Use http or https, by which alone cargo reads those.",
        ),
        (
            "https://u:p@other.example/",
            "the index URL 'https://u:p@other.example/' has a password, which cargo refuses",
            "Remove it.",
        ),
        (
            "registry+https://other.example/",
            "the index URL 'registry+https://other.example/' starts with 'registry+'",
            "An index URL starts with 'sparse+' or with a git URL's scheme.",
        ),
    ],
)
def test_a_url_that_cargo_cannot_use_is_refused(url: str, fault: str, way_out: str) -> None:
    found = check_registry(url, HOME, (url,) if "://" in url else ())
    assert found is not None
    assert (found.rule, found.message, found.way_out) == (
        "registry-index-invalid",
        f"A dependency's `registry-index` cannot be used: {fault}.",
        way_out,
    )
