"""The last line of every page: a digest of its path and of all before it, by which `verify` knows what was written."""

from hashlib import sha256

_BEGINS = b"<!-- "


def sealed(path: str, content: bytes) -> bytes:
    """Give a page with its digest behind it."""
    digest = sha256(path.encode() + b"\0")
    digest.update(content)
    return content + (b"%s%s -->\n" % (_BEGINS, digest.hexdigest()[:32].encode()))


def is_sealed(path: str, page: bytes) -> bool:
    """Whether a page is as it was written, and for this path: nothing is lost, added, changed, or another page's."""
    content, begins, _ = page.rpartition(_BEGINS)
    return bool(begins) and page == sealed(path, content)
