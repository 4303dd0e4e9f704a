import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import rtoml
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import structs

from cargo_static_index.crate.limits import Limits
from cargo_static_index.crate.policy import REQUIRABLE
from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.diagnostics.rules import RULES
from cargo_static_index.settings import (
    KEYS,
    Key,
    Loaded,
    Settings,
    find_settings_file,
    limits_of,
    load_settings,
    parse_settings,
)
from cargo_static_index.settings.keys import SCHEMA_NAME
from cargo_static_index.settings.layers import line_of
from cargo_static_index.settings.table import DropSection, RegistrySection, ServeSection
from cargo_static_index.settings.template import (
    json_schema,
    place_schema,
    registry_toml,
    schema_text,
    shipped_schema,
    show_settings,
    toml_value,
)
from cargo_static_index.state.directory import state_folder
from cargo_static_index.store.bucket import Bucket
from scripts.docs.settings_page import REWRITE, settings_page

# It has no types of its own, and the checker asks for them where it is imported by name.
jsonschema: Any = importlib.import_module("jsonschema")

REPOSITORY = Path(__file__).parents[2]
HERE = Path("/srv/acme/work")
FILE = Path("/srv/acme/registry.toml")


def read(
    source: str | None = None, *, options: dict[str, object] | None = None, env: dict[str, str] | None = None
) -> Loaded:
    """Read settings in /srv/acme/work, with a registry.toml one folder up unless `source` is None."""
    return parse_settings(options or {}, env or {}, HERE, None if source is None else FILE, source or "")


def value_of(settings: Settings, name: str) -> object:
    section, _, key = name.partition(".")
    found: object = getattr(getattr(settings, section), key.replace("-", "_"))
    return found


GIVEN = {"registry.name": "acme", "registry.base-url": "https://crates.example.com/"}


def sample(key: Key) -> tuple[str, str, object]:
    """Give a value other than the default: as TOML, as text, and as TOML is read."""
    written = key.row.example if key.row.example is not None else key.row.default
    if key.row.kind.flag:
        written = not written
    elif key.name == "registry.mode":
        written = "mirror"
    elif key.name == "limits.entries":
        written = 77
    elif key.name == "registry.on-change":
        return '["purge-cdn", "my zone"]', "purge-cdn 'my zone'", ["purge-cdn", "my zone"]
    if isinstance(written, list | tuple):
        texts = [each if isinstance(each, str) else toml_value(each) for each in written]
        return toml_value(written), ", ".join(texts), list(written)
    return toml_value(written), str(written).lower() if isinstance(written, bool) else str(written), written


# what holds


def test_without_anything_the_defaults_hold() -> None:
    loaded = read()
    settings = loaded.settings
    assert structs.asdict(settings.registry) == {
        "name": None,
        "base_url": None,
        "mode": None,
        "aliases": (),
        "auth_required": False,
        "title": None,
        "description": None,
        "pages": True,
        "on_change": None,
        "changed_urls": None,
        "own_rules": None,
    }
    assert structs.asdict(settings.drop) == {"path": HERE / "drop", "refused": None, "after_publish": "keep"}
    assert settings.tree.path == HERE / "public"
    assert (settings.tree.file_mode, settings.tree.dir_mode, settings.tree.flush) == (None, None, True)
    assert settings.state.path == HERE / ".cargo-static-index"
    assert (settings.rules, settings.dependencies.allowed, settings.manifest.required_fields) == ({}, (), ())
    assert limits_of(settings) == Limits()
    assert (settings.build.jobs, settings.pages.refused) == (None, True)
    assert set(loaded.sources.values()) == {"default"}
    assert (loaded.warnings, loaded.file) == ((), None)


@pytest.mark.parametrize("key", KEYS.values(), ids=list(KEYS))
def test_file_variable_and_option_give_a_key_the_same_value(key: Key) -> None:
    toml, text, native = sample(key)
    ways = {
        "registry.toml": parse_settings({}, {}, HERE, HERE / "registry.toml", f"[{key.section}]\n{key.key} = {toml}"),
        key.variable: read(env={key.variable: text}),
        key.off if native is False else key.option: read(options={key.name: native}),
    }
    values = {repr(value_of(loaded.settings, key.name)) for loaded in ways.values()}
    assert len(values) == 1
    assert [loaded.sources[key.name] for loaded in ways.values()] == list(ways)
    assert value_of(read(options={key.name: text}).settings, key.name) == value_of(
        ways["registry.toml"].settings, key.name
    )


