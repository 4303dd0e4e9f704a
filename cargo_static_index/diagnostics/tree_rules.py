"""Every rule for a tree: all that `verify` can find wrong with what is published.

Values only: what finds a problem stands where the thing is read.
"""

from collections.abc import Callable, Mapping
from functools import partial

from cargo_static_index.diagnostics.rule import Level, Rule


def _tree(
    says: str, way_out: str, level: Level = "refuse", *, mended: bool = False, formerly: str = ""
) -> Callable[..., Rule]:
    return partial(Rule, level=level, says=says, way_out=way_out, of_tree=True, mended=mended, formerly=formerly)


_PUT_BACK = (
    "Run `cargo-static-index verify --fix`, which puts it back if it still lies in the drop directory; else put the "
    "release's own archive back with `cargo-static-index add FILE`, or remove the release."
)
_READ_AGAIN = "Run `cargo-static-index verify --fix`, which reads it from the archive again."

_ADDRESS = "Run `cargo-static-index verify --fix`, which puts the archive there from the one that the line names."

_ROWS: Mapping[str, Callable[..., Rule]] = {
    "address-missing": _tree("An archive does not lie at the address of its version.", _ADDRESS, mended=True),
    "address-unnamed": _tree(
        "An archive lies at the address of a version that is not published, or there are to be no such addresses.",
        "Run `cargo-static-index verify --fix`, which deletes it.",
        mended=True,
    ),
    "address-wrong": _tree("What lies at the address of a version is not its archive.", _ADDRESS, mended=True),
    "archive-damaged": _tree("An archive does not have the bytes that its line says.", _PUT_BACK, mended=True),
    "archive-missing": _tree("A line names an archive that is not there.", _PUT_BACK, mended=True),
    "archive-unread": _tree(
        "An archive breaks rules of today, so that nothing can be held against it.",
        "Remove the release, or read its pages with care; newer rules may refuse what older ones took.",
    ),
    "config-wrong": _tree(
        "`index/config.json` is missing, cannot be read, or sends cargo elsewhere.",
        "Run `cargo-static-index build`, which writes config.json; "
        "a foreign one, or one that cannot be read, needs `--move`.",
        mended=True,
    ),
    "crates-collide": _tree(
        "Two crates differ only in `-` and `_`.", "Remove one of the two crates.", formerly="name-collision"
    ),
    "file-stray": _tree("A file lies where nobody asks for it.", "Move the file out of the tree."),
    "file-unnamed": _tree(
        "No line names an archive, or metadata: a build broke off, or the line was lost.",
        "Run `cargo-static-index build`: if a build broke off, it publishes what it had begun. "
        "What nobody names then either, `cargo-static-index verify --fix` deletes; no client can ask for it.",
        mended=True,
    ),
    "kept-wrong": _tree(
        "What says until when the archive of a removed release stays is lost, or not what was written.",
        "Run `cargo-static-index verify --fix`, which puts back what the tombstones and it tell of each other.",
        mended=True,
    ),
    "line-differs": _tree(
        "A line does not say what its archive says.",
        "Run `cargo-static-index reindex`, which shows the difference and derives the line anew.",
    ),
    "line-misplaced": _tree(
        "A line stands in a file in which cargo does not look for its crate.",
        "Take the line out of this file; cargo ignores it there.",
    ),
    "line-unreadable": _tree(
        "Cargo cannot read a line.",
        "Take the line out of the file if nobody needs it; cargo skips it or calls it invalid.",
        level="warn",
    ),
    "line-wrong": _tree(
        "A line names the archive of another release, or its release has an archive with nearly the same checksum.",
        "Run `cargo-static-index verify --fix`, which sets the line right where damage can be the only reason; "
        "else take the line out of the file, and run `cargo-static-index rebuild`.",
        mended=True,
    ),
    "lines-lost": _tree(
        "An index file lost lines, or what they said, that the state or the crate's own `index.json` still knows.",
        "Run `cargo-static-index verify --fix`, or any command that changes the crate, which puts them back.",
        mended=True,
    ),
    "lines-unordered": _tree(
        "The lines of a file do not stand in order of publication and version.",
        "None is needed: cargo does not mind.",
        level="warn",
    ),
    "metadata-missing": _tree(
        "The metadata beside an archive is not there.", _READ_AGAIN, mended=True, formerly="facts-missing"
    ),
    "metadata-wrong": _tree(
        "The metadata beside an archive is not what it says.", _READ_AGAIN, mended=True, formerly="facts-wrong"
    ),
    "owners-wrong": _tree(
        "A crate's `owners.json`, which says who owns it, is lost, cannot be read, or names others than its pages do.",
        "Run `cargo-static-index verify --fix`, which puts back whom the crate's `index.json` names; where there is "
        "none, bring the file back from a backup.",
        mended=True,
    ),
    "page-missing": _tree(
        "A page for people is not there, or empty.",
        "Run `cargo-static-index rebuild --pages`, or `cargo-static-index verify --fix`.",
        mended=True,
    ),
    "page-wrong": _tree(
        "A crate's document or a part of a list cannot be read, or does not say what the index says.",
        "Run `cargo-static-index rebuild --pages`, or `cargo-static-index verify --fix`.",
        mended=True,
    ),
    "pages-outdated": _tree(
        "The pages do not show what the index holds: a build broke off, or made none.",
        "Run `cargo-static-index build`, which makes the pages that the last one did not come to make.",
        level="warn",
        mended=True,
    ),
    "record-wrong": _tree(
        "`tree.json` does not sum up what the index holds.",
        "Run `cargo-static-index verify --fix`, which counts anew.",
        mended=True,
    ),
    "removal-unfinished": _tree(
        "A release was removed, or brought back, and not wholly.",
        "Run `cargo-static-index verify --fix`, which finishes it; so does a build with the state of who removed it.",
        mended=True,
    ),
    "tombstones-lost": _tree(
        "A crate's `removed.json`, which says what was removed of it, is lost, or not what `tree.json` sums up.",
        "Run `cargo-static-index verify --fix`, which puts back what the state or the crate's `index.json` knows. "
        "What they do not know is in a backup, or `remove` it again; `rebuild` accepts the loss.",
        mended=True,
    ),
    "tombstones-unreadable": _tree(
        "What was removed of a crate cannot be read.",
        "Run `cargo-static-index verify --fix`, which puts back what the state or the crate's `index.json` knows; "
        "else bring the file back from a backup: without it removed releases can come back.",
        mended=True,
    ),
    "version-duplicate": _tree(
        "A file has two lines of one version.", "Take one of the lines out of the file: cargo cannot tell them apart."
    ),
}

TREE_RULES: tuple[Rule, ...] = tuple(row(id=name) for name, row in _ROWS.items())
"""The rules in the order of their ids."""
