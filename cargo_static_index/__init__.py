"""Turns a folder of .crate files into a complete Cargo registry made of plain files.

Every name below is loaded when it is first asked for: importing the package costs nothing. docs/library.md shows
how they go together. What is not named here may change with any version.
"""

from cargo_static_index._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cargo_static_index.crate.candidate import Candidate, DropFile, FileStatus, HeldRelease, Need, Outcome
    from cargo_static_index.crate.check import CheckedCrate, check_crate
    from cargo_static_index.crate.incoming import candidate_of
    from cargo_static_index.crate.limits import Limits
    from cargo_static_index.crate.metadata import (
        CrateMetadata,
        Document,
        File,
        VcsInfo,
        format_metadata,
        parse_metadata,
    )
    from cargo_static_index.crate.policy import OwnCheck, OwnRules, Policy
    from cargo_static_index.diagnostics.errors import (
        CargoStaticIndexError,
        InvalidConfig,
        InvalidDocument,
        InvalidIndexLine,
        InvalidInput,
        InvalidName,
        InvalidVersion,
        NotHeld,
        PagesFailed,
        SettingsError,
        StoreError,
        TreeBusy,
    )
    from cargo_static_index.diagnostics.problems import Finding, Fix, Problem
    from cargo_static_index.diagnostics.rule import Level, Rule, Severity
    from cargo_static_index.diagnostics.rules import RULES
    from cargo_static_index.protocol.config import RegistryConfig, format_config, parse_config
    from cargo_static_index.protocol.index_entry import Dependency, Entry, format_entry, parse_entry
    from cargo_static_index.protocol.index_file import IndexFile, Line, parse_index, parse_line
    from cargo_static_index.protocol.manifest.dependencies import ManifestDependency
    from cargo_static_index.protocol.manifest.manifest import Manifest, entry_of
    from cargo_static_index.protocol.names import collision_key, index_path, parse_crate_name
    from cargo_static_index.protocol.registries import Home, Mode
    from cargo_static_index.protocol.semver import Version, parse_version
    from cargo_static_index.registry.archives import GivenArchive, LeftBehind, released_archives
    from cargo_static_index.registry.configured import home_of, policy_of, store_of
    from cargo_static_index.registry.conformance import STORE_CHECKS
    from cargo_static_index.registry.dependents import Dependent, dependents_of
    from cargo_static_index.registry.events import Doing, Listener, Report
    from cargo_static_index.registry.on_change import Delivery
    from cargo_static_index.registry.options import Access, HostShare, Options
    from cargo_static_index.registry.registry import (
        Registry,
        open_registry,
        promote_releases,
        specs_of,
        verify_registry,
    )
    from cargo_static_index.registry.reindex import LineChange, LineLeft, Reindexed
    from cargo_static_index.registry.scan import Due, Seen
    from cargo_static_index.registry.search import search_crates
    from cargo_static_index.registry.status import Status, read_status
    from cargo_static_index.registry.sync import Synced
    from cargo_static_index.registry.verify.resume import Opened
    from cargo_static_index.registry.verify.work import Work
    from cargo_static_index.registry.watch.health import Failure, Health, LastWord, WaitingFile
    from cargo_static_index.registry.withdraw import Spec, Withdrawn
    from cargo_static_index.registry.workers import Executor, Far, Result
    from cargo_static_index.settings import Loaded, Settings, load_settings, parse_settings
    from cargo_static_index.settings.table import (
        AdvisoriesSection,
        BuildSection,
        DependenciesSection,
        DropSection,
        LimitsSection,
        ManifestSection,
        MirrorSection,
        PagesSection,
        PublishSection,
        RegistrySection,
        ServeSection,
        StateSection,
        TreeSection,
        WatchSection,
    )
    from cargo_static_index.settings.trusted import TrustedRule
    from cargo_static_index.site.search_rows import ShownCrate
    from cargo_static_index.store import Change, Delete, Lock, Put, Staged, Store, Stored, Uploads
    from cargo_static_index.store.bucket import Bucket
    from cargo_static_index.store.local.store import LocalStore
    from cargo_static_index.store.memory import MemoryStore
    from cargo_static_index.tree.documents import Delta, Tombstone, Tombstones, TreeRecord
    from cargo_static_index.tree.layout import archive_file, index_file, metadata_file
    from cargo_static_index.tree.owners import Owners
    from cargo_static_index.tree.plan import CratePlan, plan_crate
    from cargo_static_index.tree.read import (
        StoredValue,
        index_paths,
        read_config,
        read_index,
        read_metadata,
        read_record,
        read_tombstones,
    )

    Facts = CrateMetadata
    Incoming = Candidate
    Reading = CheckedCrate
    Refusal = Outcome
    Way = Options
    facts_file = metadata_file
    format_facts = format_metadata
    incoming_of = candidate_of
    parse_facts = parse_metadata
    read_facts = read_metadata
    read_release = check_crate


