"""Everything that can be said of one archive without knowing what the registry holds: its metadata and its problems."""

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import msgspec
from msgspec import UNSET, Struct, UnsetType

from cargo_static_index._pattern import pattern
from cargo_static_index.crate.archive import Archive, read_archive
from cargo_static_index.crate.crates_io import check_as_crates_io
from cargo_static_index.crate.documents import MANIFEST_AS_WRITTEN, find_file, origin_of, package_as_written
from cargo_static_index.crate.limits import Limits
from cargo_static_index.crate.metadata import CrateMetadata, Document, VcsInfo
from cargo_static_index.crate.policy import Policy, check_own_rules
from cargo_static_index.diagnostics.problems import Problem, ProblemList, problem, refused
from cargo_static_index.diagnostics.rules import RULES
from cargo_static_index.protocol.features import check_features
from cargo_static_index.protocol.index_entry import Dependency
from cargo_static_index.protocol.manifest.dependencies import ManifestDependency
from cargo_static_index.protocol.manifest.manifest import Manifest, read_manifest
from cargo_static_index.protocol.manifest.toml import join_path
from cargo_static_index.protocol.names import is_reserved
from cargo_static_index.protocol.registries import Home, check_registry

_WITHOUT_LINE = frozenset({"registry-index-invalid", "version-invalid"})
"""Problems with which no index line can be made at all, not even one to say what is refused."""

_CHANGELOG = pattern(
    r"(changelog|changes|history|news|releases)(\.(?:md|markdown|mdown|txt|rst|adoc|org))?",
    re.ASCII | re.IGNORECASE,  # without ASCII, `ſ` would be an `s`
)
_CHANGELOG_STEMS = ("changelog", "changes", "history", "news", "releases")


class CheckedCrate(Struct, frozen=True, kw_only=True):
    """What was read of one file, and every problem found in it, whatever its level.

    `cksum` is the file's SHA-256 in lower-case hex, None where it was not read to its end.
    There is metadata where an index line could be made of it, even of a file that is refused.
    """

    metadata: CrateMetadata | None
    name: str | None
    vers: str | None
    cksum: str | None
    problems: tuple[Problem, ...]
    refused: bool

    @property
    def facts(self) -> CrateMetadata | None:
        """The metadata, as earlier versions called it."""
        return self.metadata


def check_crate(stream: BinaryIO, policy: Policy, file_name: str | None = None) -> CheckedCrate:
    """Read one `.crate` to its end; problems of the archive come first, then the manifest's, then the policy's.

    `stream` gives bytes and need not seek; `file_name` is held against the name that the crate ought to have.
    Nothing is unpacked to disk, and no more is kept in memory than `policy.limits` allow.
    Of a rule broken often, ten places are told and the rest counted. Only an OSError of the stream leaves this, and
    InvalidInput where the stream gives text.
    """
    archive, problems = read_archive(stream, policy.limits)
    if archive is None or archive.manifest is None:
        cksum = archive.cksum if archive is not None else None
        return _reading(None, None, cksum, problems, policy)
    manifest, found = _read_manifest(archive, archive.manifest, policy.limits)
    metadata = None
    if manifest is not None:
        metadata = _make_metadata(archive, manifest)
        found += (*_check_release(archive, metadata, policy, file_name), *_check_dependencies(manifest, policy))
        if any(problem.rule in _WITHOUT_LINE for problem in found):
            metadata = None
    if found or policy.own_rules is not None:
        told = ProblemList((*_concerning(found, policy), *_check_own_rules(metadata, policy)))
        problems += told.problems()
    return _reading(manifest, metadata, archive.cksum, problems, policy)


def read_crate(stream: BinaryIO, limits: Limits) -> tuple[str | None, CrateMetadata | None]:
    """Read one `.crate` to its end, and give its `cksum` and its metadata, as `check_crate` would.

    No more is asked of it than whether an index line can be made of it.
    """
    archive, _ = read_archive(stream, limits)
    if archive is None or archive.manifest is None:
        return archive.cksum if archive is not None else None, None
    manifest, found = _read_manifest(archive, archive.manifest, limits)
    if manifest is None:
        return archive.cksum, None
    found += tuple(_check_registries(manifest, Home(), ()))
    has_line = not any(problem.rule in _WITHOUT_LINE for problem in found)
    return archive.cksum, _make_metadata(archive, manifest) if has_line else None


