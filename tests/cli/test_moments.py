"""Each command, told by SIGTERM and by SIGINT to end in the middle of what it does.

`scripts/test-long --only signals` tells them so at many more moments.
"""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_static_index.cli.app import TABLE
from tests.cli.moments import COMMANDS, Runner, ended_by, files_of, is_well_after, prepare, runner


@pytest.fixture(scope="module")
def programs() -> Iterator[Runner]:
    with runner() as found:
        yield found


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("template"))


def test_every_command_is_here() -> None:
    assert set(COMMANDS) == set(TABLE)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_signal_in_the_middle_ends_a_command_and_what_it_leaves_the_next_one_can_use(
    programs: Runner, template: Path, tmp_path: Path, name: str
) -> None:
    whole = programs.run(shutil.copytree(template, tmp_path / "whole"), *COMMANDS[name], at=0)
    assert whole.code == (3 if name == "push" else 0), whole.said
    assert whole.calls > 0
    folder = shutil.copytree(template, tmp_path / "here")
    before = files_of(folder)
    for number, at in ((signal.SIGTERM, whole.calls // 3), (signal.SIGINT, whole.calls * 2 // 3)):
        told = programs.run(folder, *COMMANDS[name], number=number, at=at)
        assert ended_by(number, name, told), told
        assert told.seconds is not None, told
    assert files_of(folder) == before or is_well_after(programs, folder)
