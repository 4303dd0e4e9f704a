"""Reads and checks one `.crate`: gzip, tar, paths, and where the manifest is. Knows nothing of registries.

An archive is hostile until shown otherwise: it is never unpacked to disk, memory is bounded whatever it says,
and everything wrong with it is told at once.
"""

import re
from bisect import bisect_right
from itertools import accumulate
from typing import BinaryIO

from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.crate.gzip import GzipStream
from cargo_static_index.crate.limits import Limits
from cargo_static_index.crate.metadata import File
from cargo_static_index.crate.paths import Paths, is_manifest, plain_paths
from cargo_static_index.crate.tar import Member, walk_tar
from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.diagnostics.problems import Problem, ProblemList

MANIFEST = "Cargo.toml"
VCS_INFO = ".cargo_vcs_info.json"
CARGO_OK = ".cargo-ok"
CARGO_OK_DIRECTORY = f"{CARGO_OK}/"

_MANIFEST_BELOW = f"/{MANIFEST}".encode()

LIKELY_DOCUMENT = pattern(
    rb"(?:.*/)?(?:readme|changelog|changes|history|news|releases)[^/]*"
    rb"|[^/]+/Cargo\.toml\.orig|.*\.(?:md|markdown|mdown|txt|rst|adoc|org)",
    re.IGNORECASE | re.DOTALL,
)

KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a pipe",
    b"7": "a contiguous file",
    b"S": "a sparse file",
}


Content = bytes | memoryview
"""What a file holds, which may be a view into the content around it."""

Walked = tuple[bytes, bytes, int, Content | None]
"""One entry of the tar: its path as found, its type flag, its size, and its content where that is kept."""


class Archive(Struct, frozen=True, kw_only=True):
    """What one `.crate` holds. Paths are below its directory; sizes are bytes."""

    cksum: str
    """SHA-256 of the whole file, lower-case hex, as the index writes it."""
    packed_size: int
    unpacked_size: int
    """The sizes of all files together."""
    directory: str | None
    """The one top directory; that it is `NAME-VERSION` is for whoever knows the manifest to check."""
    files: tuple[File, ...]
    """All files, sorted by path."""
    manifest: bytes | None
    """Cargo.toml, None where there is none or it is too large."""
    vcs: bytes | None
    """`.cargo_vcs_info.json`."""
    documents: dict[str, Content]
    """Files that a manifest may name as README, by path; every file of `files` is here or in `oversize`.

    Where the README is stands in the manifest, which may come after it. So each file of up to `readme_bytes` is kept
    while they fit into `documents_bytes`, after that those with a likely name (README…, CHANGELOG…, `.md`, `.txt`),
    for which there is as much room again. Thus a README is found under any name in an archive whose files have up to
    4 MiB, and under a likely name in any archive whose likely documents are no larger than that together.
    """
    oversize: dict[str, int]
    """The sizes of the files that were not kept."""


def _manifest_path(members: list[Member]) -> bytes | None:
    """Give where the manifest is, as the first entry that lies in a directory tells, or None where there is none."""
    for path, kind, _, _ in members:
        if b"/" in path or kind == b"5":
            return path.partition(b"/")[0] + _MANIFEST_BELOW
    return None


def read_archive(stream: BinaryIO, limits: Limits) -> tuple[Archive | None, tuple[Problem, ...]]:
    """Read one archive to its end, once, and give what it holds and every problem that can be seen in it.

    There is no Archive where the file is no gzip at all or larger than `packed_bytes`. With problems that refuse, what
    the Archive holds is what could be read. Of a rule broken often, ten places are told and the rest counted. Only an
    OSError of the stream leaves this function.
    """
    problems = ProblemList()
    source = GzipStream(stream, limits, problems)
    if not source.opens():
        return None, problems.problems()
    contents = _Contents(source, limits, problems)
    contents.read()
    source.finish()
    contents.check_manifest_size()
    if problems.has("packed-too-large"):
        return None, problems.problems()
    return contents.archive(), problems.problems()


