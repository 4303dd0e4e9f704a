"""Calls the product as the floor is called: `VERB DROP TREE STATE [WHAT…]`, in a fresh process, through its one door.

`build` is a pass over the drop directory; it prints how many files became what, and the seconds that it took.
`add`, `yank` and `remove` make one small change after the other, of the files or releases given as further arguments,
each in a transaction of its own, and print how long each took. `watch` drops the files given one after the other: it
prints how long a pass over every other one took, and how long the rest, from being closed in a watched folder until
their line could be read. `far` builds with the cluster that is named, `others` adds with two states in turns, `missing`
asks after each file what is missing, `verify` looks at the whole tree. With `--mirror` the registry is a mirror, which
takes crates whose dependencies would be crates.io's elsewhere.
"""

import argparse
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from cargo_static_index.crate.candidate import Outcome
from cargo_static_index.protocol.names import index_path
from cargo_static_index.registry.configured import store_of
from cargo_static_index.registry.events import Doing
from cargo_static_index.registry.missing import missing_in
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import Registry, open_registry, specs_of, verify_registry
from cargo_static_index.registry.site import MAKING
from cargo_static_index.registry.verify.work import Work
from cargo_static_index.registry.watch.watcher import Watcher
from cargo_static_index.registry.workers import reading_executor
from cargo_static_index.settings import Settings, load_settings

NOW = 1_700_000_000
"""The clock of all passes; the files that they publish are older or younger, which makes no difference."""

READING = (
    "_strptime",
    "cargo_static_index.crate.archive",
    "cargo_static_index.registry.publish",
    "cargo_static_index.registry.read",
    "cargo_static_index.registry.site.documents",
)
"""What a command loads once there is something to read; a row begins when all that it needs is loaded."""

PAGES = ("cargo_static_index.registry.site.writer", *MAKING)
"""What a command loads once there are pages to make."""

NAMED = 5
"""Releases that a line of `missing` names."""


class Counting:
    """A listener that keeps numbers only, so that memory is the product's own."""

    def __init__(self) -> None:
        self.status: Counter[str] = Counter()

    def total(self, doing: Doing, files: int) -> None:
        """Hear of it."""

    def taken(self, source: str, target: str) -> None:
        """Hear of it."""

    def reading(self, source: str) -> None:
        """Count a file that is about to be read."""
        self.status["read"] += bool(source)

    def file(self, outcome: Outcome) -> None:
        """Count a file."""
        self.status[outcome.status] += 1

    def still_refused(self, count: int, files: Iterable[Outcome]) -> None:
        """Count files without reading them."""
        del files
        self.status["remembered"] += count

    def changed(self, path: str) -> None:
        """Count a path that was written."""
        self.status["paths"] += bool(path)

    def deleted(self, path: str) -> None:
        """Count a path that was deleted."""
        self.status["paths"] += bool(path)

    def note(self, text: str) -> None:
        """Count a sentence."""
        self.status["notes"] += bool(text)

    def warn(self, text: str) -> None:
        """Count a warning."""
        self.status["notes"] += bool(text)


def settings_for(drop: str, tree: str, state: str, *, flush: bool, mirror: bool, pages: bool, source: str) -> Settings:
    """Give settings of a mirror or of a registry of its own, with pages or without; `source` as `[pages]` has it."""
    options = {
        "drop.path": drop,
        "tree.path": tree,
        "state.path": state,
        "tree.flush": flush,
        "registry.mode": "mirror" if mirror else "registry",
        "registry.pages": pages,
        "pages.source": source,
    }
    return load_settings(options, {}, Path(tree).parent).settings


def build(settings: Settings, jobs: int) -> Counter[str]:
    """Publish what is new in the drop directory, reading in so many processes."""
    listener = Counting()
    modules = MAKING if settings.registry.pages else ()
    with reading_executor(jobs, modules) as executor, open_registry(settings, listener, Options(now=NOW)) as registry:
        registry.build(executor=executor)
    return listener.status


def build_far(settings: Settings, cluster: str) -> dict[str, Any]:
    """Do the same with the workers of a cluster, and give the processor time that this process took, once connected."""
    from cargo_static_index.registry.cluster import opened_cluster  # noqa: PLC0415 - no other row is to pay for it

    listener = Counting()
    with opened_cluster(cluster, settings.tree.path) as far:
        begun = time.process_time()
        with open_registry(settings, listener, Options(now=NOW)) as registry:
            registry.build(far=far)
    return {**listener.status, "processor": time.process_time() - begun}


def one_by_one(settings: Settings, change: Callable[[Registry, str], object], what: list[str]) -> list[float]:
    """Change one thing after the other, and give the seconds that each took from opening to closing the registry."""
    took = []
    for number, each in enumerate(what):
        begun = time.perf_counter()
        with open_registry(settings, Counting(), Options(now=NOW + number)) as registry:
            change(registry, each)
        took.append(time.perf_counter() - begun)
    return took


def add(registry: Registry, path: str) -> None:
    """Publish a file given by name."""
    registry.add([Path(path)])


