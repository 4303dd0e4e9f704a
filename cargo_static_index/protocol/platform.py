"""Targets of dependencies: a target's name or a `cfg(…)` expression, as cargo reads them.

Cargo's book, "Platform specific dependencies"; cargo: crates/cargo-platform/src/lib.rs, src/cfg.rs.
"""

import re
from typing import NoReturn

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidTarget
from cargo_static_index.diagnostics.escape import quote

MAX_DEPTH = 64
"""Nested `all`, `any` and `not`. Cargo sets no limit and runs out of stack; people nest three or four."""

_PLAIN_NAME = pattern(r"[A-Za-z0-9_.-]*")
_PLAIN_CFG = pattern(r'cfg\((?!(?:all|any|not)\b)[A-Za-z_][A-Za-z0-9_]*(?: *= *"[^"]*")?\)')
_BLANKS = pattern(r" *")
# Only a space is a blank, a string has no escapes, and what is none of these is the last alternative.
_TOKEN = pattern(
    r'(?P<mark>[(),=])|(?P<string>"[^"]*")|(?P<raw>r#)?(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<other>.)', re.DOTALL
)
_OPERATORS = frozenset({"all", "any", "not"})


def parse_target(text: str) -> str:
    """Give the text back unchanged, or raise InvalidTarget with what was found where.

    The text is what the index holds: crates.io keeps the author's blanks.
    """
    if _PLAIN_NAME.fullmatch(text) or _PLAIN_CFG.fullmatch(text):
        return text
    if not (text.startswith("cfg(") and text.endswith(")")):
        _check_name(text)
    else:
        parser = _Parser(text)
        parser.expression(depth=0)
        parser.end()
    return text


def _check_name(text: str) -> None:
    """Refuse what cargo does: letters and digits may be of any script.

    A few characters that Rust calls alphabetic and Python does not (combining vowels) are refused too.
    """
    for at, character in enumerate(text):
        if character == "(":
            _refuse(text, "a cfg expression starts with 'cfg(' and ends with ')'")
        if not (character.isalnum() or character in "_-."):
            _refuse(text, f"{character!r} as character {at + 1} cannot be in a target's name")


def _refuse(text: str, reason: str) -> NoReturn:
    raise InvalidTarget(f"{quote(text)} is neither a target's name nor a cfg expression: {reason}")


class _Parser:
    """Goes through what stands between `cfg(` and the last `)`; `kind` and `value` are those of the next token."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._end = len(text) - 1
        self._after = len("cfg(")
        self._advance()

    def expression(self, depth: int) -> None:
        """Read one expression."""
        word = self._value
        if self._kind != "word" or word not in _OPERATORS:
            self._option()
            return
        if depth == MAX_DEPTH:
            _refuse(self._text, f"it nests more than {MAX_DEPTH} deep")
        self._advance()
        self._expect("(")
        if word == "not":
            self.expression(depth + 1)
        else:
            self._members(depth + 1)
        self._expect(")")

    def end(self) -> None:
        """Refuse anything that is left."""
        if self._kind != "end":
            self._refuse_token("the end")

    def _members(self, depth: int) -> None:
        """Read expressions with commas between them and perhaps after the last."""
        while self._kind != ")":
            self.expression(depth)
            if self._kind != ",":
                return
            self._advance()

    def _option(self) -> None:
        """Read `name` or `key = "value"`; `true` and `false` are such names (constants since cargo 1.88)."""
        if self._kind not in {"word", "raw"}:
            self._refuse_token("an expression")
        self._advance()
        if self._kind == "=":
            self._advance()
            self._expect("string")

    def _expect(self, kind: str) -> None:
        if self._kind != kind:
            self._refuse_token("a string in double quotes" if kind == "string" else repr(kind))
        self._advance()

    def _advance(self) -> None:
        """Go to the next token: its kind is `word`, `raw`, `string`, `other`, the mark itself, or `end`."""
        blanks = _BLANKS.match(self._text, self._after, self._end)
        self._at = blanks.end() if blanks else self._after
        token = _TOKEN.match(self._text, self._at, self._end)
        if token is None:
            self._kind, self._value = "end", ""
            return
        self._after = token.end()
        self._value = token["word"] or token.group()
        self._kind = "raw" if token["raw"] else token["mark"] or token.lastgroup or "other"

    def _refuse_token(self, expected: str) -> NoReturn:
        if self._kind == "end":
            _refuse(self._text, f"it ends where {expected} should be")
        found = "a string without its closing quote" if self._value == '"' else repr(self._value)
        _refuse(self._text, f"at character {self._at + 1} should be {expected}, not {found}")
