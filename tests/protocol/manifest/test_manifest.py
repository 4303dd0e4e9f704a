"""Reading Cargo.toml: what cargo accepts is accepted, what cargo or people would suffer from has a sentence."""

import re

import pytest
import rtoml
from hypothesis import given
from hypothesis import strategies as st

from cargo_static_index.diagnostics.problems import Problem
from cargo_static_index.protocol.manifest.dependencies import ManifestDependency
from cargo_static_index.protocol.manifest.manifest import Manifest, read_manifest

HEAD = '[package]\nname = "foo"\nversion = "1.0.0"\n'

LIMITS = {"max_dependencies": 500, "max_features": 300, "max_entries": 500, "max_text": 99_999}


def read(text: str | bytes, *files: str) -> tuple[Manifest | None, tuple[Problem, ...]]:
    content = text if isinstance(text, bytes) else text.encode()
    return read_manifest(content, files or ("src/lib.rs",), **LIMITS)


def read_sound(text: str | bytes, *files: str) -> Manifest:
    manifest, problems = read(text, *files)
    assert problems == ()
    assert manifest is not None
    return manifest


def told(text: str | bytes, *files: str) -> list[tuple[str, str]]:
    """Give the rule and the sentence of each problem."""
    return [(each.rule, each.message) for each in read(text, *files)[1]]


def dependencies(text: str) -> tuple[ManifestDependency, ...]:
    return read_sound(HEAD + text).dependencies


def only(text: str) -> ManifestDependency:
    (found,) = dependencies(text)
    return found


# the package


def test_a_manifest_of_name_and_version_has_the_defaults_of_cargo() -> None:
    assert read_sound(HEAD) == Manifest(
        name="foo",
        version="1.0.0",
        edition="2015",
        rust_version=None,
        links=None,
        authors=(),
        description=None,
        homepage=None,
        documentation=None,
        repository=None,
        license=None,
        license_file=None,
        readme=None,
        keywords=(),
        categories=(),
        publish=None,
        dependencies=(),
        features={},
        lib="foo",
        proc_macro=False,
        bins=(),
    )


def test_every_field_of_the_package_is_read() -> None:
    found = read_sound(
        """[package]
name = "foo-bar"
version = " 1.0.0-rc.1+build.5 "
edition = "2021"
rust-version = "1.70"
links = "z"
authors = ["A <a@example.com>", "B"]
description = "Grüße"
homepage = "https://h.example"
documentation = "https://d.example"
repository = "https://r.example"
license = "MIT"
license-file = "LICENSE"
readme = "./docs/README.md"
keywords = ["k"]
categories = ["c"]
publish = ["ours"]
build = "build/main.rs"
"""
    )
    assert found == Manifest(
        name="foo-bar",
        version="1.0.0-rc.1+build.5",
        edition="2021",
        rust_version="1.70",
        links="z",
        authors=("A <a@example.com>", "B"),
        description="Grüße",
        homepage="https://h.example",
        documentation="https://d.example",
        repository="https://r.example",
        license="MIT",
        license_file="LICENSE",
        readme="docs/README.md",
        keywords=("k",),
        categories=("c",),
        publish=("ours",),
        dependencies=(),
        features={},
        lib="foo_bar",
        proc_macro=False,
        bins=(),
    )


@pytest.mark.case(62)
def test_a_manifest_from_before_rust_1_0_has_project_for_package() -> None:
    assert read_sound('[project]\nname = "foo"\nversion = "1.0.0"\n').name == "foo"


@pytest.mark.case(63)
def test_a_byte_order_mark_and_windows_line_ends_are_accepted() -> None:
    assert read_sound(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode()).name == "foo"


