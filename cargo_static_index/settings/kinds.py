"""How the values of settings are written: in TOML, as the text of an option or a variable, and in JSON Schema.

A kind knows nothing of keys; a reader says what is wrong with a value, the caller says where it stands.
"""

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Final

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


def choice(*choices: str) -> Kind:
    """Give the kind of a text that is one of a few words."""
    expects = " or ".join(f'"{choice}"' for choice in choices)
    return Kind(
        expects=expects,
        metavar="|".join(choices),
        schema={"enum": list(choices)},
        read=lambda value, _: _one_of(value, choices, expects),
        words=choices,
    )


def choices(metavar: str, *allowed: str) -> Kind:
    """Give the kind of a list of words out of a few."""
    expects = "a list of " + ", ".join(f'"{choice}"' for choice in allowed)
    return _list_of(
        metavar,
        expects,
        {"enum": list(allowed)},
        lambda item: _one_of(item, allowed, expects.removeprefix("a list of ")),
    )


def _list_of(metavar: str, expects: str, item_schema: Schema, read_item: Callable[[object], str]) -> Kind:
    def read(value: object, _: Path) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise _not(value, expects)
        return tuple(dict.fromkeys(read_item(item) for item in value))

    return Kind(
        expects=expects,
        metavar=metavar,
        schema={"type": "array", "items": item_schema, "uniqueItems": True},
        read=read,
        from_text=lambda text: [item.strip() for item in text.split(",") if item.strip()],
        many=True,
    )


def _not(value: object, expects: str) -> InvalidInput:
    shown = str(value).lower() if isinstance(value, bool) else quote(value)  # so `true` and `"true"` can be told apart
    return InvalidInput(f"{shown} must be {expects}")


def _one_of(value: object, allowed: tuple[str, ...], expects: str) -> str:
    if isinstance(value, str) and value in allowed:
        return value
    raise _not(value, expects)


def _read_text(value: object, expects: str) -> str:
    # Titles go into pages and paths into system calls: neither may hold a line break, a NUL or half a character.
    if not isinstance(value, str) or not value.strip() or _is_broken(value):
        raise _not(value, expects)
    return value


def _is_broken(text: str) -> bool:
    """Whether a text holds what is no character, or ends a line; what is printable does not."""
    return not text.isprintable() and _UNPRINTABLE.search(text) is not None


_UNPRINTABLE = pattern(r"[\x00-\x1f\x7f\ud800-\udfff]")
_NAME_PATTERN: Final = "[A-Za-z_][A-Za-z0-9_-]*"
_NAME = pattern(_NAME_PATTERN)
_OCTAL = pattern(r"(?:0o)?[0-7]{3,5}")


def _read_name(value: object, _: Path) -> str:
    # Cargo reads `[registries.NAME]`, and takes crates-io for its own whatever its table says.
    if isinstance(value, str) and _NAME.fullmatch(value) and value != "crates-io":
        return value
    raise _not(value, NAME.expects)


def _read_base_url(value: object) -> str:
    return parse_base_url(_read_text(value, BASE_URL.expects))


def _read_own_base_url(value: object) -> str:
    url = _read_base_url(value)
    if url.endswith("/index/"):
        raise InvalidInput(
            f"the base URL {url!r} is that of the index, and the tree has its index below: write "
            f"{url.removesuffix('index/')!r}"
        )
    return url


def _read_index_url(value: object) -> str:
    url = _read_text(value, 'an index URL such as "sparse+https://other.example/index/"')
    normalise_index_url(url)
    return url


def _read_path(value: object, base: Path) -> Path:
    path = _read_text(value, PATH.expects)
    # Only a shell gives `~` a meaning; without one it would become a folder of that name.
    if path.startswith("~"):
        raise InvalidInput(f"{path!r} must be a path written in full: `~` means nothing here")
    return base / path


def _read_place(value: object, base: Path) -> Whereabouts:
    text = _read_text(value, PLACE.expects)
    return parse_bucket(text) if is_bucket_url(text) else _read_path(text, base)


