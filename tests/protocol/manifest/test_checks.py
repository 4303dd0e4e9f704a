"""Manifests of which every field has its type and which cargo refuses all the same."""

import pytest

from cargo_static_index.protocol.manifest.manifest import read_manifest

HEAD = '[package]\nname = "foo"\nversion = "1.0.0"\n'
LIB = ("src/lib.rs",)
MAIN = ("src/lib.rs", "src/main.rs")

REFUSED: list[tuple[str, tuple[str, ...], str]] = [
    ("", (), "The package has no library, no program and nothing else that cargo could build."),
    ("", ("build.rs", "src/x.rs", "tests/x/y.rs", "examples/.x.rs", "src/bin/x.txt"),
     "The package has no library, no program and nothing else that cargo could build."),
    ("autolib = false", LIB, "The package has no library, no program and nothing else that cargo could build."),
    ("autobins = false", ("src/main.rs",),
     "The package has no library, no program and nothing else that cargo could build."),
    ("autotests = false", ("tests/x.rs",),
     "The package has no library, no program and nothing else that cargo could build."),
    ('edition = "2021"\n[lib]\nname = "q"', ("src/q.rs",), "There is a `[lib]` without `path`, but no src/lib.rs."),
    ('[lib]\nname = "a-b"', LIB, "The library's name is 'a-b'; it cannot be empty or have a '-'."),
    ('[lib]\nname = ""', LIB, "The library's name is ''; it cannot be empty or have a '-'."),
    ('[lib]\ncrate-type = ["dylib", "cdylib"]', LIB, "The library cannot be both `dylib` and `cdylib`."),
    ('[lib]\ncrate-type = ["lib", "proc-macro"]', LIB,
     "The library cannot be a procedural macro and something else."),
    ('[lib]\nedition = "2020"', LIB, "`lib.edition` is '2020'; cargo knows 2015, 2018, 2021 and 2024."),
    ('[[test]]\nname = "q"\npath = "q.rs"\nedition = "2020"', LIB,
     "`test.edition` is '2020'; cargo knows 2015, 2018, 2021 and 2024."),
    ('[[bench]]\nname = " "\npath = "q.rs"', LIB, "The name of a `[[bench]]` is empty."),
    ('edition = "2021"\n[[bin]]\nname = "q"', MAIN,
     "The program 'q' has no `path`, and there is none at a usual place."),
    ('[[bin]]\nname = "q"\npath = "a.rs"\n[[bin]]\nname = "q"\npath = "b.rs"', LIB,
     "The name 'q' stands in `[[bin]]` or is found 2 times."),
    ("", (*LIB, "src/bin/q.rs", "src/bin/q/main.rs"), "The name 'q' stands in `[[bin]]` or is found 2 times."),
    ('[[bin]]\nname = "build"\npath = "x.rs"', LIB, "The name 'build' of a program meets a folder of cargo's own."),
    ("", (*LIB, "src/bin/deps.rs"), "The name 'deps' of a program meets a folder of cargo's own."),
    ('[[bin]]\nname = ""\npath = "x.rs"', LIB, "The name '' of a program is empty."),
    ('[[example]]\nname = "q"\npath = "a.rs"\n[[example]]\nname = "q"\npath = "b.rs"', LIB,
     "The name 'q' stands in `[[example]]` or is found 2 times."),
    ("", (*LIB, "tests/q.rs", "tests/q/main.rs"), "The name 'q' stands in `[[test]]` or is found 2 times."),
    ('default-run = "q"', MAIN, "`default-run` is 'q', which is no program of the package."),
    ('links = "z"', LIB, "`links` is 'z', but the package has no build script."),
    ('links = "z"\nbuild = false', (*LIB, "build.rs"), "`links` is 'z', but the package has no build script."),
    ('edition = "2021"\nrust-version = "1.55.9"', LIB,
     "`rust-version` is '1.55.9', but edition 2021 needs Rust 1.56 or a later 1.x."),
    ('edition = "2018"\nrust-version = "1"', LIB,
     "`rust-version` is '1', but edition 2018 needs Rust 1.31 or a later 1.x."),
    *((f'edition = "2021"\nrust-version = "{other}"', LIB,
       f"`rust-version` is '{other}', but edition 2021 needs Rust 1.56 or a later 1.x.") for other in ("2", "3.1.0")),
    ('resolver = "4"', LIB, "The resolver is '4'; cargo knows '1', '2' and '3'."),
    ('build = ""', LIB, "`package.build` is '', which is no file."),
    ('build = "/"', LIB, "`package.build` is '/', which is no file."),
    ('build = ".."', LIB, "`package.build` is '..', which is no file."),
    ('[dependencies.a]\nversion = "1"\n[build-dependencies.a]\nversion = "1"\nregistry-index = "https://r.example/"',
     LIB, ("The dependency 'a' comes from two registries: https://github.com/rust-lang/crates.io-index"
     " and https://r.example.")),
    ('[dependencies.a]\nversion = "1"\nbase = "b"', LIB,
     "`dependencies.a.base` works with nightly cargo only, and beside `path`."),
    ("[workspace]\ndependencies = 2020-01-01", LIB,
     "`workspace.dependencies` has an entry for '$__toml_private_datetime', which is not a package's name."),
    ("[profile]\nrelease = ['4']", LIB,
     "`profile` is {'release': {'opt-level': '4'}}, where cargo reads tables of the settings of profiles."),
    ("[badges]\nx = { y = 1 }", LIB, "`badges` is {'x': {'y': 1}}, where cargo reads tables of strings."),
    ('[lints.rust]\nx = "loud"', LIB,
     "`lints` is {'rust': {'x': 'loud'}}, where cargo reads tables of lints, each with a level."),
    ('[lints.rust]\nx = { level = "warn", priority = 128 }', LIB,
     ("`lints` is {'rust': {'x': {'level': 'warn', 'priority': 128}}}, where cargo reads tables of lints, each with a"
     " level.")),
    ('[profile.dev]\nopt-level = "3"', LIB,
     "`profile` is {'dev': {'opt-level': '3'}}, where cargo reads tables of the settings of profiles."),
    ('[profile."a b"]', LIB, "The name 'a b' of a profile may have letters, digits, '_' and '-' only."),
    ("[profile.Debug]", LIB, "The name 'Debug' of a profile is one that cargo keeps."),
    ("[profile.cargo-x]", LIB, "The name 'cargo-x' of a profile is one that cargo keeps."),
    ('[profile.x]\npanic = "odd"', LIB, "`profile.x.panic` is 'odd'; cargo knows 'unwind' and 'abort'."),
    ('[profile.x]\nlto = "true"', LIB, "`profile.x.lto` is the text 'true'; write it without quotes."),
    ('[profile.x]\ndir-name = "y"', LIB, "`profile.x.dir-name` is not allowed."),
    ('[profile.x]\ninherits = "debug"', LIB, "`profile.x.inherits` is 'debug'; the profile is called 'dev'."),
    ("[profile.x.package.a]\nlto = true", LIB,
     "`profile.x.package.a` has `lto`, which cargo takes for whole profiles only."),
    ("[profile.x.build-override.package.a]", LIB,
     "`profile.x.build-override` has `package`, which cargo takes for whole profiles only."),
    ('[profile.x.package."a@^1"]', LIB, "`profile.x.package.'a@^1'`: '^1' is not a version like '1.32'."),
    ('[profile.x.package."a://[1b"]', LIB,
     "`profile.x.package.'a://[1b'`: '//[1b' is not a version like '1.32'."),
    ('[profile.x]\nrustflags = ["-g"]', LIB,
     "`profile.x.rustflags` works with nightly cargo only, and with `profile-rustflags` in `cargo-features`."),
    ("im-a-teapot = true", LIB,
     "`package.im-a-teapot` works with nightly cargo only, and with `test-dummy-unstable` in `cargo-features`."),
    ('build = ["a.rs"]', LIB,
     "`package.build` works with nightly cargo only, and with `multiple-build-scripts` in `cargo-features`."),
    ('[[bin]]\nname = "q"\npath = "q.rs"\nfilename = "r"', LIB,
     "`bin.filename` works with nightly cargo only, and with `different-binary-name` in `cargo-features`."),
    ("cargo-features = []", LIB,
     "`package.cargo-features` is at the wrong place; cargo reads it at the top of the file only."),
    ("[patch]\ncrates-io = 0", LIB, "`patch` is {'crates-io': 0}, where cargo reads tables of dependencies."),
    ("[patch.acme]", LIB, "`patch.acme` names a source that is no URL: 'acme'."),
    ("[patch]\n[replace]", LIB, "There are both `[patch]` and `[replace]`, of which cargo takes one."),
    ("[workspace.package]\nversion = ' 1.0.0'", LIB,
     "`workspace.package.version`: ' 1.0.0' is not a version like 1.2.3: ' ' stands where the major number should be."),
    ("[profile.dev.package.'file:///é']", LIB,
     "`profile.dev.package.'file:///é'`: 'file:///é' names no package: '%C3%A9' is not a package's name."),
    ("[workspace]\nmembers = 1", LIB,
     "`workspace` is {'members': 1}, where cargo reads a table of what a workspace shares."),
    ('workspace = ".."\n[workspace]', LIB,
     "There are both `[workspace]` and `package.workspace`, of which cargo takes one."),
    ('resolver = "2"\n[workspace]\nresolver = "2"', LIB,
     "There are both `workspace.resolver` and `package.resolver`, of which cargo takes one."),
    ("[workspace.dependencies.a]\nversion = '1'\noptional = true", LIB,
     "`workspace.dependencies.a` is optional, which a workspace's dependency cannot be."),
    ('[lints.rust]\n"rust::x" = "warn"', LIB,
     "`lints.rust` has 'rust::x', where cargo reads names without `::`."),
    ('[dependencies.a]\nversion = "1"\ngit = "no url"', LIB, "`dependencies.a.git` is 'no url', which is no URL."),
    ("[dependencies]\na = {}", LIB, "`dependencies.a` has no `version`, `path` or `git`, which cargo refuses."),
    ('build = "a/.."', LIB, "`package.build` is 'a/..', which is no file."),
    ("[lib]\ntest = 1", LIB, "`lib.test` is 1, where cargo reads true or false."),
    ('[[test]]\nname = "t"\nrequired-features = "f"', LIB,
     "`test.required-features` is 'f', where cargo reads a list of strings."),
    ("[package.metadata]\nx = 9223372036854775808", LIB,
     "Cargo.toml is not valid TOML: it has an integer of more than 64 bits."),
]  # fmt: skip
"""What stands behind the head of the manifest, the files beside it, and the one sentence that is told."""

