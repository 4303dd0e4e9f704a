"""What reading JSON may raise."""

import msgspec

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding may raise: msgspec says UnicodeDecodeError for some strings, and RecursionError for deep nesting."""