def _reading(
    manifest: Manifest | None,
    metadata: CrateMetadata | None,
    cksum: str | None,
    problems: tuple[Problem, ...],
    policy: Policy,
) -> CheckedCrate:
    return CheckedCrate(
        metadata=metadata,
        name=manifest.name if manifest is not None else None,
        vers=manifest.version if manifest is not None else None,
        cksum=cksum,
        problems=problems,
        refused=metadata is None or refused(problems, policy.levels),
    )


def _concerning(problems: Iterable[Problem], policy: Policy) -> Iterator[Problem]:
    """Give the problems that concern this registry: a mirror has no policies of a registry of one's own, unless set."""
    mirror = policy.home.mode == "mirror"
    for found in problems:
        if not (mirror and RULES[found.rule].mirror == "allow" and policy.levels.get(found.rule) == "allow"):
            yield found


def _read_manifest(archive: Archive, content: bytes, limits: Limits) -> tuple[Manifest | None, tuple[Problem, ...]]:
    files = {file.path for file in archive.files}
    return read_manifest(
        content,
        files,
        max_dependencies=limits.dependencies,
        max_features=limits.features,
        max_entries=limits.list_entries,
        max_text=limits.text_length,
    )


# --- metadata


def _make_metadata(archive: Archive, manifest: Manifest) -> CrateMetadata:
    written = archive.documents.get(MANIFEST_AS_WRITTEN)
    package = package_as_written(bytes(written)) if written is not None else {}
    readme = _read_readme(archive, manifest.readme, package.get("readme"))
    return CrateMetadata(
        cksum=archive.cksum,
        packed_size=archive.packed_size,
        unpacked_size=archive.unpacked_size,
        manifest=manifest,
        readme=readme,
        changelog=_read_changelog(archive, readme),
        vcs=None if archive.vcs is None else _read_vcs(archive.vcs),
        files=archive.files,
        license_origin=_license_origin(archive, manifest.license_file, package.get("license-file")),
    )


def _read_readme(archive: Archive, stated: str | None, written: object) -> Document | None:
    """Give the README that a manifest names; `written` is what its author wrote for it."""
    if stated is None:
        return None
    path = _find_named(archive, stated)
    origin = origin_of(path, written)
    readme = _read_document(archive, path)
    return msgspec.structs.replace(readme, origin=origin) if origin else readme


def _read_changelog(archive: Archive, readme: Document | None) -> Document | None:
    """Give the change log. Cargo copies none into a package, unless its author named it as his README."""
    path = _find_changelog(archive)
    if path is None:
        return None
    return readme if readme is not None and readme.path == path else _read_document(archive, path)


def _license_origin(archive: Archive, stated: str | None, written: object) -> str | UnsetType:
    return (stated and origin_of(_find_named(archive, stated), written)) or UNSET


def _find_named(archive: Archive, stated: str) -> str:
    is_there = stated in archive.documents or stated in archive.oversize
    return stated if is_there else find_file(stated, [file.path for file in archive.files]) or stated


def _find_changelog(archive: Archive) -> str | None:
    """Give the path of the CHANGELOG, or of a file by another usual name, in the package's directory."""
    likely = [file.path for file in archive.files if file.path[:1] in "cChHnNrR"]
    usual = list(filter(None, map(_CHANGELOG.fullmatch, likely)))
    if not usual:
        return None
    return min(usual, key=lambda it: (_CHANGELOG_STEMS.index(it[1].lower()), it[2] != ".md", it[0]))[0]


def _read_document(archive: Archive, path: str) -> Document:
    """Give a document's text, or why it is not there."""
    if path in archive.oversize:
        return Document(path=path, size=archive.oversize[path], text=None, missing="too-large")
    content = archive.documents.get(path)
    if content is None:
        return Document(path=path, size=0, text=None, missing="not-found")
    try:
        return Document(path=path, size=len(content), text=str(content, "utf-8").removeprefix("\ufeff"))
    except UnicodeDecodeError:
        return Document(path=path, size=len(content), text=None, missing="not-utf8")