def test_an_option_goes_before_a_variable_before_the_file_before_the_default() -> None:
    toml, env, options = (
        '[registry]\nname = "file"',
        {"CARGO_STATIC_INDEX_REGISTRY_NAME": "env"},
        {"registry.name": "option"},
    )
    seen = [read(), read(toml), read(toml, env=env), read(toml, env=env, options={**options})]
    assert [each.settings.registry.name for each in seen] == [None, "file", "env", "option"]
    assert [each.sources["registry.name"] for each in seen] == [
        "default",
        "registry.toml",
        "CARGO_STATIC_INDEX_REGISTRY_NAME",
        "--name",
    ]


def test_rules_are_merged_rule_by_rule() -> None:
    loaded = read(
        '[rules]\nvcs-dirty = "refuse"\nreserved-name = "warn"\nfile-empty = "refuse"',
        env={"CARGO_STATIC_INDEX_RULES": "reserved-name=allow, foreign-registry = refuse,"},
        options={"rules": ["foreign-registry=allow"]},
    )
    assert loaded.settings.rules == {
        "vcs-dirty": "refuse",
        "reserved-name": "allow",
        "file-empty": "refuse",
        "foreign-registry": "allow",
    }
    assert {name: source for name, source in loaded.sources.items() if name.startswith("rules.")} == {
        "rules.vcs-dirty": "registry.toml",
        "rules.reserved-name": "CARGO_STATIC_INDEX_RULES",
        "rules.file-empty": "registry.toml",
        "rules.foreign-registry": "--rule",
    }


def test_what_is_not_given_on_the_command_line_counts_as_nothing() -> None:
    options: dict[str, object] = {
        "registry.name": None,
        "registry.aliases": [],
        "dependencies.allowed": (),
        "rules": [],
    }
    assert read(options=options) == read()


def test_an_empty_variable_counts_as_not_set() -> None:
    assert read(env={"CARGO_STATIC_INDEX_DROP_PATH": "", "CARGO_STATIC_INDEX_NONSENSE": ""}) == read()


def test_an_unknown_variable_of_ours_is_a_warning() -> None:
    env = {"CARGO_STATIC_INDEX_DROP_PTH": "x", "CARGO_STATIC_INDEX_ZZZ": "1", "CARGO_HOME": "y"}
    assert read(env=env).warnings == (
        "CARGO_STATIC_INDEX_DROP_PTH is no variable of this program: did you mean `CARGO_STATIC_INDEX_DROP_PATH`?",
        "CARGO_STATIC_INDEX_ZZZ is no variable of this program",
    )


# names


NAMES = [
    ("drop.path", "--drop", "", "CARGO_STATIC_INDEX_DROP_PATH"),
    ("drop.after-publish", "--drop-after-publish", "", "CARGO_STATIC_INDEX_DROP_AFTER_PUBLISH"),
    ("registry.base-url", "--base-url", "", "CARGO_STATIC_INDEX_REGISTRY_BASE_URL"),
    ("registry.pages", "--pages", "--no-pages", "CARGO_STATIC_INDEX_REGISTRY_PAGES"),
    ("pages.refused", "--pages-refused", "--no-pages-refused", "CARGO_STATIC_INDEX_PAGES_REFUSED"),
    ("tree.file-mode", "--tree-file-mode", "", "CARGO_STATIC_INDEX_TREE_FILE_MODE"),
    ("tree.flush", "--tree-flush", "--no-tree-flush", "CARGO_STATIC_INDEX_TREE_FLUSH"),
    ("state.path", "--state", "", "CARGO_STATIC_INDEX_STATE_PATH"),
    ("build.jobs", "--build-jobs", "", "CARGO_STATIC_INDEX_BUILD_JOBS"),
]


@pytest.mark.parametrize(("name", "option", "off", "variable"), NAMES)
def test_one_rule_makes_the_option_and_the_variable(name: str, option: str, off: str, variable: str) -> None:
    key = KEYS[name]
    assert (key.option, key.off, key.variable) == (option, off, variable)


