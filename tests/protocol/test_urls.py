"""URLs written in one way."""

import pytest

from cargo_static_index.diagnostics.errors import InvalidConfig
from cargo_static_index.protocol.urls import Url, parse_url, parse_web_url


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("https://H.example", "https://h.example/"),
        ("HTTP://h.example:80/A?b=C#D", "http://h.example/A?b=C#D"),
        ("sparse+https://h.example:443/", "sparse+https://h.example/"),
        ("http://h.example:8080/", "http://h.example:8080/"),
        ("http://h.example:/", "http://h.example/"),
        ("ssh://git@H.example:22/~a", "ssh://git@h.example/~a"),
        ("http://u:p@[::1]:80/", "http://u:p@[::1]/"),
        ("file:///srv/x", "file:///srv/x"),
    ],
)
def test_a_url_is_written_in_one_way(text: str, written: str) -> None:
    assert parse_url(text).format() == written
    assert parse_url(written) == parse_url(text)


def test_a_url_is_taken_apart() -> None:
    assert parse_url("sparse+http://u@h.example:81/a?q#f") == Url(
        scheme="sparse+http", user="u", host="h.example", port=81, path="/a", query="q", fragment="f"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/a",
        "h.example",
        "://h",
        "https:/h",
        "https://",
        "https://?x",
        "https://a b/",
        "https://é/",
        "https://1.2.3.4.5/",
        "https://a.256/",
        "https://[:::]/",
    ],
)
def test_what_is_not_absolute_or_has_no_host_is_refused(text: str) -> None:
    with pytest.raises(InvalidConfig, match=r"^the thing "):
        parse_url(text, what="thing")


@pytest.mark.parametrize("text", ["ssh://h.example/", "https://u@h.example/", "https://h.example/#"])
def test_a_url_to_give_away_is_plain_http(text: str) -> None:
    with pytest.raises(InvalidConfig, match=r"^the thing "):
        parse_web_url(text, what="thing")
