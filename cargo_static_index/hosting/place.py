"""Where a registry is served, and who may read it: what every configuration is made from."""

import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

from cargo_static_index.tree.headers import IMMUTABLE, REVALIDATED, SHORT

Private = Literal["no", "index", "all"]
"""Who reads needs a token: for nothing, for the index and the archives, or for the pages, too."""

ABSENT = "no-store"
"""A 404 that is kept hides the crate that comes next."""


_NAME = re.compile(r"@([A-Z]+)@")


class Place(Struct, frozen=True, kw_only=True):
    """Where a registry is served.

    `base_url` ends in a slash, `root` is the tree's folder on the server. `endpoint` is the address of the publish
    endpoint behind the server, such as `127.0.0.1:8000`, None where there is none. `precompressed` says that pages and
    assets have compressed copies beside them, `.gz` and `.br`. `upload_bytes` is the largest request that the endpoint
    takes, `seconds` the time in which it answers one. `policy` is the pages' Content-Security-Policy.
    """

    base_url: str
    root: str
    policy: str
    private: Private = "no"
    endpoint: str | None = None
    precompressed: bool = False
    upload_bytes: int = 101 * 1024 * 1024
    seconds: int = 600

    @property
    def host(self) -> str:
        """The name that clients ask for, without a port."""
        return urlsplit(self.base_url).hostname or "localhost"

    @property
    def port(self) -> int:
        """The port that clients ask at."""
        return urlsplit(self.base_url).port or (80 if self.is_plain else 443)

    @property
    def path(self) -> str:
        """The path of the base URL: it begins and ends with a slash."""
        return urlsplit(self.base_url).path

    @property
    def is_plain(self) -> bool:
        """Whether the registry is served without TLS, as one on the loopback interface is."""
        return urlsplit(self.base_url).scheme == "http"

    def filled(self, text: str, **more: str) -> str:
        """Put values into a text for `@NAME@`, in values, too; a line that is only such a name goes where it is "".

        A value of many lines takes the place of a line that is only its name, as far to the right.
        """
        values = {
            "BASE": self.base_url,
            "ROOT": self.root.rstrip("/"),
            "PATH": self.path,
            "HOST": self.host,
            "ENDPOINT": self.endpoint or "",
            "BYTES": str(self.upload_bytes),
            "SECONDS": str(self.seconds),
            "POLICY": self.policy,
            "IMMUTABLE": IMMUTABLE,
            "REVALIDATED": REVALIDATED,
            "PAGES": SHORT,
            "ABSENT": ABSENT,
            **more,
        }
        while _NAME.search(text):
            text = "".join(_indented(line, values) for line in text.splitlines())
            text = _NAME.sub(lambda found: values[found[1]], text)
        return text


def _indented(line: str, values: Mapping[str, str]) -> str:
    """Put a block of lines in the place of its name, as far to the right as the name stands."""
    found = re.fullmatch(r"( *|\t*)@([A-Z]+)@", line)
    if found is None:
        return f"{line}\n"
    return "".join(f"{found[1]}{value_line}\n" if value_line else "\n" for value_line in values[found[2]].splitlines())
