"""Versions and requirements, as the `semver` crate 1.x reads, prints, orders and matches them.

SemVer 2.0.0; cargo's book, "Specifying Dependencies"; semver: src/parse.rs, src/display.rs, src/eval.rs, src/impls.rs.
"""

import re
from functools import lru_cache
from typing import Literal, NoReturn, TypeAlias

from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidInput, InvalidRequirement, InvalidVersion
from cargo_static_index.diagnostics.escape import quote

MAX_NUMBER = 2**64 - 1
"""The `semver` crate keeps numbers in 64 bits."""

_DIGITS = pattern(r"[0-9]*")
_IDENTIFIERS = pattern(r"[0-9A-Za-z.-]*")


def fits(digits: str) -> bool:
    """Whether a number without leading zeros fits 64 bits; the length first, for Python reads no huge numbers."""
    return len(digits) < 20 or (len(digits) == 20 and int(digits) <= MAX_NUMBER)


class SemverReader:
    """Reads the parts that versions and requirements share in turn, and refuses the whole in one sentence.

    They are numbers and dotted identifiers (semver: src/parse.rs).
    """

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


MAX_VERSION_LENGTH = 150
"""crates.io's limit; it also keeps `NAME-VERSION` within the 255 bytes that file systems allow a component."""
MAX_COMPARATORS = 32
"""The `semver` crate's limit."""

Operator = Literal["=", ">", ">=", "<", "<=", "~", "^", "*"]
IdentifierKey: TypeAlias = tuple[int, int, str, int]
PrecedenceKey: TypeAlias = tuple[int, int, int, tuple[IdentifierKey, ...]]
OrderKey: TypeAlias = tuple[PrecedenceKey, tuple[IdentifierKey, ...]]

_RELEASE: IdentifierKey = (2, 0, "", 0)
"""Stands where a version has no pre-release, and so sorts after every pre-release."""

_PLAIN_VERSION = pattern(r"(0|[1-9][0-9]{0,18})\.(0|[1-9][0-9]{0,18})\.(0|[1-9][0-9]{0,18})")
_PLAIN_COMPARATOR = pattern(
    r"(\^|~|=|>=?|<=?)?(0|[1-9][0-9]{0,18})(?:\.(0|[1-9][0-9]{0,18})(?:\.(0|[1-9][0-9]{0,18}))?)?"
)
_RUST_VERSION = pattern(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)){0,2}")
_OPERATORS: tuple[Operator, ...] = (">=", "<=", ">", "<", "=", "~", "^")
_OPERATOR_OF: dict[str | None, Operator] = {None: "^", **{op: op for op in _OPERATORS}}


class Version(Struct, frozen=True, kw_only=True):
    """A version: three numbers of 64 bits. `<` is the `semver` crate's: SemVer's precedence, then build metadata."""

    major: int
    minor: int
    patch: int
    pre: str = ""
    """Identifiers joined by dots, without the `-`."""
    build: str = ""
    """Identifiers joined by dots, without the `+`."""

    def __lt__(self, other: "Version") -> bool:
        return _order_key(self) < _order_key(other)

    def __le__(self, other: "Version") -> bool:
        return _order_key(self) <= _order_key(other)

    def __gt__(self, other: "Version") -> bool:
        return _order_key(self) > _order_key(other)

    def __ge__(self, other: "Version") -> bool:
        return _order_key(self) >= _order_key(other)

    @property
    def is_prerelease(self) -> bool:
        """Whether the version comes before the release of its three numbers."""
        return bool(self.pre)

    def format(self) -> str:
        """Give the very text that was parsed."""
        pre = f"-{self.pre}" if self.pre else ""
        build = f"+{self.build}" if self.build else ""
        return f"{self.major}.{self.minor}.{self.patch}{pre}{build}"