__all__ = [
    "RULES",
    "STORE_CHECKS",
    "Access",
    "AdvisoriesSection",
    "Bucket",
    "BuildSection",
    "Candidate",
    "CargoStaticIndexError",
    "Change",
    "CheckedCrate",
    "CrateMetadata",
    "CratePlan",
    "Delete",
    "Delivery",
    "Delta",
    "DependenciesSection",
    "Dependency",
    "Dependent",
    "Document",
    "Doing",
    "DropFile",
    "DropSection",
    "Due",
    "Entry",
    "Executor",
    "Facts",
    "Failure",
    "Far",
    "File",
    "FileStatus",
    "Finding",
    "Fix",
    "GivenArchive",
    "Health",
    "HeldRelease",
    "Home",
    "HostShare",
    "Incoming",
    "IndexFile",
    "InvalidConfig",
    "InvalidDocument",
    "InvalidIndexLine",
    "InvalidInput",
    "InvalidName",
    "InvalidVersion",
    "LastWord",
    "LeftBehind",
    "Level",
    "Limits",
    "LimitsSection",
    "Line",
    "LineChange",
    "LineLeft",
    "Listener",
    "Loaded",
    "LocalStore",
    "Lock",
    "Manifest",
    "ManifestDependency",
    "ManifestSection",
    "MemoryStore",
    "MirrorSection",
    "Mode",
    "Need",
    "NotHeld",
    "Opened",
    "Options",
    "Outcome",
    "OwnCheck",
    "OwnRules",
    "Owners",
    "PagesFailed",
    "PagesSection",
    "Policy",
    "Problem",
    "PublishSection",
    "Put",
    "Reading",
    "Refusal",
    "Registry",
    "RegistryConfig",
    "RegistrySection",
    "Reindexed",
    "Report",
    "Result",
    "Rule",
    "Seen",
    "ServeSection",
    "Settings",
    "SettingsError",
    "Severity",
    "ShownCrate",
    "Spec",
    "Staged",
    "StateSection",
    "Status",
    "Store",
    "StoreError",
    "Stored",
    "StoredValue",
    "Synced",
    "Tombstone",
    "Tombstones",
    "TreeBusy",
    "TreeRecord",
    "TreeSection",
    "TrustedRule",
    "Uploads",
    "VcsInfo",
    "Version",
    "WaitingFile",
    "WatchSection",
    "Way",
    "Withdrawn",
    "Work",
    "__version__",
    "archive_file",
    "candidate_of",
    "check_crate",
    "collision_key",
    "dependents_of",
    "entry_of",
    "facts_file",
    "format_config",
    "format_entry",
    "format_facts",
    "format_metadata",
    "home_of",
    "incoming_of",
    "index_file",
    "index_path",
    "index_paths",
    "load_settings",
    "metadata_file",
    "open_registry",
    "parse_config",
    "parse_crate_name",
    "parse_entry",
    "parse_facts",
    "parse_index",
    "parse_line",
    "parse_metadata",
    "parse_settings",
    "parse_version",
    "plan_crate",
    "policy_of",
    "promote_releases",
    "read_config",
    "read_facts",
    "read_index",
    "read_metadata",
    "read_record",
    "read_release",
    "read_status",
    "read_tombstones",
    "released_archives",
    "search_crates",
    "specs_of",
    "store_of",
    "verify_registry",
]

