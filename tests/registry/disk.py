"""Disks that fail, and processes that die, at any call that a change of a tree makes; and what must be so afterwards.

    python -m tests.registry.disk

tries each fault at each call of each change; --pages and --hundred say of how many calls one is tried where there are
pages, and of a hundred crates. The last line that is printed is a JSON object of what was counted.
"""

import argparse
import errno
import json
import os
import shutil
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from msgspec import Struct

from cargo_static_index.diagnostics.errors import CargoStaticIndexError
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import open_registry
from cargo_static_index.registry.watch.health import Health
from cargo_static_index.registry.watch.watcher import Watcher
from cargo_static_index.store.local.store import LocalStore
from cargo_static_index.store.local.system import Call, disturbed
from cargo_static_index.tree.layout import archive_file, metadata_file
from cargo_static_index.tree.read import index_paths, read_index_at
from tests.crates import CrateBuilder, crate
from tests.world import BASE, World

Figures = dict[str, object]


class Fault(Struct, frozen=True):
    """What becomes of a call of one of these kinds: an error number; None is the end of the process.

    With `part` half of a write is done before it fails; with `lasting` all later calls of these kinds fail, too.
    """

    name: str
    calls: frozenset[Call]
    number: int | None
    part: bool = False
    lasting: bool = False


_CHANGING: Final = frozenset[Call]({"make", "write", "flush", "mode", "rename", "unlink", "commit"})
_GROWING: Final = frozenset[Call]({"make", "write", "flush", "rename", "commit"})

FAULTS: Final = (
    Fault("the process dies", _CHANGING, None),
    Fault("the disk fails (EIO)", _CHANGING | {"open"}, errno.EIO),
    Fault(
        "the disk is full for a moment (ENOSPC)",
        frozenset({"make", "write", "flush", "rename", "commit"}),
        errno.ENOSPC,
    ),
    Fault(
        "the disk becomes full (ENOSPC)", frozenset({"make", "write", "rename", "commit"}), errno.ENOSPC, lasting=True
    ),
    Fault("a right is missing (EACCES)", frozenset({"open", "make", "mode", "rename", "unlink"}), errno.EACCES),
    Fault("half of a write is done (ENOSPC)", frozenset({"write"}), errno.ENOSPC, part=True),
    Fault("the process dies in the midst of a write", frozenset({"write"}), None, part=True),
)


class Recorder:
    """Notes the calls that are made."""

    def __init__(self) -> None:
        self.calls: list[tuple[Call, str]] = []

    def before(self, call: Call, name: str, size: int) -> int:
        """Note a call."""
        self.calls.append((call, name))
        return size


class Failing:
    """Has the `at`-th call fail in one way."""

    def __init__(self, fault: Fault, at: int) -> None:
        self._fault = fault
        self._at = at
        self._calls = 0
        self._is_over = False
        self.reached = False

    def hear(self, health: Health) -> None:
        """Hear how a watcher is: once it has told of a failure, somebody mends the disk."""
        self._is_over = self._is_over or health.fails

    def before(self, call: Call, name: str, size: int) -> int:
        """Let the first calls pass."""
        place, self._calls = self._calls, self._calls + 1
        fault = self._fault
        if fault.part and place == self._at and size > 1:
            self.reached = True
            return size // 2
        due = self._at + 1 if fault.part else self._at
        if place == due or (fault.lasting and place > due and call in fault.calls and not self._is_over):
            self.reached = True
            if fault.number is None:
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(fault.number, os.strerror(fault.number or 0), name)
        return size


# The changes ---------------------------------------------------------------------------------------------

HERE: Final = f"sparse+{BASE}index/"
OLD: Final = "https://old.example.com/"
NEW_BASE: Final = "https://new.example.com/"

START: Final = (
    crate("aa", "1.0.0"),
    crate("aa", "1.1.0").dependency("bb", "0.1", registry_index=f"sparse+{OLD}index/"),
    crate("bb", "0.1.0"),
)
MORE: Final = crate("aa", "1.2.0").dependency("bb", "0.1", registry_index=HERE)
BROKEN: Final = crate("broken").tail(b"not a gzip member")
HUNDRED: Final = tuple(crate(f"many-{number // 3:02}", f"1.{number % 3}.0") for number in range(100))


