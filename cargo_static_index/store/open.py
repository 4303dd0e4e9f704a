"""Opening a tree where it lies: in a folder or in a bucket."""

from pathlib import Path

from cargo_static_index.store import Store
from cargo_static_index.store.bucket import Bucket
from cargo_static_index.store.local.store import LocalStore


def open_tree(
    place: Path | Bucket,
    *,
    file_mode: int | None = None,
    dir_mode: int | None = None,
    flush: bool = True,
    single_writer: bool = False,
    lock_timeout: float | None = 0.0,
) -> Store:
    """Open the tree at a place; modes, `flush` and `lock_timeout` are for folders, `single_writer` for buckets.

    SettingsError where buckets cannot be used.
    """
    if isinstance(place, Path):
        return LocalStore(place, file_mode=file_mode, dir_mode=dir_mode, flush=flush, lock_timeout=lock_timeout)
    from cargo_static_index.store.objects.store import ObjectStore  # noqa: PLC0415 - an extra, and slow to import

    return ObjectStore(place, single_writer=single_writer)
