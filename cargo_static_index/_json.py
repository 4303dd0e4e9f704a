"""Our own JSON documents: reading what others may have written, and writing for people."""

from typing import TypeVar

import msgspec

from cargo_static_index.diagnostics.errors import InvalidDocument

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding may raise: msgspec says UnicodeDecodeError for some strings, and RecursionError for deep nesting."""

T = TypeVar("T")


def read_json(content: bytes, kind: type[T], what: str) -> T:
    """Read a document, or raise InvalidDocument, which says that it is not `what`."""
    try:
        return msgspec.json.decode(content, type=kind)
    except UNREADABLE as error:
        raise InvalidDocument(f"not {what}: {error}") from error


def write_json(document: object) -> bytes:
    """Give a document's bytes: indented for people, one newline at the end."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