def parse_version(text: str) -> Version:
    """Read a version, or raise InvalidVersion with what was found while reading which part (semver: src/parse.rs)."""
    if plain := _PLAIN_VERSION.fullmatch(text):
        major, minor, patch = plain.groups()
        return Version(major=int(major), minor=int(minor), patch=int(patch))
    reader = SemverReader(text, InvalidVersion, "a version like 1.2.3")
    if len(text) > MAX_VERSION_LENGTH:
        reader.refuse(f"it has {len(text)} characters; at most {MAX_VERSION_LENGTH} are allowed")
    if not text:
        reader.refuse("it is empty")
    major_number = reader.number("major")
    reader.dot()
    minor_number = reader.number("minor")
    reader.dot()
    patch_number = reader.number("patch")
    pre, build = reader.suffixes()
    reader.end()
    return Version(major=major_number, minor=minor_number, patch=patch_number, pre=pre, build=build)


@lru_cache(maxsize=4096)
def is_version(text: str) -> bool:
    """Whether a text is a version that cargo reads."""
    try:
        parse_version(text)
    except InvalidVersion:
        return False
    return True


@lru_cache(maxsize=4096)
def order_key(text: str) -> OrderKey:
    """Give a sort key for the text of a version, in the order of the `semver` crate, or raise InvalidVersion.

    Most releases of a registry share some hundred versions, and sorting asks for each of them many times.
    """
    return _order_key(parse_version(text))


def precedence_key(version: Version) -> PrecedenceKey:
    """Give a sort key for SemVer's precedence: equal for versions that differ only in build metadata."""
    return (version.major, version.minor, version.patch, _pre_key(version.pre))


def is_prerelease(vers: str) -> bool:
    """Whether a version that is known to be one comes before the release of its three numbers."""
    return "-" in vers.partition("+")[0]


def without_build(text: str) -> str:
    """Give a version's text without build metadata: what two releases that cargo cannot tell apart share."""
    return text.partition("+")[0]


def parse_rust_version(text: str) -> str:
    """Give the text back if it is one to three numbers, or raise InvalidVersion.

    Cargo also reads blanks around them; crates.io takes digits and dots alone, and so do we
    (cargo: crates/cargo-util-schemas/src/manifest/rust_version.rs).
    """
    if _RUST_VERSION.fullmatch(text) and (len(text) < 20 or all(fits(number) for number in text.split("."))):
        return text
    raise InvalidVersion(
        f"{quote(text)} is not a Rust version: it must be one to three numbers like '1.70' or '1.70.1', "
        "without operator, wildcard, pre-release or leading zero"
    )


class Comparator(Struct, frozen=True, kw_only=True):
    """One condition of a requirement. `patch` None where `minor` is None; `pre` only where `patch` is given."""

    op: Operator
    """`*` for the likes of `1.*` and `1.2.*`."""
    major: int
    minor: int | None
    patch: int | None
    pre: str = ""

    def format(self) -> str:
        """Give the text that the `semver` crate prints."""
        wild = ".*" if self.op == "*" else ""
        op = "" if wild else self.op
        if self.minor is None:
            return f"{op}{self.major}{wild}"
        if self.patch is None:
            return f"{op}{self.major}.{self.minor}{wild}"
        pre = f"-{self.pre}" if self.pre else ""
        return f"{op}{self.major}.{self.minor}.{self.patch}{pre}"


class Requirement(Struct, frozen=True, kw_only=True):
    """Conditions that must all hold; none at all is `*`."""

    comparators: tuple[Comparator, ...]

    def format(self) -> str:
        """Give the text that the `semver` crate prints, which is what crates.io writes into its index."""
        return ", ".join([comparator.format() for comparator in self.comparators]) or "*"

    def matches(self, version: Version) -> bool:
        """Whether the version satisfies this.

        A pre-release does only if a comparator names a pre-release of the same three numbers.
        """
        if not all(_matches(comparator, version) for comparator in self.comparators):
            return False
        numbers = (version.major, version.minor, version.patch)
        return not version.pre or any(c.pre and (c.major, c.minor, c.patch) == numbers for c in self.comparators)


def parse_requirement(text: str) -> Requirement:
    """Read a requirement, or raise InvalidRequirement with what was found while reading which part."""
    if plain := _PLAIN_COMPARATOR.fullmatch(text):
        return Requirement(comparators=(_plain_comparator(*plain.groups()),))
    reader = SemverReader(text, InvalidRequirement, "a requirement like ^1.2 or >=1, <2")
    reader.blanks()
    if reader.wildcard():
        reader.blanks()
        if not reader.at_end():
            reader.refuse("a wildcard alone must be the whole requirement")
        return Requirement(comparators=())
    found = [_read_comparator(reader)]
    while not reader.at_end():
        if not reader.take(","):
            reader.refuse(f"{reader.next()!r} follows {reader.part}, where only ',' can")
        if len(found) == MAX_COMPARATORS:
            reader.refuse(f"it has more than {MAX_COMPARATORS} comparators")
        reader.blanks()
        found.append(_read_comparator(reader))
    return Requirement(comparators=tuple(found))


