"""The address that a request came to, and from where: whom to believe decides what may be said of it."""

import pytest

from cargo_static_index.server.address import Connection, base_url_asked, client_of, is_loopback

HERE = Connection(server="127.0.0.1", port=8000, client="127.0.0.1")
OUTSIDE = Connection(server="203.0.113.7", port=80, client="198.51.100.9")
SOCKET = Connection(server="/run/crates.sock", port=None, client=None)


@pytest.mark.parametrize(
    ("connection", "headers", "url", "proxies", "asked"),
    [
        (HERE, {"host": "localhost:8000"}, None, (), "http://localhost:8000/"),
        (HERE, {"host": "a b"}, None, (), "http://127.0.0.1:8000/"),
        (HERE, {"host": "a", "x-forwarded-host": "b"}, None, (), "http://a/"),
        (OUTSIDE, {"host": "evil.example.com"}, None, (), "http://203.0.113.7:80/"),
        (OUTSIDE, {"host": "evil.example.com"}, "https://crates.example.com/", (), "https://crates.example.com/"),
        (OUTSIDE, {"host": "a.example.com"}, "https://b.example.com", ("198.51.100.9",), "http://a.example.com/"),
        (SOCKET, {"host": "a.example.com", "x-forwarded-proto": "https"}, None, (), "https://a.example.com/"),
        (SOCKET, {"x-forwarded-host": "b.example.com", "x-forwarded-prefix": "/a/"}, None, (), "http://b.example.com/a/"),
    ],
)  # fmt: skip
def test_a_name_is_believed_on_loopback_and_of_proxies(
    connection: Connection, headers: dict[str, str], url: str | None, proxies: tuple[str, ...], asked: str
) -> None:
    assert base_url_asked(connection, headers, url, proxies) == asked


def test_an_address_of_version_6_stands_in_brackets() -> None:
    outside = Connection(server="2001:db8::7", port=80, client="2001:db8::9", scheme="https")
    assert base_url_asked(outside, {}, None, ()) == "https://[2001:db8::7]:80/"


@pytest.mark.parametrize(
    ("connection", "forwarded", "client"),
    [
        (OUTSIDE, "192.0.2.1", "198.51.100.9"),
        (SOCKET, "192.0.2.1, 192.0.2.2", "192.0.2.2"),
        (SOCKET, "192.0.2.1, 10.0.0.1, unknown", "192.0.2.1"),
        (SOCKET, "unknown", "a Unix socket"),
        (Connection(server="10.0.0.2", port=80, client="10.0.0.1"), "", "10.0.0.1"),
    ],
)
def test_a_client_is_the_last_that_no_trusted_proxy_has(connection: Connection, forwarded: str, client: str) -> None:
    assert client_of(connection, {"x-forwarded-for": forwarded}, ("10.0.0.1",)) == client


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "/run/a.sock"])
def test_this_machine_is_known_by_its_addresses(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["203.0.113.7", "crates.example.com", "", "0.0.0.0"])
def test_no_other_is_taken_for_this_machine(host: str) -> None:
    assert not is_loopback(host)
