"""What a state knows of a tree as a whole, and what is left to do for its site: one small value."""

from typing import Self

import msgspec
from msgspec import Struct
from msgspec.structs import replace


class Remaking(Struct, frozen=True, kw_only=True):
    """All pages are being made anew, to look as `fingerprint` says; `first` is set where there were none before."""

    fingerprint: str
    first: bool


class SiteState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a tree, and what its site still owes, beside the crates and rows of the queue."""

    known_tree: bytes | None = None
    """The tree.json of the tree that is known wholly, None where that is not all of it."""
    followed: str = ""
    """The id of the last change of the tree that was listed, or of one's own; "" where none ever was."""
    pruned: int = 0
    """The clock when records of old changes were last deleted."""
    last_build: int | None = None
    """The clock of the last `build` that came to its end."""
    unknown: bool = False
    """Whether it is not known what is left to do for the pages of this tree."""
    remaking: Remaking | None = None
    sitemap_stale: bool = False
    """Whether parts of the names came or went since the sitemap was written."""
    advisories: str = ""
    """A digest of the names, sizes and times of all advisories that pages are known to speak of."""
    advisories_stale: bool = False
    """Whether the list of advisories changed since their feed was written."""
    refused_page: bytes = b""
    """A digest of the page of refused files, and of all that it was made of."""
    owed: str = ""
    """What changes whose pages are not made yet add to the digest of the tree, modulo 2^256, in hex; "" is nothing."""

    def owing(self, digest: int) -> Self:
        """Give the same with a change that adds so much to the digest."""
        return replace(self, owed=f"{(int(self.owed or '0', 16) + digest) % (1 << 256):064x}")


encode_site = msgspec.msgpack.Encoder().encode
decode_site = msgspec.msgpack.Decoder(SiteState).decode
