"""What every store agrees on: which paths a tree may hold, what a content's tag is, and when a change may be made.

It knows nothing of where a tree lives.
"""

import re
from hashlib import blake2b

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.store import Change, Delete, Tag

STAGE = ".cargo-static-index-stage"
"""The session's private folder in a local tree, and what is private in a bucket; no published name starts so."""

UPLOADS = f"{STAGE}-uploads"
"""Where machines stage files in a bucket. `hosting s3` lets no reader see it: nothing of it is published yet."""

_LONGEST = 1024
"""Characters of a path: what object stores allow a key (S3: 1024 bytes), and far more than a tree of ours needs."""

# A backslash separates on Windows, where trees are copied to.
_COMPONENT = rf"(?!\.\.?(?:/|\Z))(?!{re.escape(STAGE)})[^/\\\x00]+"
_PATH = pattern(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_NAME = pattern(_COMPONENT)


def check_path(*paths: str) -> None:
    r"""Make sure that paths stay in the tree they are used in, or raise InvalidInput.

    Attack stopped: a name that reaches a path unchecked (`../../etc/cron.d/x`, `/etc/passwd`, `a\..\b`).
    """
    for path in paths:
        if not is_path(path):
            raise InvalidInput(
                f"{path!r} is not a path in a tree: use names joined by `/`, in UTF-8, {_LONGEST} characters at most, "
                f"no name empty, `.`, `..`, with `\\` or NUL, or starting with `{STAGE}`"
            )


def is_path(path: str) -> bool:
    """Whether a tree may hold a file at this path, which no session keeps for itself."""
    return len(path) <= _LONGEST and _PATH.fullmatch(path) is not None and (path.isascii() or _is_utf8(path))


def is_upload(staged: str) -> bool:
    """Whether a staged file lies in the store itself, where another machine staged it."""
    return staged.startswith(f"{UPLOADS}/")


def is_name(name: str) -> bool:
    """Whether a tree may hold a file or folder of this name."""
    return _NAME.fullmatch(name) is not None and (name.isascii() or _is_utf8(name))


def _is_utf8(path: str) -> bool:
    """Whether a path can be written in UTF-8: a lone surrogate stands for a byte that is none."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def parents_of(path: str) -> list[str]:
    """Give the folders that a path lies in, the nearest first, without the tree itself."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]


def tag_of(content: bytes) -> Tag:
    """Give the tag of a content: its BLAKE2b digest of 128 bits, in hexadecimal."""
    return blake2b(content, digest_size=16).hexdigest()


def holds(change: Change, there: Tag | None) -> bool:
    """Whether what a change expects, unless that is "any", is so of what is at its path, None for nothing."""
    return (there or "absent") == change.expect or (there is None and isinstance(change, Delete))
