"""Where the files that a manifest names lie in an archive, and where they lay in the repository."""

from collections.abc import Collection, Mapping
from posixpath import normpath

from cargo_static_index._pattern import pattern
from cargo_static_index.protocol.manifest.toml import read_toml

MANIFEST_AS_WRITTEN = "Cargo.toml.orig"
"""The manifest as its author wrote it, which `cargo package` puts beside the one that it made of it."""

# Each begins with what is found fast; all three in one took ten times as long.
_NAMES_ANOTHER_PLACE = (
    pattern(rb"readme\b[^\n]*(?:\.\.|workspace)"),
    pattern(rb"license-file\b[^\n]*(?:\.\.|workspace)"),
    pattern(rb"\[\s*package\s*\.\s*(?:readme|license-file)\s*\]"),
)


def find_file(stated: str, files: Collection[str]) -> str | None:
    """Give the path of the file that a manifest means by `stated`, or None where the archive has none such.

    Cargo of today writes the path itself: made normal, with `/`, and the name alone of a file that it copied from
    outside the package (`cargo package`, src/cargo/util/toml: `readme_for_package`). Older ones left what the author
    wrote, and file systems without case read any.
    """
    if stated in files:
        return stated
    path = _normal(stated)
    if path in files:
        return path
    folded = path.casefold()
    return min((file for file in files if file.casefold() == folded), default=None)


def _normal(stated: str) -> str:
    """Take `.`, `..` and empty parts out; of what leads out of the package only the name stays."""
    path = stated.replace("\\", "/")
    name = path.rstrip("/").rpartition("/")[2]
    if path.startswith("/"):
        return name
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return name
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def package_as_written(as_written: bytes) -> Mapping[str, object]:
    """Give `[package]` of Cargo.toml.orig where its README or licence may lie at another place; else nothing."""
    likely = b".." in as_written or b"workspace" in as_written  # found faster still
    if not likely or not any(place.search(as_written) for place in _NAMES_ANOTHER_PLACE):
        return {}
    root = read_toml(as_written, [])
    package = root.get("package") if root else None
    return package if isinstance(package, dict) else {}


def origin_of(path: str, stated: object) -> str | None:
    """Give where the file at `path` lay that cargo copied into the package, or None where it lay there.

    `stated` is what the author wrote for it, `readme` or `license-file`: cargo copies these two alone.
    The answer is relative to the package (`../../README.md`), or to the root of the repository (`/README.md`) where
    the author had it from his workspace, whose root is taken to be there.
    """
    if isinstance(stated, dict) and stated.get("workspace") is True:
        return f"/{path}"
    if not isinstance(stated, str):
        return None
    written = normpath(stated.replace("\\", "/"))
    return written if written.startswith("../") and written.rpartition("/")[2] == path else None