_MODULES = {
    "settings.table": "AdvisoriesSection BuildSection DependenciesSection DropSection LimitsSection ManifestSection "
    "MirrorSection PagesSection PublishSection RegistrySection ServeSection StateSection TreeSection WatchSection",
    "registry.workers": "Executor Far Result",
    "settings.trusted": "TrustedRule",
    "registry.watch.health": "Failure Health LastWord WaitingFile",
    "registry.verify.resume": "Opened",
    "registry.verify.work": "Work",
    "registry.sync": "Synced",
    "registry.scan": "Due Seen",
    "registry.reindex": "LineChange LineLeft Reindexed",
    "registry.on_change": "Delivery",
    "crate.policy": "OwnCheck OwnRules Policy",
    "registry.withdraw": "Spec Withdrawn",
    "diagnostics.errors": "CargoStaticIndexError InvalidConfig InvalidDocument InvalidIndexLine InvalidInput "
    "InvalidName InvalidVersion NotHeld PagesFailed SettingsError StoreError TreeBusy",
    "crate.metadata": "CrateMetadata Document File VcsInfo format_metadata parse_metadata",
    "crate.candidate": "Candidate DropFile FileStatus HeldRelease Need Outcome",
    "crate.incoming": "candidate_of",
    "tree.layout": "archive_file index_file metadata_file",
    "crate.limits": "Limits",
    "tree.plan": "CratePlan plan_crate",
    "protocol.config": "RegistryConfig format_config parse_config",
    "protocol.index_entry": "Dependency Entry format_entry parse_entry",
    "protocol.index_file": "IndexFile Line parse_index parse_line",
    "protocol.manifest.dependencies": "ManifestDependency",
    "protocol.manifest.manifest": "Manifest entry_of",
    "protocol.names": "collision_key index_path parse_crate_name",
    "protocol.registries": "Home Mode",
    "protocol.semver": "Version parse_version",
    "tree.documents": "Delta Tombstone Tombstones TreeRecord",
    "registry.options": "Access HostShare Options",
    "registry.configured": "home_of policy_of store_of",
    "registry.registry": "Registry open_registry promote_releases specs_of verify_registry",
    "crate.check": "CheckedCrate check_crate",
    "registry.events": "Doing Listener Report",
    "diagnostics.problems": "Finding Fix Problem",
    "diagnostics.rule": "Level Rule Severity",
    "diagnostics.rules": "RULES",
    "settings": "Loaded Settings load_settings parse_settings",
    "registry.status": "Status read_status",
    "store": "Change Delete Lock Put Staged Store Stored Uploads",
    "store.local.store": "LocalStore",
    "store.memory": "MemoryStore",
    "registry.archives": "GivenArchive LeftBehind released_archives",
    "registry.conformance": "STORE_CHECKS",
    "registry.dependents": "Dependent dependents_of",
    "registry.search": "search_crates",
    "site.search_rows": "ShownCrate",
    "tree.owners": "Owners",
    "store.bucket": "Bucket",
    "tree.read": "StoredValue index_paths read_config read_index read_metadata read_record read_tombstones",
}
"""Where the names come from."""

_EARLIER = {
    "Facts": "CrateMetadata",
    "Incoming": "Candidate",
    "Reading": "CheckedCrate",
    "Refusal": "Outcome",
    "Way": "Options",
    "facts_file": "metadata_file",
    "format_facts": "format_metadata",
    "incoming_of": "candidate_of",
    "parse_facts": "parse_metadata",
    "read_facts": "read_metadata",
    "read_release": "check_crate",
}
"""Names of earlier versions, and what they are called now."""


def __getattr__(name: str) -> object:
    """Load a name when it is first asked for."""
    from importlib import import_module  # noqa: PLC0415 - so that importing this package loads nothing

    wanted = _EARLIER.get(name, name)
    for module, names in _MODULES.items():
        if wanted in names.split():
            return getattr(import_module(f"{__name__}.{module}"), wanted)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the names, loaded or not."""
    return sorted({*globals(), *__all__})
