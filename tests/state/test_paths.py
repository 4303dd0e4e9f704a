"""Paths that were changed are told of once each, the first first, and again where they change meanwhile."""

from pathlib import Path

from cargo_static_index.state import open_state


def test_a_path_that_changes_while_it_is_told_of_is_told_of_again(tmp_path: Path) -> None:
    with open_state(tmp_path / "state") as state:
        waiting = state.undelivered
        waiting.add([("a", False), ("b", False), ("c", True)])
        first, second = waiting.some(2)
        assert (first[1:], second[1:]) == (("a", False), ("b", False))
        waiting.add([("b", True)])
        waiting.delivered(second[0])
        assert [told[1:] for told in waiting.some(9)] == [("c", True), ("b", True)]
        assert (waiting.count(9), waiting.count(1)) == (2, 1)
        waiting.delivered(waiting.some(9)[-1][0])
        assert (waiting.some(9), waiting.count(9)) == ([], 0)
