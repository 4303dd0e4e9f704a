"""The paths of an archive: where the package lies, and what cargo, or some client's file system, cannot unpack."""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from unicodedata import normalize

from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.crate.limits import Limits
from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.diagnostics.problems import ProblemList

COMPONENT_BYTES = 255
"""Longer names no common file system holds (`NAME_MAX`)."""

RESERVED = r"(?:con|prn|aux|nul|com[1-9]|lpt[1-9])"
# Most paths are plain: this one match spares them every other check.
PLAIN = pattern(rf"(?:(?!{RESERVED}(?:[./]|\Z))[\w+.-]{{0,99}}[\w+-](?:/(?=.)|\Z))+", re.ASCII | re.IGNORECASE)
PLAIN_BYTES = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+.-/\n"
ODD = ("\n\n", "//", "\n/", "/\n", "./", ".\n")
"""Empty paths and components, and those that end in a dot, among paths each in a line of its own."""
RESERVED_COMPONENT = pattern(rf"[/\n]{RESERVED}[./\n]")
WINDOWS_RESERVED = pattern(rf"{RESERVED} *(?:\..*)?", re.IGNORECASE | re.DOTALL)
WINDOWS_ILLEGAL = pattern(r'[<>:"|?*\x01-\x1f]')


class Plain(Struct, frozen=True):
    """The paths of an archive that nothing can be said against, each below the package's directory."""

    directory: str
    paths: list[str]


def plain_paths(raw: list[bytes], limits: Limits) -> Plain | None:
    """Give the paths of an archive's files if all are beyond doubt, or None where each must be looked at by itself.

    A look at all of them together tells what `Paths` would find: every path is plain and lies in one directory,
    no two are equal, be it but for case, and no file lies at the path of a directory. A `.cargo-ok` and a manifest
    in another case are for a closer look.
    """
    if max(map(len, raw), default=0) > min(COMPONENT_BYTES, limits.path_bytes):
        return None
    found = _in_one_directory(raw)
    return None if found is None or _is_odd(found.paths) else found


def _in_one_directory(raw: list[bytes]) -> Plain | None:
    """Take the paths apart if all of their characters are plain and all lie in one directory."""
    joined = b"\n".join(raw)
    if joined.translate(None, PLAIN_BYTES):
        return None
    text = "\n" + joined.decode()
    slash = text.find("/")
    directory = text[1:slash]
    if slash < 0 or directory in ("", ".", "..") or text.count("\n") != len(raw):
        return None  # there is no directory, or a line break in a path
    paths = text.split(f"\n{directory}/")[1:]
    return Plain(directory, paths) if len(paths) == len(raw) else None


def _is_odd(paths: list[str]) -> bool:
    """Whether anything can be said against paths of plain characters, alone or together."""
    below = "\n".join(["", *paths, ""]).lower()
    known = set(below[1:-1].split("\n"))
    return (
        any(map(below.__contains__, ODD))
        or RESERVED_COMPONENT.search(below) is not None
        or "cargo-ok" in below
        or len(known) < len(paths)
        or ("cargo.toml" in known and "Cargo.toml" not in paths)
        or any(_nested(known))
    )


