"""The address that a request came to: what config.json is to name, so that cargo comes back the same way."""

from collections.abc import Container, Mapping
from ipaddress import ip_address

from msgspec import Struct

from cargo_static_index.diagnostics.errors import InvalidConfig
from cargo_static_index.protocol.config import parse_base_url


class Connection(Struct, frozen=True, kw_only=True):
    """Both ends of the connection that a request came by; a Unix socket has no port, and its other end no address."""

    server: str
    port: int | None
    client: str | None
    scheme: str = "http"


def base_url_asked(connection: Connection, headers: Mapping[str, str], url: str | None, proxies: Container[str]) -> str:
    """Give the base URL that a request came to.

    `Host` is believed on loopback, and from a trusted proxy, which may also say what it was asked for itself
    (`X-Forwarded-Proto`, `-Host`, `-Prefix`). From elsewhere anybody could have put any name there, so that it is
    `url`, the settings' own, or else the address that was connected to.
    """
    proxied = connection.client is None or connection.client in proxies
    if not (proxied or is_loopback(connection.server)):
        return f"{url.rstrip('/')}/" if url else _address(connection)
    forwarded = headers if proxied else {}
    scheme = forwarded.get("x-forwarded-proto", connection.scheme)
    host = forwarded.get("x-forwarded-host", headers.get("host", ""))
    prefix = forwarded.get("x-forwarded-prefix", "").strip("/")
    try:
        return parse_base_url(f"{scheme}://{host}/{prefix}")
    except InvalidConfig:
        return _address(connection)


def client_of(connection: Connection, headers: Mapping[str, str], proxies: Container[str]) -> str:
    """Give the address that a request came from: of `X-Forwarded-For`, the last that no trusted proxy has."""
    if connection.client is not None and connection.client not in proxies:
        return connection.client
    hops = [hop.strip() for hop in headers.get("x-forwarded-for", "").split(",") if _is_address(hop.strip())]
    return next((hop for hop in reversed(hops) if hop not in proxies), connection.client or "a Unix socket")


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own; a Unix socket is."""
    if host.startswith("/") or host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _address(connection: Connection) -> str:
    host = f"[{connection.server}]" if ":" in connection.server else connection.server
    return f"{connection.scheme}://{host}:{connection.port}/"