def yank(registry: Registry, release: str) -> None:
    """Yank a release."""
    registry.set_yanked(specs_of([release]), yanked=True)


def remove(registry: Registry, release: str) -> None:
    """Remove a release."""
    registry.remove(specs_of([release]))


def others(settings: Settings, files: list[str]) -> dict[str, Any]:
    """Add with two states in turns, and give the seconds of the second: its first, after the other's, after its own."""
    state = replace(settings.state, path=settings.state.path.with_name("state-of-another"))
    second = replace(settings, state=state)
    (first,) = one_by_one(second, add, files[:1])
    after, alone = [], []
    for at in range(1, len(files) - 2, 3):
        one_by_one(settings, add, files[at : at + 1])
        after += one_by_one(second, add, files[at + 1 : at + 2])
        alone += one_by_one(second, add, files[at + 2 : at + 3])
    return {"first": first, "after": after, "alone": alone}


def missing(settings: Settings, files: list[str]) -> dict[str, Any]:
    """Ask what is missing, then again after each of these files was added: the seconds of the first and of the rest.

    `missing` is how many requirements nothing satisfies at the end, `needing` how often releases have one.
    """
    (first, found, needing), again = _asked(settings), []
    for number, file in enumerate(files):
        with open_registry(settings, Counting(), Options(now=NOW + number)) as registry:
            add(registry, file)
        took, found, needing = _asked(settings)
        again.append(took)
    return {"first": first, "again": again, "missing": found, "needing": needing}


def _asked(settings: Settings) -> tuple[float, int, int]:
    """Take the whole answer as the command's text has it, which names some of the releases."""
    begun = time.perf_counter()
    found = needing = 0
    with missing_in(store_of(settings), settings.state.path) as asked:
        for each in asked.all():
            list(islice(asked.needed_by(each), NAMED))
            found, needing = found + 1, needing + each.releases
    return time.perf_counter() - begun, found, needing


def verify(settings: Settings, jobs: int) -> dict[str, Any]:
    """Look at the whole tree in so many processes, and give what was found and the seconds that it took."""
    begun = time.perf_counter()
    with reading_executor(jobs) as executor:
        found = list(verify_registry(settings, Counting(), Options(now=NOW), work=Work(executor=executor)))
    return {"found": len(found), "seconds": time.perf_counter() - begun}


def watched(settings: Settings, files: list[str]) -> dict[str, list[float]]:
    """Give the seconds of passes of their own, and those from a file's closing to its line, in turns."""
    alone, watched = files[::2], files[1::2]
    passes = []
    for file in alone:
        _drop(file, settings)
        begun = time.perf_counter()
        build(settings, 1)
        passes.append(time.perf_counter() - begun)
    watcher = Watcher(settings, Counting(), lambda: NOW)
    thread = threading.Thread(target=watcher.run)
    thread.start()
    while watcher.health.last_look is None:
        time.sleep(0.01)
    seconds = [_until_its_line(file, settings) for file in watched]
    watcher.stop()
    thread.join()
    return {"passes": passes, "watched": seconds}


def _drop(file: str, settings: Settings) -> None:
    content = Path(file).read_bytes()
    Path(str(settings.drop.path), Path(file).name).write_bytes(content)


def _until_its_line(file: str, settings: Settings) -> float:
    time.sleep(0.2)  # so that what the last one set off is over
    name = Path(file).name.removesuffix(".crate").rpartition("-")[0]
    assert isinstance(settings.tree.path, Path)
    line = settings.tree.path / "index" / index_path(name)
    _drop(file, settings)
    begun = time.perf_counter()
    while not line.exists():
        time.sleep(0.0002)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for place in ("verb", "drop", "tree", "state"):
        parser.add_argument(place)
    parser.add_argument("what", nargs="*")
    parser.add_argument("--jobs", type=int, default=2)
    for choice in ("--flush", "--mirror", "--pages"):
        parser.add_argument(choice, action="store_true")
    parser.add_argument("--source", default="none")
    given = parser.parse_intermixed_args()
    settings = settings_for(
        *(given.drop, given.tree, given.state),
        flush=given.flush,
        mirror=given.mirror,
        pages=given.pages,
        source=given.source,
    )
    for module in (*READING, *(PAGES if given.pages else ())):
        import_module(module)
    if given.verb == "build":
        begun = time.perf_counter()
        status = build(settings, given.jobs)
        print(json.dumps({**status, "seconds": time.perf_counter() - begun}))
    elif given.verb == "far":
        print(json.dumps(build_far(settings, given.what[0])))
    elif given.verb == "others":
        print(json.dumps(others(settings, given.what)))
    elif given.verb == "verify":
        print(json.dumps(verify(settings, given.jobs)))
    elif given.verb == "missing":
        print(json.dumps(missing(settings, given.what)))
    elif given.verb == "watch":
        print(json.dumps(watched(settings, given.what)))
    else:
        change = {"add": add, "yank": yank, "remove": remove}[given.verb]
        print(json.dumps(one_by_one(settings, change, given.what)))


if __name__ == "__main__":
    main()
