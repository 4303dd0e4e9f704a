"""What a rule is: the id, the level, one true sentence, the way out."""

from typing import Literal

from msgspec import Struct

Level = Literal["refuse", "warn", "allow"]
Severity = Literal["error", "warning"]
"""How grave a problem is, as it is shown: what refuses a crate, or spoils a tree, is an error."""


class Rule(Struct, frozen=True, kw_only=True):
    """A reason to refuse a crate or to warn of it, or what can be wrong with a tree (`of_tree`).

    `policy` rules may be set to another level by `[rules]`; the others protect clients and cannot be turned off.
    `mirror` is the level in a mirror, where that is another: what crates.io serves and cargo reads is held.
    `mended` rules of a tree are those that `verify --fix` mends where that loses nothing.
    """

    id: str
    level: Level
    says: str
    way_out: str
    example: str = ""
    policy: bool = False
    mirror: Level | None = None
    of_tree: bool = False
    mended: bool = False
    formerly: str = ""
    """An id that this rule had, be it shared with another one; `explain` still tells of it."""

    @property
    def severity(self) -> Severity:
        """How grave it is, as it is shown."""
        return severity_of(self.level)


def severity_of(level: Level) -> Severity:
    """Give how grave a problem of this level is, as it is shown."""
    return "error" if level == "refuse" else "warning"
