"""Crate names: which are allowed, which collide, and where the index file lives.

Allowed and reserved: crates.io (crates/crates_io_validation, migrations). Paths: cargo's book, "Index Files".
"""

from typing import NewType

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidName

CrateName = NewType("CrateName", str)
DependencyName = NewType("DependencyName", str)
"""A dependency's key in its table: a crate's name or an alias, which may also start with `_`."""

MAX_NAME_LENGTH = 64
"""crates.io's limit; it also keeps `NAME-VERSION` within the 255 bytes that file systems allow a component."""

_CRATE_NAME = pattern(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_DEPENDENCY_NAME = pattern(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_FORBIDDEN = pattern(r"[^A-Za-z0-9_-]")

_RUST_NAMES = """
    alloc arena ast builtins collections compiler-builtins compiler-rt compiletest core coretest debug driver flate
    fmt_macros grammar graphviz macro macros proc_macro rbml rust-installer rustbook rustc rustc_back rustc_borrowck
    rustc_driver rustc_llvm rustc_resolve rustc_trans rustc_typeck rustdoc rustllvm rustuv serialize std syntax test
    unicode
"""
_WINDOWS_DEVICES = """
    nul con prn aux com0 com1 com2 com3 com4 com5 com6 com7 com8 com9
    lpt0 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9
"""
_RESERVED = frozenset((_RUST_NAMES + _WINDOWS_DEVICES).replace("_", "-").split())


def parse_crate_name(text: str) -> CrateName:
    """Give the text as a crate's name, or raise InvalidName with the rule that it breaks.

    An ASCII letter, then up to 63 of ASCII letters, digits, `-` and `_` (crates.io: crates/crates_io_validation).
    """
    if _CRATE_NAME.fullmatch(text):
        return CrateName(text)
    raise InvalidName(_fault(text, what="crate", first="an ASCII letter"))


def is_crate_name(text: str) -> bool:
    """Whether `parse_crate_name` takes the text."""
    return _CRATE_NAME.fullmatch(text) is not None


def parse_dependency_name(text: str) -> DependencyName:
    """Give the text as a dependency's key, or raise InvalidName with the rule that it breaks.

    Cargo panics at an empty name, and slices the bytes of a name that is not ASCII in the middle of a character.
    """
    if _DEPENDENCY_NAME.fullmatch(text):
        return DependencyName(text)
    raise InvalidName(_fault(text, what="dependency", first="an ASCII letter or '_'"))


def collision_key(name: str) -> str:
    """Give what two names share if a registry cannot hold both: they differ only in case, or in `-` and `_`.

    crates.io's `canon_crate_name`, in another spelling: here `-` stands for both.
    """
    return name.lower().replace("_", "-")


def is_reserved(name: str) -> bool:
    """Whether the name is Rust's own or a Windows device, in any case, with `-` or `_` (crates.io: its migrations)."""
    return collision_key(name) in _RESERVED


def prefix(name: str) -> str:
    """Give the folder part of a valid name's index path, in the name's own case: `{prefix}` of `dl`.

    `{lowerprefix}` is the prefix of the lower-cased name.
    """
    length = len(name)
    if length > 3:
        return f"{name[:2]}/{name[2:4]}"
    return f"3/{name[0]}" if length == 3 else str(length)


def index_path(name: str) -> str:
    """Give the path of a valid name's index file below the index's root; cargo asks for it in lower case.

    `1/a`, `2/ab`, `3/a/abc`, `ab/cd/abcd` (cargo's book: "Registry Index", section "Index Files").
    """
    lower = name.lower()
    return f"{prefix(lower)}/{lower}"


def _fault(text: str, *, what: str, first: str) -> str:
    """Say which rule the name breaks: the first of them, in crates.io's order."""
    if not text:
        return f"a {what}'s name cannot be empty"
    if len(text) > MAX_NAME_LENGTH:
        start = text[:MAX_NAME_LENGTH]
        return f"the {what} name {start!r}… has {len(text)} characters; at most {MAX_NAME_LENGTH} are allowed"
    found = _FORBIDDEN.search(text, 1)
    if found is None or not text[0].isascii() or not (text[0].isalpha() or text[0] == "_"):
        return f"the {what} name {text!r} starts with {text[0]!r}; its first character must be {first}"
    return (
        f"the {what} name {text!r} has {found.group()!r} as character {found.start() + 1}; "
        "only ASCII letters, digits, '-' and '_' are allowed"
    )
