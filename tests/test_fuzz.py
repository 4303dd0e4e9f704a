"""The targets of `fuzz/` take their seeds, and seeds that chance has damaged; two are fuzzed for a moment.

`scripts/test-long --only fuzz` fuzzes each for twenty minutes.
"""

from pathlib import Path

import pytest

from fuzz.__main__ import NAMES, Done, Ledger, figures, run_until
from fuzz.targets import TARGETS, damaged, seeds


@pytest.mark.parametrize("name", NAMES)
def test_a_target_only_returns(name: str) -> None:
    kept = list(seeds(name))
    assert kept
    for content in (*kept, *damaged(name, 100)):
        TARGETS[name](content)


@pytest.mark.parametrize("name", ["archive", "manifest"])
def test_a_target_is_fuzzed_until_it_has_had_its_executions(name: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="pyproject.toml says for which machines there is one")
    ledger = Ledger(tmp_path)
    assert not run_until(name, ledger, tmp_path, seconds=60, executions=1000)
    assert Ledger(tmp_path).of(name).executions == ledger.of(name).executions >= 1000
    assert len(list((tmp_path / name).iterdir())) > len(list(seeds(name)))


def test_time_and_executions_are_added_up_and_what_failed_is_named(tmp_path: Path) -> None:
    assert tuple(TARGETS) == NAMES
    Ledger(tmp_path).add("cfg", Done(seconds=60, executions=2000))
    ledger = Ledger(tmp_path)
    ledger.add("cfg", Done(seconds=90, executions=3))
    assert figures(ledger, ["cfg", "index"], [Path("target/fuzz/cfg/crash-1")]) == {
        "cfg": "2,003 executions in 2 minutes",
        "index": "0 executions in 0 minutes",
        "inputs that failed": ["target/fuzz/cfg/crash-1"],
    }