@pytest.mark.parametrize(
    "text",
    [
        'build = false\nautolib = true\nresolver = "2"\nworkspace = ".."\nexclude = ["a"]',
        'build = "build.rs"\nunknown-key = { a = 1979-05-27 }',
        'metadata = "anything"',
        '[package.metadata.docs.rs]\nx = true\n[badges.x]\ny = "z"\n[profile.dev]\nlto = true\n[unknown]\na = 1',
        "[workspace]\n[patch.crates-io]\n[hints]\n[lints.rust]",
        "[dev-dependencies]\n[target.x86_64-pc-windows-gnu.dependencies]\n[features]",
        '[[example]]\nname = "e"\n[[test]]\nname = "t"\n[[bench]]\nname = "b"',
    ],
)
def test_what_cargo_tolerates_in_a_downloaded_crate_is_tolerated(text: str) -> None:
    assert read_sound(HEAD + text) == read_sound(HEAD)


@pytest.mark.case(60)
def test_an_empty_table_of_dependencies_has_no_effect() -> None:
    assert dependencies("[dev-dependencies]") == ()


@pytest.mark.parametrize(
    ("stated", "publish"),
    [("", None), ("publish = true", None), ("publish = false", ()), ("publish = []", ()), ('publish = ["a"]', ("a",))],
)
def test_publish_is_a_list_of_registries_or_none(stated: str, publish: tuple[str, ...] | None) -> None:
    assert read_sound(HEAD + stated).publish == publish


@pytest.mark.parametrize(
    ("stated", "readme"),
    [
        ("", "README.txt"),
        ("readme = true", "README.md"),
        ("readme = false", None),
        ('readme = "docs/me.md"', "docs/me.md"),
    ],
)
def test_the_readme_is_the_one_stated_or_the_first_of_cargos_names(stated: str, readme: str | None) -> None:
    assert read_sound(HEAD + stated, "README", "README.txt", "readme.md", "src/lib.rs").readme == readme


@pytest.mark.parametrize(
    ("content", "rule", "message"),
    [
        (b"", "manifest-shape", "Cargo.toml has no `[package]` table."),
        (b"package = 1", "manifest-shape", "`package` is 1, where cargo reads a table."),
        (b'a = "\xff"', "manifest-invalid", "Cargo.toml is not UTF-8: byte 0xff in line 1."),
    ],
)
@pytest.mark.case(63)
def test_without_a_package_there_is_no_manifest(content: bytes, rule: str, message: str) -> None:
    manifest, problems = read(content)
    assert manifest is None
    assert [(each.rule, each.message) for each in problems] == [(rule, message)]


@pytest.mark.case(62)
@pytest.mark.parametrize(("content", "line"), [(b"a = 1\na = 2", 2), (b"x = " + b"[" * 10_000, 1)])
def test_what_is_no_toml_is_told_with_its_line(content: bytes, line: int) -> None:
    manifest, problems = read(content)
    assert manifest is None
    assert [problem.rule for problem in problems] == ["manifest-invalid"]
    assert re.fullmatch(rf"Cargo\.toml is not valid TOML: .*\bline {line}\b.*\.", problems[0].message)


@pytest.mark.case(62)
def test_every_field_that_is_missing_or_of_a_wrong_type_is_told_at_once() -> None:
    text = (
        '[package]\nversion = 1\nkeywords = "k"\nbuild = 1\nautobins = "no"\nreadme = []\npublish = "x"\nauthors = [1]'
    )
    manifest, problems = read(text)
    assert manifest is None
    assert [(each.place, each.message) for each in problems] == [
        ("Cargo.toml.package.version", "`package.version` is 1, where cargo reads a string."),
        ("Cargo.toml.package.authors", "`package.authors` is [1], where cargo reads a list of strings."),
        ("Cargo.toml.package.readme", "`package.readme` is [], where cargo reads a string, true or false."),
        ("Cargo.toml.package.keywords", "`package.keywords` is 'k', where cargo reads a list of strings."),
        (
            "Cargo.toml.package.publish",
            "`package.publish` is 'x', where cargo reads a list of strings, true or false.",
        ),
        ("Cargo.toml.package.autobins", "`package.autobins` is 'no', where cargo reads true or false."),
        (
            "Cargo.toml.package.build",
            "`package.build` is 1, where cargo reads a string, a list of strings, true or false.",
        ),
        ("Cargo.toml.package.name", "`package.name` is missing."),
    ]
    assert {each.rule for each in problems} == {"manifest-shape"}


