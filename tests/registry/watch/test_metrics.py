"""What Prometheus reads of a watcher."""

import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.registry.watch.health import Failure, Health, WaitingFile
from cargo_static_index.registry.watch.metrics import MetricsFile
from tests.crates import crate
from tests.world import World

WELL = Health(process=7, started=1, mode="events", looks=1, last_look=5)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, {"registry.pages": False})


def values_of(path: Path) -> dict[str, int]:
    lines = (line.partition(" ") for line in path.read_text().splitlines() if not line.startswith("#"))
    return {name.removeprefix("cargo_static_index_"): int(value) for name, _, value in lines}


def test_how_the_watcher_is_stands_in_numbers(world: World) -> None:
    path = world.folder / "watch.prom"
    waiting = (
        WaitingFile(path="a", since=int(time.time()) - 100, why="open"),
        WaitingFile(path="b", since=10**10, why="open"),
    )
    failure = Failure(message="The disk is full.", since=3)
    health = replace(WELL, mode="poll", waiting=waiting, waiting_files=5, failure=failure, lost_events=2, looks=3)
    MetricsFile(path, world.settings())(health)
    values = values_of(path)
    assert 100 <= values.pop("oldest_waiting_seconds") < 200
    assert values.pop('free_bytes{folder="drop"}') > 0
    assert values.pop('free_bytes{folder="state"}') > 0
    assert values == {
        "last_look_seconds": 5,
        "looks_total": 3,
        "polling": 1,
        "failing": 1,
        "waiting_files": 5,
        "lost_events_total": 2,
    }


def test_refused_files_are_counted_by_rule_after_each_look(world: World) -> None:
    path = world.folder / "watch.prom"
    metrics = MetricsFile(path, world.settings())
    crate("std").write(world.drop)
    (world.drop / "page.crate").write_text("<html>")
    world.build()
    metrics(WELL)
    refused = {'refused_files{rule="reserved-name"}': 1, 'refused_files{rule="file-not-gzip"}': 1}
    assert values_of(path).items() >= refused.items()
    metrics(replace(WELL, looks=2))
    assert values_of(path).items() >= refused.items()
    (world.drop / "page.crate").unlink()
    world.build()
    metrics(replace(WELL, looks=2, lost_events=1))
    assert 'refused_files{rule="file-not-gzip"}' in values_of(path), "no look has ended since"
    metrics(replace(WELL, looks=3))
    assert 'refused_files{rule="file-not-gzip"}' not in values_of(path)


def test_who_says_the_same_again_writes_nothing_for_a_while(world: World) -> None:
    path = world.folder / "watch.prom"
    metrics = MetricsFile(path, world.settings())
    metrics(WELL)
    path.unlink()
    metrics(WELL)
    assert not path.exists()
    metrics(replace(WELL, lost_events=1))
    assert path.exists()


def test_a_file_that_cannot_be_written_is_refused_at_the_start_and_waited_for_later(world: World) -> None:
    path = world.folder / "in/watch.prom"
    with pytest.raises(SettingsError, match=r"--metrics-file: .*/in/watch\.prom cannot be written: No such file"):
        MetricsFile(path, world.settings())(WELL)
    path.parent.mkdir()
    metrics = MetricsFile(path, world.settings())
    metrics(WELL)
    path.unlink()
    path.parent.rmdir()
    metrics(replace(WELL, looks=2))
    path.parent.mkdir()
    metrics(replace(WELL, looks=3))
    assert values_of(path)["looks_total"] == 3
