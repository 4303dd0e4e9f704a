import signal
from pathlib import Path

import pytest

from tests.cli.program import run
from tests.cli.watching import watching
from tests.crates import crate


def test_what_is_there_is_published_at_the_start_and_what_comes_as_it_comes(fresh: Path) -> None:
    with watching(cwd=fresh) as watcher:
        watcher.until("Published foo 1.0.0\n")
        crate("foo", "1.1.0").write(fresh / "drop/deep/er")
        watcher.until("Published foo 1.1.0\n")
        assert watcher.stop() == 0
    assert "foo@1.1.0" in run("list", cwd=fresh).ok()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0(fresh: Path, number: int) -> None:
    with watching(cwd=fresh) as watcher:
        watcher.until("Published foo 1.0.0\n")
        assert watcher.stop(number) == 0
        assert watcher.said.splitlines() == [
            "    Watching drop by events",
            "   Published bar 0.1.0",
            "   Published foo 1.0.0",
        ]


def test_it_ends_by_itself_once_nothing_comes_any_more(fresh: Path) -> None:
    with watching("--exit-when-idle", "0.2", cwd=fresh) as watcher:
        assert watcher.ended() == 0
        assert "Published foo 1.0.0\n" in watcher.said