class Paths:
    """The paths of one archive, each below the package's directory, as they are met."""

    def __init__(self, limits: Limits, problems: ProblemList) -> None:
        self._limits = limits
        self._problems = problems
        self.directory: str | None = None
        """The one top directory, taken from the first entry that lies in a directory."""
        self._start = ""
        self._files: set[str] = set()
        self._folded: dict[str, str] = {}
        self._directories: set[str] = set()
        self._noted: set[str] = set()

    def add_file(self, raw: bytes) -> str | None:
        """Check a file's path and give it below the package's directory, or None where it cannot be used.

        Whether the same path may come twice depends on the content, which is not for this class to see.
        """
        path = self._below(raw, directory=False)
        if path is None:
            return None
        other = self._folded.setdefault(path.lower() if path.isascii() else _fold(path), path)
        if other != path and path not in self._files and not is_manifest(path):
            self._note_case(other, path)
        self._files.add(path)
        return path

    def add_directory(self, raw: bytes) -> None:
        """Check the path of a directory's own entry."""
        path = self._below(raw.removesuffix(b"/"), directory=True)
        if path:
            self._directories.add(path)

    def finish(self) -> None:
        """Note the files that are directories to other entries."""
        directories = {_fold(path): path for path in self._directories}
        known = directories | self._folded
        if len(directories) < len(self._directories) or len(self._folded) < len(self._files):
            # The attack: of several paths that differ in case only one is known by what they share.
            self._check_exactly()
        for upper, lower in _nested(known):
            self._check_nested(known[upper], known[lower])
        for key in sorted(directories.keys() & self._folded.keys()):
            self._check_nested(self._folded[key], directories[key])

    def _check_exactly(self) -> None:
        for path in sorted(self._files & self._directories):
            self._note_both(path)
        for upper, _ in _nested(self._files | self._directories):
            if upper in self._files:
                self._note_both(upper)

    def _check_nested(self, upper: str, lower: str) -> None:
        """Note a file at whose path a directory lies, be it only in another case."""
        if upper in self._directories and upper not in self._files:
            return
        if lower.split("/")[: upper.count("/") + 1] == upper.split("/"):
            self._note_both(upper)
        else:
            self._note_case(upper, lower)

    def _note_case(self, first: str, second: str) -> None:
        message = f"{quote(first)} and {quote(second)} meet on Windows and macOS, where case does not count."
        self._problems.add("path-case-collision", message, place=second)

    def _note_both(self, path: str) -> None:
        if path in self._noted:
            return
        self._noted.add(path)
        self._problems.add("path-duplicate", f"{quote(path)} is a file and also a directory.", place=path)

    def _below(self, raw: bytes, *, directory: bool) -> str | None:
        if len(raw) > self._limits.path_bytes:
            self._note_invalid(raw, f"has {len(raw)} bytes; the limit is {self._limits.path_bytes}")
            return None
        try:
            path = raw.decode()
        except UnicodeDecodeError:
            self._note_invalid(raw, "is not UTF-8")
            return None
        if self.directory is None:
            self._settle(path, directory=directory)
        if not path.startswith(self._start) or self.directory is None:
            if directory and path == self.directory:
                return ""
            self._note_outside(path)
            return None
        below = path[len(self._start) :]
        return below if PLAIN.fullmatch(below) else self._check(path, below)

    def _settle(self, path: str, *, directory: bool) -> None:
        first, slash, _ = path.partition("/")
        if (slash or directory) and first not in ("", ".", ".."):
            self.directory = first
            self._start = first + "/"

    def _note_outside(self, path: str) -> None:
        if path.startswith("/"):
            message = f"{quote(path)} is an absolute path."
        elif self.directory is None:
            message = f"{quote(path)} does not lie in a directory 'NAME-VERSION/', as all of a crate's files must."
        else:
            message = f"{quote(path)} does not lie in {quote(self._start)}, as the first entry does."
        self._problems.add("path-outside-package", message, place=_place(path))

    def _check(self, path: str, below: str) -> str | None:
        components = below.split("/")
        if ".." in components:
            # The attack: `../../.bashrc` overwrites files of whoever unpacks. Cargo leaves such entries out.
            message = f"{quote(path)} leads out of its directory with '..'."
            self._problems.add("path-outside-package", message, place=_place(path))
            return None
        if wrong := _invalid_reason(below, components):
            self._note_invalid(path, wrong)
            return None
        for component in components:
            if wrong := _unportable_reason(component):
                self._problems.add("path-unportable", f"Windows cannot unpack {quote(path)}: {wrong}.", place=below)
                break
        return below

    def _note_invalid(self, path: str | bytes, wrong: str) -> None:
        self._problems.add("path-invalid", f"The path {quote(path)} {wrong}.", place=_place(path))


def _nested(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Give each path that another one lies below, with the first of those."""
    # With "/" before all else in the order, what lies below a path follows it at once.
    for upper, lower in pairwise(sorted(path.replace("/", "\0") for path in paths)):
        if lower.startswith(upper + "\0"):
            yield upper.replace("\0", "/"), lower.replace("\0", "/")


def is_manifest(path: str) -> bool:
    """Whether a path below the package's directory is the manifest's, in whatever case."""
    return len(path) == len("Cargo.toml") and path.lower() == "cargo.toml"


def _invalid_reason(below: str, components: list[str]) -> str | None:
    if "\\" in below:
        # To Windows it separates components, so `..\..\x` would lead out of the directory there.
        return "has a backslash"
    if "\0" in below:
        return "has a NUL"
    if "" in components or "." in components:
        return "has an empty component" if "" in components else "has the component '.'"
    if any(len(component.encode()) > COMPONENT_BYTES for component in components):
        return f"has a component of more than {COMPONENT_BYTES} bytes"
    return None


def _unportable_reason(component: str) -> str | None:
    if WINDOWS_RESERVED.fullmatch(component):
        return f"{quote(component)} is the name of a device there"
    if illegal := WINDOWS_ILLEGAL.search(component):
        return f"{illegal[0]!r} cannot stand in a name there"
    if component[-1] in ". ":
        return f"{quote(component)} ends in a dot or blank"
    return None


def _fold(path: str) -> str:
    """Give what is equal for two paths that macOS or Windows takes for one; ASCII gives its lower case."""
    return normalize("NFC", normalize("NFD", path).casefold())


def _place(path: str | bytes) -> str:
    return quote(path)[1:-1] if isinstance(path, str) else path[:255].decode(errors="backslashreplace")
