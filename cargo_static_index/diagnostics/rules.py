"""Everything that can be wrong with a crate or with a tree: the id, the level, one true sentence, the way out.

Values only: what finds a problem stands where the thing is read. docs/rules.md is made from this table.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import force_setattr

from cargo_static_index.diagnostics.escape import escape

Level = Literal["refuse", "warn", "allow"]
Severity = Literal["error", "warning"]
"""How grave a problem is, as it is shown: what refuses a crate, or spoils a tree, is an error."""
Fix = Literal[
    "write-facts",
    "delete",
    "finish-removal",
    "recount",
    "make-pages",
    "restore-lines",
    "set-line-right",
    "write-proven",
]
"""What mends a tree without changing a release."""


class Rule(Struct, frozen=True, kw_only=True):
    """A reason to refuse a crate or to warn of it, or what can be wrong with a tree (`of_tree`).

    `policy` rules may be set to another level by `[rules]`; the others protect clients and cannot be turned off.
    `mirror` is the level in a mirror, where that is another: what crates.io serves and cargo reads is held.
    `mended` rules of a tree are those that `verify --fix` mends where that loses nothing.
    """

    id: str
    level: Level
    says: str
    way_out: str
    example: str = ""
    policy: bool = False
    mirror: Level | None = None
    of_tree: bool = False
    mended: bool = False
    formerly: str = ""
    """An id that this rule shared with another one; `explain` still tells of it."""

    @property
    def severity(self) -> Severity:
        """How grave it is, as it is shown."""
        return severity_of(self.level)


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
                force_setattr(self, field, escape(text, longest=LONGEST))


class Finding(Problem, frozen=True, kw_only=True):
    """A problem of a tree, at `path`: `fix` is what mends it, None where that is for a person; `fixed`: it was done."""

    path: str
    fix: Fix | None = None
    fixed: bool = False

    @property
    def id(self) -> str:
        """The id of its rule."""
        return self.rule

    @property
    def level(self) -> Severity:
        """How grave it is."""
        return RULES[self.rule].severity


def problem(rule: str, message: str = "", *, place: str = "", way_out: str = "") -> Problem:
    """Give the problem that breaks `rule`; sentence and way out are the rule's own unless better ones are given."""
    broken = RULES[rule]
    return Problem(rule=rule, message=message or broken.says, place=place, way_out=way_out or broken.way_out)


def found(rule: str, path: str, message: str, fix: Fix | None = None, *, way_out: str = "") -> Finding:
    """Give the problem of a tree that breaks `rule` at a path; the way out is the rule's own unless one is given."""
    return Finding(rule=rule, path=path, place=path, message=message, way_out=way_out or RULES[rule].way_out, fix=fix)


def severity_of(level: Level) -> Severity:
    """Give how grave a problem of this level is, as it is shown."""
    return "error" if level == "refuse" else "warning"


def level_of(problem: Problem, levels: Mapping[str, Level]) -> Level:
    """Give the level of a problem under the levels that the settings change."""
    rule = RULES[problem.rule]
    return levels.get(problem.rule, rule.level) if rule.policy else rule.level


def levels_of(changed: Mapping[str, Level], *, mirror: bool) -> Mapping[str, Level]:
    """Give the levels that are not the rules' own: in a mirror those of a mirror, and above all those that change."""
    return {**MIRROR_LEVELS, **changed} if mirror else changed


def refused(problems: Iterable[Problem], levels: Mapping[str, Level]) -> bool:
    """Whether any of these problems keeps a crate out."""
    return any(level_of(each, levels) == "refuse" for each in problems)


def named(rule: str) -> tuple[Rule, ...]:
    """Give the rule of this id, and what had this id once."""
    return tuple(each for each in RULES.values() if rule in {each.id, each.formerly})


def explain(rule: Rule) -> str:
    """Give the rule's part of docs/rules.md: Markdown, from its heading to the last line's end."""
    formerly = f"\n- Formerly `{rule.formerly}`, which is a rule for crates alone." if rule.formerly else ""
    example = f"\n- Example: {rule.example}." if rule.example else ""
    return f"### {rule.id}\n\n{rule.says}\n\n- Level: {_level(rule)}.\n- Way out: {rule.way_out}{example}{formerly}\n"


def _level(rule: Rule) -> str:
    if rule.of_tree:
        mended = "mended by `verify --fix` where that loses nothing" if rule.mended else "for a person to decide"
        return f"{rule.severity}, {mended}"
    kind = "policy: `[rules]` may change the level" if rule.policy else "protects clients: cannot be turned off"
    mirror = {None: "", "allow": "; off in a mirror"}.get(rule.mirror, f"; {rule.mirror} in a mirror")
    return f"{rule.level} ({kind}{mirror})"


def _guard(name: str, says: str, way_out: str, example: str) -> Rule:
    return Rule(id=name, level="refuse", says=says, way_out=way_out, example=example)