def test_a_long_value_is_cut_in_the_message() -> None:
    assert told(f'{HEAD}keywords = "{"k" * 5000}"') == [
        ("manifest-shape", f"`package.keywords` is '{'k' * 160}'…, where cargo reads a list of strings."),
    ]


@pytest.mark.case(62)
@pytest.mark.parametrize(
    ("text", "told_problems"),
    [
        (
            f'{HEAD}edition = "2020"',
            [("edition-unknown", "The edition is '2020'; cargo knows 2015, 2018, 2021 and 2024.")],
        ),
        (
            '[project]\nname = "foo"\nversion = "1.0.0"\nedition = "2024"',
            [("manifest-shape", "`[project]` is spelled `[package]` from edition 2024 on.")],
        ),
    ],
)
def test_an_edition_must_be_known_and_the_newest_has_no_project(
    text: str, told_problems: list[tuple[str, str]]
) -> None:
    assert told(text) == told_problems


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('[package]\nname = "1foo"\nversion = "1.0.0"', "name-invalid"),
        ('[package]\nname = "foo"\nversion = "1.0"', "version-invalid"),
        ('[package]\nname = "foo"\nversion = "\\u001c1.0.0"', "version-invalid"),
        (f'{HEAD}[dependencies]\n"" = "1"', "dependency-name-invalid"),
        (f'{HEAD}[dependencies]\n1x = {{ version = "1", package = "x" }}', "dependency-name-invalid"),
        (f'{HEAD}[dependencies]\nx = {{ version = "1", package = "" }}', "dependency-name-invalid"),
        pytest.param(f"{HEAD}[target.'cfg('.dependencies]\nx = '1'", "target-invalid", marks=pytest.mark.case(49)),
        *[
            pytest.param(f'{HEAD}rust-version = "{text}"', "rust-version-invalid", marks=pytest.mark.case(40))
            for text in ("^1.60", "1.x", "1.60-nightly", "", "1.2.3.4")
        ],
        *[
            pytest.param(f'{HEAD}[dependencies]\nx = "{text}"', "requirement-invalid", marks=pytest.mark.case(56))
            for text in (">=1 <2", "==1", "", "1.2.3.4", "v1", "1 || 2", ">=*")
        ],
    ],
)
def test_texts_with_a_grammar_are_checked_and_kept_as_they_are(text: str, rule: str) -> None:
    manifest, problems = read(text)
    assert manifest is not None
    assert [each.rule for each in problems] == [rule]


def test_the_parsers_words_stand_behind_the_place() -> None:
    (found,) = read(f'{HEAD}[dependencies]\nx = ">=1 <2"')[1]
    assert found.place == "Cargo.toml.dependencies.x"
    assert found.message == (
        "`dependencies.x`: '>=1 <2' is not a requirement like ^1.2 or >=1, <2: "
        "'<' follows the major number, where only ',' can."
    )


@pytest.mark.case(40)
@pytest.mark.parametrize("text", ["1", "1.60", "1.60.0"])
def test_the_rust_version_is_kept_verbatim(text: str) -> None:
    assert read_sound(f'{HEAD}rust-version = "{text}"').rust_version == text


def test_a_long_key_is_cut_in_the_message() -> None:
    assert told(f"{HEAD}[dependencies]\n{'k' * 5000} = 1") == [
        ("manifest-shape", f"`dependencies.'{'k' * 100}…'` is 1, where cargo reads a version requirement or a table.")
    ]


# TOML 1.1


