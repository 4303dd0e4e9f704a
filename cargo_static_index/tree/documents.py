"""Our own small documents in the tree: `tree.json`, which sums the registry up, and the tombstones of a crate.

The digest is the sum, modulo 2^256, of SHA-256 over (path, content) of every index file, and that of the tombstones
the sum over each that is in force. Order does not matter, and a change subtracts the old and adds the new, so keeping
it costs nothing, while one small read tells whether a tree is still the one that somebody knows.

A key that is not known is damage, since each change of a document raises its version: what is read over would be lost.
"""

from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Annotated, Literal, Self

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from cargo_static_index._json import UNREADABLE, write_json
from cargo_static_index.diagnostics.errors import InvalidDocument, InvalidInput, NewerFormat
from cargo_static_index.protocol.index_entry import parse_pubtime
from cargo_static_index.protocol.registries import Mode
from cargo_static_index.protocol.semver import parse_version, without_build

FORMAT = 2
"""Format 1 did not sum up the tombstones."""

NEEDS = "0.2.0"
"""The first version of this program that reads `FORMAT`."""

SLIP = 4
"""Digits in which a damaged digest may differ from the one that it was."""

_MODULUS = 1 << 256

Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256, or a sum of such modulo 2^256, in hexadecimal."""

KeptId = Annotated[str, Meta(pattern=r"^[0-9]{8}T[0-9]{6}\.000000Z-[0-9a-f]{32}$")]
"""The id of a document that keeps archives: the time until when, and a digest of the document."""

DigestOfAny = Annotated[str, Meta(pattern=r"^(?:[0-9a-f]{64})?$")]
"""Such a sum, or "" where there is nothing to be summed up."""


class Delta(Struct, frozen=True, kw_only=True):
    """What a change adds to the counts and the digest of a tree; what it takes is less than 0."""

    crates: int = 0
    releases: int = 0
    digest: int = 0
    removed: int = 0
    tombstones: int = 0

    def __add__(self, other: "Delta") -> "Delta":
        return Delta(
            crates=self.crates + other.crates,
            releases=self.releases + other.releases,
            digest=(self.digest + other.digest) % _MODULUS,
            removed=self.removed + other.removed,
            tombstones=(self.tombstones + other.tombstones) % _MODULUS,
        )


def weight(path: str, content: bytes | None, releases: int) -> Delta:
    """Give what one index file with so many releases counts for; nothing where there is none, or an empty one."""
    if not content:
        return Delta()
    digest = sha256(path.encode() + b"\0" + content).digest()
    return Delta(crates=int(releases > 0), releases=releases, digest=int.from_bytes(digest, "big"))


def sum_digests(digest: str, other: str) -> str:
    """Give the sum of two digests, modulo 2^256, where "" is nothing."""
    return _raised(digest or "0", int(other or "0", 16))


def difference(new: Delta, old: Delta) -> Delta:
    """Give what must be added to `old` to make `new`."""
    return Delta(
        crates=new.crates - old.crates,
        releases=new.releases - old.releases,
        digest=(new.digest - old.digest) % _MODULUS,
        removed=new.removed - old.removed,
        tombstones=(new.tombstones - old.tombstones) % _MODULUS,
    )


def _raised(digest: str, by: int) -> str:
    return f"{(int(digest, 16) + by) % _MODULUS:064x}"


class TreeRecord(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What tree.json says: the tree's format, how its lines were made, and the sum of its index.

    `aliases` are the base URLs that the tree had before it moved, oldest first. `lost` counts releases whose lines
    were there and are not any more, though nobody removed them, until somebody takes the index as it is.
    `removed` and `tombstones` count and sum up what was removed; a tree of format 1 does not know them.
    `keeps_until` is the first time at which archives go that are kept of removed releases; absent where none are.
    `version_addresses` is set where archives lie at the addresses of their versions, too.
    """

    format: int = FORMAT
    needs: str = NEEDS
    mode: Mode = "registry"
    aliases: tuple[str, ...] = ()
    crates: int = 0
    releases: int = 0
    digest: Digest = "0" * 64
    removed: int | UnsetType = 0
    tombstones: Digest | UnsetType = "0" * 64
    lost: int | UnsetType = UNSET
    keeps_until: str | UnsetType = UNSET
    version_addresses: bool | UnsetType = UNSET

    def changed_by(self, delta: Delta) -> Self:
        """Give the record after a change."""
        return replace(
            self,
            crates=self.crates + delta.crates,
            releases=self.releases + delta.releases,
            digest=_raised(self.digest, delta.digest),
            removed=UNSET if self.removed is UNSET else self.removed + delta.removed,
            tombstones=UNSET if self.tombstones is UNSET else _raised(self.tombstones, delta.tombstones),
        )

    def counting(self, total: Delta) -> Self:
        """Give the record, in today's format, of the same tree whose index and tombstones sum up to `total`."""
        nothing = "0" * 64
        empty = replace(
            self, format=FORMAT, needs=NEEDS, crates=0, releases=0, digest=nothing, removed=0, tombstones=nothing
        )
        return empty.changed_by(total)

    def counts_removed(self, total: Delta) -> bool:
        """Whether these are the tombstones that it sums up; so it is where it does not say."""
        if self.removed is UNSET or self.tombstones is UNSET:
            return True
        return (self.removed, int(self.tombstones, 16)) == (total.removed, total.tombstones)

    def removed_since(self, total: Delta) -> int:
        """Give how many releases were removed that it does not count yet."""
        return 0 if self.removed is UNSET else max(0, total.removed - self.removed)

    def with_removed_of(self, other: Self) -> Self:
        """Give the record with what another one says of tombstones."""
        kept = {"removed": other.removed, "tombstones": other.tombstones}
        return replace(self, format=other.format, needs=other.needs, **kept)


