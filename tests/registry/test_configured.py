"""What the settings, and the tree where it is there, say of a registry."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from cargo_static_index.crate.metadata import CrateMetadata
from cargo_static_index.crate.policy import OwnRules
from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.diagnostics.problems import Problem
from cargo_static_index.diagnostics.rule import Rule
from cargo_static_index.protocol.config import home_at
from cargo_static_index.registry.agreement import DEFAULT_BASE_URL
from cargo_static_index.registry.configured import has_addresses, home_of, policy_of, store_of
from cargo_static_index.settings import Settings, load_settings
from cargo_static_index.store import Put
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.documents import TreeRecord, format_document
from cargo_static_index.tree.layout import CONFIG, RECORD

NONE: Mapping[str, object] = MappingProxyType({})
OURS, EARLIER, GIVEN = "https://crates.example.com/", "https://old.example.com/", "https://given.example.com/"


def settings_of(folder: Path, options: Mapping[str, object] = NONE) -> Settings:
    return load_settings(options, {}, folder).settings


def tree(files: Mapping[str, bytes]) -> MemoryStore:
    return MemoryStore(files)


def config(base_url: str) -> bytes:
    return b'{"dl": "%scrates/{crate}/{sha256-checksum}.crate"}' % base_url.encode()


def test_the_store_has_the_modes_of_the_settings(tmp_path: Path) -> None:
    store_of(settings_of(tmp_path, {"tree.file-mode": "0600", "tree.flush": False})).apply(
        [Put(path="a", content=b"x")]
    )
    assert (tmp_path / "public/a").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("files", "urls", "mode"),
    [
        ({}, (GIVEN,), "registry"),
        (
            {
                CONFIG: config(OURS),
                RECORD: format_document(TreeRecord(mode="mirror", aliases=(EARLIER,))),
            },
            (OURS, EARLIER),
            "mirror",
        ),
        ({CONFIG: config(OURS)}, (OURS,), "registry"),
        ({CONFIG: b"{", RECORD: b"{"}, (GIVEN,), "registry"),
        ({CONFIG: config(OURS), RECORD: b"{"}, (GIVEN,), "registry"),  # what can be read in part is not believed
    ],
    ids=["no tree", "a tree", "no tree.json", "damaged", "damaged tree.json"],
)
def test_the_tree_says_what_the_registry_is_and_where_it_does_not_the_settings(
    tmp_path: Path, files: Mapping[str, bytes], urls: tuple[str, ...], mode: str
) -> None:
    settings = settings_of(tmp_path, {"registry.base-url": GIVEN})
    assert home_of(settings, tree(files)) == home_at("mirror" if mode == "mirror" else "registry", urls)


def test_without_a_tree_the_settings_say_what_the_registry_is(tmp_path: Path) -> None:
    assert home_of(settings_of(tmp_path)) == home_at("registry", (DEFAULT_BASE_URL,))
    asked = settings_of(
        tmp_path, {"registry.base-url": GIVEN, "registry.aliases": [EARLIER], "registry.mode": "mirror"}
    )
    assert home_of(asked) == home_at("mirror", (GIVEN, EARLIER))


@pytest.mark.parametrize(
    ("record", "asked", "found"),
    [
        (TreeRecord(version_addresses=True), None, True),
        (TreeRecord(), None, False),
        (TreeRecord(), True, True),
        (TreeRecord(version_addresses=True), False, False),
        (None, True, True),
        (None, None, False),
    ],
)
def test_addresses_by_version_are_as_asked_for_or_else_as_the_tree_has_them(
    tmp_path: Path, record: TreeRecord | None, asked: bool | None, found: bool
) -> None:
    store = tree({RECORD: format_document(record) if record else b"damaged"})
    options = {} if asked is None else {"tree.version-addresses": asked}
    assert has_addresses(store, settings_of(tmp_path, options)) is found


def nothing(metadata: CrateMetadata) -> tuple[Problem, ...]:
    del metadata
    return ()


OWN = OwnRules(rules=(Rule(id="acme/b", level="warn", says="B.", way_out="Do."),), check=nothing, version="1")


def test_levels_are_for_rules_that_are_there(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {"rules": ["acme/b=refuse"]})
    assert policy_of(settings, home_of(settings), OWN).levels == {"acme/b": "refuse"}
    with pytest.raises(SettingsError) as caught:
        policy_of(settings, home_of(settings))
    said = r"[rules]: there is no rule `acme/b`; `[registry] own-rules` names no file that has it"
    assert str(caught.value) == said
    other = settings_of(tmp_path, {"rules": ["acme/c=refuse"]})
    with pytest.raises(SettingsError) as caught:
        policy_of(other, home_of(other), OWN)
    assert str(caught.value) == "[rules]: there is no rule `acme/c`; there are acme/b"


def test_a_policy_asks_what_the_settings_ask(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {"registry.name": "acme", "manifest.required-fields": ["description"]})
    policy = policy_of(settings, home_of(settings))
    assert (policy.registry_name, policy.required_fields, policy.home) == ("acme", ("description",), home_of(settings))
    assert policy.own_rules is None
