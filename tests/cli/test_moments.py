"""Each command, ended by SIGTERM, by SIGINT and by a bug in the middle of what it does.

`scripts/test-long --only signals` tells them so by signals at many more moments.
"""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_static_index.cli.app import TABLE
from tests.cli.moments import (
    A_BUG,
    COMMANDS,
    PRINT_JSON,
    Runner,
    arguments_of,
    ended_by,
    files_of,
    is_well_after,
    prepare,
    runner,
)
from tests.documents import PRINTED_BY, hold_output

MOMENTS = ((signal.SIGTERM, 1 / 3), (A_BUG, 1 / 2), (signal.SIGINT, 2 / 3))
"""When a command is told to end, as a part of the calls that it makes."""
EDGES = ((signal.SIGINT, 0.04), (A_BUG, 0.95), (signal.SIGTERM, 0.98))
"""Before and after all that it does, where documents are about to be printed, or are."""


@pytest.fixture(scope="module")
def programs() -> Iterator[Runner]:
    with runner() as found:
        yield found


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("template"))


def test_every_command_is_here() -> None:
    assert set(COMMANDS) == set(TABLE)


def test_those_that_print_documents_are_asked_for_them() -> None:
    assert {name.partition(" ")[0] for name in PRINT_JSON} == set(PRINTED_BY)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_signal_or_a_bug_in_the_middle_ends_a_command_and_what_it_leaves_the_next_one_can_use(
    programs: Runner, template: Path, tmp_path: Path, name: str
) -> None:
    arguments = arguments_of(name)
    whole = programs.run(shutil.copytree(template, tmp_path / "whole"), *arguments, at=0)
    assert whole.code == (3 if name == "push" else 0), whole.said
    assert whole.calls > 0
    hold_output(arguments, whole.printed)
    before = files_of(template)
    for number, part in [*MOMENTS, *(EDGES if name in PRINT_JSON else ())]:
        folder = shutil.copytree(template, tmp_path / str(part))
        told = programs.run(folder, *arguments, number=number, at=max(1, int(whole.calls * part)))
        assert ended_by(number, name, told), told
        assert told.seconds is not None, told
        assert files_of(folder) == before or is_well_after(programs, folder)
