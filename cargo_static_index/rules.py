"""Every reason to refuse a crate or to warn about it: the id, the level, one true sentence, the way out.

Values only: what finds a problem stands where the thing is read.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

Level = Literal["refuse", "warn", "allow"]


class Rule(Struct, frozen=True, kw_only=True):
    """A reason to refuse or to warn.

    `policy` rules may be set to another level by `[rules]`; the others protect clients and cannot be turned off.
    `registry_only` rules are policies of a registry of one's own: they are off in a mirror.
    """

    id: str
    level: Level
    says: str
    way_out: str
    example: str
    policy: bool = False
    registry_only: bool = False


class Problem(Struct, frozen=True, kw_only=True):
    """One thing found wrong: `place` says where inside the crate, `message` is the whole sentence."""

    rule: str
    message: str
    place: str = ""
    way_out: str = ""


def problem(rule: str, message: str = "", *, place: str = "", way_out: str = "") -> Problem:
    """Give the problem that breaks `rule`; sentence and way out are the rule's own unless better ones are given."""
    found = RULES[rule]
    return Problem(rule=rule, message=message or found.says, place=place, way_out=way_out or found.way_out)


def level_of(found: Problem, levels: Mapping[str, Level]) -> Level:
    """Give the level of a problem under the levels that the settings change."""
    rule = RULES[found.rule]
    return levels.get(found.rule, rule.level) if rule.policy else rule.level


def refused(problems: Iterable[Problem], levels: Mapping[str, Level]) -> bool:
    """Whether any of these problems keeps a crate out."""
    return any(level_of(each, levels) == "refuse" for each in problems)


def _table(*rules: Rule) -> dict[str, Rule]:
    return {rule.id: rule for rule in rules}