def _plain_comparator(op: str | None, major: str, minor: str | None, patch: str | None) -> Comparator:
    """Make the comparator of a text without blanks, wildcards and pre-release: nearly all that there are."""
    return Comparator(
        op=_OPERATOR_OF[op],
        major=int(major),
        minor=None if minor is None else int(minor),
        patch=None if patch is None else int(patch),
    )


def _read_comparator(reader: SemverReader) -> Comparator:
    """Read one comparator and the blanks after it."""
    op = next((op for op in _OPERATORS if reader.take(op)), None)
    reader.blanks()
    major = reader.number("major")
    minor = patch = None
    wild = False
    if reader.take("."):
        wild = reader.wildcard()
        minor = None if wild else reader.number("minor")
        if reader.take("."):
            patch = _read_patch(reader, after_wildcard=wild)
            wild = patch is None
    pre = reader.suffixes()[0] if patch is not None else ""
    reader.blanks()
    return Comparator(op=op or ("*" if wild else "^"), major=major, minor=minor, patch=patch, pre=pre)


def _read_patch(reader: SemverReader, *, after_wildcard: bool) -> int | None:
    """Read the patch number, None for a wildcard; nothing else can follow one."""
    if reader.wildcard():
        return None
    if after_wildcard:
        reader.refuse("only a wildcard can follow a wildcard")
    return reader.number("patch")


def _matches(comparator: Comparator, version: Version) -> bool:
    """Whether the version satisfies the comparator, the rule about pre-releases aside."""
    op = comparator.op
    given = _given(comparator)
    sign = _sign(comparator, given, version)
    # A comparator without a patch number means releases, but `^` (semver: `matches_caret`) looks no further.
    whole = comparator.patch is not None or not version.pre
    if op == "^":
        fixed = 1 if comparator.major else 2 if comparator.minor else 3
        return sign >= 0 and _share(given[:fixed], version)
    if op == "~":
        return sign >= 0 and whole and _share(given[:2], version)
    if op in {"=", "*"}:
        return sign == 0 and whole
    return (sign > 0 and op[0] == ">") or (sign < 0 and op[0] == "<") or (sign == 0 and whole and op in {">=", "<="})


def _given(comparator: Comparator) -> tuple[int, ...]:
    if comparator.minor is None:
        return (comparator.major,)
    if comparator.patch is None:
        return (comparator.major, comparator.minor)
    return (comparator.major, comparator.minor, comparator.patch)


def _share(numbers: tuple[int, ...], version: Version) -> bool:
    """Whether the version starts with these numbers."""
    return numbers == (version.major, version.minor, version.patch)[: len(numbers)]


def _sign(comparator: Comparator, given: tuple[int, ...], version: Version) -> int:
    """Compare the version with all that is given: above 0 it comes after, below 0 before."""
    numbers = (version.major, version.minor, version.patch)[: len(given)]
    if numbers != given:
        return 1 if numbers > given else -1
    if comparator.patch is None or version.pre == comparator.pre:
        return 0
    return 1 if _pre_key(version.pre) > _pre_key(comparator.pre) else -1


def _order_key(version: Version) -> OrderKey:
    build = version.build
    return precedence_key(version), tuple(map(_identifier_key, build.split("."))) if build else ()


def _pre_key(pre: str) -> tuple[IdentifierKey, ...]:
    return tuple(map(_identifier_key, pre.split("."))) if pre else (_RELEASE,)


def _identifier_key(identifier: str) -> IdentifierKey:
    """Order numbers before words; numbers by value, then by leading zeros, which only build metadata can have."""
    if not identifier.isdigit():
        return (1, 0, identifier, 0)
    value = identifier.lstrip("0")
    return (0, len(value), value, len(identifier))
