"""`verify` again and again beside writers who never rest: what it tells of a sound tree is a false alarm.

    python -m tests.registry.verify.beside --seconds 240

has writers with a state in common and one with its own add, yank, remove and bring back, and passes over dropped
files between them. The last line that is printed is a JSON object of what was counted.
"""

import argparse
import json
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cargo_static_index.registry.verify.again import NEVER_QUIET
from tests.cli.program import run
from tests.crates import crate
from tests.world import World

WRITERS: Final = 2
NAMES: Final = 20
LOOKS: Final = (("verify", "--json"), ("verify", "--json", "--quick"), ("verify", "--json", "--share", "1/3"))


def begin(folder: Path, crates: int) -> World:
    """Make a tree with pages, at which is written from then on."""
    world = World(folder, {"registry.pages": True, "build.jobs": 1, "tree.lock-timeout": 600})
    (folder / "registry.toml").write_text('[registry]\nname = "acme"\nbase-url = "https://crates.example.com/"\n')
    world.put(*(crate(f"old-{number}") for number in range(crates)))
    world.build()
    return world


def write_on(world: World, number: int) -> None:
    """Change the tree again and again, now one crate and now many."""
    chance = random.Random(number)
    for done in count(1):
        name = f"of-{number}-{chance.randrange(NAMES)}"
        time.sleep(chance.choice([0, 0, 0.5]))
        if done % 10 == 0:
            world.put(*(crate(f"{name}-{done}", f"1.{each}.0") for each in range(10)), folder=f"by-{number}")
            world.build()
            continue
        file, release = crate(name, f"1.{done}.0").write(world.folder / f"files-{number}"), f"{name}@1.{done}.0"
        world.add(file)
        if chance.random() < 0.3:
            world.yank(release)
        if chance.random() < 0.3:
            world.remove(release)
            world.add(file, restore=True)


@contextmanager
def writers(world: World, number: int) -> Iterator[None]:
    """Have so many processes write, the last with a state of its own; AssertionError where one of them ends."""
    children = [_writer(world, each, own_state=each == number - 1) for each in range(number)]
    try:
        yield
        assert [os.waitpid(child, os.WNOHANG) for child in children] == [(0, 0)] * number, "a writer ended"
    finally:
        for child in children:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)


def _writer(world: World, number: int, *, own_state: bool) -> int:
    child = os.fork()
    if child:
        return child
    try:
        own = {"state.path": str(world.folder / "own-state")} if own_state else {}
        write_on(World(world.folder, {**world.options, **own}), number)
    finally:
        traceback.print_exc()
        os._exit(1)


def look_on(world: World, seconds: float, *, least: int = 2 * len(LOOKS)) -> dict[str, object]:
    """Verify until the time is up, now the sound tree, now one with a damaged archive, and give what was told."""
    [archive] = (world.tree / "crates/old-0").glob("*.crate")
    sound, looks = archive.read_bytes(), Counter[str]()
    alarms, missed, way = list[str](), 0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end or way < least:
        damaged = way % 2 == 1
        archive.write_bytes(sound[:-1] if damaged else sound)
        ended = run(*LOOKS[way // 2 % len(LOOKS)], cwd=world.folder, patience=600)
        told = [each["rule"] for each in ended.document()["findings"]]
        missed += damaged and "archive-damaged" not in told
        alarms += [each for each in told if not (damaged and each == "archive-damaged")]
        looks["damaged" if damaged else "sound"] += 1
        looks["never quiet"] += NEVER_QUIET in ended.err
        way += 1
    archive.write_bytes(sound)
    return {
        "looks at the sound tree": looks["sound"],
        "looks at it with a damaged archive": looks["damaged"],
        "of all these, such as never saw a quiet tree": looks["never quiet"],
        "false alarms": alarms,
        "damages missed": missed,
    }


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--crates", type=int, default=200)
    chosen = parser.parse_args()
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        world = begin(Path(folder), chosen.crates)
        with writers(world, WRITERS):
            figures = look_on(world, chosen.seconds)
        world.verified(fix=True)  # of what was killed in the middle
        left = run("verify", "--json", cwd=world.folder).document()["findings"]
        releases = len(list((world.tree / "crates").rglob("*.crate")))
    print(json.dumps({**figures, "releases at the end": releases, "found at the end": left}))
    sys.exit(bool(figures["false alarms"] or figures["damages missed"] or left))


if __name__ == "__main__":
    _main()
