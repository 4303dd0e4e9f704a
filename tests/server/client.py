"""A plain client of the web API, and what it sends."""

import http.client
import json
import socket
from contextlib import closing
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from tests.crates import CrateBuilder


class Answer(Struct, frozen=True, kw_only=True):
    """What was answered."""

    status: int
    headers: Message
    content: bytes

    def json(self) -> Any:
        """Read it as JSON."""
        return json.loads(self.content)

    def details(self) -> str:
        """Give the sentences of a failure."""
        return "\n".join(each["detail"] for each in self.json()["errors"])

    def warnings(self) -> list[str]:
        """Give what cargo prints as warnings."""
        found: list[str] = self.json()["warnings"]["other"]
        return found

    def ok(self) -> "Answer":
        """Claim that all went well."""
        assert self.status == 200, (self.status, self.content)
        return self

    def failed(self, status: int, *sentences: str) -> "Answer":
        """Claim a failure in which each of these texts is said."""
        assert self.status == status, (self.status, self.content)
        for sentence in sentences:
            assert sentence in self.details(), self.details()
        return self


class Client:
    """Sends requests to a server at `url`, each over a connection of its own, with a token where there is one."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._address = urlsplit(url)
        self._token = token

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Send a request; `_` in a header's name stands for `-`."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if self._token is not None:
            given.setdefault("Authorization", self._token)
        with closing(http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=60)) as link:
            link.request(method, path, body, given)
            found = link.getresponse()
            return Answer(status=found.status, headers=found.headers, content=found.read())

    def publish(self, crate: CrateBuilder, **headers: str) -> Answer:
        """Publish a crate."""
        return self.ask("PUT", "/api/v1/crates/new", body_of(crate), **headers)

    def yank(self, name: str, vers: str, *, yanked: bool = True) -> Answer:
        """Yank or unyank a release."""
        path = f"/api/v1/crates/{name}/{vers}"
        return self.ask("DELETE", f"{path}/yank") if yanked else self.ask("PUT", f"{path}/unyank")

    def owners(self, name: str) -> list[str]:
        """Give who owns a crate."""
        return [each["login"] for each in self.ask("GET", f"/api/v1/crates/{name}/owners").ok().json()["users"]]

    def change_owners(self, method: str, name: str, *users: str) -> Answer:
        """Add (PUT) or remove (DELETE) owners."""
        return self.ask(method, f"/api/v1/crates/{name}/owners", json.dumps({"users": users}).encode())

    def line(self, path: str) -> list[dict[str, Any]]:
        """Give the lines of an index file."""
        return [json.loads(line) for line in self.ask("GET", f"/index/{path}").ok().content.splitlines()]

    def socket(self) -> socket.socket:
        """Open a connection to write bytes to."""
        return socket.create_connection((self._address.hostname, self._address.port), timeout=60)


def body_of(crate: CrateBuilder, *, name: str | None = None, vers: str | None = None) -> bytes:
    """Give the body of a publish request; the metadata says another name or version where one is given."""
    return frame(metadata_of(name or crate.name, vers or crate.version), crate.build())


def metadata_of(name: str, vers: str, **more: object) -> bytes:
    """Give the metadata as cargo sends it, as far as it is read."""
    return json.dumps({"name": name, "vers": vers, "deps": [], "features": {}, **more}).encode()


def frame(metadata: bytes, archive: bytes) -> bytes:
    """Put the parts of a body together."""
    return b"".join(len(part).to_bytes(4, "little") + part for part in (metadata, archive))
