"""What can be wrong with a tree: each with an id, the way out, and what mends it without changing a release."""

from typing import Literal

from msgspec import Struct

FindingId = Literal[
    "archive-damaged",
    "archive-missing",
    "archive-unread",
    "config-wrong",
    "facts-missing",
    "facts-wrong",
    "file-stray",
    "file-unnamed",
    "line-differs",
    "line-misplaced",
    "line-unreadable",
    "lines-unordered",
    "name-collision",
    "page-missing",
    "pages-outdated",
    "record-wrong",
    "removal-unfinished",
    "tombstones-unreadable",
    "version-duplicate",
]
Level = Literal["error", "warn"]
Mending = Literal["write-facts", "delete", "finish-removal", "recount", "make-pages"]

_WAYS_OUT: dict[FindingId, str] = {
    "archive-damaged": "Put the release's own archive back with `cargo-static-index add FILE`, or remove the release.",
    "archive-missing": "Put the release's own archive back with `cargo-static-index add FILE`, or remove the release.",
    "archive-unread": "Remove the release, or read its pages with care; newer rules may refuse what older ones took.",
    "config-wrong": "Run `cargo-static-index build`, which writes config.json; a foreign one needs `--move`.",
    "facts-missing": "Run `cargo-static-index verify --fix`, which reads them from the archive again.",
    "facts-wrong": "Run `cargo-static-index verify --fix`, which reads them from the archive again.",
    "file-stray": "Move the file out of the tree.",
    "file-unnamed": (
        "Run `cargo-static-index build`: if a pass broke off, it publishes what it had begun. "
        "What nobody names then either, `cargo-static-index verify --fix` deletes; no client can ask for it."
    ),
    "line-differs": "Run `cargo-static-index reindex`, which shows the difference and derives the line anew.",
    "line-misplaced": "Take the line out of this file; cargo ignores it there.",
    "line-unreadable": "Take the line out of the file if nobody needs it; cargo skips it or calls it invalid.",
    "lines-unordered": "None is needed: cargo does not mind.",
    "name-collision": "Remove one of the two crates.",
    "page-missing": "Run `cargo-static-index rebuild --pages`, or `cargo-static-index verify --fix`.",
    "pages-outdated": "Run `cargo-static-index build`, which makes the pages that a pass did not come to make.",
    "record-wrong": "Run `cargo-static-index verify --fix`, which counts anew.",
    "removal-unfinished": "Run `cargo-static-index verify --fix`, or any pass, which finishes it.",
    "tombstones-unreadable": "Bring the file back from a backup; without it removed releases can come back.",
    "version-duplicate": "Take one of the lines out of the file: cargo cannot tell them apart.",
}
_WARNINGS: frozenset[FindingId] = frozenset({"line-unreadable", "lines-unordered", "pages-outdated"})


class Finding(Struct, frozen=True, kw_only=True):
    """One thing found wrong in a tree: where, the whole sentence, and the way out.

    `mending` is what `mend` would do, None where only a person can decide; `fixed` says that it was done.
    """

    id: FindingId
    level: Level
    path: str
    message: str
    way_out: str
    mending: Mending | None = None
    fixed: bool = False


def found(kind: FindingId, path: str, message: str, mending: Mending | None = None) -> Finding:
    """Give the finding of that kind at a path of the tree."""
    level: Level = "warn" if kind in _WARNINGS else "error"
    return Finding(id=kind, level=level, path=path, message=message, way_out=_WAYS_OUT[kind], mending=mending)