RULES: Mapping[str, Rule] = _table(
    # the file
    Rule(
        id="file-empty",
        level="refuse",
        says="The file is empty.",
        way_out="Copy it again; the copy was probably cut short.",
        example="an upload that ended at once",
    ),
    Rule(
        id="file-not-gzip",
        level="refuse",
        says="The file is not a gzip archive.",
        way_out="Put the `.crate` that `cargo package` wrote there, not a page that says why it could not be fetched.",
        example="an HTML error page saved as `foo-1.0.0.crate`",
    ),
    Rule(
        id="gzip-damaged",
        level="refuse",
        says="The gzip stream is damaged or cut short.",
        way_out="Copy it again, or run `cargo package` anew.",
        example="a download that broke off",
    ),
    Rule(
        id="gzip-second-member",
        level="refuse",
        policy=True,
        says="More gzip data follows the archive; cargo reads only the first member.",
        way_out="Run `cargo package` anew.",
        example="two `.crate` files joined with `cat`",
    ),
    Rule(
        id="gzip-trailing-bytes",
        level="warn",
        policy=True,
        says="Bytes that are not gzip follow the archive; cargo ignores them.",
        way_out="Run `cargo package` anew with cargo 1.95 or later.",
        example="an archive that cargo before 1.95 wrote over a larger one",
    ),
    Rule(
        id="packed-too-large",
        level="refuse",
        says="The archive is larger than the limit.",
        way_out="Leave out files with `package.exclude`, or raise `[limits] packed-bytes`.",
        example="a crate with its test videos",
    ),
    Rule(
        id="unpacked-too-large",
        level="refuse",
        says="The archive unpacks to more than cargo would unpack.",
        way_out="Leave out files with `package.exclude`.",
        example="a few kilobytes that unpack to a gigabyte of zeros",
    ),
    Rule(
        id="too-many-entries",
        level="refuse",
        says="The archive has more entries than the limit.",
        way_out="Leave out files with `package.exclude`, or raise `[limits] entries`.",
        example="a million empty files",
    ),
    # the tar
    Rule(
        id="tar-damaged",
        level="refuse",
        says="The tar inside is damaged: cargo could not unpack it.",
        way_out="Run `cargo package` anew.",
        example="a header whose checksum is wrong",
    ),
    Rule(
        id="tar-global-header",
        level="refuse",
        says="The archive has a global PAX header, which cargo takes for a file outside the package.",
        way_out="Make the archive with `cargo package`, not with `git archive`.",
        example="`git archive` output, compressed",
    ),
    Rule(
        id="tar-size-mismatch",
        level="refuse",
        says="A PAX record gives an entry another size than its header does.",
        way_out="Run `cargo package` anew.",
        example="an archive that shows different files to different readers",
    ),
    Rule(
        id="entry-type",
        level="refuse",
        says="The archive holds something that is neither a file nor a directory.",
        way_out="Replace links by the files they point to.",
        example="a symbolic link to `../LICENSE`",
    ),
    Rule(
        id="path-outside-package",
        level="refuse",
        says="An entry lies outside the directory `NAME-VERSION/` that all of a crate's files must be in.",
        way_out="Make the archive with `cargo package`.",
        example="`../../etc/passwd`, `./foo-1.0.0/Cargo.toml`",
    ),
    Rule(
        id="path-invalid",
        level="refuse",
        says="The path of an entry is not one that cargo can unpack.",
        way_out="Rename the file.",
        example="a path that is not UTF-8, or has a NUL, or a component of more than 255 bytes",
    ),
    Rule(
        id="path-duplicate",
        level="refuse",
        says="Two entries have the same path, or one is a directory to another and a file itself.",
        way_out="Make the archive with `cargo package`.",
        example="`src/lib.rs` twice",
    ),
    Rule(
        id="path-case-collision",
        level="warn",
        policy=True,
        says="Two paths differ only in case, so one overwrites the other on Windows and macOS.",
        way_out="Rename one of the files.",
        example="`README.md` and `readme.md`",
    ),
    Rule(
        id="path-unportable",
        level="warn",
        policy=True,
        says="Windows cannot unpack this path.",
        way_out="Rename the file.",
        example="`src/aux.rs`, `src/a:b.rs`",
    ),
    Rule(
        id="cargo-ok-file",
        level="warn",
        policy=True,
        says="The archive holds a `.cargo-ok`, which cargo skips.",
        way_out="Leave the file out.",
        example="an archive made from an unpacked crate",
    ),
    Rule(
        id="directory-differs",
        level="refuse",
        says="The directory in the archive, and the name and version in Cargo.toml, are not the same.",
        way_out="Make the archive with `cargo package`.",
        example="`foo-1.0.0/` around a manifest of `foo` 1.0.1",
    ),
    Rule(
        id="file-name-differs",
        level="warn",
        policy=True,
        says="The file is not named after its crate; it is published under the name that it has inside.",
        way_out="Name the file `NAME-VERSION.crate`.",
        example="`latest.crate`",
    ),
    # the manifest
    Rule(
        id="manifest-missing",
        level="refuse",
        says="The archive has no Cargo.toml in its directory.",
        way_out="Make the archive with `cargo package`.",
        example="a zipped folder of sources",
    ),
    Rule(
        id="manifest-misspelled",
        level="refuse",
        says="The manifest must be named exactly `Cargo.toml`.",
        way_out="Rename it and package again.",
        example="`cargo.toml`",
    ),
    Rule(
        id="manifest-duplicate",
        level="refuse",
        says="The archive has more than one Cargo.toml in its directory.",
        way_out="Keep the one that is meant and package again.",
        example="`Cargo.toml` and `cargo.toml`",
    ),
    Rule(
        id="manifest-too-large",
        level="refuse",
        says="Cargo.toml is larger than the limit.",
        way_out="Shorten it, or raise `[limits] manifest-bytes`.",
        example="a manifest of 10 MB",
    ),
    Rule(
        id="manifest-invalid",
        level="refuse",
        says="Cargo.toml is not valid TOML in UTF-8.",
        way_out="Mend it and package again; `cargo package` would have refused it too.",
        example="a key given twice",
    ),
    Rule(
        id="manifest-toml-1-1",
        level="warn",
        policy=True,
        says="Cargo.toml uses TOML 1.1, which cargo before 1.94 cannot read.",
        way_out="Package with cargo, which writes TOML 1.0.",
        example="a line break inside an inline table",
    ),
    Rule(
        id="manifest-shape",
        level="refuse",
        says="Cargo.toml lacks a field that every package has, or gives a field another type than cargo reads.",
        way_out="Mend the field and package again.",
        example="no `version`",
    ),
    Rule(
        id="manifest-not-normalised",
        level="refuse",
        says="Cargo.toml still inherits from a workspace that is not in the archive.",
        way_out="Make the archive with `cargo package`, which writes the values in.",
        example="`version.workspace = true`",
    ),
    Rule(
        id="manifest-underscore",
        level="refuse",
        says="Cargo.toml spells a key with `_` that edition 2024 accepts with `-` only.",
        way_out="Write `dev-dependencies`, `build-dependencies`, `default-features`.",
        example='`[dev_dependencies]` with `edition = "2024"`',
    ),
    Rule(
        id="manifest-both-spellings",
        level="warn",
        policy=True,
        says="Cargo.toml gives the same table or key with `-` and with `_`; cargo reads the one with `-`.",
        way_out="Remove the one with `_`.",
        example="`default-features` and `default_features`",
    ),
    Rule(
        id="edition-unknown",
        level="refuse",
        says="The edition is none that cargo knows.",
        way_out="Use 2015, 2018, 2021 or 2024.",
        example='`edition = "2020"`',
    ),
    Rule(
        id="rust-version-invalid",
        level="refuse",
        says="`rust-version` is not one to three numbers.",
        way_out="Write it like `1.70` or `1.70.1`.",
        example='`rust-version = "^1.60"`',
    ),
    Rule(
        id="name-invalid",
        level="refuse",
        says="The crate's name is not one that a registry can hold.",
        way_out="Use ASCII letters, digits, `-` and `_`, a letter first, 64 at most.",
        example="`1foo`",
    ),
    Rule(
        id="reserved-name",
        level="refuse",
        policy=True,
        registry_only=True,
        says="The name is reserved: it belongs to Rust itself, or Windows cannot have such a file.",
        way_out='Choose another name, or set the rule to "warn" in `[rules]`.',
        example="`std`, `nul`",
    ),
    Rule(
        id="version-invalid",
        level="refuse",
        says="The version is not SemVer.",
        way_out="Write it like `1.2.3` or `1.2.3-rc.1`.",
        example='`version = "1.0"`',
    ),
    Rule(
        id="missing-field",
        level="refuse",
        policy=True,
        says="Cargo.toml lacks a field that this registry asks for.",
        way_out="Add the field, or take it out of `[manifest] required-fields`.",
        example="no `description`",
    ),
    Rule(
        id="publish-excludes-us",
        level="refuse",
        policy=True,
        registry_only=True,
        says="`package.publish` does not name this registry.",
        way_out="Add this registry's name to `publish`, or remove the key.",
        example="`publish = false`",
    ),
    Rule(
        id="vcs-dirty",
        level="warn",
        policy=True,
        says="The crate was packaged from a working directory with uncommitted changes.",
        way_out="Commit, then package without `--allow-dirty`.",
        example="`cargo package --allow-dirty`",
    ),
    Rule(
        id="readme-too-large",
        level="warn",
        policy=True,
        says="The README is larger than the limit, so pages do not show it.",
        way_out="Shorten it, or raise `[limits] readme-bytes`.",
        example="a README with embedded pictures",
    ),
    # dependencies and features
    Rule(
        id="too-many-dependencies",
        level="refuse",
        says="The manifest has more dependencies than the limit.",
        way_out="Split the crate, or raise `[limits] dependencies`.",
        example="501 dependencies",
    ),
    Rule(
        id="dependency-name-invalid",
        level="refuse",
        says="A dependency's name is not one that a registry can hold; some make cargo panic.",
        way_out="Correct the name.",
        example="an empty name",
    ),
    Rule(
        id="dependency-without-version",
        level="refuse",
        says="A dependency has no version requirement.",
        way_out="Give it a `version`.",
        example='`foo = { git = "…" }`',
    ),
    Rule(
        id="requirement-invalid",
        level="refuse",
        says="A version requirement is not one that cargo reads.",
        way_out="Separate comparators by commas, with one to three numbers each.",
        example="`>=1 <2`",
    ),
    Rule(
        id="wildcard-requirement",
        level="allow",
        policy=True,
        says="A dependency accepts every version, which crates.io refuses.",
        way_out="Give it a version requirement.",
        example='`foo = "*"`',
    ),
    Rule(
        id="target-invalid",
        level="refuse",
        says="A target is neither a triple nor a `cfg(…)` that cargo reads.",
        way_out="Correct the expression.",
        example="`[target.'cfg('.dependencies]`",
    ),
    Rule(
        id="optional-dev-dependency",
        level="refuse",
        says="A dev-dependency is optional, which cargo refuses.",
        way_out="Make it a normal dependency, or not optional.",
        example="`optional = true` under `[dev-dependencies]`",
    ),
    Rule(
        id="artifact-dependency",
        level="refuse",
        says="A dependency on an artifact works with nightly cargo only; stable cargo would take it for a normal one.",
        way_out="Remove `artifact`.",
        example='`artifact = "bin"`',
    ),
    Rule(
        id="registry-index-invalid",
        level="refuse",
        says="A dependency's `registry-index` is not the URL of a registry.",
        way_out="Package again with the registry's index URL.",
        example='`registry-index = "acme"`',
    ),
    Rule(
        id="own-url-without-sparse",
        level="warn",
        policy=True,
        says="A dependency names this registry's index without `sparse+`, which means a git registry there.",
        way_out="Put `sparse+` before the index URL in `.cargo/config.toml` and package again.",
        example='`registry-index = "https://crates.example.com/index/"`',
    ),
    Rule(
        id="foreign-registry",
        level="warn",
        policy=True,
        says="A dependency comes from a registry that `[dependencies] allowed` does not list.",
        way_out="Add the index URL to `[dependencies] allowed`, or publish the crate here.",
        example='`registry-index = "sparse+https://other.example/index/"`',
    ),
    Rule(
        id="dependency-likely-ours",
        level="refuse",
        policy=True,
        registry_only=True,
        says="A dependency comes from crates.io although this registry holds a crate of that name.",
        way_out='Add `registry = "NAME"` to the dependency and package again.',
        example="a forgotten `registry =`, the door of dependency confusion",
    ),
    Rule(
        id="feature-name-invalid",
        level="refuse",
        says="A feature's name is not one that cargo reads.",
        way_out="Use letters, digits, `_`, `-`, `+` and `.`.",
        example="`a/b = []`",
    ),
    Rule(
        id="feature-unknown-reference",
        level="refuse",
        says="A feature turns on something that is neither a feature nor a dependency that can be turned on.",
        way_out="Correct the feature's list.",
        example='`f = ["nothing"]`',
    ),
    Rule(
        id="feature-dependency-unreachable",
        level="refuse",
        says="An optional dependency is turned on by no feature, so cargo calls the line invalid.",
        way_out="Name it in a feature with `dep:`, or make it not optional.",
        example="an optional `x` beside a feature called `x` without `dep:x`",
    ),
    Rule(
        id="too-many-features",
        level="refuse",
        says="The manifest has more features, or one feature turns on more, than the limit.",
        way_out="Split the crate, or raise `[limits] features`.",
        example="301 features",
    ),
    # beside what is published
    Rule(
        id="name-collision",
        level="refuse",
        says="The registry holds a crate whose name differs only in case, or in `-` and `_`.",
        way_out="Use the name that is there, or choose another.",
        example="`foo_bar` beside `foo-bar`",
    ),
    Rule(
        id="release-conflict",
        level="refuse",
        says="The release is published already, with other bytes; a release never changes.",
        way_out="Raise the version.",
        example="the same version packaged twice",
    ),
    Rule(
        id="build-metadata-conflict",
        level="refuse",
        says="The registry holds this version with other build metadata, which cargo cannot tell apart.",
        way_out="Raise the version.",
        example="`1.0.0+b` beside `1.0.0`",
    ),
    Rule(
        id="removed-release",
        level="refuse",
        says="The release was removed from this registry on purpose.",
        way_out="Raise the version, or bring it back with `add --restore`.",
        example="a removed crate that still lies in the drop directory",
    ),
    # the drop directory
    Rule(
        id="file-unreadable",
        level="refuse",
        says="The file cannot be read.",
        way_out="Give the tool's user permission to read it.",
        example="a file with mode 0000",
    ),
    Rule(
        id="file-irregular",
        level="refuse",
        says="What ends in `.crate` here is not a file.",
        way_out="Remove it.",
        example="a directory or a pipe called `x.crate`",
    ),
    Rule(
        id="file-link-outside",
        level="refuse",
        says="The link leads out of the drop directory.",
        way_out="Copy the file instead of linking it.",
        example="`x.crate -> /etc/passwd`",
    ),
    Rule(
        id="file-name-not-utf8",
        level="refuse",
        says="The file's name is not UTF-8.",
        way_out="Rename the file.",
        example="a name in Latin-1",
    ),
    Rule(
        id="reader-failed",
        level="refuse",
        says="Reading the file ran into an error of this program.",
        way_out="Please report it, with the file if it can be shared.",
        example="a bug of ours",
    ),
)
