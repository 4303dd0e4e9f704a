"""config.json, and the download URLs that it gives (cargo's book: "Registry Index", section "Index Configuration").

Reading lints: what cargo would refuse, or silently take for something else, is refused here.
"""

import re
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from cargo_static_index._json import UNREADABLE
from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidConfig
from cargo_static_index.protocol.names import prefix
from cargo_static_index.protocol.registries import Home, Mode
from cargo_static_index.protocol.urls import parse_web_url

MARKERS = ("{crate}", "{version}", "{prefix}", "{lowerprefix}", "{sha256-checksum}")
"""What cargo replaces in `dl` (cargo-util: src/registry.rs, `crate_url`)."""

_OUR_DL = "crates/{crate}/{sha256-checksum}.crate"
_NO_MARKER_DL = "/{crate}/{version}/download"
_BOM = b"\xef\xbb\xbf"

_BRACES = pattern(r"\{[^{}]*\}|[{}]")


class RegistryConfig(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="kebab"):
    """The three keys that cargo reads (its book: "Registry Index"). `api` None: the registry has no web API."""

    dl: str
    api: str | None = None
    auth_required: bool = False


_KEYS = RegistryConfig.__struct_encode_fields__
_decode = msgspec.json.Decoder(RegistryConfig).decode
_encode = msgspec.json.Encoder().encode


def parse_config(content: bytes) -> RegistryConfig:
    """Read a config.json, or raise InvalidConfig where cargo would refuse it or not mean what it says."""
    if content.startswith(_BOM):
        raise InvalidConfig("config.json starts with a byte order mark, which cargo cannot read; save it without one")
    try:
        config = _decode(content)
        keys = [] if content == format_config(config) else _keys_of(content)
    except UNREADABLE as error:
        raise InvalidConfig(f"config.json is not what cargo reads: {error}; correct it") from error
    _check_keys(keys)
    api = None if config.api is None else _parse_api(config.api)
    return RegistryConfig(dl=_parse_dl(config.dl), api=api, auth_required=config.auth_required)


def _keys_of(content: bytes) -> list[str]:
    """Give the keys of an object in JSON, each as often as it is there."""
    import json  # msgspec takes the last of two; what we wrote ourselves has each once

    return [key for key, _ in json.loads(content, object_pairs_hook=list)]


def format_config(config: RegistryConfig) -> bytes:
    """Give the file's bytes: indented, only the keys that are needed, one newline at the end."""
    return msgspec.json.format(_encode(config), indent=2) + b"\n"


def config_for(base_url: str, *, api: str | None = None, auth_required: bool = False) -> RegistryConfig:
    """Give the config.json of our own tree below a base URL, or raise InvalidConfig."""
    dl = parse_base_url(base_url) + _OUR_DL
    return RegistryConfig(dl=dl, api=None if api is None else _parse_api(api), auth_required=auth_required)


def base_url_of(config: RegistryConfig | None) -> str | None:
    """Give the base URL that `config_for` made this from, or None where there is none, or its `dl` is not ours."""
    if config is None:
        return None
    base = config.dl.removesuffix(_OUR_DL)
    try:
        return base if base != config.dl and base == parse_base_url(base) else None
    except InvalidConfig:
        return None


def parse_base_url(text: str) -> str:
    """Give the URL below which the whole tree is served, ending in a slash, or raise InvalidConfig."""
    url = parse_web_url(text.removeprefix("sparse+"), what="base URL")
    if text.startswith("sparse+"):
        raise InvalidConfig(
            f"the base URL {text!r} is written like an index URL; remove 'sparse+', and 'index/' behind"
        )
    if "?" in text:
        raise InvalidConfig(
            f"the base URL {text!r} has a query, so nothing can be put behind it; remove '?' and the rest"
        )
    if "{" in text or "}" in text:
        raise InvalidConfig(f"the base URL {text!r} has a brace, which cargo may take for a marker; remove it")
    if {".", ".."} & set(url.path.split("/")):
        raise InvalidConfig(f"the base URL {text!r} has '.' or '..' in its path; write the path without them")
    base = url.format()
    return base if base.endswith("/") else f"{base}/"


def index_url(base_url: str) -> str:
    """Give the URL that cargo is configured with: cargo refuses a sparse one without the slash at the end."""
    return f"sparse+{base_url}index/"


def download_url(config: RegistryConfig, name: str, vers: str, cksum: str) -> str:
    """Give the URL that cargo downloads a release from (cargo-util: src/registry.rs, `crate_url`)."""
    dl = config.dl if any(marker in config.dl for marker in MARKERS) else config.dl + _NO_MARKER_DL
    folder = prefix(name)
    values = (name, vers, folder, folder.lower(), cksum)
    for marker, value in zip(MARKERS, values, strict=True):
        dl = dl.replace(marker, value)
    return dl


def _check_keys(keys: list[str]) -> None:
    for key in keys:
        meant = key.lower().replace("_", "-")
        if key not in _KEYS and meant in _KEYS:
            raise InvalidConfig(f"config.json has the key {key!r}, which cargo ignores; write {meant!r}")
        if key in _KEYS and keys.count(key) > 1:
            raise InvalidConfig(f"config.json has the key {key!r} more than once, which cargo refuses; remove one")


def _parse_dl(dl: str) -> str:
    """Give `dl` as it is, or raise InvalidConfig."""
    found = _BRACES.findall(dl)
    for marker in found:
        if marker not in MARKERS:
            known = ", ".join(MARKERS)
            raise InvalidConfig(f"'dl' {dl!r} has {marker!r}, which cargo sends as it is; the markers are {known}")
    plain = re.sub("[{}]", "", dl)
    try:
        parse_web_url(plain, what="'dl'")
    except InvalidConfig as error:
        raise InvalidConfig(str(error).replace(repr(plain), repr(dl), 1)) from error
    if not found and dl.endswith("/"):
        raise InvalidConfig(f"'dl' {dl!r} ends in '/' and cargo puts {_NO_MARKER_DL!r} behind; remove the slash")
    if not found and "?" in dl:
        raise InvalidConfig(f"'dl' {dl!r} has a query and cargo puts {_NO_MARKER_DL!r} behind; use markers")
    return dl


def _parse_api(api: str) -> str:
    """Give the URL without slashes at the end, because cargo puts `/api/v1/…` behind it; or raise InvalidConfig."""
    url = parse_web_url(api, what="'api'")
    if "?" in api:
        raise InvalidConfig(f"'api' {api!r} has a query, and cargo puts '/api/v1/…' behind; remove '?' and the rest")
    return url.format().rstrip("/")


def home_at(mode: Mode, base_urls: Iterable[str]) -> Home:
    """Give the registry that is served below these base URLs, its own first; raises InvalidConfig where one is none."""
    return Home(mode=mode, urls=tuple(index_url(parse_base_url(url)) for url in base_urls))
