"""What can be wrong with a tree: each with an id, the way out, and what mends it without changing a release."""

from collections.abc import Mapping
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
    "page-wrong",
    "pages-outdated",
    "record-wrong",
    "removal-unfinished",
    "tombstones-unreadable",
    "version-duplicate",
]
Level = Literal["error", "warning"]
Mending = Literal["write-facts", "delete", "finish-removal", "recount", "make-pages"]


class Fault(Struct, frozen=True):
    """One kind of what can be wrong: `mended` says that `verify --fix` mends it, where it can be."""

    id: FindingId
    says: str
    way_out: str
    level: Level = "error"
    mended: bool = False


_PUT_BACK = "Put the release's own archive back with `cargo-static-index add FILE`, or remove the release."
_READ_AGAIN = "Run `cargo-static-index verify --fix`, which reads them from the archive again."

FAULTS: Mapping[str, Fault] = {
    each.id: each
    for each in (
        Fault("archive-damaged", "An archive does not have the bytes that its line says.", _PUT_BACK),
        Fault("archive-missing", "A line names an archive that is not there.", _PUT_BACK),
        Fault(
            "archive-unread",
            "An archive breaks rules of today, so that nothing can be held against it.",
            "Remove the release, or read its pages with care; newer rules may refuse what older ones took.",
        ),
        Fault(
            "config-wrong",
            "`index/config.json` is missing, cannot be read, or sends cargo elsewhere.",
            "Run `cargo-static-index build`, which writes config.json; "
            "a foreign one, or one that cannot be read, needs `--move`.",
            mended=True,
        ),
        Fault("facts-missing", "The facts beside an archive are not there.", _READ_AGAIN, mended=True),
        Fault("facts-wrong", "The facts beside an archive are not what it says.", _READ_AGAIN, mended=True),
        Fault("file-stray", "A file lies where nobody asks for it.", "Move the file out of the tree."),
        Fault(
            "file-unnamed",
            "No line names an archive, or facts: a pass broke off, or the line was lost.",
            "Run `cargo-static-index build`: if a pass broke off, it publishes what it had begun. "
            "What nobody names then either, `cargo-static-index verify --fix` deletes; no client can ask for it.",
            mended=True,
        ),
        Fault(
            "line-differs",
            "A line does not say what its archive says.",
            "Run `cargo-static-index reindex`, which shows the difference and derives the line anew.",
        ),
        Fault(
            "line-misplaced",
            "A line stands in a file in which cargo does not look for its crate.",
            "Take the line out of this file; cargo ignores it there.",
        ),
        Fault(
            "line-unreadable",
            "Cargo cannot read a line.",
            "Take the line out of the file if nobody needs it; cargo skips it or calls it invalid.",
            level="warning",
        ),
        Fault(
            "lines-unordered",
            "The lines of a file do not stand in order of publication and version.",
            "None is needed: cargo does not mind.",
            level="warning",
        ),
        Fault("name-collision", "Two crates differ only in `-` and `_`.", "Remove one of the two crates."),
        Fault(
            "page-missing",
            "A page for people is not there, or empty.",
            "Run `cargo-static-index rebuild --pages`, or `cargo-static-index verify --fix`.",
            mended=True,
        ),
        Fault(
            "page-wrong",
            "A crate's document or a part of a list cannot be read, or does not say what the index says.",
            "Run `cargo-static-index rebuild --pages`, or `cargo-static-index verify --fix`.",
            mended=True,
        ),
        Fault(
            "pages-outdated",
            "The pages do not show what the index holds: a pass broke off, or made none.",
            "Run `cargo-static-index build`, which makes the pages that a pass did not come to make.",
            level="warning",
            mended=True,
        ),
        Fault(
            "record-wrong",
            "`tree.json` does not sum up what the index holds.",
            "Run `cargo-static-index verify --fix`, which counts anew.",
            mended=True,
        ),
        Fault(
            "removal-unfinished",
            "A release was removed, or brought back, and not wholly.",
            "Run `cargo-static-index verify --fix`, or any pass, which finishes it.",
            mended=True,
        ),
        Fault(
            "tombstones-unreadable",
            "What was removed of a crate cannot be read.",
            "Bring the file back from a backup; without it removed releases can come back.",
        ),
        Fault(
            "version-duplicate",
            "A file has two lines of one version.",
            "Take one of the lines out of the file: cargo cannot tell them apart.",
        ),
    )
}
"""Every fault by its id; the keys are headings of docs/rules.md."""


def explain_fault(fault: Fault) -> str:
    """Give the fault's part of docs/rules.md: Markdown, from its heading to the last line's end."""
    mended = "mended by `verify --fix` where that loses nothing" if fault.mended else "for a person to decide"
    return f"### {fault.id}\n\n{fault.says}\n\n- Level: {fault.level}, {mended}.\n- Way out: {fault.way_out}\n"


class Finding(Struct, frozen=True, kw_only=True):
    """One thing found wrong in a tree: where, the whole sentence, and the way out.

    `mending` is what mends it, None where that is for a person, or for whoever opens the tree; `fixed` says that it
    was done.
    """

    id: FindingId
    level: Level
    path: str
    message: str
    way_out: str
    mending: Mending | None = None
    fixed: bool = False


def found(kind: FindingId, path: str, message: str, mending: Mending | None = None, *, way_out: str = "") -> Finding:
    """Give the finding of that kind at a path of the tree; the way out is the fault's own unless it needs another."""
    fault = FAULTS[kind]
    return Finding(
        id=kind, level=fault.level, path=path, message=message, way_out=way_out or fault.way_out, mending=mending
    )
