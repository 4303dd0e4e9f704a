"""Every reason to refuse a crate or to warn about it: the id, the level, one true sentence, the way out.

Values only: what finds a problem stands where the thing is read. docs/rules.md is made from this table.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import force_setattr

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


LONGEST = 1000
"""Characters of a sentence or place; a hostile crate can have names of a million."""


class Problem(Struct, frozen=True, kw_only=True):
    """One thing found wrong: `place` says where inside the crate, `message` is the whole sentence.

    All its texts are short and without control characters, whatever the crate says.
    """

    rule: str
    message: str
    place: str = ""
    way_out: str = ""

    def __post_init__(self) -> None:
        for field in ("message", "place", "way_out"):
            text = getattr(self, field)
            if len(text) > LONGEST or not text.isprintable():
                force_setattr(self, field, harmless(text))


def harmless(text: str) -> str:
    """Give a text as a terminal or a log can show it: one line, cut where it is long, what is not printable escaped."""
    # The attack: names with escape sequences, which clear a terminal or forge lines of a log, or with marks that turn
    # the direction of writing, so that one file name is read as another.
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


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


def explain(rule: Rule) -> str:
    """Give the rule's part of docs/rules.md: Markdown, from its heading to the last line's end."""
    kind = "policy: `[rules]` may change the level" if rule.policy else "protects clients: cannot be turned off"
    mirror = "; off in a mirror" if rule.registry_only else ""
    return (
        f"### {rule.id}\n\n{rule.says}\n\n"
        f"- Level: {rule.level} ({kind}{mirror}).\n"
        f"- Way out: {rule.way_out}\n"
        f"- Example: {rule.example}.\n"
    )


def _guard(name: str, says: str, way_out: str, example: str) -> Rule:
    return Rule(id=name, level="refuse", says=says, way_out=way_out, example=example)


def _policy(name: str, level: Level, says: str, way_out: str, example: str, *, registry_only: bool = False) -> Rule:
    return Rule(
        id=name,
        level=level,
        says=says,
        way_out=way_out,
        example=example,
        policy=True,
        registry_only=registry_only,
    )


GROUPS: Mapping[str, tuple[Rule, ...]] = {
    "The file": (
        _guard(
            "file-empty",
            "The file is empty.",
            "Copy it again; the copy was probably cut short.",
            "an upload that ended at once",
        ),
        _guard(
            "file-not-gzip",
            "The file is not a gzip archive.",
            "Put the `.crate` that `cargo package` wrote there, not a page that says why it could not be fetched.",
            "an HTML error page saved as `foo-1.0.0.crate`",
        ),
        _guard(
            "gzip-damaged",
            "The gzip stream is damaged or cut short.",
            "Copy it again, or run `cargo package` anew.",
            "a download that broke off",
        ),
        _policy(
            "gzip-second-member",
            "refuse",
            "More gzip data follows the archive; cargo reads only the first member.",
            "Run `cargo package` anew.",
            "two `.crate` files joined with `cat`",
        ),
        _policy(
            "gzip-trailing-bytes",
            "warn",
            "Bytes that are not gzip follow the archive; cargo ignores them.",
            "Run `cargo package` anew with cargo 1.95 or later.",
            "an archive that cargo before 1.95 wrote over a larger one",
        ),
        _guard(
            "packed-too-large",
            "The archive is larger than the limit.",
            "Leave out files with `package.exclude`, or raise `[limits] packed-bytes`.",
            "a crate with its test videos",
        ),
        _guard(
            "unpacked-too-large",
            "The archive unpacks to more than cargo would unpack.",
            "Leave out files with `package.exclude`.",
            "a few kilobytes that unpack to a gigabyte of zeros",
        ),
        _guard(
            "too-many-entries",
            "The archive has more entries than the limit.",
            "Leave out files with `package.exclude`, or raise `[limits] entries`.",
            "a million empty files",
        ),
    ),
    "The tar inside": (
        _guard(
            "tar-damaged",
            "The tar inside is damaged: cargo could not unpack it.",
            "Run `cargo package` anew.",
            "a header whose checksum is wrong",
        ),
        _guard(
            "tar-global-header",
            "The archive has a global PAX header, which cargo takes for a file outside the package.",
            "Make the archive with `cargo package`, not with `git archive`.",
            "`git archive` output, compressed",
        ),
        _guard(
            "tar-size-mismatch",
            "A PAX record gives an entry another size than its header does.",
            "Run `cargo package` anew.",
            "an archive that shows different files to different readers",
        ),
        _guard(
            "entry-type",
            "The archive holds something that is neither a file nor a directory.",
            "Replace links by the files they point to and package again.",
            "a symbolic link to `../LICENSE`",
        ),
        _guard(
            "path-outside-package",
            "An entry lies outside the directory `NAME-VERSION/` that all of a crate's files must be in.",
            "Make the archive with `cargo package`.",
            "`../../etc/passwd`, `./foo-1.0.0/Cargo.toml`",
        ),
        _guard(
            "path-invalid",
            "The path of an entry is not one that cargo can unpack.",
            "Rename the file and package again.",
            "a path that is not UTF-8, or has a NUL, or a component of more than 255 bytes",
        ),
        _guard(
            "path-duplicate",
            "Two entries have the same path and different bytes, or one is a directory to another and a file itself.",
            "Make the archive with `cargo package`.",
            "`src/lib.rs` twice",
        ),
        _policy(
            "path-repeated",
            "warn",
            "The archive holds a file twice, with the same bytes, as cargo wrote some archives in 2015.",
            "Run `cargo package` anew.",
            "`Cargo.toml` twice, the same both times",
        ),
        _policy(
            "path-case-collision",
            "warn",
            "Two paths differ only in case, so one overwrites the other on Windows and macOS.",
            "Rename one of the files.",
            "`README.md` and `readme.md`",
        ),
        _policy(
            "path-unportable",
            "warn",
            "Windows cannot unpack this path.",
            "Rename the file and package again.",
            "`src/aux.rs`, `src/a:b.rs`",
        ),
        _policy(
            "cargo-ok-file",
            "warn",
            "The archive holds a `.cargo-ok`, which cargo skips.",
            "Leave the file out.",
            "an archive made from an unpacked crate",
        ),
        _guard(
            "entry-mode",
            "The mode of a file or directory keeps its owner out, so cargo cannot read it unless root runs it.",
            "Make the archive with `cargo package`, or give files mode 644 and directories 755.",
            "a directory of mode 555, as in a Nix store, before the files in it",
        ),
        _guard(
            "directory-differs",
            "The directory in the archive, and the name and version in Cargo.toml, are not the same.",
            "Make the archive with `cargo package`.",
            "`foo-1.0.0/` around a manifest of `foo` 1.0.1",
        ),
        _policy(
            "file-name-differs",
            "warn",
            "The file is not named after its crate; it is published under the name that it has inside.",
            "Name the file `NAME-VERSION.crate`.",
            "`latest.crate`",
        ),
    ),
    "The manifest": (
        _guard(
            "manifest-missing",
            "The archive has no Cargo.toml in its directory.",
            "Make the archive with `cargo package`.",
            "a zipped folder of sources",
        ),
        _guard(
            "manifest-misspelled",
            "The manifest must be named exactly `Cargo.toml`.",
            "Rename it and package again.",
            "`cargo.toml`",
        ),
        _guard(
            "manifest-duplicate",
            "The archive has more than one Cargo.toml in its directory.",
            "Keep the one that is meant and package again.",
            "`Cargo.toml` and `cargo.toml`",
        ),
        _guard(
            "manifest-too-large",
            "Cargo.toml is larger than the limit.",
            "Shorten it, or raise `[limits] manifest-bytes`.",
            "a manifest of 10 MB",
        ),
        _guard(
            "manifest-invalid",
            "Cargo.toml is not valid TOML in UTF-8.",
            "Mend it and package again; `cargo package` would have refused it too.",
            "a key given twice",
        ),
        _policy(
            "manifest-toml-1-1",
            "warn",
            "Cargo.toml uses TOML 1.1, which cargo before 1.94 cannot read.",
            "Package with cargo, which writes TOML 1.0.",
            "a line break inside an inline table",
        ),
        _guard(
            "manifest-shape",
            "Cargo.toml lacks a field that every package has, or gives a field another type than cargo reads.",
            "Mend the field and package again.",
            "no `version`",
        ),
        _policy(
            "manifest-unusable",
            "refuse",
            "Cargo refuses Cargo.toml, so nothing can be built with the crate.",
            "Mend the manifest and package again; `cargo package` would have refused it too.",
            "no library, program, example or test; `links` without a build script",
        ),
        _guard(
            "manifest-not-normalised",
            "Cargo.toml still inherits from a workspace that is not in the archive.",
            "Make the archive with `cargo package`, which writes the values in.",
            "`version.workspace = true`",
        ),
        _guard(
            "manifest-underscore",
            "Cargo.toml spells a key with `_` that edition 2024 accepts with `-` only.",
            "Write `dev-dependencies`, `build-dependencies`, `default-features`.",
            '`[dev_dependencies]` with `edition = "2024"`',
        ),
        _policy(
            "manifest-both-spellings",
            "warn",
            "Cargo.toml gives the same table or key with `-` and with `_`; cargo reads the one with `-`.",
            "Remove the one with `_`.",
            "`default-features` and `default_features`",
        ),
        _guard(
            "edition-unknown",
            "The edition is none that cargo knows.",
            "Use 2015, 2018, 2021 or 2024.",
            '`edition = "2020"`',
        ),
        _guard(
            "rust-version-invalid",
            "`rust-version` is not one to three numbers.",
            "Write it like `1.70` or `1.70.1`.",
            '`rust-version = "^1.60"`',
        ),
        _guard(
            "name-invalid",
            "The crate's name is not one that a registry can hold.",
            "Use ASCII letters, digits, `-` and `_`, a letter first, 64 at most.",
            "`1foo`",
        ),
        _policy(
            "reserved-name",
            "refuse",
            "The name is reserved: it belongs to Rust itself, or Windows cannot have such a file.",
            'Choose another name, or set the rule to "warn" in `[rules]`.',
            "`std`, `nul`",
            registry_only=True,
        ),
        _guard(
            "version-invalid",
            "The version is not SemVer.",
            "Write it like `1.2.3` or `1.2.3-rc.1`.",
            '`version = "1.0"`',
        ),
        _policy(
            "missing-field",
            "refuse",
            "Cargo.toml lacks a field that this registry asks for.",
            "Add the field, or take it out of `[manifest] required-fields`.",
            "no `description`",
        ),
        _policy(
            "publish-excludes-us",
            "refuse",
            "`package.publish` does not name this registry.",
            "Add this registry's name (`[registry] name`) to `publish`, or remove the key.",
            "`publish = false`",
            registry_only=True,
        ),
        _policy(
            "vcs-dirty",
            "warn",
            "The crate was packaged from a working directory with uncommitted changes.",
            "Commit, then package without `--allow-dirty`.",
            "`cargo package --allow-dirty`",
        ),
        _policy(
            "readme-too-large",
            "warn",
            "The README is larger than the limit, so pages do not show it.",
            "Shorten it, or raise `[limits] readme-bytes`.",
            "a README with embedded pictures",
        ),
    ),
    "Dependencies and features": (
        _guard(
            "too-many-dependencies",
            "The manifest has more dependencies than the limit.",
            "Split the crate, or raise `[limits] dependencies`.",
            "501 dependencies",
        ),
        _guard(
            "dependency-name-invalid",
            "A dependency's name is not one that a registry can hold; some make cargo panic.",
            "Correct the name.",
            "an empty name",
        ),
        _guard(
            "dependency-without-version",
            "A dependency has no version requirement.",
            "Give it a `version`.",
            '`foo = { git = "…" }`',
        ),
        _guard(
            "requirement-invalid",
            "A version requirement is not one that cargo reads.",
            "Separate comparators by commas, with one to three numbers each.",
            "`>=1 <2`",
        ),
        _policy(
            "wildcard-requirement",
            "allow",
            "A dependency accepts every version, which crates.io refuses.",
            "Give it a version requirement.",
            '`foo = "*"`',
        ),
        _guard(
            "target-invalid",
            "A target is neither a triple nor a `cfg(…)` that cargo reads.",
            "Correct the expression.",
            "`[target.'cfg('.dependencies]`",
        ),
        _guard(
            "optional-dev-dependency",
            "A dev-dependency is optional, which cargo refuses.",
            "Make it a normal dependency, or not optional.",
            "`optional = true` under `[dev-dependencies]`",
        ),
        _guard(
            "artifact-dependency",
            "A dependency on an artifact works with nightly cargo only; stable cargo would take it for a normal one.",
            "Remove `artifact`.",
            '`artifact = "bin"`',
        ),
        _guard(
            "registry-index-invalid",
            "A dependency's `registry-index` is not the URL of a registry.",
            "Package again with the registry's index URL.",
            '`registry-index = "acme"`',
        ),
        _policy(
            "own-url-without-sparse",
            "warn",
            "A dependency names this registry's index without `sparse+`, which means a git registry there.",
            "Put `sparse+` before the index URL in `.cargo/config.toml` and package again.",
            '`registry-index = "https://crates.example.com/index/"`',
        ),
        _policy(
            "foreign-registry",
            "warn",
            "A dependency comes from a registry that `[dependencies] allowed` does not list.",
            "Add the index URL to `[dependencies] allowed`, or publish the crate here.",
            '`registry-index = "sparse+https://other.example/index/"`',
        ),
        _policy(
            "dependency-likely-ours",
            "refuse",
            "A dependency comes from crates.io although this registry holds or was given a crate of that name.",
            'Add `registry = "NAME"` to the dependency and package again; '
            'set `[registry] mode` to "mirror" where crates are those of crates.io.',
            "a forgotten `registry =`, the door of dependency confusion",
            registry_only=True,
        ),
        _guard(
            "feature-name-invalid",
            "A feature's name is not one that cargo reads.",
            "Use letters, digits, `_`, `-`, `+` and `.`.",
            "`a/b = []`",
        ),
        _guard(
            "feature-unknown-reference",
            "A feature turns on something that is neither a feature nor a dependency that can be turned on.",
            "Correct the feature's list.",
            '`f = ["nothing"]`',
        ),
        _guard(
            "feature-dependency-unreachable",
            "An optional dependency is turned on by no feature, so cargo calls the line invalid.",
            "Name it in a feature with `dep:`, or make it not optional.",
            "an optional `x` beside a feature called `x` without `dep:x`",
        ),
        _guard(
            "too-many-features",
            "The manifest has more features, or one feature turns on more, than the limit.",
            "Split the crate, or raise `[limits] features`.",
            "5,001 features",
        ),
    ),
    "Beside what is published": (
        _guard(
            "name-collision",
            "The registry holds a crate whose name differs only in case, or in `-` and `_`.",
            "Use the name that is there, or choose another.",
            "`foo_bar` beside `foo-bar`",
        ),
        _guard(
            "release-conflict",
            "The release is published already, with other bytes; a release never changes.",
            "Raise the version.",
            "the same version packaged twice",
        ),
        _guard(
            "build-metadata-conflict",
            "The registry holds this version with other build metadata, which cargo cannot tell apart.",
            "Raise the version.",
            "`1.0.0+b` beside `1.0.0`",
        ),
        _guard(
            "removed-release",
            "The release was removed from this registry on purpose.",
            "Raise the version, or bring it back with `add --restore`.",
            "a removed crate that still lies in the drop directory",
        ),
    ),
    "The drop directory": (
        _guard(
            "file-unreadable",
            "The file cannot be read.",
            "Give the tool's user permission to read it.",
            "a file with mode 0000",
        ),
        _guard(
            "file-irregular",
            "What ends in `.crate` here is not a file.",
            "Remove it, or give it a name that does not end in `.crate`.",
            "a directory or a pipe called `x.crate`",
        ),
        _guard(
            "file-link-outside",
            "The link leads out of the drop directory.",
            "Copy the file instead of linking it.",
            "`x.crate -> /etc/passwd`",
        ),
        _guard("file-name-not-utf8", "The file's name is not UTF-8.", "Rename the file.", "a name in Latin-1"),
        _policy(
            "file-changing",
            "warn",
            "The file is still being written; the next pass reads it.",
            "Wait, or copy to a name that ends in `.part` and rename it when it is complete.",
            "a large crate halfway through an upload",
        ),
        _guard(
            "reader-failed",
            "Reading the file ran into an error of this program.",
            "Please report it, with the file if it can be shared.",
            "a bug of ours",
        ),
    ),
}
"""The rules in the order of reading; the keys are the headings of docs/rules.md."""

RULES: Mapping[str, Rule] = {rule.id: rule for group in GROUPS.values() for rule in group}
"""Every rule by its id."""

CUT_SHORT = frozenset({"file-empty", "gzip-damaged", "tar-damaged"})
"""The rules that a file breaks of which only a part is there."""