@pytest.mark.case(63)
@pytest.mark.parametrize(
    "text",
    ["metadata = {\n}", "metadata = { a = 1, }", 'description = "\\e"', 'description = "\\x41"', "metadata = 07:32"],
)
def test_toml_1_1_is_read_but_told(text: str) -> None:
    manifest, problems = read(HEAD + text)
    assert manifest is not None
    (found,) = problems
    assert found.rule == "manifest-toml-1-1"
    start = "Cargo.toml uses TOML 1.1, which cargo before 1.94 cannot read: "
    assert found.message.startswith(start)
    assert found.message.endswith(").")


@pytest.mark.parametrize(
    "text",
    [
        "description = 'C:\\examples {\n'".replace("'", "'''"),
        "metadata = [\n  { a = 1 },\n  { b = 2 },\n]",
        "metadata = 1979-05-27T07:32:00Z",
        "description = 'at :30, or {a,}'",
        "metadata = { a = [\n1,\n] }",
    ],
)
def test_what_only_looks_like_toml_1_1_is_no_problem(text: str) -> None:
    read_sound(HEAD + text)


# left over from a workspace


@pytest.mark.case(58)
def test_what_still_inherits_from_a_workspace_is_told_wherever_it_stands() -> None:
    manifest, problems = read(
        """[package]
name = "foo"
version.workspace = true
edition = { workspace = true }
authors.workspace = true
[dependencies]
a.workspace = true
[target.'cfg(unix)'.dev-dependencies]
b = { workspace = true, features = ["f"] }
[lints]
workspace = true
"""
    )
    assert manifest is None
    assert [(each.rule, each.place, each.message) for each in problems] == [
        (
            "manifest-not-normalised",
            f"Cargo.toml.{path}",
            f"`{path}` still inherits from a workspace, which the archive does not hold.",
        )
        for path in (
            "package.version",
            "package.edition",
            "package.authors",
            "dependencies.a",
            "target.'cfg(unix)'.dev-dependencies.b",
            "lints",
        )
    ]


def test_a_registry_by_its_local_name_is_not_taken_for_crates_io() -> None:
    assert told(f'{HEAD}[dependencies]\nx = {{ version = "1", registry = "acme" }}') == [
        (
            "manifest-not-normalised",
            "`dependencies.x.registry` is 'acme', a name that only its author's cargo knows.",
        )
    ]
    assert only('[dependencies]\nx = { version = "1", registry = "crates-io" }').registry_index is None


# dependencies


@pytest.mark.case(46)
def test_a_dependency_may_be_a_string_alone() -> None:
    assert only('[dependencies]\nbar = "1"') == ManifestDependency(
        name="bar",
        req="^1",
        features=(),
        optional=False,
        default_features=True,
        target=None,
        kind="normal",
        registry_index=None,
        package=None,
    )


def test_every_key_of_a_dependency_is_read() -> None:
    text = """[target."cfg( any( unix , windows ) )".build-dependencies.bar]
version = ">= 1.2 , <2"
registry-index = "sparse+https://r.example/index/"
features = ["b", "a"]
optional = true
default-features = false
package = "real"
public = true
path = "../bar"
unknown = 1
"""
    assert only(text) == ManifestDependency(
        name="bar",
        req=">=1.2, <2",
        features=("b", "a"),
        optional=True,
        default_features=False,
        target="cfg( any( unix , windows ) )",
        kind="build",
        registry_index="sparse+https://r.example/index/",
        package="real",
    )


@pytest.mark.case(42)
@pytest.mark.parametrize("table", ["dependencies", "build-dependencies"])
def test_public_is_left_out(table: str) -> None:
    text = f'{HEAD}[{table}]\nx = {{ version = "1", public = true }}'
    assert [each.name for each in read_sound(text).dependencies] == ["x"]


@pytest.mark.case(44)
def test_default_features_may_have_an_underscore_before_edition_2024() -> None:
    assert not only('[dependencies]\nx = { version = "1", default_features = false }').default_features