class Change(Struct, frozen=True):
    """A kind of change: what it begins with, and what is done; `options` are the settings while it is done."""

    before: Callable[[World], object]
    make: Callable[[World], object]
    options: Mapping[str, object] = {}
    """The settings while it is made, and from then on."""
    then: Mapping[str, object] = {}
    """Settings of the next pass that are others."""
    some: Callable[[World, Collection[Path]], object] | None = None
    """Where a change consists of several: makes those that happened, told by the index files that are in the tree."""
    dropped: Sequence[CrateBuilder] = ()
    """What was dropped for it, and is published by the next pass at the latest."""
    watch: bool = False
    """Whether a watcher makes it, which mends by itself what it survives; the next pass is the next watcher's."""


def _nothing(world: World) -> None:
    del world


def _watch(world: World, *hearers: Callable[[Health], None]) -> None:
    """Watch until there is nothing left to do."""
    Watcher(world.settings(), Report(), lambda: world.now, idle=0, hearers=hearers, pauses=(0.01,)).run()


def _reindex(world: World) -> None:
    with open_registry(world.settings(), Report(), Options(now=world.now)) as registry:
        list(registry.reindex())


def _add_all(world: World) -> None:
    world.add(*sorted((world.folder / "more").iterdir()))


def _add_some(world: World, index: Collection[Path]) -> None:
    names = {path.name for path in index}
    world.add(*(path for path in sorted((world.folder / "more").iterdir()) if path.name.rpartition("-")[0] in names))


def _written(*crates: CrateBuilder) -> Callable[[World], None]:
    def write(world: World) -> None:
        for each in crates:
            each.write(world.folder / "more")

    return write


def _removed_bb(world: World) -> None:
    world.remove("bb")
    _written(START[2])(world)


CHANGES: Final[Mapping[str, Change]] = {
    "publish one": Change(_written(MORE), _add_all),
    "publish a hundred": Change(_written(*HUNDRED), _add_all, some=_add_some),
    "a pass": Change(_nothing, lambda world: world.build(), dropped=(MORE, BROKEN)),
    "a pass that takes files away": Change(
        _nothing,
        lambda world: world.build(),
        {"drop.after-publish": "published", "drop.refused": "refused"},
        dropped=(MORE, BROKEN),
    ),
    "watch": Change(
        _nothing,
        _watch,
        {"watch.mode": "poll", "watch.poll-interval": "0.1s", "drop.after-publish": "published"},
        dropped=(MORE, BROKEN),
        watch=True,
    ),
    "watch by events": Change(
        _nothing,
        _watch,
        {"watch.mode": "events", "drop.after-publish": "published"},
        dropped=(MORE, BROKEN),
        watch=True,
    ),
    "the first pass": Change(lambda world: shutil.rmtree(world.tree), lambda world: world.build()),
    "yank": Change(_nothing, lambda world: world.yank("aa@1.0.0", "aa@1.1.0")),
    "unyank": Change(lambda world: world.yank("aa@1.0.0"), lambda world: world.yank("aa@1.0.0", yanked=False)),
    "remove a version": Change(_nothing, lambda world: world.remove("aa@1.0.0")),
    "remove a crate": Change(_nothing, lambda world: world.remove("bb")),
    "restore": Change(_removed_bb, lambda world: world.add(*(world.folder / "more").iterdir(), restore=True)),
    "reindex": Change(_nothing, _reindex, {"registry.aliases": [OLD]}),
    "base URL": Change(
        _nothing,
        lambda world: world.build(move=True),
        {"registry.base-url": NEW_BASE},
        then={"registry.base-url": None},
    ),
    "pages on": Change(_nothing, lambda world: world.build(), {"registry.pages": True}),
    "pages off and on": Change(
        lambda world: (world.build(options={"registry.pages": True}), world.yank("aa@1.0.0")),
        lambda world: world.build(),
        {"registry.pages": True},
    ),
}


# One fault -------------------------------------------------------------------------------------------------


