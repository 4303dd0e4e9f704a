"""Trees in a bucket of a real SeaweedFS on loopback: what uploading takes, and what one more crate costs.

`python -m benchmarks.buckets FOLDER BUCKET` is the floor of an upload: the client library's `put` for each file of a
folder, as many at a time as the product has under way. It prints the seconds that it took once it had started.
"""

import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import obstore
from obstore.store import S3Store

from benchmarks.bench import PYTHON, Bench, bench, elsewhere, real_crates, small
from benchmarks.generate import Shape, generate
from benchmarks.measure import Run, in_turn, run, seconds, spread, to_json
from benchmarks.product import NOW, Counting, settings_for
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import Registry, open_registry
from cargo_static_index.registry.site import MAKING
from cargo_static_index.registry.workers import reading_executor
from cargo_static_index.store import Change, Store, Stored
from cargo_static_index.store.bucket import Bucket
from cargo_static_index.store.local.store import LocalStore
from cargo_static_index.store.objects.client import Client
from cargo_static_index.store.objects.store import AT_ONCE
from cargo_static_index.tree.changes import BEGUN
from tests.buckets import Buckets, seaweedfs
from tests.clusters import Dask
from tests.faults import proxied
from tests.stores import Counted

TRIES = 5
"""Crates that are added to a bucket one after the other, each from an empty disk."""

Figures = dict[str, Any]


def uploading(turns: int) -> Figures:
    """Compare a first upload of real crates, read and checked, with bare puts of the very objects that it leaves.

    These are archives, metadata and index files, a name for each crate, and a record of each change.
    """
    with real_crates() as here, seaweedfs() as server:
        bucket = server.make()
        _product(server, "build", here, bucket, "--mirror")
        _fetched(server, bucket, here.base / "tree")  # which is what the floor puts
        contenders: Mapping[str, Callable[[], Run]] = {
            "floor": lambda: _put(server, here.base / "tree", server.make()),
            "product": lambda: _product(server, "build", here, server.make(), "--mirror"),
        }
        runs = in_turn(contenders, turns)
    floor, product = seconds(runs["floor"]), seconds(runs["product"])
    published, objects = runs["product"][0].printed["published"], runs["floor"][0].printed["objects"]
    return {
        "ratio": product.median / floor.median,
        "bare": to_json(floor),
        "product": to_json(product),
        "crates": published,
        "objects": objects,
    }


def far(*options: str) -> Callable[[int], Figures]:
    """Measure what a build of real crates with two workers takes of processor time, and of that who builds."""

    def measure(turns: int) -> Figures:
        del turns
        with ExitStack() as stack:
            here, server = stack.enter_context(real_crates()), stack.enter_context(seaweedfs())
            dask = Dask(here.base, stack)
            workers = [dask.worker(server.environment) for _ in range(2)]
            built = _product(server, "far", here, server.make(), dask.url, "--mirror", *options).printed
            theirs = sum(_processor_time(worker.pid) for worker in workers)
        return {
            "releases": built["published"],
            "coordinator": built["processor"] / built["published"],
            "workers": theirs / built["published"],
        }

    return measure