class _Contents:
    """What was found in an archive so far."""

    def __init__(self, source: GzipStream, limits: Limits, problems: ProblemList) -> None:
        self._source = source
        self._limits = limits
        self._problems = problems
        self._directory: str | None = None
        self._sizes: dict[str, int] = {}
        self._manifests: list[str] = []
        self._documents: dict[str, Content] = {}
        self._oversize: dict[str, int] = {}
        self._kept: dict[bytes, Content] = {}
        self._manifest_path: bytes | None = None
        self._room = self._likely_room = limits.documents_bytes

    def read(self) -> None:
        """Take in every entry, up to the end, damage, or a limit."""
        walked = self._walk()
        plain = plain_paths([path for path, kind, _, _ in walked if kind == b"0"], self._limits)
        if plain is not None and len(plain.paths) == len(walked):
            self._directory = plain.directory
            for path, (_, _, size, content) in zip(plain.paths, walked, strict=True):
                self._sizes[path] = size
                if content is None:
                    self._oversize[path] = size
                else:
                    self._documents[path] = content
            if MANIFEST in self._sizes:
                self._manifests.append(MANIFEST)
        else:
            self._judge(walked)
        whole = not self._source.broken and not self._problems.has("tar-damaged", "too-many-entries")
        self._check_manifests(whole=whole)

    def _walk(self) -> list[Walked]:
        """Give the entries, each with its content as far as that is kept."""
        walked: list[Walked] = []
        entries, paths_bytes = self._limits.entries, self._limits.paths_bytes
        for members in walk_tar(self._source, self._problems):
            if self._manifest_path is None:
                self._manifest_path = _manifest_path(members)
            lengths = list(accumulate([len(path) for path, _, _, _ in members]))
            if len(walked) + len(members) > entries or lengths[-1] > paths_bytes:
                room = min(entries - len(walked), bisect_right(lengths, paths_bytes))
                walked += map(self._take, members[:room])
                self._note_too_many(len(walked) + 1)
                break
            paths_bytes -= lengths[-1]
            together = self._take_together(members) if len(members) > 1 else None
            walked += map(self._take, members) if together is None else together
        return walked

    def _take_together(self, members: list[Member]) -> list[Walked] | None:
        """Give the entries with a view of what each holds, or None where one must be looked at by itself."""
        view = memoryview(self._source.buffer)
        contents = {path: view[at : at + size] for path, _, size, at in members}
        sizes = [size for _, _, size, _ in members]
        manifest = b"" if self._manifest_path is None else contents.get(self._manifest_path, b"")
        documents = sum(sizes) - len(manifest)
        alone = (
            len(contents) < len(members)
            or not self._kept.keys().isdisjoint(contents)
            or max(sizes) > min(self._limits.readme_bytes, self._limits.manifest_bytes)
            or documents > self._room
            or self._source.position > self._limits.documents_bytes
        )
        if alone:
            return None
        self._room -= documents
        self._kept.update(contents)
        return [(path, kind, size, contents[path]) for path, kind, size, _ in members]

    def _take(self, member: Member) -> Walked:
        path, kind, size, at = member
        self._source.go(at)
        return path, kind, size, self._content(path, size) if kind == b"0" else None

    def _content(self, path: bytes, size: int) -> Content | None:
        """Take a file's content, or give None where it is too large or there is no room left.

        The attack: as many manifests, or as many times the same file, as would fill the memory. So only the first
        manifest in the package's directory has room of its own, and what comes again takes none if it is the same.
        """
        kept = self._kept.get(path)
        if kept is not None and self._comes_again(kept, size):
            return kept
        if path == self._manifest_path:
            whole = kept is None and size <= self._limits.manifest_bytes
            content: Content | None = self._source.take(size) if whole else None
        else:
            content = self._document(path, size)
        if content is not None:
            self._kept[path] = content
        return content

    def _comes_again(self, kept: Content, size: int) -> bool:
        if len(kept) != size:
            return False
        buffer, at = self._source.look(size)
        return memoryview(buffer)[at : at + size] == kept

    def _document(self, path: bytes, size: int) -> Content | None:
        if size > self._limits.readme_bytes:
            return None
        if size <= self._room:
            self._room -= size
        elif size <= self._likely_room and LIKELY_DOCUMENT.fullmatch(path):
            self._likely_room -= size
        else:
            return None
        # Views hold what lies around them, so only the start of an archive is viewed: it is as much as may be kept.
        viewed = self._source.position <= self._limits.documents_bytes
        return self._source.view(size) if viewed else self._source.take(size)

    def _keep(self, path: str, size: int, content: Content | None) -> None:
        """Know a file; one that is known already is replaced."""
        self._sizes[path] = size
        if content is None:
            self._documents.pop(path, None)
            self._oversize[path] = size
        else:
            self._oversize.pop(path, None)
            self._documents[path] = content

    def _judge(self, walked: list[Walked]) -> None:
        """Look at each entry by itself."""
        paths = Paths(self._limits, self._problems)
        for raw, kind, size, content in walked:
            if kind == b"0":
                path = paths.add_file(raw)
                if path is not None:
                    self._take_file(path, size, content)
            elif kind == b"5":
                self._take_directory(paths, raw, size)
            else:
                self._note_kind(raw, kind)
        paths.finish()
        self._directory = paths.directory

    def archive(self) -> Archive:
        """Give all that was found."""
        vcs = self._documents.get(VCS_INFO)
        files = tuple([File(path=path, size=size) for path, size in sorted(self._sizes.items())])
        return Archive(
            cksum=self._source.cksum,
            packed_size=self._source.packed_size,
            unpacked_size=sum(self._sizes.values()),
            directory=self._directory,
            files=files,
            manifest=self._manifest(),
            vcs=None if vcs is None else bytes(vcs),
            documents=self._documents,
            oversize=self._oversize,
        )

    def _manifest(self) -> bytes | None:
        """Give the manifest, if it is whole: what else is missing of it would only be told as its fault."""
        content = self._documents.get(MANIFEST)
        return bytes(content) if content is not None and len(content) == self._sizes[MANIFEST] else None

    def _take_file(self, path: str, size: int, content: Content | None) -> None:
        if path.endswith(CARGO_OK) and path.rpartition("/")[2] == CARGO_OK:
            # Cargo skips it, so it is no file of the package.
            self._problems.add("cargo-ok-file", place=path)
            return
        if path.startswith(CARGO_OK_DIRECTORY):
            message = "The archive has a directory '.cargo-ok', where cargo writes a file of its own."
            self._problems.add("path-invalid", message, place=path)
            return
        if path in self._sizes:
            self._note_repeated(path, size, content)
            return
        if is_manifest(path):
            self._manifests.append(path)
        self._keep(path, size, content)

    def _note_repeated(self, path: str, size: int, content: Content | None) -> None:
        # The attack: cargo keeps the last of them, and so do we, but a reviewer's tool may show the first. Files too
        # large to keep cannot be compared and count as different.
        if content is not None and content is self._documents.get(path):
            self._problems.add(
                "path-repeated", f"The archive holds {quote(path)} twice, with the same bytes.", place=path
            )
        elif is_manifest(path):
            self._manifests.append(path)
        else:
            message = f"The archive holds {quote(path)} twice, with different bytes; cargo keeps the later one."
            self._problems.add("path-overwritten", message, place=path)
            self._keep(path, size, content)

    def _take_directory(self, paths: Paths, raw: bytes, size: int) -> None:
        paths.add_directory(raw)
        if size:
            # The attack: cargo passes over this content, other readers take it for more entries.
            message = f"The directory {quote(raw)} says that it has {size} bytes of content."
            self._problems.add("tar-size-mismatch", message)

    def _note_kind(self, path: bytes, kind: bytes) -> None:
        if kind == b"g":
            self._problems.add("tar-global-header")
            return
        # The attack: a link to a place outside, then a file below the link (CVE-2022-36113, CVE-2026-5223).
        name = KINDS.get(kind, f"of the type {kind!r}, which is neither a file nor a directory")
        self._problems.add("entry-type", f"{quote(path)} is {name}.")

    def _note_too_many(self, entries: int) -> None:
        if entries > self._limits.entries:
            message = f"The archive has more than {self._limits.entries} entries, which is the limit."
        else:
            message = f"The paths in the archive have more than {self._limits.paths_bytes} bytes together."
        self._problems.add("too-many-entries", message)

    def check_manifest_size(self) -> None:
        """Note a manifest that is too large, be it for an archive of this size, once that is known."""
        size, packed = self._sizes.get(MANIFEST, 0), self._source.packed_size
        limit = self._limits.manifest_limit(packed)
        if size > limit:
            where = f", in an archive of {packed}" if limit < self._limits.manifest_bytes else ""
            message = f"Cargo.toml has {size} bytes{where}; the limit is {limit}."
            self._problems.add("manifest-too-large", message, place=MANIFEST)

    def _check_manifests(self, *, whole: bool) -> None:
        found = self._manifests
        if len(found) > 1:
            names = ", ".join(quote(name) for name in found)
            message = f"The archive has more than one Cargo.toml in its directory: {names}."
            self._problems.add("manifest-duplicate", message)
        elif not whole:
            # What was not read may hold the manifest.
            return
        elif found and found[0] != MANIFEST:
            message = f"The manifest is named {found[0]!r}; it must be named exactly 'Cargo.toml'."
            self._problems.add("manifest-misspelled", message, place=found[0])
        elif not found and not self._problems.has("path-outside-package"):
            where = f"{self._directory}/" if self._directory else "the archive, which holds no files"
            self._problems.add("manifest-missing", f"There is no Cargo.toml in {where}.")
