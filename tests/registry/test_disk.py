"""Whatever call of a change fails, or is the last of its process: a sample of `tests.registry.disk`."""

import os
import shutil
from pathlib import Path

import pytest

from tests.registry.disk import CHANGES, FAULTS, Fault, disturb, in_turn, places, prepare, wrongs

EVERY = {
    "unyank": 9,
    "a pass": 9,
    "the first pass": 11,
    "watch": 13,
    "watch by events": 25,
    "a pass that takes files away": 9,
    "pages on": 41,
    "pages off and on": 31,
}
"""Of these every so-many-th call is tried; of all others, every fifth."""


def tried(name: str, folder: Path, *, pages: bool, every: int = 1) -> list[str]:
    """Try one fault at each call of a change, or at every so-many-th, and give what was not as it must be."""
    trial = prepare(name, folder / "prepared", pages=pages)
    found: list[str] = []
    for fault, at in list(in_turn(trial))[::every]:
        world, ending, said = disturb(trial, fault, at, folder / "disturbed")
        wrong = [said] if ending == "mistake" else wrongs(trial, world, ending)
        found += [f"{fault.name} at call {at} {trial.calls[at]}, {ending}: {text}" for text in wrong]
        shutil.rmtree(folder / "disturbed")
    return found


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "publish a hundred"])
def test_a_change_happens_wholly_or_not_at_all_whatever_call_fails_or_is_the_last(name: str, tmp_path: Path) -> None:
    assert tried(name, tmp_path, pages=False, every=EVERY.get(name, 5)) == []


@pytest.mark.parametrize("name", ["yank", "reindex", "remove a crate"])
def test_pages_come_in_step_whatever_call_failed_or_was_the_last(name: str, tmp_path: Path) -> None:
    assert tried(name, tmp_path, pages=True, every=37) == []


def test_of_a_hundred_crates_each_is_published_wholly_or_not_at_all(tmp_path: Path) -> None:
    assert tried("publish a hundred", tmp_path, pages=False, every=401) == []


def test_what_was_not_disturbed_is_told_of_as_such(tmp_path: Path) -> None:
    trial = prepare("yank", tmp_path / "prepared", pages=False)
    world, ending, _ = disturb(trial, FAULTS[1], 10_000, tmp_path / "disturbed")
    assert ending == "not reached"
    assert list(wrongs(trial, world, "done")) == []


def test_what_is_lost_by_a_fault_is_found(tmp_path: Path) -> None:
    trial = prepare("yank", tmp_path / "prepared", pages=False)
    possible = places(trial, FAULTS[0])  # the last of them may not come: the state is put in order now and then
    world, ending, _ = disturb(trial, FAULTS[0], possible[len(possible) // 2], tmp_path / "disturbed")
    assert ending == "died"
    archive = next(iter((world.tree / "crates" / "aa").glob("*.crate")))
    os.truncate(archive, 10)
    assert any("has no archive" in text for text in wrongs(trial, world, ending))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_kind_of_fault_comes_to_its_turn(fault: Fault, tmp_path: Path) -> None:
    trial = prepare("publish one", tmp_path / "prepared", pages=False)
    possible = places(trial, fault)
    _, ending, said = disturb(trial, fault, possible[len(possible) // 2], tmp_path / "disturbed")
    assert ending in ({"died"} if fault.number is None else {"failed", "done"}), said
