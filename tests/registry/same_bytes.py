"""Law 5 for whole trees: the same crates, built in several ways, give the same bytes and the same documents.

A way is a store, a number of workers, an order in which files were dropped, and a seed of Python's hashes, which is
random. `python -m tests.registry.same_bytes` builds the whole corpus in every way; figures come as JSON.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from msgspec import Struct

from cargo_static_index.site.paths import RECENT
from cargo_static_index.store import Store
from cargo_static_index.store.local.store import LocalStore
from cargo_static_index.tree.changes import PASSING
from tests import corpus
from tests.buckets import Buckets, seaweedfs
from tests.cli.program import PROGRAM, environment
from tests.crate.mutants import mutant
from tests.crates import CrateBuilder, crate
from tests.world import BASE, T0

Kind = Literal["folder", "bucket"]
DOCUMENTS = (("list",), ("search", "a"), ("verify",), ("build",), ("reindex", "--dry-run", "--mode", "mirror"))
"""What is asked for as JSON once a tree is built: `build` tells again of what was refused."""


class Way(Struct, frozen=True, kw_only=True):
    """One way to build: the store, the workers, and the seed by which the files' order is drawn."""

    store: Kind
    jobs: int
    order: int

    def __str__(self) -> str:
        return f"{self.store}, {self.jobs} jobs, order {self.order}"


WAYS = (
    Way(store="folder", jobs=1, order=1),
    Way(store="folder", jobs=3, order=2),
    Way(store="bucket", jobs=3, order=3),
    Way(store="bucket", jobs=1, order=1),
)


class Made(Struct, frozen=True, kw_only=True):
    """What was made: the SHA-256 of each file of the tree, and the documents as they were printed."""

    tree: Mapping[str, str]
    documents: tuple[str, ...]

    def differences(self, other: "Made") -> list[str]:
        """Name what is not the same."""
        paths = sorted(self.tree.keys() | other.tree.keys())
        files = [path for path in paths if self.tree.get(path) != other.tree.get(path)]
        said = zip(self.documents, other.documents, strict=True)
        return files + [f"document {number}" for number, (one, two) in enumerate(said) if one != two]


def refusable(count: int) -> Iterator[tuple[str, bytes]]:
    """Give crates of which most are refused, each for another reason or for many, by the name of their file."""
    for number in range(count):
        yield f"mutant-{number}.crate", mutant(number)[1]
    for flavour in range(4):  # of which one wins, by content
        yield f"rival-{flavour}.crate", crate("rival").file("src/x.rs", b"//" * flavour).build()
    for name in ("one-name", "one_name", "One-Name"):
        yield f"{name}.crate", crate(name).build()
    yield "needy.crate", _needy().build()
    yield "empty.crate", b""
    yield "cut.crate", crate("cut").build()[:200]


def _needy() -> CrateBuilder:
    """Give a crate with very many problems."""
    needy = crate("needy").package(edition="1999", rust_version="x")
    for name in ("rival", "one-name", "cut", "nobody"):
        needy = needy.dependency(name).dependency(name, kind="dev").feature(f"of-{name}", ["nothing", f"{name}/x"])
    return needy


def build(way: Way, files: Mapping[str, bytes], folder: Path, buckets: Buckets, mode: str) -> Made:
    """Build a tree in an empty folder, or a bucket, and give what was made."""
    _drop(way, files, folder / "drop")
    with _place(way, folder, buckets) as (tree, store, variables):
        seed = str(random.randrange(1 << 32))
        env = environment({**variables, "PYTHONHASHSEED": seed, "SOURCE_DATE_EPOCH": str(T0)})
        options = ("--tree", tree, "--base-url", BASE, "--mode", mode, "--jobs", str(way.jobs))
        said = [_said(("build", *options), folder, env)]
        said += [_said((*command, "--tree", tree), folder, env) for command in DOCUMENTS]
        return Made(tree=_digests(store), documents=tuple(said))


def _drop(way: Way, files: Mapping[str, bytes], drop: Path) -> None:
    drop.mkdir()
    names = sorted(files)
    random.Random(way.order).shuffle(names)
    for name in names:
        (drop / name).write_bytes(files[name])
        os.utime(drop / name, (T0 - 3600, T0 - 3600))


@contextmanager
def _place(way: Way, folder: Path, buckets: Buckets) -> Iterator[tuple[str, Store, Mapping[str, str]]]:
    if way.store == "folder":
        yield "public", LocalStore(folder / "public"), {}
    else:
        bucket = buckets.make()
        yield str(bucket), buckets.store(bucket), buckets.environment


def _said(command: tuple[str, ...], folder: Path, env: Mapping[str, str]) -> str:
    """Run a command, and give its exit code and what it prints, without what only stores without locks have."""
    done = subprocess.run(
        [*PROGRAM, *command, "--json"], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode in {0, 1}, done.stderr
    tree = command[command.index("--tree") + 1]
    documents = [json.loads(line.replace(f"begins in {tree}", "begins in TREE")) for line in done.stdout.splitlines()]
    for document in documents:
        if "changed" in document:  # in their order, which is that of the laws, but for records of the change itself
            document["changed"] = [path for path in document["changed"] if not _is_passing(path)]
    return json.dumps([done.returncode, documents])


def _is_passing(path: str) -> bool:
    """Whether a file says how a tree came to be, or is for a tree without locks alone."""
    return path == RECENT or path.startswith(tuple(f"{folder}/" for folder in PASSING))


def _digests(store: Store) -> dict[str, str]:
    read = ((path, store.read(path)) for path in list(store.list()) if not _is_passing(path))
    return {path: sha256(stored.content).hexdigest() for path, stored in read if stored}


def build_all(
    ways: Sequence[Way], files: Mapping[str, bytes], folder: Path, buckets: Buckets, mode: str = "registry"
) -> list[Made]:
    """Build in every way, each in a folder of its own."""
    places = [folder / str(number) for number, _ in enumerate(ways)]
    for place in places:
        place.mkdir(parents=True)
    return [_timed(way, files, place, buckets, mode) for way, place in zip(ways, places, strict=True)]


def _timed(way: Way, files: Mapping[str, bytes], place: Path, buckets: Buckets, mode: str) -> Made:
    begun = time.monotonic()
    made = build(way, files, place, buckets, mode)
    print(f"{mode}, {way}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    return made


def _main() -> None:
    """Build the corpus and what is refused in every way, as a registry and as a mirror, and print figures as JSON."""
    parser = argparse.ArgumentParser(description=_main.__doc__)
    parser.add_argument("--refused", type=int, default=2000, help="how many damaged archives stand among them")
    chosen = parser.parse_args()
    files = {path.name: path.read_bytes() for path in corpus.crates(corpus.fetch()).values()}
    files |= dict(refusable(chosen.refused))
    wrong: list[str] = []
    trees: dict[str, int] = {}
    with seaweedfs() as buckets, TemporaryDirectory() as folder:
        for mode in ("registry", "mirror"):
            first, *others = build_all(WAYS, files, Path(folder) / mode, buckets, mode)
            trees[mode] = len(first.tree)
            for way, made in zip(WAYS[1:], others, strict=True):
                wrong += [f"{mode}, {way}: {each}" for each in first.differences(made)]
    figures = {
        "files dropped": len(files),
        "of them damaged or rivals": len(files) - len(corpus.locked()),
        "files of the tree, as a registry": trees["registry"],
        "files of the tree, as a mirror": trees["mirror"],
        "ways": [str(way) for way in WAYS],
        "documents of each": len(DOCUMENTS) + 1,
        "not the same": wrong[:40],
    }
    print(json.dumps(figures))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    _main()