def test_no_two_keys_share_an_option_or_a_variable() -> None:
    options = [text for key in KEYS.values() for text in (key.option, key.off, *key.row.also) if text]
    variables = [key.variable for key in KEYS.values()]
    taken = {"--rule", "--config", "CARGO_STATIC_INDEX_RULES", "CARGO_STATIC_INDEX_CONFIG"}
    assert len({*options, *variables, *taken}) == len(options) + len(variables) + len(taken)


# values


PATHS = [
    ('[drop]\npath = "in"', {}, {}, "/srv/acme/in"),
    ('[drop]\npath = "../in"', {}, {}, "/srv/acme/../in"),
    ('[drop]\npath = "/in"', {}, {}, "/in"),
    ("", {"CARGO_STATIC_INDEX_DROP_PATH": "in"}, {}, "/srv/acme/work/in"),
    ("", {}, {"drop.path": "in"}, "/srv/acme/work/in"),
    ("", {}, {"drop.path": Path("in")}, "/srv/acme/work/in"),
    ("", {}, {}, "/srv/acme/drop"),
    (None, {}, {}, "/srv/acme/work/drop"),
]


@pytest.mark.parametrize(("source", "env", "options", "expected"), PATHS)
def test_a_path_starts_where_it_is_written(
    source: str | None, env: dict[str, str], options: dict[str, object], expected: str
) -> None:
    assert read(source, env=env, options=options).settings.drop.path == Path(expected)


ACCEPTED: list[tuple[str, object, object]] = [
    ("registry.name", "_a-B9", "_a-B9"),
    ("registry.base-url", "https://X.example/a", "https://x.example/a/"),
    ("registry.aliases", ["http://old.example", "http://old.example/"], ("http://old.example/",)),
    ("registry.title", "Crates d’Acmé", "Crates d’Acmé"),
    ("drop.after-publish", "delete", "delete"),
    ("drop.after-publish", "./keep", HERE / "keep"),
    ("drop.after-publish", "published", HERE / "published"),
    ("tree.path", "s3://crates/acme", Bucket("s3", "crates", "acme")),
    ("tree.file-mode", "644", 0o644),
    ("tree.file-mode", "0o600", 0o600),
    ("tree.dir-mode", "02775", 0o2775),
    ("manifest.required-fields", "license,description,license", ("license", "description")),
    ("limits.packed-bytes", "1_000", 1000),
    ("build.jobs", 1, 1),
    ("dependencies.allowed", "sparse+https://o.example/i/,https://g.example/i.git", ("sparse+https://o.example/i/", "https://g.example/i.git")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "expected"), ACCEPTED)
def test_a_value_is_read(name: str, value: object, expected: object) -> None:
    assert value_of(read(options={name: value}).settings, name) == expected


@pytest.mark.case(12)
def test_an_api_url_loses_the_slash_at_its_end() -> None:
    assert read(options={"publish.url": "https://x.example/a/"}).settings.publish.url == "https://x.example/a"


@pytest.mark.case(14)
def test_a_base_url_gets_the_slash_at_its_end() -> None:
    assert read(options={"registry.base-url": "https://x.example"}).settings.registry.base_url == "https://x.example/"


FIELDS = (
    '"description", "license", "repository", "homepage", "documentation", "readme", "keywords", "categories", '
    '"rust-version", "authors"'
)
NAME = 'a registry name of ASCII letters, digits, `-` and `_`, not a digit or `-` first, not "crates-io"'
COUNT = "a whole number, 1 or more"