def _read_after_publish(value: object, base: Path) -> Whereabouts | str:
    if value in ("keep", "delete"):
        return str(value)
    return _read_place(_read_text(value, AFTER_PUBLISH.expects), base)


def _read_mode(value: object, owner: int, largest: int, expects: str) -> int:
    if isinstance(value, str) and _OCTAL.fullmatch(value):
        mode = int(value.removeprefix("0o"), 8)
        if mode & owner == owner and mode <= largest:
            return mode
    raise _not(value, expects)


def _mode(expects: str, owner: int, largest: int) -> Kind:
    return Kind(
        expects=expects,
        metavar="MODE",
        schema={"type": "string", "pattern": "^(0o)?[0-7]{3,5}$"},
        read=lambda value, _: _read_mode(value, owner, largest, expects),
    )


def _read_flag(value: object, _: Path) -> bool:
    if isinstance(value, bool):
        return value
    raise _not(value, FLAG.expects)


def _read_count(value: object, _: Path) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_COUNT:
        return value
    raise _not(value, COUNT.expects)


def _read_command(value: object, _: Path) -> tuple[str, ...]:
    if isinstance(value, list) and value and all(isinstance(word, str) and word for word in value):
        return tuple(value)
    raise _not(value, COMMAND.expects)


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


def _read_duration(value: object, _: Path) -> float:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
        return float(value)
    raise _not(value, DURATION.expects)


