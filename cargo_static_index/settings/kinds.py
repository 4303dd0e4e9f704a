"""How the values of settings are written: in TOML, as the text of an option or a variable, and in JSON Schema.

A kind knows nothing of keys; a reader says what is wrong with a value, the caller says where it stands.
"""

from collections.abc import Callable, Mapping
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, structs

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.protocol.config import parse_base_url
from cargo_static_index.protocol.registries import normalise_index_url
from cargo_static_index.store.bucket import Whereabouts, is_bucket_url, parse_bucket

Schema = Mapping[str, object]

MAX_COUNT: Final = 2**63 - 1
"""TOML's largest integer, and the state's."""


class Kind(Struct, frozen=True, kw_only=True):
    """One way to write a value.

    `read` takes what TOML gives and the folder that relative paths start from, and gives the value of the setting
    or raises InvalidInput. `from_text` takes the text of an option or variable, and gives what TOML would give.
    """

    expects: str
    """Completes "must be …"."""
    metavar: str
    schema: Schema
    read: Callable[[object, Path], object]
    from_text: Callable[[str], object] = str
    flag: bool = False
    many: bool = False
    words: tuple[str, ...] = ()
    """What a shell may complete to."""


Take = Callable[[object], object]
"""Gives what a value is to be, and None of one that cannot be it; it may say itself what is wrong (InvalidInput)."""


def _kind(
    expects: str, metavar: str, schema: Schema, take: Take, from_text: Callable[[str], object] = str, **more: Any
) -> Kind:
    def read(value: object, _: Path) -> object:
        return _taken(value, take, expects)

    return Kind(expects=expects, metavar=metavar, schema=schema, read=read, from_text=from_text, **more)


def _list_of(metavar: str, expects: str, item_schema: Schema, take: Take, of_item: str = "") -> Kind:
    of_item = of_item or expects.removeprefix("a list of ")

    def taken(value: object) -> object:
        return tuple(dict.fromkeys(_taken(item, take, of_item) for item in value)) if isinstance(value, list) else None

    schema = {"type": "array", "items": item_schema, "uniqueItems": True}
    return _kind(expects, metavar, schema, taken, _items_from_text, many=True)


def _items_from_text(text: str) -> object:
    return [item.strip() for item in text.split(",") if item.strip()]


def _taken(value: object, take: Take, expects: str) -> object:
    if (taken := take(value)) is None:
        raise _not(value, expects)
    return taken


def _not(value: object, expects: str) -> InvalidInput:
    shown = str(value).lower() if isinstance(value, bool) else quote(value)  # so `true` and `"true"` can be told apart
    return InvalidInput(f"{shown} must be {expects}")


def choice(*choices: str) -> Kind:
    """Give the kind of a text that is one of a few words."""
    expects = " or ".join(f'"{choice}"' for choice in choices)
    return _kind(expects, "|".join(choices), {"enum": list(choices)}, partial(_one_of, choices), words=choices)


def choices(metavar: str, *allowed: str) -> Kind:
    """Give the kind of a list of words out of a few."""
    expects = "a list of " + ", ".join(f'"{choice}"' for choice in allowed)
    return _list_of(metavar, expects, {"enum": list(allowed)}, partial(_one_of, allowed))


def _one_of(allowed: tuple[str, ...], value: object) -> str | None:
    return value if isinstance(value, str) and value in allowed else None