REFUSED = [
    ("registry", "name", '"1st"', f"'1st' must be {NAME}"),
    ("registry", "name", '"crates-io"', f"'crates-io' must be {NAME}"),
    ("registry", "name", "3", f"3 must be {NAME}"),
    ("registry", "base-url", '""', "'' must be an http or https URL such as \"https://crates.example.com/\""),
    ("registry", "base-url", "true", 'true must be an http or https URL such as "https://crates.example.com/"'),
    (
        "registry",
        "base-url",
        '"ftp://x.example/"',
        "the base URL 'ftp://x.example/' has the scheme 'ftp'; use 'https' or 'http'",
    ),
    ("registry", "mode", '"proxy"', '\'proxy\' must be "registry" or "mirror"'),
    ("registry", "aliases", '"https://x.example/"', "'https://x.example/' must be a list of http or https URLs"),
    ("registry", "auth-required", '"true"', "'true' must be true or false"),
    ("registry", "auth-required", "1", "1 must be true or false"),
    ("registry", "title", '"a\\nb"', "'a\\nb' must be one line of text"),
    ("registry", "title", '" "', "' ' must be one line of text"),
    ("drop", "path", '""', "'' must be a path or the URL of a bucket"),
    ("drop", "path", '"a\\u0000b"', "'a\\x00b' must be a path or the URL of a bucket"),
    ("drop", "path", '"~/drop"', "'~/drop' must be a path written in full: `~` means nothing here"),
    ("drop", "after-publish", "[]", '[] must be "keep", "delete", a path or the URL of a bucket'),
    ("drop", "after-publish", "false", 'false must be "keep", "delete", a path or the URL of a bucket'),
    ("tree", "file-mode", "644", '644 must be a text of octal digits such as "0644", with the owner\'s 6'),
    ("tree", "file-mode", '"0444"', "'0444' must be a text of octal digits such as \"0644\", with the owner's 6"),
    ("tree", "file-mode", '"2644"', "'2644' must be a text of octal digits such as \"0644\", with the owner's 6"),
    ("tree", "dir-mode", '"0666"', "'0666' must be a text of octal digits such as \"2775\", with the owner's 7"),
    ("tree", "dir-mode", '"0988"', "'0988' must be a text of octal digits such as \"2775\", with the owner's 7"),
    ("rules", "vcs-dirty", '"off"', '\'off\' must be "refuse", "warn" or "allow"'),
    ("rules", "vcs-dirty", '["warn"]', '[\'warn\'] must be "refuse", "warn" or "allow"'),
    ("rules", "vcs-dity", '"warn"', "there is no rule `vcs-dity`: did you mean `vcs-dirty`?"),
    ("rules", "zzz", '"warn"', "there is no rule `zzz`; `explain` lists all"),
    (
        "rules",
        "tar-damaged",
        '"warn"',
        "'warn' is not possible: this rule protects clients and cannot be turned off",
    ),
    (
        "dependencies",
        "allowed",
        '["acme"]',
        "the index URL 'acme' is not absolute; write it like 'https://crates.example.com/'",
    ),
    ("dependencies", "allowed", "[1]", '1 must be an index URL such as "sparse+https://other.example/index/"'),
    ("manifest", "required-fields", '["licence"]', f"'licence' must be {FIELDS}"),
    ("manifest", "required-fields", "true", f"true must be a list of {FIELDS}"),
    ("limits", "entries", "0", f"0 must be {COUNT}"),
    ("limits", "entries", '"9"', f"'9' must be {COUNT}"),
    ("limits", "entries", "1.5", f"1.5 must be {COUNT}"),
    ("build", "jobs", "true", f"true must be {COUNT}"),
]


