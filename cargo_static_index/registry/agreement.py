"""What a tree has and what the settings ask for, brought together before anything is changed."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import UNSET, Struct
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidConfig, InvalidDocument, NewerFormat, SettingsError
from cargo_static_index.protocol.config import (
    RegistryConfig,
    base_url_of,
    config_for,
    format_config,
    home_at,
    parse_base_url,
    parse_config,
)
from cargo_static_index.protocol.registries import Home, Mode
from cargo_static_index.settings import Settings
from cargo_static_index.settings.table import RegistrySection
from cargo_static_index.store import Store, Stored
from cargo_static_index.tree import layout
from cargo_static_index.tree.documents import TreeRecord, is_slip, parse_tree_record
from cargo_static_index.tree.read import StoredValue, index_paths, read_record

if TYPE_CHECKING:  # who opens a registry has loaded it, who only asks needs none of it
    from cargo_static_index.registry.options import Options

DEFAULT_BASE_URL = "http://127.0.0.1:8000/"


class Agreement(Struct, frozen=True, kw_only=True):
    """What a tree has and what is asked for, brought together: what config.json and tree.json are to say."""

    base_url: str
    before: str | None
    """The base URL that the tree had, None where it had none."""
    home: Home
    mode: Mode
    aliases: tuple[str, ...]
    version_addresses: bool
    """Whether archives are to lie at the addresses of their versions, too."""
    held: StoredValue[TreeRecord]
    damaged: Stored | None
    """A tree.json that cannot be read, or was changed by a slip, and goes."""
    last: TreeRecord | None
    """What it said when the state last knew it, where it is lost or damaged."""
    config: bytes
    stored_config: Stored | None
    is_new: bool
    """Whether the tree was empty, so that a new registry begins."""
    seen_to: bool = False
    """Whether config.json and tree.json were brought in step."""

    def agreed_record(self, record: TreeRecord) -> TreeRecord:
        """Give tree.json with what was agreed upon; of addresses by version only where there can be none yet."""
        addresses = UNSET if not self.version_addresses else True
        return replace(
            record,
            mode=self.mode,
            aliases=self.aliases,
            version_addresses=addresses if self.is_new else record.version_addresses,
        )

    def fits(self, record: TreeRecord) -> bool:
        """Whether tree.json says the mode and the aliases that were agreed upon."""
        return (record.mode, record.aliases) == (self.mode, self.aliases)


def agree(
    store: Store, settings: Settings, options: "Options", *, known: bytes | None, note: Callable[[str], None]
) -> Agreement:
    """Read what the tree has, and note where it gets a base URL that nobody gave; nothing is changed.

    `known` is the tree.json that the state knows. Raises SettingsError where that does not go with what is asked for.
    """
    registry = settings.registry
    if options.change_mode:
        registry = replace(registry, mode=None)
    stored = store.read(layout.CONFIG)
    config = _config(stored, registry, options)
    held, damaged, last = _record(store, known, registry)
    is_new = stored is None and held.stored is None and damaged is None
    if options.must_exist and is_new:
        raise SettingsError(
            f"there is no registry in {settings.tree.path}, and it must exist; "
            "name the published tree with --tree, or begin a new one without --must-exist"
        )
    before = _base_url_before(config, held.value, registry, options)
    mode = _mode(held.value, registry)
    if settings.mirror.upstream_index is not None and mode != "mirror":
        raise SettingsError(
            "`upstream-index` in `[mirror]` is for mirrors of crates.io, and this is a registry of its own; "
            'take it out, or set `mode = "mirror"` in `[registry]`'
        )
    if registry.base_url is None and before is None:
        note(f"No base URL is given, so the tree is made for {DEFAULT_BASE_URL}.")
    base_url, aliases = _base_url(before, held.value.aliases, registry, options)
    # Law 1: lines that were made with an alias can be made anew only by who knows it.
    aliases += tuple(alias for alias in registry.aliases if alias not in {base_url, *aliases})
    wanted = config_for(base_url, api=settings.publish.url, auth_required=registry.auth_required)
    return Agreement(
        base_url=base_url,
        before=before,
        home=home_at(mode, (base_url, *aliases)),
        mode=mode,
        aliases=aliases,
        version_addresses=wants_addresses(settings, held.value),
        held=held,
        damaged=damaged,
        last=last,
        config=format_config(wanted),
        stored_config=stored,
        is_new=is_new,
    )


def _base_url_before(
    config: RegistryConfig | None, record: TreeRecord, registry: RegistrySection, options: "Options"
) -> str | None:
    """Give the base URL that the tree has, None where it has none; SettingsError where one is needed, or not ours."""
    before = base_url_of(config)
    if config and before is None and not options.move:
        raise SettingsError(
            f"the tree's config.json was not written by this program: its `dl` is {config.dl!r}; "
            "choose another tree, or replace it with --move"
        )
    if before is None and registry.base_url is None and record.releases:
        raise SettingsError(
            "the tree holds releases, but its index/config.json, which knew its base URL, is lost or not ours; "
            "give the URL with --base-url, or set it in `[registry]`"
        )
    return before


def wants_addresses(settings: Settings, record: TreeRecord) -> bool:
    """Whether archives are to lie at the addresses of their versions, too: as is set, or else as the tree has it."""
    asked = settings.tree.version_addresses
    return record.version_addresses is True if asked is None else asked


def read_again(store: Store) -> StoredValue[TreeRecord] | None:
    """Read tree.json, or give None where there is none that can be read; SettingsError for a newer format."""
    try:
        held = read_record(store)
    except NewerFormat as error:
        raise SettingsError(f"the tree cannot be used: {error}") from error
    except InvalidDocument:
        return None
    return held if held.stored is not None else None


def _config(stored: Stored | None, registry: RegistrySection, options: "Options") -> RegistryConfig | None:
    """Read config.json; one that cannot be read counts as none where it is to be replaced."""
    try:
        return parse_config(stored.content) if stored else None
    except InvalidConfig as error:
        if options.move and registry.base_url is not None:
            return None
        raise SettingsError(
            f"the tree cannot be used: {error}, bring it back from a backup, "
            "or replace it with `build --move`, the base URL being set"
        ) from error


def _record(
    store: Store, known: bytes | None, registry: RegistrySection
) -> tuple[StoredValue[TreeRecord], Stored | None, TreeRecord | None]:
    """Read tree.json; if it is damaged, give what is there, too, and if it is lost or damaged, what it said last.

    What the index cannot tell then comes from the state, or the settings.
    """
    damaged: Stored | None = None
    try:
        held = read_record(store)
        if held.stored is not None and known and is_slip(held.value, parse_tree_record(known)):
            damaged = held.stored
        elif held.stored is not None or not any(True for _ in index_paths(store)):
            return held, None, None
    except NewerFormat as error:
        raise SettingsError(f"the tree cannot be used: {error}") from error
    except InvalidDocument:
        damaged = store.read(layout.RECORD)
    if known is None and registry.mode is None:
        raise SettingsError(
            "the tree holds an index, but its tree.json, which knew its mode and earlier base URLs, is lost; bring it "
            "back from a backup, or set `mode`, and `aliases` if it was moved, in `[registry]`"
        )
    last = parse_tree_record(known) if known is not None else None
    record = _as_made(last) if last else TreeRecord()
    return StoredValue(path=layout.RECORD, value=record, stored=None), damaged, last


def _as_made(last: TreeRecord) -> TreeRecord:
    """Give what a record says of how the tree is made, and nothing of what it holds."""
    return TreeRecord(mode=last.mode, aliases=last.aliases, version_addresses=last.version_addresses)


def _mode(record: TreeRecord, registry: RegistrySection) -> Mode:
    mode = registry.mode or record.mode
    if record.releases and mode != record.mode:
        raise SettingsError(
            f"the tree's lines were made in mode {record.mode!r}, and the settings ask for {mode!r}; "
            f'set `mode = "{record.mode}"`, or derive the lines anew with `cargo-static-index reindex`'
        )
    return mode


def _base_url(
    before: str | None, aliases: tuple[str, ...], registry: RegistrySection, options: "Options"
) -> tuple[str, tuple[str, ...]]:
    """Give the base URL and the aliases that the tree is to have."""
    aliases = tuple(alias for alias in aliases if alias != before)  # a move that broke off comes to tree.json first
    if registry.base_url is None:
        return before or DEFAULT_BASE_URL, aliases
    base_url = parse_base_url(registry.base_url)
    if before is None or before == base_url:
        return base_url, aliases
    if not options.move and base_url in aliases:
        raise SettingsError(
            f"the tree was moved to {before}, and the settings still say {base_url}; set `base-url` in `[registry]` of "
            f'registry.toml, or the option or variable that gives it, to "{before}" (--move would move the tree back)'
        )
    if not options.move:
        raise SettingsError(
            f"the tree is served at {before}, and the settings say {base_url}; "
            "keep the tree's own, or move the registry with --move"
        )
    return base_url, (*(alias for alias in aliases if alias not in {base_url, before}), before)
