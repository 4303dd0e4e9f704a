"""The table of settings: one line a key, of which options, variables, schema, template and docs are made.

To add a key, add its line to its section's class; to add a section, add a class and name it in `Settings`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from msgspec import Struct, field, structs

from cargo_static_index.crate.limits import Limits
from cargo_static_index.diagnostics.rule import Level
from cargo_static_index.diagnostics.rules import levels_of
from cargo_static_index.protocol.registries import Mode
from cargo_static_index.settings import kinds as values
from cargo_static_index.settings.kinds import Kind
from cargo_static_index.settings.trusted import TRUSTED, TrustedRule
from cargo_static_index.store.bucket import Whereabouts

Written = str | int | bool | Sequence[str] | Sequence[Mapping[str, object]] | None
"""A value as TOML writes it; None where the key is not set."""

_LIMITS: Final = Limits()


class KeyRow(Struct, frozen=True, kw_only=True):
    """What the table says of a key besides its place: `default` and `example` are written as in TOML."""

    kind: Kind
    says: str
    default: Written
    example: Written
    also: tuple[str, ...]
    """Other names of the option."""

    def __call__(self, base: Path = Path()) -> object:
        """Give the value of a key that is not set, paths below `base`."""
        written = list(self.default) if isinstance(self.default, tuple) else self.default
        return None if written is None else self.kind.read(written, base)


def _row(kind: Kind, says: str, *, default: Written = None, example: Written = None, also: tuple[str, ...] = ()) -> Any:
    return field(default_factory=KeyRow(kind=kind, says=says, default=default, example=example, also=also))


class RegistrySection(Struct, frozen=True, kw_only=True):
    """What the registry is called and where clients find it."""

    name: str | None = _row(
        values.NAME,
        "The name that clients give this registry in `[registries.NAME]`; "
        "crates whose `package.publish` lists other names only are refused.",
        example="acme",
    )
    base_url: str | None = _row(
        values.BASE_URL,
        "The URL under which the tree is served. "
        "Without it the tree keeps its own; an empty tree takes `http://127.0.0.1:8000/`.",
        example="https://crates.example.com/",
    )
    mode: Mode | None = _row(
        values.choice("registry", "mirror"),
        'Whether this is a registry of its own or, with "mirror", stands in for crates.io. '
        'Without it the tree keeps its own; an empty tree takes "registry".',
        example="mirror",
    )
    aliases: tuple[str, ...] = _row(
        values.BASE_URLS,
        "Earlier base URLs: dependencies that name them mean this registry.",
        default=(),
        example=["https://old.example.com/crates/"],
    )
    auth_required: bool = _row(
        values.FLAG,
        "Whether cargo sends a token with every request. It is the web server, or `serve`, that must ask for it.",
        default=False,
    )
    title: str | None = _row(
        values.TEXT, "The title of the pages; without it, the registry's name.", example="Crates of Acme"
    )
    description: str | None = _row(
        values.TEXT, "One line below the title on the front page.", example="What we share between teams."
    )
    pages: bool = _row(values.FLAG, "Whether to write pages for people.", default=True)
    on_change: tuple[str, ...] | None = _row(
        values.COMMAND,
        "A command that is told what changed in the tree, as JSON on its standard input, until it ends with 0: "
        "to purge a CDN, or to copy the tree.",
        example=["/usr/local/bin/purge-cdn", "crates"],
    )
    changed_urls: Path | None = _row(
        values.PATH,
        "A file for the URLs of all that a command changed, one a line; `watch` and the publish endpoint add to it.",
        example="changed-urls.txt",
    )
    own_rules: Path | None = _row(
        values.PATH,
        "A file of Python with rules of your own: `RULES`, and a function `check` that sees what is known of each "
        "crate (docs/library.md has one). It is run with your rights. `[rules]` may change the rules' levels.",
        example="acme_rules.py",
    )


class DropSection(Struct, frozen=True, kw_only=True):
    """Where `.crate` files come from, and what becomes of them."""

    path: Whereabouts = _row(
        values.PLACE,
        "The drop directory: every `.crate` file in it, at any depth, is published. It may lie in a bucket, "
        "such as `s3://BUCKET/PREFIX`.",
        default="drop",
    )
    refused: Whereabouts | None = _row(
        values.PLACE,
        "A folder that refused files are moved to, each with a JSON file of its problems; "
        "without it they stay where they are.",
        example="refused",
    )
    after_publish: Whereabouts | Literal["keep", "delete"] = _row(
        values.AFTER_PUBLISH,
        "What to do with a dropped file once it is published: keep it, delete it, or move it to a folder.",
        default="keep",
    )


class TreeSection(Struct, frozen=True, kw_only=True):
    """The published files."""

    path: Whereabouts = _row(
        values.PLACE,
        "The tree: the folder that a web server serves, or a bucket, such as `s3://BUCKET/PREFIX`.",
        default="public",
    )
    file_mode: int | None = _row(
        values.FILE_MODE, "The mode of published files; without it, 0666 less the umask.", example="0644"
    )
    dir_mode: int | None = _row(
        values.DIR_MODE,
        "The mode of published folders; without it, 0777 less the umask, with setgid kept.",
        example="2775",
    )
    flush: bool = _row(
        values.FLAG,
        "Whether to wait until the disk has what is published. Without it a build is faster, "
        "and a power cut can lose or cut short what it wrote.",
        default=True,
    )
    single_writer: bool = _row(
        values.FLAG,
        "Whether nobody else ever writes to the bucket at the same time: a store that does not keep to conditions "
        "(`If-Match`, `If-None-Match`) is refused without this.",
        default=False,
        also=("--single-writer",),
    )
    version_addresses: bool | None = _row(
        values.FLAG,
        "Whether each archive lies at `crates/NAME/VERSION/download`, too, for tools that know no checksum "
        "(docs/tools.md names them). Without it the tree keeps what it has; an empty tree has none.",
        example=True,
    )
    lock_timeout: float | None = _row(
        values.DURATION,
        "How long to wait for another process that is changing the tree; without it, as long as it takes. "
        "0 gives up at once.",
        example="10m",
        also=("--lock-timeout",),
    )
    keep_removed: float | None = _row(
        values.DURATION,
        "How long archives of removed releases stay, for clients that have chosen them already; whoever changes "
        "the tree after that deletes them. Without it an hour where `watch` or `serve --publish` runs with the "
        "same state directory, else no time at all.",
        example="1h",
        also=("--keep-removed",),
    )


class StateSection(Struct, frozen=True, kw_only=True):
    """What is only remembered to save time; deleting it loses nothing."""

    path: Path = _row(
        values.PATH, "The state directory, on a local disk and outside the tree.", default=".cargo-static-index"
    )


class MirrorSection(Struct, frozen=True, kw_only=True):
    """What a mirror knows of crates.io."""

    upstream_index: Path | None = _row(
        values.PATH,
        "A folder of crates.io's index lines (files of its sparse index, cargo's index cache, or `.json` lines): "
        "releases with the same checksum get their `pubtime` and `yanked` from there when they are published, and "
        "by `reindex`.",
        example="crates-io-index",
        also=("--upstream-index",),
    )


class AdvisoriesSection(Struct, frozen=True, kw_only=True):
    """What is known to be wrong with crates."""

    path: Path | None = _row(
        values.PATH,
        "A folder of security advisories in the RustSec format, such as a checkout of `rustsec/advisory-db`: pages "
        "and `advisories` say which versions they affect.",
        example="advisory-db",
    )


class DependenciesSection(Struct, frozen=True, kw_only=True):
    """Where dependencies may come from."""

    allowed: tuple[str, ...] = _row(
        values.INDEX_URLS,
        "Index URLs of other registries that crates may depend on; crates.io and this registry need no entry.",
        default=(),
        example=["sparse+https://other.example/index/"],
    )


class ManifestSection(Struct, frozen=True, kw_only=True):
    """What Cargo.toml must say."""

    required_fields: tuple[str, ...] = _row(
        values.choices(
            "FIELD",
            "description",
            "license",
            "repository",
            "homepage",
            "documentation",
            "readme",
            "keywords",
            "categories",
            "rust-version",
            "authors",
        ),
        "Fields of `[package]` without which a crate is refused; `license-file` counts as `license`.",
        default=(),
        example=["description", "license"],
    )


class LimitsSection(Struct, frozen=True, kw_only=True):
    """What a crate may be at most. Sizes are bytes."""

    packed_bytes: int = _row(values.COUNT, "The size of a `.crate` file.", default=_LIMITS.packed_bytes)
    entries: int = _row(values.COUNT, "The files and folders in an archive.", default=_LIMITS.entries)
    manifest_bytes: int = _row(values.COUNT, "The size of Cargo.toml.", default=_LIMITS.manifest_bytes)
    readme_bytes: int = _row(
        values.COUNT, "The size of a README or CHANGELOG that pages show.", default=_LIMITS.readme_bytes
    )
    dependencies: int = _row(values.COUNT, "The dependencies of a crate, of all kinds.", default=_LIMITS.dependencies)
    features: int = _row(
        values.COUNT, "The features of a crate, and what one feature turns on.", default=_LIMITS.features
    )


class BuildSection(Struct, frozen=True, kw_only=True):
    """How a build works."""

    jobs: int | None = _row(
        values.COUNT,
        "How many crates are read at once; without it, as many as the processors, the CPU quota and the memory "
        "limit let this process (256 MiB for each), and at least one.",
        example=4,
        also=("-j", "--jobs"),
    )


class WatchSection(Struct, frozen=True, kw_only=True):
    """How files are waited for that are still being copied, and how `watch` learns of new ones. Times are seconds."""

    settle: float = _row(
        values.DURATION,
        "How long a file must be as it is before it is refused as no archive, or only a part of one. "
        "An archive that is whole is not waited for.",
        default="1s",
    )
    mode: Literal["auto", "events", "poll"] = _row(
        values.choice("auto", "events", "poll"),
        "How `watch` learns of new files: by the kernel's events, or by looking again and again. "
        '"auto" looks where events do not tell all, as on network file systems.',
        default="auto",
    )
    poll_interval: float = _row(
        values.DURATION,
        "How long `watch` waits between two looks where it has no events. "
        "It waits longer by itself where looking takes more than a hundredth of a processor.",
        default="5s",
    )


class ServeSection(Struct, frozen=True, kw_only=True):
    """How `serve` answers; a tree behind a web server of your own needs none of it."""

    bind: str = _row(
        values.BIND,
        "Where `serve` listens: an address with a port, or the path of a Unix socket.",
        default="127.0.0.1:8000",
        also=("--bind",),
    )
    admin_bind: str | None = _row(
        values.BIND,
        "Where `/live`, `/ready`, `/ready/publish` and `/metrics` are, if not where all the rest is.",
        example="127.0.0.1:9000",
        also=("--admin-bind",),
    )
    idle_timeout: float = _row(
        values.DURATION,
        "How long a connection may be open before a request comes, or the next, or more of a body.",
        default="60s",
    )
    request_timeout: float = _row(
        values.DURATION,
        "How long a request may take from its head to the end of its answer, the upload of an archive included.",
        default="10m",
    )
    trusted_proxies: tuple[str, ...] = _row(
        values.ADDRESSES,
        "Addresses of web servers in front, whose `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix` are believed. "
        "Whoever connects through a Unix socket is believed as well.",
        default=("127.0.0.1", "::1"),
    )


class PublishSection(Struct, frozen=True, kw_only=True):
    """The publish endpoint, `serve --publish`: who may, and where its private files are."""

    url: str | None = _row(
        values.API,
        "The URL of the web API for `cargo publish`, `yank`, `owner`, `search` and `login`, "
        "as config.json gives it to cargo; without it, none.",
        example="https://crates.example.com",
    )
    private: Whereabouts = _row(
        values.PLACE,
        "The private place, with the tokens and the audit files: a folder, or a bucket that only the endpoint may "
        "read; never inside the tree or the state directory.",
        default="private",
    )
    uploads: int = _row(
        values.COUNT,
        "How many uploads of more than 64 KiB are received at a time; others wait for their turn.",
        default=32,
    )
    changes_per_minute: int | None = _row(
        values.COUNT,
        "How many changes a token may ask for in a minute; more are 429, which cargo does not try again.",
        example=60,
    )
    tokens_file: Path | None = _row(
        values.PATH,
        "A file of tokens beside those of the private folder, read again when it changes: a secret that is mounted "
        "from elsewhere. `token hash` writes its entries.",
        example="/run/secrets/tokens.toml",
        also=("--tokens-file",),
    )
    admins: tuple[str, ...] = _row(
        values.USERS, "Users whose tokens are good for every crate.", default=(), example=["root"]
    )
    teams: tuple[str, ...] = _row(
        values.TEAMS,
        "Teams, each with its users behind its name: `team:NAME` may then own crates.",
        default=(),
        example=["tools alice bob", "pay carol"],
    )
    owners: tuple[str, ...] = _row(
        values.OWNED_NAMES,
        "Names that have owners before anybody publishes them, each a name or a pattern with its owners behind it.",
        default=(),
        example=["pay-* team:pay", "acme alice"],
    )
    trusted: tuple[TrustedRule, ...] = _row(
        TRUSTED,
        "Which jobs of which CI may publish what without a token of their own, each a table `[[publish.trusted]]`; "
        "docs/publishing.md says what it may ask for.",
        default=(),
        example=[
            {
                "issuer": "https://token.actions.githubusercontent.com",
                "repository": "acme/crates",
                "workflow": "release.yml",
                "crates": ["acme-*"],
            }
        ],
    )


class PagesSection(Struct, frozen=True, kw_only=True):
    """What the pages show, and how they look."""

    refused: bool = _row(values.FLAG, "Whether a page lists the refused files with their problems.", default=True)
    images: Literal["all", "no-badges", "local", "none"] = _row(
        values.IMAGES,
        "Which images READMEs show: all, all but those of badge hosts, only those that the archive holds, or none; "
        "the others are links. Those that the archive holds are shown from the tree.",
        default="all",
    )
    precompress: bool = _row(
        values.FLAG,
        "Whether pages and assets have compressed copies beside them (`.gz`, `.br`), which servers send instead; "
        "for a tree in a folder. Needs the extra `precompress`.",
        default=False,
    )
    documentation: str | None = _row(
        values.DOCUMENTATION,
        "Where documentation is of crates whose manifest names none, docs.rs in a mirror; "
        "`{crate}` and `{version}` stand for the release's.",
        example="https://docs.example.com/{crate}/{version}/",
    )
    source: Literal["none", "docs", "all"] = _row(
        values.choice("none", "docs", "all"),
        "Which files of a release can be read on pages of their own: README, CHANGELOG, licences, Cargo.toml and "
        '`src/lib.rs` or `src/main.rs` with "docs", all that are text with "all".',
        default="none",
    )
    source_bytes: int = _row(
        values.COUNT,
        "How many bytes of a release's files have pages at most; what is looked for first goes before the rest.",
        default=2 * 1024 * 1024,
    )
    links: tuple[str, ...] = _row(
        values.LINKS,
        "Links at the foot of every page, and the contacts of crates that name no authors, each a text with the "
        "address behind it: where to ask, how to contribute.",
        default=(),
        example=["Ask us https://chat.example.com/crates", "Handbook https://wiki.example.com/rust"],
    )
    footer: str | None = _row(values.TEXT, "A line at the foot of every page.", example="Run by the platform team.")
    logo: Path | None = _row(
        values.IMAGE, "An image that takes the place of the mark beside the title.", example="logo.svg"
    )
    accent: str | None = _row(
        values.colour("#ffffff"), "The colour of links and buttons on light pages.", example="#7a1f5c"
    )
    accent_dark: str | None = _row(
        values.colour("#1d2127"), "The colour of links and buttons on dark pages.", example="#f2a6d8"
    )
    stylesheet: Path | None = _row(
        values.PATH, "A stylesheet of yours, applied after the pages' own.", example="pages.css"
    )
    templates: Path | None = _row(
        values.PATH,
        "A folder of templates that take the place of those of the same name; site-template/README.md lists them.",
        example="templates",
    )


class Settings(Struct, frozen=True, kw_only=True):
    """Everything that can be set. Paths are absolute if the folder they were resolved from is."""

    registry: RegistrySection
    drop: DropSection
    tree: TreeSection
    state: StateSection
    rules: dict[str, Level]
    """The levels that `[rules]` changes, by rule id."""

    @property
    def levels(self) -> Mapping[str, Level]:
        """The levels that are not the rules' own, be it that this is a mirror or that `[rules]` changes them."""
        return levels_of(self.rules, mirror=self.registry.mode == "mirror")

    mirror: MirrorSection
    advisories: AdvisoriesSection
    dependencies: DependenciesSection
    manifest: ManifestSection
    limits: LimitsSection
    build: BuildSection
    watch: WatchSection
    serve: ServeSection
    publish: PublishSection
    pages: PagesSection
    folder: Path | None = None
    """The folder of registry.toml; what it names for publication lies below it."""
    shared_state: Path | None = None
    """The default state directory, where it is another user's, so that the caller has one of their own."""


def limits_of(settings: Settings) -> Limits:
    """Give the limits to read archives by: what the settings say, and the limits that cannot be set."""
    return Limits(**structs.asdict(settings.limits))