@pytest.mark.parametrize(("section", "key", "toml", "message"), REFUSED)
def test_a_value_that_cannot_be_is_refused_with_its_place(section: str, key: str, toml: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(f"\n[{section}]\n{key} = {toml}\n")
    assert str(caught.value) == f"/srv/acme/registry.toml:3: [{section}] {key}: {message}"


@pytest.mark.parametrize("key", KEYS.values(), ids=list(KEYS))
@pytest.mark.parametrize("toml", ["{}", "[[]]", "1979-05-27", "nan", "-1"])
def test_no_key_takes_what_is_no_value_of_its_kind(key: Key, toml: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(f"[{key.section}]\n{key.key} = {toml}")
    assert str(caught.value).startswith(f"/srv/acme/registry.toml:2: [{key.section}] {key.key}: ")


REFUSED_ELSEWHERE: list[tuple[dict[str, str], dict[str, object], str]] = [
    ({"CARGO_STATIC_INDEX_TREE_FLUSH": "yes"}, {}, "CARGO_STATIC_INDEX_TREE_FLUSH: 'yes' must be true or false"),
    (
        {"CARGO_STATIC_INDEX_LIMITS_ENTRIES": "9" * 30},
        {},
        f"CARGO_STATIC_INDEX_LIMITS_ENTRIES: '{'9' * 30}' must be {COUNT}",
    ),
    (
        {"CARGO_STATIC_INDEX_RULES": "vcs-dirty"},
        {},
        "CARGO_STATIC_INDEX_RULES: 'vcs-dirty' must be ID=LEVEL, for example `vcs-dirty=refuse`",
    ),
    (
        {"CARGO_STATIC_INDEX_RULES": "vcs-dirty=no"},
        {},
        'CARGO_STATIC_INDEX_RULES: vcs-dirty: \'no\' must be "refuse", "warn" or "allow"',
    ),
    ({}, {"rules": ["zzz=warn"]}, "--rule: zzz: there is no rule `zzz`; `explain` lists all"),
    ({}, {"drop.path": ""}, "--drop: '' must be a path or the URL of a bucket"),
    ({}, {"drop.pth": "x"}, "there is no setting `drop.pth`: did you mean `drop.path`?"),
]


@pytest.mark.parametrize(("env", "options", "message"), REFUSED_ELSEWHERE)
def test_a_value_that_cannot_be_names_its_variable_or_option(
    env: dict[str, str], options: dict[str, object], message: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        read(env=env, options=options)
    assert str(caught.value) == message


UNKNOWN = [
    ('[registry]\nbase_url = "x"', "2: [registry] has no key `base_url`: did you mean `base-url`?"),
    ('[drop]\n\nfile-mode = "0644"', "3: [drop] has no key `file-mode`: did you mean `[tree] file-mode`?"),
    (
        "[tree]\nzzz = 1",
        (
            "2: [tree] has no key `zzz`; there are path, file-mode, dir-mode, flush, single-writer, "
            "version-addresses, lock-timeout, keep-removed"
        ),
    ),
    ('[treee]\npath = "x"', "1: there is no section `[treee]`: did you mean `[tree]`?"),
    (
        "[zzz]",
        (
            "1: there is no section `[zzz]`; there are [registry], [drop], [tree], [state], [mirror], [advisories], "
            "[dependencies], [manifest], [limits], [build], [watch], [serve], [publish], [pages], [rules]"
        ),
    ),
    ('name = "acme"', "1: `name` stands outside a section: did you mean `[registry] name`?"),
    (
        'path = "x"',
        (
            "1: `path` stands outside a section: did you mean `[drop] path` or `[tree] path` or `[state] path` or "
            "`[advisories] path`?"
        ),
    ),
    ('tree = "public"', "1: `tree` must be a table: write `[tree]` and its keys below"),
    ("[[tree]]", "1: `tree` must be a table: write `[tree]` and its keys below"),
    ("\ntree = { pth = 1 }", "2: [tree] has no key `pth`: did you mean `path`?"),
    ('tree."pth" = 1', "1: [tree] has no key `pth`: did you mean `path`?"),
]


@pytest.mark.parametrize(("source", "message"), UNKNOWN)
def test_an_unknown_key_names_the_nearest_known_one(source: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(source)
    assert str(caught.value) == f"/srv/acme/registry.toml:{message}"


def test_everything_wrong_is_reported_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        read('[drop]\npth = "x"\n[tree]\nflush = 1', env={"CARGO_STATIC_INDEX_BUILD_JOBS": "x"}, options={"zzz": 1})
    assert str(caught.value) == (
        "4 settings cannot be used:\n"
        "  /srv/acme/registry.toml:2: [drop] has no key `pth`: did you mean `path`?\n"
        "  there is no setting `zzz`\n"
        "  /srv/acme/registry.toml:4: [tree] flush: 1 must be true or false\n"
        f"  CARGO_STATIC_INDEX_BUILD_JOBS: 'x' must be {COUNT}"
    )


def test_a_file_that_is_not_toml_names_the_line() -> None:
    with pytest.raises(SettingsError) as caught:
        read("[drop]\npath = drop")
    assert str(caught.value).startswith("/srv/acme/registry.toml: this is not TOML: ")
    assert "line 2" in str(caught.value)


LINES = [
    ('[drop]\npath = "a"', "drop", "path", 2),
    ('[ drop ]\n"path" = "a"', "drop", "path", 2),
    ('# [drop]\n\n  drop . path = "a"', "drop", "path", 3),
    ('[tree]\npath = "b"\n[drop]\n# path\npath = "a"', "drop", "path", 5),
    ('drop = { path = "a" }', "drop", "path", 1),
    ('drop.path = "a"', "drop", "", 1),
    ("", "drop", "path", None),
]


@pytest.mark.parametrize(("source", "section", "key", "line"), LINES)
def test_the_line_of_a_key_is_found(source: str, section: str, key: str, line: int | None) -> None:
    assert line_of(source, section, key) == line


OVERLAPS: list[tuple[dict[str, object], str]] = [
    (
        {"drop.path": "public/drop"},
        (
            "drop.path (from --drop): '/srv/acme/work/public/drop' lies in tree.path (from default), "
            "so what is there would be served to everyone; put it outside the tree"
        ),
    ),
    (
        {"drop.path": "x/../public"},
        (
            "drop.path (from --drop): '/srv/acme/work/x/../public' lies in tree.path (from default), "
            "so what is there would be served to everyone; put it outside the tree"
        ),
    ),
    (
        {"tree.path": ".", "drop.path": "/in", "publish.private": "/private"},
        (
            "state.path (from default): '/srv/acme/work/.cargo-static-index' lies in tree.path (from --tree), "
            "so what is there would be served to everyone; put it outside the tree"
        ),
    ),
    (
        {"tree.path": "drop/out"},
        (
            "tree.path (from --tree): '/srv/acme/work/drop/out' lies in drop.path (from default), "
            "so what is there would be taken for dropped crates; put it outside the drop directory"
        ),
    ),
    (
        {"drop.refused": "drop/refused"},
        (
            "drop.refused (from --drop-refused): '/srv/acme/work/drop/refused' lies in drop.path (from default), "
            "so what is there would be read again; put it outside the drop directory"
        ),
    ),
    (
        {"drop.after-publish": "drop"},
        (
            "drop.after-publish (from --drop-after-publish): '/srv/acme/work/drop' lies in drop.path (from default), "
            "so what is there would be read again; put it outside the drop directory"
        ),
    ),
]


@pytest.mark.parametrize(("options", "message"), OVERLAPS)
def test_folders_that_must_lie_apart_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(options=options)
    assert str(caught.value) == message


def test_folders_with_names_that_begin_alike_lie_apart() -> None:
    assert read(options={"tree.path": "drop-published", "drop.refused": "drop.refused"}).warnings == ()


ANYTHING = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.dates() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
TABLES = st.dictionaries(
    st.sampled_from([*(key.section for key in KEYS.values()), "rules", "odd"]),
    ANYTHING | st.dictionaries(st.sampled_from([*(key.key for key in KEYS.values()), *RULES, ""]), ANYTHING),
    max_size=3,
)


@given(TABLES)
def test_whatever_the_file_says_gives_settings_or_an_error_of_ours(tables: dict[str, object]) -> None:
    try:
        loaded = read(rtoml.dumps(tables))
    except SettingsError:
        return
    shown = read(show_settings(loaded)).settings
    assert structs.replace(shown, folder=loaded.settings.folder) == loaded.settings


@given(st.sampled_from(list(KEYS)), st.text(max_size=8))
def test_whatever_an_option_says_gives_settings_or_an_error_of_ours(name: str, text: str) -> None:
    try:
        loaded = read(options={name: text}, env={KEYS[name].variable: text})
    except SettingsError:
        return
    assume(name not in {"pages.templates", "pages.stylesheet", "pages.logo"})  # a file names them below its folder
    shown = read(show_settings(loaded)).settings
    assert structs.replace(shown, folder=None) == loaded.settings


def test_every_field_that_can_be_required_can_be_set() -> None:
    assert read(options={"manifest.required-fields": sorted(REQUIRABLE)}).settings.manifest.required_fields == tuple(
        sorted(REQUIRABLE)
    )


# the file


def test_the_file_is_searched_upwards(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "a" / "registry.toml").mkdir()
    (tmp_path / "registry.toml").write_text('[drop]\npath = "in"')
    assert find_settings_file(deep) == tmp_path / "registry.toml"
    loaded = load_settings({}, {}, deep)
    assert loaded.file == tmp_path / "registry.toml"
    assert loaded.settings.drop.path == tmp_path / "in"


def test_the_nearest_file_is_read_alone(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "registry.toml").write_text('[registry]\nname = "outer"\ntitle = "Outer"')
    (tmp_path / "a" / "registry.toml").write_text('[registry]\nname = "inner"')
    assert load_settings({}, {}, tmp_path / "a").settings.registry.name == "inner"
    assert load_settings({}, {}, tmp_path / "a").settings.registry.title is None


def test_an_option_or_else_a_variable_names_another_file(tmp_path: Path) -> None:
    for name in ("registry", "option", "variable"):
        (tmp_path / f"{name}.toml").write_text(f'[registry]\nname = "{name}"')
    env = {"CARGO_STATIC_INDEX_CONFIG": "variable.toml"}
    by_variable = load_settings({}, env, tmp_path)
    by_option = load_settings({}, env, tmp_path, Path("option.toml"))
    assert (by_variable.settings.registry.name, by_option.settings.registry.name) == ("variable", "option")
    assert by_option.sources["registry.name"] == "option.toml"
    assert by_variable.warnings == ()


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    missing = tmp_path / "x.toml"
    with pytest.raises(SettingsError) as by_option:
        load_settings({}, {}, tmp_path, Path("x.toml"))
    assert str(by_option.value) == f"--config: there is no file {str(missing)!r}; `init` makes one"
    with pytest.raises(SettingsError) as by_variable:
        load_settings({}, {"CARGO_STATIC_INDEX_CONFIG": "x.toml"}, tmp_path)
    assert str(by_variable.value) == f"CARGO_STATIC_INDEX_CONFIG: there is no file {str(missing)!r}; `init` makes one"


def test_a_file_that_cannot_be_read_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({}, {}, tmp_path, tmp_path)
    assert str(caught.value) == f"--config: {str(tmp_path)!r} cannot be read: Is a directory"


def test_a_byte_order_mark_is_skipped_and_other_encodings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "registry.toml").write_bytes('\ufeff[registry]\ntitle = "é"'.encode())
    assert load_settings({}, {}, tmp_path).settings.registry.title == "é"
    (tmp_path / "registry.toml").write_bytes('[registry]\ntitle = "é"'.encode("latin-1"))
    with pytest.raises(SettingsError) as caught:
        load_settings({}, {}, tmp_path)
    assert str(caught.value) == f"{tmp_path / 'registry.toml'}: this is not TOML: it is not UTF-8 at byte 20"


# what is made from the table


def test_settings_are_shown_with_where_they_come_from() -> None:
    loaded = read(
        '[registry]\nname = "acme"\n[tree]\nfile-mode = "640"',
        env={"CARGO_STATIC_INDEX_BUILD_JOBS": "3"},
        options={"drop.path": "/in", "registry.pages": False, "rules": ["vcs-dirty=refuse"]},
    )
    shown = show_settings(loaded).splitlines()
    assert shown[0] == "# /srv/acme/registry.toml"
    assert len(shown) == 1 + len(KEYS) + 1
    for line in (
        'registry.name = "acme"  # from registry.toml',
        "# registry.title is not set",
        "registry.pages = false  # from --no-pages",
        'drop.path = "/in"  # from --drop',
        'tree.path = "/srv/acme/public"  # default',
        'tree.file-mode = "0640"  # from registry.toml',
        "build.jobs = 3  # from CARGO_STATIC_INDEX_BUILD_JOBS",
        'rules.vcs-dirty = "refuse"  # from --rule',
    ):
        assert line in shown


def test_what_is_shown_gives_the_same_settings_when_it_is_read() -> None:
    options: dict[str, object] = {key.name: sample(key)[1] for key in KEYS.values()}
    loaded = read(options={**options, "rules": ["vcs-dirty=refuse"]})
    shown = read(show_settings(loaded)).settings
    assert structs.replace(shown, folder=loaded.settings.folder) == loaded.settings


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_a_text_written_as_toml_is_the_same_when_read(text: str) -> None:
    assert rtoml.loads(f"x = {toml_value(text)}") == {"x": text}


def uncommented(template: str) -> str:
    return re.sub(r"^# ([a-z0-9-]+ = )", r"\1", template, flags=re.MULTILINE)


def test_the_template_sets_what_init_was_given_and_nothing_else() -> None:
    loaded = read(registry_toml(GIVEN))
    assert loaded.settings.registry.name == "acme"
    assert loaded.settings.registry.base_url == "https://crates.example.com/"
    given_keys = [name for name, source in loaded.sources.items() if source != "default"]
    assert given_keys == ["registry.name", "registry.base-url"]
    assert set(read(registry_toml({})).sources.values()) == {"default"}


def test_the_template_has_every_key_and_every_policy() -> None:
    loaded = read(uncommented(registry_toml({})))
    policies = {f"rules.{rule.id}" for rule in RULES.values() if rule.policy}
    assert {name for name, source in loaded.sources.items() if source != "default"} == {*KEYS, *policies}


def test_the_template_shows_the_defaults() -> None:
    shown = rtoml.loads(uncommented(registry_toml({})))
    for key in KEYS.values():
        expected = key.row.default if key.row.example is None else key.row.example
        assert shown[key.section][key.key] == (list(expected) if isinstance(expected, tuple) else expected)


def test_the_shipped_schema_is_what_the_table_says() -> None:
    assert shipped_schema() == schema_text(), f"the schema is not what the table says; write it anew with `{REWRITE}`"


def test_the_template_names_the_schema_where_it_is_placed(tmp_path: Path) -> None:
    directive = registry_toml({"registry.name": "acme"}).splitlines()[0]
    state = read().settings.state.path.name
    with state_folder(tmp_path / state) as opened:
        place_schema(opened)
    assert (tmp_path / directive.removeprefix("#:schema ")).read_text() == shipped_schema()


def test_the_schema_takes_the_place_of_what_is_there_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("{}")
    with state_folder(tmp_path / "state") as opened:
        (tmp_path / "state" / SCHEMA_NAME).symlink_to("../precious")
        place_schema(opened)
    assert (tmp_path / "state" / SCHEMA_NAME).read_text() == shipped_schema()
    assert (tmp_path / "precious").read_text() == "{}"


def fits_schema(source: str) -> bool:
    fits: bool = jsonschema.Draft7Validator(json_schema()).is_valid(rtoml.loads(source))
    return fits


def test_the_schema_is_one_and_takes_the_template() -> None:
    jsonschema.Draft7Validator.check_schema(json_schema())
    assert fits_schema(registry_toml(GIVEN))
    assert fits_schema(uncommented(registry_toml({})))


@pytest.mark.parametrize("key", KEYS.values(), ids=list(KEYS))
def test_the_schema_takes_what_we_take(key: Key) -> None:
    toml, _, _ = sample(key)
    assert fits_schema(f"[{key.section}]\n{key.key} = {toml}")
    assert not fits_schema(f"[{key.section}]\n{key.key} = 1979-05-27")


@pytest.mark.parametrize(("images", "fits"), [("true", True), ("false", True), ('"local"', True), ('"some"', False)])
def test_the_schema_takes_what_images_was_before(images: str, *, fits: bool) -> None:
    assert fits_schema(f"[pages]\nimages = {images}") is fits


@pytest.mark.parametrize("source", [source for source, _ in UNKNOWN])
def test_the_schema_refuses_unknown_keys(source: str) -> None:
    assert not fits_schema(source)


@pytest.mark.parametrize(
    ("rule", "level", "fits"),
    [
        ("vcs-dirty", "allow", True),
        ("vcs-dirty", "off", False),
        ("tar-damaged", "refuse", True),
        ("tar-damaged", "warn", False),
    ],
)
def test_the_schema_knows_which_rules_can_be_turned_off(rule: str, level: str, fits: bool) -> None:
    assert fits_schema(f'[rules]\n{rule} = "{level}"') is fits


def test_the_page_of_settings_is_what_the_table_says() -> None:
    found = (REPOSITORY / "docs/settings.md").read_text()
    assert found == settings_page(), f"docs/settings.md is not what the table says; write it anew with `{REWRITE}`"


def test_the_page_has_every_key_option_and_variable_and_no_other() -> None:
    page = (REPOSITORY / "docs/settings.md").read_text()
    keys = list(KEYS.values())
    assert set(re.findall(r"^### `\[(.+)\] (.+)`$", page, re.MULTILINE)) == {
        *((key.section, key.key) for key in keys),
        ("rules", "ID"),
    }
    also = (option for key in keys for option in key.row.also if option.startswith("--"))
    options = {*(key.option for key in keys), *(key.off for key in keys if key.off), *also}
    others = {"--rule", "--config", "--show-settings", "--publish"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", page)) == options | others
    variables = {key.variable for key in keys}
    assert set(re.findall(r"CARGO_STATIC_INDEX_[A-Z_]*[A-Z]", page)) == {
        *variables,
        "CARGO_STATIC_INDEX_RULES",
        "CARGO_STATIC_INDEX_CONFIG",
    }


def test_a_section_that_is_made_of_nothing_has_the_table_s_defaults() -> None:
    assert (RegistrySection().name, RegistrySection().pages) == (None, True)
    assert DropSection() == DropSection(path=Path("drop"), refused=None, after_publish="keep")
    assert ServeSection().trusted_proxies == ("127.0.0.1", "::1")
