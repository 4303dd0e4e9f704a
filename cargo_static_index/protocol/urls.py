"""URLs, as far as a registry has to do with them: taken apart, and written in one way so that they can be compared."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidConfig

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
"""Hosts whose requests leave this machine nowhere, so that plain http does no harm."""

DEFAULT_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418}

_FORBIDDEN = pattern(r"[^!-~]|[<>\"\\^`|]")
_SCHEME = pattern(r"(?:[A-Za-z][A-Za-z0-9.-]*\+)?[A-Za-z][A-Za-z0-9.-]*://")
_HOST = pattern(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]+\]")
_ENDS_IN_NUMBER = pattern(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?")


class Url(Struct, frozen=True, kw_only=True):
    """An absolute URL: scheme and host in lower case, `port` None where it is the scheme's own.

    `scheme` has the `sparse+` where there is one; `user` has the password too.
    """

    scheme: str
    user: str
    host: str
    port: int | None
    path: str
    query: str
    fragment: str

    def format(self) -> str:
        """Give the URL's text."""
        user = f"{self.user}@" if self.user else ""
        port = "" if self.port is None else f":{self.port}"
        query = f"?{self.query}" if self.query else ""
        fragment = f"#{self.fragment}" if self.fragment else ""
        return f"{self.scheme}://{user}{self.host}{port}{self.path}{query}{fragment}"


def parse_url(text: str, *, what: str = "URL") -> Url:
    """Read an absolute URL with a host (or `file:///…`), or raise InvalidConfig, which calls it `what`."""
    odd = _FORBIDDEN.search(text)
    if odd:
        raise InvalidConfig(f"the {what} {text!r} has {odd[0]!r} in it; write it percent-encoded")
    if not _SCHEME.match(text):
        raise InvalidConfig(f"the {what} {text!r} is not absolute; write it like 'https://crates.example.com/'")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise InvalidConfig(f"the {what} {text!r} cannot be read: {error}; correct it") from error
    user, _, _ = parts.netloc.rpartition("@")
    return Url(
        scheme=parts.scheme,
        user=user,
        host=_host(parts, text, what),
        port=None if port == DEFAULT_PORTS.get(parts.scheme.rpartition("+")[2]) else port,
        path=parts.path or "/",
        query=parts.query,
        fragment=parts.fragment,
    )


def parse_web_url(text: str, *, what: str) -> Url:
    """Read an http(s) URL that others are given to put something behind, or raise InvalidConfig."""
    url = parse_url(text, what=what)
    if url.scheme not in {"http", "https"}:
        raise InvalidConfig(f"the {what} {text!r} has the scheme {url.scheme!r}; use 'https' or 'http'")
    if url.user:
        raise InvalidConfig(f"the {what} {text!r} has a user name or a password, which all would see; remove it")
    if "#" in text:
        raise InvalidConfig(f"the {what} {text!r} has a fragment, which clients do not send; remove '#' and the rest")
    return url


def _host(parts: SplitResult, text: str, what: str) -> str:
    host = parts.netloc.rpartition("@")[2]
    host = re.sub(r":[0-9]*$", "", host)
    if not host and parts.scheme.rpartition("+")[2] == "file":
        return host
    if not _HOST.fullmatch(host) or not _is_address(host):
        raise InvalidConfig(f"the {what} {text!r} has no host that can be read; write it like 'https://example.com/'")
    return host.lower()


def _is_address(host: str) -> bool:
    """Whether a host that URLs take for an address is one: it has brackets, or ends in a number (WHATWG, "URL")."""
    try:
        if host.startswith("["):
            IPv6Address(host[1:-1])
        elif _ENDS_IN_NUMBER.fullmatch(host):
            IPv4Address(host.removesuffix("."))
    except AddressValueError:
        return False
    return True
