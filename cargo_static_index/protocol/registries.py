"""Which registry a dependency comes from (cargo's book: "Registry Index", `registry`; "Source Replacement").

Absent `registry-index` in a packaged manifest means crates.io; absent `registry` in an index line means
the registry that the line came from: the two nulls are opposites, and this module is where they meet.
"""

from typing import Literal

from msgspec import Struct

CRATES_IO = "https://github.com/rust-lang/crates.io-index"

Mode = Literal["registry", "mirror"]


class Home(Struct, frozen=True, kw_only=True):
    """The registry that lines are made for: `urls` are the index URLs that mean it, its own first, then aliases."""

    mode: Mode = "registry"
    urls: tuple[str, ...] = ()
