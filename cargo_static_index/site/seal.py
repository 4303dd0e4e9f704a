"""The last line of every page: a digest of its path, of what it was made of and of all before it.

By it `verify` knows what was written, and that it was made of what is published now, without making the page again.
"""

from hashlib import sha256

import msgspec

_BEGINS = b"<!-- "
_ENDS = b" -->\n"

_encode = msgspec.json.Encoder().encode


def sealed(path: str, content: bytes, source: bytes = b"") -> bytes:
    """Give a page with its digest behind it; `source` is a digest of what it was made of, where that can change."""
    said = source.hex()[:16].encode()
    digest = sha256(path.encode() + b"\0" + said + b"\0")
    digest.update(content)
    seal = digest.hexdigest()[:32].encode()
    return content + _BEGINS + (seal + b" " + said if said else seal) + _ENDS


def is_sealed(path: str, page: bytes, source: bytes = b"") -> bool:
    """Whether a page is as it was written, for this path, and of this: not cut, changed, another page's, or older."""
    content, begins, _ = page.rpartition(_BEGINS)
    return bool(begins) and page == sealed(path, content, source)


def made_of(value: object) -> bytes:
    """Give a digest of a value of which a page is made."""
    return sha256(value if isinstance(value, bytes) else _encode(value)).digest()


def digest_of(content: bytes) -> str:
    """Give the digest by which pages.json knows a page."""
    return sha256(content).hexdigest()[:32]
