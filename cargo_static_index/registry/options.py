"""What is asked of one opening of a registry, beside its settings."""

import time
from collections.abc import Callable
from hashlib import sha256
from typing import Literal

from msgspec import Struct

from cargo_static_index.crate.candidate import DropFile
from cargo_static_index.crate.policy import OwnRules, check_shared
from cargo_static_index.diagnostics.errors import InvalidInput, SettingsError, check_types
from cargo_static_index.registry.scan import Due

Access = Literal["write", "dry", "look"]
"""How a registry is opened: to change it; to think a change through, which changes nothing; or to be looked at, which
needs no right to write, makes no pages and keeps nobody out."""


LAST = 253_402_300_799
"""The last second of the year 9999: `pubtime` has four digits for a year."""


class HostShare(Struct, frozen=True):
    """The `number`th of `of` shares: of a drop directory's files, one a host, or of a tree's crates, one a day.

    InvalidInput unless `number` is one of 1 to `of`.
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise InvalidInput(f"there is no share {self.number} of {self.of}; the first of three is 1 of 3")

    def holds(self, file: DropFile) -> bool:
        """Whether a file is in it: its name says, as the crate's is known only after reading."""
        return self._holds(file.file)

    def holds_name(self, name: str) -> bool:
        """Whether a name is in it."""
        return self._holds(name.encode())

    def _holds(self, name: bytes) -> bool:
        return int.from_bytes(sha256(name).digest()[:8], "big") % self.of == self.number - 1


def parse_share(text: str) -> HostShare:
    """Read `I/N`, or raise SettingsError."""
    number, _, of = text.partition("/")
    if number.isascii() and number.isdigit() and of.isascii() and of.isdigit() and 1 <= int(number) <= int(of):
        return HostShare(int(number), int(of))
    raise SettingsError(f"--share: {text!r} is no share; write 1/3 for the first of three, then 2/3 and 3/3")


class Options(Struct, frozen=True, kw_only=True):
    """How a command goes about it. `now` is its one clock, in whole seconds since 1970.

    `dry` thinks everything through and changes nothing. `move` lets the base URL change: the one that the tree had
    becomes an alias. `change_mode` lets the mode change: that is for `reindex`, until which lines stay as they are.
    `restore` brings removed releases back, `all_or_nothing` publishes none where one is refused. `keep_pages` puts off
    remaking all pages where only how they look has changed. `must_exist` refuses to begin a new registry. `due` and
    `take` say when a dropped file may be read, and how many are; `share` which ones, where the others are for other
    hosts. `lasting` says that this process goes on and tells of changes by itself, and adds to the file of URLs.
    `own_rules` are rules of one's own, in the place of those that the settings name. InvalidInput for a time or a share
    that is none, and for rules that other processes cannot be given.
    """

    now: int
    dry: bool = False
    move: bool = False
    change_mode: bool = False
    restore: bool = False
    all_or_nothing: bool = False
    keep_pages: bool = False
    must_exist: bool = False
    due: Due | None = None
    take: Callable[[DropFile], bool] | None = None
    share: HostShare | None = None
    lasting: bool = False
    own_rules: OwnRules | None = None
    clock: Callable[[], float] = time.time
    """What orders changes of a tree that several hosts share; the time, whatever `now` is set to."""

    def __post_init__(self) -> None:
        check_types(self, {"now": int, "share": HostShare | None, "own_rules": OwnRules | None})
        if not 0 <= self.now <= LAST:
            raise InvalidInput(f"`now` is {self.now}, and a time in whole seconds since 1970, up to the year 9999")
        if self.own_rules is not None:
            check_shared(self.own_rules)
