"""Turns a folder of .crate files into a complete Cargo registry made of plain files.

Every name below is loaded when it is first asked for: importing the package costs nothing. docs/library.md shows
how they go together. What is not named here may change with any version.
"""

from cargo_static_index._version import __version__ as __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cargo_static_index.crate.candidate import Candidate as Candidate
    from cargo_static_index.crate.candidate import DropFile as DropFile
    from cargo_static_index.crate.candidate import FileStatus as FileStatus
    from cargo_static_index.crate.candidate import HeldRelease as HeldRelease
    from cargo_static_index.crate.candidate import Need as Need
    from cargo_static_index.crate.candidate import Outcome as Outcome
    from cargo_static_index.crate.check import CheckedCrate as CheckedCrate
    from cargo_static_index.crate.check import check_crate as check_crate
    from cargo_static_index.crate.incoming import candidate_of as candidate_of
    from cargo_static_index.crate.limits import Limits as Limits
    from cargo_static_index.crate.metadata import CrateMetadata as CrateMetadata
    from cargo_static_index.crate.metadata import Document as Document
    from cargo_static_index.crate.metadata import File as File
    from cargo_static_index.crate.metadata import VcsInfo as VcsInfo
    from cargo_static_index.crate.metadata import format_metadata as format_metadata
    from cargo_static_index.crate.metadata import parse_metadata as parse_metadata
    from cargo_static_index.crate.policy import OwnCheck as OwnCheck
    from cargo_static_index.crate.policy import OwnRules as OwnRules
    from cargo_static_index.crate.policy import Policy as Policy
    from cargo_static_index.diagnostics.errors import CargoStaticIndexError as CargoStaticIndexError
    from cargo_static_index.diagnostics.errors import InvalidConfig as InvalidConfig
    from cargo_static_index.diagnostics.errors import InvalidDocument as InvalidDocument
    from cargo_static_index.diagnostics.errors import InvalidIndexLine as InvalidIndexLine
    from cargo_static_index.diagnostics.errors import InvalidInput as InvalidInput
    from cargo_static_index.diagnostics.errors import InvalidName as InvalidName
    from cargo_static_index.diagnostics.errors import InvalidVersion as InvalidVersion
    from cargo_static_index.diagnostics.errors import NotHeld as NotHeld
    from cargo_static_index.diagnostics.errors import PagesFailed as PagesFailed
    from cargo_static_index.diagnostics.errors import SettingsError as SettingsError
    from cargo_static_index.diagnostics.errors import StoreError as StoreError
    from cargo_static_index.diagnostics.errors import TreeBusy as TreeBusy
    from cargo_static_index.diagnostics.problems import Finding as Finding
    from cargo_static_index.diagnostics.problems import Fix as Fix
    from cargo_static_index.diagnostics.problems import Problem as Problem
    from cargo_static_index.diagnostics.rule import Level as Level
    from cargo_static_index.diagnostics.rule import Rule as Rule
    from cargo_static_index.diagnostics.rule import Severity as Severity
    from cargo_static_index.diagnostics.rules import RULES as RULES
    from cargo_static_index.protocol.config import RegistryConfig as RegistryConfig
    from cargo_static_index.protocol.config import format_config as format_config
    from cargo_static_index.protocol.config import parse_config as parse_config
    from cargo_static_index.protocol.index_entry import Dependency as Dependency
    from cargo_static_index.protocol.index_entry import Entry as Entry
    from cargo_static_index.protocol.index_entry import format_entry as format_entry
    from cargo_static_index.protocol.index_entry import parse_entry as parse_entry
    from cargo_static_index.protocol.index_file import IndexFile as IndexFile
    from cargo_static_index.protocol.index_file import Line as Line
    from cargo_static_index.protocol.index_file import parse_index as parse_index
    from cargo_static_index.protocol.index_file import parse_line as parse_line
    from cargo_static_index.protocol.manifest.dependencies import ManifestDependency as ManifestDependency
    from cargo_static_index.protocol.manifest.manifest import Manifest as Manifest
    from cargo_static_index.protocol.manifest.manifest import entry_of as entry_of
    from cargo_static_index.protocol.names import collision_key as collision_key
    from cargo_static_index.protocol.names import index_path as index_path
    from cargo_static_index.protocol.names import parse_crate_name as parse_crate_name
    from cargo_static_index.protocol.registries import Home as Home
    from cargo_static_index.protocol.registries import Mode as Mode
    from cargo_static_index.protocol.semver import Version as Version
    from cargo_static_index.protocol.semver import parse_version as parse_version
    from cargo_static_index.registry.archives import GivenArchive as GivenArchive
    from cargo_static_index.registry.archives import LeftBehind as LeftBehind
    from cargo_static_index.registry.archives import released_archives as released_archives
    from cargo_static_index.registry.configured import home_of as home_of
    from cargo_static_index.registry.configured import policy_of as policy_of
    from cargo_static_index.registry.configured import store_of as store_of
    from cargo_static_index.registry.conformance import STORE_CHECKS as STORE_CHECKS
    from cargo_static_index.registry.dependents import Dependent as Dependent
    from cargo_static_index.registry.dependents import dependents_of as dependents_of
    from cargo_static_index.registry.events import Doing as Doing
    from cargo_static_index.registry.events import Listener as Listener
    from cargo_static_index.registry.events import Report as Report
    from cargo_static_index.registry.on_change import Delivery as Delivery
    from cargo_static_index.registry.options import Access as Access
    from cargo_static_index.registry.options import HostShare as HostShare
    from cargo_static_index.registry.options import Options as Options
    from cargo_static_index.registry.registry import Registry as Registry
    from cargo_static_index.registry.registry import open_registry as open_registry
    from cargo_static_index.registry.registry import promote_releases as promote_releases
    from cargo_static_index.registry.registry import specs_of as specs_of
    from cargo_static_index.registry.registry import verify_registry as verify_registry
    from cargo_static_index.registry.reindex import LineChange as LineChange
    from cargo_static_index.registry.reindex import LineLeft as LineLeft
    from cargo_static_index.registry.reindex import Reindexed as Reindexed
    from cargo_static_index.registry.scan import Due as Due
    from cargo_static_index.registry.scan import Seen as Seen
    from cargo_static_index.registry.search import search_crates as search_crates
    from cargo_static_index.registry.status import Status as Status
    from cargo_static_index.registry.status import read_status as read_status
    from cargo_static_index.registry.sync import Synced as Synced
    from cargo_static_index.registry.verify.work import Opened as Opened
    from cargo_static_index.registry.verify.work import Work as Work
    from cargo_static_index.registry.watch.health import Failure as Failure
    from cargo_static_index.registry.watch.health import Health as Health
    from cargo_static_index.registry.watch.health import LastWord as LastWord
    from cargo_static_index.registry.watch.health import WaitingFile as WaitingFile
    from cargo_static_index.registry.withdraw import Spec as Spec
    from cargo_static_index.registry.withdraw import Withdrawn as Withdrawn
    from cargo_static_index.registry.workers import Executor as Executor
    from cargo_static_index.registry.workers import Far as Far
    from cargo_static_index.registry.workers import Result as Result
    from cargo_static_index.settings import Loaded as Loaded
    from cargo_static_index.settings import Settings as Settings
    from cargo_static_index.settings import load_settings as load_settings
    from cargo_static_index.settings import parse_settings as parse_settings
    from cargo_static_index.settings.table import AdvisoriesSection as AdvisoriesSection
    from cargo_static_index.settings.table import BuildSection as BuildSection
    from cargo_static_index.settings.table import DependenciesSection as DependenciesSection
    from cargo_static_index.settings.table import DropSection as DropSection
    from cargo_static_index.settings.table import LimitsSection as LimitsSection
    from cargo_static_index.settings.table import ManifestSection as ManifestSection
    from cargo_static_index.settings.table import MirrorSection as MirrorSection
    from cargo_static_index.settings.table import PagesSection as PagesSection
    from cargo_static_index.settings.table import PublishSection as PublishSection
    from cargo_static_index.settings.table import RegistrySection as RegistrySection
    from cargo_static_index.settings.table import ServeSection as ServeSection
    from cargo_static_index.settings.table import StateSection as StateSection
    from cargo_static_index.settings.table import TreeSection as TreeSection
    from cargo_static_index.settings.table import WatchSection as WatchSection
    from cargo_static_index.settings.trusted import TrustedRule as TrustedRule
    from cargo_static_index.site.search_rows import ShownCrate as ShownCrate
    from cargo_static_index.store import Change as Change
    from cargo_static_index.store import Delete as Delete
    from cargo_static_index.store import Lock as Lock
    from cargo_static_index.store import Put as Put
    from cargo_static_index.store import Staged as Staged
    from cargo_static_index.store import Store as Store
    from cargo_static_index.store import Stored as Stored
    from cargo_static_index.store import Uploads as Uploads
    from cargo_static_index.store.bucket import Bucket as Bucket
    from cargo_static_index.store.local.store import LocalStore as LocalStore
    from cargo_static_index.store.memory import MemoryStore as MemoryStore
    from cargo_static_index.tree.documents import Delta as Delta
    from cargo_static_index.tree.documents import Tombstone as Tombstone
    from cargo_static_index.tree.documents import Tombstones as Tombstones
    from cargo_static_index.tree.documents import TreeRecord as TreeRecord
    from cargo_static_index.tree.layout import archive_file as archive_file
    from cargo_static_index.tree.layout import index_file as index_file
    from cargo_static_index.tree.layout import metadata_file as metadata_file
    from cargo_static_index.tree.owners import Owners as Owners
    from cargo_static_index.tree.plan import CratePlan as CratePlan
    from cargo_static_index.tree.plan import plan_crate as plan_crate
    from cargo_static_index.tree.read import StoredValue as StoredValue
    from cargo_static_index.tree.read import index_paths as index_paths
    from cargo_static_index.tree.read import read_config as read_config
    from cargo_static_index.tree.read import read_index as read_index
    from cargo_static_index.tree.read import read_metadata as read_metadata
    from cargo_static_index.tree.read import read_record as read_record
    from cargo_static_index.tree.read import read_tombstones as read_tombstones

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


_MODULES = {
    "settings.table": "AdvisoriesSection BuildSection DependenciesSection DropSection LimitsSection ManifestSection "
    "MirrorSection PagesSection PublishSection RegistrySection ServeSection StateSection TreeSection WatchSection",
    "registry.workers": "Executor Far Result",
    "settings.trusted": "TrustedRule",
    "registry.watch.health": "Failure Health LastWord WaitingFile",
    "registry.verify.work": "Opened Work",
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

__all__ = ["__version__"]
__all__ += [name for names in _MODULES.values() for name in names.split()] + list(_EARLIER)


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
