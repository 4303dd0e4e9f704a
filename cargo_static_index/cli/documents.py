"""The JSON documents that commands print; `cargo_static_index/schemas/` has their schemas."""

from typing import Literal

from msgspec import UNSET, Raw, Struct, UnsetType

from cargo_static_index.cli.file_document import FileDocument, ProblemDocument
from cargo_static_index.crate.candidate import FileStatus


class TakenDocument(Struct, frozen=True, kw_only=True):
    """A dropped file that was moved to `target`, or deleted where that is ""."""

    path: str
    target: str


class BuildDocument(Struct, frozen=True, kw_only=True):
    """What `build`, `add` or `check` did; in a dry run all of it is what would be.

    `changed` are paths of the tree, each once, in the order in which they were last written or deleted: copied in that
    order, no line stands anywhere before its archive.
    """

    schema: Literal[1] = 1
    command: Literal["build", "add", "check"]
    dry_run: bool
    files: tuple[FileDocument, ...]
    taken: tuple[TakenDocument, ...]
    changed: tuple[str, ...]
    notes: tuple[str, ...]
    counts: dict[FileStatus, int]


class ReleaseDocument(Struct, frozen=True, kw_only=True):
    """One line of `list --json`: a release that is held."""

    schema: Literal[1] = 1
    name: str
    version: str
    checksum: str
    yanked: bool
    pubtime: str | None


class TokenDocument(Struct, frozen=True, kw_only=True):
    """One line of `token list --json`; nothing in it gives the token away. Times are written as `pubtime` is."""

    schema: Literal[1] = 1
    id: str
    user: str
    team: str | None
    scopes: tuple[str, ...]
    crates: tuple[str, ...]
    created: str | None
    expires: str | None
    used: str | None


class SearchDocument(Struct, frozen=True, kw_only=True):
    """One line of `search --json`: a crate, as its newest release describes it.

    `updated` is the day of its last release; `kind` says whether it is a library or a program, "" where that is not
    known; `dependents` is the highest power of two that is not above the number of crates here that depend on it.
    """

    schema: Literal[1] = 1
    name: str
    version: str
    description: str | None
    updated: str | None
    kind: Literal["library", "program", "library and program", "macros", ""]
    yanked: bool
    keywords: tuple[str, ...]
    dependents: int


class MissingDocument(Struct, frozen=True, kw_only=True):
    """One line of `missing --json`: a dependency that nothing held satisfies, and the releases that need it.

    `held` are the versions that there are, less those that are yanked; `needed_by` are `NAME@VERSION`.
    """

    schema: Literal[1] = 1
    name: str
    requirement: str
    held: tuple[str, ...]
    needed_by: tuple[str, ...]


class AdvisoryDocument(Struct, frozen=True, kw_only=True):
    """One line of `advisories --json`: a security advisory, and the `versions` held that it affects.

    `informational` says what it is where it is no vulnerability; `patched` are requirements; those of `versions` that
    are yanked stand in `yanked` too.
    """

    schema: Literal[1] = 1
    id: str
    name: str
    title: str
    date: str
    url: str | None
    informational: str | None
    aliases: tuple[str, ...]
    patched: tuple[str, ...]
    versions: tuple[str, ...]
    yanked: tuple[str, ...]


class DependencyDocument(Struct, frozen=True, kw_only=True):
    """What a release depends on; `registry` is an index URL, null for this registry."""

    name: str
    requirement: str
    kind: str
    optional: bool
    target: str | None
    registry: str | None


class DependentDocument(Struct, frozen=True, kw_only=True):
    """A crate whose newest release depends on this one."""

    name: str
    version: str
    requirement: str
    kind: str


class InfoDocument(Struct, frozen=True, kw_only=True):
    """What `info --json` says of one release. `line` is the index line as it stands, `versions` all that are held.

    What is only in the archive's metadata is null, or empty, where that is missing. Sizes are bytes.
    """

    schema: Literal[1] = 1
    name: str
    version: str
    checksum: str
    yanked: bool
    pubtime: str | None
    download: str
    line: Raw
    description: str | None
    license: str | None
    repository: str | None
    homepage: str | None
    documentation: str | None
    rust_version: str | None
    keywords: tuple[str, ...]
    packed_size: int | None
    unpacked_size: int | None
    versions: tuple[str, ...]
    dependencies: tuple[DependencyDocument, ...]
    features: dict[str, tuple[str, ...]]
    dependents: tuple[DependentDocument, ...]


