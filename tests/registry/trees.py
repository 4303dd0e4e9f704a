"""Trees in memory that are made line by line: for tests of what only asks an index."""

import json
from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType

from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.documents import Tombstone, Tombstones, format_document
from cargo_static_index.tree.layout import index_file, tombstones_file

NONE: Mapping[str, str] = MappingProxyType({})


def cksum_of(name: str, vers: str) -> str:
    """Give what stands for the checksum of a release."""
    return sha256(f"{name} {vers}".encode()).hexdigest()


def line(name: str, vers: str = "1.0.0", needs: Mapping[str, str] = NONE, **more: object) -> bytes:
    """Give the line of a release that needs these crates of its own registry."""
    deps: list[object] = [
        {
            "name": need,
            "req": req,
            "features": [],
            "optional": False,
            "default_features": True,
            "target": None,
            "kind": "normal",
        }
        for need, req in needs.items()
    ]
    about = {"name": name, "vers": vers, "deps": deps, "cksum": cksum_of(name, vers), "features": {}, "yanked": False}
    return json.dumps(about | more, separators=(",", ":")).encode()


def tree_of(crates: Mapping[str, list[bytes]]) -> MemoryStore:
    """Give a tree with the index files of these crates and nothing else."""
    return MemoryStore({index_file(name): b"".join(one + b"\n" for one in lines) for name, lines in crates.items()})


def stone(name: str, vers: str) -> Tombstone:
    """Give the tombstone of a release."""
    return Tombstone(vers=vers, cksum=cksum_of(name, vers), when="2026-01-01T00:00:00Z")


def buried(name: str, *versions: str) -> Mapping[str, bytes]:
    """Give the tombstones of versions of a crate as a file of the tree."""
    stones = Tombstones(name=name, removed=tuple(stone(name, vers) for vers in versions))
    return {tombstones_file(name): format_document(stones)}
