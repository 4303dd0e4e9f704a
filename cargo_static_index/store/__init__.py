"""Where a tree lives."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, NewType, Protocol

from msgspec import Struct

Tag = str
"""What identifies one content of one path: equal tags mean unchanged content."""

Staged = NewType("Staged", str)
"""A file staged in the session's folder, by its path: text, as a `Path` costs as much as a small file's write.

Or one that machines staged in the store itself (`Uploads`), which is copied, and stays.
"""


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


class Lock(Protocol):
    """Keeps other writers on this machine out of a tree, for as long as one batch takes."""

    @property
    def name(self) -> str:
        """What other sessions know this one by."""

    @property
    def others(self) -> frozenset[str]:
        """The names of the other sessions that are open on this machine."""

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits for it."""

    def take(self, tell: Callable[[str], None]) -> None:
        """Wait for it, or raise TreeBusy; of a long wait `tell` hears once, a sentence."""

    def leave(self) -> None:
        """Let others have it; who waited comes before us if we want it again."""


class Uploads(Protocol):
    """Where machines stage files in a store, for nobody else to read; it travels to them.

    What is staged under a name is the same whoever stages it, and however often.
    """

    def put(self, name: str, file: Path, *, path: str, tags: tuple[str, ...]) -> None:
        """Stage a file under a name, with the headers of what will lie at `path`; raises StoreError."""

    def staged(self, name: str) -> Staged:
        """Give what is staged under a name."""

    def clear(self) -> None:
        """Delete all that is staged here, and what was staged long ago by who never came to that."""


class Store(Protocol):
    """Where a tree lives: paths are `/`-separated, relative, without `.` or `..`.

    Each file is replaced whole, so that a reader sees the old or the new bytes, never half.
    Methods raise StoreError where the disk or network fails, and InvalidInput for a path that leaves the tree.
    A store of one's own inherits from this: the five methods that have no body here are what it needs.
    """

    @property
    def locks(self) -> bool:
        """Whether others can be kept out; else compare and swap has to do."""
        return False

    @property
    def lock(self) -> Lock | None:
        """What keeps others out while it is held, of a session that is open; None where nothing does, or need not."""
        return None

    @property
    def is_being_changed(self) -> bool:
        """Whether somebody on this machine has a session open, as far as that can be seen."""
        return False

    @property
    def shared(self) -> bool:
        """Whether writers on several hosts change it, so that what each of them must know lies in the tree itself."""
        return False

    @property
    def folder(self) -> Path | None:
        """The folder in which the files lie under their own paths, for who sends them as they are; None without one."""
        return None

    def read(self, path: str) -> Stored | None:
        """Read one file, or give None where there is none."""

    def read_all(self, paths: Sequence[str]) -> Sequence[Stored | None]:
        """Read several files, at the same time where that is quicker."""
        return [self.read(path) for path in paths]

    def size(self, path: str) -> int | None:
        """Give the bytes of one file without reading it, or None where there is none."""

    def digest(self, path: str) -> str | None:  # noqa: ARG002 - what most stores cannot do
        """Give the SHA-256 of one file in hex, as the store keeps it, without reading it; None where it does not."""
        return None

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[str]:
        """List the paths of all files below a folder, sorted, that sort after one; without the session's own."""

    def apply(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Carry out independent changes in the order given, and give back those whose `expect` did not hold.

        When this returns, all the rest is durable: a batch is what may be flushed together.
        """

    def link(self, path: str) -> Staged | None:  # noqa: ARG002 - what most stores cannot do
        """Stage a file of the tree under a second name, to be put at another path, too; None where that cannot be."""
        return None

    def session(self) -> AbstractContextManager[Path]:
        """Give a private folder to stage files in, which is removed at the end; what dead sessions left goes at once.

        It keeps nobody out; of one store only one is open at a time, else TreeBusy.
        """

    def opener(self) -> Callable[[], "Store"] | None:
        """Give what opens this tree in another process, to be read there; None where no other process can."""
        return None
