"""Where a tree lives."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, NewType, Protocol

from msgspec import Struct

Tag = str
"""What identifies one content of one path: equal tags mean unchanged content."""

Staged = NewType("Staged", str)
"""A file staged in the session's folder, by its path: text, as a `Path` costs as much as a small file's write."""


class Stored(Struct, frozen=True, kw_only=True):
    """A file as read: its bytes, and the tag under which it can be replaced.

    `changes` are the ids of the changes that its content comes from, the last first, where no lock keeps others out.
    """

    content: bytes
    tag: Tag
    changes: tuple[str, ...] = ()


class Put(Struct, frozen=True, kw_only=True):
    """Write `content` (bytes, or a staged file, which is then consumed) at `path`.

    `expect`: "any" replaces whatever is there; "absent" writes only where nothing is;
    a tag writes only over that content. Same path, same content is no change at all.
    `changes` are ids to read the file with; `tags` name it to a cache, beside what its path tells.
    """

    path: str
    content: bytes | Staged
    expect: Tag | Literal["any", "absent"] = "any"
    changes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class Delete(Struct, frozen=True, kw_only=True):
    """Delete what is at `path`, only while it has that tag unless "any"; deleting nothing is fine."""

    path: str
    expect: Tag | Literal["any"] = "any"


Change = Put | Delete


class Store(Protocol):
    """Where a tree lives: paths are `/`-separated, relative, without `.` or `..`.

    Each file is replaced whole, so that a reader sees the old or the new bytes, never half.
    Methods raise StoreError where the disk or network fails, and InvalidInput for a path that leaves the tree.
    A store of one's own inherits from this: the five methods that have no body here are what it needs.
    """

    @property
    def locks(self) -> bool:
        """Whether a session keeps other writers out, so that what is read stays as it is while it is open."""
        return False

    @property
    def shared(self) -> bool:
        """Whether writers on several hosts change it, so that what each of them must know lies in the tree itself."""
        return False

    def read(self, path: str) -> Stored | None:
        """Read one file, or give None where there is none."""

    def read_all(self, paths: Sequence[str]) -> Sequence[Stored | None]:
        """Read several files, at the same time where that is quicker."""
        return [self.read(path) for path in paths]

    def size(self, path: str) -> int | None:
        """Give the bytes of one file without reading it, or None where there is none."""

    def list(self, prefix: str = "") -> Iterator[str]:
        """List the paths of all files below a folder, sorted, without the session's own."""

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Carry out independent changes in the order given, and give back those whose `expect` did not hold.

        When this returns, all the rest is durable: a batch is what may be flushed together.
        """

    def session(self) -> AbstractContextManager[Path]:
        """Keep other writers on this machine out (or raise TreeBusy), and give a private folder to stage files in.

        The folder is emptied at the end, and what a session that died left is emptied at the next start.
        """

    def for_dry_run(self) -> "Store":
        """Give this tree as a dry run may open it: it makes no tree, and needs no right to write."""
        return self

    def opener(self) -> Callable[[], "Store"] | None:
        """Give what opens this tree in another process, to be read there; None where no other process can."""
        return None
