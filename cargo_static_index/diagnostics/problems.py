"""Problems as they are found: every one is counted, the first of each rule are told."""

from contextlib import suppress

from cargo_static_index.diagnostics.rules import Problem, problem

TOLD = 10
"""Problems of one rule that are told; a hostile archive can have a hundred thousand."""
SHOWN = 160
"""Characters of a path that a message shows."""


class Findings:
    """The problems of one crate, grouped by rule in the order in which each rule was first broken."""

    def __init__(self) -> None:
        self._told: dict[str, list[Problem]] = {}
        self._untold: dict[str, int] = {}

    def add(self, rule: str, message: str = "", *, place: str = "") -> None:
        """Note one problem."""
        told = self._told.setdefault(rule, [])
        if len(told) < TOLD:
            told.append(problem(rule, message, place=place))
        else:
            self._untold[rule] = self._untold.get(rule, 0) + 1

    def has(self, *rules: str) -> bool:
        """Whether one of these rules was broken."""
        return any(rule in self._told for rule in rules)

    def problems(self) -> tuple[Problem, ...]:
        """Give all problems; where a rule was broken too often, its last one says how often more."""
        found: list[Problem] = []
        for rule, told in self._told.items():
            found += told
            if more := self._untold.get(rule):
                found.append(problem(rule, f"And {more} more of the same kind."))
        return tuple(found)


def shown(path: str | bytes) -> str:
    """Give a path as messages show it: quoted, escaped, and cut where it is long; as bytes only if it is not UTF-8."""
    if isinstance(path, bytes):
        with suppress(UnicodeDecodeError):
            path = path.decode()
    return repr(path) if len(path) <= SHOWN else f"{path[:SHOWN]!r}…"