class Trial(Struct, frozen=True, kw_only=True):
    """A change, the tree that it begins with, and what it leaves where nothing disturbs it."""

    name: str
    world: World
    calls: Sequence[tuple[Call, str]]
    before: Mapping[str, bytes]
    """The tree after a pass that follows where the change did not happen."""
    after: Mapping[str, bytes]
    """The tree after a pass that follows where it did."""

    @property
    def change(self) -> Change:
        """The change."""
        return CHANGES[self.name]

    def copy(self, folder: Path) -> World:
        """Give a copy of what it begins with."""
        shutil.copytree(self.world.folder, folder)
        return World(folder, self.world.options)


def prepare(name: str, folder: Path, *, pages: bool) -> Trial:
    """Make the registry that a change begins with, and see what the change does where nothing disturbs it."""
    change = CHANGES[name]
    usual: dict[str, object] = {"tree.flush": True, "registry.pages": pages, "build.jobs": 1, "watch.settle": 0}
    world = World(folder / "start", usual)
    world.put(*START)
    world.build()
    change.before(world)
    world.put(*change.dropped)
    world.options |= change.options
    trial = Trial(name=name, world=world, calls=(), before={}, after={})
    quiet, recorder = trial.copy(folder / "quiet"), Recorder()
    with disturbed(recorder):
        change.make(quiet)
    next_pass(quiet, change)
    left = trial.copy(folder / "left")
    next_pass(left, change)
    return Trial(name=name, world=world, calls=recorder.calls, before=left.files(), after=quiet.files())


def next_pass(world: World, change: Change) -> None:
    """Make the pass that comes after a change, whatever became of that."""
    if change.watch:
        _watch(world)
    else:
        world.build(options=change.then)


def places(trial: Trial, fault: Fault, every: int = 1) -> list[int]:
    """Give the calls at which a fault can happen, every so many of them."""
    return [number for number, (call, _) in enumerate(trial.calls) if call in fault.calls][::every]


Ending = Literal["done", "failed", "died", "not reached", "mistake"]


def disturb(trial: Trial, fault: Fault, at: int, folder: Path) -> tuple[World, Ending, str]:
    """Make the change in a process of its own with a fault in it; give the registry, how that ended, what it said."""
    world = trial.copy(folder)
    said = folder / "said"
    child = os.fork()
    if child == 0:
        os._exit(_make(trial.change, world, Failing(fault, at), said))
    _, status = os.waitpid(child, 0)
    text = said.read_text() if said.exists() else ""
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        return world, "died", text
    ending: Ending = ENDINGS[os.WEXITSTATUS(status)]
    return world, ending, text


ENDED: Final[Mapping[Ending, str]] = {
    "died": "the process died",
    "failed": "the change ended with an error of ours",
    "done": "the change went on without what failed",
    "not reached": "the run made fewer calls than the first one",
    "mistake": "the change ended with an error that is none of ours",
}

ENDINGS: Final[tuple[Ending, ...]] = ("done", "failed", "not reached", "mistake")


def _make(change: Change, world: World, failing: Failing, said: Path) -> int:
    """Make a change in a process that ends with it; give the place of its ending, or 3 for a mistake of ours."""
    try:
        with disturbed(failing):
            _watch(world, failing.hear) if change.watch else change.make(world)
    except CargoStaticIndexError as error:
        said.write_text(str(error))
        return 1
    except BaseException:  # noqa: BLE001 - this process ends here, and its parent tells
        said.write_text(" | ".join(traceback.format_exc().splitlines()[-6:]))
        return 3
    return 0 if failing.reached else 2


def wrongs(trial: Trial, world: World, ending: Ending) -> Iterator[str]:
    """Give what is not as it must be after a fault: now, and after the next pass. The registry is changed by this."""
    store = LocalStore(world.tree)
    yield from unusable(store)
    if trial.change.watch and ending == "done" and world.files() != trial.after:
        yield f"the watcher itself left it so: {different(world.files(), trial.after)}"
    try:
        next_pass(world, trial.change)
    except CargoStaticIndexError as error:
        yield f"the next pass says: {error}"
        return
    found = {str(finding.rule) for finding in world.verified()}
    if found:
        yield f"after the next pass, verify finds {', '.join(sorted(found))}"
    now = world.files()
    if ending == "done" and now != trial.after:
        yield f"it said that it was done, and {different(now, trial.after)}"
    elif now not in (trial.before, trial.after):
        happened = partly(trial, world)
        if now != happened:
            yield f"{different(now, happened)} from what happened"


