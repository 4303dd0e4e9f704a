"""Other machines that work for a build, by Dask's scheduler: they read dropped files and make pages."""

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

from cargo_static_index._pattern import pattern
from cargo_static_index._version import __version__
from cargo_static_index.diagnostics.errors import CargoStaticIndexError, SettingsError, extra_missing
from cargo_static_index.registry.workers import Far, Result
from cargo_static_index.store.bucket import Bucket, Whereabouts
from cargo_static_index.store.objects.uploads import new_uploads

P = ParamSpec("P")
T = TypeVar("T")

_URL = pattern(r"dask://(?P<address>[A-Za-z0-9_.-]+:[0-9]{1,5}|\[[0-9A-Fa-f:]+\]:[0-9]{1,5})")

PATIENCE = 30.0
"""Seconds for which a scheduler, and its first worker, is waited for."""

_RETRIES = 3
"""How often work is given to another machine because one was lost."""

_AHEAD = 3
"""Calls that are under way for each thread of a worker: one, the next, and one that is on its way back."""


class Cluster:
    """An executor whose calls run on other machines."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Result[T]:
        """Take a call whose function, arguments and result can travel between machines."""
        return _Call(self._client.submit(fn, *args, pure=False, retries=_RETRIES, **kwargs))


class _Call(Generic[T]):
    """A call under way on some machine."""

    def __init__(self, future: Any) -> None:
        self._future = future

    def result(self) -> T:
        """Give what the call gives, or raise what it raises; BrokenExecutor where no machine could end it."""
        try:
            found: T = self._future.result()
        except (CargoStaticIndexError, OSError):
            raise
        except Exception as error:
            if type(error).__module__.startswith("distributed"):
                raise BrokenExecutor(str(error)) from error
            raise
        return found


@contextmanager
def opened_cluster(
    url: str, tree: Whereabouts, folders: Collection[Path] = (), patience: float = PATIENCE
) -> Iterator[Far]:
    """Connect to the scheduler at `dask://HOST:PORT`, to build a tree in a bucket; SettingsError where that cannot be.

    `folders` are those that every machine reads for itself. Scheduler and first worker are waited for so many seconds.
    What the machines staged there is deleted at the end.
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise SettingsError(f"--cluster: {url!r} is no scheduler of Dask's; write dask://HOST:PORT")
    if not isinstance(tree, Bucket):
        raise SettingsError(
            "--cluster is for a tree in a bucket, which all machines can open: --tree s3://BUCKET/PREFIX"
        )
    connect = _client_of_dask()
    try:
        client = connect(f"tcp://{found['address']}", timeout=patience, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise SettingsError(f"--cluster: no scheduler answers at {url}; start `dask scheduler` there") from error
    with client:
        _need_workers(client, url, patience)
        need_same_program(client.run(_version))
        _need_folders(client, folders)
        uploads = new_uploads(tree)
        try:
            yield Far(Cluster(client), uploads, _AHEAD * sum(client.nthreads().values()))
        finally:
            uploads.clear()


def _client_of_dask() -> Any:
    try:
        import distributed  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise extra_missing("`--cluster` needs", "cluster") from error
    return distributed.Client


def _need_workers(client: Any, url: str, patience: float) -> None:
    try:
        client.wait_for_workers(1, timeout=patience)
    except TimeoutError as error:
        raise SettingsError(f"--cluster: no worker has come to {url}; start `dask worker` somewhere") from error


def need_same_program(versions: Mapping[str, str]) -> None:
    """Raise SettingsError unless all workers, by their addresses, run this version, so that all judge alike."""
    wrong = sorted(f"{worker}: {version}" for worker, version in versions.items() if version != __version__)
    if wrong:
        raise SettingsError(f"--cluster: all workers must run version {__version__}, as this does; {', '.join(wrong)}")


def _need_folders(client: Any, folders: Collection[Path]) -> None:
    """Make sure that the workers see the folders: where one lacked an index of times, pages would lack the times."""
    for worker, lacking in client.run(_lacking, list(map(str, folders))).items():
        if lacking:
            raise SettingsError(
                f"--cluster: the worker {worker} has no folder {lacking[0]!r}, which it needs to read; "
                "have it at the same place on every machine, for instance on a network disk"
            )


def _lacking(folders: list[str]) -> list[str]:
    return [folder for folder in folders if not Path(folder).is_dir()]


def _version() -> str:
    return __version__