TAKEN: list[tuple[str, tuple[str, ...]]] = [
    ("", ("src/main.rs",)),
    ("", ("src/bin/x/main.rs",)),
    ("", ("examples/x.rs",)),
    ("", ("tests/x/main.rs",)),
    ("", ("benches/x.rs",)),
    ('[lib]\npath = "absent.rs"', ()),
    ('[lib]\nname = "q"', ("src/q.rs",)),
    ('[lib]\ncrate-type = ["odd"]', LIB),
    ('[[bin]]\nname = "q"', MAIN),
    ('[[bin]]\nname = "q"\npath = "absent.rs"', LIB),
    ('autobins = false\n[[bin]]\nname = "q"', (*LIB, "src/bin/q.rs", "src/bin/r.rs", "src/bin/r/main.rs")),
    ('edition = "2021"\n[[bin]]\nname = "r"\npath = "src/bin/r.rs"', (*LIB, "src/bin/r.rs", "src/bin/r/main.rs")),
    ('[[example]]\nname = "absent"', LIB),
    ('default-run = "q"', (*LIB, "src/bin/q.rs")),
    ('links = "x"', (*LIB, "build.rs")),
    ('links = "y"\nbuild = "absent.rs"', LIB),
    ('links = "z"\nbuild = true', LIB),
    ('rust-version = "0.1"', LIB),
    ('edition = "2021"\nrust-version = "1.56"', LIB),
    ('edition = "2024"\nrust-version = "1.85.0"', LIB),
    ('[dependencies.a]\nversion = "1"\n[dev-dependencies.a]\nversion = "1"', LIB),
    ("[badges]\nx = { y = '1' }", LIB),
    ('[lints.rust]\nx = { level = "warn", priority = -1, check-cfg = ["cfg(y)"] }\ny = "forbid"', LIB),
    ('[profile.dev]\nopt-level = "s"\nlto = "thin"\ndebug = 1\n[profile.dev.package."*"]\nopt-level = 3', LIB),
    ('[profile.release]\ndebug = "line-tables-only"\nstrip = true\nunknown = 1\n[profile.release.build-override]', LIB),
    ("[patch.crates-io]\n[workspace]\nmembers = []\n[workspace.package]\nversion = '1.0.0'", LIB),
    ("[workspace.package]\nrust-version = ' 1.60 '\n[patch.'x:y']", LIB),
    ('[profile.x]\ninherits = "absent"\n[profile."é-1"]\n[profile.doc.package."https://e.example/a#b@1.2"]', LIB),
    ('[lints.other]\n"other::x" = "warn"', LIB),
    ("[package.metadata]\nx = 9223372036854775807\ny = [-9223372036854775808]", LIB),
    # By serde a date is a table, and an array is one for each struct whose fields have defaults.
    ("[badges]\nx = 2020-01-01", LIB),
    ("[profile]\ndev = 2020-01-01T07:32:00Z\nrelease = [1, true]\nq.package.a = []\nq.build-override = [2]", LIB),
    ("[lib]\n[workspace]\npackage = 07:32:00", LIB),
    *((f'[{table}]\nname = "q"\npath = "q.rs"\nedition = "future"', LIB) for table in ("lib", "[bin]", "[test]")),
]