_UNITS: Final = {"ms": 0.001, "s": 1.0, None: 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = pattern(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|[smhd])?")

USER: Final = "[A-Za-z0-9][A-Za-z0-9._@+-]*"


def _read_words(value: object, first: str, others: str, expects: str) -> str:
    words = value.split() if isinstance(value, str) else []
    if words and pattern(first).fullmatch(words[0]) and all(map(pattern(others).fullmatch, words[1:])):
        return " ".join(words)
    raise _not(value, expects.removeprefix("a list of "))


def _read_user(value: object) -> str:
    return _read_words(value, USER, "(?!)", USERS.expects)


def _read_team(value: object) -> str:
    return _read_words(value, USER, USER, TEAMS.expects)


def _read_owned_names(value: object) -> str:
    return _read_words(value, "[A-Za-z0-9_*?-]+", f"(?:team:)?{USER}", OWNED_NAMES.expects)


def _read_address(value: object) -> str:
    try:
        return str(ip_address(str(value)))
    except ValueError as error:
        raise _not(value, "an IP address such as 127.0.0.1") from error


_BIND_PATTERN = r"/.+|(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+):[0-9]{1,5}"
_BIND = pattern(_BIND_PATTERN)


def _read_bind(value: object) -> str:
    text = _read_text(value, BIND.expects)
    if _BIND.fullmatch(text) and (text.startswith("/") or int(text.rpartition(":")[2]) <= 65_535):
        return text
    raise _not(value, BIND.expects)


_LINK = pattern(r"\S.*\s(?:https?://|mailto:)\S+")
_COLOUR = pattern(r"#[0-9a-f]{6}")
_IMAGES = (".svg", ".png", ".webp", ".jpg", ".jpeg", ".gif", ".avif")


def _read_link(value: object) -> str:
    if isinstance(value, str) and _LINK.fullmatch(value) and not _is_broken(value):
        return value
    raise _not(value, LINKS.expects.removeprefix("a list of "))


def _read_documentation(value: object) -> str:
    text = _read_text(value, DOCUMENTATION.expects)
    if text.startswith(("https://", "http://")) and "{crate}" in text:
        return text
    raise _not(value, DOCUMENTATION.expects)


def _read_image(value: object, base: Path) -> Path:
    path = _read_path(value, base)
    if path.suffix.lower() in _IMAGES:
        return path
    raise _not(value, IMAGE.expects)


def colour(ground: str) -> Kind:
    """Give the kind of a colour that can be read on the colour `ground`: a contrast of 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    expects = f'a colour such as "#0b6e6e" with a contrast of at least 4.5 to 1 on {ground}'

    def read(value: object, _: Path) -> str:
        text = value.lower() if isinstance(value, str) else ""
        if _COLOUR.fullmatch(text) and contrast(text, ground) >= 4.5:
            return text
        raise _not(value, expects)

    pattern = "^#[0-9A-Fa-f]{6}$"
    return Kind(expects=expects, metavar="COLOUR", schema={"type": "string", "pattern": pattern}, read=read)


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

TEXT = Kind(
    expects="one line of text",
    metavar="TEXT",
    schema=_TEXT_SCHEMA,
    read=lambda value, _: _read_text(value, "one line of text"),
)
NAME = Kind(
    expects='a registry name of ASCII letters, digits, `-` and `_`, not a digit or `-` first, not "crates-io"',
    metavar="NAME",
    schema={"type": "string", "pattern": f"^{_NAME_PATTERN}$", "not": {"const": "crates-io"}},
    read=_read_name,
)
BASE_URL = Kind(
    expects='an http or https URL such as "https://crates.example.com/"',
    metavar="URL",
    schema=_URL_SCHEMA,
    read=lambda value, _: _read_own_base_url(value),
)
API = Kind(
    expects=BASE_URL.expects,
    metavar="URL",
    schema=_URL_SCHEMA,
    # Cargo appends `/api/v1/…` as it stands, so a slash at the end would be doubled.
    read=lambda value, _: _read_base_url(value).rstrip("/"),
)
BIND = Kind(
    expects='an address with a port such as "127.0.0.1:8000", or the path of a Unix socket such as "/run/crates.sock"',
    metavar="ADDRESS",
    schema={"type": "string", "pattern": f"^(?:{_BIND_PATTERN})$"},
    read=lambda value, _: _read_bind(value),
)
BASE_URLS = _list_of("URL", "a list of http or https URLs", _URL_SCHEMA, _read_base_url)
ADDRESSES = _list_of("ADDRESS", "a list of IP addresses", {"type": "string"}, _read_address)
USERS = _list_of("USER", 'a list of users such as "alice"', {"type": "string", "pattern": f"^{USER}$"}, _read_user)
TEAMS = _list_of(
    "TEAM",
    'a list of teams, each with its users behind it, such as "tools alice bob"',
    {"type": "string", "pattern": f"^{USER}( {USER})+$"},
    _read_team,
)
OWNED_NAMES = _list_of(
    "NAMES",
    'a list of names or patterns, each with its owners behind it, such as "pay-* team:pay"',
    {"type": "string", "pattern": f"^[A-Za-z0-9_*?-]+( (team:)?{USER})+$"},
    _read_owned_names,
)
INDEX_URLS = _list_of(
    "URL",
    "a list of index URLs",
    {"type": "string", "pattern": "^(sparse\\+|registry\\+)?[a-z][a-z0-9+.-]*://"},
    _read_index_url,
)
LINKS = _list_of(
    "LINK",
    'a list of texts with an address behind, such as "Ask us https://chat.example.com/"',
    {"type": "string", "pattern": "\\S.*\\s(https?://|mailto:)\\S+$"},
    _read_link,
)
DOCUMENTATION = Kind(
    expects='an http or https address with `{crate}` in it, such as "https://docs.example.com/{crate}/"',
    metavar="URL",
    schema={"type": "string", "pattern": "^https?://.*\\{crate\\}"},
    read=lambda value, _: _read_documentation(value),
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
FLAG = Kind(
    expects="true or false",
    metavar="",
    schema={"type": "boolean"},
    read=_read_flag,
    from_text=_flag_from_text,
    flag=True,
)
COUNT = Kind(
    expects="a whole number, 1 or more",
    metavar="N",
    schema={"type": "integer", "minimum": 1},
    read=_read_count,
    from_text=_count_from_text,
)
DURATION = Kind(
    expects="a length of time such as 500ms, 1.5s, 10m, 2h, 7d, or a number of seconds",
    metavar="TIME",
    schema={"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": f"^{_DURATION.pattern}$"}]},
    read=_read_duration,
)
COMMAND = Kind(
    expects='a list of a program and its arguments, such as ["purge-cdn", "crates"]',
    metavar="COMMAND",
    schema={"type": "array", "items": _TEXT_SCHEMA, "minItems": 1},
    read=_read_command,
    from_text=_command_from_text,
)
