"""Which addresses in a manifest may be followed, and where the source of a release can be looked at."""

from posixpath import join, normpath
from urllib.parse import urlsplit

from cargo_static_index.crate.metadata import CrateMetadata
from cargo_static_index.site.readme.forges import find_repository


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
