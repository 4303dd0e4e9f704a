"""Everything that can be wrong with a crate or with a tree, in one id space; docs/rules.md is made from this table."""

from collections.abc import Mapping

from cargo_static_index.diagnostics.crate_rules import CRATE_RULES
from cargo_static_index.diagnostics.rule import Level, Rule
from cargo_static_index.diagnostics.tree_rules import TREE_RULES

TREE = "What `verify` finds in a tree"
"""The group of rules for trees."""

GROUPS: Mapping[str, tuple[Rule, ...]] = {**CRATE_RULES, TREE: TREE_RULES}
"""The rules in the order of reading; the keys are the headings of docs/rules.md."""

RULES: Mapping[str, Rule] = {rule.id: rule for group in GROUPS.values() for rule in group}
"""Every rule by its id."""

MIRROR_LEVELS: Mapping[str, Level] = {rule.id: rule.mirror for rule in RULES.values() if rule.mirror}
"""The levels that rules have in a mirror, where they are others."""

CUT_SHORT = frozenset({"file-empty", "gzip-damaged", "tar-damaged"})
"""The rules that a file breaks of which only a part is there."""

MAYBE_PART = CUT_SHORT | {
    "file-not-gzip",
    "gzip-second-member",
    "gzip-trailing-bytes",
    "packed-too-large",
    "too-many-entries",
    "unpacked-too-large",
}
"""The rules that a file breaks whose end was not seen to be right, so that it may still be being copied.

A copy may be preallocated, come out of order, or go over a file that was there. Where the gzip's length and checksum
and the tar's end are right, and nothing follows, the file is whole.
"""


def levels_of(changed: Mapping[str, Level], *, mirror: bool) -> Mapping[str, Level]:
    """Give the levels that are not the rules' own: in a mirror those of a mirror, and above all those that change."""
    return {**MIRROR_LEVELS, **changed} if mirror else changed


def named(rule: str) -> tuple[Rule, ...]:
    """Give the rule of this id, and what had this id once."""
    return tuple(known for known in RULES.values() if rule in {known.id, known.formerly})


def explain(rule: Rule) -> str:
    """Give the rule's part of docs/rules.md: Markdown, from its heading to the last line's end."""
    now = ", which is a rule for crates alone" if rule.formerly in RULES else ""
    formerly = f"\n- Formerly `{rule.formerly}`{now}." if rule.formerly else ""
    example = f"\n- Example: {rule.example}." if rule.example else ""
    return f"### {rule.id}\n\n{rule.says}\n\n- Level: {_level(rule)}.\n- Way out: {rule.way_out}{example}{formerly}\n"


def _level(rule: Rule) -> str:
    if rule.of_tree:
        mended = "mended by `verify --fix` where that loses nothing" if rule.mended else "for a person to decide"
        return f"{rule.severity}, {mended}"
    kind = "policy: `[rules]` may change the level" if rule.policy else "protects clients: cannot be turned off"
    mirror = {None: "", "allow": "; off in a mirror"}.get(rule.mirror, f"; {rule.mirror} in a mirror")
    return f"{rule.level} ({kind}{mirror})"
