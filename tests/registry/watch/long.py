"""Long runs of a real watcher: `flood` drops many files during a pass, `soak` works, kills and restarts for a while.

    python -m tests.registry.watch.long flood --files 100000
    python -m tests.registry.watch.long soak --seconds 1800

The last line that is printed is a JSON object of what was counted.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.cli.program import PROGRAM, environment, run
from tests.crates import CrateBuilder, crate
from tests.world import World

Figures = dict[str, object]

SMALL = ("--no-pages", "--watch-settle", "1s", "--log-format", "json")


class Process:
    """A watcher as users run it, with what it uses, as /proc says it."""

    def __init__(self, world: World) -> None:
        self._log = world.folder / "log"
        command = [*PROGRAM, "watch", "--base-url", "https://crates.example.com/", *SMALL]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=world.folder, env=environment(), stdout=log, stderr=log)

    @property
    def mib(self) -> float:
        """The memory that it uses now, in MiB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    @property
    def files(self) -> int:
        """The files that it has open now."""
        return sum(1 for _ in Path(f"/proc/{self._process.pid}/fd").iterdir())

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and give the exit code."""
        self._process.send_signal(number)
        return self._process.wait(60)

    def events(self) -> list[dict[str, object]]:
        """Give what was printed, by all watchers of this folder."""
        lines = self._log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


def await_held(world: World, wanted: int, seconds: float) -> None:
    """Wait until so many releases are held."""
    end = time.monotonic() + seconds
    while _held(world) < wanted:
        assert time.monotonic() < end, f"only {_held(world)} of {wanted} releases are held"
        time.sleep(0.2)


def _held(world: World) -> int:
    try:
        releases = world.record()["releases"]
    except (OSError, ValueError):
        return 0
    return releases if isinstance(releases, int) else 0


def flood(folder: Path, files: int) -> Figures:
    """Drop many files while a pass goes on: each is published, none is read into two lines, memory stays flat."""
    world = World(folder)
    first = min(2000, files // 10)
    for number in range(first):
        release(number).write(world.drop / f"{number % 50:02}")
    begun, watcher = time.monotonic(), Process(world)
    try:
        for number in range(first, files):
            release(number).write(world.drop / f"{number % 50:02}")
        most = watcher.mib
        while _held(world) < files:
            most = max(most, watcher.mib)
            time.sleep(0.2)
            assert time.monotonic() - begun < 3600, f"only {_held(world)} of {files} are held"
        seconds, code = time.monotonic() - begun, watcher.end()
    finally:
        watcher.end(signal.SIGKILL)
    published = sum(event["event"] == "published" for event in watcher.events())
    assert (code, published) == (0, files)
    return {"files": files, "published": published, "seconds": round(seconds), "MiB at most": round(most)}


def release(number: int) -> CrateBuilder:
    """Give one release of many crates."""
    return crate(f"flood-{number // 20:05}", f"1.{number % 20}.0")


def soak(folder: Path, seconds: float, seed: int = 1) -> Figures:
    """Drop files in every way, with kills in the first half; afterwards all is held, and what it uses is as before."""
    world, chance = World(folder), random.Random(seed)
    watcher, dropped, kills = Process(world), 0, 0
    begun = killed = time.monotonic()
    samples: list[tuple[float, int]] = []
    try:
        while (passed := time.monotonic() - begun) < seconds:
            chance.choice(WAYS)(world, release(dropped))
            dropped += 1
            time.sleep(chance.random() * 0.2)
            if passed < seconds / 2 and time.monotonic() - killed > chance.uniform(0.5, min(20, seconds / 8)):
                watcher.end(signal.SIGKILL)
                watcher, kills, killed = Process(world), kills + 1, time.monotonic()
            elif passed >= seconds / 2 and dropped % 20 == 0:
                samples.append((watcher.mib, watcher.files))
            if dropped % 50 == 0:
                run("yank", f"{release(0).name}@{release(0).version}", cwd=world.folder)
        await_held(world, dropped, 120)
        code = watcher.end()
    finally:
        watcher.end(signal.SIGKILL)
    assert code == 0
    found = run("verify", "--no-pages", cwd=world.folder)
    assert found.code == 0, found.out
    return {
        "seconds": round(seconds),
        "files dropped and held": dropped,
        "kills survived": kills,
        "MiB": _range([round(mib, 1) for mib, _ in samples]),
        "open files": _range([files for _, files in samples]),
    }


def _range(values: list[float] | list[int]) -> str:
    return f"{values[0]} at first, {values[-1]} at last, {max(values)} at most" if values else "not sampled"


def copied(world: World, made: CrateBuilder) -> None:
    """Copy a file in, as `cp` does."""
    made.write(world.drop)


def renamed_in(world: World, made: CrateBuilder) -> None:
    """Upload under another name, and rename."""
    path = made.write(world.folder / "upload")
    path.rename(world.drop / path.name)


def in_pieces(world: World, made: CrateBuilder) -> None:
    """Upload in pieces, each of which is closed."""
    content, path = made.build(), world.drop / f"{made.name}-{made.version}.crate"
    for at in range(0, len(content), 1000):
        with path.open("ab") as file:
            file.write(content[at : at + 1000])


def preallocated(world: World, made: CrateBuilder) -> None:
    """Make room first, and fill it from its end."""
    content = made.build()
    with (world.drop / f"{made.name}-{made.version}.crate").open("wb") as file:
        file.truncate(len(content))
        for at in reversed(range(0, len(content), 700)):
            file.seek(at)
            file.write(content[at : at + 700])


def in_a_new_folder(world: World, made: CrateBuilder) -> None:
    """Make a folder, and the file in it at once."""
    made.write(world.drop / f"in-{made.name}" / made.version)


WAYS: tuple[Callable[[World, CrateBuilder], None], ...] = (
    copied,
    renamed_in,
    in_pieces,
    preallocated,
    in_a_new_folder,
)


def main() -> None:
    """Do one run, and print what was counted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["flood", "soak"])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=1800)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="watch-") as folder:
        place = Path(folder)
        figures = flood(place, given.files) if given.what == "flood" else soak(place, given.seconds)
    json.dump(figures, sys.stdout)
    print()


if __name__ == "__main__":
    main()