def _read_vcs(content: bytes) -> VcsInfo | None:
    """Read `.cargo_vcs_info.json` as far as it has cargo's shape; cargo itself never reads it again."""
    try:
        stated = msgspec.json.decode(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(stated, dict):
        return None
    git = stated.get("git")
    git = git if isinstance(git, dict) else {}
    sha1, path = git.get("sha1"), stated.get("path_in_vcs")
    return VcsInfo(
        sha1=sha1 if isinstance(sha1, str) else None,
        dirty=git.get("dirty") is True,
        path_in_vcs=path if isinstance(path, str) else "",
    )


# --- policy


def _check_release(
    archive: Archive, metadata: CrateMetadata, policy: Policy, file_name: str | None
) -> Iterator[Problem]:
    """Hold the release against its names and what the registry asks of all crates."""
    manifest = metadata.manifest
    yield from _check_names(archive.directory, manifest, file_name)
    if is_reserved(manifest.name):
        message = (
            f"The name {manifest.name!r} is reserved: it belongs to Rust itself, or Windows has a device of that name."
        )
        yield problem("reserved-name", message, place="Cargo.toml.package.name")
    yield from _check_publish(manifest, policy.registry_name)
    for field in policy.required_fields:
        if not _has_field(manifest, field):
            place = f"package.{field}"
            message = f"`{place}` is missing or empty; this registry asks for it."
            yield problem("missing-field", message, place=f"Cargo.toml.{place}")
    yield from check_as_crates_io(manifest, policy.levels)
    if metadata.vcs is not None and metadata.vcs.dirty:
        yield problem("vcs-dirty", place=".cargo_vcs_info.json")
    if metadata.readme is not None and metadata.readme.missing == "too-large":
        yield _readme_too_large(metadata.readme, policy.limits.readme_bytes)


def _check_own_rules(metadata: CrateMetadata | None, policy: Policy) -> Iterable[Problem]:
    """Ask the registry's own rules, where there are any and there is metadata to hold against them."""
    if policy.own_rules is None or metadata is None:
        return ()
    return check_own_rules(policy.own_rules, metadata, mirror=policy.home.mode == "mirror")


def _readme_too_large(readme: Document, limit: int) -> Problem:
    reason = "for which the archive's other documents left no room"
    if readme.size > limit:
        reason = f"so pages do not show it; the limit is {limit}"
    return problem("readme-too-large", f"The README has {readme.size} bytes, {reason}.", place=readme.path)


def _check_names(directory: str | None, manifest: Manifest, file_name: str | None) -> Iterator[Problem]:
    """Compare directory, manifest and file: cargo unpacks into the directory that the index line names."""
    expected = f"{manifest.name}-{manifest.version}"
    if directory is not None and directory != expected:
        file = f"; the file is {file_name!r}" if file_name is not None else ""
        message = f"The directory in the archive is {directory!r}, but Cargo.toml makes it {expected!r}{file}."
        yield problem("directory-differs", message, place=directory)
    if file_name is not None and file_name != f"{expected}.crate":
        message = f"The file is {file_name!r}, but holds {expected!r}, under which name it is published."
        yield problem("file-name-differs", message, way_out=f"Name the file `{expected}.crate`.")


def _check_publish(manifest: Manifest, registry_name: str | None) -> Iterator[Problem]:
    """Ask whether the author lets this registry have the crate; `cargo package` does not ask."""
    publish = manifest.publish
    if publish == ():
        message = "`package.publish` is false, so no registry may hold the crate."
    elif publish is not None and registry_name is not None and registry_name not in publish:
        names = ", ".join(map(repr, publish))
        message = f"`package.publish` names {names}, but not this registry, {registry_name!r}."
    else:
        return
    yield problem("publish-excludes-us", message, place="Cargo.toml.package.publish")


def _has_field(manifest: Manifest, field: str) -> bool:
    if field == "license":
        return bool(manifest.license or manifest.license_file)
    return bool(getattr(manifest, field.replace("-", "_")))


def _check_dependencies(manifest: Manifest, policy: Policy) -> Iterator[Problem]:
    yield from _check_registries(manifest, policy.home, policy.allowed)
    yield from check_features(manifest.features, _switches(manifest.dependencies))


def _check_registries(manifest: Manifest, home: Home, allowed: tuple[str, ...]) -> Iterator[Problem]:
    registries = {dep.registry_index: dep for dep in reversed(manifest.dependencies)}  # told where first
    for registry_index, dependency in reversed(registries.items()):
        found = check_registry(registry_index, home, allowed)
        if found is not None:
            # Made anew: msgspec before 0.20 replaces fields without what keeps control characters out of them.
            yield Problem(rule=found.rule, message=found.message, place=place_of(dependency), way_out=found.way_out)


def _switches(dependencies: Iterable[ManifestDependency]) -> Iterator[tuple[str, bool, str]]:
    for dep in dependencies:
        yield dep.name, dep.optional, dep.kind


def place_of(dependency: ManifestDependency | Dependency) -> str:
    """Give the path of a dependency in the manifest."""
    table = "dependencies" if dependency.kind == "normal" else f"{dependency.kind}-dependencies"
    within = table if dependency.target is None else f"{join_path('target', dependency.target)}.{table}"
    return f"Cargo.toml.{join_path(within, dependency.name)}"