def _processor_time(process: int) -> float:
    """Give the seconds that a process that runs has worked (man 5 proc: /proc/PID/stat)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def one_more_in_bucket(crates: int) -> Callable[[int], Figures]:
    """Measure adding one crate, from an empty disk, to a bucket that holds so many releases."""

    def measure(turns: int) -> Figures:
        del turns
        with bench(small(crates)) as here, seaweedfs() as server:
            bucket = server.make()
            _product(server, "build", here, bucket)
            objects = sum(1 for _ in Client(bucket, server.environment).list())
            elsewhere(generate, here.base / "more", small(10 * 2 * TRIES, first=crates // 10))
            files = _newest(here.base / "more")
            times = [_added(server, here, bucket, next(files)).printed[0] for _ in range(TRIES)]
            with proxied(server.endpoint) as proxy:
                behind = server.behind(proxy.url)
                _added(behind, here, bucket, next(files))  # which tries whether this way keeps to conditions, too
                proxy.forget()
                _added(behind, here, bucket, next(files))
                kinds = proxy.kinds()
        return {"objects": objects, "one more": to_json(spread(times)), "requests": kinds.total(), "kinds": dict(kinds)}

    return measure


def one_more_with_pages(crates: int) -> Callable[[int], Figures]:
    """Count what one more crate with pages asks of a bucket in memory that holds so many releases, from no state.

    It comes a minute after the others, and its name is about in the middle of theirs.
    """

    def measure(turns: int) -> Figures:
        del turns
        with bench(small(crates)) as here:
            tree = _Folder(here.base / "tree")
            with reading_executor(2, MAKING) as executor, _opened(here, tree, NOW) as registry:
                registry.build(executor=executor)
            files = {path: stored.content for path in tree.list() if (stored := tree.read(path))}
            elsewhere(generate, here.base / "more", Shape(names=1, versions=1, prefix=f"bench-{crates // 20:07}"))
            (file,) = (here.base / "more").iterdir()
            return {"objects": len(files), **_counted(here, Counted(files), file)}

    return measure


class _Folder(Store):
    """A folder that is taken for a bucket: several processes make its pages, which those in memory cannot share."""

    shared = True

    def __init__(self, root: Path) -> None:
        self._below = LocalStore(root, flush=False)

    def read(self, path: str) -> Stored | None:
        return self._below.read(path)

    def size(self, path: str) -> int | None:
        return self._below.size(path)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[str]:
        return self._below.list(prefix, after=after)

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        return self._below.apply(changes)

    def session(self) -> AbstractContextManager[Path]:
        return self._below.session()

    def opener(self) -> Callable[[], Store]:
        return self._below.opener()


def _opened(here: Bench, tree: Store, now: int) -> AbstractContextManager[Registry]:
    places = (str(here.drop), str(here.base / "tree"), str(here.base / f"state-{next(_STATES)}"))
    settings = settings_for(*places, flush=False, mirror=False, pages=True, source="none")
    return open_registry(settings, Counting(), Options(now=now), store=tree)


def _counted(here: Bench, tree: Counted, file: Path) -> Figures:
    """Count the requests by kind, and the files that changed; the intent, which comes and goes, is one of them."""
    before = dict(tree.files)
    with _opened(here, tree, NOW + 60) as registry:
        registry.add([file])
    wrote = {path for kind, path in tree.asked if kind in {"PUT", "DELETE"}}
    changed = [path for path in wrote if before.get(path) != tree.files.get(path) or path.startswith(f"{BEGUN}/")]
    kinds = Counter(kind for kind, _ in tree.asked)
    lists = sum(path.startswith(("browse/", "search/", "sitemap/")) for path in changed)
    return {"changed": len(changed), "in lists": lists, "paged requests": kinds.total(), "kinds": dict(kinds)}


def _newest(folder: Path) -> Iterator[Path]:
    """Give one release of each name."""
    return iter({path.name.rpartition("-")[0]: path for path in sorted(folder.iterdir())}.values())


def _added(server: Buckets, here: Bench, bucket: Bucket, file: Path) -> Run:
    return _product(server, "add", here, bucket, str(file))


def _fetched(server: Buckets, bucket: Bucket, folder: Path) -> None:
    """Fetch all objects of a bucket into a folder."""
    client = Client(bucket, server.environment)
    for listed in client.list():
        found = client.get(listed.path)
        if found:
            (folder / listed.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / listed.path).write_bytes(found.content)


def _product(server: Buckets, verb: str, here: Bench, bucket: Bucket, *what: str) -> Run:
    """Run the product, from an empty disk, on a tree in a bucket."""
    state = here.base / f"state-{next(_STATES)}"
    try:
        places = [str(here.drop), str(bucket), str(state)]
        return run([*_env(server), PYTHON, "-m", "benchmarks.product", verb, *places, *what])
    finally:
        shutil.rmtree(state, ignore_errors=True)


def _put(server: Buckets, folder: Path, bucket: Bucket) -> Run:
    return run([*_env(server), PYTHON, "-m", "benchmarks.buckets", str(folder), str(bucket)])


def _env(server: Buckets) -> list[str]:
    return ["env", *(f"{name}={value}" for name, value in server.environment.items())]


_STATES = count()


# The floor -------------------------------------------------------------------------------------------------


def _put_all(folder: Path, bucket: str) -> None:
    name, _, prefix = bucket.removeprefix("s3://").partition("/")
    files = [path for path in folder.rglob("*") if path.is_file()]
    begun = time.perf_counter()
    options: Any = {"allow_http": True}
    store = S3Store(name, prefix=prefix, client_options=options)

    def put(path: Path) -> None:
        obstore.put(store, str(path.relative_to(folder)), path)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(put, files))
    print(json.dumps({"seconds": time.perf_counter() - begun, "objects": len(files)}))


if __name__ == "__main__":
    _put_all(Path(sys.argv[1]), sys.argv[2])
