"""config.json: what is written, what the linter refuses, and the URLs that come of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_static_index.diagnostics.errors import InvalidConfig
from cargo_static_index.protocol.config import (
    RegistryConfig,
    base_url_of,
    config_for,
    download_url,
    format_config,
    index_url,
    parse_base_url,
    parse_config,
)

_DL = b'"https://h.example/dl"'


def test_our_config_has_only_the_keys_that_are_needed() -> None:
    assert format_config(config_for("https://crates.example.com/r")) == (
        b'{\n  "dl": "https://crates.example.com/r/crates/{crate}/{sha256-checksum}.crate"\n}\n'
    )


def test_our_config_has_all_keys_in_a_fixed_order() -> None:
    config = config_for("https://h.example", api="https://api.example/x", auth_required=True)
    assert format_config(config) == (
        b'{\n  "dl": "https://h.example/crates/{crate}/{sha256-checksum}.crate",\n'
        b'  "api": "https://api.example/x",\n  "auth-required": true\n}\n'
    )


@given(st.booleans(), st.sampled_from([None, "https://a.example", "https://a.example/b"]))
def test_what_is_written_is_read_again(auth_required: bool, api: str | None) -> None:
    config = config_for("https://h.example/x/", api=api, auth_required=auth_required)
    content = format_config(config)
    assert parse_config(content) == config
    assert content.startswith(b"{")
    assert base_url_of(config) == "https://h.example/x/"


@pytest.mark.parametrize(
    ("content", "config"),
    [
        (b'{"dl":"https://h.example/dl"}', RegistryConfig(dl="https://h.example/dl")),
        (b'{"dl":"https://h.example/dl","api":null}', RegistryConfig(dl="https://h.example/dl")),
        (b'{"dl":"https://h.example/dl","new":[1]}', RegistryConfig(dl="https://h.example/dl")),
        (b'{"dl":"http://127.0.0.1:8080/{version}"}', RegistryConfig(dl="http://127.0.0.1:8080/{version}")),
        (
            b'{"dl":"https://h.example/?c={crate}&v={version}"}',
            RegistryConfig(dl="https://h.example/?c={crate}&v={version}"),
        ),
        pytest.param(
            b'{"dl":"https://h.example/dl","api":"https://a.example/"}',
            RegistryConfig(dl="https://h.example/dl", api="https://a.example"),
            marks=pytest.mark.case(12),
        ),
    ],
)
def test_what_cargo_reads_is_read(content: bytes, config: RegistryConfig) -> None:
    assert parse_config(content) == config


_KNOWN = "the markers are {crate}, {version}, {prefix}, {lowerprefix}, {sha256-checksum}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "config.json is not what cargo reads: Input data was truncated; correct it"),
        (
            b"<html>",
            "config.json is not what cargo reads: JSON is malformed: invalid character (byte 0); correct it",
        ),
        (b"{}", "config.json is not what cargo reads: Object missing required field `dl`; correct it"),
        (
            b'{"dl":1}',
            "config.json is not what cargo reads: Expected `str`, got `int` - at `$.dl`; correct it",
        ),
        (
            b'{"dl":%s,"auth-required":null}' % _DL,
            "config.json is not what cargo reads: Expected `bool`, got `null` - at `$.auth-required`; correct it",
        ),
        pytest.param(
            b'{"dl":%s,"auth-required":"true"}' % _DL,
            "config.json is not what cargo reads: Expected `bool`, got `str` - at `$.auth-required`; correct it",
            marks=pytest.mark.case(13),
        ),
        pytest.param(
            b'{"dl":%s,"auth_required":true}' % _DL,
            "config.json has the key 'auth_required', which cargo ignores; write 'auth-required'",
            marks=pytest.mark.case(13),
        ),
        (b'{"dl":%s,"API":"x"}' % _DL, "config.json has the key 'API', which cargo ignores; write 'api'"),
        (
            b'{"dl":%s,"dl":%s}' % (_DL, _DL),
            "config.json has the key 'dl' more than once, which cargo refuses; remove one",
        ),
        pytest.param(
            b'\xef\xbb\xbf{"dl":%s}' % _DL,
            "config.json starts with a byte order mark, which cargo cannot read; save it without one",
            marks=pytest.mark.case(15),
        ),
        pytest.param(
            b'{"dl":"https://h.example/{name}"}',
            f"'dl' 'https://h.example/{{name}}' has '{{name}}', which cargo sends as it is; {_KNOWN}",
            marks=pytest.mark.case(11),
        ),
        (
            b'{"dl":"https://h.example/{crate"}',
            f"'dl' 'https://h.example/{{crate' has '{{', which cargo sends as it is; {_KNOWN}",
        ),
        pytest.param(
            b'{"dl":"https://h.example/dl/"}',
            "'dl' 'https://h.example/dl/' ends in '/' and cargo puts '/{crate}/{version}/download' behind; "
            "remove the slash",
            marks=pytest.mark.case(9),
        ),
        (
            b'{"dl":"https://h.example/dl?x=1"}',
            (
                "'dl' 'https://h.example/dl?x=1' has a query and cargo puts '/{crate}/{version}/download' behind; "
                "use markers"
            ),
        ),
        (
            b'{"dl":"/crates/{crate}"}',
            "the 'dl' '/crates/{crate}' is not absolute; write it like 'https://crates.example.com/'",
        ),
        (b'{"dl":""}', "the 'dl' '' is not absolute; write it like 'https://crates.example.com/'"),
        (
            b'{"dl":"file:///srv/{crate}"}',
            "the 'dl' 'file:///srv/{crate}' has the scheme 'file'; use 'https' or 'http'",
        ),
        (
            b'{"dl":%s,"api":"api.example"}' % _DL,
            "the 'api' 'api.example' is not absolute; write it like 'https://crates.example.com/'",
        ),
        (
            b'{"dl":%s,"api":"https://a.example/?x"}' % _DL,
            "'api' 'https://a.example/?x' has a query, and cargo puts '/api/v1/…' behind; remove '?' and the rest",
        ),
    ],
)
def test_what_cargo_refuses_or_misunderstands_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        parse_config(content)
    assert str(caught.value) == message


def _download(dl: str) -> str:
    return download_url(RegistryConfig(dl=dl), "MyCrate", "1.2.3+build.5", "ab12")


@pytest.mark.parametrize(
    ("dl", "url"),
    [
        pytest.param("https://h/dl", "https://h/dl/MyCrate/1.2.3+build.5/download", marks=pytest.mark.case(9)),
        pytest.param("https://h/dl/", "https://h/dl//MyCrate/1.2.3+build.5/download", marks=pytest.mark.case(9)),
        pytest.param("https://h/{sha256-checksum}", "https://h/ab12", marks=pytest.mark.case(10)),
        pytest.param("https://h/{name}", "https://h/{name}/MyCrate/1.2.3+build.5/download", marks=pytest.mark.case(11)),
        pytest.param("https://h/{prefix}/{crate}", "https://h/My/Cr/MyCrate", marks=pytest.mark.case(4)),
        pytest.param("https://h/{lowerprefix}/{crate}", "https://h/my/cr/MyCrate", marks=pytest.mark.case(4)),
        ("https://h/{crate}/{crate}-{version}", "https://h/MyCrate/MyCrate-1.2.3+build.5"),
    ],
)
def test_downloads_go_where_cargo_goes(dl: str, url: str) -> None:
    assert _download(dl) == url


def test_our_downloads_are_named_by_crate_and_checksum() -> None:
    assert _download(config_for("https://h.example/r").dl) == "https://h.example/r/crates/MyCrate/ab12.crate"


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("https://Crates.Example.COM", "https://crates.example.com/"),
        ("HTTPS://h.example:443/A/b", "https://h.example/A/b/"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/"),
        ("http://[::1]:80/x", "http://[::1]/x/"),
    ],
)
def test_a_base_url_is_written_in_one_way(text: str, base: str) -> None:
    assert parse_base_url(text) == base
    assert parse_base_url(base) == base


@pytest.mark.case(14)
def test_the_index_url_ends_in_the_slash_that_cargo_asks_for() -> None:
    assert index_url(parse_base_url("https://h.example/r")) == "sparse+https://h.example/r/index/"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is not absolute; write it like 'https://crates.example.com/'"),
        ("crates.example.com", "is not absolute; write it like 'https://crates.example.com/'"),
        ("ftp://h.example/", "has the scheme 'ftp'; use 'https' or 'http'"),
        ("sparse+https://h.example/", "is written like an index URL; remove 'sparse+', and 'index/' behind"),
        ("https://u:p@h.example/", "has a user name or a password, which all would see; remove it"),
        ("https://h.example/?x", "has a query, so nothing can be put behind it; remove '?' and the rest"),
        ("https://h.example/#x", "has a fragment, which clients do not send; remove '#' and the rest"),
        ("https://h.example/{crate}", "has a brace, which cargo may take for a marker; remove it"),
        ("https://h.example/a/../b", "has '.' or '..' in its path; write the path without them"),
        ("https://h.example/é", "has 'é' in it; write it percent-encoded"),
        ("https://h.example/a b", "has ' ' in it; write it percent-encoded"),
        ("https:///x", "has no host that can be read; write it like 'https://example.com/'"),
        ("https://h.example:99999/", "cannot be read: Port out of range 0-65535; correct it"),
    ],
)
def test_a_base_url_that_would_not_serve_is_refused(text: str, fault: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        parse_base_url(text)
    assert str(caught.value) == f"the base URL {text!r} {fault}"


@pytest.mark.parametrize(
    "dl",
    [
        "https://h/dl",
        "https://h/crates/{crate}/{version}.crate",
        "https://H/crates/{crate}/{sha256-checksum}.crate",
        "h/crates/{crate}/{sha256-checksum}.crate",
    ],
)
def test_another_dl_has_no_base_url(dl: str) -> None:
    assert base_url_of(RegistryConfig(dl=dl)) is None
