"""The tree over HTTP: what lies at an address, and the headers and conditions that go with it."""

import gzip
import mimetypes
import re
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

from msgspec import Struct
from starlette.datastructures import Headers
from starlette.responses import FileResponse, RedirectResponse, Response

from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.store import Store
from cargo_static_index.store.paths import check_path
from cargo_static_index.tree import layout
from cargo_static_index.tree.read import read_index

NO_STORE: Final = "no-store"
NO_CACHE: Final = "no-cache"
FOR_EVER: Final = "public, max-age=31536000, immutable"

_WORTH_PACKING: Final = 512
"""Bytes below which gzip saves no packet."""

_archive = re.compile(r"crates/[^/]+/([0-9a-f]{64})\.crate").fullmatch
_one_range = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})").fullmatch


class Found(Struct, frozen=True, kw_only=True):
    """A file of the tree; `content` is a path where it is an archive on disk. `tag` is without its quotes."""

    content: bytes | Path
    tag: str
    media_type: str
    cache: str
    modified: int | None = None


class TreeFiles:
    """The files of a tree, found by the paths of their addresses."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = store.folder

    def answer(self, path: str, headers: Headers) -> Response:
        """Answer a GET for a path, without the slash at its start."""
        found = self.find(path)
        if found is not None:
            return respond(found, headers)
        if path and not path.endswith("/") and self.find(f"{path}/") is not None:
            return RedirectResponse(f"{path.rpartition('/')[2]}/", HTTPStatus.PERMANENT_REDIRECT)
        return self.absent(path)

    def find(self, path: str) -> Found | None:
        """Give what lies at a path; a folder is its page."""
        path = f"{path}index.html" if path.endswith("/") or not path else path
        try:
            check_path(path)
        except InvalidInput:
            return None
        if address := layout.addressed_by(path):
            return self._archive_of(path, *address)
        archive = _archive(path)
        if archive and self._folder:
            return self._archive_on_disk(path, archive[1], self._folder)
        modified = self._modified(path)  # before the content: too old only means to be asked once more
        stored = self._store.read(path)
        if stored is None:
            return None
        if archive:
            return Found(content=stored.content, tag=archive[1], media_type="application/gzip", cache=FOR_EVER)
        return Found(
            content=stored.content, tag=stored.tag, media_type=media_type_of(path), cache=NO_CACHE, modified=modified
        )

    def _archive_of(self, path: str, name: str, vers: str) -> Found | None:
        """Give the archive that lies at the address of a version, too: under its own address, by its checksum."""
        line = read_index(self._store, name).value.find(vers) if self._store.size(path) is not None else None
        return self.find(layout.archive_file(name, line.cksum)) if line and line.cksum else None

    def absent(self, path: str) -> Response:
        """Answer for what is not there: with the page for people, where there is one."""
        headers = {"Cache-Control": NO_STORE}
        for_people = not path.startswith(f"{layout.INDEX}/") and not path.endswith(".crate")
        page = self._store.read("404.html") if for_people else None
        if page is None:
            return Response(b"", HTTPStatus.NOT_FOUND, headers, "text/plain")
        return Response(page.content, HTTPStatus.NOT_FOUND, headers, "text/html")

    def _archive_on_disk(self, path: str, cksum: str, folder: Path) -> Found | None:
        if self._store.size(path) is None:
            return None
        return Found(
            content=folder / path,
            tag=cksum,
            media_type="application/gzip",
            cache=FOR_EVER,
            modified=self._modified(path),
        )

    def _modified(self, path: str) -> int | None:
        try:
            return int((self._folder / path).stat().st_mtime) if self._folder else None
        except OSError:
            return None


def media_type_of(path: str) -> str:
    """Give the media type of a file that is no archive."""
    if path.startswith(f"{layout.INDEX}/"):
        return "application/json" if path == layout.CONFIG else "text/plain"
    return mimetypes.guess_type(path)[0] or "application/octet-stream"


def respond(found: Found, headers: Headers) -> Response:
    """Answer a GET for a file as its conditions ask (RFC 9110, sections 13 and 14)."""
    shown = {"ETag": f'"{found.tag}"', "Cache-Control": found.cache, "Accept-Ranges": "bytes"}
    if found.modified is not None:
        shown["Last-Modified"] = formatdate(found.modified, usegmt=True)
    if not isinstance(found.content, Path) and found.cache != FOR_EVER:
        shown["Vary"] = "Accept-Encoding"
    if _is_unchanged(found, headers):
        return Response(None, HTTPStatus.NOT_MODIFIED, shown)
    if isinstance(found.content, Path):
        return FileResponse(found.content, headers=shown, media_type=found.media_type)
    part = _range_of(found, headers)
    if part is None:
        return _whole(found, found.content, headers, shown)
    if not part:
        shown["Content-Range"] = f"bytes */{len(found.content)}"
        return Response(b"", HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, shown)
    shown["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(found.content)}"
    content = found.content[part.start : part.stop]
    return Response(content, HTTPStatus.PARTIAL_CONTENT, shown, found.media_type)


def _whole(found: Found, content: bytes, headers: Headers, shown: dict[str, str]) -> Response:
    packable = found.media_type.startswith("text/") or found.media_type in _PACKABLE
    if packable and len(content) >= _WORTH_PACKING and "gzip" in headers.get("Accept-Encoding", ""):
        content = gzip.compress(content, 6, mtime=0)
        shown |= {"Content-Encoding": "gzip", "ETag": f'"{found.tag}{_PACKED}"'}
    return Response(content, HTTPStatus.OK, shown, found.media_type)


_PACKED: Final = "-gzip"
"""Ends the tag of what is sent with gzip: other bytes need another strong tag."""

_PACKABLE: Final = frozenset(
    {"application/json", "application/javascript", "application/xml", "application/atom+xml", "image/svg+xml"}
)


def _is_unchanged(found: Found, headers: Headers) -> bool:
    asked = headers.get("If-None-Match")
    if asked is not None:
        tags = {tag.strip().removeprefix("W/").strip('"').removesuffix(_PACKED) for tag in asked.split(",")}
        return bool(tags & {"*", found.tag})
    since = headers.get("If-Modified-Since")
    if since is None or found.modified is None:
        return False
    try:
        return found.modified <= parsedate_to_datetime(since).timestamp()
    except (ValueError, OverflowError):
        return False


def _range_of(found: Found, headers: Headers) -> range | None:
    """Give the bytes asked for, none where there are no such, or None where all are to be sent."""
    asked = _one_range(headers.get("Range", "").strip())
    if_range = headers.get("If-Range", f'"{found.tag}"')
    if asked is None or not (asked[1] or asked[2]) or if_range != f'"{found.tag}"':
        return None
    size = len(found.content) if isinstance(found.content, bytes) else 0
    if not asked[1]:
        return range(max(0, size - int(asked[2])), size)
    end = min(size, int(asked[2]) + 1) if asked[2] else size
    if asked[2] and int(asked[2]) < int(asked[1]):
        return None
    return range(min(int(asked[1]), end), end)