def test_registry_index_with_an_underscore_is_refused_since_only_some_readers_know_it() -> None:
    message = "`dependencies.x.registry_index` is spelled `registry-index`; cargo does not read it."
    text = f'{HEAD}[dependencies]\nx = {{ version = "1", registry_index = "https://r.example/" }}'
    assert told(text) == [("manifest-shape", message)]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            'git = "https://g.example/"\npath = "x"',
            "`dependencies.x` has `git` and `path`, which say two things of where it comes from.",
        ),
        (
            'git = "https://g.example/"\nregistry-index = "https://r.example/"',
            "`dependencies.x` has `git` and `registry-index`, which say two things of where it comes from.",
        ),
        (
            'registry = "crates-io"\nregistry-index = "https://r.example/"',
            "`dependencies.x` has `registry` and `registry-index`, which say two things of where it comes from.",
        ),
        ('branch = "b"', "`dependencies.x` has `branch`, of which there can be one, beside `git`."),
        (
            'git = "https://g.example/"\ntag = "t"\nrev = "r"',
            "`dependencies.x` has `tag` and `rev`, of which there can be one, beside `git`.",
        ),
    ],
)
def test_two_answers_to_where_a_dependency_comes_from_are_refused(more: str, message: str) -> None:
    assert told(f'{HEAD}[dependencies.x]\nversion = "1"\n{more}') == [("manifest-unusable", message)]


@pytest.mark.case(45)
@pytest.mark.case(47)
@pytest.mark.case(48)
def test_tables_map_to_kinds_in_both_spellings_also_under_targets() -> None:
    text = """[dependencies]
a = "1"
[dev_dependencies]
b = "1"
[build_dependencies]
c = "1"
[target.x86_64-unknown-linux-gnu.dependencies]
d = "1"
[target.'cfg(any())'.dev_dependencies]
e = "1"
[target.'cfg(unix)'.build_dependencies]
f = "1"
[target.'cfg(unix)'.build-dependencies]
"""
    manifest, problems = read(HEAD + text)
    assert manifest is not None
    assert [(each.name, each.kind, each.target) for each in manifest.dependencies] == [
        ("a", "normal", None),
        ("b", "dev", None),
        ("c", "build", None),
        ("d", "normal", "x86_64-unknown-linux-gnu"),
        ("e", "dev", "cfg(any())"),
    ]
    path = "target.'cfg(unix)'.build_dependencies"
    assert [(each.rule, each.message) for each in problems] == [
        ("manifest-both-spellings", f"`{path}` stands beside `build-dependencies`; cargo reads the one with `-`.")
    ]


def test_the_spelling_with_a_hyphen_wins() -> None:
    text = f'{HEAD}[dependencies]\nx = {{ version = "1", default-features = true, default_features = false }}'
    manifest, problems = read(text)
    assert manifest is not None
    assert manifest.dependencies[0].default_features
    assert [(each.rule, each.place) for each in problems] == [
        ("manifest-both-spellings", "Cargo.toml.dependencies.x.default_features")
    ]


@pytest.mark.parametrize(
    ("text", "old", "key"),
    [
        ("[dev_dependencies]", "dev_dependencies", "dev-dependencies"),
        ("[target.x.build_dependencies]", "target.x.build_dependencies", "build-dependencies"),
        (
            '[dependencies]\nx = { version = "1", default_features = true }',
            "dependencies.x.default_features",
            "default-features",
        ),
        ("[lib]\nproc_macro = true", "lib.proc_macro", "proc-macro"),
        ("[lib]\ncrate_type = []", "lib.crate_type", "crate-type"),
    ],
)
def test_from_edition_2024_a_key_with_an_underscore_is_refused(text: str, old: str, key: str) -> None:
    assert told(f'{HEAD}edition = "2024"\n{text}') == [
        ("manifest-underscore", f"`{old}` is spelled `{key}` from edition 2024 on.")
    ]


@pytest.mark.case(55)
@pytest.mark.parametrize(
    ("stated", "req"),
    [("1.x", "1.*"), (">= 1, <2", ">=1, <2"), ("1.0.0+meta", "^1.0.0"), ("~1.2", "~1.2"), ("=1.2.3", "=1.2.3")],
)
def test_requirements_are_normalised(stated: str, req: str) -> None:
    assert only(f'[dependencies]\nx = "{stated}"').req == req


