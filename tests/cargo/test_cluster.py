"""Builds on a real cluster of Dask's, into a real bucket."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from cargo_static_index.store.objects.client import Client
from cargo_static_index.store.paths import UPLOADS
from tests.buckets import Buckets, seaweedfs
from tests.cargo.client import Cargo
from tests.cargo.hosts import Host
from tests.clusters import Dask
from tests.crates import crate
from tests.faults import Asked, Fault, proxied
from tests.servers import get
from tests.world import contents

MANY = [crate(f"crate-{number}", f"1.{each}.0").readme("# Read me") for number in range(60) for each in range(3)]
BASE = ("--base-url", "https://crates.example.com/")
CLOCK = {"SOURCE_DATE_EPOCH": "1700000000"}


@pytest.fixture(scope="module")
def buckets() -> Iterator[Buckets]:
    with seaweedfs() as started:
        yield started


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Dask]:
    with ExitStack() as stack:
        yield Dask(tmp_path, stack)


@contextmanager
def doomed(buckets: Buckets, dask: Dask, part: str, then: Callable[[], object]) -> Iterator[Callable[[], None]]:
    """Give what starts a worker that is killed at its fifth write of an object so named, whereupon `then` happens."""
    written: list[str] = []
    started: list[subprocess.Popen[bytes]] = []

    def fault(asked: Asked, _number: int) -> Fault:
        if asked.method == "PUT" and part in asked.path:
            written.append(asked.path)
        if len(written) < 5:
            return "pass"
        if len(written) == 5 and started[0].poll() is None:
            os.kill(started[0].pid, signal.SIGKILL)
            started[0].wait()
            then()
        return "cut"

    with proxied(buckets.endpoint) as proxy:
        proxy.fault = fault
        yield lambda: started.append(dask.worker(buckets.behind(proxy.url).environment))
        assert started[0].returncode == -signal.SIGKILL, "it was to be killed in the middle"


def test_machines_that_die_in_the_middle_change_nothing_of_what_is_built(
    tmp_path: Path, buckets: Buckets, dask: Dask
) -> None:
    one, many = (Host(tmp_path / name, buckets, buckets.make()) for name in ("one", "many"))
    for host in (one, many):
        host.drop(*MANY)
        host.environment = {**host.environment, **CLOCK}
    assert "180 published" in one.run("build", *BASE).ok()

    def two_more() -> None:
        for _ in range(2):
            dask.worker(buckets.environment)

    with ExitStack() as stack:
        third = stack.enter_context(doomed(buckets, dask, "/dependents.", two_more))
        second = stack.enter_context(doomed(buckets, dask, "/crates/crate-", third))
        first = stack.enter_context(doomed(buckets, dask, f"/{UPLOADS}/", second))
        first()
        assert "180 published" in many.run("build", *BASE, "--cluster", dask.url).ok()
    trees = [contents(buckets.store(host.bucket)) for host in (one, many)]
    assert trees[0] == trees[1]
    assert [each.path for each in Client(many.bucket, many.environment).list(UPLOADS)] == []
    assert "nothing is wrong" in many.run("verify", *BASE, "--deep").ok()
    archive = next(path for path in trees[1] if path.endswith(".crate"))
    answers = [get(buckets.url(host.bucket) + archive) for host in (one, many)]
    for name in ("Content-Type", "Cache-Control"):
        assert answers[0].headers[name] == answers[1].headers[name] is not None


def test_a_cluster_reads_a_prefix_of_a_bucket_and_cargo_builds_from_what_it_made(
    tmp_path: Path, buckets: Buckets, dask: Dask
) -> None:
    host = Host(tmp_path / "host", buckets, buckets.make())
    incoming = Client(replace(host.bucket, prefix="incoming"), host.environment)
    for file in host.drop(crate("foo", "1.0.0"), crate("foo", "1.1.0"), crate("bar").without("Cargo.toml")):
        incoming.put(file.name, file.read_bytes(), {"Content-Type": "application/gzip"})
    for _ in range(2):
        dask.worker(host.environment)
    said = host.run("build", "--cluster", dask.url, "--drop", str(incoming.bucket))
    assert (said.code, "bar-1.0.0.crate" in said.out, "2 published" in said.out) == (1, True, True), said
    project = Cargo(tmp_path / "cargo", {"acme": host.url}).project('foo = { version = "1", registry = "acme" }\n')
    project.run("build").ok()
    assert project.locked() == {"foo": "1.1.0"}
    assert "nothing is wrong" in host.run("verify").ok()


def test_a_machine_that_lacks_a_folder_which_it_is_to_read_is_named(
    tmp_path: Path, buckets: Buckets, dask: Dask
) -> None:
    host = Host(tmp_path / "host", buckets, buckets.make())
    host.drop(crate("foo", "1.0.0"))
    dask.worker(host.environment)
    (host.folder / "lines").mkdir()
    mine = "/proc/self/cwd/lines"  # which is another place for each process
    said = host.run("build", "--mode", "mirror", "--cluster", dask.url, "--upstream-index", mine)
    said.failed(2, f"has no folder '{mine}', which it needs to read")
    assert "1 published" in host.run("build", "--mode", "mirror", "--upstream-index", mine).ok()


def test_a_cluster_is_not_for_a_dry_run(tmp_path: Path, buckets: Buckets) -> None:
    host = Host(tmp_path / "host", buckets, buckets.make())
    host.run("build", "--cluster", "dask://127.0.0.1:1", "--dry-run").failed(2, "is not for a dry run")
    assert not (host.folder / "public").exists()
