"""What the settings, and the tree where it is there, say of a registry: where it lives, what it asks, who it is.

Commands that only ask load no more than this of what opens a registry.
"""

from collections.abc import Collection

from cargo_static_index.crate.policy import OwnRules, Policy
from cargo_static_index.diagnostics.errors import InvalidConfig, InvalidDocument, SettingsError
from cargo_static_index.diagnostics.rule import is_own
from cargo_static_index.protocol.config import base_url_of, home_at
from cargo_static_index.protocol.registries import Home
from cargo_static_index.registry.agreement import DEFAULT_BASE_URL, wants_addresses
from cargo_static_index.settings import Settings, limits_of
from cargo_static_index.store import Store
from cargo_static_index.store.open import open_tree
from cargo_static_index.tree.read import read_config, read_record


def store_of(settings: Settings) -> Store:
    """Give the store that the settings describe."""
    tree = settings.tree
    return open_tree(
        tree.path,
        file_mode=tree.file_mode,
        dir_mode=tree.dir_mode,
        flush=tree.flush,
        single_writer=tree.single_writer,
        lock_timeout=tree.lock_timeout,
    )


def policy_of(settings: Settings, home: Home, own_rules: OwnRules | None = None) -> Policy:
    """Give what the settings ask of a release that arrives at `home`.

    `own_rules` take the place of those that the settings name, whose file is read and run: SettingsError where that
    fails, or where `[rules]` names one that is not there.
    """
    own_rules = own_rules or own_rules_of(settings)
    known = {rule.id for rule in own_rules.rules} if own_rules else set()
    unknown = [rule for rule in settings.rules if is_own(rule) and rule not in known]
    if unknown:
        raise SettingsError(f"[rules]: there is no rule `{unknown[0]}`; {_own_rules_there(known)}")
    return Policy(
        limits=limits_of(settings),
        home=home,
        registry_name=settings.registry.name,
        levels=settings.rules,
        required_fields=settings.manifest.required_fields,
        allowed=settings.dependencies.allowed,
        own_rules=own_rules,
    )


def own_rules_of(settings: Settings) -> OwnRules | None:
    """Give the rules of one's own whose file the settings name; SettingsError where it cannot be used."""
    if settings.registry.own_rules is None:
        return None
    from cargo_static_index.registry.own_rules import load_own_rules

    return load_own_rules(settings.registry.own_rules)


def _own_rules_there(known: Collection[str]) -> str:
    return f"there are {', '.join(sorted(known))}" if known else "`[registry] own-rules` names no file that has it"


def home_of(settings: Settings, store: Store | None = None) -> Home:
    """Give the registry that lines are made for: what the tree says, and where it does not say, the settings.

    Without a store there is no tree to ask.
    """
    registry = settings.registry
    base_url, mode = registry.base_url, registry.mode
    earlier: tuple[str, ...] = ()
    try:
        config, held = (read_config(store), read_record(store)) if store else (None, None)
        base_url = base_url_of(config) or base_url
        if held and held.stored is not None:
            mode, earlier = held.value.mode, held.value.aliases
    except (InvalidConfig, InvalidDocument):
        pass
    urls = (base_url or DEFAULT_BASE_URL, *registry.aliases, *earlier)
    return home_at(mode or "registry", urls)


def has_addresses(store: Store, settings: Settings) -> bool:
    """Whether archives are to lie at the addresses of their versions, too, as settings and tree say."""
    try:
        return wants_addresses(settings, read_record(store).value)
    except InvalidDocument:
        return settings.tree.version_addresses is True
