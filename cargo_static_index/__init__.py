"""Turns a folder of .crate files into a complete Cargo registry made of plain files.

Every name below is loaded when it is first asked for: importing the package costs nothing. docs/library.md shows
how they go together. What is not named here may change with any version.
"""

from cargo_static_index._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cargo_static_index.crate.candidate import Candidate, DropFile, Outcome, candidate_of
    from cargo_static_index.crate.check import CheckedCrate, Policy, check_crate
    from cargo_static_index.crate.limits import Limits
    from cargo_static_index.crate.metadata import (
        CrateMetadata,
        Document,
        File,
        VcsInfo,
        format_metadata,
        parse_metadata,
    )
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
    from cargo_static_index.diagnostics.problems import Finding, Problem
    from cargo_static_index.diagnostics.rule import Rule
    from cargo_static_index.diagnostics.rules import RULES
    from cargo_static_index.protocol.config import RegistryConfig, format_config, parse_config
    from cargo_static_index.protocol.index_entry import Dependency, Entry, format_entry, parse_entry
    from cargo_static_index.protocol.index_file import IndexFile, Line, parse_index, parse_line
    from cargo_static_index.protocol.manifest.dependencies import ManifestDependency
    from cargo_static_index.protocol.manifest.manifest import Manifest, entry_of
    from cargo_static_index.protocol.names import collision_key, index_path, parse_crate_name
    from cargo_static_index.protocol.registries import Home
    from cargo_static_index.protocol.semver import Version, parse_version
    from cargo_static_index.registry.archives import GivenArchive, LeftBehind, released_archives
    from cargo_static_index.registry.conformance import STORE_CHECKS
    from cargo_static_index.registry.dependents import Dependent, dependents_of
    from cargo_static_index.registry.events import Listener, Report
    from cargo_static_index.registry.options import Options
    from cargo_static_index.registry.registry import (
        Registry,
        home_of,
        open_registry,
        policy_of,
        promote_releases,
        specs_of,
        store_of,
        verify_registry,
    )
    from cargo_static_index.registry.search import search_crates
    from cargo_static_index.registry.status import Status, read_status
    from cargo_static_index.registry.withdraw import Spec
    from cargo_static_index.settings import Loaded, Settings, load_settings, parse_settings
    from cargo_static_index.site.search_rows import ShownCrate
    from cargo_static_index.store import Change, Delete, Lock, Put, Staged, Store, Stored
    from cargo_static_index.store.bucket import Bucket
    from cargo_static_index.store.local.store import LocalStore
    from cargo_static_index.store.memory import MemoryStore
    from cargo_static_index.tree.documents import Tombstone, Tombstones, TreeRecord
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
    "Bucket",
    "Candidate",
    "CargoStaticIndexError",
    "Change",
    "CheckedCrate",
    "CrateMetadata",
    "CratePlan",
    "Delete",
    "Dependency",
    "Dependent",
    "Document",
    "DropFile",
    "Entry",
    "Facts",
    "File",
    "Finding",
    "GivenArchive",
    "Home",
    "Incoming",
    "IndexFile",
    "InvalidConfig",
    "InvalidDocument",
    "InvalidIndexLine",
    "InvalidInput",
    "InvalidName",
    "InvalidVersion",
    "LeftBehind",
    "Limits",
    "Line",
    "Listener",
    "Loaded",
    "LocalStore",
    "Lock",
    "Manifest",
    "ManifestDependency",
    "MemoryStore",
    "NotHeld",
    "Options",
    "Outcome",
    "Owners",
    "PagesFailed",
    "Policy",
    "Problem",
    "Put",
    "Reading",
    "Refusal",
    "Registry",
    "RegistryConfig",
    "Report",
    "Rule",
    "Settings",
    "SettingsError",
    "ShownCrate",
    "Spec",
    "Staged",
    "Status",
    "Store",
    "StoreError",
    "Stored",
    "StoredValue",
    "Tombstone",
    "Tombstones",
    "TreeBusy",
    "TreeRecord",
    "VcsInfo",
    "Version",
    "Way",
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
    "registry.withdraw": "Spec",
    "diagnostics.errors": "CargoStaticIndexError InvalidConfig InvalidDocument InvalidIndexLine InvalidInput "
    "InvalidName InvalidVersion NotHeld PagesFailed SettingsError StoreError TreeBusy",
    "crate.metadata": "CrateMetadata Document File VcsInfo format_metadata parse_metadata",
    "crate.candidate": "Candidate DropFile Outcome candidate_of",
    "tree.layout": "archive_file index_file metadata_file",
    "crate.limits": "Limits",
    "tree.plan": "CratePlan plan_crate",
    "protocol.config": "RegistryConfig format_config parse_config",
    "protocol.index_entry": "Dependency Entry format_entry parse_entry",
    "protocol.index_file": "IndexFile Line parse_index parse_line",
    "protocol.manifest.dependencies": "ManifestDependency",
    "protocol.manifest.manifest": "Manifest entry_of",
    "protocol.names": "collision_key index_path parse_crate_name",
    "protocol.registries": "Home",
    "protocol.semver": "Version parse_version",
    "tree.documents": "Tombstone Tombstones TreeRecord",
    "registry.options": "Options",
    "registry.registry": "Registry home_of open_registry policy_of promote_releases specs_of store_of verify_registry",
    "crate.check": "CheckedCrate Policy check_crate",
    "registry.events": "Listener Report",
    "diagnostics.problems": "Finding Problem",
    "diagnostics.rule": "Rule",
    "diagnostics.rules": "RULES",
    "settings": "Loaded Settings load_settings parse_settings",
    "registry.status": "Status read_status",
    "store": "Change Delete Lock Put Staged Store Stored",
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
