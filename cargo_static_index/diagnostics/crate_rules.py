"""Every rule for a crate: all that can be wrong with a file, the archive in it, and its manifest.

Values only: what finds a problem stands where the thing is read.
"""

from collections.abc import Callable, Mapping
from functools import partial

from cargo_static_index.diagnostics.rule import Level, Rule

_Row = Callable[..., Rule]
"""A rule that lacks its id, which is its key in the table."""


def _row(
    level: Level, says: str, way_out: str, example: str, *, policy: bool = True, mirror: Level | None = None
) -> _Row:
    return partial(Rule, level=level, says=says, way_out=way_out, example=example, policy=policy, mirror=mirror)


_guard = partial(_row, "refuse", policy=False)
_refuse = partial(_row, "refuse")
_warn = partial(_row, "warn")
_allow = partial(_row, "allow")

_ROWS: Mapping[str, Mapping[str, _Row]] = {
    "The file": {
        "file-empty": _guard(
            "The file is empty.", "Copy it again; the copy was probably cut short.", "an upload that ended at once"
        ),
        "file-not-gzip": _guard(
            "The file is not a gzip archive.",
            "Put the `.crate` that `cargo package` wrote there, not a page that says why it could not be fetched.",
            "an HTML error page saved as `foo-1.0.0.crate`",
        ),
        "gzip-damaged": _guard(
            "The gzip stream is damaged or cut short.",
            "Copy it again, or run `cargo package` anew.",
            "a download that broke off",
        ),
        "gzip-second-member": _refuse(
            "More gzip data follows the archive; cargo reads only the first member.",
            "Run `cargo package` anew.",
            "two `.crate` files joined with `cat`",
        ),
        "gzip-trailing-bytes": _warn(
            "Bytes that are not gzip follow the archive; cargo ignores them.",
            "Run `cargo package` anew with cargo 1.95 or later.",
            "an archive that cargo before 1.95 wrote over a larger one",
        ),
        "packed-too-large": _guard(
            "The archive is larger than the limit.",
            "Leave out files with `package.exclude`, or raise `[limits] packed-bytes`.",
            "a crate with its test videos",
        ),
        "unpacked-too-large": _guard(
            "The archive unpacks to more than cargo would unpack.",
            "Leave out files with `package.exclude`.",
            "a few kilobytes that unpack to a gigabyte of zeros",
        ),
        "too-many-entries": _guard(
            "The archive has more entries than the limit.",
            "Leave out files with `package.exclude`, or raise `[limits] entries`.",
            "a million empty files",
        ),
    },
    "The tar inside": {
        "tar-damaged": _guard(
            "The tar inside is damaged: cargo could not unpack it.",
            "Run `cargo package` anew.",
            "a header whose checksum is wrong",
        ),
        "tar-global-header": _guard(
            "The archive has a global PAX header, which cargo takes for a file outside the package.",
            "Make the archive with `cargo package`, not with `git archive`.",
            "`git archive` output, compressed",
        ),
        "tar-size-mismatch": _guard(
            "A PAX record gives an entry another size than its header does.",
            "Run `cargo package` anew.",
            "an archive that shows different files to different readers",
        ),
        "entry-type": _guard(
            "The archive holds something that is neither a file nor a directory.",
            "Replace links by the files they point to and package again.",
            "a symbolic link to `../LICENSE`",
        ),
        "path-outside-package": _guard(
            "An entry lies outside the directory `NAME-VERSION/` that all of a crate's files must be in.",
            "Make the archive with `cargo package`.",
            "`../../etc/passwd`, `./foo-1.0.0/Cargo.toml`",
        ),
        "path-invalid": _guard(
            "The path of an entry is not one that cargo can unpack.",
            "Rename the file and package again.",
            "a path that is not UTF-8, or has a NUL, or a component of more than 255 bytes",
        ),
        "path-duplicate": _guard(
            "An entry is a file, and a directory to another entry.",
            "Make the archive with `cargo package`.",
            "`src` and `src/lib.rs`, both files",
        ),
        "path-overwritten": _refuse(
            "The archive holds a file twice, with different bytes; cargo keeps the later one.",
            "Make the archive with `cargo package`.",
            "`src/lib.rs` twice",
            mirror="warn",
        ),
        "path-repeated": _warn(
            "The archive holds a file twice, with the same bytes, as cargo wrote some archives in 2015.",
            "Run `cargo package` anew.",
            "`Cargo.toml` twice, the same both times",
        ),
        "path-case-collision": _warn(
            "Two paths differ only in case, so one overwrites the other on Windows and macOS.",
            "Rename one of the files.",
            "`README.md` and `readme.md`",
        ),
        "path-unportable": _warn(
            "Windows cannot unpack this path.", "Rename the file and package again.", "`src/aux.rs`, `src/a:b.rs`"
        ),
        "cargo-ok-file": _warn(
            "The archive holds a `.cargo-ok`, which cargo skips.",
            "Leave the file out.",
            "an archive made from an unpacked crate",
        ),
        "entry-mode": _guard(
            "The mode of a file or directory keeps its owner out, so cargo cannot read it unless root runs it.",
            "Make the archive with `cargo package`, or give files mode 644 and directories 755.",
            "a directory of mode 555, as in a Nix store, before the files in it",
        ),
        "directory-differs": _guard(
            "The directory in the archive, and the name and version in Cargo.toml, are not the same.",
            "Make the archive with `cargo package`.",
            "`foo-1.0.0/` around a manifest of `foo` 1.0.1",
        ),
        "file-name-differs": _warn(
            "The file is not named after its crate; it is published under the name that it has inside.",
            "Name the file `NAME-VERSION.crate`.",
            "`latest.crate`",
        ),
    },
    "The manifest": {
        "manifest-missing": _guard(
            "The archive has no Cargo.toml in its directory.",
            "Make the archive with `cargo package`.",
            "a zipped folder of sources",
        ),
        "manifest-misspelled": _guard(
            "The manifest must be named exactly `Cargo.toml`.", "Rename it and package again.", "`cargo.toml`"
        ),
        "manifest-duplicate": _guard(
            "The archive has more than one Cargo.toml in its directory.",
            "Keep the one that is meant and package again.",
            "`Cargo.toml` and `cargo.toml`",
        ),
        "manifest-too-large": _guard(
            "Cargo.toml is larger than the limit.",
            "Shorten it, or raise `[limits] manifest-bytes`.",
            "a manifest of 10 MB",
        ),
        "field-too-long": _guard(
            "A list in Cargo.toml has more entries, or a text of it more characters, than the limit.",
            "Shorten it; crates.io takes five keywords of 20 characters, and descriptions of 1,000.",
            "1,000 keywords; a README in `description`",
        ),
        "manifest-invalid": _guard(
            "Cargo.toml is not valid TOML in UTF-8.",
            "Mend it and package again; `cargo package` would have refused it too.",
            "a key given twice",
        ),
        "manifest-toml-1-1": _warn(
            "Cargo.toml uses TOML 1.1, which cargo before 1.94 cannot read.",
            "Package with cargo, which writes TOML 1.0.",
            "a line break inside an inline table",
        ),
        "manifest-shape": _guard(
            "Cargo.toml lacks a field that every package has, or gives a field another type than cargo reads.",
            "Mend the field and package again.",
            "no `version`",
        ),
        "manifest-unusable": _refuse(
            "Cargo refuses Cargo.toml, so nothing can be built with the crate.",
            "Mend the manifest and package again; `cargo package` would have refused it too.",
            'no library, program, example or test; `links` without a build script; `panic = "odd"` in a profile',
        ),
        "manifest-nightly": _warn(
            "Cargo.toml names features of cargo that only nightly cargo has, so stable cargo refuses it.",
            "Do without them, or tell those who depend on the crate.",
            '`cargo-features = ["metabuild"]`',
        ),
        "patch-ignored": _warn(
            "Cargo.toml has `[patch]` or `[replace]`, which have no effect in a dependency; crates.io refuses them.",
            "Remove the table; the workspace that builds the program is where it works.",
            "`[patch.crates-io]` with an entry",
            mirror="allow",
        ),
        "manifest-not-normalised": _guard(
            "Cargo.toml still inherits from a workspace that is not in the archive.",
            "Make the archive with `cargo package`, which writes the values in.",
            "`version.workspace = true`",
        ),
        "manifest-underscore": _guard(
            "Cargo.toml spells a key with `_` that edition 2024 accepts with `-` only.",
            "Write `dev-dependencies`, `build-dependencies`, `default-features`.",
            '`[dev_dependencies]` with `edition = "2024"`',
        ),
        "manifest-both-spellings": _warn(
            "Cargo.toml gives the same table or key with `-` and with `_`; cargo reads the one with `-`.",
            "Remove the one with `_`.",
            "`default-features` and `default_features`",
        ),
        "edition-unknown": _guard(
            "The edition is none that cargo knows.", "Use 2015, 2018, 2021 or 2024.", '`edition = "2020"`'
        ),
        "rust-version-invalid": _guard(
            "`rust-version` is not one to three numbers.",
            "Write it like `1.70` or `1.70.1`.",
            '`rust-version = "^1.60"`',
        ),
        "name-invalid": _guard(
            "The crate's name is not one that a registry can hold.",
            "Use ASCII letters, digits, `-` and `_`, a letter first, 64 at most.",
            "`1foo`",
        ),
        "reserved-name": _refuse(
            "The name is reserved: it belongs to Rust itself, or Windows cannot have such a file.",
            'Choose another name, or set the rule to "warn" in `[rules]`.',
            "`std`, `nul`",
            mirror="allow",
        ),
        "version-invalid": _guard(
            "The version is not SemVer.", "Write it like `1.2.3` or `1.2.3-rc.1`.", '`version = "1.0"`'
        ),
        "missing-field": _refuse(
            "Cargo.toml lacks a field that this registry asks for.",
            "Add the field, or take it out of `[manifest] required-fields`.",
            "no `description`",
        ),
        "description-too-long": _allow(
            "The description has more than the 1,000 bytes that crates.io takes.",
            "Shorten `package.description`; a README has room for the rest.",
            "a README in `description`",
            mirror="allow",
        ),
        "license-invalid": _allow(
            "`package.license` is no licence expression of SPDX, which crates.io asks for.",
            "Write it like `MIT OR Apache-2.0`, or name a file with `license-file`.",
            '`license = "Proprietary"`',
            mirror="allow",
        ),
        "url-invalid": _warn(
            "`homepage`, `documentation` or `repository` is no address of the web.",
            "Write it with `https://`.",
            '`repository = "git@git.example.com:acme/label.git"`',
            mirror="allow",
        ),
        "keyword-invalid": _warn(
            "There are more keywords than crates.io takes, or one that it would not.",
            "Keep five, each of at most 20 ASCII letters, digits, `_`, `-` and `+`, a letter or digit first.",
            '`keywords = ["parses all kinds of things"]`',
            mirror="allow",
        ),
        "too-many-categories": _warn(
            "There are more categories than the five that crates.io takes.",
            "Keep five.",
            "six categories",
            mirror="allow",
        ),
        "category-unknown": _allow(
            "A category is none that crates.io has.",
            "Choose one of https://crates.io/category_slugs.",
            '`categories = ["acme"]`',
            mirror="allow",
        ),
        "publish-excludes-us": _refuse(
            "`package.publish` does not name this registry.",
            "Add this registry's name (`[registry] name`) to `publish`, or remove the key.",
            "`publish = false`",
            mirror="allow",
        ),
        "vcs-dirty": _warn(
            "The crate was packaged from a working directory with uncommitted changes.",
            "Commit, then package without `--allow-dirty`.",
            "`cargo package --allow-dirty`",
        ),
        "readme-too-large": _warn(
            "The README is larger than the limit, so pages do not show it.",
            "Shorten it, or raise `[limits] readme-bytes`.",
            "a README with embedded pictures",
        ),
    },
    "Dependencies and features": {
        "too-many-dependencies": _guard(
            "The manifest has more dependencies than the limit.",
            "Split the crate, or raise `[limits] dependencies`.",
            "501 dependencies",
        ),
        "dependency-name-invalid": _guard(
            "A dependency's name is not one that a registry can hold; some make cargo panic.",
            "Correct the name.",
            "an empty name",
        ),
        "dependency-without-version": _refuse(
            "A dependency has no version requirement, so it accepts every version.",
            "Give it a `version`.",
            '`foo = { path = "…" }`',
            mirror="warn",
        ),
        "requirement-invalid": _guard(
            "A version requirement is not one that cargo reads.",
            "Separate comparators by commas, with one to three numbers each.",
            "`>=1 <2`",
        ),
        "wildcard-requirement": _allow(
            "A dependency accepts every version, which crates.io refuses.",
            "Give it a version requirement.",
            '`foo = "*"`',
        ),
        "target-invalid": _guard(
            "A target is neither a triple nor a `cfg(…)` that cargo reads.",
            "Correct the expression.",
            "`[target.'cfg('.dependencies]`",
        ),
        "optional-dev-dependency": _guard(
            "A dev-dependency is optional, which cargo refuses.",
            "Make it a normal dependency, or not optional.",
            "`optional = true` under `[dev-dependencies]`",
        ),
        "artifact-dependency": _guard(
            "A dependency on an artifact works with nightly cargo only; stable cargo would take it for a normal one.",
            "Remove `artifact`.",
            '`artifact = "bin"`',
        ),
        "registry-index-invalid": _guard(
            "A dependency's `registry-index` is not the URL of a registry.",
            "Package again with the registry's index URL.",
            '`registry-index = "acme"`',
        ),
        "own-url-without-sparse": _warn(
            "A dependency names this registry's index without `sparse+`, which means a git registry there.",
            "Put `sparse+` before the index URL in `.cargo/config.toml` and package again.",
            '`registry-index = "https://crates.example.com/index/"`',
        ),
        "foreign-registry": _warn(
            "A dependency comes from a registry that `[dependencies] allowed` does not list.",
            "If that is another URL of this registry, add it without `sparse+` and `index/` to `[registry] aliases`; "
            "if it is a registry of others, add the index URL to `[dependencies] allowed`.",
            '`registry-index = "sparse+https://other.example/index/"`',
        ),
        "dependency-likely-ours": _refuse(
            "A dependency comes from crates.io although this registry holds or was given a crate of that name.",
            'Set `mode = "mirror"` in `[registry]` where crates are those of crates.io, or '
            '`dependency-likely-ours = "warn"` in `[rules]` where both kinds are held; '
            'else add `registry = "NAME"` to the dependency and package again.',
            "a forgotten `registry =`, the door of dependency confusion",
            mirror="allow",
        ),
        "dev-dependency-likely-ours": _warn(
            "A dev-dependency comes from crates.io although this registry holds or was given a crate of that name.",
            'Add `registry = "NAME"` to the dependency and package again; no client resolves dev-dependencies.',
            "a forgotten `registry =` under `[dev-dependencies]`",
            mirror="allow",
        ),
        "dependency-missing": _warn(
            "No version that is held here satisfies a dependency without which no client can resolve the crate.",
            "Publish a version that satisfies it; `cargo-static-index missing` lists all that is missing.",
            '`acme-core = { version = "2", registry = "acme" }` where only 1.4.0 is held',
        ),
        "feature-name-invalid": _guard(
            "A feature's name is not one that cargo reads.", "Use letters, digits, `_`, `-`, `+` and `.`.", "`a/b = []`"
        ),
        "feature-unknown-reference": _guard(
            "A feature turns on something that is neither a feature nor a dependency that can be turned on.",
            "Correct the feature's list.",
            '`f = ["nothing"]`',
        ),
        "feature-dependency-unreachable": _guard(
            "An optional dependency is turned on by no feature, so cargo calls the line invalid.",
            "Name it in a feature with `dep:`, or make it not optional.",
            "an optional `x` beside a feature called `x` without `dep:x`",
        ),
        "too-many-features": _guard(
            "The manifest has more features, or one feature turns on more, than the limit.",
            "Split the crate, or raise `[limits] features`.",
            "5,001 features",
        ),
    },
    "Beside what is published": {
        "name-collision": _guard(
            "The registry holds a crate whose name differs only in case, or in `-` and `_`.",
            "Use the name that is there, or choose another.",
            "`foo_bar` beside `foo-bar`",
        ),
        "release-conflict": _guard(
            "The release is published already, with other bytes; a release never changes.",
            "Raise the version.",
            "the same version packaged twice",
        ),
        "build-metadata-conflict": _guard(
            "The registry holds this version with other build metadata, which cargo cannot tell apart.",
            "Raise the version.",
            "`1.0.0+b` beside `1.0.0`",
        ),
        "removed-release": _guard(
            "The release was removed from this registry on purpose.",
            "Raise the version, or bring it back with `add --restore`.",
            "a removed crate that still lies in the drop directory",
        ),
        "name-like-removed": _warn(
            "The name differs only in case, or in `-` and `_`, from that of a crate that was removed.",
            "Choose another name, or that of the removed crate: lock files that name it would not find this one.",
            "`foo_bar` after `foo-bar` was removed",
        ),
    },
    "The drop directory": {
        "file-unreadable": _guard(
            "The file cannot be read.", "Give the tool's user permission to read it.", "a file with mode 0000"
        ),
        "file-irregular": _guard(
            "What ends in `.crate` here is not a file.",
            "Remove it, or give it a name that does not end in `.crate`.",
            "a directory or a pipe called `x.crate`",
        ),
        "file-link-outside": _guard(
            "The link leads out of the drop directory.",
            "Copy the file instead of linking it.",
            "`x.crate -> /etc/passwd`",
        ),
        "file-name-not-utf8": _guard("The file's name is not UTF-8.", "Rename the file.", "a name in Latin-1"),
        "file-changing": _warn(
            "The file is still being written; the next build reads it.",
            "Wait, or copy to a name that ends in `.part` and rename it when it is complete.",
            "a large crate halfway through an upload",
        ),
        "reader-failed": _guard(
            "Reading the file ran into an error of this program.",
            "Please report it, with the file if it can be shared.",
            "a bug of ours",
        ),
    },
    "Rules of one's own": {
        "own-rules-failed": _guard(
            "The registry's own rules (`[registry] own-rules`) could not be asked about the crate.",
            "Mend their file, then drop or publish the crate again.",
            "`check` raised a KeyError",
        )
    },
}

CRATE_RULES: Mapping[str, tuple[Rule, ...]] = {
    heading: tuple(row(id=name) for name, row in rows.items()) for heading, rows in _ROWS.items()
}
"""The rules in the order of reading, by their headings in docs/rules.md."""