@pytest.mark.case(55)
def test_a_wildcard_is_kept_and_told() -> None:
    manifest, problems = read(f'{HEAD}[dependencies]\nx = "*"')
    assert manifest is not None
    assert manifest.dependencies[0].req == "*"
    assert [(each.rule, each.message) for each in problems] == [
        ("wildcard-requirement", "`dependencies.x` accepts every version.")
    ]


@pytest.mark.case(57)
@pytest.mark.parametrize("table", ["dependencies", "build-dependencies"])
@pytest.mark.parametrize("value", ['{ git = "https://g.example" }', '{ path = "../x" }'])
def test_a_dependency_without_a_version_is_refused(table: str, value: str) -> None:
    assert told(f"{HEAD}[{table}]\nx = {value}") == [
        ("dependency-without-version", f"`{table}.x` has no `version`, so it would accept every version.")
    ]


@pytest.mark.case(57)
def test_a_dev_dependency_by_path_alone_is_a_wildcard_as_in_archives_of_old_cargos() -> None:
    manifest, problems = read(f'{HEAD}[dev-dependencies]\nx = {{ path = "../x" }}')
    assert manifest is not None
    assert manifest.dependencies[0].req == "*"
    assert [each.rule for each in problems] == ["wildcard-requirement"]


@pytest.mark.parametrize(
    ("names", "rule", "message"),
    [
        ('"edition2021", "strip"', None, None),
        ('"metabuild"', "manifest-nightly", "`cargo-features` names 'metabuild', which is for nightly cargo."),
        (
            '"publish-lockfile"',
            "manifest-unusable",
            "`cargo-features` names 'publish-lockfile', which is gone since cargo 1.37.",
        ),
        ('"odd"', "manifest-unusable", "`cargo-features` names 'odd', which no cargo knows."),
        ('"strip", "strip"', "manifest-unusable", "`cargo-features` names 'strip' more than once."),
    ],
)
def test_features_of_cargo_are_known_by_name(names: str, rule: str | None, message: str | None) -> None:
    assert told(f"cargo-features = [{names}]\n{HEAD}") == ([(rule, message)] if rule else [])


def test_what_nightly_cargo_takes_with_the_name_of_its_feature_is_told_once() -> None:
    text = f'cargo-features = ["profile-rustflags"]\n{HEAD}[profile.release]\nrustflags = ["-g"]'
    assert [rule for rule, _ in told(text)] == ["manifest-nightly"]


@pytest.mark.parametrize("text", ['[patch.crates-io]\nx = { path = "x" }', '[replace]\n"x@1.0.0" = { path = "x" }'])
def test_a_patch_that_has_no_effect_is_warned_of(text: str) -> None:
    key = text.lstrip("[").partition("]")[0].partition(".")[0]
    assert told(HEAD + text) == [("patch-ignored", f"`[{key}]` is not empty, and has no effect in a dependency.")]


@pytest.mark.parametrize("feature", ["🍺", "-x", "?bar"])
def test_a_dependency_s_features_have_names_that_a_crate_can_have(feature: str) -> None:
    text = f'{HEAD}[dependencies]\nx = {{ version = "1", features = ["{feature}"] }}'
    message = f"`dependencies.x.features` has '{feature}', which no crate can have as a feature."
    assert told(text) == [("feature-name-invalid", message)]


def test_an_empty_name_among_a_dependency_s_features_is_left_out() -> None:
    assert only('[dependencies]\nx = { version = "1", features = ["", "y"] }').features == ("y",)