def told(text: str, files: tuple[str, ...]) -> list[str]:
    _, problems = read_manifest(
        f"{HEAD}{text}\n".encode(), files, max_dependencies=9, max_features=9, max_entries=9, max_text=999
    )
    return [each.message for each in problems]


@pytest.mark.parametrize(("text", "files", "message"), REFUSED)
def test_what_cargo_refuses_has_a_sentence(text: str, files: tuple[str, ...], message: str) -> None:
    assert told(text, files) == [message]


@pytest.mark.parametrize(("text", "files"), TAKEN)
def test_what_cargo_takes_is_taken(text: str, files: tuple[str, ...]) -> None:
    assert told(text, files) == []


def test_cargo_does_not_look_at_a_base_in_replace() -> None:
    ignored = "`[replace]` is not empty, and has no effect in a dependency."
    assert told("[replace]\n'a@1.0.0' = { path = 'x', base = 'y' }", LIB) == [ignored]


def test_what_takes_a_replaced_package_s_place_is_held_against_cargo_s_rules() -> None:
    ignored = "`[replace]` is not empty, and has no effect in a dependency."
    assert told("[replace]\n'a b' = { path = 'x' }", LIB) == [
        ignored,
        "`replace.'a b'`: 'a b' names no package: 'a b' is not a package's name.",
    ]
    assert told("[replace]\n'a@1.0' = { path = 'x' }", LIB) == [
        ignored,
        "`replace.'a@1.0'` says no version to replace, all three numbers of it.",
    ]
    assert told("[replace]\n'a@1.0.0' = '1'", LIB) == [
        ignored,
        "`replace.'a@1.0.0'` has a requirement, where only a source can stand.",
    ]
    assert told("[replace]\n'a@1.0.0' = { path = 'x', package = 'b c' }", LIB) == [
        ignored,
        "`replace.'a@1.0.0'.package` is 'b c', which is no name.",
    ]