def partly(trial: Trial, world: World) -> Mapping[str, bytes]:
    """Give the tree that what happened would have left, where nothing had disturbed it."""
    if trial.change.some is None:
        return trial.after
    quiet = trial.copy(world.folder.with_name("partly"))
    try:
        trial.change.some(quiet, {path.relative_to(world.tree) for path in (world.tree / "index").rglob("*-*")})
        next_pass(quiet, trial.change)
        return quiet.files()
    finally:
        shutil.rmtree(quiet.folder)


def unusable(store: LocalStore) -> Iterator[str]:
    """Give what clients of a tree could not use: lines that do not parse, or without archive or metadata."""
    for path in index_paths(store):
        file = read_index_at(store, path).file
        if len(file.releases) != len(file.lines):
            yield f"{path} has lines that cannot be read"
        for line in file.releases:
            archive = store.read(archive_file(line.name, line.cksum))
            if archive is None or sha256(archive.content).hexdigest() != line.cksum:
                yield f"{line.name} {line.vers} has no archive"
            if store.size(metadata_file(line.name, line.cksum)) is None:
                yield f"{line.name} {line.vers} has no metadata"


def different(some: Mapping[str, bytes], other: Mapping[str, bytes]) -> str:
    """Say which files differ."""
    paths = sorted(path for path in some.keys() | other.keys() if some.get(path) != other.get(path))
    return f"{len(paths)} files differ ({', '.join(paths[:4])})"


def in_turn(trial: Trial, faults: Sequence[Fault] = FAULTS) -> Iterator[tuple[Fault, int]]:
    """Give one fault for each call, each in its turn: a sample that leaves no call out."""
    for number, (call, _) in enumerate(trial.calls):
        possible = [fault for fault in faults if call in fault.calls]
        yield possible[number % len(possible)], number


def try_all(name: str, *, every: int, pages: bool) -> tuple[Counter[str], list[str]]:
    """Try each fault at every so-many-th call of a change: how it went, and what was not as it must be."""
    counts, found = Counter[str](), list[str]()
    with TemporaryDirectory(prefix="faults-") as made:
        folder = Path(made)
        trial = prepare(name, folder / "prepared", pages=pages)
        for fault in FAULTS:
            for at in places(trial, fault, every):
                world, ending, said = disturb(trial, fault, at, folder / "disturbed")
                counts["faults tried"] += 1
                counts[ENDED[ending]] += 1
                place = f"{name}, {fault.name} at call {at} ({' '.join(trial.calls[at])}), {ending}"
                wrong = [said] if ending == "mistake" else wrongs(trial, world, ending)
                found += [f"{'with' if pages else 'without'} pages: {place}: {text}" for text in wrong]
                shutil.rmtree(folder / "disturbed")
    return counts, found


def main() -> None:
    """Try them all, and print what was counted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=1, help="try every so-many-th call only where there are pages")
    parser.add_argument("--hundred", type=int, default=1, help="the same of the change of a hundred crates")
    parser.add_argument("--change", action="append", choices=list(CHANGES), help="one kind of change, or more")
    parser.add_argument("--jobs", type=int, default=2, help="how many kinds of change are tried at the same time")
    given = parser.parse_args()
    counts, found = Counter[str](), list[str]()
    with ProcessPoolExecutor(given.jobs) as executor:
        tried = [
            executor.submit(try_all, name, pages=pages, every=(given.pages if pages else 1) * many)
            for pages in (False, True)
            for name in given.change or CHANGES
            for many in [given.hundred if name == "publish a hundred" else 1]
        ]
        for one in tried:
            went, wrong = one.result()
            counts += went
            found += wrong
            print("\n".join(wrong), end="\n" if wrong else "", flush=True)
    json.dump({**counts, "not as it must be": found}, sys.stdout)
    print()
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