def is_slip(record: TreeRecord, known: TreeRecord) -> bool:
    """Whether tree.json differs from what it was by damage alone: any change makes other sums of all their digits."""
    one, other = (f"{tree.digest}{tree.tombstones or ''}" for tree in (record, known))
    differing = sum(digit != was for digit, was in zip(one, other, strict=False))
    return 0 < differing <= SLIP


class Tombstone(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A release that was removed on purpose. One that is brought back has the `pubtime` and the yank that it had.

    `lifted` is set while it is being brought back: with a line beside it the tombstone is done with, without one
    it holds as before. So whoever finds line and tombstone knows which of the two was meant to stay.
    `when` it was removed is written as `pubtime` is, None where nobody wrote it down. `kept` names what keeps its
    archive for a while (`tree/kept`).
    """

    vers: str
    cksum: Digest
    pubtime: str | None = None
    yanked: bool = False
    when: str | None = None
    lifted: bool = False
    kept: KeptId | None = None

    @property
    def plain(self) -> Self:
        """What it says of the release and its end, without what stands there of a return, or of its archive."""
        return replace(self, lifted=False, kept=None)


class Tombstones(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The releases of one crate that were removed on purpose, in SemVer order."""

    schema: Literal[1] = 1
    name: str
    removed: tuple[Tombstone, ...] = ()

    def in_force(self, held: Collection[str]) -> tuple[Tombstone, ...]:
        """Give those of releases that are not held: beside a line a tombstone is not yet, or no more, in force."""
        return tuple(stone for stone in self.removed if stone.vers not in held)

    def weight(self, held: Collection[str]) -> Delta:
        """Give what those in force count for in tree.json, the versions of the index file being `held`."""
        stones = self.in_force(held)
        said = (
            f"{self.name}\0{stone.vers}\0{stone.cksum}\0{stone.pubtime}\0{stone.yanked}"
            + (f"\0{stone.when}" if stone.when else "")
            for stone in stones
        )
        digests = (sha256(text.encode()).digest() for text in said)
        total = sum(int.from_bytes(digest, "big") for digest in digests)
        return Delta(removed=len(stones), tombstones=total % _MODULUS)

    def find(self, vers: str) -> Tombstone | None:
        """Give the tombstone of a version, or None."""
        return next((stone for stone in self.removed if stone.vers == vers), None)

    def find_same_precedence(self, vers: str) -> Tombstone | None:
        """Give the tombstone of a version that differs at most in build metadata, or None."""
        if not self.removed:
            return None
        wanted = without_build(vers)
        return next((stone for stone in self.removed if without_build(stone.vers) == wanted), None)

    def with_removed(self, *stones: Tombstone) -> Self:
        """Give the tombstones with these added; one that is there already stays as it is, but is not lifted."""
        new = tuple(stone for stone in stones if self.find(stone.vers) is None)
        buried = {stone.vers for stone in stones}
        kept = tuple(replace(stone, lifted=False) if stone.vers in buried else stone for stone in self.removed)
        return replace(self, removed=tuple(sorted(kept + new, key=lambda stone: parse_version(stone.vers))))

    def with_kept(self, kept: Mapping[str, KeptId | None]) -> Self:
        """Give the tombstones, of which those with these checksums say what keeps their archives."""
        return replace(
            self, removed=tuple(replace(stone, kept=kept.get(stone.cksum, stone.kept)) for stone in self.removed)
        )

    def with_lifted(self, versions: Collection[str]) -> Self:
        """Give the tombstones with those of these versions marked as being lifted."""
        stones = (replace(stone, lifted=True) if stone.vers in versions else stone for stone in self.removed)
        return replace(self, removed=tuple(stones))

    def without(self, versions: Collection[str]) -> Self:
        """Give the tombstones without those of these versions."""
        return replace(self, removed=tuple(stone for stone in self.removed if stone.vers not in versions))


class _Format(Struct):
    format: int
    needs: str | None = None


def parse_tree_record(content: bytes) -> TreeRecord:
    """Read tree.json, or raise InvalidDocument: a NewerFormat where this program does not know the format yet."""
    try:
        head = msgspec.json.decode(content, type=_Format)
        if head.format > FORMAT:
            raise NewerFormat(
                f"the tree has format {head.format}, and this version reads up to {FORMAT}; "
                + (f"use cargo-static-index {head.needs} or later" if head.needs else "use a newer cargo-static-index")
            )
        record = msgspec.json.decode(content, type=TreeRecord)
        return record if head.format > 1 else replace(record, removed=UNSET, tombstones=UNSET)
    except UNREADABLE as error:
        raise InvalidDocument(
            f"tree.json is not a tree's record: {error}; bring it back from a backup, "
            "or delete it, and the next build makes it anew"
        ) from error


def parse_tombstones(content: bytes) -> Tombstones:
    """Read a crate's removed.json, or raise InvalidDocument."""
    try:
        stones = msgspec.json.decode(content, type=Tombstones)
        for stone in stones.removed:
            parse_version(stone.vers)
            for time in filter(None, (stone.pubtime, stone.when)):
                parse_pubtime(time)
    except (*UNREADABLE, InvalidInput) as error:
        raise InvalidDocument(f"not a document of tombstones: {error}") from error
    return stones


def format_document(document: TreeRecord | Tombstones) -> bytes:
    """Give the bytes of one of our small documents: indented for people, one newline at the end."""
    return write_json(document)