class FindingDocument(Struct, frozen=True, kw_only=True):
    """One thing that `verify` found: `path` is in the tree, `fixed` says that it was mended."""

    rule: str
    level: Literal["error", "warning"]
    path: str
    message: str
    way_out: str
    fixed: bool


class KeptDocument(Struct, frozen=True, kw_only=True):
    """A removed release whose archive is kept; whoever changes the tree after `until` deletes it, in UTC."""

    name: str
    version: str
    until: str


class VerifyDocument(Struct, frozen=True, kw_only=True):
    """What `verify` found. `kept` are removed releases whose archives are kept for a while."""

    schema: Literal[1] = 1
    command: Literal["verify"] = "verify"
    quick: bool
    fix: bool
    dry_run: bool
    findings: tuple[FindingDocument, ...]
    kept: tuple[KeptDocument, ...] = ()
    counts: dict[Literal["error", "warning", "fixed"], int]


class ReindexDocument(Struct, frozen=True, kw_only=True):
    """One line of `reindex --json`: a line that changes (`old`, `new`), or is left as it is and why (`left`)."""

    schema: Literal[1] = 1
    path: str
    name: str
    version: str
    old: str | None
    new: str | None
    left: str | None


class RefusedDocument(Struct, frozen=True, kw_only=True):
    """A file of the drop directory that is refused, in `status`."""

    path: str
    name: str
    version: str
    since: int
    problems: tuple[ProblemDocument, ...]


Event = Literal["watching", "published", "refused", "taken", "changed", "deleted", "note", "warning"]


class EventDocument(Struct, frozen=True, kw_only=True):
    """One line of `watch --log-format json`. `time` is UTC, `YYYY-MM-DDTHH:MM:SSZ`.

    `watching` has how (`mode`, `interval` in seconds where it polls, and `why`, where that is not what the settings
    ask for), `published` and `refused` have the `file`, `taken` the `path` of a dropped file and
    where it is now (`target`, null where it was deleted), `changed` and `deleted` a `path` of the tree, `note` and
    `warning` a `message`.
    """

    schema: Literal[1] = 1
    time: str
    event: Event
    mode: Literal["events", "poll"] | UnsetType = UNSET
    interval: float | UnsetType | None = UNSET
    why: str | UnsetType = UNSET
    file: FileDocument | UnsetType = UNSET
    path: str | UnsetType = UNSET
    target: str | UnsetType | None = UNSET
    message: str | UnsetType = UNSET


class WaitingDocument(Struct, frozen=True, kw_only=True):
    """A file that the watcher waits for: since when, and whether it is `open`, or `young`: changed a moment ago."""

    path: str
    since: int
    why: Literal["open", "young"]


class FailureDocument(Struct, frozen=True, kw_only=True):
    """What the watcher could not do, and from when until when; `until` is null while it lasts."""

    message: str
    since: int
    until: int | None


class WatchDocument(Struct, frozen=True, kw_only=True):
    """How the last watcher is, or was when it last spoke: `spoke`. Times are whole seconds since 1970.

    `why` is the reason for the mode, where it is not what the settings ask for; `interval` the seconds between two
    looks where it polls. `looks` is how often all that was there was published, refused or waited for, `last_look` when
    last. `waiting` are those that have waited longest, of `waiting_files`.
    """

    running: bool
    process: int
    started: int
    spoke: int
    mode: Literal["events", "poll"] | None
    why: str
    interval: float | None
    looks: int
    last_look: int | None
    waiting: tuple[WaitingDocument, ...]
    waiting_files: int
    lost_events: int
    failure: FailureDocument | None


class OnChangeDocument(Struct, frozen=True, kw_only=True):
    """How telling the command of `on-change` goes. Times are whole seconds since 1970.

    `since` is from when on changes are noted; with `incomplete` the tree held something before, and what was not told
    of until then is not known. `undelivered` counts the paths that it was not told of yet, `failure` says why.
    """

    since: int
    incomplete: bool
    last: int | None
    undelivered: int
    failure: str
    failing_since: int | None


class StatusDocument(Struct, frozen=True, kw_only=True):
    """What `status --json` says. Times are whole seconds since 1970.

    `last_build` is null before the first build, and where the state may not be read; `watch` where nobody ever
    watched, `on_change` where nobody is told of changes. `kept` are removed releases whose archives are kept.
    """

    schema: Literal[1] = 1
    base_url: str | None
    crates: int
    releases: int
    last_build: int | None
    state_readable: bool = True
    stale: bool
    waiting: tuple[str, ...]
    refused: tuple[RefusedDocument, ...]
    kept: tuple[KeptDocument, ...] = ()
    watch: WatchDocument | None
    on_change: OnChangeDocument | None
