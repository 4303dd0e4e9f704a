"""Our own small documents in the tree: `tree.json`, which sums the registry up, and the tombstones of a crate.

The digest is the sum, modulo 2^256, of SHA-256 over (path, content) of every index file. Order does not
matter, and a change subtracts the old and adds the new, so keeping it costs nothing, while one small read
tells whether a tree is still the one that somebody knows.
"""

from collections.abc import Collection
from hashlib import sha256
from typing import Literal, Self

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidDocument, NewerFormat
from cargo_static_index.protocol.registries import Mode
from cargo_static_index.protocol.semver import parse_version, without_build

FORMAT = 1
NEEDS = "0.1.0"
"""The first version of this program that reads `FORMAT`."""

_MODULUS = 1 << 256


class Delta(Struct, frozen=True, kw_only=True):
    """What a change adds to the counts and the digest of a tree."""

    crates: int = 0
    releases: int = 0
    digest: int = 0

    def __add__(self, other: "Delta") -> "Delta":
        return Delta(
            crates=self.crates + other.crates,
            releases=self.releases + other.releases,
            digest=(self.digest + other.digest) % _MODULUS,
        )


def weight(path: str, content: bytes | None, releases: int) -> Delta:
    """Give what one index file with so many releases counts for; nothing where there is none, or an empty one."""
    if not content:
        return Delta()
    digest = sha256(path.encode() + b"\0" + content).digest()
    return Delta(crates=int(releases > 0), releases=releases, digest=int.from_bytes(digest, "big"))


def sum_digests(digest: str, other: str) -> str:
    """Give the sum of two digests, modulo 2^256, where "" is nothing."""
    return f"{(int(digest or '0', 16) + int(other or '0', 16)) % _MODULUS:064x}"


def difference(new: Delta, old: Delta) -> Delta:
    """Give what must be added to `old` to make `new`."""
    return Delta(
        crates=new.crates - old.crates,
        releases=new.releases - old.releases,
        digest=(new.digest - old.digest) % _MODULUS,
    )


class TreeRecord(Struct, frozen=True, kw_only=True):
    """What tree.json says: the tree's format, how its lines were made, and the sum of its index.

    `aliases` are the base URLs that the tree had before it moved, oldest first. `lost` counts releases whose lines
    were there and are not any more, though nobody removed them, until somebody takes the index as it is.
    """

    format: int = FORMAT
    needs: str = NEEDS
    mode: Mode = "registry"
    aliases: tuple[str, ...] = ()
    crates: int = 0
    releases: int = 0
    digest: str = "0" * 64
    lost: int | UnsetType = UNSET

    def changed_by(self, delta: Delta) -> Self:
        """Give the record after a change."""
        digest = (int(self.digest, 16) + delta.digest) % _MODULUS
        return replace(
            self,
            crates=self.crates + delta.crates,
            releases=self.releases + delta.releases,
            digest=f"{digest:064x}",
        )

    def counting(self, total: Delta) -> Self:
        """Give the record of the same tree whose index sums up to `total`."""
        return replace(self, crates=0, releases=0, digest="0" * 64).changed_by(total)


class Tombstone(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A release that was removed on purpose. One that is brought back has the `pubtime` and the yank that it had.

    `lifted` is set while it is being brought back: with a line beside it the tombstone is done with, without one
    it holds as before. So whoever finds line and tombstone knows which of the two was meant to stay.
    """

    vers: str
    cksum: str
    pubtime: str | None = None
    yanked: bool = False
    lifted: bool = False


class Tombstones(Struct, frozen=True, kw_only=True):
    """The releases of one crate that were removed on purpose, in SemVer order."""

    schema: Literal[1] = 1
    name: str
    removed: tuple[Tombstone, ...] = ()

    def find(self, vers: str) -> Tombstone | None:
        """Give the tombstone of a version, or None."""
        return next((each for each in self.removed if each.vers == vers), None)

    def find_same_precedence(self, vers: str) -> Tombstone | None:
        """Give the tombstone of a version that differs at most in build metadata, or None."""
        wanted = without_build(vers)
        return next((each for each in self.removed if without_build(each.vers) == wanted), None)

    def with_removed(self, *stones: Tombstone) -> Self:
        """Give the tombstones with these added; one that is there already stays as it is, but is not lifted."""
        new = tuple(stone for stone in stones if self.find(stone.vers) is None)
        buried = {stone.vers for stone in stones}
        kept = tuple(replace(each, lifted=False) if each.vers in buried else each for each in self.removed)
        return replace(self, removed=tuple(sorted(kept + new, key=lambda each: parse_version(each.vers))))

    def with_lifted(self, versions: Collection[str]) -> Self:
        """Give the tombstones with those of these versions marked as being lifted."""
        stones = (replace(each, lifted=True) if each.vers in versions else each for each in self.removed)
        return replace(self, removed=tuple(stones))

    def without(self, versions: Collection[str]) -> Self:
        """Give the tombstones without those of these versions."""
        return replace(self, removed=tuple(each for each in self.removed if each.vers not in versions))


class _Format(Struct):
    format: int
    needs: str | None = None


def parse_tree_record(content: bytes) -> TreeRecord:
    """Read tree.json, or raise InvalidDocument: also for a format newer than this program knows."""
    try:
        head = msgspec.json.decode(content, type=_Format)
        if head.format > FORMAT:
            raise NewerFormat(
                f"the tree has format {head.format}, and this version reads up to {FORMAT}; "
                + (f"use cargo-static-index {head.needs} or later" if head.needs else "use a newer cargo-static-index")
            )
        return msgspec.json.decode(content, type=TreeRecord)
    except msgspec.MsgspecError as error:
        raise InvalidDocument(
            f"tree.json is not a tree's record: {error}; bring it back from a backup, "
            "or delete it, and the next pass makes it anew"
        ) from error


def parse_tombstones(content: bytes) -> Tombstones:
    """Read a crate's removed.json, or raise InvalidDocument."""
    try:
        return msgspec.json.decode(content, type=Tombstones)
    except msgspec.MsgspecError as error:
        raise InvalidDocument(f"not a document of tombstones: {error}") from error


def format_document(document: TreeRecord | Tombstones) -> bytes:
    """Give the bytes of one of our small documents: indented for people, one newline at the end."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
