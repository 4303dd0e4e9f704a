"""A scheduler of Dask's and its one worker, both in this process: what is said of them, and how calls end."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

from cargo_static_index._version import __version__
from cargo_static_index.diagnostics.errors import SettingsError, StoreError
from cargo_static_index.registry.cluster import Cluster, need_same_program, opened_cluster
from cargo_static_index.store.bucket import Bucket
from tests.servers import free_port

BUCKET = Bucket("s3", "bucket")


@contextmanager
def scheduler(workers: int) -> Iterator[Any]:
    dask: Any = importlib.import_module("distributed")
    with dask.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=False,
        dashboard_address="127.0.0.1:0",
        protocol="tcp",
        host="127.0.0.1",
        worker_dashboard_address="127.0.0.1:0",
        silence_logs=50,
    ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def one_worker() -> Iterator[Any]:
    with scheduler(1) as cluster:
        yield cluster


@pytest.fixture
def executor(one_worker: Any) -> Iterator[Cluster]:
    with one_worker.get_client() as client:
        yield Cluster(client)


def url_of(cluster: Any) -> str:
    return str(cluster.scheduler_address).replace("tcp://", "dask://")


def refused(url: str, *folders: Path, patience: float = 30) -> str:
    """Give why a cluster cannot be used."""
    with pytest.raises(SettingsError) as caught, opened_cluster(url, BUCKET, folders, patience=patience):
        pass
    return str(caught.value)


def add(one: int, *, other: int) -> int:
    return one + other


def fail_with(error: Exception) -> NoReturn:
    raise error


def test_a_call_gives_what_its_function_gives(executor: Cluster) -> None:
    assert executor.submit(add, 1, other=2).result() == 3


def test_the_same_call_is_made_as_often_as_it_is_asked_for(executor: Cluster, tmp_path: Path) -> None:
    for call in [executor.submit(count, tmp_path / "calls") for _ in range(3)]:
        call.result()
    assert (tmp_path / "calls").read_text() == "xxx"


def count(file: Path) -> None:
    with file.open("a") as calls:
        calls.write("x")


@pytest.mark.parametrize("error", [StoreError("the disk is full"), OSError(28, "full"), ValueError("a bug")], ids=repr)
def test_a_call_raises_what_its_function_raises(executor: Cluster, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        executor.submit(fail_with, error).result()
    assert caught.value.args == error.args


def test_a_call_that_no_machine_could_end_is_a_broken_executor(one_worker: Any) -> None:
    with one_worker.get_client() as client:
        call = Cluster(client).submit(add, 1, other=2)
    with pytest.raises(BrokenExecutor):
        call.result()


def test_what_is_no_scheduler_is_refused() -> None:
    assert (
        refused("tcp://127.0.0.1:1")
        == "--cluster: 'tcp://127.0.0.1:1' is no scheduler of Dask's; write dask://HOST:PORT"
    )


def test_a_tree_that_not_all_machines_can_open_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is for a tree in a bucket, which all machines can open"):
        opened_cluster("dask://127.0.0.1:1", tmp_path).__enter__()


def test_a_scheduler_that_is_not_there_is_named() -> None:
    url = f"dask://127.0.0.1:{free_port()}"
    assert refused(url, patience=0.1) == f"--cluster: no scheduler answers at {url}; start `dask scheduler` there"


def test_a_scheduler_without_workers_is_named() -> None:
    with scheduler(0) as cluster:
        said = refused(url_of(cluster), patience=0.1)
        assert said == f"--cluster: no worker has come to {url_of(cluster)}; start `dask worker` somewhere"


def test_a_folder_that_a_worker_does_not_see_is_named(one_worker: Any, tmp_path: Path) -> None:
    said = refused(url_of(one_worker), tmp_path, tmp_path / "nowhere")
    assert said.startswith("--cluster: the worker tcp://127.0.0.1:")
    assert f"has no folder '{tmp_path}/nowhere', which it needs to read" in said


def test_workers_of_another_version_are_named() -> None:
    need_same_program({"tcp://a": __version__, "tcp://b": __version__})
    with pytest.raises(SettingsError) as caught:
        need_same_program({"tcp://a": "0.1", "tcp://b": __version__, "tcp://c": "0.2"})
    assert str(caught.value) == (
        f"--cluster: all workers must run version {__version__}, as this does; tcp://a: 0.1, tcp://c: 0.2"
    )


WITHOUT_DASK = """
import sys
sys.modules["distributed"] = None
from cargo_static_index.registry.cluster import opened_cluster
from cargo_static_index.store.bucket import Bucket
try:
    with opened_cluster("dask://127.0.0.1:1", Bucket("s3", "bucket")):
        pass
except Exception as error:
    print(type(error).__name__, error)
"""


def test_where_dask_is_not_installed_the_extra_is_named() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_DASK], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "SettingsError `--cluster` needs the extra `cluster`: pip install 'cargo-static-index[cluster]'\n"
    )
