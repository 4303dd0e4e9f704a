"""Files of a release to be read in a browser: which, at which addresses, and what stands on their pages."""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import islice
from typing import Literal

from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.crate.documents import find_file
from cargo_static_index.crate.metadata import CrateMetadata, File
from cargo_static_index.site import paths as addresses
from cargo_static_index.site.diff import human_size
from cargo_static_index.site.readme.highlight import name_character

Shown = Literal["none", "docs", "all"]
"""Which files have pages: none, those that people look into first, or all that are text within limits."""

LARGEST = 512 * 1024
"""Bytes of a file that has a page, as many as of a README."""

LICENSES = 8
"""Texts of licences that a page names; no real crate has more."""

NEIGHBOURS = 100
"""Files of the same folder that a page names: were it all, their pages would grow with the square of them."""

_DOCS = pattern(
    r"(?:license|licence|copying|unlicense|notice|readme|changelog)[^/]*|Cargo\.toml(?:\.orig)?|src/(?:lib|main)\.rs",
    re.ASCII | re.IGNORECASE,
)
_LICENSE = pattern(r"(?:license|licence|copying|unlicense)[^/]*", re.ASCII | re.IGNORECASE)
_BINARY = pattern(
    r".*\.(?:png|jpe?g|gif|webp|avif|ico|bmp|tiff?|pdf|gz|xz|bz2|zst|zip|tar|7z|a|o|so|dll|lib|exe|wasm|bin|dat|woff2?|"
    r"ttf|otf|eot|mp[34]|ogg|wav|flac|webm|crate|rlib|der|p12|jar|class|pyc|sqlite|db)",
    re.IGNORECASE | re.DOTALL,
)
# What would hide, reorder or change what is read beside it (Unicode's UTS 55), and what HTML cannot hold.
_ODD = pattern(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufdd0-\ufdef\ufffe\uffff]"
)
_UNSAFE = pattern(r"[^A-Za-z0-9._+-]")
_LANGUAGES = {"rs": "rust", "toml": "toml", "orig": "toml", "lock": "toml", "in": "rust"}


class Neighbour(Struct, frozen=True, kw_only=True):
    """A file that is named beside another; `page` leads to it."""

    name: str
    page: str
    here: bool


class SourceView(Struct, frozen=True, kw_only=True):
    """All that the page of a file shows. `code` and `numbers` are HTML, one number a line."""

    name: str
    vers: str
    path: str
    folder: str
    size: str
    lines: int
    code: str
    numbers: str
    language: str
    odd: bool
    """Whether characters that would not be seen are named in its code."""
    raw: str
    """Where its text is, or nothing where it is no text."""
    digest: str
    """SHA-256 of that text, lower-case hex."""
    neighbours: tuple[Neighbour, ...]
    """Files of the same folder."""
    more: int
    """How many more there are of those."""


def files_shown(metadata: CrateMetadata, shown: Shown, most: int) -> tuple[File, ...]:
    """Give the files that have pages, in the order of the archive: no more than `most` bytes, what is looked for first.

    That follows from the metadata alone, so that what ought to be there is known without the archive.
    """
    if shown == "none":
        return ()
    texts = [file for file in metadata.files if 0 < file.size <= LARGEST and not _BINARY.fullmatch(file.path)]
    named = {license_file(metadata), *(text.path for text in (metadata.readme, metadata.changelog) if text)}
    documents = {file.path for file in texts if file.path in named or _DOCS.fullmatch(file.path)}
    chosen: set[str] = set()
    for file in sorted(texts, key=lambda file: file.path not in documents):
        if file.size <= most and (shown == "all" or file.path in documents):
            most -= file.size
            chosen.add(file.path)
    return tuple(file for file in texts if file.path in chosen)


def license_file(metadata: CrateMetadata) -> str | None:
    """Give the path of the file that the manifest names for its licence, as it is in the package where it is there."""
    stated = metadata.manifest.license_file
    return (find_file(stated, [file.path for file in metadata.files]) or stated) if stated else None


def license_files(metadata: CrateMetadata) -> tuple[str, ...]:
    """Give the paths of the licences' texts: those at the root of a package, and the one that the manifest names."""
    stated = license_file(metadata)
    paths = (file.path for file in metadata.files)
    found = (path for path in paths if path == stated or ("/" not in path and _LICENSE.fullmatch(path)))
    return tuple(islice(found, LICENSES))


def source_folder(name: str, vers: str) -> str:
    """Give the folder of the pages of a release's files."""
    return f"{addresses.version_folder(name, vers)}/source"


def source_page(path: str) -> str:
    """Give the name of a file's page in that folder. All lie in one, so that no file meets a folder of its name."""
    return f"{_flat(path)}.html"


def source_text(path: str) -> str:
    """Give the name of a file's text in that folder: no name makes a server or a browser take it for anything else."""
    return f"{_flat(path)}.txt"


def _flat(path: str) -> str:
    """Give a path as a file name: other paths never give the same. `~` is a slash, and `~~` begins a character."""
    flat = _UNSAFE.sub(lambda found: "~" if found[0] == "/" else f"~~{ord(found[0]):x}~", path)
    if len(flat) <= addresses.NAME_BYTES and not flat.startswith("."):
        return flat
    digest = sha256(path.encode(errors="surrogatepass")).hexdigest()[:32]
    return f"{flat[: addresses.NAME_BYTES - 36].lstrip('.')}~~-{digest}"


def source_view(metadata: CrateMetadata, path: str, content: bytes, files: Mapping[str, Sequence[str]]) -> SourceView:
    """Give what the page of a file shows; `files` are those that have pages, by folder."""
    text = text_of(content)
    folder = path.rpartition("/")[0]
    siblings = files[folder]
    at = max(0, min(siblings.index(path) - NEIGHBOURS // 2, len(siblings) - NEIGHBOURS))
    near = siblings[at : at + NEIGHBOURS]
    shown = _ODD.sub(name_character, text or "")
    lines = shown.count("\n") + (not shown.endswith("\n")) if shown else 0
    return SourceView(
        name=metadata.manifest.name,
        vers=metadata.manifest.version,
        path=path,
        folder=folder,
        size=human_size(len(content)),
        lines=lines,
        code=shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
        numbers=_numbers(lines),
        language=_LANGUAGES.get(path.rpartition(".")[2], ""),
        odd=text is not None and text != shown,
        raw=source_text(path) if text is not None else "",
        digest=sha256(content).hexdigest() if text is not None else "",
        neighbours=tuple(_neighbour(other, here=other == path) for other in near),
        more=len(siblings) - len(near),
    )


def text_of(content: bytes) -> str | None:
    """Give a file's text with one way to end a line, or None where it is no UTF-8 or holds a NUL, as texts never do."""
    if b"\0" in content:
        return None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def by_folder(files: Sequence[File]) -> dict[str, list[str]]:
    """Give paths by the folder in which they lie."""
    found: dict[str, list[str]] = {}
    for file in files:
        found.setdefault(file.path.rpartition("/")[0], []).append(file.path)
    return found


def _neighbour(path: str, *, here: bool) -> Neighbour:
    return Neighbour(name=path.rpartition("/")[2], page=addresses.href(source_page(path)), here=here)


_NUMBERED: list[str] = []


def _numbers(lines: int) -> str:
    """Give the numbers of lines, each an anchor that leads to itself and that the keyboard passes over."""
    new = range(len(_NUMBERED) + 1, lines + 1)
    _NUMBERED.extend(f'<a id="L{number}" href="#L{number}" tabindex="-1">{number}</a>' for number in new)
    return "\n".join(_NUMBERED[:lines])
