"""The parts that versions and requirements share: numbers and dotted identifiers (semver: src/parse.rs).

What they add up to is for `semver` to know.
"""

import re
from typing import NoReturn

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.diagnostics.escape import quote

MAX_NUMBER = 2**64 - 1
"""The `semver` crate keeps numbers in 64 bits."""

_DIGITS = pattern(r"[0-9]*")
_IDENTIFIERS = pattern(r"[0-9A-Za-z.-]*")


def fits(digits: str) -> bool:
    """Whether a number without leading zeros fits 64 bits; the length first, for Python reads no huge numbers."""
    return len(digits) < 20 or (len(digits) == 20 and int(digits) <= MAX_NUMBER)


class SemverReader:
    """Reads the parts of a version or requirement in turn, and refuses the whole in one sentence."""

    def __init__(self, text: str, error: type[InvalidInput], what: str) -> None:
        self._text = text
        self._at = 0
        self._error = error
        self._what = what
        self.part = "nothing"
        """The part that was read last, for messages."""

    def refuse(self, reason: str) -> NoReturn:
        """Raise the reader's error with the reason."""
        raise self._error(f"{quote(self._text)} is not {self._what}: {reason}")

    def next(self) -> str:
        """Give the character that comes next, empty at the end."""
        return self._text[self._at : self._at + 1]

    def at_end(self) -> bool:
        """Whether all is read."""
        return self._at == len(self._text)

    def take(self, token: str) -> bool:
        """Go past the token if it comes next, and say whether it did."""
        found = self._text.startswith(token, self._at)
        if found:
            self._at += len(token)
        return found

    def blanks(self) -> None:
        """Go past spaces, the only blanks there are."""
        while self.take(" "):
            pass

    def wildcard(self) -> bool:
        """Go past a wildcard if one comes next, and say whether it did."""
        found = self.take("*") or self.take("x") or self.take("X")
        if found:
            self.part = "the wildcard"
        return found

    def number(self, name: str) -> int:
        """Read a number of 64 bits without leading zeros."""
        self.part = f"the {name} number"
        digits = self._span(_DIGITS)
        if not digits:
            found = f"{self.next()!r} stands" if not self.at_end() else "it ends"
            self.refuse(f"{found} where {self.part} should be")
        if digits[0] == "0" and len(digits) > 1:
            self.refuse(f"{self.part} has a leading zero")
        if not fits(digits):
            self.refuse(f"{self.part} is more than {MAX_NUMBER}")
        return int(digits)

    def dot(self) -> None:
        """Go past a dot, which must come next."""
        if not self.take("."):
            found = f"{self.next()!r} follows" if not self.at_end() else "it ends after"
            self.refuse(f"{found} {self.part}, where '.' should be")

    def suffixes(self) -> tuple[str, str]:
        """Read pre-release and build metadata, each empty where there is none."""
        pre = self._identifiers("the pre-release") if self.take("-") else ""
        build = self._identifiers("the build metadata") if self.take("+") else ""
        for identifier in pre.split("."):
            if len(identifier) > 1 and identifier[0] == "0" and identifier.isdigit():
                self.refuse(f"the number {identifier!r} in the pre-release has a leading zero")
        return pre, build

    def end(self) -> None:
        """Refuse anything that is left."""
        if not self.at_end():
            self.refuse(f"{self.next()!r} follows {self.part}, where it must end")

    def _identifiers(self, part: str) -> str:
        self.part = part
        found = self._span(_IDENTIFIERS)
        if not all(found.split(".")):
            self.refuse(f"{part} has an empty identifier")
        return found

    def _span(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        assert found is not None, "both patterns match the empty text"
        self._at = found.end()
        return found.group()
