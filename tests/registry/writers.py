"""Writers that change one tree at the same time, and a reader that looks all the while; what must be so at the end.

    python -m tests.registry.writers --writers 8 --crates 400 --names 40

adds crates from so many processes, with one state directory and with one for each; then again with yanks and removals
between, and once more with writers that are killed. The last line that is printed is a JSON object of what was counted.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from msgspec import Struct

from cargo_static_index.diagnostics.errors import NotHeld
from cargo_static_index.store.local.store import LocalStore
from cargo_static_index.tree.layout import archive_file
from tests.crates import crate
from tests.registry.disk import different, unusable
from tests.world import World

Figures = dict[str, int]
What = Literal["add", "yank", "remove"]
State = Literal["absent", "held", "yanked", "removed"]


class Deed(Struct, frozen=True):
    """One thing that a writer does to one release."""

    what: What
    release: str

    def do(self, world: World) -> str:
        """Do it, and give what came of it."""
        try:
            if self.what == "add":
                report = world.add(world.folder / "files" / f"{self.release.replace('@', '-')}.crate")
                return "refused" if report.of("refused") else "done"
            (world.yank if self.what == "yank" else world.remove)(self.release)
        except NotHeld:
            return "refused"
        return "done"


_BECOMES: Final[Mapping[tuple[What, State], tuple[State, str]]] = {
    ("add", "absent"): ("held", "done"),
    ("add", "removed"): ("removed", "refused"),
    ("yank", "absent"): ("absent", "refused"),
    ("yank", "held"): ("yanked", "done"),
    ("yank", "removed"): ("removed", "refused"),
    ("remove", "absent"): ("absent", "refused"),
    ("remove", "held"): ("removed", "done"),
    ("remove", "yanked"): ("removed", "done"),
}


def explained(deeds: Mapping[What, str], state: State) -> bool:
    """Whether some order of what was done to one release gives these results, and leaves it so."""
    return any(_ends(order, deeds) == state for order in permutations(deeds))


def _ends(order: Sequence[What], deeds: Mapping[What, str]) -> State | None:
    state: State = "absent"
    for what in order:
        state, result = _BECOMES[what, state]
        if result != deeds[what]:
            return None
    return state


def deeds_of(crates: int, names: int, *, mixed: bool, seed: int) -> list[Deed]:
    """Give what is to be done, in any order: each release is added, some are yanked, some removed."""
    chance = random.Random(seed)
    releases = [f"name-{number % names:02}@1.{number // names}.0" for number in range(crates)]
    deeds = [Deed("add", release) for release in releases]
    if mixed:
        deeds += [Deed("yank", release) for release in releases if chance.random() < 0.3]
        deeds += [Deed("remove", release) for release in releases if chance.random() < 0.2]
    chance.shuffle(deeds)
    return deeds


def prepare(folder: Path, deeds: Sequence[Deed], options: Mapping[str, object]) -> World:
    """Make a registry, and the files that are to be added."""
    world = World(folder, {"tree.lock-timeout": 600, "build.jobs": 1, **options})
    for deed in deeds:
        if deed.what == "add":
            crate(*deed.release.split("@")).write(folder / "files")
    return world


def write(world: World, number: int, deeds: Sequence[Deed], *, own_state: bool) -> int:
    """Do some of it in a process of its own, which notes what came of each; give its id."""
    child = os.fork()
    if child:
        return child
    try:
        own = {"state.path": str(world.folder / f"state-{number}")} if own_state else {}
        mine = World(world.folder, world.options | own)
        with (world.folder / f"results-{number}").open("a", encoding="ascii", buffering=1) as results:
            for deed in deeds:
                results.write(f"{deed.what} {deed.release} {deed.do(mine)}\n")
    except BaseException:  # noqa: BLE001 - this process ends here, and its parent tells
        (world.folder / f"error-{number}").write_text(traceback.format_exc())
        os._exit(1)
    os._exit(0)


def read_on(world: World) -> int:
    """Read the index again and again in a process of its own, until it is ended; what is wrong it writes down."""
    child = os.fork()
    if child:
        return child
    with (world.folder / "read").open("a", encoding="utf-8", buffering=1) as found:
        while True:
            looked = 0
            for path in list((world.tree / "index").rglob("name-*")):
                looked += 1
                for text in wrong_lines(world, path):
                    found.write(f"{text}\n")
            (world.folder / "looked").open("a", encoding="ascii").write(f"{looked}\n")


def wrong_lines(world: World, path: Path) -> Iterator[str]:
    """Give what a client would stumble over in an index file: lines that do not parse, or whose archive is missing."""
    for raw in path.read_bytes().splitlines():
        try:
            line = json.loads(raw)
        except ValueError:
            yield f"{path.name} has a line that does not parse: {raw!r}"
            continue
        archive = world.tree / archive_file(line["name"], line["cksum"])
        if not archive.exists() and raw in path.read_bytes().splitlines():  # else it was removed just now
            yield f"{line['name']} {line['vers']} has no archive"
        elif archive.exists() and sha256(archive.read_bytes()).hexdigest() != line["cksum"]:
            yield f"{line['name']} {line['vers']} has another archive"


def together(
    folder: Path, deeds: Sequence[Deed], writers: int, *, own_states: bool, pages: bool = True, kills: int = 0
) -> tuple[World, Figures]:
    """Do it from several processes at the same time, and give the registry; AssertionError where one failed.

    Of those that are killed another takes the place, and does what is left.
    """
    world = prepare(folder, deeds, {"registry.pages": pages})
    world.build()
    shares = [list(deeds[number::writers]) for number in range(writers)]
    begun, chance, left = time.monotonic(), random.Random(1), kills
    running = {write(world, at, share, own_state=own_states): at for at, share in enumerate(shares)}
    reader = read_on(world)
    try:
        while running:
            time.sleep(chance.random() * 0.3 if left else 0.02)
            if left and running:
                victim = chance.choice(list(running))
                os.kill(victim, signal.SIGKILL)
                left -= 1
            for child in list(running):
                ended, status = os.waitpid(child, os.WNOHANG)
                if not ended:
                    continue
                number = running.pop(child)
                failed = folder / f"error-{number}"
                assert not failed.exists(), failed.read_text()
                if os.WIFSIGNALED(status):
                    done = _lines(folder / f"results-{number}")
                    rest = shares[number][len(done) :]
                    running[write(world, number, rest, own_state=own_states)] = number
    finally:
        for child in [reader, *running]:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    seconds = time.monotonic() - begun
    assert _lines(folder / "read") == []
    looks = _lines(folder / "looked")
    return world, {
        "seconds": round(seconds),
        "index files read meanwhile": sum(map(int, looks)),
        "writers killed": kills - left,
    }


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def wrongs(world: World, deeds: Sequence[Deed]) -> Iterator[str]:
    """Give what is not as it must be once all writers have ended. Nothing is changed by this."""
    yield from unusable(LocalStore(world.tree))
    yield from (f"verify finds {finding.rule} at {finding.path}" for finding in world.verified())
    results: dict[str, dict[What, str]] = {}
    said = dict(line.rsplit(" ", 1) for path in world.folder.glob("results-*") for line in _lines(path))
    for deed in deeds:
        results.setdefault(deed.release, {})[deed.what] = said[f"{deed.what} {deed.release}"]
    states = _states(world)
    for release, done in results.items():
        if not explained(done, states.get(release, "absent")):
            yield f"{release} is {states.get(release, 'absent')}, and no order of {done} explains it"
    if world.settings().registry.pages:
        yield from _wrong_pages(world)


def _states(world: World) -> dict[str, State]:
    found: dict[str, State] = {}
    for path in (world.tree / "crates").glob("*/removed.json"):
        for stone in json.loads(path.read_text())["removed"]:
            found[f"{path.parent.name}@{stone['vers']}"] = "removed"
    for path in (world.tree / "index").rglob("name-*"):
        for line in map(json.loads, path.read_bytes().splitlines()):
            found[f"{line['name']}@{line['vers']}"] = "yanked" if line["yanked"] else "held"
    return found


def _wrong_pages(world: World) -> Iterator[str]:
    """Hold the pages against those that are made from the tree alone."""
    copy = World(world.folder / "remade", world.options)
    shutil.copytree(world.tree, copy.tree)
    with copy.opened() as registry:
        registry.remake_pages()
    if copy.files() != world.files():
        yield f"pages made anew are others: {different(world.files(), copy.files())}"
    shutil.rmtree(copy.folder)


def main() -> None:
    """Do all runs, and print what was counted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--crates", type=int, default=400)
    parser.add_argument("--names", type=int, default=40)
    parser.add_argument("--kills", type=int, default=40)
    given = parser.parse_args()
    figures, found = Counter[str](), list[str]()
    for own_states in (False, True):
        for mixed, kills in ((False, 0), (True, 0), (False, given.kills)):
            deeds = deeds_of(given.crates, given.names, mixed=mixed, seed=1)
            with TemporaryDirectory(prefix="writers-") as folder:
                world, counted = together(Path(folder), deeds, given.writers, own_states=own_states, kills=kills)
                wrong = list(wrongs(world, deeds))
            run = (
                f"{'own states' if own_states else 'one state'}, {'mixed' if mixed else 'killed' if kills else 'adds'}"
            )
            print(run, counted, wrong, flush=True)
            figures["runs"] += 1
            figures["changes made"] += len(deeds)
            figures.update(counted)
            found += [f"{run}: {text}" for text in wrong]
    json.dump({**figures, "not as it must be": found}, sys.stdout)
    print()
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
