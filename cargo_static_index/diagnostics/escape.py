"""How text is shown that somebody else wrote: file names, paths, manifests, settings, index lines."""

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import PurePath

QUOTED = 160
"""Characters of a value that a message repeats; a hostile crate can have names of a million."""

# GitHub's runner takes commands from any output: `::` begins one at the start of a line, `##[` anywhere in it
# (github.com/actions/runner: ActionCommand.cs); Azure's and TeamCity's have a word before the bracket.
_COMMAND = r"^\s*:(?=:)|#(?=#\w*\[)"


def in_text(character: str) -> str:
    """Write a character that must not be shown, for people."""
    # What stands for a byte that is not UTF-8 (PEP 383) is shown as that byte.
    number = ord(character) - (0xDC00 if "\udc80" <= character <= "\udcff" else 0)
    return f"\\x{number:02x}" if number < 0x100 and character not in "\t\n\r" else ascii(character)[1:-1]


def in_json(character: str) -> str:
    """Write a character inside a JSON string, which means the same."""
    return re.sub("....", r"\\u\g<0>", character.encode("utf-16-be", "surrogatepass").hex())


def in_toml(character: str) -> str:
    """Write a character inside a basic string of TOML, which means the same."""
    return f"\\u{ord(character):04x}" if character <= "\uffff" else f"\\U{ord(character):08x}"


def escape(text: str, *, longest: int | None = None, write: Callable[[str], str] = in_text) -> str:
    """Give text as one line that a terminal, a log or a page can show, cut at `longest`.

    What is not printable, or would be a command to a CI server, is written as `write` says. Escaping twice is escaping
    once. JSON and TOML have such characters in their strings only, so a line of either stays what it was.
    """
    # The attack: names with line ends, which forge lines of a log; with escape sequences, which clear a terminal; or
    # with marks that turn the direction of writing, so that one file name is read as another.
    if longest is not None and len(text) > longest:
        text = f"{text[:longest]}…"
    if not text.isprintable():
        text = "".join(char if char.isprintable() else write(char) for char in text)
    if "##" in text or text.lstrip().startswith("::"):
        text = re.sub(_COMMAND, lambda found: found[0][:-1] + write(found[0][-1]), text)
    return text


def quote(value: object) -> str:
    """Give a value as messages show it: its repr, of a long one the start; of bytes their text, if they are UTF-8."""
    if isinstance(value, PurePath):
        value = str(value)
    if isinstance(value, bytes):
        with suppress(UnicodeDecodeError):
            value = value.decode()
    if isinstance(value, str | bytes):
        shown = repr(value) if len(value) <= QUOTED else f"{value[:QUOTED]!r}…"
        return shown.replace("\\udc", "\\x")
    shown = repr(value)
    return shown if len(shown) <= QUOTED else f"{shown[:QUOTED]}…"
