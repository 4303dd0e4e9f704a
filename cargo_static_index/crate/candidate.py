"""One file on its way: where it lies, what was read of it, what became of it.

All three are small enough to keep a million of them in a table.
"""

from os import fsdecode
from typing import Literal

from msgspec import Struct

from cargo_static_index.diagnostics.problems import Problem


class Need(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What a crate depends on: the collision key, and whether it is looked for in this registry or on crates.io.

    `place` is where the manifest says so; `dev`: for its own tests only, which no client resolves. `name` and `req` are
    given of what no client can do without: a dependency here that is neither optional nor for tests.
    """

    key: str
    here: bool
    dev: bool = False
    place: str = ""
    name: str = ""
    req: str = ""


class HeldRelease(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """A release that is published, and its archive's SHA-256 in lower-case hex."""

    name: str
    vers: str
    cksum: str


class DropFile(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """Where a file lies that is to be published.

    `folder` and `file` are its place in the drop directory, as the disk has them, and `seen` sums up what the scan saw
    there. A file given by name has none of the three; what is no regular file has no `target`.
    """

    source: str
    """The path as the user would write it, with what is not UTF-8 escaped."""
    target: bytes = b""
    """What to open: the file, or what it links to; of a file of the drop directory, its path below that."""
    folder: bytes = b""
    file: bytes = b""
    seen: bytes = b""
    due: float = 0.0
    """Until when, by the monotonic clock, it may be only a part of what it is to be."""
    again: bool = False
    """Whether the next scan is to give it out once more."""
    size: int = 0
    held: HeldRelease | None = None
    """The release that it is called like, where that is published: with its checksum nothing more is read of it."""

    @property
    def fingerprint(self) -> bytes:
        """What to write down of it: b"" makes the next scan give it out again."""
        return b"" if self.again else self.seen

    @property
    def path(self) -> str:
        """Where it lies below the drop directory, as `os` gives it."""
        return fsdecode(self.folder + b"/" + self.file if self.folder and self.file else self.folder or self.file)


class Candidate(Struct, frozen=True, kw_only=True, array_like=True):
    """What was read of a file. Without a name it could not be read so far as to know its release."""

    file: DropFile
    problems: tuple[Problem, ...] = ()
    refused: bool = False
    """Whether one of the problems keeps it out, whatever the registry holds."""
    key: str = ""
    """The collision key of the name."""
    name: str = ""
    vers: str = ""
    cksum: str = ""
    line: bytes = b""
    """The index line, without newline."""
    pubtime: str | None = None
    """The `pubtime` in that line."""
    needs: tuple[Need, ...] = ()
    staged: str = ""
    """The name of the staged archive in the transaction's folder; the staged metadata has `.json` behind it.

    "" where its checksum alone was read, which is that of a published release.
    """

    @property
    def source(self) -> str:
        """The path as the user would write it."""
        return self.file.source


FileStatus = Literal["published", "restored", "unchanged", "refused", "waiting", "remembered", "not-published"]
"""What became of a file: `restored` put back the archive of a release that the tree had lost,
`waiting` is read again by the next build, `remembered` was refused by an earlier one,
`not-published` is good, but something else was refused where all or nothing is published.
"""


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a file, with everything that was found in it, warnings too.

    What is kept of a file of the drop directory is this, with when it was first and last seen, in whole seconds.
    """

    candidate: Candidate
    status: FileStatus
    problems: tuple[Problem, ...] = ()
    first_seen: int = 0
    last_seen: int = 0

    @property
    def source(self) -> str:
        """The path as the user would write it."""
        return self.candidate.file.source

    @property
    def name(self) -> str:
        """The crate's name, "" where it could not be read."""
        return self.candidate.name

    @property
    def vers(self) -> str:
        """The version, "" where it could not be read."""
        return self.candidate.vers

    @property
    def cksum(self) -> str:
        """The SHA-256 of the file in lower-case hex, "" where it was not read to its end."""
        return self.candidate.cksum

    @property
    def became(self) -> FileStatus:
        """The status, as earlier versions called it."""
        return self.status

    @property
    def incoming(self) -> Candidate:
        """The candidate, as earlier versions called it."""
        return self.candidate
