"""A tree that is only looked at."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cargo_static_index.store import Store


class LookedAt:
    """A store for dry runs that keep nobody out, and that need no right to write: other processes may go on."""

    def __init__(self, tree: Store) -> None:
        self.read, self.size, self.list, self.apply = tree.read, tree.size, tree.list, tree.apply
        self.opener = tree.opener

    @contextmanager
    def session(self) -> Iterator[Path]:
        """Give a folder to stage files in, away from the tree."""
        with tempfile.TemporaryDirectory(prefix="cargo-static-index-") as stage:
            yield Path(stage)

    def for_dry_run(self) -> Store:
        """Give this store itself."""
        return self
