"""Problems as they are found: every one is counted, the first of each rule are told."""

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import force_setattr, replace

from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.diagnostics.rule import Level, Rule, Severity
from cargo_static_index.diagnostics.rules import RULES

Fix = Literal[
    "write-metadata",
    "write-address",
    "delete",
    "finish-removal",
    "recount",
    "make-pages",
    "restore-kept",
    "restore-lines",
    "restore-owners",
    "restore-tombstones",
    "set-line-right",
    "write-proven",
]
"""What mends a tree without changing a release."""

LONGEST = 1000
"""Characters of a sentence or place; a hostile crate can have names of a million."""

TOLD = 10
"""Problems of one rule that are told; a hostile archive or manifest can have a hundred thousand."""


class Problem(Struct, frozen=True, kw_only=True):
    """One thing found wrong: `place` says where inside the crate, `message` is the whole sentence.

    All its texts are short and without control characters, whatever the crate says.
    """

    rule: str
    message: str
    place: str = ""
    way_out: str = ""
    own: Rule | UnsetType = UNSET
    """The rule itself, where it is one of the registry's own."""

    def __post_init__(self) -> None:
        together = f"{self.message}{self.place}{self.way_out}"
        if len(together) <= LONGEST and together.isprintable():  # nearly all are
            return
        for field in ("message", "place", "way_out"):
            text = getattr(self, field)
            if len(text) > LONGEST or not text.isprintable():
                force_setattr(self, field, escape(text, longest=LONGEST))


class Finding(Problem, frozen=True, kw_only=True):
    """A problem of a tree, at `path`: `fix` is what mends it, None where that is for a person; `fixed`: it was done."""

    path: str
    fix: Fix | None = None
    fixed: bool = False

    @property
    def id(self) -> str:
        """The id of its rule."""
        return self.rule

    @property
    def level(self) -> Severity:
        """How grave it is."""
        return RULES[self.rule].severity


def problem(rule: str, message: str = "", *, place: str = "", way_out: str = "") -> Problem:
    """Give the problem that breaks `rule`; sentence and way out are the rule's own unless better ones are given."""
    broken = RULES[rule]
    return Problem(rule=rule, message=message or broken.says, place=place, way_out=way_out or broken.way_out)


def in_words_of_its_rule(problem: Problem) -> Problem:
    """Give a problem of the same rule that says nothing of what was found."""
    rule = rule_of(problem)
    return Problem(rule=rule.id, message=rule.says, way_out=rule.way_out, own=problem.own)


def found(rule: str, path: str, message: str, fix: Fix | None = None, *, way_out: str = "") -> Finding:
    """Give the problem of a tree that breaks `rule` at a path; the way out is the rule's own unless one is given."""
    return Finding(rule=rule, path=path, place=path, message=message, way_out=way_out or RULES[rule].way_out, fix=fix)


def rule_of(problem: Problem) -> Rule:
    """Give the rule that a problem breaks."""
    return problem.own if isinstance(problem.own, Rule) else RULES[problem.rule]


def level_of(problem: Problem, levels: Mapping[str, Level]) -> Level:
    """Give the level of a problem under the levels that the settings change."""
    rule = rule_of(problem)
    return levels.get(problem.rule, rule.level) if rule.policy else rule.level


def refused(problems: Iterable[Problem], levels: Mapping[str, Level]) -> bool:
    """Whether any of these problems keeps a crate out."""
    return any(level_of(problem, levels) == "refuse" for problem in problems)


class ProblemList:
    """The problems of one crate in the order in which they were found, of each rule the first only."""

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self._told: list[Problem] = []
        self._counts: dict[str, int] = {}
        self.extend(problems)

    def add(self, rule: str, message: str = "", *, place: str = "") -> None:
        """Note that a rule is broken."""
        if self._is_told(rule):
            self._told.append(problem(rule, message, place=place))

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note problems."""
        self._told += (problem for problem in problems if self._is_told(problem.rule))

    def _is_told(self, rule: str) -> bool:
        count = self._counts[rule] = self._counts.get(rule, 0) + 1
        return count <= TOLD

    def has(self, *rules: str) -> bool:
        """Whether one of these rules was broken."""
        return not self._counts.keys().isdisjoint(rules)

    def problems(self) -> tuple[Problem, ...]:
        """Give those that are told, and how many more there are of a rule that was broken too often."""
        more = {rule: count - TOLD for rule, count in self._counts.items() if count > TOLD}
        first = {problem.rule: problem for problem in reversed(self._told)} if more else {}
        return (*self._told, *(_more_like(first[rule], number) for rule, number in more.items()))


def _more_like(one: Problem, number: int) -> Problem:
    return replace(one, message=f"And {number} more of the same kind.", place="", way_out=rule_of(one).way_out)
