"""TOML as cargo reads it (the `toml` crate: UTF-8, a byte order mark allowed, TOML 1.1), and tables with typed fields.

What cargo's serde types would refuse becomes a problem with the field's path; unknown keys are ignored, as cargo does.
"""

from collections.abc import Callable, Mapping
from datetime import date, time
from typing import TypeVar

import rtoml
from msgspec import Struct, ValidationError, convert
from msgspec.structs import fields

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.diagnostics.problems import Problem, problem

T = TypeVar("T", bound=Struct)

Table = dict[str, object]

# Each with a character that is found fast; what looks like TOML 1.1 is then read as 1.0 to make sure.
_HINTS_OF_1_1 = (
    ("{", pattern(r"\{[^{}\n]*\n")),  # a line break inside an inline table
    ("}", pattern(r",\s*\}")),  # a comma at the end of one
    ("\\", pattern(r"\\[ex]")),  # the escapes \e and \xHH
    (":", pattern(r":\d\d(?![:\d])")),  # a time without seconds
)
_LONG_NUMBER = pattern(r"=[ \t\[]*[-+]?(?:[1-9][0-9_]{17}|0[xob][0-9A-Fa-f_]{16})")
LONGEST_KEY = 100
"""Characters of a key that a path shows: a hostile manifest can have one of a million."""
_BARE_KEY = pattern(r"[A-Za-z0-9_-]+")

_MOMENTS = (date, time)

_EXPECTED: Mapping[object, str] = {
    str | None: "a string",
    bool | None: "true or false",
    str | bool | None: "a string, true or false",
    tuple[str, ...] | None: "a list of strings",
    tuple[str, ...] | bool | None: "a list of strings, true or false",
    str | tuple[str, ...] | None: "a string or a list of strings",
    str | tuple[str, ...] | bool | None: "a string, a list of strings, true or false",
}


def read_toml(content: bytes, problems: list[Problem]) -> Table | None:
    """Read the bytes of a Cargo.toml; give None, and the reason in `problems`, where cargo could not."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"Cargo.toml is not UTF-8: byte {content[error.start]:#04x} in line {line}."
        problems.append(problem("manifest-invalid", message, place="Cargo.toml"))
        return None
    try:
        table: Table = rtoml.loads(text)
    except (ValueError, RecursionError) as error:
        problems.append(problem("manifest-invalid", f"Cargo.toml is not valid TOML: {error}.", place="Cargo.toml"))
        return None
    if _LONG_NUMBER.search(text) and _has_long_number(table):
        message = "Cargo.toml is not valid TOML: it has an integer of more than 64 bits."
        problems.append(problem("manifest-invalid", message, place="Cargo.toml"))
        return None
    if any(character in text and hint.search(text) for character, hint in _HINTS_OF_1_1):
        _check_for_1_1(text, problems)
    return table


def _has_long_number(value: object) -> bool:
    """Whether an integer is among these values that TOML asks no reader to hold, and cargo's does not."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
            return True
    return False


def _check_for_1_1(text: str, problems: list[Problem]) -> None:
    """Report a text that reads as TOML 1.1 but not as 1.0, which is what `tomllib` reads up to Python 3.14."""
    import tomllib  # noqa: PLC0415 - hardly any manifest comes here

    try:
        tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        message = f"Cargo.toml uses TOML 1.1, which cargo before 1.94 cannot read: {error}."
        problems.append(problem("manifest-toml-1-1", message, place="Cargo.toml"))
    except (ValueError, RecursionError):
        return  # a limit of the reader, no matter of 1.0 or 1.1


def join_path(within: str, key: str) -> str:
    """Give the path of a key inside a table, quoted where TOML asks for quotes: `target.'cfg(unix)'.dependencies`."""
    key = key if len(key) <= LONGEST_KEY else f"{key[:LONGEST_KEY]}…"
    written = key if _BARE_KEY.fullmatch(key) else f"'{key}'"
    return f"{within}.{written}" if within else written


def fault(rule: str, message: str, path: object) -> Problem:
    """Give the problem that stands at this path of the manifest, or at what prints as it."""
    return problem(rule, message, place=f"Cargo.toml.{path}")


def check_text(rule: str, parse: Callable[[str], object], text: str, path: object, problems: list[Problem]) -> None:
    """Report a text that its grammar refuses, with the parser's words as the sentence.

    `path` is printed only then, since most texts are good.
    """
    try:
        parse(text)
    except InvalidInput as error:
        problems.append(fault(rule, f"`{path}`: {error}.", path))


def read_fields(type_: type[T], table: Table, within: object, problems: list[Problem]) -> T:
    """Read a table as `type_`, all of whose fields have defaults; a field of a wrong type is reported and left out."""
    try:
        return convert(table, type_)
    except ValidationError:
        return convert(_sound_fields(type_, table, str(within), problems), type_)


def _sound_fields(type_: type[T], table: Table, within: str, problems: list[Problem]) -> Table:
    sound: Table = {}
    for field in fields(type_):
        key = field.encode_name
        if key not in table:
            continue
        try:
            convert({key: table[key]}, type_)
        except ValidationError:
            problems.append(wrong_type(table[key], join_path(within, key), _EXPECTED[field.type]))
        else:
            sound[key] = table[key]
    return sound


def wrong_type(value: object, place: str, expected: str) -> Problem:
    """Say that cargo reads another type at `place`, or, of `{ workspace = true }`, that it was not written out."""
    if isinstance(value, dict) and "workspace" in value:
        return inherited(place)
    return fault("manifest-shape", f"`{place}` is {quote(value)}, where cargo reads {expected}.", place)


def inherited(place: str) -> Problem:
    """Say that `place` takes its value from a workspace."""
    message = f"`{place}` still inherits from a workspace, which the archive does not hold."
    return fault("manifest-not-normalised", message, place)


def is_moment(value: object) -> bool:
    """Whether a value is a date or a time."""
    return isinstance(value, _MOMENTS)


def without_moments(value: object) -> object:
    """Put tables where dates and times are, which are such to serde, by which cargo reads: of one key of its own."""
    if isinstance(value, dict):
        return {key: without_moments(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_moments(inner) for inner in value]
    return {"$__toml_private_datetime": str(value)} if is_moment(value) else value


def read_table(table: Table, key: str, within: str, problems: list[Problem]) -> Table:
    """Give the table under a key, an empty one where there is none, or where a problem says what is there instead."""
    value = table.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        problems.append(wrong_type(value, join_path(within, key), "a table"))
        return {}
    return value


def read_hyphened(table: Table, key: str, edition: str, within: str, problems: list[Problem]) -> object:
    """Give the value of a key that cargo also reads with `_`, up to edition 2021; the one with `-` wins."""
    old = key.replace("-", "_")
    if old not in table:
        return table.get(key)
    path = join_path(within, old)
    if edition >= "2024":
        problems.append(fault("manifest-underscore", f"`{path}` is spelled `{key}` from edition 2024 on.", path))
    elif key in table:
        message = f"`{path}` stands beside `{key}`; cargo reads the one with `-`."
        problems.append(fault("manifest-both-spellings", message, path))
    return table[key] if key in table else table[old]
