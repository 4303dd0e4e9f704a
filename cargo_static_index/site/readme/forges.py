"""Where a repository, its files and the source of a release can be read in a browser: addresses of the common forges.

Knows URLs only; whether anything answers there is for others.
"""

import re
from functools import lru_cache
from posixpath import join, normpath
from typing import Final
from urllib.parse import quote, urlsplit

from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.crate.metadata import CrateMetadata


class Style(Struct, frozen=True, kw_only=True):
    """How a kind of forge forms its addresses, each after the repository's; `compare` is empty where it has none."""

    blob: str
    raw: str
    at_head: tuple[str, str] | None = None
    """`blob` and `raw` where no commit is known and the forge spells that otherwise."""
    compare: str = ""
    depth: int | None = 2
    """How many parts the repository's path has; None where groups nest."""
    svg_query: str = ""
    """What makes the forge serve an SVG as an image."""


_GITHUB = Style(
    blob="blob/{ref}/", raw="raw/{ref}/", compare="compare/{old}...{new}", svg_query="sanitize=true"
)  # crates.io: crates/crates_io_markdown, `SanitizeUrl`
_GITLAB = Style(blob="-/blob/{ref}/", raw="-/raw/{ref}/", compare="-/compare/{old}...{new}", depth=None)
_BITBUCKET = Style(blob="src/{ref}/", raw="raw/{ref}/", compare="branches/compare/{new}..{old}")
_GITEA = Style(
    blob="src/commit/{ref}/",
    raw="raw/commit/{ref}/",
    at_head=("src/{ref}/", "raw/{ref}/"),
    compare="compare/{old}...{new}",
)
_SOURCEHUT = Style(blob="tree/{ref}/item/", raw="blob/{ref}/")

_HOSTS: Final = {
    "github.com": _GITHUB,
    "gitlab.com": _GITLAB,
    "bitbucket.org": _BITBUCKET,
    "codeberg.org": _GITEA,
    "git.sr.ht": _SOURCEHUT,
}
# Teams run these under a name of their own, and most call it after the program.
_OWN_HOSTS: Final = {"github": _GITHUB, "gitlab": _GITLAB, "gitea": _GITEA, "forgejo": _GITEA}

_COMMIT = pattern(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PART = pattern(r"[\w.~-]+", re.ASCII)
_HOST = pattern(r"[a-z0-9.-]+(?::[0-9]{1,5})?")
_INSIDE: Final = frozenset({"-", "tree", "blob", "src", "raw", "commit", "commits", "releases", "issues"})
# What a browser reads as a part of a path, as quote() must leave it; `%` because it is quoted already.
_SAFE: Final = "/%:@!$&'()*+,;=~"


class Repository(Struct, frozen=True, kw_only=True):
    """A repository of a forge: its address without a slash at its end, and the forge's way with addresses."""

    url: str
    style: Style

    def file(self, path: str, *, commit: str | None, raw: bool = False) -> str:
        """Give the address of a file's page, or of its bytes, at that commit, or at HEAD where it is None.

        A commit that is not the lower-case hex of one counts as None.
        """
        known = commit is not None and _COMMIT.fullmatch(commit) is not None
        blob, plain = (self.style.blob, self.style.raw)
        if not known and self.style.at_head is not None:
            blob, plain = self.style.at_head
        where = (plain if raw else blob).format(ref=commit if known else "HEAD")
        return f"{self.url}/{where}{quote(path, safe=_SAFE)}"

    def compare(self, old: str, new: str) -> str | None:
        """Give the address of what changed between two commits, or None where that has no page."""
        if not self.style.compare or not _COMMIT.fullmatch(old) or not _COMMIT.fullmatch(new):
            return None
        return f"{self.url}/{self.style.compare.format(old=old, new=new)}"


@lru_cache(maxsize=256)  # each page of a release asks several times for the same
def find_repository(url: str | None) -> Repository | None:
    """Read a manifest's `repository`, or give None where it is no address at a forge that we know.

    What follows the repository in it (`.git`, `/tree/main/part`) is left out, so that addresses can be made.
    """
    if not url:
        return None
    try:
        parts = urlsplit(url.strip().removeprefix("git+"))
    except ValueError:
        return None
    host = parts.netloc.lower().removeprefix("www.")
    if parts.scheme not in {"https", "http"} or not _HOST.fullmatch(host):
        return None
    style = _HOSTS.get(host) or _OWN_HOSTS.get(host.partition(".")[0])
    path = _repository_path(parts.path, style) if style else None
    if style is None or path is None:
        return None
    scheme = "https" if host in _HOSTS else parts.scheme
    return Repository(url=f"{scheme}://{host}/{path}", style=style)


def _repository_path(path: str, style: Style) -> str | None:
    """Give the part of the path that names the repository, or None where there is too little of it."""
    parts = [part for part in path.split("/") if part]
    # A GitLab group may nest; a repository there is never called as one of these.
    end = next((at for at, part in enumerate(parts) if at >= 2 and part in _INSIDE), len(parts))
    parts = parts[: style.depth or end]
    if len(parts) < 2 or not all(_PART.fullmatch(part) and part.strip(".") for part in parts):
        return None
    parts[-1] = parts[-1].removesuffix(".git")
    return "/".join(parts) if parts[-1] else None


def web_address(text: str | None) -> str | None:
    """Give an address that a page may link to, or None: a manifest may say `javascript:` where it should say https."""
    if text is None or not text.startswith(("https://", "http://")) or any(ord(char) <= 32 for char in text):
        return None
    try:
        return text if urlsplit(text).hostname else None
    except ValueError:
        return None


def source_address(repository: str | None, commit: str | None, path: str = "") -> str | None:
    """Give the address of a package's folder at a commit, or None where the forge is not a known one."""
    found = find_repository(repository)
    if found is None or commit is None:
        return None
    # Forges show a folder under `tree` where they show a file under `blob`; the others make no difference.
    below = found.file(path.strip("/"), commit=commit).removeprefix(found.url)
    return (found.url + below.replace("/blob/", "/tree/", 1)).rstrip("/")


def file_address(metadata: CrateMetadata, path: str) -> str | None:
    """Give where a forge shows a file of a release, or None where that is not known or outside of the repository."""
    found = find_repository(metadata.manifest.repository)
    vcs = metadata.vcs
    if found is None or vcs is None or vcs.sha1 is None:
        return None
    # As in a README: what begins with a slash is below the repository's root.
    place = normpath(join("/", vcs.path_in_vcs, path).lstrip("/"))
    return None if place.startswith("..") else found.file(place, commit=vcs.sha1)


def compare_address(repository: str | None, before: str | None, after: str | None) -> str | None:
    """Give the address of what changed between two commits, or None where that cannot be known."""
    found = find_repository(repository)
    return found.compare(before, after) if found and before and after and before != after else None
