"""Problems as they are found: every one is counted, the first of each rule are told."""

from collections import Counter
from collections.abc import Iterable

from cargo_static_index.diagnostics.rules import Problem, problem

TOLD = 10
"""Problems of one rule that are told; a hostile archive or manifest can have a hundred thousand."""


class ProblemList:
    """The problems of one crate in the order in which they were found, of each rule the first only."""

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self._told: list[Problem] = []
        self._counts: Counter[str] = Counter()
        self.extend(problems)

    def add(self, rule: str, message: str = "", *, place: str = "") -> None:
        """Note that a rule is broken."""
        if self._is_told(rule):
            self._told.append(problem(rule, message, place=place))

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note problems."""
        self._told += (each for each in problems if self._is_told(each.rule))

    def _is_told(self, rule: str) -> bool:
        self._counts[rule] += 1
        return self._counts[rule] <= TOLD

    def has(self, *rules: str) -> bool:
        """Whether one of these rules was broken."""
        return any(rule in self._counts for rule in rules)

    def problems(self) -> tuple[Problem, ...]:
        """Give those that are told, and how many more there are of a rule that was broken too often."""
        more = ((rule, count - TOLD) for rule, count in self._counts.items() if count > TOLD)
        return (*self._told, *(problem(rule, f"And {number} more of the same kind.") for rule, number in more))