@pytest.mark.case(43)
@pytest.mark.parametrize(("value", "shown"), [('"bin"', "'bin'"), ('["cdylib", "bin:b"]', "('cdylib', 'bin:b')")])
def test_an_artifact_is_never_taken_for_a_library(value: str, shown: str) -> None:
    text = f'{HEAD}[dependencies]\nx = {{ version = "1", artifact = {value}, lib = true }}'
    assert told(text) == [
        ("artifact-dependency", f"`dependencies.x` asks for the artifact {shown}, which stable cargo cannot read.")
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("1", "`dependencies.x` is 1, where cargo reads a version requirement or a table."),
        ("{ version = 1 }", "`dependencies.x.version` is 1, where cargo reads a string."),
        (
            '{ version = "1", features = "f" }',
            "`dependencies.x.features` is 'f', where cargo reads a list of strings.",
        ),
        ('{ version = "1", optional = 0 }', "`dependencies.x.optional` is 0, where cargo reads true or false."),
        ('{ version = "1", lib = true }', "`dependencies.x.lib` stands without `artifact`, which cargo refuses."),
        ('{ version = "1", target = "t" }', "`dependencies.x.target` stands without `artifact`, which cargo refuses."),
        (
            '{ version = "1", features = ["a/b"] }',
            "`dependencies.x.features` has 'a/b'; cargo refuses `/` and `dep:` there.",
        ),
    ],
)
def test_a_dependency_that_cargo_cannot_read_is_refused(value: str, message: str) -> None:
    assert told(f"{HEAD}[dependencies]\nx = {value}") == [("manifest-shape", message)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dependencies = 1", "`dependencies` is 1, where cargo reads a table."),
        ("target = 1", "`target` is 1, where cargo reads a table."),
        ("target.unix = 1", "`target.unix` is 1, where cargo reads a table."),
        ("features = []", "`features` is [], where cargo reads a table."),
        ("features.f = [1]", "`features.f` is [1], where cargo reads a list of strings."),
        ("lib = 1", "`lib` is 1, where cargo reads a table."),
        ("bin = 1", "`bin` is 1, where cargo reads an array of tables."),
        ("bin = [{}]", "A `[[bin]]` table has no `name`, which cargo asks for."),
    ],
)
def test_tables_of_another_shape_are_refused(text: str, message: str) -> None:
    assert told(f"{text}\n{HEAD}") == [("manifest-shape", message)]


def test_more_than_the_limits_allow_is_refused() -> None:
    names = "\n".join(f'd{number} = "1"' for number in range(3))
    features = "\n".join(f"f{number} = {['f0'] * number}" for number in range(4))
    content = f"{HEAD}[dependencies]\n{names}\n[features]\n{features}".encode()
    _, problems = read_manifest(content, {"src/lib.rs"}, **(LIMITS | {"max_dependencies": 2, "max_features": 2}))
    assert [(each.rule, each.message) for each in problems] == [
        ("too-many-dependencies", "The manifest has 3 dependencies; the limit is 2."),
        ("too-many-features", "The manifest has 4 features; the limit is 2."),
        ("too-many-features", "The feature 'f3' turns on 3 others; the limit is 2."),
    ]
    assert read_manifest(content, {"src/lib.rs"}, **(LIMITS | {"max_dependencies": 3, "max_features": 4}))[1] == ()


# library and programs


@pytest.mark.parametrize(
    ("text", "files", "lib"),
    [
        ("", ("src/lib.rs",), "foo_bar"),
        ("", ("src/main.rs",), None),
        ("autolib = false", ("src/lib.rs", "src/main.rs"), None),
        ('[lib]\npath = "l.rs"', (), "foo_bar"),
        ('autolib = false\n[lib]\nname = "other"', ("src/lib.rs",), "other"),
    ],
)
def test_the_library_is_the_one_stated_or_at_its_usual_place(
    text: str, files: tuple[str, ...], lib: str | None
) -> None:
    assert read_sound(f'[package]\nname = "foo-bar"\nversion = "1.0.0"\n{text}', *files).lib == lib


