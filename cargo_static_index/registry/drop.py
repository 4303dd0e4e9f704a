"""The drop directory, be it a folder or a prefix of a bucket, and what the settings want done with its files."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.crate.candidate import Candidate, DropFile
from cargo_static_index.diagnostics.errors import InvalidInput, StoreError
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.registry.scan import SETTLE, Due, scan_drop, source_start
from cargo_static_index.state import State
from cargo_static_index.store.bucket import Bucket, Whereabouts
from cargo_static_index.store.local.folders import open_folders

_HYPHEN = pattern(r"-(?=[0-9])")
_NAME = pattern(r"[A-Za-z0-9_-]+")

if TYPE_CHECKING:  # an extra, and slow to import
    from cargo_static_index.registry.bucket_drop import BucketDrop


class Drop(Struct, frozen=True, kw_only=True):
    """The drop directory, and what is to happen to files in it that were published or refused.

    It may lie in a bucket. `refused` is a folder that refused files are moved to, `after_publish` one for those that
    are published; both lie in the same bucket then. Before a file has been as it is for `settle` seconds, it is not
    refused as only a part of one.
    """

    path: Whereabouts
    refused: Whereabouts | None = None
    after_publish: Literal["keep", "delete"] | Whereabouts = "keep"
    settle: float = SETTLE

    def scan(self, state: State, due: Due, *, forget: bool = True) -> Iterator[DropFile | Candidate]:
        """Give what is new, changed or still to be judged, as `scan_drop` does; objects of a bucket are due at once."""
        ours = (self.refused, self.after_publish)
        if isinstance(self.path, Path):
            return scan_drop(self.path, state, due, (place for place in ours if isinstance(place, Path)), forget=forget)
        objects = objects_of(self.path)
        return objects.scan(state, (place for place in ours if isinstance(place, Bucket)), forget=forget)

    @property
    def takes_away(self) -> bool:
        """Whether files leave the drop directory once they are published."""
        return self.after_publish != "keep"

    def source_of(self, file: DropFile) -> str:
        """Give the path of a file in the drop directory as the user would write it, escaped."""
        return escape(os.fsdecode(source_start(self.path)) + file.path)

    def file_names(self) -> Iterator[str]:
        """Give the names of all files that may be crates, whatever became of them; StoreError where that fails."""
        if isinstance(self.path, Bucket):
            yield from (path.rpartition("/")[2] for path in objects_of(self.path).paths())
            return
        for _, _, names in os.walk(self.path):
            yield from (name for name in names if name.endswith(".crate"))

    def content(self, path: str) -> bytes | None:
        """Read a file by its path in it; None where it is not there, is none, or lies behind a link."""
        try:
            if isinstance(self.path, Bucket):
                return objects_of(self.path).content(path)
            with open_folders(self.path) as folders:
                opened = folders.open_file(path)
                if opened is None:
                    return None
                with os.fdopen(opened, "rb") as file:
                    return file.read()
        except (OSError, InvalidInput, StoreError):
            return None

    def holds(self, path: str) -> bool:
        """Whether a file is there."""
        return objects_of(self.path).holds(path) if isinstance(self.path, Bucket) else (self.path / path).exists()


def possible_releases(file_name: str) -> Iterator[tuple[str, str]]:
    """Give the names and versions that a file `NAME-VERSION.crate` may mean: both may hold hyphens before digits."""
    text = file_name.removesuffix(".crate")
    for found in _HYPHEN.finditer(text):
        name, vers = text[: found.start()], text[found.end() :]
        if _NAME.fullmatch(name):
            yield name, vers


def objects_of(place: Bucket) -> "BucketDrop":
    """Give the dropped files of a bucket; SettingsError where buckets cannot be used."""
    from cargo_static_index.registry.bucket_drop import BucketDrop  # noqa: PLC0415 - an extra, and slow to import

    return BucketDrop(place)
