"""What a rule is: the id, the level, one true sentence, the way out."""

from typing import Final, Literal, get_args

from msgspec import Struct

from cargo_static_index._pattern import pattern

Level = Literal["refuse", "warn", "allow"]
LEVELS: Final[tuple[Level, ...]] = get_args(Level)
Severity = Literal["error", "warning"]
"""How grave a problem is, as it is shown: what refuses a crate, or spoils a tree, is an error."""

OWN_ID: Final = "[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9-]*"
"""The form of the id of a rule of one's own, such as `acme/no-copyleft`."""
_own_id = pattern(OWN_ID)


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


def is_own(rule: str) -> bool:
    """Whether this is the form of an id of a rule of one's own."""
    return _own_id.fullmatch(rule) is not None
