"""Package ID specifications (cargo's book: "Package ID Specifications"), as far as manifests have them as keys.

The rules are those of cargo-util-schemas: src/core/package_id_spec.rs, partial_version.rs, restricted_names.rs.
"""

import re
from urllib.parse import SplitResult, urlsplit
from urllib.parse import quote as percent_encoded

from msgspec import Struct

from cargo_static_index.diagnostics.errors import InvalidInput, InvalidRequirement
from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.protocol.semver import is_version, parse_requirement

# The schemes in front of `+`, as cargo knows them, and the one of which the URL's own scheme must be "file".
_KINDS = ("git", "registry", "sparse", "path")
# What every URL begins with, and what those of the web must have behind it (WHATWG: "URL", special schemes).
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:").match
_WEB = re.compile(r"(?:https?|wss?|ftp):", re.IGNORECASE).match
_HOST = re.compile(
    r"[/\\]*(?:[^/\\?#]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^\s#%/:<>?@\[\\\]^|]+)(?::[0-9]*)?(?:[/\\?#]|\Z)"
).match
_ASCII = "".join(map(chr, range(128)))
_BLANKS = "".join(map(chr, range(33)))


class PackageSpec(Struct, frozen=True, kw_only=True):
    """A package: its name, and its version, which may be a part of one; None where there is none."""

    name: str
    version: str | None


def is_package_name(text: str) -> bool:
    """Whether cargo reads the text as a package's name: words of letters, digits, `_` and `-`, with `::` between."""
    return all(
        part[:1].isidentifier() and all(character == "-" or f"_{character}".isidentifier() for character in part)
        for part in text.split("::")
    )


def is_url(text: str, *, with_path: bool = True) -> bool:
    """Whether the `url` crate reads the text as an absolute URL that has a path, as far as hosts are plain.

    Without `with_path` it may be one like `x:y`, which has none.
    """
    text = text.strip(_BLANKS)
    scheme, web = _SCHEME(text), _WEB(text)
    if web is None:
        return scheme is not None and (not with_path or text.startswith("/", scheme.end()))
    return _HOST(text, web.end()) is not None


def parse_package_spec(text: str) -> PackageSpec:
    """Read a specification, or raise InvalidInput."""
    url = _taken_apart(text) if "://" in text else None
    if url is not None:
        kind, plus, scheme = url.scheme.partition("+")
        if plus and kind not in _KINDS:
            raise InvalidInput(f"{quote(text)} is of the kind {quote(kind)}, which cargo does not know")
        if kind == "path" and plus and scheme != "file":
            raise InvalidInput(f"{quote(text)} is a path, whose URL must be one of a file")
        if "?" in text.partition("#")[0] and not (plus and kind == "git"):
            raise InvalidInput(f"{quote(text)} has a query, which cargo refuses")
        return _of_fragment(text, url)
    found = _parts(text) or (text, None)
    return _named(text, *found)


def _taken_apart(text: str) -> SplitResult | None:
    try:
        # What is not ASCII is percent-encoded in a URL, and with that in no name.
        return urlsplit(percent_encoded(text, safe=_ASCII)) if is_url(text) else None
    except ValueError:  # brackets that hold no address
        return None


def _of_fragment(text: str, url: SplitResult) -> PackageSpec:
    last = url.path.rpartition("/")[2]
    if "#" not in text:
        return _named(text, last, None)
    found = _parts(url.fragment)
    if found is not None:
        return _named(text, *found)
    if url.fragment[:1].isalpha():
        return _named(text, url.fragment, None)
    return _named(text, last, _partial_version(url.fragment))


def _parts(text: str) -> tuple[str, str] | None:
    """Give name and version where there are two: `a@1`, or as it was once written, `a:1`."""
    name, mark, version = text.rpartition("@")
    if not mark:
        name, mark, version = text.rpartition(":")
        if not mark or name.endswith(":"):
            return None
    return name, _partial_version(version)


def _partial_version(text: str) -> str:
    """Give the text back if cargo reads it as a version or as the first numbers of one."""
    if not is_version(text) and not _is_part_of_one(text):
        raise InvalidInput(f"{quote(text)} is not a version like '1.32'")
    return text


def _is_part_of_one(text: str) -> bool:
    try:
        comparators = parse_requirement(text).comparators
    except InvalidRequirement:
        return False
    return len(comparators) == 1 and comparators[0].op == "^" and not text.startswith("^")


def _named(text: str, name: str, version: str | None) -> PackageSpec:
    if not is_package_name(name):
        raise InvalidInput(f"{quote(text)} names no package: {quote(name)} is not a package's name")
    return PackageSpec(name=name, version=version)