def _policy(name: str, level: Level, says: str, way_out: str, example: str, *, mirror: Level | None = None) -> Rule:
    return Rule(
        id=name,
        level=level,
        says=says,
        way_out=way_out,
        example=example,
        policy=True,
        mirror=mirror,
    )


def _tree(
    name: str, says: str, way_out: str, level: Level = "refuse", *, mended: bool = False, formerly: str = ""
) -> Rule:
    return Rule(id=name, level=level, says=says, way_out=way_out, of_tree=True, mended=mended, formerly=formerly)


_PUT_BACK = (
    "Run `cargo-static-index verify --fix`, which puts it back if it still lies in the drop directory; else put the "
    "release's own archive back with `cargo-static-index add FILE`, or remove the release."
)
_READ_AGAIN = "Run `cargo-static-index verify --fix`, which reads them from the archive again."

TREE = "What `verify` finds in a tree"
"""The group of rules for trees."""

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
            "An entry is a file, and a directory to another entry.",
            "Make the archive with `cargo package`.",
            "`src` and `src/lib.rs`, both files",
        ),
        _policy(
            "path-overwritten",
            "refuse",
            "The archive holds a file twice, with different bytes; cargo keeps the later one.",
            "Make the archive with `cargo package`.",
            "`src/lib.rs` twice",
            mirror="warn",
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
            "field-too-long",
            "A list in Cargo.toml has more entries, or a text of it more characters, than the limit.",
            "Shorten it; crates.io takes five keywords of 20 characters, and descriptions of 1,000.",
            "1,000 keywords; a README in `description`",
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
            'no library, program, example or test; `links` without a build script; `panic = "odd"` in a profile',
        ),
        _policy(
            "manifest-nightly",
            "warn",
            "Cargo.toml names features of cargo that only nightly cargo has, so stable cargo refuses it.",
            "Do without them, or tell those who depend on the crate.",
            '`cargo-features = ["metabuild"]`',
        ),
        _policy(
            "patch-ignored",
            "warn",
            "Cargo.toml has `[patch]` or `[replace]`, which have no effect in a dependency; crates.io refuses them.",
            "Remove the table; the workspace that builds the program is where it works.",
            "`[patch.crates-io]` with an entry",
            mirror="allow",
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
            mirror="allow",
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
            "description-too-long",
            "allow",
            "The description has more than the 1,000 bytes that crates.io takes.",
            "Shorten `package.description`; a README has room for the rest.",
            "a README in `description`",
            mirror="allow",
        ),
        _policy(
            "license-invalid",
            "allow",
            "`package.license` is no licence expression of SPDX, which crates.io asks for.",
            "Write it like `MIT OR Apache-2.0`, or name a file with `license-file`.",
            '`license = "Proprietary"`',
            mirror="allow",
        ),
        _policy(
            "url-invalid",
            "warn",
            "`homepage`, `documentation` or `repository` is no address of the web.",
            "Write it with `https://`.",
            '`repository = "git@git.example.com:acme/label.git"`',
            mirror="allow",
        ),
        _policy(
            "keyword-invalid",
            "warn",
            "There are more keywords than crates.io takes, or one that it would not.",
            "Keep five, each of at most 20 ASCII letters, digits, `_`, `-` and `+`, a letter or digit first.",
            '`keywords = ["parses all kinds of things"]`',
            mirror="allow",
        ),
        _policy(
            "too-many-categories",
            "warn",
            "There are more categories than the five that crates.io takes.",
            "Keep five.",
            "six categories",
            mirror="allow",
        ),
        _policy(
            "category-unknown",
            "allow",
            "A category is none that crates.io has.",
            "Choose one of https://crates.io/category_slugs.",
            '`categories = ["acme"]`',
            mirror="allow",
        ),
        _policy(
            "publish-excludes-us",
            "refuse",
            "`package.publish` does not name this registry.",
            "Add this registry's name (`[registry] name`) to `publish`, or remove the key.",
            "`publish = false`",
            mirror="allow",
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
        _policy(
            "dependency-without-version",
            "refuse",
            "A dependency has no version requirement, so it accepts every version.",
            "Give it a `version`.",
            '`foo = { path = "…" }`',
            mirror="warn",
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
            mirror="allow",
        ),
        _policy(
            "dev-dependency-likely-ours",
            "warn",
            "A dev-dependency comes from crates.io although this registry holds or was given a crate of that name.",
            'Add `registry = "NAME"` to the dependency and package again; no client resolves dev-dependencies.',
            "a forgotten `registry =` under `[dev-dependencies]`",
            mirror="allow",
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
    TREE: (
        _tree("archive-damaged", "An archive does not have the bytes that its line says.", _PUT_BACK, mended=True),
        _tree("archive-missing", "A line names an archive that is not there.", _PUT_BACK, mended=True),
        _tree(
            "archive-unread",
            "An archive breaks rules of today, so that nothing can be held against it.",
            "Remove the release, or read its pages with care; newer rules may refuse what older ones took.",
        ),
        _tree(
            "config-wrong",
            "`index/config.json` is missing, cannot be read, or sends cargo elsewhere.",
            "Run `cargo-static-index build`, which writes config.json; "
            "a foreign one, or one that cannot be read, needs `--move`.",
            mended=True,
        ),
        _tree(
            "crates-collide",
            "Two crates differ only in `-` and `_`.",
            "Remove one of the two crates.",
            formerly="name-collision",
        ),
        _tree("facts-missing", "The facts beside an archive are not there.", _READ_AGAIN, mended=True),
        _tree("facts-wrong", "The facts beside an archive are not what it says.", _READ_AGAIN, mended=True),
        _tree("file-stray", "A file lies where nobody asks for it.", "Move the file out of the tree."),
        _tree(
            "file-unnamed",
            "No line names an archive, or facts: a pass broke off, or the line was lost.",
            "Run `cargo-static-index build`: if a pass broke off, it publishes what it had begun. "
            "What nobody names then either, `cargo-static-index verify --fix` deletes; no client can ask for it.",
            mended=True,
        ),
        _tree(
            "line-differs",
            "A line does not say what its archive says.",
            "Run `cargo-static-index reindex`, which shows the difference and derives the line anew.",
        ),
        _tree(
            "line-misplaced",
            "A line stands in a file in which cargo does not look for its crate.",
            "Take the line out of this file; cargo ignores it there.",
        ),
        _tree(
            "line-unreadable",
            "Cargo cannot read a line.",
            "Take the line out of the file if nobody needs it; cargo skips it or calls it invalid.",
            level="warn",
        ),
        _tree(
            "line-wrong",
            "A line names the archive of another release, or its release has an archive with nearly the same checksum.",
            "Run `cargo-static-index verify --fix`, which sets the line right where damage can be the only reason; "
            "else take the line out of the file, and run `cargo-static-index rebuild`.",
            mended=True,
        ),
        _tree(
            "lines-lost",
            "An index file lost lines, or what they said, that the state or the crate's own `index.json` still knows.",
            "Run `cargo-static-index verify --fix`, or any command that changes the crate, which puts them back.",
            mended=True,
        ),
        _tree(
            "lines-unordered",
            "The lines of a file do not stand in order of publication and version.",
            "None is needed: cargo does not mind.",
            level="warn",
        ),
        _tree(
            "page-missing",
            "A page for people is not there, or empty.",
            "Run `cargo-static-index rebuild --pages`, or `cargo-static-index verify --fix`.",
            mended=True,
        ),
        _tree(
            "page-wrong",
            "A crate's document or a part of a list cannot be read, or does not say what the index says.",
            "Run `cargo-static-index rebuild --pages`, or `cargo-static-index verify --fix`.",
            mended=True,
        ),
        _tree(
            "pages-outdated",
            "The pages do not show what the index holds: a pass broke off, or made none.",
            "Run `cargo-static-index build`, which makes the pages that a pass did not come to make.",
            level="warn",
            mended=True,
        ),
        _tree(
            "record-wrong",
            "`tree.json` does not sum up what the index holds.",
            "Run `cargo-static-index verify --fix`, which counts anew.",
            mended=True,
        ),
        _tree(
            "removal-unfinished",
            "A release was removed, or brought back, and not wholly.",
            "Run `cargo-static-index verify --fix`, or any pass, which finishes it.",
            mended=True,
        ),
        _tree(
            "tombstones-unreadable",
            "What was removed of a crate cannot be read.",
            "Bring the file back from a backup; without it removed releases can come back.",
        ),
        _tree(
            "version-duplicate",
            "A file has two lines of one version.",
            "Take one of the lines out of the file: cargo cannot tell them apart.",
        ),
    ),
}
"""The rules in the order of reading; the keys are the headings of docs/rules.md."""

RULES: Mapping[str, Rule] = {rule.id: rule for group in GROUPS.values() for rule in group}
"""Every rule by its id."""

MIRROR_LEVELS: Mapping[str, Level] = {rule.id: rule.mirror for rule in RULES.values() if rule.mirror}
"""The levels that rules have in a mirror, where they are others."""

CUT_SHORT = frozenset({"file-empty", "gzip-damaged", "tar-damaged"})
"""The rules that a file breaks of which only a part is there."""

MAYBE_PART = CUT_SHORT | {
    "file-not-gzip",
    "gzip-second-member",
    "gzip-trailing-bytes",
    "packed-too-large",
    "too-many-entries",
    "unpacked-too-large",
}
"""The rules that a file breaks whose end was not seen to be right, so that it may still be being copied.

A copy may be preallocated, come out of order, or go over a file that was there. Where the gzip's length and checksum
and the tar's end are right, and nothing follows, the file is whole.
"""
