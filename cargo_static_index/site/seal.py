"""The last line of every page: a digest of its path, of what it was made of and of all before it.

By it `verify` knows what was written, and that it was made of what is published now, without making the page again.
"""

from hashlib import sha256

import msgspec

_BEGINS = b"<!-- "
_ENDS = b" -->\n"

_encode = msgspec.json.Encoder().encode


def sealed(path: str, content: bytes, made_of: bytes = b"") -> bytes:
    """Give a page with its digest behind it; `made_of` is a digest of what it was made of, where that can change."""
    return content + _seal(path, content, made_of.hex()[:16].encode())


def is_sealed(path: str, page: bytes, made_of: bytes | None = b"") -> bool:
    """Whether a page is as it was written, for this path, and of this: not cut, changed, another page's, or older.

    None is whatever it was made of.
    """
    content, begins, seal = page.rpartition(_BEGINS)
    source = seal.removesuffix(_ENDS).partition(b" ")[2] if made_of is None else made_of.hex()[:16].encode()
    return bool(begins) and page == content + _seal(path, content, source)


def made_of(value: object) -> bytes:
    """Give a digest of a value of which a page is made."""
    return sha256(value if isinstance(value, bytes) else _encode(value)).digest()


def digest_of(content: bytes) -> str:
    """Give the digest by which pages.json knows a page."""
    return sha256(content).hexdigest()[:32]


def _seal(path: str, content: bytes, source: bytes) -> bytes:
    digest = sha256(path.encode() + b"\0" + source + b"\0")
    digest.update(content)
    said = digest.hexdigest()[:32].encode()
    return _BEGINS + (said + b" " + source if source else said) + _ENDS
