"""Telling dropped files that are published already from new ones by their checksum alone.

Whoever reads a drop directory without the state of before would else check all once more that was ever published. A
file that is called as cargo calls it tells which release it may be, and its bytes then tell whether it is.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from cargo_static_index.crate.candidate import DropFile, HeldRelease
from cargo_static_index.registry.drop import possible_releases
from cargo_static_index.registry.transaction import Transaction
from cargo_static_index.tree import layout


def with_held(transaction: Transaction, files: Sequence[DropFile]) -> list[DropFile]:
    """Give files with the release that each may be, where the state knows one, and the tree has its archive.

    Where writers on several hosts share a tree the state is not asked, which may know but little of it.
    """
    if transaction.log or not transaction.record.releases:
        return list(files)
    called = [list(possible_releases(file.file.decode(errors="replace"))) for file in files]
    rows = transaction.state.published.checksums_of(release for releases in called for release in releases)
    known = {(name, vers): HeldRelease(name=name, vers=vers, cksum=cksum) for name, vers, cksum in rows}
    held = (_lying(transaction, known, releases) for releases in called)
    return [replace(file, held=known) if known else file for file, known in zip(files, held, strict=True)]


def _lying(
    transaction: Transaction, known: Mapping[tuple[str, str], HeldRelease], releases: Sequence[tuple[str, str]]
) -> HeldRelease | None:
    """Give the one of these releases that is known, and whose archive lies in the tree."""
    held = next((known[release] for release in releases if release in known), None)
    if held is None or transaction.store.size(layout.archive_file(held.name, held.cksum)) is None:
        return None
    return held