_UNPRINTABLE = pattern(r"[\x00-\x1f\x7f\ud800-\udfff]")
_NAME_PATTERN: Final = "[A-Za-z_][A-Za-z0-9_-]*"
_NAME = pattern(_NAME_PATTERN)
_OCTAL = pattern(r"(?:0o)?[0-7]{3,5}")
_LINK = pattern(r"\S.*\s(?:https?://|mailto:)\S+")
_COLOUR = pattern(r"#[0-9a-f]{6}")
_IMAGES = (".svg", ".png", ".webp", ".jpg", ".jpeg", ".gif", ".avif")
_UNITS: Final = {"ms": 0.001, "s": 1.0, None: 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = pattern(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|[smhd])?")
_BIND_PATTERN = r"/.+|(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+):[0-9]{1,5}"
_BIND = pattern(_BIND_PATTERN)
USER: Final = "[A-Za-z0-9][A-Za-z0-9._@+-]*"


def _text(value: object) -> str | None:
    # Titles go into pages and paths into system calls: neither may hold a line break, a NUL or half a character.
    if not isinstance(value, str) or not value.strip():
        return None
    return value if value.isprintable() or not _UNPRINTABLE.search(value) else None


def _name(value: object) -> str | None:
    # Cargo reads `[registries.NAME]`, and takes crates-io for its own whatever its table says.
    return value if isinstance(value, str) and _NAME.fullmatch(value) and value != "crates-io" else None


def _base_url(value: object) -> str | None:
    text = _text(value)
    return None if text is None else parse_base_url(text)


def _own_base_url(value: object) -> str | None:
    url = _base_url(value)
    if url is not None and url.endswith("/index/"):
        raise InvalidInput(
            f"the base URL {url!r} is that of the index, and the tree has its index below: write "
            f"{url.removesuffix('index/')!r}"
        )
    return url


def _api(value: object) -> str | None:
    # Cargo appends `/api/v1/…` as it stands, so a slash at the end would be doubled.
    url = _base_url(value)
    return None if url is None else url.rstrip("/")


def _index_url(value: object) -> str | None:
    url = _text(value)
    if url is not None:
        normalise_index_url(url)
    return url


def _read_path(value: object, base: Path, expects: str = "a path") -> Path:
    path = str(_taken(value, _text, expects))
    # Only a shell gives `~` a meaning; without one it would become a folder of that name.
    if path.startswith("~"):
        raise InvalidInput(f"{path!r} must be a path written in full: `~` means nothing here")
    return base / path


def _read_place(value: object, base: Path) -> Whereabouts:
    if isinstance(value, str) and _text(value) and is_bucket_url(value):
        return parse_bucket(value)
    return _read_path(value, base, PLACE.expects)


def _read_after_publish(value: object, base: Path) -> Whereabouts | str:
    return str(value) if value in ("keep", "delete") else _read_place(_taken(value, _text, AFTER_PUBLISH.expects), base)


def _read_image(value: object, base: Path) -> Path:
    path = _read_path(value, base)
    if path.suffix.lower() in _IMAGES:
        return path
    raise _not(value, IMAGE.expects)


def _mode(expects: str, owner: int, largest: int) -> Kind:
    def take(value: object) -> int | None:
        mode = int(value.removeprefix("0o"), 8) if isinstance(value, str) and _OCTAL.fullmatch(value) else 0
        return mode if mode & owner == owner and mode <= largest else None

    return _kind(expects, "MODE", {"type": "string", "pattern": "^(0o)?[0-7]{3,5}$"}, take)


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_COUNT else None


def _command(value: object) -> tuple[str, ...] | None:
    is_one = isinstance(value, list) and value and all(isinstance(word, str) and word for word in value)
    return tuple(value) if isinstance(value, list) and is_one else None


def _command_from_text(text: str) -> object:
    import shlex

    try:
        return shlex.split(text)
    except ValueError:
        return text


def parse_duration(text: str) -> float:
    """Read `500ms`, `1.5s`, `10m`, `2h`, `7d` or a number of seconds, give seconds, or raise InvalidInput."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise InvalidInput(f"{text!r} must be {DURATION.expects}")
    return float(found[1]) * _UNITS[found[2]]


def _duration(value: object) -> float | None:
    if isinstance(value, str):
        return parse_duration(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9 else None


def _words(first: str, others: str, value: object) -> str | None:
    words = value.split() if isinstance(value, str) else []
    fit = words and pattern(first).fullmatch(words[0]) and all(map(pattern(others).fullmatch, words[1:]))
    return " ".join(words) if fit else None


def _address(value: object) -> str | None:
    try:
        return str(ip_address(str(value)))
    except ValueError:
        return None


def _bind(value: object) -> str | None:
    text = _text(value) or ""
    return text if _BIND.fullmatch(text) and (text[0] == "/" or int(text.rpartition(":")[2]) <= 65_535) else None


def _link(value: object) -> str | None:
    return value if isinstance(value, str) and _LINK.fullmatch(value) and not _UNPRINTABLE.search(value) else None


def _documentation(value: object) -> str | None:
    text = _text(value) or ""
    return text if text.startswith(("https://", "http://")) and "{crate}" in text else None


def colour(ground: str) -> Kind:
    """Give the kind of a colour that can be read on the colour `ground`: a contrast of 4.5 to 1 (WCAG 2.2, 1.4.3)."""

    def take(value: object) -> str | None:
        text = value.lower() if isinstance(value, str) else ""
        return text if _COLOUR.fullmatch(text) and contrast(text, ground) >= 4.5 else None

    expects = f'a colour such as "#0b6e6e" with a contrast of at least 4.5 to 1 on {ground}'
    return _kind(expects, "COLOUR", {"type": "string", "pattern": "^#[0-9A-Fa-f]{6}$"}, take)


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours `#rrggbb`, from 1 to 21 (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(text: str) -> float:
    parts = [int(text[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _flag_from_text(text: str) -> object:
    return {"true": True, "false": False}.get(text, text)


def _count_from_text(text: str) -> object:
    digits = text.replace("_", "")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else text


_TEXT_SCHEMA: Schema = {"type": "string", "minLength": 1}
_URL_SCHEMA: Schema = {"type": "string", "pattern": "^https?://"}

TEXT = _kind("one line of text", "TEXT", _TEXT_SCHEMA, _text)
NAME = _kind(
    'a registry name of ASCII letters, digits, `-` and `_`, not a digit or `-` first, not "crates-io"',
    "NAME",
    {"type": "string", "pattern": f"^{_NAME_PATTERN}$", "not": {"const": "crates-io"}},
    _name,
)
BASE_URL = _kind('an http or https URL such as "https://crates.example.com/"', "URL", _URL_SCHEMA, _own_base_url)
API = _kind(BASE_URL.expects, "URL", _URL_SCHEMA, _api)
BIND = _kind(
    'an address with a port such as "127.0.0.1:8000", or the path of a Unix socket such as "/run/crates.sock"',
    "ADDRESS",
    {"type": "string", "pattern": f"^(?:{_BIND_PATTERN})$"},
    _bind,
)
BASE_URLS = _list_of("URL", "a list of http or https URLs", _URL_SCHEMA, _base_url, BASE_URL.expects)
ADDRESSES = _list_of(
    "ADDRESS", "a list of IP addresses", {"type": "string"}, _address, "an IP address such as 127.0.0.1"
)
USERS = _list_of(
    "USER", 'a list of users such as "alice"', {"type": "string", "pattern": f"^{USER}$"}, partial(_words, USER, "(?!)")
)
TEAMS = _list_of(
    "TEAM",
    'a list of teams, each with its users behind it, such as "tools alice bob"',
    {"type": "string", "pattern": f"^{USER}( {USER})+$"},
    partial(_words, USER, USER),
)
OWNED_NAMES = _list_of(
    "NAMES",
    'a list of names or patterns, each with its owners behind it, such as "pay-* team:pay"',
    {"type": "string", "pattern": f"^[A-Za-z0-9_*?-]+( (team:)?{USER})+$"},
    partial(_words, "[A-Za-z0-9_*?-]+", f"(?:team:)?{USER}"),
)
INDEX_URLS = _list_of(
    "URL",
    "a list of index URLs",
    {"type": "string", "pattern": "^(sparse\\+|registry\\+)?[a-z][a-z0-9+.-]*://"},
    _index_url,
    'an index URL such as "sparse+https://other.example/index/"',
)
LINKS = _list_of(
    "LINK",
    'a list of texts with an address behind, such as "Ask us https://chat.example.com/"',
    {"type": "string", "pattern": "\\S.*\\s(https?://|mailto:)\\S+$"},
    _link,
)
DOCUMENTATION = _kind(
    'an http or https address with `{crate}` in it, such as "https://docs.example.com/{crate}/"',
    "URL",
    {"type": "string", "pattern": "^https?://.*\\{crate\\}"},
    _documentation,
)
_IMAGES_SHOWN: Final = ("all", "no-badges", "local", "none")
_SHOWN = choice(*_IMAGES_SHOWN)
_AS_BEFORE: Final = {True: "all", False: "none"}
IMAGES = structs.replace(
    _SHOWN,
    schema={"enum": [*_IMAGES_SHOWN, *_AS_BEFORE]},
    read=lambda value, base: _SHOWN.read(_AS_BEFORE[value] if isinstance(value, bool) else value, base),
    from_text=_flag_from_text,
)
"""Earlier versions knew true and false."""
IMAGE = Kind(
    expects="a path that ends in .svg, .png, .webp, .jpg, .jpeg, .gif or .avif",
    metavar="PATH",
    schema=_TEXT_SCHEMA,
    read=_read_image,
)
PATH = Kind(expects="a path", metavar="PATH", schema=_TEXT_SCHEMA, read=_read_path)
PLACE = Kind(expects="a path or the URL of a bucket", metavar="PATH|URL", schema=_TEXT_SCHEMA, read=_read_place)
AFTER_PUBLISH = Kind(
    expects='"keep", "delete", a path or the URL of a bucket',
    metavar="keep|delete|PATH|URL",
    schema={"anyOf": [{"enum": ["keep", "delete"]}, _TEXT_SCHEMA]},
    read=_read_after_publish,
    words=("keep", "delete"),
)
FILE_MODE = _mode('a text of octal digits such as "0644", with the owner\'s 6', 0o600, 0o777)
DIR_MODE = _mode('a text of octal digits such as "2775", with the owner\'s 7', 0o700, 0o7777)
FLAG = _kind("true or false", "", {"type": "boolean"}, _flag, _flag_from_text, flag=True)
COUNT = _kind("a whole number, 1 or more", "N", {"type": "integer", "minimum": 1}, _count, _count_from_text)
DURATION = _kind(
    "a length of time such as 500ms, 1.5s, 10m, 2h, 7d, or a number of seconds",
    "TIME",
    {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": f"^{_DURATION.pattern}$"}]},
    _duration,
)
COMMAND = _kind(
    'a list of a program and its arguments, such as ["purge-cdn", "crates"]',
    "COMMAND",
    {"type": "array", "items": _TEXT_SCHEMA, "minItems": 1},
    _command,
    _command_from_text,
)