@pytest.mark.parametrize(
    ("text", "proc_macro"),
    [
        ("", False),
        ("proc-macro = true", True),
        ("proc_macro = true", True),
        ('crate-type = ["proc-macro"]', True),
        ('crate_type = ["proc-macro"]', True),
        ('crate-type = ["cdylib"]\nproc-macro = false', False),
        ('crate-type = ["lib"]\nproc-macro = true', False),
    ],
)
def test_a_procedural_macro_is_told_by_flag_or_crate_type(text: str, proc_macro: bool) -> None:
    assert read_sound(f"{HEAD}[lib]\n{text}").proc_macro is proc_macro


@pytest.mark.parametrize(
    ("text", "bins"),
    [
        ("", ("a", "b", "foo")),
        ("autobins = false\nautolib = true", ()),
        ('[[bin]]\nname = "z"', ("z",)),
        ('autobins = true\n[[bin]]\nname = "z"', ("a", "b", "foo", "z")),
        ('edition = "2018"\n[[bin]]\nname = "z"\npath = "./src/main.rs"', ("a", "b", "z")),
        ('edition = "2021"\nautobins = false\n[[bin]]\nname = "a"\n[[bin]]\nname = "y"\npath = "y.rs"', ("a", "y")),
    ],
)
def test_programs_are_those_stated_and_those_at_their_usual_places(text: str, bins: tuple[str, ...]) -> None:
    usual = ("src/main.rs", "src/bin/a.rs", "src/bin/b/main.rs")
    files = ("src/lib.rs", *usual, "src/bin/c/other.rs", "src/bin/.h.rs", "src/bin/d.txt")
    assert read_sound(HEAD + text, *files).bins == bins


# whatever is in it

PACKAGE_KEYS = ("name", "version", "edition", "keywords", "publish", "readme", "é")
TABLE_KEYS = ("package", "project", "dependencies", "dev_dependencies", "build-dependencies", "target", "features")
INNER_KEYS = ("workspace", "registry-index", "default_features", "artifact", "optional", "proc_macro", "x", "default")
OTHER_KEYS = ("cfg(unix)", "cfg(", "lib", "bin", "lints")
KEYS = st.sampled_from((*PACKAGE_KEYS, *TABLE_KEYS, *INNER_KEYS, *OTHER_KEYS))
VALUES = st.recursive(
    st.sampled_from(["", "1.0.0", "foo", "2024", True, False, 0, 1.5, "\0", "dep:x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=30,
)


@given(st.dictionaries(KEYS, VALUES, max_size=8))
def test_no_table_makes_the_reader_fail(table: dict[str, object]) -> None:
    package = table.get("package")
    sound = {**package, "name": "foo", "version": "1.0.0"} if isinstance(package, dict) else package
    for each in (table, {**table, "package": sound} if sound is not None else table):
        manifest, problems = read(rtoml.dumps(each), "src/lib.rs")
        assert manifest is not None or problems


@given(st.binary() | st.text().map(str.encode))
def test_no_bytes_make_the_reader_fail(content: bytes) -> None:
    manifest, problems = read(content)
    assert manifest is not None or problems


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('keywords = ["a", "b", "c"]', "`keywords` has 3 entries; the limit is 2."),
        ('authors = ["a", "b", "c"]', "`authors` has 3 entries; the limit is 2."),
        (f'description = "{"a" * 10}"', "`description` has 10 characters; the limit is 9."),
        (f'license-file = "{"a" * 10}"', "`license-file` has 10 characters; the limit is 9."),
        ('[target."cfg(x)".dependencies]\na = "1"\nb = "1"',
         "The dependencies' targets have 12 characters together; the limit is 9."),
    ],
)  # fmt: skip
def test_a_list_or_a_text_beyond_the_limit_is_refused(text: str, message: str) -> None:
    limits = LIMITS | {"max_entries": 2, "max_text": 9}
    _, problems = read_manifest(f"{HEAD}{text}".encode(), {"src/lib.rs"}, **limits)
    assert [(each.rule, each.message) for each in problems] == [("field-too-long", message)]
